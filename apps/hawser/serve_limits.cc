// serve_limits.cc: reads the limits on new clients and tells what they did.
#include "serve_limits.h"

#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstdint>

#include "count_option.h"
#include "time_option.h"

namespace hawser::app {
namespace {

// Of each kind, in octets: with less than some connections need, none is served. And "256" without its unit is told.
constexpr std::uint64_t kMemoryLeast = std::uint64_t{1} << 20;

}  // namespace

void add_limit_options(CLI::App& command, LimitArguments& limits) {
  command
      .add_flag("--retry{always}", limits.retry,
                "Have new clients prove their address by a Retry: --retry or --retry=always every one, --retry=never "
                "none, --retry=auto, as without it, while handshakes are begun that nobody completes")
      ->check(CLI::IsMember({"auto", "always", "never"}));
  command
      .add_option("--retry-mark", limits.admission.retry_mark,
                  "Handshakes that nobody completes, of a worker, from which on auto switches Retry on")
      ->check(is_count(1))
      ->type_name("N")
      ->capture_default_str();
  command.add_option("--handshakes-max", limits.handshakes_max, "Handshakes of a worker that may be open")
      ->check(is_count(1))
      ->type_name("N")
      ->capture_default_str();
  command
      .add_option("--handshakes-per-second", limits.admission.handshakes_per_second,
                  "Handshakes that a worker begins in a second")
      ->check(is_count(1))
      ->type_name("N")
      ->capture_default_str();
  command
      .add_option("--source-handshakes", limits.admission.source_handshakes_max,
                  "Handshakes that may be open from one IPv4 address or IPv6 /64")
      ->check(is_count(1))
      ->type_name("N")
      ->capture_default_str();
  command
      .add_option("--source-initials", limits.admission.source_initials_per_second,
                  "First packets a second that a worker looks at from one such source")
      ->check(is_count(1))
      ->type_name("N")
      ->capture_default_str();
  command
      .add_option("--handshake-memory", limits.admission.handshake_memory_max,
                  "Octets that a worker spends on handshakes which are open")
      ->transform(CLI::AsSizeValue(false))
      ->check(is_count(kMemoryLeast))
      ->type_name("BYTES")
      ->default_str("512MB");
  command
      .add_option(
          "--stream-memory", limits.stream_memory_max,
          "Octets of streams, unacknowledged or unread, that a worker keeps; past it, connections that hold more "
          "than an even share are closed")
      ->transform(CLI::AsSizeValue(false))
      ->check(is_count(kMemoryLeast))
      ->type_name("BYTES")
      ->default_str("512MB");
  command
      .add_option("--body-memory", limits.body_memory_max,
                  "Octets of files that a worker has read for responses under way; past it, further requests get 503")
      ->transform(CLI::AsSizeValue(false))
      ->check(is_count(kMemoryLeast))
      ->type_name("BYTES")
      ->default_str("1GB");
  command
      .add_option("--stall-timeout", limits.stall_timeout_s,
                  "Seconds in which a connection with requests under way must move 4 kB either way, or be closed; a "
                  "thirtieth of that while memory is short; 0: any time")
      ->check(is_seconds())
      ->type_name("S")
      ->capture_default_str();
}

void apply_limits(const LimitArguments& limits, runtime::HttpServerOptions& server) {
  server.retry = limits.retry == "always"  ? quic::RetryPolicy::kAlways
                 : limits.retry == "never" ? quic::RetryPolicy::kNever
                                           : quic::RetryPolicy::kUnderLoad;
  server.handshakes_max = limits.handshakes_max;
  server.admission = limits.admission;
  server.stream_memory_max = limits.stream_memory_max;
  server.http.stall_timeout = seconds(limits.stall_timeout_s);
}

std::size_t open_files_for(std::size_t workers) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return http::OpenFiles::kDefaultMost;
  const rlimit wished{.rlim_cur = limit.rlim_max, .rlim_max = limit.rlim_max};
  if (::setrlimit(RLIMIT_NOFILE, &wished) == 0) limit = wished;
  constexpr std::size_t kEnough = 1 << 20;  // where there is no limit
  return std::max<std::size_t>(std::min<std::size_t>(limit.rlim_cur, kEnough) / 2 / workers, 1);
}

std::string describe_defence(const quic::EndpointStats& stats, const http::ServerStats& http) {
  const quic::Admission::Stats& a = stats.admission;
  std::string text;
  if (stats.retries_sent != 0 || stats.connections_refused != 0 || stats.datagrams_dropped != 0) {
    text += fmt::format(
        "new clients: {} accepted, {} refused, {} retries; switched on {} times; {} datagrams dropped, {} over a "
        "source's rate, {} over the handshakes' limits; at most {} handshakes open, {:.1f} MB\n",
        stats.connections_accepted, stats.connections_refused, stats.retries_sent, a.retry_switched_on,
        stats.datagrams_dropped, a.initials_over_source_rate, a.handshakes_ignored + a.handshakes_refused,
        a.handshakes_open_most, static_cast<double>(a.handshake_memory_most) / 1e6);
    if (stats.clients_waited != 0)
      text += fmt::format("new clients in turn: {} waited, {} at most at a time, {} turned away\n",
                          stats.clients_waited, stats.clients_waiting_most, stats.clients_turned_away);
  }
  if (stats.handshakes_displaced != 0)
    text += fmt::format("open handshakes: {} ended for those of sources with fewer\n", stats.handshakes_displaced);
  if (stats.careful_resumes != 0)
    text += fmt::format("Careful Resume: {} connections jumped, {} of them took it back\n", stats.careful_resumes,
                        stats.careful_resume_retreats);
  if (http.connections_stalled != 0)
    text += fmt::format("stalled requests: {} connections ended\n", http.connections_stalled);
  if (http.refused_for_memory != 0)
    text += fmt::format("memory of bodies, or files open for them: {} requests refused\n", http.refused_for_memory);
  if (stats.hoarders_ended != 0)
    text += fmt::format("memory of streams: {} connections ended for their share\n", stats.hoarders_ended);
  if (stats.deaf_peers_ended != 0)
    text += fmt::format("peers that acknowledged nothing: {} connections ended\n", stats.deaf_peers_ended);
  if (stats.floods_ended != 0)
    text +=
        fmt::format("floods: {} connections ended for theirs, {} first packets of their addresses dropped for that\n",
                    stats.floods_ended, a.initials_owed_for_floods);
  return text;
}

}  // namespace hawser::app
