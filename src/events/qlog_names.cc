// qlog_names.cc: the frame objects of draft-ietf-quic-qlog-quic-events-13 section 8, and
// the older event names that qvis knows.
#include "events/qlog_names.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <string>

namespace hawser {
namespace {

struct OlderName {
  EventKind kind;
  std::string_view name;
};

// Events that are absent keep their name: qvis passes over what it does not know.
constexpr OlderName kOlderNames[] = {
    {EventKind::kConnectionStarted, "connectivity:connection_started"},
    {EventKind::kConnectionClosed, "connectivity:connection_closed"},
    {EventKind::kConnectionStateUpdated, "connectivity:connection_state_updated"},
    {EventKind::kConnectionIdUpdated, "connectivity:connection_id_updated"},
    {EventKind::kMtuUpdated, "connectivity:mtu_updated"},
    {EventKind::kVersionInformation, "transport:version_information"},
    {EventKind::kAlpnInformation, "transport:alpn_information"},
    {EventKind::kParametersSet, "transport:parameters_set"},
    {EventKind::kParametersRestored, "transport:parameters_restored"},
    {EventKind::kPacketBuffered, "transport:packet_buffered"},
    {EventKind::kDatagramsSent, "transport:datagrams_sent"},
    {EventKind::kDatagramsReceived, "transport:datagrams_received"},
    {EventKind::kRecoveryParametersSet, "recovery:parameters_set"},
    {EventKind::kPacketSent, "transport:packet_sent"},
    {EventKind::kPacketReceived, "transport:packet_received"},
    {EventKind::kPacketDropped, "transport:packet_dropped"},
    {EventKind::kDatagramDropped, "transport:datagram_dropped"},
    {EventKind::kPacketsAcked, "transport:packets_acked"},
    {EventKind::kStreamStateUpdated, "transport:stream_state_updated"},
    {EventKind::kStreamDataMoved, "transport:data_moved"},
    {EventKind::kPacketLost, "recovery:packet_lost"},
    {EventKind::kMarkedForRetransmit, "recovery:marked_for_retransmit"},
    {EventKind::kRecoveryMetricsUpdated, "recovery:metrics_updated"},
    {EventKind::kCongestionStateUpdated, "recovery:congestion_state_updated"},
    {EventKind::kTimerUpdated, "recovery:loss_timer_updated"},
    {EventKind::kKeyUpdated, "security:key_updated"},
    {EventKind::kKeyDiscarded, "security:key_discarded"},
    {EventKind::kHttp3ParametersSet, "http:parameters_set"},
    {EventKind::kHttp3StreamTypeSet, "http:stream_type_set"},
    {EventKind::kHttp3FrameCreated, "http:frame_created"},
    {EventKind::kHttp3FrameParsed, "http:frame_parsed"},
    {EventKind::kHttp3PriorityUpdated, "http:priority_updated"},
};

// By code, RFC 9000 section 20.1 and RFC 9368 section 10.2.
constexpr std::string_view kTransportErrors[] = {
    "no_error",
    "internal_error",
    "connection_refused",
    "flow_control_error",
    "stream_limit_error",
    "stream_state_error",
    "final_size_error",
    "frame_encoding_error",
    "transport_parameter_error",
    "connection_id_limit_error",
    "protocol_violation",
    "invalid_token",
    "application_error",
    "crypto_buffer_exceeded",
    "key_update_error",
    "aead_limit_reached",
    "no_viable_path",
    "version_negotiation_error",
};

// From 0x100, RFC 9114 section 8.1, in the words of the http3 schema.
constexpr std::string_view kHttp3Errors[] = {
    "http_no_error",
    "http_general_protocol_error",
    "http_internal_error",
    "http_stream_creation_error",
    "http_closed_critical_stream",
    "http_frame_unexpected",
    "http_frame_error",
    "http_excessive_load",
    "http_id_error",
    "http_settings_error",
    "http_missing_settings",
    "http_request_rejected",
    "http_request_cancelled",
    "http_request_incomplete",
    "http_early_response",
    "http_connect_error",
    "http_version_fallback",
};

// Which members of FrameSummary a frame type uses, and under which names; empty: unused.
struct FrameShape {
  std::uint64_t first;  // frame types of this shape, first to last
  std::uint64_t last;
  std::string_view name;
  std::string_view id{};
  std::string_view value{};
  std::string_view extra{};
  std::string_view offset{};
  bool has_length = false;
  std::string_view data{};
  bool has_path = false;
};

constexpr FrameShape kFrameShapes[] = {
    {.first = 0x00, .last = 0x00, .name = "padding", .has_length = true},
    {.first = 0x01, .last = 0x01, .name = "ping"},
    {.first = 0x02, .last = 0x03, .name = "ack"},
    {.first = 0x04,
     .last = 0x04,
     .name = "reset_stream",
     .id = "stream_id",
     .value = "error_code",
     .extra = "final_size"},
    {.first = 0x05, .last = 0x05, .name = "stop_sending", .id = "stream_id", .value = "error_code"},
    {.first = 0x06, .last = 0x06, .name = "crypto", .offset = "offset", .has_length = true},
    {.first = 0x07, .last = 0x07, .name = "new_token", .has_length = true},
    {.first = 0x08, .last = 0x0f, .name = "stream", .id = "stream_id", .offset = "offset", .has_length = true},
    {.first = 0x10, .last = 0x10, .name = "max_data", .value = "maximum"},
    {.first = 0x11, .last = 0x11, .name = "max_stream_data", .id = "stream_id", .value = "maximum"},
    {.first = 0x12, .last = 0x13, .name = "max_streams", .value = "maximum"},
    {.first = 0x14, .last = 0x14, .name = "data_blocked", .value = "limit"},
    {.first = 0x15, .last = 0x15, .name = "stream_data_blocked", .id = "stream_id", .value = "limit"},
    {.first = 0x16, .last = 0x17, .name = "streams_blocked", .value = "limit"},
    {.first = 0x18,
     .last = 0x18,
     .name = "new_connection_id",
     .id = "sequence_number",
     .extra = "retire_prior_to",
     .data = "connection_id"},
    {.first = 0x19, .last = 0x19, .name = "retire_connection_id", .id = "sequence_number"},
    {.first = 0x1a, .last = 0x1a, .name = "path_challenge", .data = "data"},
    {.first = 0x1b, .last = 0x1b, .name = "path_response", .data = "data"},
    {.first = 0x1c, .last = 0x1d, .name = "connection_close", .value = "error_code"},
    {.first = 0x1e, .last = 0x1e, .name = "handshake_done"},
    {.first = 0x1f, .last = 0x1f, .name = "immediate_ack"},
    {.first = 0x24,
     .last = 0x24,
     .name = "reset_stream_at",
     .id = "stream_id",
     .value = "error_code",
     .extra = "final_size",
     .offset = "reliable_size"},
    {.first = 0x30, .last = 0x31, .name = "datagram", .has_length = true},
    {.first = 0x3e, .last = 0x3f, .name = "path_ack", .has_path = true},
    {.first = 0x3e75, .last = 0x3e75, .name = "path_abandon", .value = "error_code", .has_path = true},
    {.first = 0x3e76,
     .last = 0x3e76,
     .name = "path_status_backup",
     .id = "path_status_sequence_number",
     .has_path = true},
    {.first = 0x3e77,
     .last = 0x3e77,
     .name = "path_status_available",
     .id = "path_status_sequence_number",
     .has_path = true},
    {.first = 0x3e78,
     .last = 0x3e78,
     .name = "path_new_connection_id",
     .id = "sequence_number",
     .extra = "retire_prior_to",
     .data = "connection_id",
     .has_path = true},
    {.first = 0x3e79, .last = 0x3e79, .name = "path_retire_connection_id", .id = "sequence_number", .has_path = true},
    {.first = 0x3e7a, .last = 0x3e7a, .name = "max_path_id", .value = "maximum_path_id"},
    {.first = 0x3e7b, .last = 0x3e7b, .name = "paths_blocked", .value = "maximum_path_id"},
    {.first = 0x3e7c, .last = 0x3e7c, .name = "path_cids_blocked", .id = "next_sequence_number", .has_path = true},
    {.first = 0xaf,
     .last = 0xaf,
     .name = "ack_frequency",
     .id = "sequence_number",
     .value = "ack_eliciting_threshold",
     .extra = "request_max_ack_delay",
     .offset = "reordering_threshold"},
    {.first = 0x9f81a6, .last = 0x9f81a7, .name = "observed_address", .id = "sequence_number"},
    {.first = 0x3afec701,
     .last = 0x3afec701,
     .name = "fec_repair",
     .id = "first_packet_number",
     .value = "packet_count",
     .extra = "row",
     .has_length = true},
    {.first = 0x3afec702,
     .last = 0x3afec702,
     .name = "fec_recovered",
     .id = "first_packet_number",
     .value = "packet_count"},
};

const FrameShape* shape_of(std::uint64_t type) {
  for (const FrameShape& shape : kFrameShapes)
    if (type >= shape.first && type <= shape.last) return &shape;
  return nullptr;
}

void write_number(JsonWriter& json, std::string_view name, std::uint64_t value) {
  if (name.empty()) return;
  json.key(name);
  json.number(value);
}

void write_ack(JsonWriter& json, const FrameSummary& frame) {
  json.key("ack_delay");
  json.milliseconds(Duration{std::chrono::microseconds{frame.value}});
  if (!frame.ranges.empty()) {
    json.key("acked_ranges");
    json.begin_array();
    for (const Range& range : frame.ranges) {
      json.begin_array();
      json.number(range.begin);
      if (range.size() > 1) json.number(range.end - 1);
      json.end_array();
    }
    json.end_array();
  }
  // Ours: the schema knows no receive timestamps.
  if (frame.extra != 0) write_number(json, "receive_timestamp_count", frame.extra);
  if (!frame.has_ecn) return;
  json.key("ect1");
  json.number(frame.ect1);
  json.key("ect0");
  json.number(frame.ect0);
  json.key("ce");
  json.number(frame.ce);
}

void write_close(JsonWriter& json, const FrameSummary& frame, bool http3) {
  const bool transport = frame.type == 0x1c;
  const TransportErrorText error(frame.value);
  json.key("error_space");
  json.text(transport ? "transport" : "application");
  json.key("error");
  json.text(transport ? error.view() : application_error_name(frame.value, http3));
  if (transport && frame.extra != 0) {
    json.key("trigger_frame_type");
    json.number(frame.extra);
  }
  if (!frame.reason.empty()) {
    json.key("reason");
    json.text(frame.reason);
  }
}

void write_special_members(JsonWriter& json, const FrameSummary& frame, bool http3) {
  if (frame.type == 0x9f81a6 || frame.type == 0x9f81a7) {
    json.key("address");
    write_address(json, frame.address);
  }
  if (frame.type == 0x02 || frame.type == 0x03 || frame.type == 0x3e || frame.type == 0x3f) write_ack(json, frame);
  if (frame.type == 0x1c || frame.type == 0x1d) write_close(json, frame, http3);
  if (frame.type == 0x04 || frame.type == 0x05 || frame.type == 0x24) {
    json.key("error");
    json.text(application_error_name(frame.value, http3));
  }
  if (frame.type == 0x07) {
    json.key("token");
    json.begin_object();
    json.end_object();
  }
  const bool counts_streams = frame.type == 0x12 || frame.type == 0x13 || frame.type == 0x16 || frame.type == 0x17;
  if (counts_streams) {
    json.key("stream_type");
    json.text((frame.type & 1) == 0 ? "bidirectional" : "unidirectional");
  }
}

bool is_reserved(std::uint64_t http3_type) {
  return http3_type >= 0x21 && (http3_type - 0x21) % 0x1f == 0;
}

std::string_view http3_frame_name(std::uint64_t type) {
  switch (type) {
    case 0x00:
      return "data";
    case 0x01:
      return "headers";
    case 0x03:
      return "cancel_push";
    case 0x04:
      return "settings";
    case 0x07:
      return "goaway";
    case 0x0d:
      return "max_push_id";
    case 0xf0700:
    case 0xf0701:
      return "priority_update";
    default:
      return is_reserved(type) ? "reserved" : "unknown";
  }
}

void write_fields(JsonWriter& json, std::span<const HttpField> fields) {
  json.key("headers");
  json.begin_array();
  for (const HttpField& field : fields) {
    json.begin_object();
    json.key("name");
    json.text(field.name);
    if (field.has_value) {
      json.key("value");
      json.text(field.value);
    }
    json.end_object();
  }
  json.end_array();
}

void write_settings(JsonWriter& json, std::span<const NamedValue> settings) {
  json.key("settings");
  json.begin_array();
  for (const NamedValue& setting : settings) {
    json.begin_object();
    json.key("name");
    json.text(setting.name);
    json.key("value");
    json.number(setting.value);
    json.end_object();
  }
  json.end_array();
}

}  // namespace

std::string_view application_error_name(std::uint64_t code, bool http3) {
  return http3 && code >= 0x100 && code - 0x100 < std::size(kHttp3Errors) ? kHttp3Errors[code - 0x100] : "unknown";
}

void write_address(JsonWriter& json, const SocketAddress& address) {
  const bool v4 = address.family == AddressFamily::kIpv4;
  // "192.0.2.1:443" or "[2001:db8::1]:443": the address is what stands before the port.
  const std::string both = to_string(address);
  std::string_view ip = std::string_view{both}.substr(0, both.rfind(':'));
  if (ip.starts_with('[')) ip = ip.substr(1, ip.size() - 2);
  json.begin_object();
  json.key(v4 ? "ip_v4" : "ip_v6");
  json.text(ip);
  json.key(v4 ? "port_v4" : "port_v6");
  json.number(address.port);
  json.end_object();
}

void write_http3_frame(JsonWriter& json, const Http3FrameSummary& frame) {
  const std::string_view name = http3_frame_name(frame.type);
  json.begin_object();
  json.key("frame_type");
  json.text(name);
  if (name == "reserved" || name == "unknown") write_number(json, "frame_type_bytes", frame.type);
  if (name == "headers") write_fields(json, frame.headers);
  if (name == "settings") write_settings(json, frame.settings);
  if (name == "goaway") write_number(json, "id", frame.id);
  if (name == "cancel_push" || name == "max_push_id" || frame.type == 0xf0701) write_number(json, "push_id", frame.id);
  if (frame.type == 0xf0700) write_number(json, "stream_id", frame.id);
  if (name == "priority_update") {
    json.key("priority_field_value");
    json.text(frame.priority);
  }
  json.key("raw");
  json.begin_object();
  json.key("payload_length");
  json.number(frame.length);
  json.end_object();
  json.end_object();
}

std::string_view event_name(EventKind kind, QlogNames names) {
  if (names == QlogNames::kLegacy) {
    for (const OlderName& row : kOlderNames)
      if (row.kind == kind) return row.name;
  }
  return kEventTable[static_cast<std::size_t>(kind)].qlog_name;
}

TransportErrorText::TransportErrorText(std::uint64_t code) : text_("unknown") {
  if (code < std::size(kTransportErrors)) {
    text_ = kTransportErrors[code];
  } else if (code >= 0x100 && code <= 0x1ff) {
    constexpr std::string_view kPrefix = "crypto_error_0x1";
    constexpr char kDigits[] = "0123456789abcdef";
    std::memcpy(crypto_, kPrefix.data(), kPrefix.size());
    crypto_[kPrefix.size()] = kDigits[code >> 4 & 15];
    crypto_[kPrefix.size() + 1] = kDigits[code & 15];
    text_ = {crypto_, kPrefix.size() + 2};
  }
}

void write_frame(JsonWriter& json, const FrameSummary& frame, const FrameStyle& style) {
  const FrameShape* shape = shape_of(frame.type);
  json.begin_object();
  json.key("frame_type");
  json.text(shape == nullptr ? "unknown" : shape->name);
  if (shape == nullptr) {
    write_number(json, "frame_type_bytes", frame.type);
    json.end_object();
    return;
  }
  if (shape->has_path) write_number(json, "path_id", frame.path_id);
  write_number(json, shape->id, frame.id);
  write_special_members(json, frame, style.http3);
  write_number(json, shape->value, frame.value);
  write_number(json, shape->extra, frame.extra);
  write_number(json, shape->offset, frame.offset);
  if (frame.fin) {
    json.key("fin");
    json.boolean(true);
  }
  if (!shape->data.empty()) {
    json.key(shape->data);
    json.hex(frame.data);
  }
  if (shape->has_length) {
    if (style.names == QlogNames::kLegacy) write_number(json, "length", frame.length);
    json.key("raw");
    json.begin_object();
    json.key(frame.type == 0 ? "payload_length" : "length");
    json.number(frame.length);
    json.end_object();
  }
  json.end_object();
}

}  // namespace hawser
