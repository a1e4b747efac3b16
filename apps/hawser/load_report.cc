// load_report.cc: the two ways to print a run.
#include "load_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>

#include "json_object.h"
#include "perf_report.h"

namespace hawser::load {
namespace {

struct Column {
  std::string_view title;  // for people
  std::string_view key;    // in JSON
  double share;
};
constexpr std::array kPercentiles{Column{"p50", "p50", 0.5},  Column{"p75", "p75", 0.75},
                                  Column{"p90", "p90", 0.9},  Column{"p95", "p95", 0.95},
                                  Column{"p99", "p99", 0.99}, Column{"p99.9", "p999", 0.999}};

double per_second(std::uint64_t count, double seconds) {
  return seconds > 0 ? static_cast<double>(count) / seconds : 0;
}

// "840 us", "2.31 ms", "1.20 s"
std::string time_text(Duration time) {
  const auto us = static_cast<double>(time.count()) / 1e3;
  if (us < 1e3) return fmt::format("{:.0f} us", us);
  if (us < 1e6) return fmt::format("{:.2f} ms", us / 1e3);
  return fmt::format("{:.2f} s", us / 1e6);
}

std::string octets_text(double octets) {
  if (octets >= 1e9) return fmt::format("{:.2f} GB", octets / 1e9);
  if (octets >= 1e6) return fmt::format("{:.2f} MB", octets / 1e6);
  return fmt::format("{:.1f} kB", octets / 1e3);
}

void add_row(std::string& text, std::string_view name, const Histogram& times) {
  if (times.count() == 0) return;
  text += fmt::format("{:<12}{:>10}{:>10}", name, time_text(times.least()), time_text(times.mean()));
  for (const Column& column : kPercentiles) text += fmt::format("{:>10}", time_text(times.percentile(column.share)));
  text += fmt::format("{:>10}\n", time_text(times.most()));
}

// Requests a second of the connections.
struct Spread {
  double least = 0, mean = 0, most = 0, deviation = 0;
};

Spread spread_of(const Outcome& outcome) {
  Spread spread;
  const auto& shares = outcome.stats.shares;
  if (shares.empty()) return spread;
  double sum = 0;
  double squares = 0;
  spread.least = HUGE_VAL;
  for (const ConnectionShare& share : shares) {
    const double rate = per_second(share.requests_done, outcome.seconds);
    spread.least = std::min(spread.least, rate);
    spread.most = std::max(spread.most, rate);
    sum += rate;
    squares += rate * rate;
  }
  const auto count = static_cast<double>(shares.size());
  spread.mean = sum / count;
  spread.deviation = std::sqrt(std::max(0.0, squares / count - spread.mean * spread.mean));
  return spread;
}

void add_times(app::JsonObject& json, std::string_view what, const Histogram& times) {
  if (times.count() == 0) return;
  const auto add = [&](std::string_view name, Duration time) {
    json.number(fmt::format("{}_{}_seconds", what, name), to_seconds(time));
  };
  add("min", times.least());
  add("mean", times.mean());
  for (const Column& column : kPercentiles) add(column.key, times.percentile(column.share));
  add("max", times.most());
}

double cpu_per_request_us(const Outcome& outcome) {
  const std::uint64_t done = outcome.stats.requests_done();
  return done == 0 ? 0 : to_seconds(outcome.cpu.total()) * 1e6 / static_cast<double>(done);
}

std::string shape_of(const LoadOptions& options) {
  const LoadArguments& given = options.arguments;
  std::string text =
      fmt::format("{}: {} connection{} of {} stream{}, {} thread{}", options.origin.to_string(), given.connections,
                  given.connections == 1 ? "" : "s", given.streams, given.streams == 1 ? "" : "s", given.common.workers,
                  given.common.workers == 1 ? "" : "s");
  if (options.rate != 0) text += fmt::format(", open loop of {:.0f} requests a second", options.rate);
  return text;
}

}  // namespace

std::string describe(const LoadOptions& options, const Outcome& outcome) {
  const Stats& s = outcome.stats;
  std::string text = shape_of(options) + "\n";
  text += fmt::format("finished in {:.2f} s: {:.1f} requests/s, {} of bodies a second\n", outcome.seconds,
                      per_second(s.requests_done(), outcome.seconds),
                      octets_text(per_second(s.body_octets, outcome.seconds)));
  text += fmt::format("requests: {} started, {} done, {} succeeded, {} failed, {} errored, {} timed out\n",
                      s.requests_started, s.requests_done(), s.requests_succeeded, s.requests_failed(),
                      s.requests_errored, s.requests_timed_out);
  text += fmt::format("status codes: {} 2xx, {} 3xx, {} 4xx, {} 5xx\n", s.statuses[1], s.statuses[2], s.statuses[3],
                      s.statuses[4]);
  text += fmt::format("traffic: {} of bodies; UDP {} received, {} sent, {} packets lost\n",
                      octets_text(static_cast<double>(s.body_octets)),
                      octets_text(static_cast<double>(s.udp_octets_received)),
                      octets_text(static_cast<double>(s.udp_octets_sent)), s.packets_lost);
  text += fmt::format("CPU of this process: {:.2f} s (user {:.2f}, system {:.2f}), {:.2f} us a request\n",
                      to_seconds(outcome.cpu.total()), to_seconds(outcome.cpu.user), to_seconds(outcome.cpu.system),
                      cpu_per_request_us(outcome));
  const Spread spread = spread_of(outcome);
  text += fmt::format("requests/s of a connection: {:.1f} least, {:.1f} mean, {:.1f} most, {:.1f} deviation\n",
                      spread.least, spread.mean, spread.most, spread.deviation);
  text += fmt::format("{:<12}{:>10}{:>10}", "", "min", "mean");
  for (const Column& column : kPercentiles) text += fmt::format("{:>10}", column.title);
  text += fmt::format("{:>10}\n", "max");
  add_row(text, "handshake", s.handshakes);
  add_row(text, "first octet", s.first_octets);
  add_row(text, "request", s.latencies);
  if (s.requests_unanswered != 0)
    text += fmt::format("{} requests had fallen due and were not answered at the end: the times above leave them out\n",
                        s.requests_unanswered);
  if (s.reconnects != 0)
    text += fmt::format("{} times the server ended a connection and it was made anew\n", s.reconnects);
  if (s.connections_renewed != 0)
    text += fmt::format("connections: {} made anew after {} requests each, {} resumed\n", s.connections_renewed,
                        options.arguments.requests_per_connection, s.connections_resumed);
  if (options.arguments.early_data)
    text += fmt::format("0-RTT: {} requests, on {} connections that were accepted and {} that were rejected\n",
                        s.early_requests, s.early_accepted, s.early_rejected);
  if (outcome.connections_failed != 0)
    text += fmt::format("{} connections were given up: {}\n", outcome.connections_failed, s.failure);
  return text;
}

std::string to_json(const LoadOptions& options, const Outcome& outcome) {
  const Stats& s = outcome.stats;
  const LoadArguments& given = options.arguments;
  app::JsonObject json;
  json.text("url", options.origin.to_string());
  json.count("connections", given.connections);
  json.count("streams_per_connection", given.streams);
  json.count("threads", given.common.workers);
  json.text("loop", options.rate != 0 ? "open" : "closed");
  if (options.rate != 0) json.number("rate_requests_per_second", options.rate);
  json.number("seconds", outcome.seconds);
  json.number("requests_per_second", per_second(s.requests_done(), outcome.seconds));
  json.count("requests_started", s.requests_started);
  json.count("requests_done", s.requests_done());
  json.count("requests_succeeded", s.requests_succeeded);
  json.count("requests_failed", s.requests_failed());
  json.count("requests_errored", s.requests_errored);
  json.count("requests_timed_out", s.requests_timed_out);
  json.count("requests_unanswered", s.requests_unanswered);
  json.count("errors", outcome.errors());
  for (std::size_t i = 1; i < s.statuses.size(); ++i) json.count(fmt::format("status_{}xx", i + 1), s.statuses[i]);
  json.count("body_bytes", s.body_octets);
  json.number("body_bytes_per_second", per_second(s.body_octets, outcome.seconds));
  json.count("udp_payload_bytes_received", s.udp_octets_received);
  json.count("udp_payload_bytes_sent", s.udp_octets_sent);
  json.count("packets_lost", s.packets_lost);
  json.count("connections_failed", outcome.connections_failed);
  json.count("reconnects", s.reconnects);
  json.count("connections_renewed", s.connections_renewed);
  json.count("connections_resumed", s.connections_resumed);
  json.count("early_data_accepted", s.early_accepted);
  json.count("early_data_rejected", s.early_rejected);
  json.count("early_requests", s.early_requests);
  json.number("cpu_seconds", to_seconds(outcome.cpu.total()));
  json.number("cpu_user_seconds", to_seconds(outcome.cpu.user));
  json.number("cpu_system_seconds", to_seconds(outcome.cpu.system));
  json.number("cpu_seconds_per_request", cpu_per_request_us(outcome) / 1e6);
  const Spread spread = spread_of(outcome);
  json.number("connection_requests_per_second_min", spread.least);
  json.number("connection_requests_per_second_mean", spread.mean);
  json.number("connection_requests_per_second_max", spread.most);
  json.number("connection_requests_per_second_deviation", spread.deviation);
  add_times(json, "handshake", s.handshakes);
  add_times(json, "ttfb", s.first_octets);
  add_times(json, "latency", s.latencies);
  return json.done();
}

}  // namespace hawser::load
