// counters.h: counts events by kind, for metrics and tests.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "events/event_sink.h"

namespace hawser {

class EventCounters final : public EventSink {
 public:
  explicit EventCounters(EventMask mask = kAllEvents) : EventSink(mask) {}

#define EVENT(Name, group, qlog, doc) \
  void on_event(const EventContext&, const Name&) override { ++counts_[static_cast<std::size_t>(EventKind::k##Name)]; }
#define FIELD(Type, member, qlog)
#define END(Name)
#include "events/event_table.inc"
#undef EVENT
#undef FIELD
#undef END

  // counters.of<PacketLost>()
  template <class Event>
  [[nodiscard]] std::uint64_t of() const {
    return counts_[static_cast<std::size_t>(Event::kKind)];
  }
  [[nodiscard]] std::uint64_t of(EventKind kind) const { return counts_[static_cast<std::size_t>(kind)]; }
  [[nodiscard]] std::uint64_t total() const {
    std::uint64_t sum = 0;
    for (const std::uint64_t count : counts_) sum += count;
    return sum;
  }

 private:
  std::array<std::uint64_t, kEventKinds> counts_{};
};

// The counter's name in a metrics system, without prefix: "quic_packet_lost".
inline std::string counter_name(EventKind kind) {
  std::string name{kEventTable[static_cast<std::size_t>(kind)].qlog_name};
  name[name.find(':')] = '_';
  return name;
}

}  // namespace hawser
