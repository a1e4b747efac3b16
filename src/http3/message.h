// message.h: what a field section must be to be an HTTP message (RFC 9114 sections 4.2 to 4.5,
// RFC 9220, RFC 9110). Pure functions; every fault is H3_MESSAGE_ERROR on the stream.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "http3/error.h"
#include "http3/priority.h"
#include "http3/qpack/field.h"

namespace hawser::http3 {

enum class MessageKind : std::uint8_t {
  kRequest,
  kInformational,  // a response with a 1xx status; another one follows
  kResponse,       // a final response
};

// A message's head. The views live as long as the FieldSection it was made from.
struct MessageHead {
  MessageKind kind = MessageKind::kRequest;
  std::uint16_t status = 0;    // responses: 100 to 999
  std::string_view method;     // requests; case matters
  std::string_view scheme;     // empty for CONNECT
  std::string_view authority;  // from :authority, or from host where that is absent
  std::string_view path;       // empty for CONNECT
  std::string_view protocol;   // Extended CONNECT (RFC 9220) only
  std::optional<std::uint64_t> content_length;
  // From the priority field of a request or response (RFC 9218 section 5).
  std::optional<Priority> priority;
  // The regular fields: lower-case names, cookie crumbs joined into one field.
  FieldList fields;

  [[nodiscard]] bool is_connect() const { return method == "CONNECT"; }
  [[nodiscard]] bool is_extended_connect() const { return is_connect() && !protocol.empty(); }
  // The value of the first regular field of that name.
  [[nodiscard]] std::optional<std::string_view> find(std::string_view name) const;
};

struct RequestRules {
  // We said SETTINGS_ENABLE_CONNECT_PROTOCOL = 1: :protocol is legal.
  bool extended_connect = false;
};

// Checks a request and splits it up. The section is changed: cookies are joined.
Result<MessageHead> parse_request(FieldSection& section, RequestRules rules);
Result<MessageHead> parse_response(FieldSection& section);
// Trailers: no pseudo-header fields, and the rules of every field.
Result<void> check_trailers(const FieldSection& section);

// The same rules for what we are about to send; the list stays as it is.
Result<MessageHead> check_outgoing_request(FieldList fields, bool peer_allows_extended_connect);
Result<MessageHead> check_outgoing_response(FieldList fields);
Result<void> check_outgoing_trailers(FieldList fields);

// Lower-case token characters (RFC 9110 section 5.6.2, RFC 9114 section 4.2), not empty.
bool is_field_name(std::string_view name);
// No control character but tab, and no space or tab at the ends (RFC 9110 section 5.5).
bool is_field_value(std::string_view value);

}  // namespace hawser::http3
