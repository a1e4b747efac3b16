// requests.cc: GET of 1 KiB, 10 connections of 100 streams, one server core; then the latency at
// half the rate that was reached, counted from when each request was due.
#include <fmt/format.h>

#include <cmath>
#include <cstdlib>
#include <limits>

#include "scenarios.h"

namespace hawser::compare {
namespace {

constexpr double kNothing = std::numeric_limits<double>::quiet_NaN();

// The server's CPU time per request, in microseconds, is taken over the client's whole run.
struct Load {
  std::string output;
  double server_cpu_s = 0;
};

std::expected<Load, std::string> run_load(const Session& session, const Server& server, const std::string& path,
                                          const Arguments& more) {
  const double before = server.process->cpu_seconds();
  Arguments command{session.options().hawser,
                    "load",
                    "-c",
                    "10",
                    "-m",
                    "100",
                    "-k",
                    "--json",
                    "-D",
                    fmt::format("{}", session.options().seconds())};
  command.insert(command.end(), more.begin(), more.end());
  command.push_back("https://" + server.address + path);
  const auto client = run_client(session, session.client_cpu(), command);
  if (!client) return std::unexpected(client.error());
  return Load{client->output, server.process->cpu_seconds() - before};
}

Measured load_twice(const Session& session, const Server& server, const std::string& path) {
  const auto full = run_load(session, server, path, {});
  if (!full) return std::unexpected(full.error());
  const double rate = json_value(full->output, "requests_per_second");
  const double done = json_value(full->output, "requests_done");
  const auto half = run_load(session, server, path, {"--rate", fmt::format("{:.0f}", std::max(rate / 2, 1.0))});
  if (!half) return std::unexpected("at half load: " + half.error());
  return Sample{rate, full->server_cpu_s * 1e6 / done, json_value(half->output, "latency_p50_seconds") * 1e6,
                json_value(half->output, "latency_p99_seconds") * 1e6};
}

// The number at the beginning of what follows `key`.
double number_behind(const std::string& text, const std::string& key) {
  const std::size_t at = text.find(key);
  return at == std::string::npos ? kNothing : std::strtod(text.c_str() + at + key.size(), nullptr);
}

// wrk knows no rate, and its latencies are those of a closed loop at full load: left out.
Measured wrk(const Session& session, const Server& server) {
  const double before = server.process->cpu_seconds();
  const auto seconds = static_cast<int>(std::ceil(session.options().seconds()));
  const auto client = run_client(session, session.client_cpu(),
                                 {session.options().wrk, "-t", "1", "-c", "10", "-d", fmt::format("{}s", seconds),
                                  "https://" + server.address + "/1k"});
  if (!client) return std::unexpected(client.error());
  const double cpu = server.process->cpu_seconds() - before;
  const double rate = number_behind(client->output, "Requests/sec:");
  if (std::isnan(rate) || rate <= 0) return std::unexpected("wrk: no rate in what it printed");
  return Sample{rate, cpu * 1e6 / (rate * seconds), kNothing, kNothing};
}

}  // namespace

Scenario requests(const Session& session) {
  Scenario scenario{
      .name = "requests",
      .title = "GET of 1 KiB, 10 connections of 100 streams, one server core",
      .metrics = {
          {.key = "rate_requests_per_s", .title = "requests/s", .decimals = 0},
          {.key = "server_cpu_us_per_request", .title = "server us", .less_is_better = true},
          {.key = "half_load_latency_us_p50", .title = "p50 us at half", .decimals = 0, .less_is_better = true},
          {.key = "half_load_latency_us_p99", .title = "p99 us at half", .decimals = 0, .less_is_better = true}}};
  const Session* const s = &session;
  const Options& o = session.options();
  scenario.add({"hawser", "hawser load on hawser serve", "", true}, [s]() -> Measured {
    const auto server = start_serve(*s, s->server_cpu());
    if (!server) return std::unexpected(server.error());
    return load_twice(*s, *server, "/1k");
  });
  scenario.add({"ngtcp2", "hawser load on gtlsserver", Session::missing({o.ngtcp2_server}, "install ngtcp2-server")},
               [s]() -> Measured {
                 const auto server = start_ngtcp2(*s);
                 if (!server) return std::unexpected(server.error());
                 return load_twice(*s, *server, "/1k");
               });
  scenario.add({"nginx, HTTP/1.1, TLS 1.3", "wrk with 10 connections",
                Session::missing({o.nginx, o.wrk}, "install nginx and wrk")},
               [s]() -> Measured {
                 const auto server = start_nginx(*s);
                 if (!server) return std::unexpected(server.error());
                 return wrk(*s, *server);
               });
  return scenario;
}

}  // namespace hawser::compare
