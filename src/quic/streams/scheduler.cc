// scheduler.cc: two lists for each urgency.
#include "quic/streams/scheduler.h"

#include <bit>

namespace hawser::quic {

// rfc9218:10-in-order
void StreamScheduler::add(Stream& stream) {
  if (levels_ == nullptr) [[unlikely]]
    levels_ = std::make_unique<Levels>();
  Level& level = (*levels_)[stream.priority.urgency];
  nonempty_ = static_cast<std::uint8_t>(nonempty_ | 1u << stream.priority.urgency);
  if (stream.priority.incremental) {
    level.in_turns.push_back(stream);
    return;
  }
  if (level.in_order.empty() || stream.id < level.in_order.front()->id) {
    level.in_order.insert_after(nullptr, stream);
    return;
  }
  Stream* position = level.in_order.back();
  while (stream.id < position->id) position = List::before(*position);
  level.in_order.insert_after(position, stream);
}

void StreamScheduler::remove(Stream& stream) {
  Level& level = (*levels_)[stream.priority.urgency];
  (stream.priority.incremental ? level.in_turns : level.in_order).remove(stream);
  if (level.in_order.empty() && level.in_turns.empty())
    nonempty_ = static_cast<std::uint8_t>(nonempty_ & ~(1u << stream.priority.urgency));
}

// rfc9218:10-urgency rfc9218:10-incremental
Stream* StreamScheduler::next() const {
  if (nonempty_ == 0) return nullptr;
  const Level& level = (*levels_)[static_cast<std::size_t>(std::countr_zero(nonempty_))];
  const bool incremental = level.in_order.empty() || (level.turn_of_incremental && !level.in_turns.empty());
  return incremental ? level.in_turns.front() : level.in_order.front();
}

// rfc9218:10-share
void StreamScheduler::on_served(Stream& stream) {
  Level& level = (*levels_)[stream.priority.urgency];
  level.turn_of_incremental = !stream.priority.incremental;
  if (!stream.priority.incremental) return;
  level.in_turns.remove(stream);
  level.in_turns.push_back(stream);
}

}  // namespace hawser::quic
