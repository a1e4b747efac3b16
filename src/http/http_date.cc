// http_date.cc: IMF-fixdate, and the two obsolete formats on reading.
#include "http/http_date.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <chrono>

namespace hawser::http {
namespace {

constexpr std::array<std::string_view, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
constexpr std::array<std::string_view, 7> kDays{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array<std::string_view, 7> kLongDays{"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                    "Thursday", "Friday", "Saturday"};

// Reads a text from the left; a failure sticks.
class DateReader {
 public:
  explicit DateReader(std::string_view text) : text_(text) {}

  void literal(std::string_view expected) {
    ok_ = ok_ && text_.starts_with(expected);
    if (ok_) text_.remove_prefix(expected.size());
  }
  // Exactly `digits` decimal digits.
  int number(std::size_t digits) {
    int value = 0;
    ok_ = ok_ && text_.size() >= digits;
    for (std::size_t i = 0; ok_ && i < digits; ++i) {
      ok_ = text_[i] >= '0' && text_[i] <= '9';
      value = value * 10 + (text_[i] - '0');
    }
    if (ok_) text_.remove_prefix(digits);
    return value;
  }
  // The position of the name that comes next.
  template <std::size_t N>
  unsigned name(const std::array<std::string_view, N>& names) {
    for (unsigned i = 0; ok_ && i < N; ++i) {
      if (!text_.starts_with(names[i])) continue;
      text_.remove_prefix(names[i].size());
      return i;
    }
    ok_ = false;
    return 0;
  }
  // asctime writes a day below 10 with a space in front.
  int padded_day() {
    if (!text_.starts_with(' ')) return number(2);
    literal(" ");
    return number(1);
  }
  [[nodiscard]] bool at_end() const { return ok_ && text_.empty(); }

 private:
  std::string_view text_;
  bool ok_ = true;
};

struct DateParts {
  int year = 0;
  unsigned month = 0;  // from 0
  int day = 0;
  int hour = 0;
  int minute = 0;
  int second = 0;
};

std::optional<std::int64_t> to_seconds(const DateParts& parts) {
  using namespace std::chrono;
  const year_month_day date{year{parts.year}, month{parts.month + 1}, day{static_cast<unsigned>(parts.day)}};
  // A leap second is legal on the wire and counts as the one before it.
  if (!date.ok() || parts.hour > 23 || parts.minute > 59 || parts.second > 60) return std::nullopt;
  const std::int64_t days = sys_days{date}.time_since_epoch().count();
  return days * 86'400 + parts.hour * 3'600 + parts.minute * 60 + std::min(parts.second, 59);
}

void read_clock(DateReader& in, DateParts& parts) {
  parts.hour = in.number(2);
  in.literal(":");
  parts.minute = in.number(2);
  in.literal(":");
  parts.second = in.number(2);
}

std::optional<std::int64_t> parse_imf_fixdate(std::string_view text) {
  DateReader in{text};
  DateParts parts;
  in.name(kDays);
  in.literal(", ");
  parts.day = in.number(2);
  in.literal(" ");
  parts.month = in.name(kMonths);
  in.literal(" ");
  parts.year = in.number(4);
  in.literal(" ");
  read_clock(in, parts);
  in.literal(" GMT");
  return in.at_end() ? to_seconds(parts) : std::nullopt;
}

std::optional<std::int64_t> parse_rfc850_date(std::string_view text) {
  DateReader in{text};
  DateParts parts;
  in.name(kLongDays);
  in.literal(", ");
  parts.day = in.number(2);
  in.literal("-");
  parts.month = in.name(kMonths);
  in.literal("-");
  parts.year = in.number(2);
  parts.year += parts.year >= 70 ? 1900 : 2000;
  in.literal(" ");
  read_clock(in, parts);
  in.literal(" GMT");
  return in.at_end() ? to_seconds(parts) : std::nullopt;
}

std::optional<std::int64_t> parse_asctime_date(std::string_view text) {
  DateReader in{text};
  DateParts parts;
  in.name(kDays);
  in.literal(" ");
  parts.month = in.name(kMonths);
  in.literal(" ");
  parts.day = in.padded_day();
  in.literal(" ");
  read_clock(in, parts);
  in.literal(" ");
  parts.year = in.number(4);
  return in.at_end() ? to_seconds(parts) : std::nullopt;
}

}  // namespace

void write_http_date(std::int64_t seconds, std::span<char, kHttpDateSize> out) {
  using namespace std::chrono;
  const sys_seconds time{std::chrono::seconds{seconds}};
  const sys_days days = floor<std::chrono::days>(time);
  const year_month_day date{days};
  const hh_mm_ss clock{time - days};
  fmt::format_to_n(out.data(), out.size(), "{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT",
                   kDays[weekday{days}.c_encoding()], static_cast<unsigned>(date.day()),
                   kMonths[static_cast<unsigned>(date.month()) - 1], static_cast<int>(date.year()),
                   clock.hours().count(), clock.minutes().count(), clock.seconds().count());
}

std::string format_http_date(std::int64_t seconds) {
  std::array<char, kHttpDateSize> text{};
  write_http_date(seconds, text);
  return {text.data(), text.size()};
}

std::optional<std::int64_t> parse_http_date(std::string_view text) {
  if (const auto date = parse_imf_fixdate(text)) return date;
  if (const auto date = parse_rfc850_date(text)) return date;
  return parse_asctime_date(text);
}

}  // namespace hawser::http
