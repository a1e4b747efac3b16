// scenario.h: named stories of two endpoints and a bad network, each a composition plus a
// seed, and the invariants that must hold at every step of them. A failure names the command
// line that replays it.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/time.h"
#include "events/event_sink.h"

namespace hawser::sim {

struct ScenarioInfo {
  std::string_view name;         // "burst_loss"
  std::string_view description;  // one sentence
};

// Every scenario, in the order in which --list shows them.
std::span<const ScenarioInfo> scenarios();

struct SetupText;  // sim/setup_text.h

class WireObserver;  // sim/world.h

// A rule of one's own, looked at after every step.
class ExtraCheck : public EventSink {
 public:
  // Empty while it holds.
  [[nodiscard]] virtual const std::string& failure() const = 0;
  // A run begins.
  virtual void begin() = 0;
};

struct ScenarioOptions {
  std::uint64_t seed = 1;
  EventSink* events = nullptr;   // hears all events of both ends; not owned
  ExtraCheck* check = nullptr;   // likewise
  WireObserver* wire = nullptr;  // sees every datagram; likewise
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
// Runs one that is written down; its seed counts, not that of the options.
ScenarioResult run_scenario(const SetupText& scenario, const ScenarioOptions& options);
// What a named scenario is with this seed; `name` is one of scenarios().
SetupText scenario_text(std::string_view name, std::uint64_t seed);

}  // namespace hawser::sim
