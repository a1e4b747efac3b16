// timer_wheel.h: deadlines of many objects, each of which stands in the wheel at most once.
// Intrusive, and exact to the nanosecond: setting, moving and removing a deadline takes the
// same few steps for ten objects and for a million, and never allocates.
//
// Deadlines of one tick share a slot of the finest level; those further away share slots of
// 64, 64 * 64, ... ticks, and go to a finer level once time has come near. A deadline that
// moves later, as those of connections do with every packet, leaves its object where it is:
// the wheel finds out when it gets there. Time in which nothing is due is passed over at
// once, however long it is.
//
// A four-ary heap, which this replaced, is 7 ns faster for a single object, slower from ten
// on, and takes two to seven times as long among 100,000 (docs/performance.md).
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "base/time.h"

namespace hawser {

// Inherit or embed. Must not move while set.
struct TimerNode {
  Timestamp deadline = kNever;
  std::uint64_t slot_tick = 0;  // where its slot begins
  TimerNode* next = nullptr;    // in the same slot
  TimerNode** link = nullptr;   // what points here; nullptr: not set

  [[nodiscard]] bool is_set() const { return link != nullptr; }
};

class TimerWheel {
 public:
  TimerWheel() = default;
  TimerWheel(const TimerWheel&) = delete;
  TimerWheel& operator=(const TimerWheel&) = delete;

  [[nodiscard]] bool empty() const { return levels_ == 0; }

  // Sets or moves; kNever removes.
  void set(TimerNode& node, Timestamp deadline);

  void remove(TimerNode& node);

  // The earliest deadline; kNever when empty. Where a coarse slot with more than kScanMax
  // objects comes first, it is the beginning of that slot, which is earlier: pop() finds
  // nothing then, and the next answer is closer. At most once for each level.
  Timestamp next() {
    if (!next_known_) find_next();
    return next_;
  }

  // Takes out an object whose deadline is not after `now`; nullptr if there is none. In the
  // order of deadlines but for those within one tick. `now` never goes back.
  TimerNode* pop(Timestamp now);

  // Tells the time between calls of pop(): deadlines that are set then are sorted by how far
  // they are from it.
  void advance(Timestamp now);

 private:
  // 4 us: at a million timeouts a second four of them share the finest slot.
  static constexpr int kTickBits = 12;
  static constexpr int kLevelBits = 6;
  static constexpr std::size_t kSlots = std::size_t{1} << kLevelBits;
  // All of the 63 bits that a time after the epoch can have.
  static constexpr std::size_t kLevels = (63 - kTickBits + kLevelBits - 1) / kLevelBits;
  // Objects of a slot that next() looks at; eight cost about as much as one wake-up too many.
  static constexpr std::size_t kScanMax = 8;

  struct Slot {
    std::size_t level = 0;
    std::size_t index = 0;   // of heads_
    std::uint64_t tick = 0;  // where it begins
  };

  static std::uint64_t tick_at(Timestamp time) {
    const std::int64_t ns = time.time_since_epoch().count();
    return ns < 0 ? 0 : static_cast<std::uint64_t>(ns) >> kTickBits;
  }
  // Where a deadline belongs: one that has passed belongs to the tick at hand.
  [[nodiscard]] std::uint64_t tick_of(Timestamp deadline) const {
    const std::uint64_t tick = tick_at(deadline);
    return tick < now_tick_ ? now_tick_ : tick;
  }

  void place(TimerNode& node, std::uint64_t tick);

  void unlink(TimerNode& node);

  void mark_empty(std::size_t index);

  [[nodiscard]] Slot first_slot() const;
  void move_down(const Slot& slot);
  TimerNode* take_due(TimerNode* node, Timestamp now);
  void find_next();
  bool find_next_in(const Slot& slot);

  std::uint64_t now_tick_ = 0;                  // the tick at hand; no slot before it is used
  std::uint32_t levels_ = 0;                    // a bit for each level that is not empty
  bool next_known_ = true;                      // next_ holds
  Timestamp next_ = kNever;                     // as next() says
  std::array<std::uint64_t, kLevels> slots_{};  // a bit for each slot that is not empty
  std::array<TimerNode*, kLevels * kSlots> heads_{};
};

}  // namespace hawser
