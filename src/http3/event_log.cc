// event_log.cc: what happens in a session, as events beside the connection's own. Nothing here
// runs unless someone listens.
#include <algorithm>
#include <array>

#include "events/event_sink.h"
#include "http3/session_core.h"

namespace hawser::http3 {
namespace {

// Fields shown of one message; a head of a browser has some 25.
constexpr std::size_t kLoggedFieldsMax = 64;
// Settings shown of one frame.
constexpr std::size_t kLoggedSettingsMax = 16;

// Values that let others act in a user's name (RFC 9204 section 7.1.3).
bool is_secret(std::string_view name) {
  return name == "authorization" || name == "proxy-authorization" || name == "cookie" || name == "set-cookie";
}

std::string_view setting_name(std::uint64_t id) {
  return is_reserved_value(id) ? "reserved" : "unknown";
}

}  // namespace

void SessionCore::start_events() {
  const EventEmitter* events = transport_->events();
  events_ = events != nullptr && events->wants(EventGroup::kHttp) ? events : nullptr;
}

void SessionCore::log_stream_type(Owner side, StreamId id, Http3StreamType type) {
  events_->emit(Http3StreamTypeSet{.initiator = side, .stream_id = id.value, .stream_type = type});
}

void SessionCore::log_frame(Owner side, StreamId id, const Http3FrameSummary& frame) {
  if (side == Owner::kLocal) {
    events_->emit(Http3FrameCreated{.stream_id = id.value, .frame = frame});
  } else {
    events_->emit(Http3FrameParsed{.stream_id = id.value, .frame = frame});
  }
}

void SessionCore::log_headers(Owner side, StreamId id, FieldList fields, std::uint64_t length) {
  std::array<HttpField, kLoggedFieldsMax> shown;
  const std::size_t count = std::min(fields.size(), shown.size());
  for (std::size_t i = 0; i < count; ++i) {
    const bool secret = fields[i].sensitive || is_secret(fields[i].name);
    shown[i] = {fields[i].name, secret ? std::string_view{} : fields[i].value, !secret};
  }
  log_frame(side, id,
            {.type = static_cast<std::uint64_t>(FrameType::kHeaders),
             .length = length,
             .headers = std::span<const HttpField>{shown}.first(count)});
}

void SessionCore::log_integer_frame(Owner side, StreamId id, FrameType type, std::uint64_t value) {
  log_frame(side, id, {.type = static_cast<std::uint64_t>(type), .length = varint_size(value), .id = value});
}

void SessionCore::log_settings(Owner side, StreamId id, const Settings& settings, std::uint64_t length) {
  std::array<NamedValue, kLoggedSettingsMax> sent;
  std::size_t count = 0;
  const auto add = [&](std::string_view name, std::uint64_t value) {
    if (count < sent.size()) sent[count++] = {name, value};
  };
  if (settings.qpack_max_table_capacity != 0)
    add("settings_qpack_max_table_capacity", settings.qpack_max_table_capacity);
  if (settings.max_field_section_size != kVarintMax)
    add("settings_max_field_section_size", settings.max_field_section_size);
  if (settings.qpack_blocked_streams != 0) add("settings_qpack_blocked_streams", settings.qpack_blocked_streams);
  if (settings.enable_connect_protocol) add("settings_enable_connect_protocol", 1);
  if (settings.h3_datagram) add("settings_h3_datagram", 1);
  for (const UnknownSetting& other : settings.others) add(setting_name(other.id), other.value);
  log_frame(side, id,
            {.type = static_cast<std::uint64_t>(FrameType::kSettings),
             .length = length,
             .settings = std::span<const NamedValue>{sent}.first(count)});
  const NamedValue values[] = {{"max_field_section_size", settings.max_field_section_size},
                               {"max_table_capacity", settings.qpack_max_table_capacity},
                               {"blocked_streams_count", settings.qpack_blocked_streams},
                               {"extended_connect", settings.enable_connect_protocol ? 1u : 0u},
                               {"h3_datagram", settings.h3_datagram ? 1u : 0u}};
  events_->emit(Http3ParametersSet{.initiator = side, .settings = values});
}

void SessionCore::log_priority(StreamId id, Priority priority, PriorityTrigger trigger) {
  std::array<char, kPriorityTextMax> text;
  events_->emit(Http3PriorityUpdated{
      .stream_id = id.value, .new_priority = format_priority(priority, text.data()), .trigger = trigger});
}

}  // namespace hawser::http3
