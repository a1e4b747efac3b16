// epoll_engine.cc: readiness by epoll, time to the nanosecond, datagrams by UdpSocket.
#include "net/epoll_engine.h"

#include <fmt/format.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/check.h"

namespace hawser::net {
namespace {

// What epoll reports besides socket indices.
constexpr std::uint64_t kWakeEvent = kSocketsMax;
constexpr std::uint64_t kTimerEvent = kSocketsMax + 1;
constexpr std::uint64_t kFirstGuestEvent = kSocketsMax + 2;
constexpr int kEventsMax = static_cast<int>(kSocketsMax) + 2;

timespec to_timespec(Duration duration) {
  const std::int64_t ns = std::max<std::int64_t>(duration.count(), 0);
  return {.tv_sec = ns / 1'000'000'000, .tv_nsec = ns % 1'000'000'000};
}

bool add_to_epoll(int epoll, int fd, std::uint64_t data) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = data;
  return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0;
}

void drain_counter(int fd) {
  std::uint64_t count = 0;
  (void)!::read(fd, &count, sizeof count);
}

std::unexpected<ConfigError> resource_error(std::string_view what) {
  return std::unexpected(
      ConfigError{fmt::format("{}: {} (raise the limit of open files?)", what, std::strerror(errno))});
}

}  // namespace

EpollEngine::EpollEngine(const EpollOptions& options)
    : precise_timeout_(options.precise_timeout),
      receive_pool_(options.receive_slots),
      transmit_pool_(options.transmit_slots) {}

std::expected<std::unique_ptr<EpollEngine>, ConfigError> EpollEngine::create(const EpollOptions& options) {
  if (options.receive_slots == 0 || options.transmit_slots == 0) {
    return std::unexpected(ConfigError{"engine: give at least one receive slot and one transmit slot"});
  }
  std::unique_ptr<EpollEngine> engine{new EpollEngine(options)};
  engine->epoll_ = epoll_create1(EPOLL_CLOEXEC);
  if (engine->epoll_ < 0) return resource_error("epoll");
  engine->wake_ = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (engine->wake_ < 0 || !add_to_epoll(engine->epoll_, engine->wake_, kWakeEvent)) return resource_error("eventfd");
  engine->timer_ = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
  if (engine->timer_ < 0 || !add_to_epoll(engine->epoll_, engine->timer_, kTimerEvent))
    return resource_error("timerfd");
  return engine;
}

EpollEngine::~EpollEngine() {
  for (const int fd : {epoll_, wake_, timer_}) {
    if (fd >= 0) ::close(fd);
  }
}

std::expected<SocketId, ConfigError> EpollEngine::open(const UdpOptions& options) {
  const auto free = std::ranges::find_if(slots_, [](const Slot& slot) { return !slot.socket; });
  if (free == slots_.end()) {
    return std::unexpected(
        ConfigError{fmt::format("engine: it has {} sockets already, and no room for more", kSocketsMax)});
  }
  HAWSER_TRY(UdpSocket opened, UdpSocket::open(options));
  const auto index = static_cast<std::uint32_t>(free - slots_.begin());
  if (!add_to_epoll(epoll_, opened.fd(), index)) return resource_error("epoll");
  free->socket.emplace(std::move(opened));
  free->maybe_readable = true;
  free->wants_writable = false;
  slots_used_ = std::max<std::size_t>(slots_used_, index + 1);
  return SocketId{index};
}

void EpollEngine::close(SocketId socket) {
  Slot& slot = slots_.at(socket.value);
  HAWSER_CHECK(slot.socket.has_value());
  closed_counters_ += slot.socket->counters();
  closed_drops_ += slot.socket->kernel_drops();
  slot.socket.reset();  // closing the descriptor takes it out of epoll
  slot = {};
}

SocketAddress EpollEngine::local_address(SocketId socket) const {
  HAWSER_CHECK(slots_.at(socket.value).socket.has_value());
  return slots_[socket.value].socket->local_address();
}

UdpCapabilities EpollEngine::capabilities(SocketId socket) const {
  HAWSER_CHECK(slots_.at(socket.value).socket.has_value());
  return slots_[socket.value].socket->capabilities();
}

PollResult EpollEngine::poll(Duration timeout) {
  std::array<epoll_event, kEventsMax> events;
  const timespec time = to_timespec(timeout);
  int count = -1;
  if (precise_timeout_) {
    count = epoll_pwait2(epoll_, events.data(), kEventsMax, timeout < Duration::zero() ? nullptr : &time, nullptr);
    if (count < 0 && errno == ENOSYS) precise_timeout_ = false;  // older than Linux 5.11
  }
  if (!precise_timeout_) {
    const itimerspec once{.it_interval = {}, .it_value = time};  // all zero: no timer
    (void)timerfd_settime(timer_, 0, &once, nullptr);
    count = epoll_wait(epoll_, events.data(), kEventsMax, timeout == Duration::zero() ? 0 : -1);
  }
  PollResult result;
  for (std::size_t i = 0; i < static_cast<std::size_t>(std::max(count, 0)); ++i) {
    take_event(events[i].data.u64, events[i].events, result);
  }
  return result;
}

void EpollEngine::take_event(std::uint64_t source, std::uint32_t what, PollResult& result) {
  if (source == kWakeEvent) {
    drain_counter(wake_);
    // After the drain: a wake() from here on writes anew. The exchange also makes visible
    // what the waking thread did before it called.
    wake_pending_.exchange(false, std::memory_order_acq_rel);
    result.woken = true;
  } else if (source == kTimerEvent) {
    drain_counter(timer_);
  } else if (source >= kFirstGuestEvent) {
    ready_guests_ |= std::uint64_t{1} << (source - kFirstGuestEvent);
  } else {
    if ((what & (EPOLLIN | EPOLLERR | EPOLLHUP)) != 0) slots_[source].maybe_readable = result.readable = true;
    if ((what & EPOLLOUT) != 0) {
      watch_writable(source, false);
      result.writable = true;
    }
  }
}

void EpollEngine::watch_writable(std::size_t index, bool wanted) {
  Slot& slot = slots_[index];
  if (slot.wants_writable == wanted) return;
  slot.wants_writable = wanted;
  epoll_event event{};
  event.events = EPOLLIN | (wanted ? EPOLLOUT : 0u);
  event.data.u64 = index;
  HAWSER_CHECK(epoll_ctl(epoll_, EPOLL_CTL_MOD, slot.socket->fd(), &event) == 0);
}

bool EpollEngine::watch_guest(int fd, std::uint32_t guest) {
  HAWSER_CHECK(guest < kGuestsMax);
  return add_to_epoll(epoll_, fd, kFirstGuestEvent + guest);
}

const UdpSocket* EpollEngine::serving(const FourTuple& tuple) const {
  const std::size_t index = socket_for(tuple);
  return index == kSocketsMax ? nullptr : &*slots_[index].socket;
}

void EpollEngine::stop_coalescing() {
  for (Slot& slot : slots_) {
    if (slot.socket) slot.socket->stop_coalescing();
  }
}

std::size_t EpollEngine::receive(std::span<ReceivedTrain> out) {
  std::size_t filled = 0;
  std::size_t used_slots = 0;
  const std::size_t first = next_to_read_++;
  for (std::size_t i = 0; i < slots_used_ && filled < out.size() && used_slots < receive_pool_.size(); ++i) {
    Slot& slot = slots_[(first + i) % slots_used_];
    if (!slot.socket || !slot.maybe_readable) continue;
    bool drained = false;
    const std::size_t room = std::min(out.size() - filled, receive_pool_.size() - used_slots);
    filled += slot.socket->receive(out.subspan(filled, room), receive_pool_, used_slots, drained);
    // A read that discards a datagram has used its slot as well, so slots are counted by
    // what could have been read.
    used_slots += drained ? 0 : std::min(room, kMessagesPerCall);
    slot.maybe_readable = !drained;
  }
  return filled;
}

std::size_t EpollEngine::lend(std::span<TransmitTrain> out) {
  const std::size_t count = std::min(out.size(), transmit_pool_.size());
  for (std::size_t i = 0; i < count; ++i) {
    out[i].buffer = transmit_pool_.slot(i).first(kGsoPayloadMax);
    out[i].size = 0;
    out[i].max_segments = kGsoSegmentsMax;
  }
  return count;
}

std::size_t EpollEngine::socket_for(const FourTuple& tuple) const {
  for (std::size_t i = 0; i < slots_used_; ++i) {
    if (slots_[i].socket && slots_[i].socket->serves(tuple)) return i;
  }
  return kSocketsMax;
}

std::size_t EpollEngine::send(std::span<TransmitTrain> trains) {
  std::size_t done = 0;
  while (done < trains.size()) {
    const std::size_t index = socket_for(trains[done].tuple);
    std::size_t run = 1;
    while (done + run < trains.size() && socket_for(trains[done + run].tuple) == index) ++run;
    if (index == kSocketsMax) {  // its socket was closed: a network that lost the link
      for (std::size_t i = 0; i < run; ++i) send_unserved_ += trains[done + i].segments();
      done += run;
      continue;
    }
    const std::size_t sent = slots_[index].socket->send(trains.subspan(done, run));
    done += sent;
    if (sent < run) {
      watch_writable(index, true);
      break;
    }
  }
  return done;
}

void EpollEngine::wake() {
  if (wake_pending_.exchange(true, std::memory_order_acq_rel)) return;
  const std::uint64_t one = 1;
  (void)!::write(wake_, &one, sizeof one);
}

UdpCounters EpollEngine::counters() const {
  UdpCounters sum = closed_counters_;
  sum.send_unreachable += send_unserved_;
  for (const Slot& slot : slots_) {
    if (slot.socket) sum += slot.socket->counters();
  }
  return sum;
}

std::uint64_t EpollEngine::kernel_drops() const {
  std::uint64_t sum = closed_drops_;
  for (const Slot& slot : slots_) {
    if (slot.socket) sum += slot.socket->kernel_drops();
  }
  return sum;
}

}  // namespace hawser::net
