// frame_errors_test.cc: tests of what frames may not say.
// Goal: every value that RFC 9000 section 19 forbids is refused with the code it names, and
// the greatest legal value beside it is not. Method: one row per rule, as octets.
#include <gtest/gtest.h>

#include "quic/wire/frames/any_frame.h"

namespace hawser::quic {
namespace {

struct Row {
  const char* rule;
  const char* legal;
  const char* illegal;
};

constexpr std::array kRows{
    Row{"19.3.1: first ACK range below 0", "02 05 00 00 05", "02 05 00 00 06"},
    Row{"19.3.1: next ACK range starts below 0", "02 05 00 01 03 00 00", "02 05 00 01 03 01 00"},
    Row{"19.3.1: next ACK range ends below 0", "02 09 00 01 03 00 04", "02 09 00 01 03 00 05"},
    Row{"19.3.1: third ACK range below 0", "02 09 00 02 00 00 00 00 05", "02 09 00 02 00 00 00 00 06"},
    Row{"19.3.1: ACK ranges of the greatest integers", "02 00 00 00 00",
        "02 09 00 01 00 ffffffffffffffff ffffffffffffffff"},
    Row{"19.3: more ACK ranges than octets", "02 05 00 00 00", "02 05 00 ffffffffffffffff 00"},
    Row{"19.6: CRYPTO ends past 2^62-1", "06 fffffffffffffffe 01 aa", "06 fffffffffffffffe 02 aabb"},
    Row{"19.7: empty NEW_TOKEN", "07 01 aa", "07 00"},
    Row{"19.8: STREAM ends past 2^62-1", "0e 00 fffffffffffffffd 02 aabb", "0e 00 fffffffffffffffe 02 aabb"},
    Row{"19.8: STREAM without length ends past 2^62-1", "0c 00 ffffffffffffffff", "0c 00 ffffffffffffffff aa"},
    Row{"19.11: MAX_STREAMS above 2^60", "12 d000000000000000", "12 d000000000000001"},
    Row{"19.11: MAX_STREAMS above 2^60, one-way", "13 d000000000000000", "13 d000000000000001"},
    Row{"19.14: STREAMS_BLOCKED above 2^60", "16 d000000000000000", "16 d000000000000001"},
    Row{"19.14: STREAMS_BLOCKED above 2^60, one-way", "17 d000000000000000", "17 d000000000000001"},
    Row{"19.15: empty connection ID", "18 01 00 01 aa 000102030405060708090a0b0c0d0e0f",
        "18 01 00 00 000102030405060708090a0b0c0d0e0f"},
    Row{"19.15: connection ID of 21 octets",
        "18 01 00 14 0101010101010101010101010101010101010101 000102030405060708090a0b0c0d0e0f",
        "18 01 00 15 010101010101010101010101010101010101010101 000102030405060708090a0b0c0d0e0f"},
    Row{"19.15: Retire Prior To above the sequence number", "18 01 01 01 aa 000102030405060708090a0b0c0d0e0f",
        "18 01 02 01 aa 000102030405060708090a0b0c0d0e0f"},
    Row{"12.4: unknown type", "1e", "20"},
};

TEST(frame_errors, every_forbidden_value_is_a_frame_encoding_error) {
  for (const Row& row : kRows) {
    const auto legal = from_hex(row.legal);
    const auto illegal = from_hex(row.illegal);
    ASSERT_FALSE(legal.empty() || illegal.empty()) << row.rule;
    FrameReader legal_in{Bytes(legal)};
    EXPECT_TRUE(parse_any_frame(legal_in)) << row.rule;
    EXPECT_TRUE(legal_in.empty()) << row.rule;
    FrameReader illegal_in{Bytes(illegal)};
    const auto refused = parse_any_frame(illegal_in);
    ASSERT_FALSE(refused) << row.rule;
    EXPECT_EQ(refused.error().code, TransportErrorCode::kFrameEncodingError) << row.rule;
    EXPECT_EQ(refused.error().frame_type, illegal[0]) << row.rule;
    EXPECT_FALSE(refused.error().reason.empty()) << row.rule;
  }
}

// draft-ietf-quic-ack-frequency-12 section 4, with a code of its own.
TEST(frame_errors, an_ack_frequency_delay_of_2_to_14_ms_is_a_protocol_violation) {
  for (const auto& [hex, legal] :
       {std::pair{"40af 00 01 80f9ffff 01", true}, std::pair{"40af 00 01 80fa0000 01", false}}) {
    const auto octets = from_hex(hex);
    FrameReader in{Bytes(octets)};
    const auto frame = parse_any_frame(in);
    ASSERT_EQ(frame.has_value(), legal) << hex;
    if (!legal) EXPECT_EQ(frame.error().code, TransportErrorCode::kProtocolViolation);
  }
}

TEST(frame_errors, fields_that_have_no_bound_take_the_greatest_integer) {
  for (const char* hex :
       {"04 ffffffffffffffff ffffffffffffffff ffffffffffffffff", "05 ffffffffffffffff ffffffffffffffff",
        "10 ffffffffffffffff", "11 ffffffffffffffff ffffffffffffffff", "14 ffffffffffffffff",
        "15 ffffffffffffffff ffffffffffffffff", "19 ffffffffffffffff",
        "02 ffffffffffffffff ffffffffffffffff 00 ffffffffffffffff",
        "03 00 00 00 00 ffffffffffffffff ffffffffffffffff ffffffffffffffff"}) {
    const auto octets = from_hex(hex);
    FrameReader in{Bytes(octets)};
    EXPECT_TRUE(parse_any_frame(in)) << hex;
    EXPECT_TRUE(in.empty()) << hex;
  }
}

}  // namespace
}  // namespace hawser::quic
