// engines.cc: the same transfer through each way into the kernel, and through the one that
// `auto` takes.
#include "net/make_engine.h"
#include "scenarios.h"

namespace hawser::compare {

Scenario engines(const Session& session) {
  Scenario scenario{
      .name = "engines", .title = "One stream through each engine, a core each side", .metrics = transfer_metrics()};
  const Session* const s = &session;
  const auto best = std::string(net::to_string(net::choose_engine({})));
  scenario.add({"auto (" + best + ")", "hawser perf --engine auto on both sides", "", true},
               [s] { return perf_download(*s, {}, {}); });
  for (const net::EngineKind kind : {net::EngineKind::kEpoll, net::EngineKind::kIoUring, net::EngineKind::kAfXdp}) {
    const std::string name(net::to_string(kind));
    const auto obstacle = net::why_not(kind, {});
    std::string missing = obstacle ? obstacle->message : "";
    // The transfers here cross loopback, which has no frames to take.
    if (kind == net::EngineKind::kAfXdp)
      missing = "it needs a network interface; docs/engines.md has it over a veth pair";
    const Arguments engine{"--engine", name};
    scenario.add({name, "hawser perf --engine " + name + " on both sides", missing, true},
                 [s, engine] { return perf_download(*s, engine, engine); });
  }
  return scenario;
}

}  // namespace hawser::compare
