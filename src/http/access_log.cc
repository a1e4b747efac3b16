// access_log.cc: formatting and writing.
#include "http/access_log.h"

#include <fmt/format.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <iterator>

namespace hawser::http {
namespace {

constexpr bool is_plain(char c) {
  const auto octet = static_cast<unsigned char>(c);
  return octet >= 0x20 && octet != 0x7f && c != '"' && c != '\\';
}

// Without the quotes.
void append_escaped(std::string& out, std::string_view text) {
  if (std::ranges::all_of(text, is_plain)) {
    out += text;
    return;
  }
  for (const char c : text) {
    if (is_plain(c)) {
      out += c;
    } else {
      fmt::format_to(std::back_inserter(out), "\\x{:02X}", static_cast<unsigned char>(c));
    }
  }
}

void append_quoted(std::string& out, std::string_view text) {
  out += '"';
  append_escaped(out, text.empty() ? "-" : text);
  out += '"';
}

void append_number(std::string& out, std::uint64_t number) {
  std::array<char, 20> digits;
  out.append(digits.data(), std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr);
}

// "0.003020"
void append_seconds(std::string& out, Duration duration) {
  constexpr std::uint64_t kMicroseconds = 1'000'000;
  const auto us = static_cast<std::uint64_t>(std::max<std::int64_t>(to_us(duration), 0));
  append_number(out, us / kMicroseconds);
  std::array<char, 7> digits;
  std::to_chars(digits.data(), digits.data() + digits.size(), kMicroseconds + us % kMicroseconds);
  digits[0] = '.';  // in the place of the leading 1, which kept the zeros
  out.append(digits.data(), digits.size());
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

void AccessLine::append(std::string& out, const AccessLogEntry& entry, std::int64_t wall_clock_s) {
  if (host_.empty() || peer_ != entry.peer) {
    peer_ = entry.peer;
    host_ = to_string(entry.peer);
    host_.resize(host_.rfind(':') == std::string::npos ? host_.size() : host_.rfind(':'));
  }
  if (second_ != wall_clock_s) {
    second_ = wall_clock_s;
    time_.clear();
    append_time(time_, wall_clock_s);
  }
  out.append(host_).append(" - - [").append(time_).append("] \"");
  append_escaped(out, entry.method);
  out += ' ';
  append_escaped(out, entry.target);
  out += ' ';
  out.append(entry.protocol).append("\" ");
  append_number(out, entry.status);
  out += ' ';
  append_number(out, entry.body_octets);
  out += ' ';
  append_quoted(out, entry.referer);
  out += ' ';
  append_quoted(out, entry.user_agent);
  out += ' ';
  append_seconds(out, entry.duration);
  out += '\n';
}

void AccessLog::append(const AccessLogEntry& entry, Timestamp now) {
  timespec time{};
  clock_gettime(CLOCK_REALTIME_COARSE, &time);
  line_.append(buffer_, entry, time.tv_sec);
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
