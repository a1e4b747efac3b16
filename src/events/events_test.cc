// Goal: events reach exactly the sinks that want them, and every event becomes a record that
// a strict JSON reader accepts, with the names of the qlog drafts, whatever a peer says.
// Method: emit each event of the table with plain and with hostile values into a writer whose
// output is kept in memory.
#include <gtest/gtest.h>

#include <array>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "base/random.h"
#include "events/counters.h"
#include "events/json_check.h"
#include "events/qlog_ring.h"
#include "events/qlog_writer.h"
#include "events/tee.h"

namespace hawser {
namespace {

using hawser::testing::JsonCheck;

constexpr std::uint8_t kCid[] = {0xde, 0xad, 0xbe, 0xef, 1, 2, 3, 4};

EventContext client_context(Duration at = 5ms, std::uint64_t connection = 1) {
  return {
      .connection = connection, .original_destination_cid = kCid, .now = Timestamp{at}, .vantage = Vantage::kClient};
}

class Memory final : public ByteSink {
 public:
  std::unique_ptr<LogOutput> open(const ConnectionKey& key, std::string_view header) override {
    logs[name(key)] += header;
    return std::make_unique<Output>(*this, name(key));
  }
  class Output final : public LogOutput {
   public:
    Output(Memory& memory, std::string name) : memory_(memory), name_(std::move(name)) {}
    ~Output() override { ++memory_.finished[name_]; }
    void write(std::string_view records) override { memory_.logs[name_] += records; }

   private:
    Memory& memory_;
    std::string name_;
  };
  static std::string name(const ConnectionKey& key) {
    return to_hex(key.original_destination_cid) + "_" + std::string{qlog_name(key.vantage)};
  }
  std::map<std::string, std::string> logs;
  std::map<std::string, int> finished;
};

// Splits a JSON text sequence; each record must be 0x1e ... 0x0a.
std::vector<std::string> records_of(const std::string& log) {
  std::vector<std::string> records;
  for (std::size_t at = 0; at < log.size();) {
    EXPECT_EQ(log[at], '\x1e');
    const std::size_t end = log.find('\n', at);
    if (end == std::string::npos) {
      ADD_FAILURE() << "a record does not end";
      break;
    }
    records.push_back(log.substr(at + 1, end - at - 1));
    at = end + 1;
  }
  return records;
}

template <class Event>
std::string record_of(const Event& event, QlogNames names = QlogNames::kDraft14) {
  Memory memory;
  QlogWriter writer(memory, {.events = kAllEvents, .names = names});
  EventEmitter(&writer, client_context()).emit(event);
  const auto records = records_of(memory.logs.at("deadbeef01020304_client"));
  EXPECT_EQ(records.size(), 2u);
  return records.back();
}

TEST(events, table_names_are_unique_and_lower_case) {
  std::set<std::string_view> names;
  std::set<std::string> counters;
  for (std::size_t i = 0; i < kEventKinds; ++i) {
    EXPECT_TRUE(names.insert(kEventTable[i].qlog_name).second) << kEventTable[i].qlog_name;
    EXPECT_TRUE(counters.insert(counter_name(static_cast<EventKind>(i))).second);
    EXPECT_TRUE(kEventTable[i].doc.ends_with('.')) << kEventTable[i].name;
    for (const char c : kEventTable[i].qlog_name)
      EXPECT_TRUE(std::islower(c) || std::isdigit(c) || c == '_' || c == ':');
  }
}

TEST(events, emitter_without_sink_wants_nothing) {
  const EventEmitter emitter;
  EXPECT_FALSE(emitter.wants(EventGroup::kConnection));
  emitter.emit(PacketLost{.packet_number = 1});
}

TEST(events, mask_keeps_groups_out) {
  EventCounters counters(event_bit(EventGroup::kRecovery));
  const EventEmitter emitter(&counters, client_context());
  EXPECT_FALSE(emitter.wants(EventGroup::kPackets));
  emitter.emit(PacketSent{.size = 1'200});
  emitter.emit(PacketLost{.packet_number = 1});
  EXPECT_EQ(counters.of<PacketSent>(), 0u);
  EXPECT_EQ(counters.of<PacketLost>(), 1u);
  EXPECT_EQ(counters.total(), 1u);
}

TEST(events, tee_respects_each_sinks_mask) {
  EventCounters all;
  EventCounters packets(event_bit(EventGroup::kPackets));
  EventTee tee;
  EXPECT_EQ(tee.mask(), kNoEvents);
  tee.add(packets);
  EXPECT_FALSE(tee.wants(EventGroup::kRecovery));
  tee.add(all);
  const EventEmitter emitter(&tee, client_context());
  emitter.emit(PacketSent{});
  emitter.emit(PacketLost{});
  EXPECT_EQ(packets.total(), 1u);
  EXPECT_EQ(all.total(), 2u);
}

TEST(qlog, header_names_schemas_vantage_and_group) {
  Memory memory;
  QlogWriter writer(memory);
  EventEmitter(&writer, client_context()).emit(KeyDiscarded{});
  const JsonCheck header(records_of(memory.logs.at("deadbeef01020304_client")).front());
  ASSERT_TRUE(header.valid());
  EXPECT_EQ(header.at("file_schema"), "\"urn:ietf:params:qlog:file:sequential\"");
  EXPECT_EQ(header.at("serialization_format"), "\"application/qlog+json-seq\"");
  EXPECT_EQ(header.at("trace.vantage_point.type"), "\"client\"");
  EXPECT_EQ(header.at("trace.common_fields.group_id"), "\"deadbeef01020304\"");
  EXPECT_EQ(header.at("trace.common_fields.reference_time.clock_type"), "\"monotonic\"");
  EXPECT_EQ(header.at("trace.common_fields.reference_time.epoch"), "\"unknown\"");
  EXPECT_EQ(header.at("trace.event_schemas.0"), "\"urn:ietf:params:qlog:events:quic-13\"");
  EXPECT_EQ(header.at("trace.event_schemas.1"), "\"urn:ietf:params:qlog:events:http3-13\"");
}

TEST(qlog, packet_sent_nests_header_raw_and_frames) {
  const std::array<Range, 2> ranges{{{1, 3}, {7, 8}}};
  const std::array<FrameSummary, 3> frames{{
      {.type = 0x02, .value = 1'500, .ranges = ranges},
      {.type = 0x0f, .id = 4, .offset = 10, .length = 100, .fin = true},
      {.type = 0x00, .length = 20},
  }};
  const JsonCheck r(record_of(
      PacketSent{.packet_type = LoggedPacketType::kOneRtt, .packet_number = 9, .size = 1'350, .frames = frames}));
  ASSERT_TRUE(r.valid());
  EXPECT_EQ(r.at("name"), "\"quic:packet_sent\"");
  EXPECT_EQ(r.at("time"), "0");
  EXPECT_EQ(r.at("data.header.packet_type"), "\"1RTT\"");
  EXPECT_EQ(r.at("data.header.packet_number"), "9");
  EXPECT_FALSE(r.has("data.header.path_id"));
  EXPECT_EQ(r.at("data.raw.length"), "1350");
  EXPECT_EQ(r.at("data.frames.0.frame_type"), "\"ack\"");
  EXPECT_EQ(r.at("data.frames.0.ack_delay"), "1.5");
  EXPECT_EQ(r.at("data.frames.0.acked_ranges.0.1"), "2");
  EXPECT_EQ(r.at("data.frames.0.acked_ranges.1.0"), "7");
  EXPECT_FALSE(r.has("data.frames.0.acked_ranges.1.1"));
  EXPECT_EQ(r.at("data.frames.1.stream_id"), "4");
  EXPECT_EQ(r.at("data.frames.1.fin"), "true");
  EXPECT_EQ(r.at("data.frames.1.raw.length"), "100");
  EXPECT_EQ(r.at("data.frames.2.raw.payload_length"), "20");
  EXPECT_FALSE(r.has("data.is_mtu_probe_packet"));
}

TEST(qlog, legacy_names_are_those_of_0_3) {
  const JsonCheck r(record_of(RecoveryMetricsUpdated{.smoothed_rtt = Duration{1'234'567}, .congestion_window = 12'000},
                              QlogNames::kLegacy));
  ASSERT_TRUE(r.valid());
  EXPECT_EQ(r.at("name"), "\"recovery:metrics_updated\"");
  EXPECT_EQ(r.at("data.smoothed_rtt"), "1.234567");
  EXPECT_FALSE(r.has("data.min_rtt"));
}

TEST(qlog, times_count_from_the_first_event_of_a_log) {
  Memory memory;
  QlogWriter writer(memory);
  EventEmitter emitter(&writer, client_context(Duration{7s}));
  emitter.emit(PacketLost{});
  emitter.set_now(Timestamp{Duration{7s} + Duration{12'345'000}});
  emitter.emit(PacketLost{});
  const auto records = records_of(memory.logs.begin()->second);
  EXPECT_EQ(JsonCheck(records[1]).at("time"), "0");
  EXPECT_EQ(JsonCheck(records[2]).at("time"), "12.345");
}

TEST(qlog, errors_are_words_with_their_code) {
  const JsonCheck known(record_of(ConnectionClosed{.connection_error = 0x03, .trigger = CloseTrigger::kError}));
  EXPECT_EQ(known.at("data.connection_error"), "\"flow_control_error\"");
  EXPECT_EQ(known.at("data.trigger"), "\"error\"");
  const JsonCheck crypto(record_of(ConnectionClosed{.connection_error = 0x12f}));
  EXPECT_EQ(crypto.at("data.connection_error"), "\"crypto_error_0x12f\"");
  const JsonCheck application(record_of(ConnectionClosed{.application_error = 0x100}));
  EXPECT_EQ(application.at("data.application_error"), "\"unknown\"");
  EXPECT_EQ(application.at("data.error_code"), "256");
}

TEST(qlog, hostile_reason_phrases_stay_one_json_string) {
  const std::string_view phrases[] = {
      "\"}\n\x1e{\"time\":0}",
      "\\",
      "\xff\xfe\x80",
      "\xc0\xaf",
      "\xed\xa0\x80",
      "\xf4\x90\x80\x80",
      "tab\there",
      std::string_view("nul\0nul", 7),
      "\xe2\x82",
      "\u20ac stays",
      "\x7f",
  };
  for (const std::string_view phrase : phrases) {
    const std::string record = record_of(ConnectionClosed{.reason = phrase});
    const JsonCheck r(record);
    ASSERT_TRUE(r.valid()) << record;
    EXPECT_TRUE(r.has("data.reason"));
    EXPECT_EQ(record.find('\x1e'), std::string::npos);
  }
  EXPECT_EQ(JsonCheck(record_of(ConnectionClosed{.reason = "\u20ac \"x\""})).at("data.reason"), "\"\u20ac \"x\"\"");
  EXPECT_EQ(JsonCheck(record_of(ConnectionClosed{.reason = "a\xff"})).at("data.reason"), "\"a\uFFFD\"");
}

TEST(qlog, random_octets_always_give_valid_json) {
  SeededRandom random(7);
  for (int i = 0; i < 2'000; ++i) {
    std::string phrase(random.below(40), '\0');
    random.fill({reinterpret_cast<std::uint8_t*>(phrase.data()), phrase.size()});
    ASSERT_TRUE(JsonCheck(record_of(ConnectionClosed{.reason = phrase})).valid()) << to_hex(as_bytes(phrase));
  }
}

TEST(qlog, every_frame_type_gives_valid_json) {
  std::vector<FrameSummary> frames;
  for (std::uint64_t type = 0; type < 0x40; ++type) frames.push_back({.type = type, .data = kCid, .reason = "why"});
  frames.push_back({.type = 0x3e74});
  for (std::uint64_t type = 0x3e75; type <= 0x3e7c; ++type)
    frames.push_back({.type = type, .path_id = 7, .data = kCid});
  frames.push_back({.type = 0x9f81a6, .id = 3, .address = ipv4_address({192, 0, 2, 1}, 443)});
  frames.push_back({.type = 0x3afec701, .id = 11, .length = 1'200, .value = 16, .extra = 2});
  frames.push_back({.type = 0x3afec702, .id = 12, .value = 1});
  for (const QlogNames names : {QlogNames::kDraft14, QlogNames::kLegacy}) {
    const JsonCheck r(record_of(PacketReceived{.frames = frames}, names));
    ASSERT_TRUE(r.valid());
    EXPECT_EQ(r.at("data.frames.28.error_space"), "\"transport\"");
    EXPECT_EQ(r.at("data.frames.29.error_space"), "\"application\"");
    EXPECT_EQ(r.at("data.frames.24.connection_id"), "\"deadbeef01020304\"");
    EXPECT_EQ(r.at("data.frames.32.frame_type"), "\"unknown\"");
    EXPECT_EQ(r.at("data.frames.36.frame_type"), "\"reset_stream_at\"");
    EXPECT_EQ(r.at("data.frames.64.frame_type_bytes"), "15988");
    EXPECT_EQ(r.at("data.frames.62.frame_type"), "\"path_ack\"");
    EXPECT_EQ(r.at("data.frames.65.frame_type"), "\"path_abandon\"");
    EXPECT_EQ(r.at("data.frames.65.path_id"), "7");
    EXPECT_EQ(r.at("data.frames.72.frame_type"), "\"path_cids_blocked\"");
    EXPECT_EQ(r.at("data.frames.73.frame_type"), "\"observed_address\"");
    EXPECT_EQ(r.at("data.frames.73.sequence_number"), "3");
    EXPECT_EQ(r.at("data.frames.73.address.ip_v4"), "\"192.0.2.1\"");
    EXPECT_EQ(r.at("data.frames.73.address.port_v4"), "443");
    EXPECT_EQ(r.at("data.frames.74.frame_type"), "\"fec_repair\"");
    EXPECT_EQ(r.at("data.frames.74.packet_count"), "16");
    EXPECT_EQ(r.at("data.frames.75.first_packet_number"), "12");
  }
}

// Fills a field with something that is written.
struct Filler {
  std::array<std::uint32_t, 2> versions{1, 0x6b3343cf};
  std::array<FrameSummary, 1> frames{{{.type = 1}}};
  std::array<Range, 1> ranges{{{3, 9}}};
  std::array<NamedValue, 2> values{{{"max_idle_timeout", 30'000}, {"initial_max_data", 5}}};
  std::array<ReceivedAt, 2> arrivals{{{3, 7ms}, {4, 8ms}}};
  std::array<HttpField, 2> headers{{{":method", "GET"}, {"cookie", "", false}}};
  template <class T>
  void operator()(std::string_view, const T& field) {
    auto& f = const_cast<T&>(field);
    using U = std::remove_const_t<T>;
    if constexpr (std::is_same_v<U, Bytes>)
      f = kCid;
    else if constexpr (std::is_same_v<U, std::string_view>)
      f = "text";
    else if constexpr (std::is_same_v<U, std::span<const std::uint32_t>>)
      f = versions;
    else if constexpr (std::is_same_v<U, std::span<const FrameSummary>>)
      f = frames;
    else if constexpr (std::is_same_v<U, std::span<const Range>>)
      f = ranges;
    else if constexpr (std::is_same_v<U, std::span<const ReceivedAt>>)
      f = arrivals;
    else if constexpr (std::is_same_v<U, std::span<const NamedValue>>)
      f = values;
    else if constexpr (std::is_same_v<U, LoggedTrain>)
      f = {3'000, 1'200};
    else if constexpr (std::is_same_v<U, Http3FrameSummary>)
      f = {.type = 1, .length = 20, .headers = headers};
    else if constexpr (std::is_same_v<U, SocketAddress>)
      f = ipv4_address({192, 0, 2, 1}, 443);
    else if constexpr (requires {
                         f.value();
                         typename U::value_type;
                       })
      f.emplace();
    else if constexpr (std::is_same_v<U, std::uint32_t>)
      f = 1;
  }
};

template <class Event>
void expect_valid_record() {
  Event event;
  Filler filler;
  visit_fields(event, filler);
  for (const QlogNames names : {QlogNames::kDraft14, QlogNames::kLegacy}) {
    const std::string record = record_of(event, names);
    const JsonCheck r(record);
    ASSERT_TRUE(r.valid()) << record;
    EXPECT_EQ(r.at("name"), "\"" + std::string{event_name(Event::kKind, names)} + "\"");
    for (const std::string& key : r.keys())
      for (const char c : key) EXPECT_TRUE(std::islower(c) || std::isdigit(c) || c == '_') << key;
  }
}

TEST(qlog, every_event_of_the_table_gives_a_valid_record) {
#define EVENT(Name, group, qlog, doc) expect_valid_record<Name>();
#define FIELD(Type, member, qlog)
#define END(Name)
#include "events/event_table.inc"
#undef EVENT
#undef FIELD
#undef END
}

TEST(qlog, addresses_are_endpoint_objects) {
  SocketAddress v6{.family = AddressFamily::kIpv6};
  v6.ip[0] = 0x20;
  v6.ip[1] = 0x01;
  v6.ip[15] = 1;
  v6.port = 4433;
  const JsonCheck r(record_of(ConnectionStarted{.local = ipv4_address({192, 0, 2, 7}, 55), .remote = v6}));
  ASSERT_TRUE(r.valid());
  EXPECT_EQ(r.at("data.local.ip_v4"), "\"192.0.2.7\"");
  EXPECT_EQ(r.at("data.local.port_v4"), "55");
  EXPECT_EQ(r.at("data.remote.ip_v6"), "\"2001::1\"");
  EXPECT_EQ(r.at("data.remote.port_v6"), "4433");
}

TEST(qlog, parameters_become_fields_of_their_own) {
  const std::array<NamedValue, 1> values{{{"max_udp_payload_size", 1'452}}};
  const JsonCheck r(record_of(ParametersSet{.initiator = Owner::kRemote, .parameters = values}));
  EXPECT_EQ(r.at("data.initiator"), "\"remote\"");
  EXPECT_EQ(r.at("data.max_udp_payload_size"), "1452");
}

TEST(qlog, acked_packet_numbers_are_listed_up_to_the_limit) {
  const std::array<Range, 1> ranges{{{0, QlogWriter::kPacketNumbersMax + 5}}};
  const JsonCheck r(record_of(PacketsAcked{.count = QlogWriter::kPacketNumbersMax + 5, .packet_numbers = ranges}));
  ASSERT_TRUE(r.valid());
  EXPECT_TRUE(r.has("data.packet_numbers." + std::to_string(QlogWriter::kPacketNumbersMax - 1)));
  EXPECT_FALSE(r.has("data.packet_numbers." + std::to_string(QlogWriter::kPacketNumbersMax)));
}

TEST(qlog, two_ends_of_a_connection_have_two_logs) {
  Memory memory;
  QlogWriter writer(memory);
  EventContext server = client_context();
  server.vantage = Vantage::kServer;
  EventEmitter(&writer, client_context()).emit(PacketLost{});
  EventEmitter(&writer, server).emit(PacketLost{});
  EXPECT_EQ(memory.logs.size(), 2u);
  EXPECT_TRUE(memory.logs.contains("deadbeef01020304_server"));
}

TEST(qlog, a_log_ends_with_its_connection_or_with_the_writer) {
  Memory memory;
  {
    QlogWriter writer(memory);
    EventEmitter(&writer, client_context()).emit(ConnectionStateUpdated{.new_state = LoggedConnectionState::kClosed});
    EXPECT_EQ(memory.finished["deadbeef01020304_client"], 1);
    EventContext server = client_context();
    server.vantage = Vantage::kServer;
    EventEmitter(&writer, server).emit(PacketLost{});
    EXPECT_EQ(memory.finished["deadbeef01020304_server"], 0);
  }
  EXPECT_EQ(memory.finished["deadbeef01020304_client"], 1);
  EXPECT_EQ(memory.finished["deadbeef01020304_server"], 1);
}

TEST(qlog, datagrams_of_a_train_have_a_length_each) {
  const JsonCheck r(record_of(DatagramsSent{.count = 3, .train = {.size = 2'500, .segment_size = 1'200}}));
  ASSERT_TRUE(r.valid());
  EXPECT_EQ(r.at("data.raw.0.length"), "1200");
  EXPECT_EQ(r.at("data.raw.2.length"), "100");
}

TEST(qlog, ack_frames_show_their_ecn_counts) {
  const std::array<FrameSummary, 1> frames{{{.type = 0x03, .has_ecn = true, .ect0 = 7, .ce = 2}}};
  const JsonCheck r(record_of(PacketReceived{.frames = frames}));
  EXPECT_EQ(r.at("data.frames.0.ect0"), "7");
  EXPECT_EQ(r.at("data.frames.0.ce"), "2");
}

TEST(qlog, values_of_secret_fields_are_left_out) {
  const std::array<HttpField, 2> headers{{{":path", "/"}, {"cookie", "", false}}};
  const JsonCheck r(record_of(Http3FrameParsed{.stream_id = 4, .frame = {.type = 1, .length = 9, .headers = headers}}));
  EXPECT_EQ(r.at("data.frame.headers.0.value"), "\"/\"");
  EXPECT_EQ(r.at("data.frame.headers.1.name"), "\"cookie\"");
  EXPECT_FALSE(r.has("data.frame.headers.1.value"));
  EXPECT_EQ(r.at("data.frame.raw.payload_length"), "9");
}

TEST(qlog, the_tuple_of_an_event_stands_beside_its_name) {
  Memory memory;
  QlogWriter writer(memory);
  EventEmitter emitter(&writer, client_context());
  emitter.set_tuple(2);
  emitter.emit(PacketSent{});
  const JsonCheck r(records_of(memory.logs.begin()->second).back());
  EXPECT_EQ(r.at("tuple"), "\"2\"");
}

TEST(qlog, errors_of_http3_have_their_names_once_alpn_is_known) {
  Memory memory;
  QlogWriter writer(memory);
  const EventEmitter emitter(&writer, client_context());
  emitter.emit(AlpnInformation{.chosen_alpn = "h3"});
  emitter.emit(ConnectionClosed{.application_error = 0x107});
  const JsonCheck r(records_of(memory.logs.begin()->second).back());
  EXPECT_EQ(r.at("data.application_error"), "\"http_excessive_load\"");
}

// Emits the beginning of a connection: `packets` sent, of which `lost` are declared lost.
void send_packets(EventEmitter& emitter, std::uint64_t packets, std::uint64_t lost) {
  for (std::uint64_t i = 0; i < packets; ++i) emitter.emit(PacketSent{.packet_number = i, .size = 1'200});
  for (std::uint64_t i = 0; i < lost; ++i) emitter.emit(PacketLost{.packet_number = i, .size = 1'200});
}

TEST(qlog_ring, nothing_is_written_until_a_trigger_fires) {
  Memory memory;
  QlogWriter writer(memory, {.ring_octets = 1 << 20, .triggers = {.loss_per_million = 50'000}});
  EventEmitter emitter(&writer, client_context());
  send_packets(emitter, 200, 10);
  EXPECT_TRUE(memory.logs.empty());
  emitter.emit(PacketLost{.packet_number = 11});
  ASSERT_EQ(memory.logs.size(), 1u);
  EXPECT_EQ(records_of(memory.logs.begin()->second).size(), 1u + 211u);
  emitter.emit(PacketLost{.packet_number = 12});
  EXPECT_EQ(records_of(memory.logs.begin()->second).size(), 1u + 212u);
  EXPECT_EQ(writer.triggered(), 1u);
}

TEST(qlog_ring, a_slow_handshake_fires_when_its_time_is_over) {
  Memory memory;
  QlogWriter writer(memory, {.ring_octets = 1 << 16, .triggers = {.handshake = 500ms}});
  EventEmitter slow(&writer, client_context(0ms));
  slow.emit(PacketSent{});
  slow.set_now(Timestamp{500ms});
  slow.emit(PacketSent{});
  EXPECT_TRUE(memory.logs.empty());
  slow.set_now(Timestamp{501ms});
  slow.emit(PacketSent{});
  EXPECT_EQ(memory.logs.size(), 1u);
}

TEST(qlog_ring, a_quick_handshake_and_a_quiet_end_leave_nothing) {
  Memory memory;
  QlogWriter writer(memory, {.ring_octets = 1 << 16, .triggers = {.handshake = 500ms, .close = true}});
  EventEmitter quick(&writer, client_context(0ms));
  quick.emit(PacketSent{});
  quick.emit(ConnectionStateUpdated{.new_state = LoggedConnectionState::kHandshakeComplete});
  quick.set_now(Timestamp{9s});
  quick.emit(ConnectionClosed{.application_error = 0x100, .trigger = CloseTrigger::kApplication});
  quick.emit(ConnectionStateUpdated{.new_state = LoggedConnectionState::kClosed});
  EXPECT_TRUE(memory.logs.empty());
}

TEST(qlog_ring, an_abnormal_end_fires) {
  for (const ConnectionClosed& event :
       {ConnectionClosed{.trigger = CloseTrigger::kIdleTimeout}, ConnectionClosed{.connection_error = 0x0a},
        ConnectionClosed{.application_error = 0x102}}) {
    Memory memory;
    QlogWriter writer(memory, {.ring_octets = 1 << 16, .triggers = {.close = true}});
    EventEmitter(&writer, client_context()).emit(event);
    EXPECT_EQ(memory.logs.size(), 1u);
  }
}

TEST(qlog_ring, the_beginning_and_the_latest_records_stay_and_the_gap_is_told) {
  Memory memory;
  QlogWriter writer(memory, {.ring_octets = 8'192, .triggers = {.close = true}});
  EventEmitter emitter(&writer, client_context());
  send_packets(emitter, 1'000, 0);
  emitter.emit(ConnectionClosed{.trigger = CloseTrigger::kIdleTimeout});
  const std::string& log = memory.logs.begin()->second;
  EXPECT_LT(log.size(), 8'192u + 1'000u);
  const auto records = records_of(log);
  std::uint64_t kept = 0;
  std::uint64_t dropped = 0;
  for (const std::string& record : records) {
    const JsonCheck r(record);
    ASSERT_TRUE(r.valid()) << record;
    kept += r.at("name") == "\"quic:packet_sent\"";
    if (r.at("name") == "\"hawser:records_dropped\"") dropped = std::stoull(r.at("data.count"));
  }
  EXPECT_EQ(kept + dropped, 1'000u);
  EXPECT_EQ(JsonCheck(records[1]).at("data.header.packet_number"), "0");
  EXPECT_EQ(JsonCheck(records[records.size() - 2]).at("data.header.packet_number"), "999");
}

TEST(qlog_ring, records_of_every_length_come_out_whole_however_they_were_cut) {
  SeededRandom random(3);
  for (int round = 0; round < 200; ++round) {
    QlogRing ring(256 + random.below(512));
    std::vector<std::string> all;
    for (int i = 0; i < 100; ++i) {
      all.push_back(std::to_string(i) + std::string(random.below(120), 'x') + "\n");
      ring.add(all.back());
    }
    std::string out;
    ring.drain([&out](std::string_view records) { out += records; }, [](std::uint64_t) {});
    std::size_t at = 0;
    std::size_t whole = 0;
    for (const std::string& record : all) {
      if (out.compare(at, record.size(), record) != 0) continue;
      at += record.size();
      ++whole;
    }
    EXPECT_EQ(at, out.size());
    EXPECT_EQ(whole + ring.dropped(), all.size());
  }
}

TEST(qlog_sample, both_ends_choose_the_same_connections_and_about_as_many_as_asked) {
  Memory memory;
  const QlogWriter one(memory, {.sample_per_million = 100'000});
  const QlogWriter other(memory, {.sample_per_million = 100'000});
  SeededRandom random(1);
  int chosen = 0;
  for (int i = 0; i < 10'000; ++i) {
    std::array<std::uint8_t, 8> cid;
    random.fill(cid);
    EventContext client{.connection = 1, .original_destination_cid = cid, .vantage = Vantage::kClient};
    EventContext server{.connection = 9, .original_destination_cid = cid, .vantage = Vantage::kServer};
    EXPECT_EQ(one.follows(client), other.follows(server));
    chosen += one.follows(client);
  }
  EXPECT_GT(chosen, 800);
  EXPECT_LT(chosen, 1'200);
}

TEST(qlog_sample, nothing_is_told_of_a_connection_that_is_not_followed) {
  Memory memory;
  QlogWriter writer(memory, {.sample_per_million = 1});
  const EventEmitter emitter(&writer, client_context());
  EXPECT_EQ(emitter.sink(), nullptr);
  EventEmitter(&writer, {.connection = 0, .original_destination_cid = {}, .now = {}, .vantage = Vantage::kServer})
      .emit(RetrySent{});
  EXPECT_EQ(memory.logs.size(), 1u);
}

}  // namespace
}  // namespace hawser
