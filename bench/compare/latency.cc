// latency.cc: a request of 100 octets and a response of as many, a thousand times a second on a
// connection that is idle between; beside a bare echo of datagrams through the same engine.
#include <fmt/format.h>

#include "scenarios.h"

namespace hawser::compare {
namespace {

// Long enough for some hundred samples above the 99th percentile.
constexpr int kQuickFactor = 1;
constexpr int kFactor = 2;

std::string duration(const Session& session) {
  return fmt::format("{}", session.options().seconds() * (session.options().quick ? kQuickFactor : kFactor));
}

Sample sample_of(const std::string& json, const std::string& what) {
  return {json_value(json, "latency_us_p50"), json_value(json, "latency_us_p90"), json_value(json, "latency_us_p99"),
          json_value(json, "server_cpu_us_per_" + what)};
}

Measured echo(const Session& session, const Arguments& more) {
  Arguments command{session.options().bench + "/pump/udp_echo", "--seconds", duration(session), "--cpus",
                    fmt::format("{},{}", session.options().cpus[0], session.options().cpus[1])};
  command.insert(command.end(), more.begin(), more.end());
  const auto finished = run_client(session, {}, command);
  if (!finished) return std::unexpected(finished.error());
  return sample_of(finished->output, "exchange");
}

Measured perf(const Session& session, const Arguments& more) {
  const auto server = start_perf_server(session, session.server_cpu(), more);
  if (!server) return std::unexpected(server.error());
  Arguments options{"--latency", "--duration", duration(session)};
  options.insert(options.end(), more.begin(), more.end());
  const auto client = run_perf_client(session, *server, options);
  if (!client) return std::unexpected(client.error());
  return sample_of(client->output, "request");
}

}  // namespace

Scenario latency(const Session& session) {
  Scenario scenario{
      .name = "latency",
      .title = "Round trip of 100 octets on an idle connection",
      .metrics = {{.key = "latency_us_p50", .title = "p50 us", .decimals = 1, .less_is_better = true},
                  {.key = "latency_us_p90", .title = "p90 us", .decimals = 1, .less_is_better = true},
                  {.key = "latency_us_p99", .title = "p99 us", .decimals = 1, .less_is_better = true},
                  {.key = "server_cpu_us_per_exchange", .title = "server us", .decimals = 1, .less_is_better = true}}};
  const Session* const s = &session;
  const Arguments spin{"--spin", "1000"};
  scenario.add({"UDP echo", "udp_echo: no protocol"}, [s] { return echo(*s, {}); });
  scenario.add({"hawser", "hawser perf --latency", "", true}, [s] { return perf(*s, {}); });
  scenario.add({"UDP echo, spinning", "udp_echo --spin 1000"}, [s, spin] { return echo(*s, spin); });
  scenario.add({"hawser, spinning", "hawser perf --latency --spin 1000", "", true},
               [s, spin] { return perf(*s, spin); });
  return scenario;
}

}  // namespace hawser::compare
