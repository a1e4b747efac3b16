// af_xdp_engine.cc: opening, sleeping, and keeping up with what changes. The way of a datagram is
// in af_xdp_traffic.cc.
#include "net/af_xdp/af_xdp_engine.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <time.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>

#include "base/check.h"

namespace hawser::net {
namespace {

// The guest that is netlink; the others are queues by their index.
constexpr std::uint32_t kChangesGuest = kGuestsMax - 1;

// While no frame is free to send from: nothing tells when the kernel is done with one, so the
// completion rings are looked at this often. 4,096 frames are under way for 5 ms at 10 Gbit/s.
constexpr Duration kReclaimPoll = 100us;
// A send is worth trying again with this part of a queue's frames free.
constexpr std::size_t kRoomShare = 8;

// Ethernet may put a VLAN tag in front of what the MTU counts.
constexpr std::size_t kVlanTagSize = 4;

std::size_t frame_size_for(std::size_t mtu) {
  return kXskHeadroom + kEthernetHeaderSize + kVlanTagSize + mtu <= kXskFrameSmall ? kXskFrameSmall : kXskFrameLarge;
}

Duration monotonic_time() {
  timespec time{};
  (void)clock_gettime(CLOCK_MONOTONIC, &time);
  return Duration{std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec};
}

bool is_any(const PollResult& result) {
  return result.readable || result.writable || result.woken;
}

void merge(PollResult& into, const PollResult& more) {
  into.readable |= more.readable;
  into.writable |= more.writable;
  into.woken |= more.woken;
}

std::unexpected<ConfigError> refusal(std::string message) {
  return std::unexpected(ConfigError{"af_xdp: " + std::move(message)});
}

}  // namespace

// Making one. -------------------------------------------------------------------------------------

std::optional<ConfigError> AfXdpEngine::why_not(const AfXdpOptions& options) {
  if (options.frames < kXdpFramesMin || options.frames > kXdpFramesMax || !std::has_single_bit(options.frames)) {
    return ConfigError{fmt::format("af_xdp: {} frames: give a power of two from {} to {}", options.frames,
                                   kXdpFramesMin, kXdpFramesMax)};
  }
  const Descriptor probe(socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0));
  if (!probe.is_open()) {
    return ConfigError{
        errno == EPERM
            ? "af_xdp: not permitted; run as root, or give the program CAP_NET_RAW, CAP_NET_ADMIN and "
              "CAP_BPF, or take --engine epoll"
            : fmt::format("af_xdp: this kernel has no AF_XDP sockets ({}); take --engine epoll", std::strerror(errno))};
  }
  const auto map = create_bpf_map(
      {.type = BPF_MAP_TYPE_XSKMAP, .key_size = 4, .value_size = 4, .entries = 1, .name = "hawser_probe"});
  if (!map) return ConfigError{"af_xdp: " + map.error().message};
  return std::nullopt;
}

AfXdpEngine::AfXdpEngine(const AfXdpOptions& options, std::unique_ptr<EpollEngine> kernel,
                         std::unique_ptr<RouteTable> routes, NetlinkSocket asker)
    : options_(options), kernel_(std::move(kernel)), routes_(std::move(routes)), asker_(std::move(asker)) {}

std::expected<std::unique_ptr<AfXdpEngine>, ConfigError> AfXdpEngine::create(const AfXdpOptions& options,
                                                                             const EpollOptions& epoll) {
  if (auto reason = why_not(options)) return std::unexpected(*std::move(reason));
  HAWSER_TRY(auto kernel, EpollEngine::create(epoll));
  HAWSER_TRY(auto routes, RouteTable::open());
  HAWSER_TRY(NetlinkSocket asker, NetlinkSocket::open());
  if (!kernel->watch_guest(routes->fd(), kChangesGuest)) return refusal("netlink: no room in epoll");
  return std::unique_ptr<AfXdpEngine>(new AfXdpEngine(options, std::move(kernel), std::move(routes), std::move(asker)));
}

AfXdpEngine::~AfXdpEngine() {
  for (std::uint32_t i = 0; i < sockets_.size(); ++i) {
    if (sockets_[i].is_open) close(SocketId{i});
  }
}

std::string AfXdpEngine::describe() const {
  std::string text(to_string(kind()));
  for (const Link& link : links_) {
    text += fmt::format("{}{} {}", &link == links_.data() ? ": " : "; ", link.interface.name,
                        link.program->native() ? "native" : "generic");
    if (link.queues == 0) {
      text += ", no queue";
      continue;
    }
    const XskSocket& first = *queues_[link.first_queue].socket;
    text += fmt::format(", {}, queue", first.zero_copy() ? "zero-copy" : "copy");
    for (std::size_t i = 0; i < link.queues; ++i) {
      text += fmt::format("{}{}", i == 0 ? " " : ",", queues_[link.first_queue + i].socket->options().queue);
    }
  }
  return text;
}

// Opening and closing. ----------------------------------------------------------------------------

std::expected<SocketId, ConfigError> AfXdpEngine::open(const UdpOptions& options) {
  HAWSER_TRY(std::vector<std::size_t> links, links_for(options));
  UdpOptions with_kernel = options;
  // A generic program sees datagrams after GRO, and would take two small ones for a large one.
  const bool generic = std::ranges::any_of(links_, [](const Link& link) { return !link.program->native(); });
  if (generic) {
    with_kernel.gro = false;
    kernel_->stop_coalescing();
  }
  HAWSER_TRY(const SocketId id, kernel_->open(with_kernel));
  Socket& socket = sockets_[id.value];
  socket = {.is_open = true,
            .dont_fragment = options.dont_fragment,
            .dual_stack = options.dual_stack,
            .local = kernel_->local_address(id),
            .links = std::move(links)};
  sync_destinations(socket);
  return id;
}

std::expected<std::vector<std::size_t>, ConfigError> AfXdpEngine::links_for(const UdpOptions& options) {
  HAWSER_TRY(const auto chosen, choose_interfaces(list_interfaces(asker_), options_.interfaces, options.local));
  std::vector<std::size_t> links;
  for (const NetInterface& interface : chosen) {
    HAWSER_TRY(const std::size_t link, take_link(interface));
    links.push_back(link);
  }
  return links;
}

std::expected<std::size_t, ConfigError> AfXdpEngine::take_link(const NetInterface& interface) {
  for (std::size_t i = 0; i < links_.size(); ++i) {
    if (links_[i].interface.index == interface.index) return i;
  }
  Link link{.interface = interface, .first_queue = queues_.size()};
  const std::size_t frame_max = frame_size_for(interface.mtu) - kXskHeadroom;
  // The program first: some drivers have the queues that a socket may bind to only under one.
  HAWSER_TRY(link.program, XdpInterface::acquire(interface, {.frame_max = frame_max, .mode = options_.mode}));
  if (auto opened = open_queues(link, links_.size()); !opened) {
    queues_.resize(link.first_queue);
    return std::unexpected(opened.error());
  }
  if (!collector_) collector_.emplace(kXskFrameLarge);
  links_.push_back(std::move(link));
  return links_.size() - 1;
}

std::expected<void, ConfigError> AfXdpEngine::open_queues(Link& link, std::size_t link_index) {
  std::vector<std::uint32_t> queues = options_.queues;
  if (queues.empty()) {
    const std::uint32_t count = std::min(count_receive_queues(link.interface.name), kXdpQueuesMax);
    for (std::uint32_t queue = 0; queue < count; ++queue) queues.push_back(queue);
  }
  for (std::size_t i = options_.worker; i < queues.size(); i += options_.workers) {
    if (queues_.size() == kQueuesMax) {
      return refusal(
          fmt::format("{} has more queues than the {} that a worker can serve; give --workers, or those to "
                      "serve with --xdp-queue",
                      link.interface.name, kQueuesMax));
    }
    HAWSER_TRY(auto socket, XskSocket::open({.interface_index = link.interface.index,
                                             .interface_name = link.interface.name,
                                             .queue = queues[i],
                                             .frames = options_.frames,
                                             .frame_size = frame_size_for(link.interface.mtu),
                                             .zero_copy = options_.zero_copy}));
    if (!kernel_->watch_guest(socket->fd(), static_cast<std::uint32_t>(queues_.size())) ||
        !link.program->set_socket(queues[i], socket->fd())) {
      return refusal(fmt::format("{}, queue {}: give one below {}", link.interface.name, queues[i], kXdpQueuesMax));
    }
    queues_.push_back({.socket = std::move(socket), .link = link_index});
    ++link.queues;
  }
  return {};
}

void AfXdpEngine::close(SocketId id) {
  Socket& socket = sockets_.at(id.value);
  HAWSER_CHECK(socket.is_open);
  for (const Taken& taken : socket.taken) links_[taken.link].program->remove_destination(taken.address);
  socket = {};
  kernel_->close(id);
}

SocketAddress AfXdpEngine::local_address(SocketId socket) const {
  return kernel_->local_address(socket);
}

UdpCapabilities AfXdpEngine::capabilities(SocketId socket) const {
  return kernel_->capabilities(socket);
}

// Has the programs take what the socket is bound to: its address, or every address that its
// interfaces have now.
void AfXdpEngine::sync_destinations(Socket& socket) {
  std::vector<Taken> wanted;
  for (const std::size_t link : socket.links) {
    for (SocketAddress address : links_[link].interface.addresses) {
      const bool speaks =
          address.family == socket.local.family || (socket.dual_stack && socket.local.family == AddressFamily::kIpv6);
      if (!speaks || !(is_unspecified(socket.local) || address.ip == socket.local.ip)) continue;
      address.port = socket.local.port;
      wanted.push_back({.link = link, .address = address});
    }
  }
  for (const Taken& old : socket.taken) {
    if (std::ranges::find(wanted, old) == wanted.end()) links_[old.link].program->remove_destination(old.address);
  }
  std::vector<Taken> taken;
  for (const Taken& now : wanted) {
    const bool already = std::ranges::find(socket.taken, now) != socket.taken.end();
    if (already || links_[now.link].program->add_destination(now.address)) taken.push_back(now);
  }
  socket.taken = std::move(taken);
}

// Routes are asked for anew as they are used; addresses and MTUs are read here.
void AfXdpEngine::on_changes() {
  if (!routes_->read_changes().interfaces) return;
  const std::vector<NetInterface> now = list_interfaces(asker_);
  for (Link& link : links_) {
    const auto found = std::ranges::find(now, link.interface.index, &NetInterface::index);
    if (found != now.end()) {
      link.interface = *found;
    } else {
      link.interface.addresses.clear();  // it is gone, and its routes with it
    }
  }
  for (Socket& socket : sockets_) {
    if (socket.is_open) sync_destinations(socket);
  }
  // What waits for room on an interface may now have another way.
  if (blocked_) pending_.writable = true;
}

// Sleeping. ---------------------------------------------------------------------------------------

bool AfXdpEngine::has_arrivals() const {
  return std::ranges::any_of(queues_, [](const Queue& queue) { return queue.socket->arrived() != 0; });
}

// Offers again what a device had no room for. True if it still has none.
bool AfXdpEngine::flush_leftovers() {
  bool left = false;
  for (Queue& queue : queues_) {
    if (queue.socket->wants_flush()) queue.socket->flush(counters_.send_calls);
    left = left || queue.socket->wants_flush();
  }
  return left;
}

// Takes back what has been sent, and says whether that made room for the train that had none.
bool AfXdpEngine::has_room_again() {
  XskSocket& socket = *queues_[blocked_queue_].socket;
  socket.reclaim();
  return socket.room() >= socket.options().frames / kRoomShare;
}

PollResult AfXdpEngine::poll_once(Duration timeout) {
  PollResult result = std::exchange(pending_, PollResult{});
  const bool has_leftovers = flush_leftovers();
  result.readable |= has_arrivals();
  result.writable |= blocked_ && has_room_again();
  if (is_any(result)) timeout = Duration::zero();
  const bool cut = (blocked_ || has_leftovers) && (timeout < Duration::zero() || timeout > kReclaimPoll);
  merge(result, kernel_->poll(cut ? kReclaimPoll : timeout));
  const std::uint64_t ready = kernel_->take_ready_guests();
  if ((ready >> kChangesGuest & 1) != 0) on_changes();
  result.readable |= (ready & ~(std::uint64_t{1} << kChangesGuest)) != 0;
  result.writable |= blocked_ && has_room_again();
  merge(result, std::exchange(pending_, PollResult{}));
  if (result.writable) blocked_ = false;
  return result;
}

PollResult AfXdpEngine::poll(Duration timeout) {
  const bool for_ever = timeout < Duration::zero();
  const Duration deadline = timeout > Duration::zero() ? monotonic_time() + timeout : Duration::zero();
  while (true) {
    const PollResult result = poll_once(timeout);
    if (is_any(result) || timeout == Duration::zero()) return result;
    // Changes of the network end a sleep early, and so do frames that wait.
    if (for_ever) continue;
    timeout = deadline - monotonic_time();
    if (timeout <= Duration::zero()) return result;
  }
}

// In a loop that always finds something to receive, poll() may not be called for long: sockets,
// routes and wake-ups are looked at here then.
void AfXdpEngine::look_around() {
  pending_ = poll_once(Duration::zero());
}

void AfXdpEngine::wake() {
  kernel_->wake();
}

// Accounts. ---------------------------------------------------------------------------------------

UdpCounters AfXdpEngine::counters() const {
  UdpCounters sum = kernel_->counters();
  sum += counters_;
  return sum;
}

std::uint64_t AfXdpEngine::kernel_drops() const {
  std::uint64_t sum = kernel_->kernel_drops();
  for (const Queue& queue : queues_) sum += queue.socket->drops();
  return sum;
}

AfXdpEngine::Bypassed AfXdpEngine::bypassed() const {
  return {.received = counters_.datagrams_received, .sent = counters_.datagrams_sent};
}

}  // namespace hawser::net
