// engines.cc: the same transfer through each way into the kernel, and through the one that
// `auto` takes.
#include "net/make_engine.h"
#include "scenarios.h"

namespace hawser::compare {
namespace {

std::string obstacle_to(net::EngineKind kind) {
  if (const auto obstacle = net::why_not(kind, {})) return obstacle->message;
  // Everything here runs over loopback.
  return kind == net::EngineKind::kAfXdp ? "loopback has no frames; docs/engines.md has it over a veth pair" : "";
}

}  // namespace

Scenario engines(const Session& session) {
  Scenario scenario{
      .name = "engines", .title = "One stream through each engine, a core each side", .metrics = transfer_metrics()};
  const Session* const s = &session;
  const auto best = std::string(net::to_string(net::choose_engine({})));
  scenario.add({"auto (" + best + ")", "hawser perf --engine auto on both sides", "", true},
               [s] { return perf_download(*s, {}, {}); });
  for (const net::EngineKind kind : {net::EngineKind::kEpoll, net::EngineKind::kIoUring, net::EngineKind::kAfXdp}) {
    const std::string name(net::to_string(kind));
    const Arguments engine{"--engine", name};
    scenario.add({name, "hawser perf --engine " + name + " on both sides", obstacle_to(kind), true},
                 [s, engine] { return perf_download(*s, engine, engine); });
  }
  return scenario;
}

}  // namespace hawser::compare
