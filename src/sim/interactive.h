// interactive.h: small requests beside a bulk transfer over several links: how long they take, with each scheduler.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/time.h"
#include "sim/drawn_link.h"

namespace hawser::sim {

struct InteractivePlan {
  std::vector<DrawnLink> links;
  std::string controller = "cubic";
  std::string scheduler = "latency";
  std::uint64_t per_second = 50;
  std::size_t bytes = 1'000;  // of a request, and of its answer
  Duration from = 3s;         // slow start is over
  Duration until = 23s;
  bool download = true;  // of the bulk
  bool bulk = true;      // false: the requests alone
  std::uint64_t seed = 1;
};

struct InteractiveResult {
  std::string failure;
  std::size_t answered = 0;
  Duration p50{0};
  Duration p99{0};
  Duration longest{0};
  double bulk_mbit_per_second = 0;
  Duration fastest_rtt{0};  // of the links, idle

  [[nodiscard]] double p99_in_rtts() const { return to_seconds(p99) / to_seconds(fastest_rtt); }
};

InteractiveResult run_interactive(const InteractivePlan& plan);

}  // namespace hawser::sim
