// perf_live.cc: rates since the last look, and how the path does.
#include "perf_live.h"

#include <fmt/format.h>

#include <algorithm>

#include "perf_report.h"

namespace hawser::perf {
namespace {

std::string rate_of(Mode mode, const LiveSample& sample) {
  const double seconds = to_seconds(sample.since_last);
  const double rate = seconds > 0 ? static_cast<double>(sample.progress) / seconds : 0;
  return mode == Mode::kDownload || mode == Mode::kUpload ? rate_text(8 * rate)
                                                          : fmt::format("{:.0f} per second", rate);
}

std::string size_text(std::uint64_t octets) {
  return octets < 1'000'000 ? fmt::format("{:.0f} kB", static_cast<double>(octets) / 1e3)
                            : fmt::format("{:.1f} MB", static_cast<double>(octets) / 1e6);
}

}  // namespace

std::uint64_t packets_lost(const LiveSample& sample) {
  return (sample.client ? sample.client->packets_lost : 0) + (sample.server ? sample.server->packets_lost : 0);
}

std::string live_line(Mode mode, const LiveSample& sample) {
  std::string line = fmt::format("{:4.0f} s  {:<18}", to_seconds(sample.since_begin), rate_of(mode, sample));
  if (!sample.client) return line;
  // The server sends the bulk of downloads and answers; without its report nobody else's will do.
  const bool server_sends = mode != Mode::kUpload && mode != Mode::kDatagrams;
  if (server_sends && !sample.server) return line;
  const double rtt_us = server_sends ? static_cast<double>(sample.server->smoothed_rtt_ns) / 1e3
                                     : static_cast<double>(sample.client->smoothed_rtt.count()) / 1e3;
  const std::uint64_t window = server_sends ? sample.server->congestion_window : sample.client->congestion_window;
  const std::uint64_t lost = packets_lost(sample);
  line += fmt::format("  RTT {:<10}  lost {:<6}  window {}", fmt::format("{:.0f} us", rtt_us),
                      lost - std::min(lost, sample.lost_before), size_text(window));
  return line;
}

}  // namespace hawser::perf
