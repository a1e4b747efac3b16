// message.cc: the rules that make a list of fields a request, a response or trailers.
#include "http3/message.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <string>

#include "base/result.h"

namespace hawser::http3 {

namespace {

constexpr std::array<bool, 256> make_name_octets() {
  std::array<bool, 256> legal{};
  for (const char c : std::string_view("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz"))
    legal[static_cast<unsigned char>(c)] = true;
  return legal;
}
constexpr std::array<bool, 256> kNameOctets = make_name_octets();

constexpr std::array<bool, 256> make_value_octets() {
  std::array<bool, 256> legal{};
  for (std::size_t c = 0x20; c < 256; ++c) legal[c] = c != 0x7f;
  legal['\t'] = true;
  return legal;
}
constexpr std::array<bool, 256> kValueOctets = make_value_octets();

constexpr bool is_blank(char c) {
  return c == ' ' || c == '\t';
}

// Method names and the like (RFC 9110 section 5.6.2): as a field name, but of either case.
bool is_token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return kNameOctets[static_cast<unsigned char>(c)] || (c >= 'A' && c <= 'Z');
  });
}

// What one pass over a list finds out.
struct Scan {
  MessageHead head;
  std::string_view status_text;
  std::string_view host;
  std::string_view priority;  // its last line
  std::size_t priority_count = 0;
  std::size_t pseudo_count = 0;
  std::size_t cookie_count = 0;
  std::size_t cookie_octets = 0;
  bool has_method = false;
  bool has_scheme = false;
  bool has_authority = false;
  bool has_path = false;
  bool has_protocol = false;
  bool has_status = false;
  bool has_host = false;
};

Result<void> take_pseudo(std::string_view& into, bool& has, std::string_view value) {
  // rfc9114:4.3.1-exactly-one
  if (has) return malformed("a pseudo-header field appears twice");
  has = true;
  into = value;
  return {};
}

// RFC 9114 section 4.3: no others exist, and each belongs to one kind of message.
Result<void> scan_pseudo(const Field& field, Scan& scan) {
  if (!is_field_value(field.value)) return malformed("a pseudo-header field has a character that is not allowed");
  if (field.name == ":method") return take_pseudo(scan.head.method, scan.has_method, field.value);
  if (field.name == ":path") return take_pseudo(scan.head.path, scan.has_path, field.value);
  if (field.name == ":scheme") return take_pseudo(scan.head.scheme, scan.has_scheme, field.value);
  if (field.name == ":authority") return take_pseudo(scan.head.authority, scan.has_authority, field.value);
  if (field.name == ":status") return take_pseudo(scan.status_text, scan.has_status, field.value);
  if (field.name == ":protocol") return take_pseudo(scan.head.protocol, scan.has_protocol, field.value);
  // rfc9114:4.3-undefined
  return malformed("an unknown pseudo-header field");
}

Result<std::uint64_t> parse_content_length(std::string_view text) {
  if (text.empty() || text.size() > 19) return malformed("content-length is not a number");
  std::uint64_t value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return malformed("content-length is not a number");
    value = value * 10 + static_cast<std::uint64_t>(c - '0');
  }
  return value;
}

// Fields of a connection, not of a message (RFC 9114 section 4.2).
bool is_connection_specific(std::string_view name) {
  switch (name.size()) {
    case 7:
      return name == "upgrade";
    case 10:
      return name == "connection" || name == "keep-alive";
    case 16:
      return name == "proxy-connection";
    case 17:
      return name == "transfer-encoding";
    default:
      return false;
  }
}

Result<void> check_field(const Field& field) {
  // rfc9114:10.3-names rfc9114:4.2-uppercase rfc9114:4.2-lowercase
  if (!is_field_name(field.name)) return malformed("a field name has a character that is not allowed");
  // rfc9114:10.3-values
  if (!is_field_value(field.value)) return malformed("a field value has a character that is not allowed");
  // rfc9114:4.2-connection-specific rfc9114:4.1-transfer-encoding
  if (is_connection_specific(field.name)) return malformed("a connection-specific field");
  // rfc9114:4.2-te
  if (field.name == "te" && field.value != "trailers") return malformed("te with a value other than trailers");
  return {};
}

Result<void> scan_regular(const Field& field, Scan& scan) {
  HAWSER_TRY_VOID(check_field(field));
  if (field.name == "content-length") {
    HAWSER_TRY(const std::uint64_t length, parse_content_length(field.value));
    if (scan.head.content_length && *scan.head.content_length != length)
      return malformed("two values of content-length");
    scan.head.content_length = length;
  } else if (field.name == "host") {
    if (scan.has_host && scan.host != field.value) return malformed("two values of host");
    scan.has_host = true;
    scan.host = field.value;
  } else if (field.name == "cookie") {
    ++scan.cookie_count;
    scan.cookie_octets += field.value.size();
  } else if (field.name == "priority") {
    ++scan.priority_count;
    scan.priority = field.value;
  }
  return {};
}

// RFC 8941 section 4.2: the lines of a field are joined by commas before anything is read.
void read_priority(FieldList fields, Scan& scan) {
  if (scan.priority_count == 0) [[likely]]
    return;
  std::string joined;
  if (scan.priority_count > 1) {
    for (const Field& field : fields) {
      if (field.name == "priority") joined.append(field.value).append(", ");
    }
    joined.resize(joined.size() - 2);
    scan.priority = joined;
  }
  Priority priority;
  if (parse_priority(scan.priority, priority)) scan.head.priority = priority;
}

Result<void> scan_list(FieldList fields, Scan& scan) {
  for (const Field& field : fields) {
    if (field.name.starts_with(':')) {
      // rfc9114:4.3-first rfc9114:4.3-late
      if (&field != fields.data() + scan.pseudo_count) return malformed("a pseudo-header field after a regular field");
      ++scan.pseudo_count;
      HAWSER_TRY_VOID(scan_pseudo(field, scan));
    } else {
      HAWSER_TRY_VOID(scan_regular(field, scan));
    }
  }
  read_priority(fields, scan);
  return {};
}

// RFC 9114 section 4.3.1: with both, they agree; the authority has no user information.
Result<void> check_authority(Scan& scan) {
  MessageHead& head = scan.head;
  // rfc9114:4.3.1-not-empty rfc9114:4.3.1-no-authority
  if (scan.has_authority && head.authority.empty()) return malformed(":authority is empty");
  if (scan.has_host && scan.host.empty()) return malformed("host is empty");
  // rfc9114:4.3.1-same
  if (scan.has_authority && scan.has_host && scan.host != head.authority)
    return malformed("host differs from :authority");
  if (!scan.has_authority) head.authority = scan.host;
  // rfc9114:4.3.1-userinfo
  if (head.authority.find('@') != std::string_view::npos) return malformed("user information in the authority");
  return {};
}

bool is_http_scheme(std::string_view scheme) {
  return scheme == "https" || scheme == "http";
}

// RFC 9114 section 4.4.
// rfc9114:4.4-form
Result<void> check_plain_connect(const Scan& scan) {
  if (scan.has_scheme || scan.has_path) return malformed("CONNECT with :scheme or :path");
  if (!scan.has_authority) return malformed("CONNECT without :authority");
  const std::size_t colon = scan.head.authority.rfind(':');
  if (colon == std::string_view::npos || colon == 0 || colon + 1 == scan.head.authority.size()) {
    return malformed("CONNECT without a host and a port");
  }
  return {};
}

Result<void> check_target(const Scan& scan) {
  const MessageHead& head = scan.head;
  // rfc9114:4.3.1-exactly-one
  if (!scan.has_scheme || !scan.has_path) return malformed("a request without :scheme or :path");
  if (head.scheme.empty()) return malformed(":scheme is empty");
  if (!is_http_scheme(head.scheme)) return {};
  // rfc9114:4.3.1-authority-or-host
  if (head.authority.empty()) return malformed("a request without :authority or host");
  if (head.path.starts_with('/')) return {};
  if (head.path == "*" && head.method == "OPTIONS") return {};
  // rfc9114:4.3.1-path
  return malformed(":path does not begin with a slash");
}

Result<void> check_request(Scan& scan, bool extended_connect) {
  // rfc9114:4.3-direction
  if (scan.has_status) return malformed(":status in a request");
  if (!scan.has_method || !is_token(scan.head.method)) return malformed("a request without a legal :method");
  HAWSER_TRY_VOID(check_authority(scan));
  if (scan.has_protocol) {
    // RFC 9220 section 3 by way of RFC 8441 section 4.
    if (!extended_connect) return malformed(":protocol without SETTINGS_ENABLE_CONNECT_PROTOCOL");
    if (!scan.head.is_connect() || scan.head.protocol.empty()) return malformed(":protocol without CONNECT, or empty");
    if (!scan.has_authority) return malformed("Extended CONNECT without :authority");
    return check_target(scan);
  }
  return scan.head.is_connect() ? check_plain_connect(scan) : check_target(scan);
}

enum class Direction : std::uint8_t { kReceived, kToSend };

Result<void> check_response(Scan& scan, Direction direction) {
  if (scan.has_method || scan.has_scheme || scan.has_authority || scan.has_path || scan.has_protocol) {
    return malformed("a request's pseudo-header field in a response");
  }
  const std::string_view text = scan.status_text;
  const bool digits =
      text.size() == 3 && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
  // rfc9114:4.3.2-status
  if (!digits || text[0] == '0') return malformed("a response without a legal :status");
  MessageHead& head = scan.head;
  head.status = static_cast<std::uint16_t>((text[0] - '0') * 100 + (text[1] - '0') * 10 + (text[2] - '0'));
  head.kind = head.status < 200 ? MessageKind::kInformational : MessageKind::kResponse;
  // RFC 9114 section 4.5.
  if (head.status == 101) return malformed("status 101 does not exist in HTTP/3");
  // RFC 9110 section 8.6. Servers that send it in a 204 all the same say 0, which is true: that is let pass.
  const bool is_true = head.status == 204 && head.content_length == 0 && direction == Direction::kReceived;
  if (head.content_length && (head.status < 200 || head.status == 204) && !is_true)
    return malformed("content-length in a response without content");
  return {};
}

// RFC 9114 section 4.2.1: crumbs become one field, in the place of the first.
// rfc9114:4.2.1-cookies
void join_cookies(FieldSection& section, const Scan& scan) {
  if (scan.cookie_count < 2) return;
  const std::size_t size = scan.cookie_octets + 2 * (scan.cookie_count - 1);
  char* out = section.reserve(size);
  const char* const end = out + size;
  for (const Field& field : section) {
    if (field.name != "cookie") continue;
    if (!field.value.empty()) std::memcpy(out, field.value.data(), field.value.size());
    out += field.value.size();
    if (out == end) break;
    *out++ = ';';
    *out++ = ' ';
  }
  const std::string_view joined = section.take(size);
  std::size_t kept = 0;
  bool placed = false;
  const std::span<Field> fields = section.mutable_fields();
  for (Field& field : fields) {
    if (field.name == "cookie") {
      if (placed) continue;
      placed = true;
      field.value = joined;
    }
    fields[kept++] = field;
  }
  section.truncate(kept);
}

Result<MessageHead> finish(FieldSection& section, Scan& scan) {
  join_cookies(section, scan);
  scan.head.fields = section.fields().subspan(scan.pseudo_count);
  return scan.head;
}

}  // namespace

std::optional<std::string_view> MessageHead::find(std::string_view name) const {
  for (const Field& field : fields) {
    if (field.name == name) return field.value;
  }
  return std::nullopt;
}

bool is_field_name(std::string_view name) {
  return !name.empty() &&
         std::all_of(name.begin(), name.end(), [](char c) { return kNameOctets[static_cast<unsigned char>(c)]; });
}

bool is_field_value(std::string_view value) {
  if (value.empty()) return true;
  if (is_blank(value.front()) || is_blank(value.back())) return false;
  return std::all_of(value.begin(), value.end(), [](char c) { return kValueOctets[static_cast<unsigned char>(c)]; });
}

Result<MessageHead> parse_request(FieldSection& section, RequestRules rules) {
  Scan scan;
  HAWSER_TRY_VOID(scan_list(section.fields(), scan));
  HAWSER_TRY_VOID(check_request(scan, rules.extended_connect));
  return finish(section, scan);
}

// rfc9114:4.1.2-not-accepted
Result<MessageHead> parse_response(FieldSection& section) {
  Scan scan;
  HAWSER_TRY_VOID(scan_list(section.fields(), scan));
  HAWSER_TRY_VOID(check_response(scan, Direction::kReceived));
  return finish(section, scan);
}

Result<void> check_outgoing_trailers(FieldList fields) {
  for (const Field& field : fields) {
    // rfc9114:4.3-trailers
    if (field.name.starts_with(':')) return malformed("a pseudo-header field in trailers");
    HAWSER_TRY_VOID(check_field(field));
  }
  return {};
}

Result<void> check_trailers(const FieldSection& section) {
  return check_outgoing_trailers(section.fields());
}

// rfc9114:4.3-own-pseudo
Result<MessageHead> check_outgoing_request(FieldList fields, bool peer_allows_extended_connect) {
  Scan scan;
  HAWSER_TRY_VOID(scan_list(fields, scan));
  HAWSER_TRY_VOID(check_request(scan, peer_allows_extended_connect));
  scan.head.fields = fields.subspan(scan.pseudo_count);
  return scan.head;
}

Result<MessageHead> check_outgoing_response(FieldList fields) {
  Scan scan;
  HAWSER_TRY_VOID(scan_list(fields, scan));
  HAWSER_TRY_VOID(check_response(scan, Direction::kToSend));
  scan.head.fields = fields.subspan(scan.pseudo_count);
  return scan.head;
}

}  // namespace hawser::http3
