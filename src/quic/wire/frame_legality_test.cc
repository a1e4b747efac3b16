// frame_legality_test.cc: tests of the table of frames.
// Goal: the table says what RFC 9000 section 12.4, table 3 says. Method: the table's columns,
// restated here as strings in the RFC's own notation, against every type of one octet.
#include "quic/wire/frame_legality.h"

#include <gtest/gtest.h>

#include <vector>

#include "quic/wire/frames/frame_reader.h"

namespace hawser::quic {
namespace {

struct RfcRow {
  std::uint64_t first;
  std::uint64_t last;
  std::string_view packets;
  std::string_view marks;  // N: not ack-eliciting, C: not in flight, P: probing
};

// CONNECTION_CLOSE is marked C here beyond the RFC's table: RFC 9002 section 2 counts only
// packets that are ack-eliciting or padded.
constexpr std::array kRfcTable{
    RfcRow{0x00, 0x00, "IH01", "NP"},
    RfcRow{0x01, 0x01, "IH01", ""},
    RfcRow{0x02, 0x03, "IH1", "NC"},
    RfcRow{0x04, 0x04, "01", ""},
    RfcRow{0x05, 0x05, "01", ""},
    RfcRow{0x06, 0x06, "IH1", ""},
    RfcRow{0x07, 0x07, "1", ""},
    RfcRow{0x08, 0x0f, "01", ""},
    RfcRow{0x10, 0x10, "01", ""},
    RfcRow{0x11, 0x11, "01", ""},
    RfcRow{0x12, 0x13, "01", ""},
    RfcRow{0x14, 0x14, "01", ""},
    RfcRow{0x15, 0x15, "01", ""},
    RfcRow{0x16, 0x17, "01", ""},
    RfcRow{0x18, 0x18, "01", "P"},
    RfcRow{0x19, 0x19, "01", ""},
    RfcRow{0x1a, 0x1a, "01", "P"},
    RfcRow{0x1b, 0x1b, "1", "P"},
    RfcRow{0x1c, 0x1c, "IH01", "NC"},
    RfcRow{0x1d, 0x1d, "01", "NC"},
    RfcRow{0x1e, 0x1e, "1", ""},
    RfcRow{0x1f, 0x1f, "1", ""},
    RfcRow{0x24, 0x24, "01", ""},
    RfcRow{0x30, 0x31, "01", ""},
    RfcRow{0xaf, 0xaf, "1", ""},
    RfcRow{0x3e, 0x3f, "1", "NC"},
    RfcRow{0x3e75, 0x3e77, "1", ""},
    RfcRow{0x3e78, 0x3e78, "1", "P"},
    RfcRow{0x3e79, 0x3e7c, "1", ""},
    RfcRow{0x9f81a6, 0x9f81a7, "01", "P"},
    RfcRow{0x3afec701, 0x3afec701, "1", ""},
    RfcRow{0x3afec702, 0x3afec702, "1", "NC"},
};

constexpr std::array<std::pair<EncryptionLevel, char>, 4> kLevels{{{EncryptionLevel::kInitial, 'I'},
                                                                   {EncryptionLevel::kHandshake, 'H'},
                                                                   {EncryptionLevel::kZeroRtt, '0'},
                                                                   {EncryptionLevel::kOneRtt, '1'}}};

const RfcRow* rfc_row(std::uint64_t type) {
  for (const RfcRow& row : kRfcTable) {
    if (type >= row.first && type <= row.last) return &row;
  }
  return nullptr;
}

// rfc9000:12.4-permitted rfc9001:8.3-crypto rfc9000:12.5-others multipath:4-one-rtt
// address-discovery:4-space address-discovery:4-probing fec:3-space fec:3-elicits
TEST(frame_legality, agrees_with_table_3_for_every_type_and_packet) {
  std::vector<std::uint64_t> types;
  for (std::uint64_t type = 0; type < 0x3f00; ++type) types.push_back(type);
  for (std::uint64_t type = 0x9f8180; type < 0x9f81c0; ++type) types.push_back(type);
  for (std::uint64_t type = 0x3afec6f0; type < 0x3afec710; ++type) types.push_back(type);
  for (const std::uint64_t type : types) {
    const RfcRow* expected = rfc_row(type);
    const FrameRules& rules = rules_of(type);
    ASSERT_EQ(rules.known(), expected != nullptr) << type;
    if (expected == nullptr) continue;
    for (const auto& [level, letter] : kLevels) {
      const bool permitted = expected->packets.find(letter) != std::string_view::npos;
      EXPECT_EQ(rules.permits(level), permitted) << type << letter;
      const auto checked = check_frame(type, level);
      ASSERT_EQ(checked.has_value(), permitted) << type << letter;
      if (permitted) continue;
      EXPECT_EQ(checked.error().code, TransportErrorCode::kProtocolViolation);
      EXPECT_EQ(checked.error().frame_type, type);
    }
    const auto marked = [expected](char mark) { return expected->marks.find(mark) != std::string_view::npos; };
    EXPECT_EQ(rules.ack_eliciting, !marked('N')) << type;
    EXPECT_EQ(rules.in_flight, !marked('C')) << type;
    EXPECT_EQ(rules.probing, marked('P')) << type;
  }
}

// rfc9000:12.4-unknown
TEST(frame_legality, unknown_types_are_frame_encoding_errors) {
  for (const std::uint64_t type :
       {std::uint64_t{0x20}, std::uint64_t{0x2f}, std::uint64_t{0x32}, std::uint64_t{0x40}, std::uint64_t{0xb0},
        std::uint64_t{0x3e74}, std::uint64_t{0x3e7d}, std::uint64_t{0x15228c00}, kVarintMax}) {
    const auto checked = check_frame(type, EncryptionLevel::kOneRtt);
    ASSERT_FALSE(checked);
    EXPECT_EQ(checked.error().code, TransportErrorCode::kFrameEncodingError);
    EXPECT_EQ(checked.error().frame_type, type);
    EXPECT_FALSE(checked.error().reason.empty());
  }
}

// rfc9000:12.4-shortest
TEST(frame_legality, types_must_come_in_their_shortest_encoding) {
  for (const char* hex : {"4001", "80000001", "c000000000000001"}) {
    const auto octets = from_hex(hex);
    FrameReader in{Bytes(octets)};
    const auto type = in.next_type();
    ASSERT_FALSE(type) << hex;
    EXPECT_EQ(type.error().code, TransportErrorCode::kProtocolViolation);
    EXPECT_EQ(type.error().frame_type, 1u);
  }
  const auto ack_frequency = from_hex("40af");
  FrameReader in{Bytes(ack_frequency)};
  EXPECT_EQ(in.next_type().value(), 0xafu);
}

TEST(frame_legality, a_type_cut_short_is_a_frame_encoding_error) {
  for (const char* hex : {"40", "800000", "c0000000000000"}) {
    const auto octets = from_hex(hex);
    FrameReader in{Bytes(octets)};
    const auto type = in.next_type();
    ASSERT_FALSE(type) << hex;
    EXPECT_EQ(type.error().code, TransportErrorCode::kFrameEncodingError);
  }
}

TEST(frame_legality, names_frames_as_the_rfc_does) {
  EXPECT_EQ(frame_name(0x0b), "STREAM");
  EXPECT_EQ(frame_name(0x1d), "CONNECTION_CLOSE");
  EXPECT_EQ(frame_name(0x31), "DATAGRAM");
  EXPECT_EQ(frame_name(0xaf), "ACK_FREQUENCY");
  EXPECT_EQ(frame_name(0x3e75), "PATH_ABANDON");
  EXPECT_EQ(frame_name(0x9f81a7), "OBSERVED_ADDRESS");
  EXPECT_EQ(frame_name(0x99), "unknown");
}

}  // namespace
}  // namespace hawser::quic
