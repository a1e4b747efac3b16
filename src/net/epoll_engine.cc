// epoll_engine.cc: readiness by epoll, time to the nanosecond, datagrams by UdpSocket.
#include "net/epoll_engine.h"

#include <fmt/format.h>
#include <sys/epoll.h>
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
      waker_(EFD_NONBLOCK),
      receive_pool_(options.receive_slots),
      transmit_pool_(options.transmit_slots) {}

std::expected<std::unique_ptr<EpollEngine>, ConfigError> EpollEngine::create(const EpollOptions& options) {
  if (options.receive_slots == 0 || options.transmit_slots == 0) {
    return std::unexpected(ConfigError{"engine: give at least one receive slot and one transmit slot"});
  }
  std::unique_ptr<EpollEngine> engine{new EpollEngine(options)};
  engine->epoll_ = epoll_create1(EPOLL_CLOEXEC);
  if (engine->epoll_ < 0) return resource_error("epoll");
  if (!engine->waker_.is_open() || !add_to_epoll(engine->epoll_, engine->waker_.fd(), kWakeEvent))
    return resource_error("eventfd");
  engine->timer_ = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
  if (engine->timer_ < 0 || !add_to_epoll(engine->epoll_, engine->timer_, kTimerEvent))
    return resource_error("timerfd");
  return engine;
}

EpollEngine::~EpollEngine() {
  for (const int fd : {epoll_, timer_}) {
    if (fd >= 0) ::close(fd);
  }
}

std::expected<SocketId, ConfigError> EpollEngine::open(const UdpOptions& options) {
  HAWSER_TRY(const std::uint32_t index, sockets_.find_free());
  HAWSER_TRY(UdpSocket opened, UdpSocket::open(options));
  if (!add_to_epoll(epoll_, opened.fd(), index)) return resource_error("epoll");
  sockets_.put(index, std::move(opened)).maybe_readable = true;
  return SocketId{index};
}

void EpollEngine::close(SocketId socket) {
  sockets_.remove(socket);  // closing the descriptor takes it out of epoll
}

SocketAddress EpollEngine::local_address(SocketId socket) const {
  return sockets_.socket(socket).local_address();
}

UdpCapabilities EpollEngine::capabilities(SocketId socket) const {
  return sockets_.socket(socket).capabilities();
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
    drain_counter(waker_.fd());
    waker_.on_read();
    result.woken = true;
  } else if (source == kTimerEvent) {
    drain_counter(timer_);
  } else if (source >= kFirstGuestEvent) {
    ready_guests_ |= std::uint64_t{1} << (source - kFirstGuestEvent);
  } else {
    if ((what & (EPOLLIN | EPOLLERR | EPOLLHUP)) != 0) sockets_[source].maybe_readable = result.readable = true;
    if ((what & EPOLLOUT) != 0) {
      watch_writable(source, false);
      result.writable = true;
    }
  }
}

void EpollEngine::watch_writable(std::size_t index, bool wanted) {
  Slot& slot = sockets_[index];
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
  const std::size_t index = sockets_.find(tuple);
  return index == kSocketsMax ? nullptr : &sockets_.socket(SocketId{static_cast<std::uint32_t>(index)});
}

void EpollEngine::stop_coalescing() {
  for (std::size_t i = 0; i < sockets_.used(); ++i) {
    if (sockets_[i].socket) sockets_[i].socket->stop_coalescing();
  }
}

// What waits on several sockets comes in one batch: where a connection uses several paths, most gaps that one leaves
// are closed by the other, and nothing behind them is copied.
std::size_t EpollEngine::receive(std::span<ReceivedTrain> out) {
  std::size_t waiting = 0;
  for (std::size_t i = 0; i < sockets_.used(); ++i) waiting += sockets_[i].socket && sockets_[i].maybe_readable;
  std::size_t filled = 0;
  std::size_t slot = 0;
  const std::size_t first = next_to_read_++;
  for (std::size_t i = 0; waiting != 0 && filled < out.size() && slot < receive_pool_.size(); ++i) {
    Slot& from = sockets_[(first + i) % sockets_.used()];
    if (!from.socket || !from.maybe_readable) continue;
    bool drained = false;
    const std::size_t room = std::min(out.size() - filled, receive_pool_.size() - slot);
    const std::size_t share = (room + waiting - 1) / waiting;  // what one does not use is left to those after it
    filled += from.socket->receive(out.subspan(filled, share), receive_pool_, slot, drained);
    from.maybe_readable = !drained;
    --waiting;
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

std::size_t EpollEngine::send(std::span<TransmitTrain> trains) {
  return sockets_.send(
      trains, [this](std::size_t index, std::span<TransmitTrain> run) { return sockets_[index].socket->send(run); },
      [this](std::size_t index) { watch_writable(index, true); });
}

void EpollEngine::wake() {
  waker_.wake();
}

UdpCounters EpollEngine::counters() const {
  return sockets_.counters();
}

std::uint64_t EpollEngine::kernel_drops() const {
  return sockets_.kernel_drops();
}

}  // namespace hawser::net
