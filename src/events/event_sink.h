// event_sink.h: the seam between the core, which reports events, and whoever listens: qlog,
// counters, tests. Nothing here allocates; a core without a sink pays one branch.
#pragma once

#include <cstdint>

#include "base/bytes.h"
#include "base/time.h"
#include "events/events.h"

namespace hawser {

// Which connection, when, and seen from which end.
struct EventContext {
  // Unique among the connections of one endpoint, from 1; 0 for events of the endpoint.
  std::uint64_t connection = 0;
  // The Destination Connection ID of the client's first packet: the same at both ends, and
  // the name of the log (qlog main schema -14). Lives at least as long as the call.
  Bytes original_destination_cid;
  Timestamp now;
  Vantage vantage = Vantage::kUnknown;
  // The number of the 4-tuple that the event is about, as TupleAssigned gave it; 0: that of the
  // handshake, or none in particular.
  std::uint64_t tuple = 0;
};

// Derive and override the events wanted; those not overridden are ignored. Calls come on the
// thread that drives the endpoint and must not call back into it.
class EventSink {
 public:
  explicit EventSink(EventMask mask = kAllEvents) : mask_(mask) {}
  virtual ~EventSink() = default;

#define EVENT(Name, group, qlog, doc) \
  virtual void on_event(const EventContext&, const Name&) {}
#define FIELD(Type, member, qlog)
#define END(Name)
#include "events/event_table.inc"
#undef EVENT
#undef FIELD
#undef END

  // Asked once for each connection, when it begins. False: nothing is told of it.
  [[nodiscard]] virtual bool follows(const EventContext&) const { return true; }
  // False: the core skips events of this group without building them.
  [[nodiscard]] bool wants(EventGroup group) const { return (mask_ & event_bit(group)) != 0; }
  [[nodiscard]] EventMask mask() const { return mask_; }

 protected:
  void set_mask(EventMask mask) { mask_ = mask; }

 private:
  EventMask mask_;
};

// The core's end: a sink that may be absent, with the context that goes with each event.
// A connection keeps one and sets its time with each input.
class EventEmitter {
 public:
  EventEmitter() = default;
  // `sink` may be null; it is not owned. The octets of context.original_destination_cid must
  // outlive this object.
  EventEmitter(EventSink* sink, const EventContext& context)
      : sink_(sink != nullptr && sink->follows(context) ? sink : nullptr), context_(context) {}

  void set_now(Timestamp now) { context_.now = now; }
  // Of the events that follow; see EventContext.
  void set_tuple(std::uint64_t tuple) { context_.tuple = tuple; }
  // Nothing more is told.
  void stop() { sink_ = nullptr; }
  // Ask before building an event that costs something to build.
  [[nodiscard]] bool wants(EventGroup group) const { return sink_ != nullptr && sink_->wants(group); }

  template <class Event>
  void emit(const Event& event) const {
    if (wants(Event::kGroup)) [[unlikely]]
      sink_->on_event(context_, event);
  }

  [[nodiscard]] EventSink* sink() const { return sink_; }
  [[nodiscard]] const EventContext& context() const { return context_; }

 private:
  EventSink* sink_ = nullptr;
  EventContext context_;
};

}  // namespace hawser
