// paths.cc: what bonding costs: one stream over two paths of the loopback device, by every scheduler, beside one path.
// Neither path is ever the bottleneck, so what differs is the CPU time of trains that are cut short, of data
// that comes out of order and is copied, and of the second path's acknowledgements.
#include <fmt/format.h>

#include "scenarios.h"

namespace hawser::compare {
namespace {

// The CPU time of both ends together is what two paths are asked about: throughput follows whoever is busier.
Measured download(const Session& session, const Arguments& server_options, const std::string& interfaces) {
  const auto sample = perf_download(session, server_options, {"--paths", interfaces});
  if (!sample) return sample;
  const double sender = (*sample)[1];
  const double receiver = (*sample)[2];
  return Sample{8 / (sender + receiver), (*sample)[0], sender, receiver};
}

}  // namespace

Scenario paths(const Session& session) {
  Scenario scenario{
      .name = "paths",
      .title = fmt::format("One stream, {} MiB, two paths over the loopback device beside one",
                           session.options().transfer_octets() >> 20),
      .metrics = {{.key = "throughput_gbit_per_cpu_s_of_both_ends", .title = "Gbit/CPU s"},
                  {.key = "throughput_gbit_per_s", .title = "Gbit/s"},
                  {.key = "sender_cpu_s_per_gb", .title = "sender s/GB", .decimals = 3, .less_is_better = true},
                  {.key = "receiver_cpu_s_per_gb", .title = "receiver s/GB", .decimals = 3, .less_is_better = true}}};
  const Session* const s = &session;
  scenario.add({"one path", "hawser perf client --paths lo", "", true}, [s] { return download(*s, {}, "lo"); });
  for (const char* const scheduler :
       {"min-rtt", "round-robin", "weighted", "blest", "ecf", "latency", "deadline", "redundant"})
    scenario.add({scheduler, fmt::format("--paths lo,lo, the server with --scheduler {}", scheduler), "", true},
                 [s, scheduler] { return download(*s, {"--scheduler", scheduler}, "lo,lo"); });
  return scenario;
}

}  // namespace hawser::compare
