// datagram_order.cc: what is held, by number and by arrival.
#include "quic/datagrams/datagram_order.h"

#include <bit>

#include "base/check.h"

namespace hawser::quic {
namespace {

// Slots are a power of two, so that a number's slot is found by a mask; more than this nobody holds.
constexpr std::size_t kSlotsMax = std::size_t{1} << 20;

}  // namespace

DatagramOrder::DatagramOrder(const DatagramOrderLimits& limits)
    : limits_(limits), mask_(std::bit_ceil(std::clamp<std::size_t>(limits.count, 1, kSlotsMax) + 1) - 1) {}

// Nothing: its place is still to come.
std::optional<DatagramArrival> DatagramOrder::judge(std::uint64_t number) {
  if (number > kNumberMax) {
    ++stats_.late;
    return DatagramArrival::kLate;
  }
  if (!begun_) {
    begun_ = true;
    next_ = limits_.first.value_or(number);
    slots_.resize(mask_ + 1);
  }
  const Slot& slot = slots_[index(number)];
  if (number >= next_) {
    // Beyond this round the slot is another number's.
    if (number - next_ >= slots_.size() || !slot.held) return std::nullopt;
    ++stats_.copies;
    return DatagramArrival::kCopy;
  }
  if (slot.handed_on == number) {
    ++stats_.copies;
    return DatagramArrival::kCopy;
  }
  ++stats_.late;
  // Only of the last round can a copy be told.
  if (next_ - number <= slots_.size()) slots_[index(number)].handed_on = number;
  return DatagramArrival::kLate;
}

void DatagramOrder::hold(std::uint64_t number, Bytes payload, Timestamp now) {
  const std::uint32_t at = index(number);
  Slot& slot = slots_[at];
  HAWSER_DCHECK(!slot.held);
  slot.payload.assign(payload.begin(), payload.end());
  slot.since = now;
  slot.held = true;
  slot.older = newest_;
  slot.newer = kNone;
  (newest_ == kNone ? oldest_ : slots_[newest_].newer) = at;
  newest_ = at;
  ++held_count_;
  held_octets_ += payload.size();
  ++stats_.held;
}

void DatagramOrder::unlink(std::uint32_t at) {
  Slot& slot = slots_[at];
  (slot.older == kNone ? oldest_ : slots_[slot.older].newer) = slot.newer;
  (slot.newer == kNone ? newest_ : slots_[slot.newer].older) = slot.older;
  slot.older = slot.newer = kNone;
  slot.held = false;
  --held_count_;
  held_octets_ -= slot.payload.size();
}

// It is the next, and is handed on.
void DatagramOrder::pass(std::uint64_t number) {
  HAWSER_DCHECK(number == next_);
  slots_[index(number)].handed_on = number;
  ++stats_.in_order;
  ++next_;
}

// Something is held.
std::uint64_t DatagramOrder::lowest_held() const {
  std::uint64_t number = next_;
  while (!slots_[index(number)].held) ++number;
  return number;
}

std::size_t DatagramOrder::memory() const {
  std::size_t octets = slots_.capacity() * sizeof(Slot);
  for (const Slot& slot : slots_) octets += slot.payload.capacity();
  return octets;
}

}  // namespace hawser::quic
