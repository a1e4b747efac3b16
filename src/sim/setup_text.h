// setup_text.h: a scenario as text: one line for each thing that is not as usual. What the
// search writes when it has found something, and `hawser sim --scenario FILE` reads.
//
//   seed 0x1f
//   link delay duration=20ms
//   link up drop probability=0.05
//   client.congestion_control newreno
//   command close side=client at=300ms
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "sim/setup.h"

namespace hawser::sim {

struct SetupText {
  Setup setup;
  std::uint64_t seed = 1;
};

std::string to_text(const SetupText& scenario);
// The error names the line. Elements that are shared objects have no text.
std::expected<SetupText, ConfigError> parse_setup(std::string_view text);

// All scenarios one step simpler than this one, the boldest first: a line left out, a value back
// at its default, a number halved. What the judgement of a run depends on stays.
std::vector<Setup> simpler(const Setup& setup);

}  // namespace hawser::sim
