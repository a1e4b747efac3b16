// json_writer.cc: escaping (RFC 8259 section 7) and numbers.
#include "events/json_writer.h"

#include <cstddef>

namespace hawser {
namespace {

constexpr char kHexDigits[] = "0123456789abcdef";

bool is_continuation(std::string_view s, std::size_t at) {
  return at < s.size() && (static_cast<unsigned char>(s[at]) & 0xc0) == 0x80;
}

// Octets of the well-formed UTF-8 sequence at `at` (RFC 3629 section 4), 0 if there is none.
std::size_t utf8_length(std::string_view s, std::size_t at) {
  const auto lead = static_cast<unsigned char>(s[at]);
  if (lead < 0x80) return 1;
  const auto second = at + 1 < s.size() ? static_cast<unsigned char>(s[at + 1]) : 0u;
  if (lead >= 0xc2 && lead <= 0xdf) return is_continuation(s, at + 1) ? 2 : 0;
  if (lead >= 0xe0 && lead <= 0xef) {
    const bool overlong = lead == 0xe0 && second < 0xa0;
    const bool surrogate = lead == 0xed && second > 0x9f;
    return !overlong && !surrogate && is_continuation(s, at + 1) && is_continuation(s, at + 2) ? 3 : 0;
  }
  if (lead >= 0xf0 && lead <= 0xf4) {
    const bool overlong = lead == 0xf0 && second < 0x90;
    const bool too_large = lead == 0xf4 && second > 0x8f;
    return !overlong && !too_large && is_continuation(s, at + 1) && is_continuation(s, at + 2) &&
                   is_continuation(s, at + 3)
               ? 4
               : 0;
  }
  return 0;
}

void append_escaped_ascii(std::string& out, char c) {
  switch (c) {
    case '"':
      out += "\\\"";
      return;
    case '\\':
      out += "\\\\";
      return;
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    default:
      break;
  }
  const auto octet = static_cast<unsigned char>(c);
  if (octet >= 0x20 && octet != 0x7f) {
    out += c;
    return;
  }
  out += "\\u00";
  out += kHexDigits[octet >> 4];
  out += kHexDigits[octet & 15];
}

}  // namespace

void JsonWriter::text(std::string_view value) {
  separate();
  out_ += '"';
  for (std::size_t i = 0; i < value.size();) {
    const std::size_t length = utf8_length(value, i);
    if (length == 1) {
      append_escaped_ascii(out_, value[i]);
    } else if (length == 0) {
      out_ += "\xef\xbf\xbd";
    } else {
      out_ += value.substr(i, length);
    }
    i += length == 0 ? 1 : length;
  }
  out_ += '"';
  after_value_ = true;
}

void JsonWriter::hex(Bytes value) {
  separate();
  out_ += '"';
  for (const std::uint8_t octet : value) {
    out_ += kHexDigits[octet >> 4];
    out_ += kHexDigits[octet & 15];
  }
  out_ += '"';
  after_value_ = true;
}

void JsonWriter::milliseconds(Duration value) {
  separate();
  std::int64_t ns = value.count();
  if (ns < 0) {
    out_ += '-';
    ns = -ns;
  }
  after_value_ = false;
  number(static_cast<std::uint64_t>(ns / 1'000'000));
  std::int64_t fraction = ns % 1'000'000;
  if (fraction != 0) {
    out_ += '.';
    for (std::int64_t digit = 100'000; fraction != 0; digit /= 10) {
      out_ += static_cast<char>('0' + fraction / digit);
      fraction %= digit;
    }
  }
  after_value_ = true;
}

}  // namespace hawser
