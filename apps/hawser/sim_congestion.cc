// sim_congestion.cc: cells of the tables, from options to runs and from results to text.
#include "sim_congestion.h"

#include <fmt/format.h>

#include <algorithm>

#include "sim/tcp_cubic.h"

namespace hawser::app {
namespace {

Duration milliseconds(double ms) {
  return Duration{static_cast<std::int64_t>(ms * 1e6)};
}

double to_ms_exactly(Duration d) {
  return to_seconds(d) * 1e3;
}

// Who shares a link: each controller alone (or `flows` of it), or all pairs.
std::vector<std::vector<std::string>> casts(const SimCongestionOptions& options) {
  std::vector<std::vector<std::string>> made;
  for (std::size_t i = 0; i < options.controllers.size(); ++i) {
    if (!options.pairs) {
      made.emplace_back(options.flows, options.controllers[i]);
      continue;
    }
    for (std::size_t j = i; j < options.controllers.size(); ++j)
      made.push_back({options.controllers[i], options.controllers[j]});
  }
  return made;
}

std::string joined(const std::vector<std::string>& names) {
  if (std::all_of(names.begin(), names.end(), [&](const auto& name) { return name == names.front(); }))
    return names.size() == 1 ? names.front() : fmt::format("{} x{}", names.front(), names.size());
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : "+") + name;
  return text;
}

std::string series_json(const std::vector<sim::FlowSample>& series) {
  std::string text;
  for (const sim::FlowSample& sample : series)
    text += fmt::format("{}[{:.3f}, {}, {}, {}, {:.3f}, {}]", text.empty() ? "" : ", ", to_seconds(sample.at),
                        sample.goodput_bps, sample.congestion_window, sample.bytes_in_flight,
                        to_ms_exactly(sample.smoothed_rtt), sample.pacing_rate_bps);
  return text;
}

std::string flow_json(const sim::FlowResult& flow, bool series) {
  std::string text = fmt::format(
      "{{\"controller\": \"{}\", \"goodput_bps\": {:.0f}, \"steady_goodput_bps\": {:.0f}, \"bytes_received\": {}, "
      "\"packets_sent\": {}, \"packets_lost\": {}, \"retransmitted_share\": {:.5f}, \"drops\": {}, \"marks\": {}, "
      "\"queueing_delay_ms\": {{\"mean\": {:.3f}, \"p50\": {:.3f}, \"p95\": {:.3f}, \"p99\": {:.3f}}}, "
      "\"min_rtt_ms\": {:.3f}",
      flow.controller, flow.goodput_bps, flow.steady_goodput_bps, flow.bytes_received, flow.packets_sent,
      flow.packets_lost, flow.retransmitted_share(), flow.drops, flow.marks, to_ms_exactly(flow.delay_mean),
      to_ms_exactly(flow.delay_p50), to_ms_exactly(flow.delay_p95), to_ms_exactly(flow.delay_p99),
      to_ms_exactly(flow.min_rtt));
  if (flow.completed) text += fmt::format(", \"completed_s\": {:.6f}", to_seconds(*flow.completed));
  if (flow.careful_resume_jump != 0)
    text += fmt::format(", \"careful_resume\": {{\"jump\": {}, \"retreated\": {}}}", flow.careful_resume_jump,
                        flow.careful_resume_retreated);
  if (!flow.failure.empty()) text += fmt::format(", \"failed\": true");
  if (series) text += ", \"series\": [" + series_json(flow.series) + "]";
  return text + "}";
}

std::string describe_jump(const sim::FlowResult& flow) {
  if (flow.careful_resume_jump == 0) return "";
  return fmt::format("  jumped to {} kB{}", flow.careful_resume_jump / 1'000,
                     flow.careful_resume_retreated ? ", too much" : "");
}

}  // namespace

std::vector<CongestionCase> congestion_cases(const SimCongestionOptions& options) {
  std::vector<CongestionCase> cells;
  for (const auto& cast : casts(options))
    for (const double rate : options.rates_mbit)
      for (const double rtt : options.rtts_ms)
        for (const double loss : options.losses_percent)
          for (const double buffer : options.buffers_bdp) cells.push_back({cast, rate, rtt, loss, buffer});
  return cells;
}

sim::CongestionSetup congestion_setup(const CongestionCase& cell, const SimCongestionOptions& options) {
  const double bytes_per_second = cell.rate_mbit * 1e6 / 8;
  const double bdp = bytes_per_second * cell.rtt_ms / 1e3;
  // A queue that cannot hold a few packets is no queue.
  constexpr double kSmallestBuffer = 4 * 1'500;
  sim::HopSpec hop{.bits_per_second = static_cast<std::uint64_t>(cell.rate_mbit * 1e6), .queue = {}};
  hop.queue.kind = *sim::queue_kind_of(options.queue);
  hop.queue.bytes_max = static_cast<std::size_t>(std::max(kSmallestBuffer, bdp * cell.buffer_bdp));
  if (options.buffer_packets != 0) {
    hop.queue.bytes_max = SIZE_MAX;
    hop.queue.packets_max = options.buffer_packets;
  }
  sim::FlowSpec flow{.rtt = milliseconds(cell.rtt_ms), .loss = cell.loss_percent / 100, .ecn = !options.no_ecn};
  flow.careful_resume = options.careful_resume;
  flow.jitter = milliseconds(options.jitter_ms);
  if (options.megabytes > 0) flow.bytes = options.megabytes * 1'000'000;
  sim::CongestionSetup setup;
  if (options.topology == "parking-lot") {
    flow.controller = cell.controllers.front();
    sim::FlowSpec cross = flow;
    cross.controller = cell.controllers.back();
    setup = sim::parking_lot(hop, options.hops, flow, cross);
  } else {
    std::vector<sim::FlowSpec> flows;
    double start_s = 0;
    if (options.after_tcp_s) {
      sim::add_tcp_cubic();
      flows.push_back(flow);
      flows.back().controller = sim::kTcpCubic;
      flows.back().pacing = flows.back().ecn = flows.back().careful_resume = false;
      start_s = *options.after_tcp_s;
    }
    for (const std::string& controller : cell.controllers) {
      flow.controller = controller;
      flow.start = milliseconds(start_s * 1e3);
      flows.push_back(flow);
      start_s += options.stagger_s;
    }
    setup = sim::dumbbell(hop, std::move(flows));
  }
  setup.duration = milliseconds(options.duration_s * 1e3);
  setup.warmup = milliseconds(options.warmup_s * 1e3);
  setup.seed = options.seed;
  return setup;
}

void make_second_visit(sim::CongestionSetup& setup, const sim::CongestionResult& first,
                       const SimCongestionOptions& options) {
  for (std::size_t i = 0; i < setup.flows.size(); ++i) {
    sim::FlowSpec& flow = setup.flows[i];
    flow.saved_path = first.flows[i].saved_path;
    if (options.remembered_mbit > 0) {
      const double cwnd = options.remembered_mbit * 1e6 / 8 * to_seconds(flow.rtt);
      flow.saved_path = quic::SavedPath{.cwnd = static_cast<std::uint64_t>(cwnd), .rtt = flow.rtt};
    }
  }
}

std::string congestion_table_head() {
  return fmt::format(
      "{:<22} {:>7} {:>6} {:>5} {:>6}  {:<12} {:>9} {:>9} {:>6}  {:>8} {:>8} {:>7} {:>7} {:>7} {:>6} {:>6}\n", "flows",
      "Mbit/s", "RTT ms", "loss", "buffer", "flow", "goodput", "steady", "link", "delay50", "delay99", "resent",
      "drops", "marks", "Jain", "done s");
}

std::string congestion_table_rows(const CongestionCase& cell, const sim::CongestionResult& result) {
  std::string text;
  for (std::size_t i = 0; i < result.flows.size(); ++i) {
    const sim::FlowResult& flow = result.flows[i];
    const std::string link = i > 0 ? std::string(50, ' ')
                                   : fmt::format("{:<22} {:>7g} {:>6g} {:>4g}% {:>6g}", joined(cell.controllers),
                                                 cell.rate_mbit, cell.rtt_ms, cell.loss_percent, cell.buffer_bdp);
    text +=
        fmt::format("{}  {:<12} {:>9.2f} {:>9.2f} {:>5.1f}%  {:>8.2f} {:>8.2f} {:>6.2f}% {:>7} {:>7} {:>6} {:>6}{}{}\n",
                    link, flow.controller, flow.goodput_bps / 1e6, flow.steady_goodput_bps / 1e6,
                    flow.steady_goodput_bps / (cell.rate_mbit * 1e4), to_ms_exactly(flow.delay_p50),
                    to_ms_exactly(flow.delay_p99), flow.retransmitted_share() * 100, flow.drops, flow.marks,
                    i == 0 && result.flows.size() > 1 ? fmt::format("{:.3f}", result.fairness) : "",
                    flow.completed ? fmt::format("{:.3f}", to_seconds(*flow.completed)) : "", describe_jump(flow),
                    flow.failure.empty() ? "" : "  FAILED: " + flow.failure);
  }
  return text;
}

std::string congestion_json(const CongestionCase& cell, const sim::CongestionResult& result, bool series) {
  std::string flows;
  for (const sim::FlowResult& flow : result.flows) flows += (flows.empty() ? "" : ", ") + flow_json(flow, series);
  return fmt::format(
      "{{\"rate_mbit\": {:g}, \"rtt_ms\": {:g}, \"loss_percent\": {:g}, \"buffer_bdp\": {:g}, \"jain\": {:.5f}, "
      "\"utilisation\": {:.5f}, \"virtual_s\": {:.3f}, \"datagrams\": {}, \"flows\": [{}]}}\n",
      cell.rate_mbit, cell.rtt_ms, cell.loss_percent, cell.buffer_bdp, result.fairness, result.utilisation,
      to_seconds(result.virtual_time), result.datagrams, flows);
}

}  // namespace hawser::app
