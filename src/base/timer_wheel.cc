// timer_wheel.cc: what happens when time passes, and the search for the earliest deadline.
#include "base/timer_wheel.h"

namespace hawser {

// Finer levels come before coarser ones. The wheel is not empty.
TimerWheel::Slot TimerWheel::first_slot() const {
  const auto level = static_cast<std::size_t>(std::countr_zero(levels_));
  const auto slot = static_cast<std::size_t>(std::countr_zero(slots_[level]));
  const std::size_t shift = level * kLevelBits;
  const std::uint64_t digits_above = now_tick_ >> shift >> kLevelBits << kLevelBits;
  return {.level = level, .index = level * kSlots + slot, .tick = (digits_above | slot) << shift};
}

TimerNode* TimerWheel::pop(Timestamp now) {
  for (;;) {
    advance(now);
    TimerNode* const& head = heads_[now_tick_ & (kSlots - 1)];
    if (head == nullptr) break;
    if (TimerNode* due = take_due(head, now)) return due;
    if (head != nullptr) break;  // due later within this tick
  }
  // It may be the beginning of a slot that has become empty.
  if (next_ <= now) next_known_ = false;
  return nullptr;
}

// Stops at a tick that has objects: only pop() and next() know whether they are still due.
void TimerWheel::advance(Timestamp now) {
  const std::uint64_t tick = tick_at(now);
  while (levels_ != 0) {
    const Slot first = first_slot();
    if (first.tick > tick) break;
    now_tick_ = first.tick;
    if (first.level == 0) return;
    move_down(first);
  }
  if (tick > now_tick_) now_tick_ = tick;
}

// Time has come to a coarse slot: its objects go to finer ones.
void TimerWheel::move_down(const Slot& slot) {
  next_known_ = false;
  TimerNode* node = heads_[slot.index];
  heads_[slot.index] = nullptr;
  mark_empty(slot.index);
  while (node != nullptr) {
    TimerNode* const following = node->next;
    place(*node, tick_of(node->deadline));
    node = following;
  }
}

// `node` is the first one of the tick at hand.
TimerNode* TimerWheel::take_due(TimerNode* node, Timestamp now) {
  while (node != nullptr) {
    TimerNode* const following = node->next;
    if (node->deadline <= now) {
      remove(*node);
      return node;
    }
    if (const std::uint64_t tick = tick_of(node->deadline); tick != now_tick_) {
      unlink(*node);
      place(*node, tick);
    }
    node = following;
  }
  return nullptr;
}

void TimerWheel::find_next() {
  next_ = kNever;
  next_known_ = true;
  while (levels_ != 0 && !find_next_in(first_slot())) {
  }
}

// False if the slot had only objects whose deadlines have moved, and is empty now.
bool TimerWheel::find_next_in(const Slot& slot) {
  const std::size_t shift = slot.level * kLevelBits;
  std::size_t seen = 0;
  for (TimerNode* node = heads_[slot.index]; node != nullptr;) {
    if (slot.level != 0 && ++seen > kScanMax) {
      next_ = Timestamp{Duration{static_cast<std::int64_t>(slot.tick << kTickBits)}};
      return true;
    }
    TimerNode* const following = node->next;
    if (const std::uint64_t tick = tick_of(node->deadline); tick >> shift != slot.tick >> shift) {
      unlink(*node);
      place(*node, tick);
    } else if (node->deadline < next_) {
      next_ = node->deadline;
    }
    node = following;
  }
  return heads_[slot.index] != nullptr;
}

}  // namespace hawser
