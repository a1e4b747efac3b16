// qlog_values.h: values out of an event's data; what is absent or of another type is 0 or empty.
#pragma once

#include <simdjson.h>

#include <algorithm>
#include <cstdint>
#include <string_view>

namespace hawser::app {

inline std::uint64_t qlog_number(simdjson::dom::object object, std::string_view name) {
  std::uint64_t value = 0;
  return object[name].get(value) == simdjson::SUCCESS ? value : 0;
}

inline std::string_view qlog_word(simdjson::dom::object object, std::string_view name) {
  std::string_view value;
  return object[name].get(value) == simdjson::SUCCESS ? value : std::string_view();
}

inline std::uint64_t qlog_raw_length(simdjson::dom::object object) {
  simdjson::dom::object raw;
  return object["raw"].get(raw) == simdjson::SUCCESS ? qlog_number(raw, "length") : 0;
}

// Octets of a packet; earlier drafts had them in the header.
inline std::uint64_t qlog_packet_octets(simdjson::dom::object data) {
  simdjson::dom::object header;
  if (const std::uint64_t length = qlog_raw_length(data); length > 0) return length;
  return data["header"].get(header) == simdjson::SUCCESS ? qlog_number(header, "packet_size") : 0;
}

// Calls visit(stream ID, offset, octets) for each STREAM frame of a packet.
template <class Visit>
void for_each_stream_frame(simdjson::dom::object data, const Visit& visit) {
  simdjson::dom::array frames;
  if (data["frames"].get(frames) != simdjson::SUCCESS) return;
  for (const simdjson::dom::element element : frames) {
    simdjson::dom::object frame;
    if (element.get(frame) == simdjson::SUCCESS && qlog_word(frame, "frame_type") == "stream")
      visit(qlog_number(frame, "stream_id"), qlog_number(frame, "offset"),
            std::max(qlog_raw_length(frame), qlog_number(frame, "length")));
  }
}

}  // namespace hawser::app
