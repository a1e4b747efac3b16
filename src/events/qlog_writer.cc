// qlog_writer.cc: one record per event, into the log of its connection or the ring before it.
#include "events/qlog_writer.h"

#include <optional>
#include <type_traits>

#include "events/qlog_fields.h"

namespace hawser {
namespace {

constexpr char kRecordSeparator = '\x1e';  // RFC 7464 section 2.2
// RFC 9114 section 8.1: the code with which an HTTP/3 connection ends in peace.
constexpr std::uint64_t kHttp3NoError = 0x100;

// Spreads connection IDs over all 64-bit values (FNV-1a and a final mix).
std::uint64_t hash_of(Bytes octets) {
  std::uint64_t hash = 0xcbf29ce484222325u;
  for (const std::uint8_t octet : octets) hash = (hash ^ octet) * 0x100000001b3u;
  hash ^= hash >> 32;
  hash *= 0x9e3779b97f4a7c15u;
  return hash ^ hash >> 29;
}

bool is_abnormal(const ConnectionClosed& event) {
  if (event.application_error.has_value())
    return *event.application_error != 0 && *event.application_error != kHttp3NoError;
  if (event.connection_error.has_value()) return *event.connection_error != 0;
  return event.trigger != CloseTrigger::kApplication && event.trigger != CloseTrigger::kUnspecified;
}

}  // namespace

QlogWriter::QlogWriter(ByteSink& out, QlogOptions options) : EventSink(options.events), out_(out), options_(options) {}

QlogWriter::~QlogWriter() = default;

// Asked once for a connection. One that has no place from the beginning has no log later either, though a tee
// tells of it for another sink's sake.
bool QlogWriter::follows(const EventContext& context) const {
  if (!is_chosen(context)) return false;
  const LogId id{context.connection, context.vantage};
  if (logs_.size() >= kOpenLogsMax && !logs_.contains(id)) {
    ++skipped_;
    return false;
  }
  logs_.try_emplace(id);
  return true;
}

bool QlogWriter::is_chosen(const EventContext& context) const {
  if (options_.sample_per_million >= QlogOptions::kAll || context.connection == 0) return true;
  return hash_of(context.original_destination_cid) % QlogOptions::kAll < options_.sample_per_million;
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
  Log* log = log_of(context);
  if (log == nullptr) return;
  const bool fires = note(*log, context, event);
  write_record(*log, context, event);
  if (log->ring) {
    log->ring->add(text_);
    if (fires) fire(*log, context);
  } else if (log->output != nullptr) {
    log->output->write(text_);
    log->output->end_record();
  }
  if constexpr (std::is_same_v<Event, ConnectionStateUpdated>) {
    if (event.new_state == LoggedConnectionState::kClosed) logs_.erase({context.connection, context.vantage});
  }
}

template <class Event>
void QlogWriter::write_record(const Log& log, const EventContext& context, const Event& event) {
  text_ = kRecordSeparator;
  JsonWriter json(text_);
  json.begin_object();
  json.key("time");
  json.milliseconds(context.now - log.reference);
  json.key("name");
  json.text(event_name(Event::kKind, options_.names));
  if (context.tuple != 0) {
    json.key("tuple");
    json.tuple_id(context.tuple);
  }
  json.key("data");
  json.begin_object();
  FieldWriter fields(json, options_.names, log.http3);
  visit_fields(event, fields);
  fields.end();
  json.end_object();
  json.end_object();
  text_ += '\n';
}

// What the event means for the log's triggers. True if one fires.
template <class Event>
bool QlogWriter::note(Log& log, const EventContext& context, const Event& event) const {
  const QlogTriggers& triggers = options_.triggers;
  if constexpr (std::is_same_v<Event, AlpnInformation>) log.http3 = event.chosen_alpn.starts_with("h3");
  if (!log.ring || context.connection == 0) return false;
  const bool slow =
      triggers.handshake != Duration{0} && !log.handshake_complete && context.now - log.reference > triggers.handshake;
  if constexpr (std::is_same_v<Event, ConnectionStateUpdated>) {
    log.handshake_complete |= event.new_state == LoggedConnectionState::kHandshakeComplete;
  } else if constexpr (std::is_same_v<Event, PacketSent>) {
    ++log.packets_sent;
  } else if constexpr (std::is_same_v<Event, PacketLost>) {
    ++log.packets_lost;
    if (triggers.loss_per_million != 0 && log.packets_sent >= QlogTriggers::kLossPacketsMin &&
        log.packets_lost * 1'000'000 > log.packets_sent * triggers.loss_per_million)
      return true;
  } else if constexpr (std::is_same_v<Event, ConnectionClosed>) {
    if (triggers.close && is_abnormal(event)) return true;
  }
  return slow;
}

// From now on the log is written: first what is in memory.
void QlogWriter::fire(Log& log, const EventContext& context) {
  ++triggered_;
  write_header(context);
  log.output = out_.open({context.connection, context.vantage, context.original_destination_cid}, header_);
  if (log.output == nullptr) {
    ++skipped_;
    log.ring.reset();
    return;
  }
  log.ring->drain([&log](std::string_view records) { log.output->write(records); },
                  [&](std::uint64_t dropped) { write_gap(log, context, dropped); });
  log.output->end_record();
  log.ring.reset();
}

// Tells the reader that records are missing here.
void QlogWriter::write_gap(const Log& log, const EventContext& context, std::uint64_t dropped) {
  write_record(log, context, RecordsDropped{.count = dropped});
  log.output->write(text_);
}

// The state of this connection's log, with its header written; null if there is none.
QlogWriter::Log* QlogWriter::log_of(const EventContext& context) {
  const auto found = logs_.find({context.connection, context.vantage});
  if (found == logs_.end()) return nullptr;
  if (!found->second.begun) begin(found->second, context);
  return &found->second;
}

void QlogWriter::begin(Log& log, const EventContext& context) {
  log.begun = true;
  log.reference = context.now;
  if (options_.ring_octets != 0 && context.connection != 0) {
    log.ring.emplace(options_.ring_octets);
    return;
  }
  write_header(context);
  log.output = out_.open({context.connection, context.vantage, context.original_destination_cid}, header_);
  if (log.output == nullptr) ++skipped_;
}

void QlogWriter::write_header(const EventContext& context) {
  const bool legacy = options_.names == QlogNames::kLegacy;
  header_ = kRecordSeparator;
  JsonWriter json(header_);
  json.begin_object();
  if (legacy) {
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
  json.key(legacy ? "ODCID" : "group_id");
  json.hex(context.original_destination_cid);
  write_reference_time(json);
  json.end_object();
  json.key("vantage_point");
  json.begin_object();
  json.key("type");
  json.text(qlog_name(context.vantage));
  json.end_object();
  if (!legacy) {
    json.key("event_schemas");
    json.begin_array();
    json.text("urn:ietf:params:qlog:events:quic-13");
    json.text("urn:ietf:params:qlog:events:http3-13");
    json.text("urn:hawser:qlog:events:hawser");  // events and fields of our own
    json.end_array();
  }
  json.end_object();
  json.end_object();
  header_ += '\n';
}

// Timestamps have an epoch of the driver's choice, so the clock is monotonic and its epoch
// unknown; the first event of a log happens at time 0.
void QlogWriter::write_reference_time(JsonWriter& json) {
  json.key("time_format");
  if (options_.names == QlogNames::kLegacy) {
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

}  // namespace hawser
