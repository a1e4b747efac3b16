// qlog_writer.cc: one record per event. Field names and order come from event_table.inc;
// this file knows only how each type of field looks in JSON.
#include "events/qlog_writer.h"

#include <optional>
#include <span>
#include <type_traits>

namespace hawser {
namespace {

constexpr char kRecordSeparator = '\x1e';  // RFC 7464 section 2.2

// The visitor of an event's fields. Absent and empty values write nothing.
class FieldWriter {
 public:
  FieldWriter(JsonWriter& json, QlogNames names) : json_(json), names_(names) {}

  void operator()(std::string_view name, std::uint64_t value) {
    begin(name);
    // A TupleID is text; the tuple of the handshake has the empty one.
    if (name == "tuple_id") {
      json_.text(value == 0 ? std::string{} : std::to_string(value));
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
    if (!value) return;  // every flag of the schema is false by default
    begin(name);
    json_.boolean(true);
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
    json_.text(transport ? error.view() : "unknown");
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
  std::string_view group_;
  bool error_code_written_ = false;
};

void FieldWriter::operator()(std::string_view name, const SocketAddress& value) {
  if (value.family == AddressFamily::kNone) return;
  const bool v4 = value.family == AddressFamily::kIpv4;
  // "192.0.2.1:443" or "[2001:db8::1]:443": the address is what stands before the port.
  const std::string both = to_string(value);
  std::string_view ip = std::string_view{both}.substr(0, both.rfind(':'));
  if (ip.starts_with('[')) ip = ip.substr(1, ip.size() - 2);
  begin(name);
  json_.begin_object();
  json_.key(v4 ? "ip_v4" : "ip_v6");
  json_.text(ip);
  json_.key(v4 ? "port_v4" : "port_v6");
  json_.number(value.port);
  json_.end_object();
}

void FieldWriter::operator()(std::string_view name, std::span<const std::uint32_t> versions) {
  if (versions.empty()) return;
  begin(name);
  json_.begin_array();
  for (const std::uint32_t version : versions) write_version(version);
  json_.end_array();
}

void FieldWriter::operator()(std::string_view name, std::span<const FrameSummary> frames) {
  if (frames.empty()) return;
  begin(name);
  json_.begin_array();
  for (const FrameSummary& frame : frames) write_frame(json_, frame, names_);
  json_.end_array();
}

void FieldWriter::operator()(std::string_view name, std::span<const Range> packet_numbers) {
  if (packet_numbers.empty()) return;
  begin(name);
  json_.begin_array();
  std::size_t written = 0;
  for (const Range& range : packet_numbers) {
    for (std::uint64_t n = range.begin; n < range.end && written < QlogWriter::kPacketNumbersMax; ++n, ++written)
      json_.number(n);
  }
  json_.end_array();
}

void FieldWriter::operator()(std::string_view, std::span<const NamedValue> values) {
  for (const NamedValue& value : values) {
    begin(value.name);
    json_.number(value.value);
  }
}

}  // namespace

QlogWriter::QlogWriter(ByteSink& out, QlogOptions options) : EventSink(options.events), out_(out), options_(options) {}

QlogWriter::~QlogWriter() {
  for (const auto& [id, log] : logs_) out_.finish({id.connection, id.vantage, as_bytes(log.cid)});
}

#define EVENT(Name, group, qlog, doc)                                         \
  void QlogWriter::on_event(const EventContext& context, const Name& event) { \
    record(context, event);                                                   \
  }
#define FIELD(Type, member, qlog)
#define END(Name)
#include "events/event_table.inc"
#undef EVENT
#undef FIELD
#undef END

template <class Event>
void QlogWriter::record(const EventContext& context, const Event& event) {
  const Log* log = log_of(context);
  if (log == nullptr) return;
  text_ = kRecordSeparator;
  JsonWriter json(text_);
  json.begin_object();
  json.key("time");
  json.milliseconds(context.now - log->reference);
  json.key("name");
  json.text(event_name(Event::kKind, options_.names));
  json.key("data");
  json.begin_object();
  FieldWriter fields(json, options_.names);
  visit_fields(event, fields);
  fields.end();
  json.end_object();
  json.end_object();
  text_ += '\n';
  out_.write({context.connection, context.vantage, context.original_destination_cid}, text_);
  if constexpr (std::is_same_v<Event, ConnectionStateUpdated>) {
    if (event.new_state == LoggedConnectionState::kClosed) forget(context);
  }
}

// The state of this connection's log, with its header written; null if it is not logged.
QlogWriter::Log* QlogWriter::log_of(const EventContext& context) {
  const LogId id{context.connection, context.vantage};
  const auto found = logs_.find(id);
  if (found != logs_.end()) return &found->second;
  if (logs_.size() >= kOpenLogsMax) {
    ++skipped_;
    return nullptr;
  }
  Log& log = logs_[id];
  log.reference = context.now;
  log.cid = as_text(context.original_destination_cid);
  write_header(context);
  return &log;
}

void QlogWriter::write_header(const EventContext& context) {
  const bool qvis = options_.names == QlogNames::kQvis;
  text_ = kRecordSeparator;
  JsonWriter json(text_);
  json.begin_object();
  if (qvis) {
    json.key("qlog_version");
    json.text("0.3");
    json.key("qlog_format");
    json.text("JSON-SEQ");
  } else {
    json.key("file_schema");
    json.text("urn:ietf:params:qlog:file:sequential");
    json.key("serialization_format");
    json.text("application/qlog+json-seq");
  }
  json.key("title");
  json.text("hawser");
  json.key("trace");
  json.begin_object();
  json.key("common_fields");
  json.begin_object();
  json.key("group_id");
  json.hex(context.original_destination_cid);
  write_reference_time(json);
  json.end_object();
  json.key("vantage_point");
  json.begin_object();
  json.key("type");
  json.text(qlog_name(context.vantage));
  json.end_object();
  if (!qvis) {
    json.key("event_schemas");
    json.begin_array();
    json.text("urn:ietf:params:qlog:events:quic-13");
    json.text("urn:ietf:params:qlog:events:http3-13");
    json.text("urn:hawser:qlog:events:hawser");  // path_validated and the endpoint's events
    json.end_array();
  }
  json.end_object();
  json.end_object();
  text_ += '\n';
  out_.write({context.connection, context.vantage, context.original_destination_cid}, text_);
}

// Timestamps have an epoch of the driver's choice, so the clock is monotonic and its epoch
// unknown; the first event of a log happens at time 0.
void QlogWriter::write_reference_time(JsonWriter& json) {
  json.key("time_format");
  if (options_.names == QlogNames::kQvis) {
    json.text("relative");
    json.key("reference_time");
    json.number(0);
    return;
  }
  json.text("relative_to_epoch");
  json.key("reference_time");
  json.begin_object();
  json.key("clock_type");
  json.text("monotonic");
  json.key("epoch");
  json.text("unknown");
  json.end_object();
}

void QlogWriter::forget(const EventContext& context) {
  logs_.erase({context.connection, context.vantage});
  out_.finish({context.connection, context.vantage, context.original_destination_cid});
}

}  // namespace hawser
