// any_frame.cc: one table row per frame: its types and its parser; and overloads that find
// its size and its writer.
#include "quic/wire/frames/any_frame.h"

#include <array>

#include "quic/wire/frame_legality.h"

namespace hawser::quic {
namespace {

using AnyParser = Parsed<AnyFrame> (*)(FrameReader&);

template <auto kParse>
Parsed<AnyFrame> parse_as(FrameReader& in) {
  auto frame = kParse(in);
  if (!frame) return std::unexpected(frame.error());
  return AnyFrame(*frame);
}

struct ParserRow {
  std::uint32_t first;
  std::uint32_t last;
  AnyParser parse;
};

constexpr std::array kParserRows{
    ParserRow{0x00, 0x00, &parse_as<&parse_padding>},
    ParserRow{0x01, 0x01, &parse_as<&parse_ping>},
    ParserRow{0x02, 0x03, &parse_as<&parse_ack>},
    ParserRow{0x04, 0x04, &parse_as<&parse_reset_stream>},
    ParserRow{0x05, 0x05, &parse_as<&parse_stop_sending>},
    ParserRow{0x06, 0x06, &parse_as<&parse_crypto>},
    ParserRow{0x07, 0x07, &parse_as<&parse_new_token>},
    ParserRow{0x08, 0x0f, &parse_as<&parse_stream>},
    ParserRow{0x10, 0x10, &parse_as<&parse_max_data>},
    ParserRow{0x11, 0x11, &parse_as<&parse_max_stream_data>},
    ParserRow{0x12, 0x13, &parse_as<&parse_max_streams>},
    ParserRow{0x14, 0x14, &parse_as<&parse_data_blocked>},
    ParserRow{0x15, 0x15, &parse_as<&parse_stream_data_blocked>},
    ParserRow{0x16, 0x17, &parse_as<&parse_streams_blocked>},
    ParserRow{0x18, 0x18, &parse_as<&parse_new_connection_id>},
    ParserRow{0x19, 0x19, &parse_as<&parse_retire_connection_id>},
    ParserRow{0x1a, 0x1a, &parse_as<&parse_path_challenge>},
    ParserRow{0x1b, 0x1b, &parse_as<&parse_path_response>},
    ParserRow{0x1c, 0x1d, &parse_as<&parse_connection_close>},
    ParserRow{0x1e, 0x1e, &parse_as<&parse_handshake_done>},
    ParserRow{0x1f, 0x1f, &parse_as<&parse_immediate_ack>},
    ParserRow{0x24, 0x24, &parse_as<&parse_reset_stream_at>},
    ParserRow{0x30, 0x31, &parse_as<&parse_datagram>},
    ParserRow{0x3e, 0x3f, &parse_as<&parse_path_ack>},
    ParserRow{0xaf, 0xaf, &parse_as<&parse_ack_frequency>},
    ParserRow{0x3e75, 0x3e75, &parse_as<&parse_path_abandon>},
    ParserRow{0x3e76, 0x3e77, &parse_as<&parse_path_status>},
    ParserRow{0x3e78, 0x3e78, &parse_as<&parse_path_new_connection_id>},
    ParserRow{0x3e79, 0x3e79, &parse_as<&parse_path_retire_connection_id>},
    ParserRow{0x3e7a, 0x3e7a, &parse_as<&parse_max_path_id>},
    ParserRow{0x3e7b, 0x3e7b, &parse_as<&parse_paths_blocked>},
    ParserRow{0x3e7c, 0x3e7c, &parse_as<&parse_path_cids_blocked>},
    ParserRow{0x9f81a6, 0x9f81a7, &parse_as<&parse_observed_address>},
    ParserRow{0x3afec701, 0x3afec701, &parse_as<&parse_fec_repair>},
    ParserRow{0x3afec702, 0x3afec702, &parse_as<&parse_fec_recovered>},
};

constexpr std::array<AnyParser, kFrameTableSize> spread_parsers() {
  std::array<AnyParser, kFrameTableSize> table{};
  for (const ParserRow& row : kParserRows) {
    for (std::size_t type = row.first; type <= row.last; ++type) table[frame_index(type)] = row.parse;
  }
  return table;
}

constexpr std::array<AnyParser, kFrameTableSize> kParsers = spread_parsers();

// By the rows: with sanitizers, GCC 12 compares no function's address with null at compile time.
constexpr bool every_known_frame_has_a_parser() {
  std::array<bool, kFrameTableSize> has_parser{};
  for (const ParserRow& row : kParserRows)
    for (std::size_t type = row.first; type <= row.last; ++type) has_parser[frame_index(type)] = true;
  for (std::size_t i = 0; i < kFrameTableSize; ++i)
    if (kFrameTable[i].known() != has_parser[i]) return false;
  return true;
}
static_assert(every_known_frame_has_a_parser());

// Overloads by frame, so that a visitor can name size and writer without naming the frame.
#define HAWSER_FRAME_OVERLOADS(Frame, name)                  \
  std::size_t size_of(const Frame& frame) {                  \
    return name##_size(frame);                               \
  }                                                          \
  void write_frame(PacketPayload& out, const Frame& frame) { \
    write_##name(out, frame);                                \
  }

HAWSER_FRAME_OVERLOADS(PaddingFrame, padding)
HAWSER_FRAME_OVERLOADS(PingFrame, ping)
HAWSER_FRAME_OVERLOADS(AckFrame, ack)
HAWSER_FRAME_OVERLOADS(ResetStreamFrame, reset_stream)
HAWSER_FRAME_OVERLOADS(ResetStreamAtFrame, reset_stream_at)
HAWSER_FRAME_OVERLOADS(StopSendingFrame, stop_sending)
HAWSER_FRAME_OVERLOADS(CryptoFrame, crypto)
HAWSER_FRAME_OVERLOADS(NewTokenFrame, new_token)
HAWSER_FRAME_OVERLOADS(StreamFrame, stream)
HAWSER_FRAME_OVERLOADS(MaxDataFrame, max_data)
HAWSER_FRAME_OVERLOADS(MaxStreamDataFrame, max_stream_data)
HAWSER_FRAME_OVERLOADS(MaxStreamsFrame, max_streams)
HAWSER_FRAME_OVERLOADS(DataBlockedFrame, data_blocked)
HAWSER_FRAME_OVERLOADS(StreamDataBlockedFrame, stream_data_blocked)
HAWSER_FRAME_OVERLOADS(StreamsBlockedFrame, streams_blocked)
HAWSER_FRAME_OVERLOADS(NewConnectionIdFrame, new_connection_id)
HAWSER_FRAME_OVERLOADS(RetireConnectionIdFrame, retire_connection_id)
HAWSER_FRAME_OVERLOADS(PathChallengeFrame, path_challenge)
HAWSER_FRAME_OVERLOADS(PathResponseFrame, path_response)
HAWSER_FRAME_OVERLOADS(ConnectionCloseFrame, connection_close)
HAWSER_FRAME_OVERLOADS(HandshakeDoneFrame, handshake_done)
HAWSER_FRAME_OVERLOADS(DatagramFrame, datagram)
HAWSER_FRAME_OVERLOADS(AckFrequencyFrame, ack_frequency)
HAWSER_FRAME_OVERLOADS(ImmediateAckFrame, immediate_ack)
HAWSER_FRAME_OVERLOADS(PathAckFrame, path_ack)
HAWSER_FRAME_OVERLOADS(PathAbandonFrame, path_abandon)
HAWSER_FRAME_OVERLOADS(PathStatusFrame, path_status)
HAWSER_FRAME_OVERLOADS(PathNewConnectionIdFrame, path_new_connection_id)
HAWSER_FRAME_OVERLOADS(PathRetireConnectionIdFrame, path_retire_connection_id)
HAWSER_FRAME_OVERLOADS(MaxPathIdFrame, max_path_id)
HAWSER_FRAME_OVERLOADS(PathsBlockedFrame, paths_blocked)
HAWSER_FRAME_OVERLOADS(PathCidsBlockedFrame, path_cids_blocked)
HAWSER_FRAME_OVERLOADS(ObservedAddressFrame, observed_address)
HAWSER_FRAME_OVERLOADS(FecRepairFrame, fec_repair)
HAWSER_FRAME_OVERLOADS(FecRecoveredFrame, fec_recovered)

#undef HAWSER_FRAME_OVERLOADS

}  // namespace

Parsed<AnyFrame> parse_any_frame(FrameReader& in) {
  const auto type = in.next_type();
  if (!type) return std::unexpected(type.error());
  const AnyParser parse = kParsers[frame_index(*type)];
  if (parse == nullptr) return in.encoding_error("unknown frame type");
  return parse(in);
}

std::size_t any_frame_size(const AnyFrame& frame) {
  return std::visit([](const auto& one) { return size_of(one); }, frame);
}

void write_any_frame(PacketPayload& out, const AnyFrame& frame) {
  std::visit([&out](const auto& one) { write_frame(out, one); }, frame);
}

}  // namespace hawser::quic
