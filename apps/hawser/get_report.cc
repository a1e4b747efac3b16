// get_report.cc: formatting only; get_run.cc prints.
#include "get_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace hawser::app {
namespace {

using Formatter = std::string (*)(const WriteOutValues&);

struct Variable {
  std::string_view name;
  Formatter format;
};

std::string seconds(double value) {
  return fmt::format("{:.6f}", value);
}

std::string speed(std::uint64_t octets, double time_s) {
  return fmt::format("{:.0f}", time_s > 0 ? static_cast<double>(octets) / time_s : 0.0);
}

using V = const WriteOutValues&;
constexpr std::array kVariables{
    Variable{"content_type", [](V v) { return v.content_type; }},
    // 0-RTT: none, accepted or rejected.
    Variable{"early_data", [](V v) { return v.early_data; }},
    Variable{"errormsg", [](V v) { return v.error_message; }},
    Variable{"exitcode", [](V v) { return std::to_string(v.exit_code); }},
    Variable{"filename_effective", [](V v) { return v.filename_effective; }},
    Variable{"http_code", [](V v) { return fmt::format("{:03}", v.http_code); }},
    Variable{"http_version", [](V v) { return v.http_version; }},
    Variable{"local_ip", [](V v) { return v.local_ip; }},
    Variable{"local_port", [](V v) { return std::to_string(v.local_port); }},
    Variable{"method", [](V v) { return v.method; }},
    Variable{"num_paths", [](V v) { return std::to_string(v.num_paths); }},
    Variable{"num_redirects", [](V v) { return std::to_string(v.redirects); }},
    // As the server sees this end (address discovery).
    Variable{"observed_ip", [](V v) { return v.observed_ip; }},
    Variable{"observed_port", [](V v) { return std::to_string(v.observed_port); }},
    // Of several networks: Path ID, local address, state, round trip in ms, octets received.
    Variable{"paths", [](V v) { return v.paths; }},
    Variable{"redirect_url", [](V v) { return v.redirect_url; }},
    Variable{"remote_ip", [](V v) { return v.remote_ip; }},
    Variable{"remote_port", [](V v) { return std::to_string(v.remote_port); }},
    Variable{"resumed", [](V v) { return std::string(v.resumed ? "yes" : "no"); }},
    Variable{"response_code", [](V v) { return fmt::format("{:03}", v.http_code); }},
    Variable{"scheme", [](V) { return std::string("https"); }},
    Variable{"size_download", [](V v) { return std::to_string(v.size_download); }},
    Variable{"size_header", [](V v) { return std::to_string(v.size_header); }},
    Variable{"size_upload", [](V v) { return std::to_string(v.size_upload); }},
    Variable{"speed_download", [](V v) { return speed(v.size_download, v.time_total); }},
    Variable{"speed_upload", [](V v) { return speed(v.size_upload, v.time_total); }},
    // The handshake of QUIC and that of TLS are one.
    Variable{"time_appconnect", [](V v) { return seconds(v.time_connect); }},
    Variable{"time_connect", [](V v) { return seconds(v.time_connect); }},
    Variable{"time_firstpacket", [](V v) { return seconds(v.time_firstpacket); }},
    Variable{"time_namelookup", [](V v) { return seconds(v.time_namelookup); }},
    Variable{"time_pretransfer", [](V v) { return seconds(v.time_connect); }},
    Variable{"time_starttransfer", [](V v) { return seconds(v.time_starttransfer); }},
    Variable{"time_total", [](V v) { return seconds(v.time_total); }},
    Variable{"url", [](V v) { return v.url; }},
    Variable{"url_effective", [](V v) { return v.url_effective; }},
};

// What the character after a backslash stands for.
std::string unescape(char c) {
  switch (c) {
    case 'n':
      return "\n";
    case 'r':
      return "\r";
    case 't':
      return "\t";
    case '\\':
      return "\\";
    default:
      return std::string("\\") + c;
  }
}

}  // namespace

std::string format_write_out(std::string_view format, const WriteOutValues& values) {
  std::string out;
  while (!format.empty()) {
    const char c = format.front();
    const bool pair = format.size() > 1;
    if (c == '\\' && pair) {
      out += unescape(format[1]);
      format.remove_prefix(2);
      continue;
    }
    const std::size_t close = c == '%' && pair && format[1] == '{' ? format.find('}') : std::string_view::npos;
    if (close != std::string_view::npos) {
      const std::string_view name = format.substr(2, close - 2);
      const auto variable = std::ranges::find(kVariables, name, &Variable::name);
      out += variable == kVariables.end() ? std::string(format.substr(0, close + 1)) : variable->format(values);
      format.remove_prefix(close + 1);
      continue;
    }
    out += c;
    format.remove_prefix(c == '%' && pair && format[1] == '%' ? 2 : 1);
  }
  return out;
}

std::string write_out_names() {
  std::string names;
  for (const Variable& variable : kVariables) names.append(names.empty() ? "" : " ").append(variable.name);
  return names;
}

std::string human_octets(double octets) {
  constexpr std::array<std::string_view, 5> kUnits{"B", "kB", "MB", "GB", "TB"};
  std::size_t unit = 0;
  while (octets >= 999.5 && unit + 1 < kUnits.size()) {
    octets /= 1000;
    ++unit;
  }
  const int decimals = unit == 0 || octets >= 99.95 ? 0 : octets >= 9.995 ? 1 : 2;
  return fmt::format("{:.{}f} {}", octets, decimals, kUnits[unit]);
}

std::string human_time(double time_s) {
  if (!(time_s >= 0) || time_s > 359'999) return "--:--";
  const auto whole = static_cast<std::uint64_t>(time_s + 0.5);
  if (whole < 3'600) return fmt::format("{}:{:02}", whole / 60, whole % 60);
  return fmt::format("{}:{:02}:{:02}", whole / 3'600, whole / 60 % 60, whole % 60);
}

std::string ProgressBar::line(std::string_view name, std::uint64_t here, std::uint64_t expected, Timestamp now,
                              std::size_t width) {
  const double elapsed = to_seconds(now - last_);
  if (elapsed > 0) {
    const double sample = here >= last_here_ ? static_cast<double>(here - last_here_) / elapsed : 0;
    const double weight = std::min(1.0, elapsed / 2 + (to_seconds(now - began_) < 2 ? 0.5 : 0.0));
    rate_ = rate_ == 0 ? sample : rate_ + weight * (sample - rate_);
    last_ = now;
    last_here_ = here;
  }
  std::string text = fmt::format("{} {}/s", human_octets(static_cast<double>(here)), human_octets(rate_));
  if (expected > 0) {
    const double share = std::min(1.0, static_cast<double>(here) / static_cast<double>(expected));
    const double left = rate_ > 0 ? static_cast<double>(expected - std::min(here, expected)) / rate_ : -1;
    text = fmt::format("{:5.1f}%  {} of {}  {}/s  ETA {}", share * 100, human_octets(static_cast<double>(here)),
                       human_octets(static_cast<double>(expected)), human_octets(rate_), human_time(left));
  }
  std::string line = fmt::format("{}  {}", name, text);
  if (line.size() > width) line.resize(width);
  return line;
}

}  // namespace hawser::app
