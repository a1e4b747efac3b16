// qlog_names.h: words and frame objects of qlog that need more than a table row.
#pragma once

#include <cstdint>
#include <string_view>

#include "events/event_types.h"
#include "events/events.h"
#include "events/json_writer.h"

namespace hawser {

// Which generation of names a log uses.
enum class QlogNames : std::uint8_t {
  kDraft14,  // draft-ietf-quic-qlog-main-schema-14, quic-events-13, h3-events-13
  kLegacy,   // qlog 0.3, what the qvis viewer reads: "transport:packet_sent"
};

// The event's name in that generation.
std::string_view event_name(EventKind kind, QlogNames names);

// "flow_control_error", "crypto_error_0x12f" or "unknown" for a transport error code. The
// view lives as long as the object, which must not be copied.
class TransportErrorText {
 public:
  explicit TransportErrorText(std::uint64_t code);
  TransportErrorText(const TransportErrorText&) = delete;
  TransportErrorText& operator=(const TransportErrorText&) = delete;
  [[nodiscard]] std::string_view view() const { return text_; }
  [[nodiscard]] bool is_known() const { return text_ != "unknown"; }

 private:
  char crypto_[19];  // "crypto_error_0x1ff" and its end
  std::string_view text_;
};

// The word of the http3 schema for an application error code, "unknown" if there is none.
std::string_view application_error_name(std::uint64_t code, bool http3);

struct FrameStyle {
  QlogNames names = QlogNames::kDraft14;
  bool http3 = false;  // application error codes are those of HTTP/3
};

// One frame as an object of the quic schema. kLegacy adds the `length` that qvis looks for.
void write_frame(JsonWriter& json, const FrameSummary& frame, const FrameStyle& style);
// An address as an object: "ip_v4" and "port_v4", or "ip_v6" and "port_v6". It has a family.
void write_address(JsonWriter& json, const SocketAddress& address);
// One frame as an object of the http3 schema.
void write_http3_frame(JsonWriter& json, const Http3FrameSummary& frame);

}  // namespace hawser
