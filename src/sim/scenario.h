// scenario.h: named stories of two endpoints and a bad network, each a composition plus a
// seed, and the invariants that must hold at every step of them. A failure names the command
// line that replays it.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/time.h"

namespace hawser {
class EventSink;  // events/event_sink.h
}

namespace hawser::sim {

struct ScenarioInfo {
  std::string_view name;         // "burst_loss"
  std::string_view description;  // one sentence
};

// Every scenario, in the order in which --list shows them.
std::span<const ScenarioInfo> scenarios();

struct ScenarioOptions {
  std::uint64_t seed = 1;
  EventSink* events = nullptr;  // hears all events of both ends; not owned
};

struct ScenarioResult {
  bool passed = false;
  std::string failure;       // what broke, with the virtual time, if it did
  std::string replay;        // "hawser sim --scenario=loss --seed=0x5eed"
  std::uint64_t digest = 0;  // equal for equal scenario and seed
  Duration virtual_time{0};
  std::uint64_t datagrams_sent = 0;
  std::uint64_t datagrams_delivered = 0;
  std::uint64_t stream_bytes = 0;  // received intact, both ends together
};

// Runs a scenario to its end. An unknown name gives passed == false and says so.
ScenarioResult run_scenario(std::string_view name, const ScenarioOptions& options);

}  // namespace hawser::sim
