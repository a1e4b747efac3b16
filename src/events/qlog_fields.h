// qlog_fields.h: how each type of an event's fields looks in JSON. Field names and order come from
// event_table.inc; a new type of field is a new overload of FieldWriter here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <type_traits>

#include "events/event_types.h"
#include "events/json_writer.h"
#include "events/qlog_names.h"

namespace hawser {

// The visitor of an event's fields. Absent and empty values write nothing.
class FieldWriter {
 public:
  // `http3`: application error codes are those of HTTP/3.
  FieldWriter(JsonWriter& json, QlogNames names, bool http3) : json_(json), names_(names), http3_(http3) {}

  void operator()(std::string_view name, std::uint64_t value) {
    begin(name);
    if (name == "tuple_id") {
      json_.tuple_id(value);
    } else {
      json_.number(value);
    }
  }
  // The only 32-bit fields are versions, which qlog writes as hexadecimal text.
  void operator()(std::string_view name, std::uint32_t version) {
    if (version == 0) return;
    begin(name);
    write_version(version);
  }
  void operator()(std::string_view name, bool value) {
    // Every flag of the schema is false by default but for the one that says nothing else.
    if (!value && name != "state") return;
    begin(name);
    json_.boolean(value);
  }
  void operator()(std::string_view name, std::string_view value) {
    if (value.empty()) return;
    begin(name);
    json_.text(value);
  }
  void operator()(std::string_view name, Bytes value) {
    if (value.empty()) return;
    begin(name);
    json_.hex(value);
  }
  void operator()(std::string_view name, Duration value) {
    begin(name);
    json_.milliseconds(value);
  }
  void operator()(std::string_view name, const SocketAddress& value);
  void operator()(std::string_view name, std::span<const std::uint32_t> versions);
  void operator()(std::string_view name, std::span<const FrameSummary> frames);
  void operator()(std::string_view name, std::span<const Range> packet_numbers);
  void operator()(std::string_view name, std::span<const NamedValue> values);
  void operator()(std::string_view name, std::span<const ReceivedAt> packets);
  void operator()(std::string_view name, const LoggedTrain& train);
  void operator()(std::string_view name, Ratio value);
  void operator()(std::string_view name, const Http3FrameSummary& frame);

  template <class T>
    requires std::is_enum_v<T>
  void operator()(std::string_view name, T value) {
    (*this)(name, qlog_name(value));
  }

  template <class T>
  void operator()(std::string_view name, const std::optional<T>& value) {
    if (!value.has_value()) return;
    if constexpr (std::is_same_v<T, std::uint64_t>) {
      if (name == "connection_error" || name == "application_error") return write_error(name, *value);
    }
    (*this)(name, *value);
  }

  // Call once after the last field.
  void end() {
    if (!group_.empty()) json_.end_object();
    group_ = {};
  }

 private:
  // Opens and closes nested objects as the name asks, and writes the key.
  void begin(std::string_view name) {
    const std::size_t dot = name.find('.');
    const std::string_view group = dot == std::string_view::npos ? std::string_view{} : name.substr(0, dot);
    if (group != group_) {
      end();
      if (!group.empty()) {
        json_.key(group);
        json_.begin_object();
        group_ = group;
      }
    }
    json_.key(dot == std::string_view::npos ? name : name.substr(dot + 1));
  }

  void write_error(std::string_view name, std::uint64_t code) {
    const bool transport = name == "connection_error";
    const TransportErrorText error(code);
    begin(name);
    json_.text(transport ? error.view() : application_error_name(code, http3_));
    // A connection ends with an error of one kind; should both be set, the first one counts.
    if (error_code_written_) return;
    begin("error_code");
    json_.number(code);
    error_code_written_ = true;
  }

  void write_version(std::uint32_t version) {
    const std::uint8_t octets[] = {static_cast<std::uint8_t>(version >> 24), static_cast<std::uint8_t>(version >> 16),
                                   static_cast<std::uint8_t>(version >> 8), static_cast<std::uint8_t>(version)};
    json_.hex(octets);
  }

  JsonWriter& json_;
  QlogNames names_;
  bool http3_;
  std::string_view group_;
  bool error_code_written_ = false;
};

}  // namespace hawser
