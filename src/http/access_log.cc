// access_log.cc: formatting and writing.
#include "http/access_log.h"

#include <fmt/format.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <iterator>

namespace hawser::http {
namespace {

void append_quoted(std::string& out, std::string_view text) {
  out += '"';
  if (text.empty()) out += '-';
  for (const char c : text) {
    const auto octet = static_cast<unsigned char>(c);
    if (octet < 0x20 || octet == 0x7f || c == '"' || c == '\\') {
      fmt::format_to(std::back_inserter(out), "\\x{:02X}", octet);
    } else {
      out += c;
    }
  }
  out += '"';
}

// "21/Nov/2026:10:55:01 +0000"
void append_time(std::string& out, std::int64_t wall_clock_s) {
  constexpr std::array<std::string_view, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const time_t seconds = wall_clock_s;
  tm parts{};
  gmtime_r(&seconds, &parts);
  fmt::format_to(std::back_inserter(out), "{:02}/{}/{:04}:{:02}:{:02}:{:02} +0000", parts.tm_mday,
                 kMonths[static_cast<std::size_t>(parts.tm_mon)], parts.tm_year + 1'900, parts.tm_hour, parts.tm_min,
                 parts.tm_sec);
}

}  // namespace

void append_access_line(std::string& out, const AccessLogEntry& entry, std::int64_t wall_clock_s) {
  std::string host = to_string(entry.peer);
  host.resize(host.rfind(':') == std::string::npos ? host.size() : host.rfind(':'));
  fmt::format_to(std::back_inserter(out), "{} - - [", host);
  append_time(out, wall_clock_s);
  out += "] ";
  append_quoted(out, fmt::format("{} {} {}", entry.method, entry.target, entry.protocol));
  fmt::format_to(std::back_inserter(out), " {} {} ", entry.status, entry.body_octets);
  append_quoted(out, entry.referer);
  out += ' ';
  append_quoted(out, entry.user_agent);
  fmt::format_to(std::back_inserter(out), " {:.6f}\n", to_seconds(entry.duration));
}

void AccessLog::append(const AccessLogEntry& entry, Timestamp now) {
  timespec time{};
  clock_gettime(CLOCK_REALTIME_COARSE, &time);
  append_access_line(buffer_, entry, time.tv_sec);
  if (!flush_at_) flush_at_ = now + kFlushInterval;
  if (buffer_.size() >= kBufferMax) flush();
}

void AccessLog::on_timeout(Timestamp now) {
  if (flush_at_ && now >= *flush_at_) flush();
}

void AccessLog::flush() {
  std::string_view rest = buffer_;
  while (!rest.empty()) {
    const ssize_t count = ::write(fd_, rest.data(), rest.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) break;
    rest.remove_prefix(static_cast<std::size_t>(count));
  }
  buffer_.clear();
  flush_at_.reset();
}

}  // namespace hawser::http
