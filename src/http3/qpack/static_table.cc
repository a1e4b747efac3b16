// static_table.cc: the entries of RFC 9204 appendix A, and a perfect hash over their names that
// the compiler finds.
#include "http3/qpack/static_table.h"

#include <array>

namespace hawser::http3::qpack {

namespace {

constexpr std::array<Field, kStaticTableSize> kEntries{{
    Field{":authority", ""},
    Field{":path", "/"},
    Field{"age", "0"},
    Field{"content-disposition", ""},
    Field{"content-length", "0"},
    Field{"cookie", ""},
    Field{"date", ""},
    Field{"etag", ""},
    Field{"if-modified-since", ""},
    Field{"if-none-match", ""},
    Field{"last-modified", ""},
    Field{"link", ""},
    Field{"location", ""},
    Field{"referer", ""},
    Field{"set-cookie", ""},
    Field{":method", "CONNECT"},
    Field{":method", "DELETE"},
    Field{":method", "GET"},
    Field{":method", "HEAD"},
    Field{":method", "OPTIONS"},
    Field{":method", "POST"},
    Field{":method", "PUT"},
    Field{":scheme", "http"},
    Field{":scheme", "https"},
    Field{":status", "103"},
    Field{":status", "200"},
    Field{":status", "304"},
    Field{":status", "404"},
    Field{":status", "503"},
    Field{"accept", "*/*"},
    Field{"accept", "application/dns-message"},
    Field{"accept-encoding", "gzip, deflate, br"},
    Field{"accept-ranges", "bytes"},
    Field{"access-control-allow-headers", "cache-control"},
    Field{"access-control-allow-headers", "content-type"},
    Field{"access-control-allow-origin", "*"},
    Field{"cache-control", "max-age=0"},
    Field{"cache-control", "max-age=2592000"},
    Field{"cache-control", "max-age=604800"},
    Field{"cache-control", "no-cache"},
    Field{"cache-control", "no-store"},
    Field{"cache-control", "public, max-age=31536000"},
    Field{"content-encoding", "br"},
    Field{"content-encoding", "gzip"},
    Field{"content-type", "application/dns-message"},
    Field{"content-type", "application/javascript"},
    Field{"content-type", "application/json"},
    Field{"content-type", "application/x-www-form-urlencoded"},
    Field{"content-type", "image/gif"},
    Field{"content-type", "image/jpeg"},
    Field{"content-type", "image/png"},
    Field{"content-type", "text/css"},
    Field{"content-type", "text/html; charset=utf-8"},
    Field{"content-type", "text/plain"},
    Field{"content-type", "text/plain;charset=utf-8"},
    Field{"range", "bytes=0-"},
    Field{"strict-transport-security", "max-age=31536000"},
    Field{"strict-transport-security", "max-age=31536000; includesubdomains"},
    Field{"strict-transport-security", "max-age=31536000; includesubdomains; preload"},
    Field{"vary", "accept-encoding"},
    Field{"vary", "origin"},
    Field{"x-content-type-options", "nosniff"},
    Field{"x-xss-protection", "1; mode=block"},
    Field{":status", "100"},
    Field{":status", "204"},
    Field{":status", "206"},
    Field{":status", "302"},
    Field{":status", "400"},
    Field{":status", "403"},
    Field{":status", "421"},
    Field{":status", "425"},
    Field{":status", "500"},
    Field{"accept-language", ""},
    Field{"access-control-allow-credentials", "FALSE"},
    Field{"access-control-allow-credentials", "TRUE"},
    Field{"access-control-allow-headers", "*"},
    Field{"access-control-allow-methods", "get"},
    Field{"access-control-allow-methods", "get, post, options"},
    Field{"access-control-allow-methods", "options"},
    Field{"access-control-expose-headers", "content-length"},
    Field{"access-control-request-headers", "content-type"},
    Field{"access-control-request-method", "get"},
    Field{"access-control-request-method", "post"},
    Field{"alt-svc", "clear"},
    Field{"authorization", ""},
    Field{"content-security-policy", "script-src 'none'; object-src 'none'; base-uri 'none'"},
    Field{"early-data", "1"},
    Field{"expect-ct", ""},
    Field{"forwarded", ""},
    Field{"if-range", ""},
    Field{"origin", ""},
    Field{"purpose", "prefetch"},
    Field{"server", ""},
    Field{"timing-allow-origin", "*"},
    Field{"upgrade-insecure-requests", "1"},
    Field{"user-agent", ""},
    Field{"x-forwarded-for", ""},
    Field{"x-frame-options", "deny"},
    Field{"x-frame-options", "sameorigin"},
}};

constexpr std::size_t kSlots = 512;  // one octet each; about 60 are taken

// Length and three characters tell all names of the table apart.
constexpr std::size_t slot_of(std::string_view name, std::uint32_t factor) {
  const auto octet = [name](std::size_t i) { return static_cast<std::uint32_t>(static_cast<unsigned char>(name[i])); };
  const std::uint32_t parts = static_cast<std::uint32_t>(name.size()) ^ octet(0) << 8 ^
                              octet(name.size() * 3 / 4) << 14 ^ octet(name.size() - 1) << 22;
  return (parts * factor) >> 23;
}
static_assert(kSlots == std::size_t{1} << (32 - 23));

struct NameIndex {
  std::uint32_t factor = 0;
  std::array<std::uint8_t, kSlots> first{};           // lowest entry of the name in this slot
  std::array<std::uint8_t, kStaticTableSize> next{};  // next entry of the same name
};

constexpr bool fill(NameIndex& index) {
  index.first.fill(StaticMatch::kNone);
  index.next.fill(StaticMatch::kNone);
  for (std::size_t i = kStaticTableSize; i-- > 0;) {
    std::uint8_t& head = index.first[slot_of(kEntries[i].name, index.factor)];
    if (head != StaticMatch::kNone && kEntries[head].name != kEntries[i].name) return false;
    index.next[i] = head;
    head = static_cast<std::uint8_t>(i);
  }
  return true;
}

consteval NameIndex find_perfect_hash() {
  NameIndex index;
  // Odd multipliers in a fixed order, so that every build finds the same one.
  for (std::uint32_t seed = 1; seed < 4'000; ++seed) {
    index.factor = seed * 0x9e3779b1u | 1;
    if (fill(index)) return index;
  }
  index.factor = 0;
  return index;
}

constexpr NameIndex kNames = find_perfect_hash();
static_assert(kNames.factor != 0, "no multiplier keeps the names apart: change slot_of");

}  // namespace

constinit const std::array<Field, kStaticTableSize> kStaticTable = kEntries;

StaticMatch find_static(std::string_view name, std::string_view value) {
  StaticMatch match;
  if (name.empty()) return match;
  std::uint8_t at = kNames.first[slot_of(name, kNames.factor)];
  if (at == StaticMatch::kNone || kEntries[at].name != name) return match;
  match.name = at;
  for (; at != StaticMatch::kNone; at = kNames.next[at]) {
    if (kEntries[at].value == value) {
      match.exact = at;
      break;
    }
  }
  return match;
}

}  // namespace hawser::http3::qpack
