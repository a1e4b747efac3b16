// timer_wheel.cc: slots, what happens when time passes, and the search for the earliest.
// Called once or twice per batch, so nothing here needs to be inlined.
#include "base/timer_wheel.h"

namespace hawser {

void TimerWheel::set(TimerNode& node, Timestamp deadline) {
  if (deadline == kNever) {
    remove(node);
    return;
  }
  if (deadline < next_) {
    next_ = deadline;
  } else if (node.deadline == next_ && deadline != next_) {
    next_known_ = false;
  }
  node.deadline = deadline;
  const std::uint64_t tick = tick_of(deadline);
  if (node.is_set()) {
    if (tick >= node.slot_tick) return;
    unlink(node);
  }
  place(node, tick);
}

void TimerWheel::remove(TimerNode& node) {
  if (!node.is_set()) return;
  if (node.deadline == next_) next_known_ = false;
  unlink(node);
  node.deadline = kNever;
}

// The level is that of the highest digit in which the tick differs from the one at hand.
void TimerWheel::place(TimerNode& node, std::uint64_t tick) {
  const std::uint64_t differing = (tick ^ now_tick_) | 1;
  const auto level = static_cast<std::size_t>(std::bit_width(differing) - 1) / kLevelBits;
  const std::size_t shift = level * kLevelBits;
  const std::size_t slot = (tick >> shift) & (kSlots - 1);
  node.slot_tick = tick >> shift << shift;
  TimerNode*& head = heads_[level * kSlots + slot];
  node.next = head;
  node.link = &head;
  if (head != nullptr) head->link = &node.next;
  head = &node;
  slots_[level] |= std::uint64_t{1} << slot;
  levels_ |= std::uint32_t{1} << level;
}

void TimerWheel::unlink(TimerNode& node) {
  *node.link = node.next;
  if (node.next != nullptr) {
    node.next->link = node.link;
  } else if (node.link >= heads_.data() && node.link < heads_.data() + heads_.size()) {
    mark_empty(static_cast<std::size_t>(node.link - heads_.data()));
  }
  node.link = nullptr;
}

void TimerWheel::mark_empty(std::size_t index) {
  const std::size_t level = index / kSlots;
  slots_[level] &= ~(std::uint64_t{1} << index % kSlots);
  if (slots_[level] == 0) levels_ &= ~(std::uint32_t{1} << level);
}

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
