// datagram_order.h: puts the datagrams of a flow back into the order of their numbers, for whoever takes them over
// several paths and cannot use them out of order: a tunnel whose TCP would see loss, a decoder without a queue of its
// own.
//
// DATAGRAM frames have no number (RFC 9221 section 5), so that the application's messages bring one. What comes in
// order goes through without a copy. What comes early is held until what is missing comes, or until it was held for
// `wait`: no datagram is ever held longer. Memory is bounded by number and octets; past either, what is missing is
// given up at once. Sans-I/O: the caller brings the time and calls on_time() by due().
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "base/time.h"

namespace hawser::quic {

struct DatagramOrderLimits {
  Duration wait{50'000'000};       // the longest that a datagram is held; 0: nothing is held
  std::size_t count = 1'024;       // datagrams held at a time, and how far numbers may be apart; at least 1
  std::size_t octets = 1'048'576;  // of the payloads held
  bool deliver_late = false;       // what comes after its place was given up: handed on out of order, else dropped
  std::optional<std::uint64_t> first = 0;  // number of the first; nothing: that of whichever comes first
};

// What became of a datagram: handed on in its place; held; too late for its place; handed on or held before.
enum class DatagramArrival : std::uint8_t { kInOrder, kHeld, kLate, kCopy };

struct DatagramOrderStats {
  std::uint64_t in_order = 0;  // handed on in their place, held before or not
  std::uint64_t held = 0;      // of those and of what is held now: which had to wait
  std::uint64_t late = 0;
  std::uint64_t copies = 0;
  std::uint64_t given_up = 0;  // numbers that were waited for in vain; some may have come late
};

class DatagramOrder {
 public:
  static constexpr std::uint64_t kNumberMax = (std::uint64_t{1} << 62) - 1;

  explicit DatagramOrder(const DatagramOrderLimits& limits);

  // A datagram came. `number` counts the flow's datagrams from first, one each; beyond kNumberMax, where only a liar
  // gets, it is taken for a late one. deliver(Bytes) is called
  // for each that can be handed on now, in order; its view is valid during the call, which must not call this object.
  template <class Deliver>
  DatagramArrival push(std::uint64_t number, Bytes payload, Timestamp now, Deliver&& deliver);
  // When on_time() has something to do; kNever: nothing is held.
  [[nodiscard]] Timestamp due() const { return oldest_ == kNone ? kNever : slots_[oldest_].since + limits_.wait; }
  // Hands on what was held for the longest time allowed, and what stands before it.
  template <class Deliver>
  void on_time(Timestamp now, Deliver&& deliver);

  [[nodiscard]] const DatagramOrderStats& stats() const { return stats_; }
  [[nodiscard]] std::size_t held_count() const { return held_count_; }
  [[nodiscard]] std::size_t held_octets() const { return held_octets_; }
  // Octets on the heap.
  [[nodiscard]] std::size_t memory() const;

 private:
  static constexpr std::uint32_t kNone = ~std::uint32_t{0};
  // Memory of a larger payload is given back when it is handed on.
  static constexpr std::size_t kKeptCapacity = 2'048;

  // Of a number modulo the number of slots: one that is held, and the last of these numbers that was handed on.
  struct Slot {
    std::vector<std::uint8_t> payload;
    Timestamp since{};
    std::uint64_t handed_on = ~std::uint64_t{0};
    std::uint32_t older = kNone;  // among those held, by arrival
    std::uint32_t newer = kNone;
    bool held = false;
  };

  [[nodiscard]] std::uint32_t index(std::uint64_t number) const { return static_cast<std::uint32_t>(number & mask_); }
  [[nodiscard]] std::optional<DatagramArrival> judge(std::uint64_t number);
  [[nodiscard]] bool has_room(std::size_t octets) const {
    return held_count_ < limits_.count && held_octets_ + octets <= limits_.octets;
  }
  void hold(std::uint64_t number, Bytes payload, Timestamp now);
  void unlink(std::uint32_t at);
  void pass(std::uint64_t number);
  [[nodiscard]] std::uint64_t lowest_held() const;
  template <class Deliver>
  void hand_on_until(std::uint64_t end, Deliver&& deliver);
  template <class Deliver>
  void hand_on_run(Deliver&& deliver);
  template <class Deliver>
  void hand_on_next(Deliver&& deliver);

  DatagramOrderLimits limits_;
  std::uint64_t mask_;
  std::vector<Slot> slots_;  // made with the first that is held or handed on
  std::uint64_t next_ = 0;   // all below was handed on or given up
  bool begun_ = false;
  std::uint32_t oldest_ = kNone;  // by arrival
  std::uint32_t newest_ = kNone;
  std::size_t held_count_ = 0;
  std::size_t held_octets_ = 0;
  DatagramOrderStats stats_;
};

// The next number is held: hands it on.
template <class Deliver>
void DatagramOrder::hand_on_next(Deliver&& deliver) {
  const std::uint32_t at = index(next_);
  Slot& slot = slots_[at];
  unlink(at);
  pass(next_);
  deliver(Bytes(slot.payload));
  if (slot.payload.capacity() > kKeptCapacity) slot.payload = {};
  slot.payload.clear();
}

template <class Deliver>
void DatagramOrder::hand_on_run(Deliver&& deliver) {
  while (held_count_ != 0 && slots_[index(next_)].held) hand_on_next(deliver);
}

// Gives up what is missing below `end` and hands on what is held below it.
template <class Deliver>
void DatagramOrder::hand_on_until(std::uint64_t end, Deliver&& deliver) {
  while (next_ < end) {
    if (held_count_ == 0) {
      stats_.given_up += end - next_;
      next_ = end;
    } else if (slots_[index(next_)].held) {
      hand_on_next(deliver);
    } else {
      ++stats_.given_up;
      ++next_;
    }
  }
}

template <class Deliver>
DatagramArrival DatagramOrder::push(std::uint64_t number, Bytes payload, Timestamp now, Deliver&& deliver) {
  on_time(now, deliver);
  if (const std::optional<DatagramArrival> arrival = judge(number)) {
    if (*arrival == DatagramArrival::kLate && limits_.deliver_late) deliver(payload);
    return *arrival;
  }
  // Held are numbers of one round of the slots only.
  if (number - next_ >= slots_.size()) {
    hand_on_until(number - slots_.size() + 1, deliver);
    hand_on_run(deliver);
  }
  while (number != next_ && !has_room(payload.size()) && held_count_ != 0) {
    hand_on_until(std::min(lowest_held(), number), deliver);
    hand_on_run(deliver);
  }
  if (number != next_ && has_room(payload.size()) && limits_.wait > Duration{0}) {
    hold(number, payload, now);
    return DatagramArrival::kHeld;
  }
  hand_on_until(number, deliver);
  pass(number);
  deliver(payload);
  hand_on_run(deliver);
  return DatagramArrival::kInOrder;
}

template <class Deliver>
void DatagramOrder::on_time(Timestamp now, Deliver&& deliver) {
  while (oldest_ != kNone && slots_[oldest_].since + limits_.wait <= now) {
    // Its number is the one of this round of the slots.
    const std::uint64_t number = next_ + ((oldest_ - next_) & mask_);
    hand_on_until(number + 1, deliver);
    hand_on_run(deliver);
  }
}

}  // namespace hawser::quic
