// perf_paths.cc: both ends' knowledge of the paths joined into rows, and rows as text.
#include "perf_paths.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "json_object.h"
#include "perf_protocol.h"
#include "perf_report.h"

namespace hawser::perf {
namespace {

constexpr std::array<std::uint64_t PathReport::*, kPathReportFields> kFields = {&PathReport::id,
                                                                                &PathReport::state,
                                                                                &PathReport::smoothed_rtt_ns,
                                                                                &PathReport::packets_lost,
                                                                                &PathReport::bytes_sent,
                                                                                &PathReport::congestion_window,
                                                                                &PathReport::max_datagram_size};
static_assert(sizeof(PathReport) == kPathReportSize, "every field has its place in kFields");

PathReport report_of(const quic::PathInfo& path) {
  return {.id = path.id.value,
          .state = static_cast<std::uint64_t>(path.state),
          .smoothed_rtt_ns = static_cast<std::uint64_t>(path.smoothed_rtt.count()),
          .packets_lost = path.packets_lost,
          .bytes_sent = path.bytes_sent,
          .congestion_window = path.congestion_window,
          .max_datagram_size = path.max_datagram_size};
}

std::string interface_of(const SocketAddress& local, const net::LocalNetworks& networks) {
  for (const net::LocalAddress& address : networks.addresses) {
    if (!address.address.same_ip(local)) continue;
    for (const net::NetworkInterface& interface : networks.interfaces)
      if (interface.index == address.interface) return interface.name;
  }
  return {};
}

// Of a path the octets are known: its packets are taken to be as large as those of all paths are in the mean, or as
// they may be.
double loss_of(const PathReport& sender, double packet) {
  if (packet <= 0) packet = static_cast<double>(std::max<std::uint64_t>(sender.max_datagram_size, 1));
  const double sent = static_cast<double>(sender.bytes_sent) / packet;
  return sent < 1 ? 0 : std::min(static_cast<double>(sender.packets_lost) / sent, 1.0);
}

double of_all(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

double bits_per_second(std::uint64_t octets, double seconds) {
  return seconds > 0 ? 8 * static_cast<double>(octets) / seconds : 0;
}

double in_ms(Duration duration) {
  return to_seconds(duration) * 1e3;
}

}  // namespace

std::vector<std::uint8_t> encode(std::span<const quic::PathInfo> paths) {
  std::vector<std::uint8_t> out;
  for (const quic::PathInfo& path : paths) {
    const PathReport report = report_of(path);
    for (const auto field : kFields) append_u64(out, report.*field);
  }
  return out;
}

std::optional<std::vector<PathReport>> decode_path_reports(Bytes octets) {
  if (octets.size() % kPathReportSize != 0 || octets.size() > quic::kMaxPaths * kPathReportSize) return std::nullopt;
  std::vector<PathReport> reports(octets.size() / kPathReportSize);
  for (PathReport& report : reports) {
    for (const auto field : kFields) {
      report.*field = read_u64(octets);
      octets = octets.subspan(8);
    }
    if (report.state >= quic::kPathStates) return std::nullopt;
  }
  return reports;
}

void PathTable::look(const PathLook& both, const net::LocalNetworks& networks) {
  const auto& [client, server, upload, client_packet, server_packet] = both;
  for (PathRow& row : rows_) {
    row.since_last = 0;
    if (std::ranges::find(client, row.id, &quic::PathInfo::id) == client.end()) row.state = "gone";
  }
  for (const quic::PathInfo& path : client) {
    auto row = std::ranges::find(rows_, path.id, &PathRow::id);
    if (row == rows_.end()) row = rows_.insert(rows_.end(), PathRow{.id = path.id, .interface = {}, .state = {}});
    if (std::string name = interface_of(path.tuple.local, networks); !name.empty()) row->interface = std::move(name);
    if (row->interface.empty()) row->interface = to_string(path.tuple.local);
    const std::uint64_t octets = upload ? path.bytes_sent : path.bytes_received;
    row->since_last = octets - std::min(octets, row->octets);
    row->octets = octets;
    const auto theirs = std::ranges::find(server, path.id.value, &PathReport::id);
    const bool ours = upload || theirs == server.end();
    const PathReport sender = ours ? report_of(path) : *theirs;
    row->state = to_string(static_cast<quic::PathState>(sender.state));
    row->smoothed_rtt = Duration{static_cast<std::int64_t>(sender.smoothed_rtt_ns)};
    row->packets_lost = sender.packets_lost;
    row->loss = loss_of(sender, ours ? client_packet : server_packet);
  }
}

double PathTable::share_now(const PathRow& row) const {
  std::uint64_t all = 0;
  for (const PathRow& each : rows_) all += each.since_last;
  return of_all(row.since_last, all);
}

double PathTable::share(const PathRow& row) const {
  std::uint64_t all = 0;
  for (const PathRow& each : rows_) all += each.octets;
  return of_all(row.octets, all);
}

std::vector<std::string> live_path_lines(const PathTable& table, Duration since_last) {
  std::vector<std::string> lines;
  for (const PathRow& row : table.rows()) {
    if (row.state == "gone") continue;
    lines.push_back(fmt::format("  {:>4} {:<10} {:<15} {:>3.0f} %  RTT {:>6.1f} ms  loss {:>5.2f} %  {}", row.id.value,
                                row.interface, rate_text(bits_per_second(row.since_last, to_seconds(since_last))),
                                100 * table.share_now(row), in_ms(row.smoothed_rtt), 100 * row.loss, row.state));
  }
  return lines;
}

double efficiency(const PathOutcome& paths, double goodput_bps) {
  double sum = 0;
  for (const AloneRun& run : paths.alone) sum += run.goodput_bps;
  return sum > 0 ? goodput_bps / sum : 0;
}

std::string describe_paths(const PathOutcome& paths, double seconds, double goodput_bps) {
  std::string text;
  for (const PathRow& row : paths.table.rows())
    text +=
        fmt::format("  path {:<7} {}: {}, {:.0f} % of all; RTT {:.1f} ms, {} packets lost ({:.2f} %), {}\n",
                    row.id.value, row.interface, rate_text(bits_per_second(row.octets, seconds)),
                    100 * paths.table.share(row), in_ms(row.smoothed_rtt), row.packets_lost, 100 * row.loss, row.state);
  text += fmt::format("  paths        {} opened, {} given up, {} failed, {} came back; longest pause {:.0f} ms\n",
                      paths.stats.paths_opened, paths.stats.paths_abandoned, paths.stats.failures,
                      paths.stats.recoveries, in_ms(paths.longest_pause));
  for (const AloneRun& run : paths.alone)
    text += fmt::format("  alone        {}: {}\n", run.interface, rate_text(run.goodput_bps));
  if (!paths.alone.empty())
    text += fmt::format("  together     {:.1f} % of the sum of those alone\n", 100 * efficiency(paths, goodput_bps));
  if (!paths.scheduler_failure.empty())
    text += fmt::format("  scheduler    {} gave up, min-rtt took over: {}\n", paths.scheduler, paths.scheduler_failure);
  return text;
}

std::string paths_json(const PathOutcome& paths, double seconds) {
  std::string all;
  for (const PathRow& row : paths.table.rows()) {
    app::JsonObject json;
    json.count("path_id", row.id.value);
    json.text("interface", row.interface);
    json.text("state", row.state);
    json.count("octets", row.octets);
    json.number("rate_bps", bits_per_second(row.octets, seconds));
    json.number("share", paths.table.share(row));
    json.number("rtt_ms", in_ms(row.smoothed_rtt));
    json.count("packets_lost", row.packets_lost);
    json.number("loss_share", row.loss);
    all += (all.empty() ? "" : ", ") + json.object();
  }
  return "[" + all + "]";
}

std::string alone_json(const PathOutcome& paths) {
  std::string all;
  for (const AloneRun& run : paths.alone) {
    app::JsonObject json;
    json.text("interface", run.interface);
    json.number("goodput_bps", run.goodput_bps);
    all += (all.empty() ? "" : ", ") + json.object();
  }
  return "[" + all + "]";
}

}  // namespace hawser::perf
