// tee.h: hands each event to several sinks.
#pragma once

#include <cstddef>
#include <vector>

#include "events/event_sink.h"

namespace hawser {

class EventTee final : public EventSink {
 public:
  EventTee() : EventSink(kNoEvents) {}

  // Not owned; must outlive the tee. Each sink hears only what its own mask lets in.
  void add(EventSink& sink) {
    sinks_.push_back(&sink);
    set_mask(mask() | sink.mask());
  }
  [[nodiscard]] std::size_t size() const { return sinks_.size(); }

  // Each sink is asked, as one may take note of the question. One that does not follow a connection hears of it for
  // the sake of one that does.
  [[nodiscard]] bool follows(const EventContext& context) const override {
    bool any = false;
    for (const EventSink* sink : sinks_) any |= sink->follows(context);
    return any;
  }

#define EVENT(Name, group, qlog, doc)                                      \
  void on_event(const EventContext& context, const Name& event) override { \
    for (EventSink * sink : sinks_)                                        \
      if (sink->wants(Name::kGroup)) sink->on_event(context, event);       \
  }
#define FIELD(Type, member, qlog)
#define END(Name)
#include "events/event_table.inc"
#undef EVENT
#undef FIELD
#undef END

 private:
  std::vector<EventSink*> sinks_;
};

}  // namespace hawser
