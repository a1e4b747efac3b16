// workers.cc: what a second server thread adds. The client needs CPU time too, so on a machine of
// two CPUs the rate cannot double; CPU time per request shows whether workers hinder each other.
#include <fmt/format.h>

#include "scenarios.h"

namespace hawser::compare {
namespace {

Measured load(const Session& session, int workers) {
  const Options& o = session.options();
  const std::vector<int> cpus = workers == 1 ? session.server_cpu() : o.cpus;
  const auto server = start_serve(session, cpus, {"--workers", std::to_string(workers), "--pin"});
  if (!server) return std::unexpected(server.error());
  const double before = server->process->cpu_seconds();
  const auto client =
      run_client(session, workers == 1 ? session.client_cpu() : o.cpus,
                 {o.hawser, "load", "-c", "10", "-m", "100", "-t", std::to_string(workers), "-k", "--json", "-D",
                  fmt::format("{}", o.seconds()), "https://" + server->address + "/1k"});
  if (!client) return std::unexpected(client.error());
  const double cpu = server->process->cpu_seconds() - before;
  const double done = json_value(client->output, "requests_done");
  return Sample{cpu * 1e6 / done, workers * done / cpu, json_value(client->output, "requests_per_second")};
}

}  // namespace

Scenario workers(const Session& session) {
  Scenario scenario{
      .name = "workers",
      .title = "GET of 1 KiB, server threads on CPUs of their own",
      .metrics = {{.key = "server_cpu_us_per_request", .title = "server us", .less_is_better = true},
                  {.key = "rate_requests_per_s_of_busy_workers", .title = "requests/s, workers busy", .decimals = 0},
                  {.key = "rate_requests_per_s", .title = "requests/s here", .decimals = 0}}};
  const Session* const s = &session;
  scenario.add({"1 worker", "hawser serve --workers 1, hawser load on the other CPU", "", true},
               [s] { return load(*s, 1); });
  scenario.add({"2 workers", "hawser serve --workers 2, hawser load on the same two CPUs", "", true},
               [s] { return load(*s, 2); });
  return scenario;
}

}  // namespace hawser::compare
