// handshakes.cc: connections made, used once and closed, with a certificate of ECDSA P-256; what
// each costs the server's core.
#include <fmt/format.h>

#include <cmath>
#include <cstdio>
#include <optional>

#include "scenarios.h"

namespace hawser::compare {
namespace {

Measured perf_handshakes(const Session& session, const Arguments& more) {
  auto server = start_perf_server(session, session.server_cpu());
  if (!server) return std::unexpected(server.error());
  Arguments options{"--handshakes", "--connections", "8", "--duration", fmt::format("{}", session.options().seconds())};
  options.insert(options.end(), more.begin(), more.end());
  const auto client = run_perf_client(session, *server, options);
  if (!client) return std::unexpected(client.error());
  return Sample{json_value(client->output, "server_cpu_us_per_handshake") / 1e3,
                json_value(client->output, "client_cpu_us_per_handshake") / 1e3,
                json_value(client->output, "handshakes_per_second")};
}

struct Made {
  double connections = 0;
  double seconds = 0;
};

// "1234 connections in 2 real seconds, 0 bytes read per connection"
std::optional<Made> read_s_time(const std::string& output) {
  const std::size_t end = output.find(" real seconds");
  const std::size_t line = end == std::string::npos ? end : output.rfind('\n', end);
  if (line == std::string::npos) return std::nullopt;
  Made made;
  if (std::sscanf(output.c_str() + line, "%lf connections in %lf", &made.connections, &made.seconds) != 2 ||
      made.connections <= 0 || made.seconds <= 0)
    return std::nullopt;
  return made;
}

Measured s_time(const Session& session) {
  const auto server = start_nginx(session);
  if (!server) return std::unexpected(server.error());
  const double before = server->process->cpu_seconds();
  const auto client = run_client(session, session.client_cpu(),
                                 {session.options().openssl, "s_time", "-connect", server->address, "-tls1_3", "-new",
                                  "-time", fmt::format("{:.0f}", std::ceil(session.options().seconds()))});
  if (!client) return std::unexpected(client.error());
  const double cpu = server->process->cpu_seconds() - before;
  const auto made = read_s_time(client->output);
  if (!made) return std::unexpected("openssl s_time: no count in what it printed");
  return Sample{cpu * 1e3 / made->connections, client->cpu_seconds * 1e3 / made->connections,
                made->connections / made->seconds};
}

}  // namespace

Scenario handshakes(const Session& session) {
  Scenario scenario{
      .name = "handshakes",
      .title = "New connections, ECDSA P-256, one server core",
      .metrics = {
          {.key = "server_cpu_ms_per_connection", .title = "server CPU ms", .decimals = 3, .less_is_better = true},
          {.key = "client_cpu_ms_per_connection", .title = "client CPU ms", .decimals = 3, .less_is_better = true},
          {.key = "rate_connections_per_s", .title = "connections/s", .decimals = 0}}};
  const Session* const s = &session;
  scenario.add({"hawser, X25519", "hawser perf --handshakes --groups X25519", "", true},
               [s] { return perf_handshakes(*s, {"--groups", "X25519"}); });
  scenario.add({"hawser, X25519MLKEM768", "hawser perf --handshakes --groups X25519MLKEM768", "", true},
               [s] { return perf_handshakes(*s, {"--groups", "X25519MLKEM768"}); });
  scenario.add({"hawser, resumed", "hawser perf --handshakes --groups X25519 --resume", "", true},
               [s] { return perf_handshakes(*s, {"--groups", "X25519", "--resume"}); });
  scenario.add({"nginx, TLS 1.3 on TCP", "openssl s_time -new, one connection at a time",
                Session::missing({s->options().nginx, s->options().openssl}, "install nginx and openssl")},
               [s] { return s_time(*s); });
  return scenario;
}

}  // namespace hawser::compare
