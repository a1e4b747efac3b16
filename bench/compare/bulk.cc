// bulk.cc: one transfer, sender and receiver on a core each.
#include <fmt/format.h>

#include <algorithm>

#include "scenarios.h"

namespace hawser::compare {
namespace {

const Arguments kOpenSsl{"--crypto", "openssl"};

Measured http3_download(const Session& session) {
  auto server = start_serve(session, session.server_cpu());
  if (!server) return std::unexpected(server.error());
  const auto client = run_client(
      session, session.client_cpu(),
      {session.options().hawser, "get", "-k", "-s", "-o", "/dev/null", "https://" + server->address + "/bulk"});
  const bench::Finished served = server->process->finish(kStartSeconds, true);
  if (!client) return std::unexpected(client.error());
  return transfer_sample(served, *client, static_cast<double>(session.options().transfer_octets()));
}

Measured ngtcp2_download(const Session& session) {
  const std::uint64_t octets = session.options().transfer_octets();
  auto server = start_ngtcp2(session, {fmt::format("--max-dyn-length={}", octets)});
  if (!server) return std::unexpected(server.error());
  // Its server generates as many octets as the path says.
  const auto client = run_client(session, session.client_cpu(),
                                 {session.options().ngtcp2_client, "127.0.0.1", server->port(),
                                  fmt::format("https://{}/{}", server->address, octets), "--quiet", "--no-quic-dump",
                                  "--no-http-dump", "--exit-on-all-streams-close"});
  const bench::Finished served = server->process->finish(kStartSeconds, true);
  if (!client) return std::unexpected(client.error());
  // A refused path ends at once and with exit code 0; nobody moves data this cheaply.
  constexpr double kLeastCpuPerGb = 0.05;
  const Sample sample = transfer_sample(served, *client, static_cast<double>(octets));
  if (sample[2] < kLeastCpuPerGb) return std::unexpected("gtlsclient ended before it had the data");
  return sample;
}

Measured nginx_download(const Session& session) {
  auto server = start_nginx(session);
  if (!server) return std::unexpected(server.error());
  const auto client = run_client(
      session, session.client_cpu(),
      {session.options().curl, "-k", "-s", "-S", "--fail", "-o", "/dev/null", "https://" + server->address + "/bulk"});
  const bench::Finished served = server->process->finish(kStartSeconds, true);
  if (!client) return std::unexpected(client.error());
  return transfer_sample(served, *client, static_cast<double>(session.options().transfer_octets()));
}

Measured pump(const Session& session, const Arguments& more) {
  Arguments command{session.options().bench + "/pump/udp_pump",
                    "--seconds",
                    fmt::format("{}", session.options().seconds()),
                    "--segment-size",
                    "1452",
                    "--cpus",
                    fmt::format("{},{}", session.options().cpus[0], session.options().cpus[1])};
  command.insert(command.end(), more.begin(), more.end());
  const auto finished = run_client(session, {}, command);
  if (!finished) return std::unexpected(finished.error());
  const std::string& out = finished->output;
  // Nanoseconds per octet are seconds per 10^9 octets.
  const double segment = json_value(out, "segment_size");
  const double sender = json_value(out, "cpu_ns_per_datagram", "sender") / segment;
  const double receiver = json_value(out, "cpu_ns_per_datagram", "receiver") / segment;
  return Sample{json_value(out, "gbit_per_s", "receiver"), sender, receiver, 8 / std::max(sender, receiver)};
}

}  // namespace

std::vector<Metric> transfer_metrics() {
  return {{.key = "throughput_gbit_per_s", .title = "Gbit/s"},
          {.key = "sender_cpu_s_per_gb", .title = "sender s/GB", .decimals = 3, .less_is_better = true},
          {.key = "receiver_cpu_s_per_gb", .title = "receiver s/GB", .decimals = 3, .less_is_better = true},
          {.key = "throughput_gbit_per_core_s", .title = "Gbit/core s"}};
}

// The last figure is what the busier side could move with a core of its own: what other
// programs on the machine disturb least.
Sample transfer_sample(const bench::Finished& server, const bench::Finished& client, double octets) {
  const double gb = octets / 1e9;
  const double sender = server.cpu_seconds / gb;
  const double receiver = client.cpu_seconds / gb;
  return {8 * gb / client.seconds, sender, receiver, 8 / std::max(sender, receiver)};
}

Measured perf_download(const Session& session, const Arguments& server_options, const Arguments& client_options) {
  const double octets = static_cast<double>(session.options().transfer_octets());
  auto server = start_perf_server(session, session.server_cpu(), server_options);
  if (!server) return std::unexpected(server.error());
  Arguments download{"--download", fmt::format("{:.0f}", octets)};
  download.insert(download.end(), client_options.begin(), client_options.end());
  const auto client = run_perf_client(session, *server, download);
  const bench::Finished served = server->process->finish(kStartSeconds, true);
  if (!client) return std::unexpected(client.error());
  if (json_number(client->output, "octets") != octets) return std::unexpected("hawser perf client: not all has come");
  return transfer_sample(served, *client, octets);
}

Scenario bulk(const Session& session) {
  Scenario scenario{
      .name = "bulk",
      .title = fmt::format("One stream, {} MiB, a core each side", session.options().transfer_octets() >> 20),
      .metrics = transfer_metrics()};
  const Session* const s = &session;
  const Options& o = session.options();
  scenario.add({"hawser", "hawser perf, one stream", "", true}, [s] { return perf_download(*s, {}, {}); });
  scenario.add({"hawser HTTP/3", "hawser serve to hawser get -o /dev/null", "", true},
               [s] { return http3_download(*s); });
  scenario.add({"hawser, AES by OpenSSL", "hawser perf --crypto openssl on both sides", "", true},
               [s] { return perf_download(*s, kOpenSsl, kOpenSsl); });
  scenario.add({"ngtcp2 HTTP/3", "gtlsserver to gtlsclient, generated content",
                Session::missing({o.ngtcp2_server, o.ngtcp2_client}, "install ngtcp2-server and ngtcp2-client")},
               [s] { return ngtcp2_download(*s); });
  scenario.add({"nginx to curl, TLS 1.3", "HTTP/1.1, TLS_AES_128_GCM_SHA256",
                Session::missing({o.nginx, o.curl}, "install nginx and curl")},
               [s] { return nginx_download(*s); });
  scenario.add({"pump, AES-128-GCM", "udp_pump: the same trains, GSO, GRO and AES, no protocol"},
               [s] { return pump(*s, {"--cipher", "aes128gcm"}); });
  scenario.add({"pump, AES by OpenSSL", "udp_pump --crypto openssl"},
               [s] { return pump(*s, {"--cipher", "aes128gcm", "--crypto", "openssl"}); });
  scenario.add({"pump, no encryption", "udp_pump: GSO and GRO alone"}, [s] { return pump(*s, {"--cipher", "none"}); });
  return scenario;
}

}  // namespace hawser::compare
