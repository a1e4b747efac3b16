// metrics_text.cc: the families by room: connections, attacks, paths, datagrams.
#include "runtime/metrics_text.h"

#include <fmt/format.h>

#include <iterator>

namespace hawser::runtime {
namespace {

using Kind = MetricsText::Kind;

void write_connections(MetricsText& out, const ServerSnapshot& s) {
  const quic::EndpointStats& e = s.endpoint;
  out.gauge("hawser_connections_open", "Connections that the endpoints hold, closing ones included.",
            static_cast<double>(e.connections_open));
  out.counter("hawser_connections_accepted_total", "Connections that clients began.", e.connections_accepted);
  out.family("hawser_clients_refused_total", Kind::kCounter,
             "First packets of clients that began no connection, by reason; who sends one again may count twice.");
  out.sample("reason=\"refused\"", static_cast<double>(e.connections_refused));
  out.sample("reason=\"turned_away\"", static_cast<double>(e.clients_turned_away));
  out.sample("reason=\"handshake_ignored\"", static_cast<double>(e.admission.handshakes_ignored));
  out.counter("hawser_retries_sent_total", "Retry packets.", e.retries_sent);
  out.family("hawser_connections_ended_total", Kind::kCounter,
             "Connections that the server ended, by what the peer did.");
  out.sample("reason=\"flood\"", static_cast<double>(e.floods_ended));
  out.sample("reason=\"deaf\"", static_cast<double>(e.deaf_peers_ended));
  out.sample("reason=\"hoarding\"", static_cast<double>(e.hoarders_ended));
  out.sample("reason=\"stalled\"", static_cast<double>(s.http.connections_stalled));
}

void write_traffic(MetricsText& out, std::string_view name, std::string_view help,
                   std::uint64_t quic::PathTraffic::* figure, const quic::PathTotals& paths) {
  out.family(name, Kind::kCounter, help);
  out.sample("path=\"first\"", static_cast<double>(paths.first.*figure));
  out.sample("path=\"added\"", static_cast<double>(paths.added.*figure));
}

void write_paths(MetricsText& out, const quic::PathTotals& paths) {
  const quic::MultipathStats& events = paths.events;
  out.gauge("hawser_multipath_connections_open", "Open connections that speak the multipath extension.",
            static_cast<double>(paths.connections));
  out.family("hawser_paths_open", Kind::kGauge, "Open paths of these connections, by state.");
  for (std::size_t state = 0; state < quic::kPathStates; ++state)
    out.sample(fmt::format("state=\"{}\"", quic::to_string(static_cast<quic::PathState>(state))),
               static_cast<double>(paths.open[state]));
  out.gauge("hawser_paths_rtt_samples", "Open paths whose round trip is known.",
            static_cast<double>(paths.rtt_samples));
  out.gauge("hawser_paths_smoothed_rtt_seconds_sum", "Sum of their smoothed round trips.", to_seconds(paths.rtt_sum));
  write_traffic(out, "hawser_path_sent_bytes_total", "UDP payload sent on the path of the handshake and on others.",
                &quic::PathTraffic::octets_sent, paths);
  write_traffic(out, "hawser_path_received_bytes_total", "UDP payload received, likewise.",
                &quic::PathTraffic::octets_received, paths);
  write_traffic(out, "hawser_path_packets_lost_total", "Packets declared lost, likewise.",
                &quic::PathTraffic::packets_lost, paths);
  out.family("hawser_path_events_total", Kind::kCounter, "What happened to paths.");
  out.sample("event=\"opened\"", static_cast<double>(events.paths_opened));
  out.sample("event=\"validated\"", static_cast<double>(events.paths_validated));
  out.sample("event=\"abandoned\"", static_cast<double>(events.paths_abandoned));
  out.sample("event=\"fell_silent\"", static_cast<double>(events.silences));
  out.sample("event=\"failed\"", static_cast<double>(events.failures));
  out.sample("event=\"recovered\"", static_cast<double>(events.recoveries));
  out.counter("hawser_path_frames_moved_total", "Frames that went out again elsewhere when their path failed.",
              events.frames_moved);
  out.family("hawser_path_repeated_bytes_total", Kind::kCounter, "Stream data that went on another path as well.");
  out.sample("reason=\"redundant\"", static_cast<double>(events.octets_copied));
  out.sample("reason=\"reinjected\"", static_cast<double>(events.octets_reinjected));
}

}  // namespace

void MetricsText::family(std::string_view name, Kind kind, std::string_view help) {
  name_ = name;
  fmt::format_to(std::back_inserter(text_), "# HELP {} {}\n# TYPE {} {}\n", name, help, name,
                 kind == Kind::kCounter ? "counter" : "gauge");
}

void MetricsText::sample(std::string_view labels, double value) {
  // Counters are whole numbers, and 17 digits bring back any double.
  fmt::format_to(std::back_inserter(text_), "{}{}{}{} {:.17g}\n", name_, labels.empty() ? "" : "{", labels,
                 labels.empty() ? "" : "}", value);
}

void MetricsText::counter(std::string_view name, std::string_view help, std::uint64_t value) {
  family(name, Kind::kCounter, help);
  sample({}, static_cast<double>(value));
}

void MetricsText::gauge(std::string_view name, std::string_view help, double value) {
  family(name, Kind::kGauge, help);
  sample({}, value);
}

std::string to_metrics_text(const ServerSnapshot& snapshot) {
  MetricsText out;
  write_connections(out, snapshot);
  write_paths(out, snapshot.paths);
  out.counter("hawser_datagrams_received_total", "UDP datagrams.", snapshot.endpoint.datagrams_received);
  out.counter("hawser_datagrams_dropped_total", "Datagrams that belonged to nothing.",
              snapshot.endpoint.datagrams_dropped);
  out.counter("hawser_kernel_drops_total", "Datagrams that the kernel dropped since its buffer was full.",
              snapshot.kernel_drops);
  out.counter("hawser_trains_sent_total", "Runs of datagrams that left in one piece.", snapshot.endpoint.trains_sent);
  out.family("hawser_cpu_seconds_total", Kind::kCounter, "CPU time of the workers.");
  out.sample({}, snapshot.cpu_seconds);
  return out.text();
}

}  // namespace hawser::runtime
