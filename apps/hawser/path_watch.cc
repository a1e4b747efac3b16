// path_watch.cc: a line is written whole, whatever other threads write.
#include "path_watch.h"

#include <fmt/format.h>

#include <cstdio>

#include "base/address.h"
#include "say.h"

namespace hawser::app {

void PathWatch::on_event(const EventContext&, const PathStateUpdated& event) {
  say("* path {} from {} to {}: {}\n", event.path_id, to_string(event.local), to_string(event.remote),
      event.old_state == event.new_state ? "opened" : event.new_state);
}

void PathWatch::on_event(const EventContext&, const MigrationStateUpdated& event) {
  if (event.new_state != MigrationState::kMigrationComplete) return;
  say("* moved to {}, the server is at {}\n", to_string(event.local), to_string(event.remote));
}

void PathWatch::on_event(const EventContext&, const PathSchedulerUpdated& event) {
  if (event.reason.empty()) return;
  say("* scheduler {} gave up, {} takes over: {}\n", event.old_scheduler, event.new_scheduler, event.reason);
}

}  // namespace hawser::app
