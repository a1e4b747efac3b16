// datagram_order.cc: the public face of quic::DatagramOrder, with a clock.
#include "hawser/datagram_order.h"

#include <algorithm>
#include <deque>

#include "quic/datagrams/datagram_order.h"
#include "runtime/clock.h"

namespace hawser {
namespace {

quic::DatagramOrderLimits translated(const DatagramOrderOptions& options) {
  return {.wait = std::chrono::milliseconds(options.wait_ms),
          .count = options.count_max,
          .octets = options.octets_max,
          .deliver_late = options.deliver_late,
          .first = options.first_is_zero ? std::optional<std::uint64_t>(0) : std::nullopt};
}
static_assert(static_cast<int>(DatagramArrival::kCopy) == static_cast<int>(quic::DatagramArrival::kCopy));
static_assert(static_cast<int>(DatagramArrival::kLate) == static_cast<int>(quic::DatagramArrival::kLate));

}  // namespace

struct DatagramOrder::Impl {
  quic::DatagramOrder order;
  std::deque<std::vector<std::uint8_t>> ready;

  auto taker() {
    return [this](Bytes payload) { ready.emplace_back(payload.begin(), payload.end()); };
  }
};

DatagramOrder::DatagramOrder(const DatagramOrderOptions& options)
    : impl_(new Impl{.order = quic::DatagramOrder(translated(options)), .ready = {}}) {}
DatagramOrder::~DatagramOrder() = default;
DatagramOrder::DatagramOrder(DatagramOrder&&) noexcept = default;
DatagramOrder& DatagramOrder::operator=(DatagramOrder&&) noexcept = default;

DatagramArrival DatagramOrder::push(std::uint64_t number, std::span<const std::uint8_t> payload) {
  return static_cast<DatagramArrival>(impl_->order.push(number, payload, runtime::current_time(), impl_->taker()));
}

std::optional<std::vector<std::uint8_t>> DatagramOrder::pop() {
  if (impl_->ready.empty()) impl_->order.on_time(runtime::current_time(), impl_->taker());
  if (impl_->ready.empty()) return std::nullopt;
  std::vector<std::uint8_t> next = std::move(impl_->ready.front());
  impl_->ready.pop_front();
  return next;
}

unsigned DatagramOrder::due_in_ms(unsigned most) const {
  if (!impl_->ready.empty()) return 0;
  const Timestamp due = impl_->order.due();
  if (due == kNever) return most;
  const Duration rest = std::max(due - runtime::current_time(), Duration{0});
  const std::int64_t ms = (rest + std::chrono::microseconds(999)) / std::chrono::milliseconds(1);
  return static_cast<unsigned>(std::min<std::int64_t>(ms, most));
}

DatagramOrderCounters DatagramOrder::counters() const {
  const quic::DatagramOrderStats& stats = impl_->order.stats();
  return {.in_order = stats.in_order,
          .held = stats.held,
          .late = stats.late,
          .copies = stats.copies,
          .given_up = stats.given_up};
}

}  // namespace hawser
