// events.h: what happened inside the protocol, as plain structs. Each is declared once, in
// event_table.inc; this header turns the table into types.
//
// A struct is filled with designated initialisers and dies with the call that reports it:
//   events.emit(PacketLost{.packet_number = 7, .size = 1'200});
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "base/time.h"
#include "events/event_types.h"

namespace hawser {

// What a sink can choose not to hear, so that the core need not build it.
enum class EventGroup : std::uint8_t {
  kConnection,  // a few per connection, and dropped packets
  kPackets,     // at least one for every packet
  kRecovery,    // one for most acknowledgements
  kTimers,      // several for every packet
  kStreams,     // a few per stream and one per read or write
  kHttp,        // a few per request
  kEndpoint,    // answers without a connection
};

// Bits by EventGroup.
using EventMask = std::uint32_t;
constexpr EventMask event_bit(EventGroup group) {
  return EventMask{1} << static_cast<unsigned>(group);
}
inline constexpr EventMask kAllEvents = ~EventMask{0};
inline constexpr EventMask kNoEvents = 0;

// The position of each event in the table, from 0.
enum class EventKind : std::uint8_t {
#define EVENT(Name, group, qlog, doc) k##Name,
#define FIELD(Type, member, qlog)
#define END(Name)
#include "events/event_table.inc"
#undef EVENT
#undef FIELD
#undef END
};

#define EVENT(Name, group, qlog, doc)                       \
  struct Name {                                             \
    static constexpr EventKind kKind = EventKind::k##Name;  \
    static constexpr EventGroup kGroup = EventGroup::group; \
    static constexpr std::string_view kQlogName = qlog;     \
    static constexpr std::string_view kDoc = doc;
#define FIELD(Type, member, qlog) Type member{};
#define END(Name) \
  }               \
  ;
#include "events/event_table.inc"
#undef EVENT
#undef FIELD
#undef END

// visit_fields(event, visitor) calls visitor("qlog field", value) for each field in order.
#define EVENT(Name, group, qlog, doc) \
  template <class Visitor>            \
  void visit_fields(const Name& event, Visitor&& visitor) {
#define FIELD(Type, member, qlog) visitor(std::string_view{qlog}, event.member);
#define END(Name) }
#include "events/event_table.inc"
#undef EVENT
#undef FIELD
#undef END

// A row of the table for programs that list events: metrics, docs, tests.
struct EventInfo {
  std::string_view name;  // "PacketLost"
  EventGroup group;
  std::string_view qlog_name;  // "quic:packet_lost"; counters.h makes the counter's name of it
  std::string_view doc;
};

inline constexpr EventInfo kEventTable[] = {
#define EVENT(Name, group, qlog, doc) {#Name, EventGroup::group, qlog, doc},
#define FIELD(Type, member, qlog)
#define END(Name)
#include "events/event_table.inc"
#undef EVENT
#undef FIELD
#undef END
};

inline constexpr std::size_t kEventKinds = sizeof(kEventTable) / sizeof(kEventTable[0]);

}  // namespace hawser
