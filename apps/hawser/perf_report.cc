// perf_report.cc: sums over connections, and the two ways to print them.
#include "perf_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "json_object.h"

namespace hawser::perf {
namespace {

using app::JsonObject;

constexpr double kBytesPerGb = 1e9;

std::string_view name_of(Mode mode) {
  switch (mode) {
    case Mode::kDownload:
      return "download";
    case Mode::kUpload:
      return "upload";
    case Mode::kRequests:
      return "requests";
    case Mode::kLatency:
      return "latency";
    case Mode::kHandshakes:
      return "handshakes";
    case Mode::kDatagrams:
      return "datagrams";
  }
  return "";
}

bool makes_requests(Mode mode) {
  return mode == Mode::kRequests || mode == Mode::kLatency;
}
bool is_bulk(Mode mode) {
  return mode == Mode::kDownload || mode == Mode::kUpload;
}

double per_second(std::uint64_t count, double seconds) {
  return seconds > 0 ? static_cast<double>(count) / seconds : 0;
}
double per_gb(Duration cpu, std::uint64_t octets) {
  return octets == 0 ? 0 : to_seconds(cpu) * kBytesPerGb / static_cast<double>(octets);
}
double us(Duration d) {
  return static_cast<double>(d.count()) / 1e3;
}
double us_each(Duration all, std::uint64_t count) {
  return count == 0 ? 0 : us(all) / static_cast<double>(count);
}

template <class Item>
std::uint64_t sum(const std::vector<Item>& items, std::uint64_t Item::* field) {
  std::uint64_t total = 0;
  for (const Item& item : items) total += item.*field;
  return total;
}

void add_cpu(JsonObject& json, std::string_view side, const CpuTime& cpu, std::uint64_t octets) {
  json.number(fmt::format("{}_cpu_user_seconds", side), to_seconds(cpu.user));
  json.number(fmt::format("{}_cpu_system_seconds", side), to_seconds(cpu.system));
  if (octets != 0) json.number(fmt::format("{}_cpu_seconds_per_gb", side), per_gb(cpu.total(), octets));
}

// `what`: of which there were `count`.
void add_cpu_each(JsonObject& json, std::string_view side, std::string_view what, const CpuTime& cpu,
                  std::uint64_t count) {
  json.number(fmt::format("{}_cpu_us_per_{}", side, what), us_each(cpu.total(), count));
  json.number(fmt::format("{}_cpu_system_us_per_{}", side, what), us_each(cpu.system, count));
}

void add_latencies(JsonObject& json, std::string_view what, const Histogram& latencies) {
  if (latencies.count() == 0) return;
  for (const auto& [name, share] : {std::pair{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p999", 0.999}, {"max", 1.0}})
    json.number(fmt::format("{}_us_{}", what, name), us(latencies.percentile(share)));
}

void add_transport(JsonObject& json, const Outcome& outcome) {
  if (!outcome.client_stats.empty()) {
    const quic::ConnectionStats& first = outcome.client_stats.front();
    json.number("handshake_us", us(first.handshake_time));
    json.number("client_rtt_us", us(first.smoothed_rtt));
    json.number("client_rtt_us_min", us(first.min_rtt));
    json.count("client_congestion_window_bytes", first.congestion_window);
    json.count("client_connection_memory_bytes", first.memory_bytes);
    json.count("client_packets_sent", sum(outcome.client_stats, &quic::ConnectionStats::packets_sent));
    json.count("client_packets_received", sum(outcome.client_stats, &quic::ConnectionStats::packets_received));
    json.count("client_packets_lost", sum(outcome.client_stats, &quic::ConnectionStats::packets_lost));
    json.count("client_udp_payload_bytes_sent", sum(outcome.client_stats, &quic::ConnectionStats::bytes_sent));
  }
  if (outcome.server_reports.empty()) return;
  const ServerReport& first = outcome.server_reports.front();
  json.number("server_rtt_us", static_cast<double>(first.smoothed_rtt_ns) / 1e3);
  json.count("server_congestion_window_bytes", first.congestion_window);
  json.count("server_max_datagram_bytes", first.max_datagram_size);
  json.count("server_connection_memory_bytes", first.memory_bytes);
  json.count("server_packets_sent", sum(outcome.server_reports, &ServerReport::packets_sent));
  json.count("server_packets_received", sum(outcome.server_reports, &ServerReport::packets_received));
  json.count("server_packets_lost", sum(outcome.server_reports, &ServerReport::packets_lost));
  json.count("server_packets_lost_spuriously", sum(outcome.server_reports, &ServerReport::spurious_losses));
  json.count("server_pto_count", sum(outcome.server_reports, &ServerReport::pto_count));
  json.count("server_udp_payload_bytes_sent", sum(outcome.server_reports, &ServerReport::bytes_sent));
}

// Datagrams that left and have not arrived, there or on the way back.
struct DatagramLosses {
  std::uint64_t forth = 0;
  std::uint64_t back = 0;
  [[nodiscard]] std::uint64_t all() const { return forth + back; }
};
DatagramLosses losses_of(const ClientOptions& options, const Outcome& outcome) {
  const auto missing = [](std::uint64_t sent, std::uint64_t arrived) { return sent - std::min(sent, arrived); };
  // The server counts copies too.
  const std::uint64_t reached =
      std::min(sum(outcome.server_reports, &ServerReport::datagrams_received), outcome.datagrams.transport.sent);
  return {.forth = missing(outcome.datagrams.transport.sent, reached),
          .back = options.datagrams.one_way ? 0 : missing(reached, outcome.datagrams.returned)};
}

double share(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

std::string datagram_lines(const ClientOptions& options, const Outcome& outcome) {
  const DatagramAccount& account = outcome.datagrams;
  const quic::DatagramStats& transport = account.transport;
  const DatagramLosses losses = losses_of(options, outcome);
  std::string text = fmt::format(
      "datagrams: {} of {} octets sent in {:.3f} s, {:.0f} per second, {}\n"
      "  lost         {} ({:.3f} %): {} on the way there, {} on the way back\n"
      "  never sent   {} expired, {} dropped from a full queue, {} refused\n",
      transport.sent, options.datagrams.size, outcome.seconds, per_second(transport.sent, outcome.seconds),
      rate_text(8 * per_second(transport.octets_sent, outcome.seconds)), losses.all(),
      100 * share(losses.all(), transport.sent), losses.forth, losses.back, transport.expired, transport.dropped,
      transport.refused);
  const Histogram& l = outcome.latencies;
  if (l.count() != 0)
    text += fmt::format(
        "  round trip   p50 {:.0f} us, p90 {:.0f} us, p99 {:.0f} us, p99.9 {:.0f} us, max {:.0f} us; jitter {:.0f} us\n"
        "  reordered    {}\n",
        us(l.percentile(0.5)), us(l.percentile(0.9)), us(l.percentile(0.99)), us(l.percentile(0.999)),
        us(l.percentile(1)), us(account.jitter), account.reordered);
  if (options.datagrams.in_order_ms > 0)
    text += fmt::format(
        "  in order     {}, of which {} were held; {} came too late, {} twice; {} were waited for in vain\n",
        account.order.in_order, account.order.held, account.order.late, account.order.copies, account.order.given_up);
  return text;
}

void add_datagrams(JsonObject& json, const ClientOptions& options, const Outcome& outcome) {
  const DatagramAccount& account = outcome.datagrams;
  const quic::DatagramStats& transport = account.transport;
  const DatagramLosses losses = losses_of(options, outcome);
  json.count("datagram_size_bytes", options.datagrams.size);
  json.count("datagrams_sent", transport.sent);
  json.number("datagrams_per_second", per_second(transport.sent, outcome.seconds));
  json.number("goodput_bps", 8 * per_second(transport.octets_sent, outcome.seconds));
  json.count("datagrams_lost_forth", losses.forth);
  json.count("datagrams_lost_back", losses.back);
  json.number("loss_share", share(losses.all(), transport.sent));
  json.count("datagrams_believed_lost", transport.lost);
  json.count("datagrams_expired", transport.expired);
  json.count("datagrams_dropped", transport.dropped);
  json.count("datagrams_refused", transport.refused);
  json.count("datagrams_returned", account.returned);
  json.count("datagrams_reordered", account.reordered);
  if (options.datagrams.in_order_ms > 0) {
    json.count("datagrams_in_order", account.order.in_order);
    json.count("datagrams_held", account.order.held);
    json.count("datagrams_late", account.order.late);
    json.count("datagrams_twice", account.order.copies);
    json.count("datagrams_given_up", account.order.given_up);
  }
  json.number("jitter_us", us(account.jitter));
  add_latencies(json, "round_trip", outcome.latencies);
  add_cpu_each(json, "client", "datagram", outcome.client_cpu, transport.sent);
  if (outcome.server_cpu_known) add_cpu_each(json, "server", "datagram", outcome.server_cpu, transport.sent);
}

// What receive timestamps say of the first connection's way from `side`; empty without any.
std::string delay_line(std::string_view side, const quic::ReceiveTimeStats& times) {
  if (times.packets == 0) return {};
  return fmt::format(
      "  one-way      from the {}: {:.0f} us of variation, at most {:.0f} us above the least; {} packets\n", side,
      us(times.delay_variation), us(times.delay_above_least_max), times.packets);
}

quic::ReceiveTimeStats server_times(const Outcome& outcome) {
  if (outcome.server_reports.empty()) return {};
  const ServerReport& first = outcome.server_reports.front();
  return {.packets = first.timed_packets,
          .delay_variation = Duration{static_cast<std::int64_t>(first.delay_variation_ns)},
          .delay_above_least_max = Duration{static_cast<std::int64_t>(first.delay_above_least_ns_max)}};
}

quic::ReceiveTimeStats client_times(const Outcome& outcome) {
  return outcome.client_times.empty() ? quic::ReceiveTimeStats{} : outcome.client_times.front();
}

void add_delays(JsonObject& json, std::string_view side, const quic::ReceiveTimeStats& times) {
  if (times.packets == 0) return;
  json.count(fmt::format("{}_packets_timed", side), times.packets);
  json.number(fmt::format("{}_one_way_delay_variation_us", side), us(times.delay_variation));
  json.number(fmt::format("{}_one_way_delay_above_least_us_max", side), us(times.delay_above_least_max));
}

void add_paths(JsonObject& json, const ClientOptions& options, const Outcome& outcome) {
  const PathOutcome& paths = *outcome.paths;
  json.value("paths", paths_json(paths, outcome.seconds));
  json.count("paths_opened", paths.stats.paths_opened);
  json.count("paths_abandoned", paths.stats.paths_abandoned);
  json.count("path_failures", paths.stats.failures);
  json.count("path_recoveries", paths.stats.recoveries);
  json.number("longest_pause_ms", us(paths.longest_pause) / 1e3);
  json.text("scheduler", paths.scheduler);
  json.text("scheduler_failed", paths.scheduler_failure.empty() ? "no" : "yes");
  if (paths.alone.empty()) return;
  json.value("alone", alone_json(paths));
  json.number("efficiency", efficiency(paths, goodput_bps(options, outcome)));
}

bool uses_fec(const Outcome& outcome) {
  return std::ranges::any_of(outcome.client_fec, &quic::FecStats::receives);
}

// What forward error correction cost and what it brought, both ways as the client saw it.
std::string fec_lines(const Outcome& outcome) {
  if (!uses_fec(outcome)) return {};
  const auto all = [&](std::uint64_t quic::FecStats::* field) { return sum(outcome.client_fec, field); };
  return fmt::format(
      "  FEC          sent {} repair symbols ({:.3f} MB) for {} packets ({:.3f} MB): the server recovered {}\n"
      "               received {} ({:.3f} MB), {} not needed: recovered {} packets\n",
      all(&quic::FecStats::repairs_sent), static_cast<double>(all(&quic::FecStats::repair_bytes_sent)) / 1e6,
      all(&quic::FecStats::packets_protected), static_cast<double>(all(&quic::FecStats::protected_bytes)) / 1e6,
      all(&quic::FecStats::peer_recovered), all(&quic::FecStats::repairs_received),
      static_cast<double>(all(&quic::FecStats::repair_bytes_received)) / 1e6, all(&quic::FecStats::repairs_unused),
      all(&quic::FecStats::packets_recovered));
}

void add_fec(JsonObject& json, const Outcome& outcome) {
  if (!uses_fec(outcome)) return;
  const auto all = [&](std::uint64_t quic::FecStats::* field) { return sum(outcome.client_fec, field); };
  json.count("fec_packets_protected", all(&quic::FecStats::packets_protected));
  json.count("fec_protected_bytes", all(&quic::FecStats::protected_bytes));
  json.count("fec_repairs_sent", all(&quic::FecStats::repairs_sent));
  json.count("fec_repair_bytes_sent", all(&quic::FecStats::repair_bytes_sent));
  json.count("fec_packets_recovered_by_server", all(&quic::FecStats::peer_recovered));
  json.count("fec_repairs_received", all(&quic::FecStats::repairs_received));
  json.count("fec_repair_bytes_received", all(&quic::FecStats::repair_bytes_received));
  json.count("fec_repairs_not_needed", all(&quic::FecStats::repairs_unused));
  json.count("fec_packets_recovered", all(&quic::FecStats::packets_recovered));
}

std::string cpu_line(std::string_view side, const CpuTime& cpu, std::uint64_t octets, double seconds) {
  std::string line = fmt::format("  {} CPU   {:.3f} s ({:.0f} % of a core; user {:.3f}, system {:.3f})", side,
                                 to_seconds(cpu.total()), seconds > 0 ? 100 * to_seconds(cpu.total()) / seconds : 0,
                                 to_seconds(cpu.user), to_seconds(cpu.system));
  if (octets != 0) line += fmt::format(", {:.3f} s per GB", per_gb(cpu.total(), octets));
  return line + "\n";
}

// What one request, connection or datagram cost, and how many of them a core of the server would do.
std::string each_lines(Mode mode, const Outcome& outcome) {
  const std::uint64_t count = mode == Mode::kDatagrams ? outcome.datagrams.transport.sent : outcome.exchanges;
  std::string text = fmt::format("  each         client {:.1f} us of CPU", us_each(outcome.client_cpu.total(), count));
  if (outcome.server_cpu_known && count != 0) {
    const double server = us_each(outcome.server_cpu.total(), count);
    text += fmt::format(", server {:.1f} us (system {:.1f}): {:.0f} per second and core", server,
                        us_each(outcome.server_cpu.system, count), server > 0 ? 1e6 / server : 0);
  }
  if (outcome.resumed != 0) text += fmt::format("; {} resumed", outcome.resumed);
  if (outcome.early != 0) text += fmt::format(", {} with 0-RTT", outcome.early);
  return text + "\n";
}

// The congestion window at the end, in octets, of the side that sends the bulk.
double window_of(Mode mode, const Outcome& outcome) {
  return static_cast<double>(mode == Mode::kUpload || mode == Mode::kDatagrams
                                 ? outcome.client_stats.front().congestion_window
                                 : outcome.server_reports.front().congestion_window);
}

}  // namespace

double goodput_bps(const ClientOptions& options, const Outcome& outcome) {
  return is_bulk(options.mode) ? 8 * per_second(outcome.octets, outcome.seconds) : 0;
}

std::string rate_text(double bits_per_second) {
  if (bits_per_second >= 1e9) return fmt::format("{:.2f} Gbit/s", bits_per_second / 1e9);
  if (bits_per_second >= 1e6) return fmt::format("{:.2f} Mbit/s", bits_per_second / 1e6);
  return fmt::format("{:.1f} kbit/s", bits_per_second / 1e3);
}

std::string describe(const ClientOptions& options, const Outcome& outcome) {
  std::string text;
  if (is_bulk(options.mode)) {
    text += fmt::format("{}: {} octets in {:.3f} s, {}\n", name_of(options.mode), outcome.octets, outcome.seconds,
                        rate_text(8 * per_second(outcome.octets, outcome.seconds)));
  } else if (options.mode == Mode::kDatagrams) {
    text += datagram_lines(options, outcome);
  } else {
    text += fmt::format("{}: {} in {:.3f} s, {:.0f} per second\n", name_of(options.mode), outcome.exchanges,
                        outcome.seconds, per_second(outcome.exchanges, outcome.seconds));
  }
  if (!is_bulk(options.mode) && options.mode != Mode::kDatagrams && outcome.latencies.count() != 0) {
    const Histogram& l = outcome.latencies;
    text += fmt::format("  latency      p50 {:.0f} us, p90 {:.0f} us, p99 {:.0f} us, max {:.0f} us\n",
                        us(l.percentile(0.5)), us(l.percentile(0.9)), us(l.percentile(0.99)), us(l.percentile(1)));
  }
  const std::uint64_t octets = is_bulk(options.mode) ? outcome.octets : 0;
  text += cpu_line("client", outcome.client_cpu, octets, outcome.seconds);
  if (outcome.server_cpu_known) text += cpu_line("server", outcome.server_cpu, octets, outcome.seconds);
  if (!is_bulk(options.mode)) text += each_lines(options.mode, outcome);
  if (!outcome.client_stats.empty() && !outcome.server_reports.empty()) {
    const std::uint64_t lost = sum(outcome.client_stats, &quic::ConnectionStats::packets_lost) +
                               sum(outcome.server_reports, &ServerReport::packets_lost);
    const std::uint64_t sent = sum(outcome.client_stats, &quic::ConnectionStats::packets_sent) +
                               sum(outcome.server_reports, &ServerReport::packets_sent);
    text += fmt::format("  packets      {} sent, {} lost; round trip {:.0f} us, least {:.0f} us; window {:.2f} MB\n",
                        sent, lost, us(outcome.client_stats.front().smoothed_rtt),
                        us(outcome.client_stats.front().min_rtt), window_of(options.mode, outcome) / 1e6);
    text += fmt::format("  memory       {} octets of a client's connection, {} of a server's\n",
                        outcome.client_stats.front().memory_bytes, outcome.server_reports.front().memory_bytes);
  }
  if (outcome.paths) text += describe_paths(*outcome.paths, outcome.seconds, goodput_bps(options, outcome));
  text += delay_line("client", client_times(outcome)) + delay_line("server", server_times(outcome));
  text += fec_lines(outcome);
  if (outcome.failed_connections != 0) text += fmt::format("  {} connections failed\n", outcome.failed_connections);
  return text;
}

std::string to_json(const ClientOptions& options, const Outcome& outcome) {
  JsonObject json;
  json.text("mode", name_of(options.mode));
  json.text("engine", net::to_string(outcome.engine));
  json.count("workers", options.common.workers);
  json.count("connections", options.connections);
  json.count("streams", options.streams);
  json.text("congestion_control", options.common.congestion_control);
  json.number("seconds", outcome.seconds);
  if (is_bulk(options.mode)) {
    json.count("octets", outcome.octets);
    json.number("goodput_bps", 8 * per_second(outcome.octets, outcome.seconds));
  } else if (makes_requests(options.mode)) {
    json.count("requests", outcome.exchanges);
    json.count("request_size_bytes", options.request_size);
    json.count("response_size_bytes", options.response_size);
    json.number("requests_per_second", per_second(outcome.exchanges, outcome.seconds));
    add_latencies(json, "latency", outcome.latencies);
    add_cpu_each(json, "client", "request", outcome.client_cpu, outcome.exchanges);
    if (outcome.server_cpu_known) add_cpu_each(json, "server", "request", outcome.server_cpu, outcome.exchanges);
  } else if (options.mode == Mode::kDatagrams) {
    add_datagrams(json, options, outcome);
  } else {
    json.count("handshakes", outcome.exchanges);
    json.number("handshakes_per_second", per_second(outcome.exchanges, outcome.seconds));
    json.count("resumed", outcome.resumed);
    json.count("early_data", outcome.early);
    add_latencies(json, "handshake", outcome.latencies);
    add_cpu_each(json, "client", "handshake", outcome.client_cpu, outcome.exchanges);
    if (outcome.server_cpu_known) add_cpu_each(json, "server", "handshake", outcome.server_cpu, outcome.exchanges);
  }
  const std::uint64_t octets = is_bulk(options.mode) ? outcome.octets : 0;
  add_cpu(json, "client", outcome.client_cpu, octets);
  if (outcome.server_cpu_known) add_cpu(json, "server", outcome.server_cpu, octets);
  add_transport(json, outcome);
  if (outcome.paths) add_paths(json, options, outcome);
  add_delays(json, "client", client_times(outcome));
  add_delays(json, "server", server_times(outcome));
  add_fec(json, outcome);
  json.count("failed_connections", outcome.failed_connections);
  return json.done();
}

}  // namespace hawser::perf
