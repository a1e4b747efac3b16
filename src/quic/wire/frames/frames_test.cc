// frames_test.cc: tests of all frames.
// Goal: every frame survives writing and parsing, and no cut or change of its octets makes a
// parser read past them. Method: random frames over seeds; every prefix of each in memory of
// exactly its size; random octets behind every type.
#include <gtest/gtest.h>

#include <memory>

#include "base/random.h"
#include "quic/wire/frame_legality.h"
#include "quic/wire/frames/any_frame.h"

namespace hawser::quic {
namespace {

using Octets = std::vector<std::uint8_t>;

Octets flatten(PacketPayload& payload) {
  Octets all;
  for (const Bytes piece : payload.pieces()) all.insert(all.end(), piece.begin(), piece.end());
  return all;
}

Octets written(const AnyFrame& frame) {
  Octets area(any_frame_size(frame));
  PacketPayload payload{MutableBytes(area)};
  write_any_frame(payload, frame);
  EXPECT_EQ(payload.size(), area.size());
  return flatten(payload);
}

std::uint64_t type_of(const Octets& frame) {
  FrameReader in{Bytes(frame)};
  return in.next_type().value();
}

// Integers of all four encoded sizes.
std::uint64_t random_integer(Random& random) {
  return random.next_u64() >> (2 + random.below(62));
}

// Fills frames with random values; views point into `memory_`.
class FrameSource {
 public:
  explicit FrameSource(std::uint64_t seed) : random_(seed), memory_(700) { random_.fill(memory_); }

  static constexpr std::size_t kKinds = std::variant_size_v<AnyFrame>;

  AnyFrame frame(std::size_t kind) {
    switch (kind) {
      case 0:
        return PaddingFrame{1 + random_.below(50)};
      case 1:
        return PingFrame{};
      case 2:
        return ack();
      case 3:
        return ResetStreamFrame{{number()}, number(), number()};
      case 4:
        return StopSendingFrame{{number()}, number()};
      case 5:
        return CryptoFrame{number() / 2, view()};
      case 6:
        return NewTokenFrame{Bytes(memory_).first(1 + random_.below(300))};
      case 7:
        return StreamFrame{{number()}, number() / 2, view(), coin()};
      case 8:
        return MaxDataFrame{number()};
      case 9:
        return MaxStreamDataFrame{{number()}, number()};
      case 10:
        return MaxStreamsFrame{coin(), number() >> 2};
      case 11:
        return DataBlockedFrame{number()};
      case 12:
        return StreamDataBlockedFrame{{number()}, number()};
      case 13:
        return StreamsBlockedFrame{coin(), number() >> 2};
      case 14:
        return new_connection_id();
      case 15:
        return RetireConnectionIdFrame{number()};
      case 16:
        return PathChallengeFrame{eight_octets()};
      case 17:
        return PathResponseFrame{eight_octets()};
      case 18:
        return close();
      case 19:
        return HandshakeDoneFrame{};
      case 20:
        return DatagramFrame{view(), true};
      case 21:
        return AckFrequencyFrame{number(), number(), number() % kRequestedMaxAckDelayEndUs, number()};
      case 22:
        return ImmediateAckFrame{};
      case 23: {
        const std::uint64_t final_size = number();
        return ResetStreamAtFrame{{number()}, number(), final_size, random_.below(final_size + 1)};
      }
      default:
        return path_frame(kind);
    }
  }

 private:
  AnyFrame path_frame(std::size_t kind) {
    const PathId path{number()};
    switch (kind) {
      case 24:
        return PathAckFrame{path, ack()};
      case 25:
        return PathAbandonFrame{path, number()};
      case 26:
        return PathStatusFrame{coin(), path, number()};
      case 27:
        return PathNewConnectionIdFrame{path, new_connection_id()};
      case 28:
        return PathRetireConnectionIdFrame{path, number()};
      case 29:
        return MaxPathIdFrame{number() % (kPathIdMax + 1)};
      case 30:
        return PathsBlockedFrame{number()};
      case 31:
        return PathCidsBlockedFrame{path, number()};
      case 32:
        return observed_address();
      case 33:
        return FecRepairFrame{group(), FecScheme::kReedSolomon,
                              static_cast<std::uint8_t>(random_.below(kMaxFecRepairs)),
                              Bytes(memory_).first(3 + random_.below(200))};
      default:
        return FecRecoveredFrame{group()};
    }
  }

  std::uint64_t number() { return random_integer(random_); }
  bool coin() { return random_.below(2) == 1; }
  Bytes view() { return Bytes(memory_).first(random_.below(memory_.size())); }

  PathChallengeData eight_octets() {
    PathChallengeData data;
    random_.fill(data);
    return data;
  }

  AckFrame ack() {
    AckFrame frame;
    const std::uint64_t begin = number() / 2 + 4'000'000;
    frame.first_range = {begin, begin + 1 + random_.below(1'000)};
    frame.ack_delay = number();
    ranges_.clear();
    const std::uint64_t further = random_.below(20);
    for (std::uint64_t i = 0; i < 2 * further; ++i) {
      std::array<std::uint8_t, 8> encoded;
      ranges_.insert(ranges_.end(), encoded.data(), put_varint(encoded.data(), random_.below(20'000)));
    }
    frame.range_count = 1 + further;
    frame.encoded_ranges = ranges_;
    if (coin()) frame.ecn = EcnCounts{number(), number(), number()};
    return frame;
  }

  NewConnectionIdFrame new_connection_id() {
    NewConnectionIdFrame frame;
    frame.sequence_number = number();
    frame.retire_prior_to = random_.below(frame.sequence_number + 1);
    frame.connection_id = ConnectionId(Bytes(memory_).first(1 + random_.below(20)));
    random_.fill(frame.stateless_reset_token);
    return frame;
  }

  // Of at most 32 packets, the last of them below 2^62.
  PacketGroup group() { return {.first = number() / 2, .others = random_integer(random_) & 0x1555'5555'5555'5555}; }

  ObservedAddressFrame observed_address() {
    ObservedAddressFrame frame{.sequence_number = number()};
    frame.address.family = coin() ? AddressFamily::kIpv4 : AddressFamily::kIpv6;
    frame.address.port = static_cast<std::uint16_t>(random_.below(65'536));
    random_.fill(MutableBytes(frame.address.ip).first(frame.address.ip_bytes().size()));
    return frame;
  }

  ConnectionCloseFrame close() {
    const bool application = coin();
    return {application, number(), application ? 0 : number(), view()};
  }

  SeededRandom random_;
  Octets memory_;
  Octets ranges_;
};

TEST(frames, every_frame_round_trips_over_seeds) {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    FrameSource source(seed);
    for (std::size_t kind = 0; kind < FrameSource::kKinds; ++kind) {
      const AnyFrame frame = source.frame(kind);
      ASSERT_EQ(frame.index(), kind);
      const Octets octets = written(frame);
      FrameReader in{Bytes(octets)};
      const auto parsed = parse_any_frame(in);
      ASSERT_TRUE(parsed) << "seed " << seed << " kind " << kind << ": " << parsed.error().reason;
      ASSERT_TRUE(in.empty()) << "seed " << seed << " kind " << kind;
      ASSERT_EQ(parsed->index(), kind);
      ASSERT_EQ(written(*parsed), octets) << "seed " << seed << " kind " << kind;
      ASSERT_TRUE(rules_of(type_of(octets)).known());
    }
  }
}

TEST(frames, every_cut_of_a_frame_is_a_frame_encoding_error) {
  constexpr std::size_t kPaddingKind = 0;  // A shorter run of PADDING is one too.
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    FrameSource source(seed);
    for (std::size_t kind = 0; kind < FrameSource::kKinds; ++kind) {
      if (kind == kPaddingKind) continue;
      const Octets octets = written(source.frame(kind));
      for (std::size_t size = varint_size(type_of(octets)); size < octets.size(); ++size) {
        const auto cut = std::make_unique<std::uint8_t[]>(size);
        std::memcpy(cut.get(), octets.data(), size);
        FrameReader in{Bytes(cut.get(), size)};
        const auto parsed = parse_any_frame(in);
        ASSERT_FALSE(parsed) << "kind " << kind << " cut to " << size;
        ASSERT_EQ(parsed.error().code, TransportErrorCode::kFrameEncodingError);
        ASSERT_EQ(parsed.error().frame_type, type_of(octets));
        ASSERT_EQ(parsed.error().reason, "frame ends early");
      }
    }
  }
}

TEST(frames, random_octets_parse_or_fail_with_the_frames_own_type) {
  for (std::uint64_t seed = 1; seed <= 20'000; ++seed) {
    SeededRandom random(seed);
    const std::size_t size = 1 + random.below(60);
    const auto octets = std::make_unique<std::uint8_t[]>(size);
    random.fill({octets.get(), size});
    octets[0] = static_cast<std::uint8_t>(random.below(0x32));
    FrameReader in{Bytes(octets.get(), size)};
    const auto parsed = parse_any_frame(in);
    if (parsed) continue;
    ASSERT_EQ(parsed.error().code, TransportErrorCode::kFrameEncodingError) << "seed " << seed;
    ASSERT_EQ(parsed.error().frame_type, octets[0]) << "seed " << seed;
  }
}

TEST(frames, a_run_of_padding_is_one_frame) {
  const Octets octets = from_hex("00000000 01 00");
  FrameReader in{Bytes(octets)};
  ASSERT_EQ(in.next_type().value(), 0u);
  EXPECT_EQ(parse_padding(in)->count, 4u);
  EXPECT_EQ(in.next_type().value(), 1u);
  EXPECT_EQ(in.next_type().value(), 0u);
  EXPECT_EQ(parse_padding(in)->count, 1u);
  EXPECT_TRUE(in.empty());
}

TEST(frames, fields_stand_where_section_19_puts_them) {
  // What it returns may look into `octets`.
  const auto parse = [](const Octets& octets) {
    FrameReader in{Bytes(octets)};
    return parse_any_frame(in).value();
  };
  const auto reset = std::get<ResetStreamFrame>(parse(from_hex("04 05 4102 8003 0000")));
  EXPECT_EQ(reset.stream_id.value, 5u);
  EXPECT_EQ(reset.error_code, 0x102u);
  EXPECT_EQ(reset.final_size, 0x30000u);
  const auto max_stream_data = std::get<MaxStreamDataFrame>(parse(from_hex("11 08 09")));
  EXPECT_EQ(max_stream_data.stream_id.value, 8u);
  EXPECT_EQ(max_stream_data.maximum, 9u);
  EXPECT_TRUE(std::get<MaxStreamsFrame>(parse(from_hex("12 07"))).bidirectional);
  EXPECT_FALSE(std::get<MaxStreamsFrame>(parse(from_hex("13 07"))).bidirectional);
  EXPECT_TRUE(std::get<StreamsBlockedFrame>(parse(from_hex("16 07"))).bidirectional);
  EXPECT_FALSE(std::get<StreamsBlockedFrame>(parse(from_hex("17 07"))).bidirectional);
  const auto transport_octets = from_hex("1c 0a 06 02 6f6b");
  const auto transport_close = std::get<ConnectionCloseFrame>(parse(transport_octets));
  EXPECT_FALSE(transport_close.application);
  EXPECT_EQ(transport_close.error_code, 0x0au);
  EXPECT_EQ(transport_close.frame_type, 6u);
  EXPECT_EQ(as_text(transport_close.reason_phrase), "ok");
  const auto application_octets = from_hex("1d 4100 02 6f6b");
  const auto application_close = std::get<ConnectionCloseFrame>(parse(application_octets));
  EXPECT_TRUE(application_close.application);
  EXPECT_EQ(application_close.error_code, 0x100u);
  EXPECT_EQ(as_text(application_close.reason_phrase), "ok");
  const auto id =
      std::get<NewConnectionIdFrame>(parse(from_hex("18 03 02 04 01020304 000102030405060708090a0b0c0d0e0f")));
  EXPECT_EQ(id.sequence_number, 3u);
  EXPECT_EQ(id.retire_prior_to, 2u);
  EXPECT_EQ(to_hex(id.connection_id.view()), "01020304");
  EXPECT_EQ(to_hex(id.stateless_reset_token), "000102030405060708090a0b0c0d0e0f");
}

// The examples are written out from the draft's tables, not by our writers.
TEST(frames, path_frames_have_the_fields_of_the_multipath_draft) {
  const auto parse = [](const Octets& octets) {
    FrameReader in{Bytes(octets)};
    return parse_any_frame(in).value();
  };
  const Octets ack_octets = from_hex("3f 05 4101 07 01 00 02 03 01 02 03");
  const auto ack = std::get<PathAckFrame>(parse(ack_octets));
  EXPECT_EQ(ack.path_id.value, 5u);
  EXPECT_EQ(ack.ack.largest_acknowledged().value, 0x101u);
  EXPECT_EQ(ack.ack.ack_delay, 7u);
  EXPECT_EQ(ack.ack.range_count, 2u);
  EXPECT_EQ(ack.ack.ecn, (EcnCounts{1, 2, 3}));
  EXPECT_FALSE(std::get<PathAckFrame>(parse(from_hex("3e 05 4101 07 00 00"))).ack.ecn);
  const auto abandon = std::get<PathAbandonFrame>(parse(from_hex("7e75 02 7e76")));
  EXPECT_EQ(abandon.path_id.value, 2u);
  EXPECT_EQ(abandon.error_code, 0x3e76u);
  EXPECT_FALSE(std::get<PathStatusFrame>(parse(from_hex("7e76 02 03"))).available);
  const auto status = std::get<PathStatusFrame>(parse(from_hex("7e77 02 03")));
  EXPECT_TRUE(status.available);
  EXPECT_EQ(status.path_id.value, 2u);
  EXPECT_EQ(status.sequence_number, 3u);
  const auto id =
      std::get<PathNewConnectionIdFrame>(parse(from_hex("7e78 09 03 02 04 01020304 000102030405060708090a0b0c0d0e0f")));
  EXPECT_EQ(id.path_id.value, 9u);
  EXPECT_EQ(id.cid.sequence_number, 3u);
  EXPECT_EQ(id.cid.retire_prior_to, 2u);
  EXPECT_EQ(to_hex(id.cid.connection_id.view()), "01020304");
  const auto retire = std::get<PathRetireConnectionIdFrame>(parse(from_hex("7e79 09 03")));
  EXPECT_EQ(retire.path_id.value, 9u);
  EXPECT_EQ(retire.sequence_number, 3u);
  EXPECT_EQ(std::get<MaxPathIdFrame>(parse(from_hex("7e7a c0000000ffffffff"))).maximum, kPathIdMax);
  EXPECT_EQ(std::get<PathsBlockedFrame>(parse(from_hex("7e7b 07"))).maximum, 7u);
  const auto blocked = std::get<PathCidsBlockedFrame>(parse(from_hex("7e7c 07 01")));
  EXPECT_EQ(blocked.path_id.value, 7u);
  EXPECT_EQ(blocked.next_sequence_number, 1u);
}

// multipath:4.6-too-large
TEST(frames, max_path_id_above_32_bits_is_a_protocol_violation) {
  const Octets octets = from_hex("7e7a c000000100000000");
  FrameReader in{Bytes(octets)};
  const auto parsed = parse_any_frame(in);
  ASSERT_FALSE(parsed);
  EXPECT_EQ(parsed.error().code, TransportErrorCode::kProtocolViolation);
  EXPECT_EQ(parsed.error().frame_type, 0x3e7au);
}

TEST(frames, a_stream_frame_has_the_fields_that_its_type_says) {
  struct Row {
    const char* hex;
    std::uint64_t offset;
    const char* data;
    bool fin;
    std::size_t left;
  };
  for (const Row& row : {Row{"08 04 aabb", 0, "aabb", false, 0}, Row{"09 04 aabb", 0, "aabb", true, 0},
                         Row{"0a 04 01 aabb", 0, "aa", false, 1}, Row{"0b 04 01 aabb", 0, "aa", true, 1},
                         Row{"0c 04 07 aabb", 7, "aabb", false, 0}, Row{"0d 04 07 aabb", 7, "aabb", true, 0},
                         Row{"0e 04 07 01 aabb", 7, "aa", false, 1}, Row{"0f 04 07 00", 7, "", true, 0}}) {
    const Octets octets = from_hex(row.hex);
    FrameReader in{Bytes(octets)};
    ASSERT_TRUE(in.next_type());
    const auto frame = parse_stream(in);
    ASSERT_TRUE(frame) << row.hex;
    EXPECT_EQ(frame->stream_id.value, 4u);
    EXPECT_EQ(frame->offset, row.offset) << row.hex;
    EXPECT_EQ(to_hex(frame->data), row.data) << row.hex;
    EXPECT_EQ(frame->fin, row.fin) << row.hex;
    EXPECT_EQ(in.remaining(), row.left) << row.hex;
  }
}

TEST(frames, a_stream_header_is_followed_by_referenced_data) {
  const Octets data(500, 0x77);
  for (const bool has_length : {false, true}) {
    for (const std::uint64_t offset : {std::uint64_t{0}, std::uint64_t{70'000}}) {
      const StreamHeader header{
          .stream_id = {12}, .offset = offset, .length = data.size(), .fin = true, .has_length = has_length};
      Octets area(stream_header_size(header) + data.size());
      PacketPayload payload{MutableBytes(area)};
      write_stream_header(payload, header);
      ASSERT_EQ(payload.size(), stream_header_size(header));
      payload.reference(data);
      const auto pieces = payload.pieces();
      ASSERT_EQ(pieces.size(), 2u);
      EXPECT_EQ(pieces[1].data(), data.data()) << "the data is not copied";
      const Octets octets = flatten(payload);
      FrameReader in{Bytes(octets)};
      ASSERT_TRUE(in.next_type());
      const auto frame = parse_stream(in);
      ASSERT_TRUE(frame);
      EXPECT_EQ(frame->offset, offset);
      EXPECT_TRUE(frame->fin);
      EXPECT_TRUE(equal(frame->data, data));
    }
  }
}

TEST(frames, a_datagram_without_length_takes_the_rest_of_the_packet) {
  const Octets octets = from_hex("31 02 aabb 30 ccdd");
  FrameReader in{Bytes(octets)};
  const auto first = std::get<DatagramFrame>(parse_any_frame(in).value());
  EXPECT_EQ(to_hex(first.data), "aabb");
  EXPECT_EQ(datagram_size(first), 4u);
  const auto second = std::get<DatagramFrame>(parse_any_frame(in).value());
  EXPECT_EQ(to_hex(second.data), "ccdd");
  EXPECT_FALSE(second.has_length);
  EXPECT_EQ(datagram_size(second), 3u);
  EXPECT_TRUE(in.empty());
}

TEST(frames, a_close_gives_up_its_reason_before_itself) {
  const Octets reason(100, 'x');
  const ConnectionCloseFrame whole{.application = false, .error_code = 7, .frame_type = 8, .reason_phrase = reason};
  ASSERT_EQ(connection_close_size(whole), 105u);
  EXPECT_EQ(fit_connection_close(whole, 105)->reason_phrase.size(), 100u);
  for (std::size_t room = 4; room < 105; ++room) {
    const auto fitted = fit_connection_close(whole, room);
    ASSERT_TRUE(fitted) << room;
    EXPECT_LE(connection_close_size(*fitted), room);
    EXPECT_GE(connection_close_size(*fitted) + 1, std::min<std::size_t>(room, 104)) << "at most one octet is wasted";
  }
  EXPECT_FALSE(fit_connection_close(whole, 3));
}

// rfc9000:19.19-utf8
TEST(frames, a_close_does_not_cut_its_reason_inside_a_character) {
  const std::string_view reason = "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80";  // of one to four octets
  const ConnectionCloseFrame whole{
      .application = true, .error_code = 7, .frame_type = 0, .reason_phrase = as_bytes(reason)};
  const std::size_t without = connection_close_size(whole) - reason.size();
  const std::size_t kept[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10};
  for (std::size_t room = 0; room <= reason.size(); ++room)
    EXPECT_EQ(fit_connection_close(whole, without + room)->reason_phrase.size(), kept[room]) << room;
}

}  // namespace
}  // namespace hawser::quic
