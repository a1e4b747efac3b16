// lane.cc: the loop of a direction. It sleeps in ppoll with the thread's timer slack at one
// nanosecond, which wakes it within some tens of microseconds of a deadline.
#include "lane.h"

#include <cerrno>
#include <ctime>
#include <stdexcept>

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <unistd.h>

namespace hawser::lab {
namespace {

// Packets moved before the other half of the loop gets its turn: at 1 Gbit/s these are
// three quarters of a millisecond.
constexpr int kBatch = 64;

// Room for the largest packet a device with this MTU hands over.
std::size_t slot_size(const LinkOptions& options) {
  return std::max<std::size_t>(2048, std::max(options.to_server.mtu, options.to_client.mtu) + std::size_t{64});
}

}  // namespace

Timestamp monotonic_now() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return Timestamp(Duration(std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec));
}

Lane::Lane(Direction direction, int from, int to, const LinkOptions& options, Nat& nat, std::uint64_t seed)
    : direction_(direction),
      from_(from),
      to_(to),
      wake_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)),
      nat_(nat),
      model_(lane_of(options), slot_size(options), seed) {
  if (wake_ < 0) throw std::runtime_error("cannot create an eventfd");
  configure(options);
}

Lane::~Lane() {
  stop();
  ::close(wake_);
}

void Lane::start() {
  thread_ = std::thread([this] { run(); });
}

void Lane::stop() {
  if (!thread_.joinable()) return;
  stopping_.store(true);
  ::eventfd_write(wake_, 1);
  thread_.join();
}

const LaneOptions& Lane::lane_of(const LinkOptions& options) const {
  return direction_ == Direction::kToServer ? options.to_server : options.to_client;
}

void Lane::configure(const LinkOptions& options) {
  const std::lock_guard lock(mutex_);
  changed_ = options;
  has_changes_.store(true);
  ::eventfd_write(wake_, 1);
}

void Lane::take_changes(Timestamp now) {
  if (!has_changes_.load(std::memory_order_relaxed)) return;
  const std::lock_guard lock(mutex_);
  has_changes_.store(false);
  model_.configure(lane_of(*changed_));
  if (direction_ == Direction::kToServer && changed_->rebind_every != rebind_every_) {
    rebind_every_ = changed_->rebind_every;
    next_rebind_ = rebind_every_ > Duration(0) ? now + rebind_every_ : kNever;
  }
}

void Lane::rebind_when_due(Timestamp now) {
  if (now < next_rebind_) return;
  nat_.rebind();
  next_rebind_ = now + rebind_every_;
}

void Lane::run() {
  ::prctl(PR_SET_TIMERSLACK, 1);
  while (!stopping_.load(std::memory_order_relaxed)) {
    const Timestamp now = monotonic_now();
    take_changes(now);
    rebind_when_due(now);
    const bool wrote = write_packets();
    const bool read = read_packets();
    if (!wrote && !read) sleep();
  }
}

bool Lane::read_packets() {
  for (int i = 0; i < kBatch; ++i) {
    const Packet slot = model_.arrival_slot();
    const ssize_t size = ::read(from_, slot.data(), slot.size());
    if (size <= 0) return i > 0;
    const Packet packet = slot.first(static_cast<std::size_t>(size));
    if (direction_ == Direction::kToServer) {
      nat_.translate_to_server(packet);
    } else if (!nat_.translate_to_client(packet)) {
      model_.counters().nat_drops.add();
      continue;
    }
    model_.on_packet(packet.size(), monotonic_now());
  }
  return true;
}

bool Lane::write_packets() {
  const Timestamp now = monotonic_now();
  for (int i = 0; i < kBatch; ++i) {
    const Packet packet = model_.next_delivery(now);
    if (packet.empty()) return i > 0;
    if (::write(to_, packet.data(), packet.size()) < 0) {
      model_.counters().device_drops.add();
    } else {
      model_.counters().delivered.add();
      model_.counters().delivered_bytes.add(packet.size());
    }
  }
  return true;
}

void Lane::sleep() {
  const Timestamp deadline = std::min(model_.next_deadline(), next_rebind_);
  timespec timeout{};
  if (deadline != kNever) {
    const std::int64_t left = std::max<std::int64_t>(0, (deadline - monotonic_now()).count());
    timeout = {left / 1'000'000'000, left % 1'000'000'000};
  }
  pollfd ready[] = {{from_, POLLIN, 0}, {wake_, POLLIN, 0}};
  ::ppoll(ready, 2, deadline == kNever ? nullptr : &timeout, nullptr);
  eventfd_t ignored = 0;
  if ((ready[1].revents & POLLIN) != 0) ::eventfd_read(wake_, &ignored);
}

}  // namespace hawser::lab
