// path_watch.h: what `hawser get -v` says of a connection's paths while they come and go, and of its moves, as lines on
// standard error.
#pragma once

#include "events/event_sink.h"

namespace hawser::app {

class PathWatch final : public EventSink {
 public:
  PathWatch() : EventSink(event_bit(EventGroup::kConnection)) {}
  void on_event(const EventContext& context, const PathStateUpdated& event) override;
  void on_event(const EventContext& context, const MigrationStateUpdated& event) override;
  void on_event(const EventContext& context, const PathSchedulerUpdated& event) override;
};

}  // namespace hawser::app
