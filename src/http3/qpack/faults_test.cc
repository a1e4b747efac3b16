// Goal: every way a peer can break QPACK ends with the code of RFC 9204 section 6, and no input makes
// memory grow past its limit. Method: hand-written instructions and sections, one fault each.
#include <gtest/gtest.h>

#include "http3/qpack/decoder.h"
#include "http3/qpack/encoder.h"
#include "http3/qpack/huffman.h"
#include "http3/qpack/prefix_integer.h"

namespace hawser::http3::qpack {
namespace {

// The code of what decoding `hex` leads to, 0 if nothing is wrong, after two insertions:
// (x, y) at index 0 and (:path, /a) at index 1.
std::uint64_t section_fault(std::string_view hex) {
  Decoder decoder({.table_capacity_max = 256, .blocked_streams_max = 0});
  EXPECT_TRUE(decoder.on_encoder_stream(from_hex("3fe101 417801 79 c1022f61")));
  EXPECT_EQ(decoder.table().insert_count(), 2u);
  FieldSection out;
  const auto status = decoder.decode(0, from_hex(hex), out);
  return status ? 0 : static_cast<std::uint64_t>(status.error().code);
}

std::uint64_t encoder_stream_fault(std::string_view hex) {
  Decoder decoder({.table_capacity_max = 256});
  EXPECT_TRUE(decoder.on_encoder_stream(from_hex("3fe101 417801 79")));
  const auto done = decoder.on_encoder_stream(from_hex(hex));
  return done ? 0 : static_cast<std::uint64_t>(done.error().code);
}

// rfc9204:4.5.1.2-negative rfc9204:4.5.1.2-base
TEST(qpack_faults, broken_sections_are_decompression_failed) {
  EXPECT_EQ(section_fault("0000"), 0u);
  EXPECT_EQ(section_fault("0000d1"), 0u);
  EXPECT_EQ(section_fault("0300 80"), 0u);  // index 1 by way of base 2
  EXPECT_EQ(section_fault("0381 10"), 0u);  // index 0 after base 0
  for (const char* broken : {
           "",                             // no prefix
           "00",                           // no base
           "ff",                           // a cut integer
           "1100",                         // encoded insert count above 2 * MaxEntries
           "0380 12",                      // after the base, at the insert count
           "0200 80 81",                   // before the first entry
           "0382 10",                      // base below zero
           "0000 80",                      // a dynamic reference where the insert count is 0
           "0200 10",                      // index 1 with an insert count of 1
           "0000 ff24",                    // static index 99
           "0000 5f5401 61",               // static name index 99
           "0000 51",                      // a value that is missing
           "0000 5102 61",                 // a value that is cut
           "0000 2861",                    // a Huffman name with bad padding
           "0000 518161",                  // a Huffman value with bad padding
           "0000 00 01 61",                // a name after the base, without a dynamic table
           "0000 37ffffffffffffffffff7f",  // a length beyond 62 bits
       }) {
    EXPECT_EQ(section_fault(broken), 0x200u) << broken;
  }
}

TEST(qpack_faults, a_reference_to_an_evicted_entry_is_decompression_failed) {
  Decoder decoder({.table_capacity_max = 64});
  FieldSection out;
  ASSERT_TRUE(decoder.on_encoder_stream(from_hex("3f21 417801 79 417801 7a")));
  EXPECT_EQ(decoder.table().dropped_count(), 1u);
  const auto status = decoder.decode(0, from_hex("0300 81"), out);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::kDecompressionFailed);
}

TEST(qpack_faults, broken_instructions_are_encoder_stream_errors) {
  EXPECT_EQ(encoder_stream_fault("00"), 0u);
  for (const char* broken : {
           "3fe201",                  // capacity 257
           "01",                      // duplicate of an entry that does not exist
           "1fffffffffffffffffff7f",  // duplicate with an endless integer
           "81 01 61",                // a name of an entry that does not exist
           "ff24 01 61",              // a static name index of 99
           "c1 ffff08",               // a Huffman value longer than any entry
           "c1 81 61",                // a Huffman value with bad padding
           "61 61 00",                // a Huffman name with bad padding
           "c1 7fb001",               // 303 octets: does not fit, and is known before it comes
       }) {
    const bool needs_rest = std::string_view(broken) == "c1 7fb001";
    std::string hex = broken;
    if (needs_rest) {
      for (int i = 0; i < 303; ++i) hex += "61";
    }
    EXPECT_EQ(encoder_stream_fault(hex), 0x201u) << broken;
  }
}

TEST(qpack_faults, an_entry_larger_than_the_capacity_is_an_encoder_stream_error) {
  Decoder decoder({.table_capacity_max = 256});
  // Before any capacity is set, nothing fits.
  const auto done = decoder.on_encoder_stream(from_hex("417801 79"));
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, ErrorCode::kEncoderStreamError);
}

// The pattern with the length, and `octets` of it.
std::vector<std::uint8_t> string_of(std::uint8_t pattern, unsigned bits, std::uint64_t length, Bytes octets = {}) {
  std::vector<std::uint8_t> out(kPrefixIntegerOctetsMax);
  out.resize(static_cast<std::size_t>(put_prefix_integer(out.data(), pattern, length, bits) - out.data()));
  out.insert(out.end(), octets.begin(), octets.end());
  return out;
}

TEST(qpack_limits, an_insertion_that_comes_octet_by_octet_is_decoded_once) {
  // What is decoded takes memory: until all is there, none is taken but for the octets themselves.
  const std::string name(2'000, 'n');
  std::vector<std::uint8_t> huffman(huffman_size(name));
  huffman_encode(name, huffman.data());
  for (const auto& octets :
       {string_of(0x40, 5, name.size(), as_bytes(name)), string_of(0x60, 5, huffman.size(), huffman)}) {
    Decoder decoder({.table_capacity_max = 4'096});
    ASSERT_TRUE(decoder.on_encoder_stream(from_hex("3fe11f")));
    std::size_t sent = 0;
    for (const std::uint8_t& octet : octets) {
      ASSERT_TRUE(decoder.on_encoder_stream({&octet, 1}));
      ASSERT_LE(decoder.memory(), std::max<std::size_t>(2 * ++sent, 64));
    }
    const std::string value(1'000, 'v');
    for (const std::uint8_t octet : string_of(0x00, 7, value.size(), as_bytes(value))) {
      ASSERT_EQ(decoder.table().insert_count(), 0u);
      ASSERT_LE(decoder.memory(), 2 * ++sent);
      ASSERT_TRUE(decoder.on_encoder_stream({&octet, 1}));
    }
    ASSERT_EQ(decoder.table().insert_count(), 1u);
    EXPECT_EQ(decoder.table().at(0).name, name);
    EXPECT_EQ(decoder.table().at(0).value, value);
  }
}

// rfc9204:3.2.2-too-large
TEST(qpack_limits, an_entry_that_cannot_fit_fails_by_its_lengths) {
  const auto fails = [](const std::vector<std::uint8_t>& octets) {
    Decoder decoder({.table_capacity_max = 256});
    EXPECT_TRUE(decoder.on_encoder_stream(from_hex("3fe101")));
    const auto done = decoder.on_encoder_stream(octets);
    if (!done) EXPECT_EQ(done.error().code, ErrorCode::kEncoderStreamError);
    return !done;
  };
  // 32 of the 256 octets are overhead; a symbol takes less than four.
  EXPECT_FALSE(fails(string_of(0x40, 5, 224)));
  EXPECT_TRUE(fails(string_of(0x40, 5, 225)));
  EXPECT_FALSE(fails(string_of(0x60, 5, 899)));
  EXPECT_TRUE(fails(string_of(0x60, 5, 900)));
  EXPECT_TRUE(fails(string_of(0x60, 5, kPrefixIntegerMax)));
  // The value has what the name leaves: here one of 200 octets, and then ":path".
  const std::string name(200, 'n');
  for (const std::uint64_t value : {24, 25}) {
    std::vector<std::uint8_t> octets = string_of(0x40, 5, name.size(), as_bytes(name));
    const auto length = string_of(0x00, 7, value);
    octets.insert(octets.end(), length.begin(), length.end());
    EXPECT_EQ(fails(octets), value == 25) << value;
  }
  for (const std::uint64_t value : {219, 220}) {
    std::vector<std::uint8_t> octets{0xc1};
    const auto length = string_of(0x00, 7, value);
    octets.insert(octets.end(), length.begin(), length.end());
    EXPECT_EQ(fails(octets), value == 220) << value;
  }
}

TEST(qpack_faults, broken_acknowledgements_are_decoder_stream_errors) {
  const auto fault = [](std::string_view hex) -> std::uint64_t {
    Encoder encoder;
    encoder.on_peer_settings(4'096, 10);
    std::vector<std::uint8_t> out;
    encoder.encode(4, fields_of({{"x-name", "value"}}), out);
    const auto done = encoder.on_decoder_stream(from_hex(hex));
    return done ? 0 : static_cast<std::uint64_t>(done.error().code);
  };
  EXPECT_EQ(fault("84"), 0u);
  EXPECT_EQ(fault("01"), 0u);
  EXPECT_EQ(fault("44"), 0u);                          // cancellation of a stream
  EXPECT_EQ(fault("7f80"), 0u);                        // cut: no judgement yet
  EXPECT_EQ(fault("00"), 0x202u);                      // increment of zero
  EXPECT_EQ(fault("02"), 0x202u);                      // more than was sent
  EXPECT_EQ(fault("80"), 0x202u);                      // a stream without a section
  EXPECT_EQ(fault("8484"), 0x202u);                    // twice
  EXPECT_EQ(fault("4484"), 0x202u);                    // after its cancellation
  EXPECT_EQ(fault("ffffffffffffffffffff7f"), 0x202u);  // beyond 62 bits
}

// rfc9204:2.1.2-exceeded
TEST(qpack_limits, one_blocked_stream_more_than_offered_fails) {
  Decoder decoder({.table_capacity_max = 256, .blocked_streams_max = 2});
  FieldSection out;
  const auto section = from_hex("0200 80");
  EXPECT_EQ(decoder.decode(0, section, out), DecodeStatus::kBlocked);
  EXPECT_EQ(decoder.decode(4, section, out), DecodeStatus::kBlocked);
  EXPECT_EQ(decoder.decode(4, section, out), DecodeStatus::kBlocked);  // the same stream again
  const auto third = decoder.decode(8, section, out);
  ASSERT_FALSE(third);
  EXPECT_EQ(third.error().code, ErrorCode::kDecompressionFailed);
  decoder.cancel_stream(0);
  EXPECT_EQ(decoder.decode(8, section, out), DecodeStatus::kBlocked);
}

// rfc9204:7.4-large-enough
TEST(qpack_limits, a_section_may_be_as_large_as_offered_and_no_larger) {
  // x: y counts 34 octets; static :method GET counts 42.
  Decoder decoder({.field_section_size_max = 34 + 42});
  FieldSection out;
  EXPECT_EQ(decoder.decode(0, from_hex("0000 217801 79 d1"), out), DecodeStatus::kDecoded);
  EXPECT_EQ(out.size(), 2u);
  EXPECT_EQ(decoder.decode(0, from_hex("0000 217802 7979 d1"), out), DecodeStatus::kTooLarge);
  EXPECT_TRUE(out.empty());
}

TEST(qpack_limits, a_small_section_cannot_blow_memory_up) {
  // One entry of 4,000 octets, referred to 60,000 times: 240 MB if it were believed.
  Decoder decoder({.table_capacity_max = 4'096, .field_section_size_max = 65'536});
  std::vector<std::uint8_t> insertion = from_hex("3fe11f");
  insertion.push_back(0x41);
  insertion.push_back('x');
  std::uint8_t length[kPrefixIntegerOctetsMax];
  insertion.insert(insertion.end(), length, put_prefix_integer(length, 0, 4'000, 7));
  insertion.insert(insertion.end(), 4'000, 'v');
  ASSERT_TRUE(decoder.on_encoder_stream(insertion));
  std::vector<std::uint8_t> bomb = from_hex("0200");
  bomb.insert(bomb.end(), 60'000, 0x80);
  FieldSection out;
  EXPECT_EQ(decoder.decode(0, bomb, out), DecodeStatus::kTooLarge);
  EXPECT_LT(out.memory(), 300'000u);
  // It was understood, so its references are let go.
  EXPECT_EQ(to_hex(decoder.pending_decoder_stream()), "80");
}

TEST(qpack_limits, unacknowledged_sections_do_not_pile_up_in_the_encoder) {
  Encoder encoder;
  encoder.on_peer_settings(4'096, 100);
  std::vector<std::uint8_t> out;
  encoder.encode(0, fields_of({{"x-name", "value"}}), out);
  ASSERT_TRUE(encoder.on_decoder_stream(from_hex("01")));
  for (std::uint64_t id = 4; id < 4 * 3 * kOutstandingSectionsMax; id += 4) {
    out.clear();
    encoder.encode(id, fields_of({{"x-name", "value"}}), out);
  }
  EXPECT_EQ(encoder.outstanding_sections(), kOutstandingSectionsMax);
  EXPECT_EQ(to_hex(out).substr(0, 4), "0000");
}

// rfc9204:4.3.1-evictable
TEST(qpack_limits, a_lower_capacity_waits_for_entries_that_are_referred_to) {
  Encoder encoder;
  encoder.on_peer_settings(4'096, 100);
  std::vector<std::uint8_t> out;
  encoder.encode(0, fields_of({{"x-name", "value"}}), out);
  ASSERT_EQ(encoder.table().insert_count(), 1u);
  EXPECT_FALSE(encoder.set_table_capacity(0)) << "the decoder may not have read it yet";
  ASSERT_TRUE(encoder.on_decoder_stream(from_hex("80")));
  encoder.encode(4, fields_of({{"x-name", "value"}}), out);
  EXPECT_FALSE(encoder.set_table_capacity(0)) << "a section refers to it";
  ASSERT_TRUE(encoder.on_decoder_stream(from_hex("84")));
  EXPECT_TRUE(encoder.set_table_capacity(0));
}

TEST(qpack_limits, acknowledgements_that_are_never_taken_fail) {
  Decoder decoder({.table_capacity_max = 256});
  for (std::size_t i = 0; i < kDecoderStreamBacklogMax + 10; ++i) decoder.cancel_stream(0);
  FieldSection out;
  EXPECT_FALSE(decoder.decode(0, from_hex("0000"), out));
  decoder.consume_decoder_stream(decoder.pending_decoder_stream().size());
  EXPECT_TRUE(decoder.decode(0, from_hex("0000"), out));
}

// rfc9204:4.5.4-literal rfc9204:7.1.3-qpack rfc9114:10.6-separate
// rfc9204:4.5.4-forward rfc9204:7.1.3-intermediary rfc9114:10.6-undetermined
TEST(qpack_secrets, are_never_indexed) {
  Encoder encoder;
  encoder.on_peer_settings(4'096, 100);
  Decoder decoder;
  FieldSection decoded;
  for (std::uint64_t id = 0; id < 40; id += 4) {
    std::vector<std::uint8_t> out;
    encoder.encode(id,
                   fields_of({{"authorization", "Basic c2VjcmV0"},
                              {"cookie", "pin=1234"},
                              {"x-token", "mine", true},
                              {"accept", "*/*", true}}),
                   out);
    EXPECT_EQ(to_hex(encoder.pending_encoder_stream()).size(), id == 0 ? 6u : 0u);  // the capacity only
    encoder.consume_encoder_stream(encoder.pending_encoder_stream().size());
    ASSERT_EQ(decoder.decode(id, out, decoded), DecodeStatus::kDecoded);
    for (const Field& field : decoded) EXPECT_TRUE(field.sensitive) << field.name;
  }
  EXPECT_EQ(encoder.table().insert_count(), 0u);
}

TEST(qpack_memory, a_reused_section_allocates_nothing_new) {
  Encoder encoder;
  Decoder decoder;
  std::vector<std::uint8_t> out;
  encoder.encode(
      0, fields_of({{":method", "GET"}, {":path", "/some/path/to/a/file.html"}, {"user-agent", "a browser"}}), out);
  FieldSection section;
  ASSERT_TRUE(decoder.decode(0, out, section));
  const std::size_t memory = section.memory();
  for (int i = 0; i < 1'000; ++i) ASSERT_TRUE(decoder.decode(0, out, section));
  EXPECT_EQ(section.memory(), memory);
}

TEST(qpack_memory, a_table_takes_memory_by_what_has_stood_in_it) {
  constexpr std::size_t kCapacity = 4'096;
  Encoder encoder({.table_capacity_max = kCapacity});
  encoder.on_peer_settings(kCapacity, 100);
  Decoder decoder({.table_capacity_max = kCapacity});
  const auto send = [&](std::uint64_t stream, FieldList fields) {
    std::vector<std::uint8_t> out;
    encoder.encode(stream, fields, out);
    ASSERT_TRUE(decoder.on_encoder_stream(encoder.pending_encoder_stream()));
    encoder.consume_encoder_stream(encoder.pending_encoder_stream().size());
    FieldSection section;
    ASSERT_TRUE(decoder.decode(stream, out, section));
    ASSERT_TRUE(std::ranges::equal(fields, section));
    ASSERT_TRUE(encoder.on_decoder_stream(decoder.pending_decoder_stream()));
    decoder.consume_decoder_stream(decoder.pending_decoder_stream().size());
  };
  send(0, fields_of({{":method", "GET"}, {":path", "/"}}));
  EXPECT_EQ(decoder.table().memory(), 0u);
  EXPECT_EQ(encoder.table().memory(), 0u);
  send(4, fields_of({{"user-agent", "a browser of some name"}}));
  EXPECT_EQ(encoder.table().insert_count(), 1u);
  EXPECT_LT(decoder.table().memory(), 1'000u);
  EXPECT_LT(encoder.memory(), 2'500u);
  // Many times the capacity: rings grow to their bound and strings survive every move.
  for (std::uint64_t i = 0; i < 500; ++i) {
    const std::string name = "x-field-" + std::to_string(i / 2);  // what comes twice is inserted
    const std::string value = std::string(i / 2 % 60, 'v');
    const Field fields[] = {{name, value}, {"user-agent", "a browser of some name"}};
    send(8 + 4 * i, fields);
  }
  EXPECT_GT(decoder.table().insert_count(), 100u);
  EXPECT_LE(decoder.table().memory(), 3 * kCapacity + kCapacity / 32 * 12);
}

}  // namespace
}  // namespace hawser::http3::qpack
