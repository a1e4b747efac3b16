// Goal: the codec agrees with RFC 9204 appendix B and RFC 7541 appendix C octet for octet.
// Method: the RFCs' own examples, decoded and where the encoder has a choice of one, encoded.
#include <gtest/gtest.h>

#include "base/random.h"
#include "http3/qpack/decoder.h"
#include "http3/qpack/encoder.h"
#include "http3/qpack/huffman.h"
#include "http3/qpack/prefix_integer.h"
#include "http3/qpack/static_table.h"

namespace hawser::http3::qpack {
namespace {

std::string text_of(const FieldSection& section) {
  std::string text;
  for (const Field& f : section)
    text += std::string(f.name) + "=" + std::string(f.value) + (f.sensitive ? "!\n" : "\n");
  return text;
}

std::string huffman(std::string_view text) {
  std::vector<std::uint8_t> out(huffman_size(text));
  EXPECT_EQ(huffman_encode(text, out.data()), out.data() + out.size());
  return to_hex(out);
}

std::optional<std::string> unhuffman(std::string_view hex) {
  const auto in = from_hex(hex);
  std::string out(huffman_decoded_max(in.size()), '\0');
  const auto size = huffman_decode(in, out.data());
  if (!size) return std::nullopt;
  out.resize(*size);
  return out;
}

TEST(huffman, matches_the_examples_of_rfc_7541_appendix_c) {
  const std::pair<const char*, const char*> vectors[] = {
      {"www.example.com", "f1e3c2e5f23a6ba0ab90f4ff"},
      {"no-cache", "a8eb10649cbf"},
      {"custom-key", "25a849e95ba97d7f"},
      {"custom-value", "25a849e95bb8e8b4bf"},
      {"302", "6402"},
      {"private", "aec3771a4b"},
      {"Mon, 21 Oct 2013 20:13:21 GMT", "d07abe941054d444a8200595040b8166e082a62d1bff"},
      {"https://www.example.com", "9d29ad171863c78f0b97c8e9ae82ae43d3"},
      {"307", "640eff"},
      {"gzip", "9bd9ab"},
      {"foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1",
       "94e7821dd7f2e6c7b335dfdfcd5b3960d5af27087f3672c1ab270fb5291f9587316065c003ed4ee5b1063d5007"},
  };
  for (const auto& [text, hex] : vectors) {
    EXPECT_EQ(huffman(text), hex) << text;
    EXPECT_EQ(unhuffman(hex), text) << hex;
  }
}

TEST(huffman, round_trips_every_octet_alone_and_in_company) {
  for (int c = 0; c < 256; ++c) {
    for (const std::string& text : {std::string(1, static_cast<char>(c)), std::string(5, static_cast<char>(c)),
                                    std::string("a") + static_cast<char>(c) + "0"}) {
      EXPECT_EQ(unhuffman(huffman(text)), text) << c;
    }
  }
}

TEST(huffman, round_trips_random_strings) {
  SeededRandom random(7541);
  for (int i = 0; i < 3'000; ++i) {
    std::string text(random.below(90), '\0');
    const bool any = random.below(2) == 0;
    for (char& c : text) c = static_cast<char>(any ? random.below(256) : 32 + random.below(95));
    ASSERT_EQ(unhuffman(huffman(text)), text);
  }
}

TEST(huffman, refuses_bad_padding_and_eos) {
  EXPECT_EQ(unhuffman(""), "");
  EXPECT_EQ(unhuffman("07"), "0");        // 00000 111
  EXPECT_FALSE(unhuffman("06"));          // padding with a zero
  EXPECT_FALSE(unhuffman("ff"));          // 8 bits of padding
  EXPECT_FALSE(unhuffman("07ff"));        // an octet of padding too many
  EXPECT_FALSE(unhuffman("ffffffff"));    // EOS itself
  EXPECT_FALSE(unhuffman("fffffffc07"));  // EOS before a symbol
  EXPECT_FALSE(unhuffman("fffffffffffffffffffffffffffffffff0"));
}

TEST(prefix_integer, matches_the_examples_of_rfc_7541_appendix_c_1) {
  const auto put = [](std::uint8_t pattern, std::uint64_t value, unsigned bits) {
    std::uint8_t out[kPrefixIntegerOctetsMax];
    const std::uint8_t* end = put_prefix_integer(out, pattern, value, bits);
    EXPECT_EQ(static_cast<std::size_t>(end - out), prefix_integer_size(value, bits));
    return to_hex({out, end});
  };
  EXPECT_EQ(put(0, 10, 5), "0a");
  EXPECT_EQ(put(0, 1337, 5), "1f9a0a");
  EXPECT_EQ(put(0, 42, 8), "2a");
  EXPECT_EQ(put(0x80, 127, 7), "ff00");
}

// rfc9204:4.1.1-62-bits
TEST(prefix_integer, takes_62_bits_and_refuses_63) {
  for (unsigned bits = 1; bits <= 8; ++bits) {
    std::uint8_t out[kPrefixIntegerOctetsMax];
    const std::uint8_t* end = put_prefix_integer(out, 0, kPrefixIntegerMax, bits);
    const std::uint8_t* in = out;
    std::uint64_t value = 0;
    ASSERT_EQ(take_prefix_integer(in, end, bits, value), TakeStatus::kTaken) << bits;
    EXPECT_EQ(value, kPrefixIntegerMax);
    for (const std::uint8_t* cut = out; cut != end; ++cut) {
      in = out;
      EXPECT_EQ(take_prefix_integer(in, cut, bits, value), TakeStatus::kTruncated);
      EXPECT_EQ(in, out);
    }
    const std::uint64_t mask = (1u << bits) - 1;
    std::uint8_t over[kPrefixIntegerOctetsMax + 1];
    const std::uint8_t* over_end = put_prefix_integer(over, 0, kPrefixIntegerMax + 1 + mask, bits);
    in = over;
    EXPECT_EQ(take_prefix_integer(in, over_end, bits, value), TakeStatus::kInvalid) << bits;
  }
  const auto endless = from_hex("1f8080808080808080808000");
  const std::uint8_t* in = endless.data();
  std::uint64_t value = 0;
  EXPECT_EQ(take_prefix_integer(in, in + endless.size(), 5, value), TakeStatus::kInvalid);
}

TEST(static_table, finds_every_entry_and_no_other) {
  for (std::size_t i = 0; i < kStaticTableSize; ++i) {
    const Field& f = kStaticTable[i];
    EXPECT_EQ(find_static(f.name, f.value).exact, i) << i;
    const StaticMatch other = find_static(f.name, "no such value");
    EXPECT_EQ(other.exact, StaticMatch::kNone);
    ASSERT_NE(other.name, StaticMatch::kNone);
    EXPECT_EQ(kStaticTable[other.name].name, f.name);
    EXPECT_LE(other.name, i);
    EXPECT_EQ(find_static(std::string(f.name) + "x", f.value).name, StaticMatch::kNone);
  }
  EXPECT_EQ(find_static("", "").name, StaticMatch::kNone);
  EXPECT_EQ(kStaticTable[17].value, "GET");
  EXPECT_EQ(kStaticTable[98].value, "sameorigin");
}

// rfc9204:3.2-duplicates
TEST(decoder, understands_the_examples_of_rfc_9204_appendix_b) {
  Decoder decoder({.table_capacity_max = 220, .blocked_streams_max = 1});
  FieldSection out;
  // B.1: a literal with a name from the static table.
  ASSERT_EQ(decoder.decode(0, from_hex("0000510b2f696e6465782e68746d6c"), out), DecodeStatus::kDecoded);
  EXPECT_EQ(text_of(out), ":path=/index.html\n");
  EXPECT_TRUE(decoder.pending_decoder_stream().empty());
  // B.2: two insertions, then a section that refers to them after the base.
  ASSERT_TRUE(
      decoder.on_encoder_stream(from_hex("3fbd01c00f7777772e6578616d706c652e636f6dc10c2f73616d706c652f70617468")));
  EXPECT_EQ(decoder.table().size(), 106u);
  ASSERT_EQ(decoder.decode(4, from_hex("03811011"), out), DecodeStatus::kDecoded);
  EXPECT_EQ(text_of(out), ":authority=www.example.com\n:path=/sample/path\n");
  EXPECT_EQ(to_hex(decoder.pending_decoder_stream()), "84");
  decoder.consume_decoder_stream(1);
  // B.3: a speculative insertion, told by an increment.
  ASSERT_TRUE(decoder.on_encoder_stream(from_hex("4a637573746f6d2d6b65790c637573746f6d2d76616c7565")));
  EXPECT_EQ(decoder.table().size(), 160u);
  EXPECT_EQ(to_hex(decoder.pending_decoder_stream()), "01");
  decoder.consume_decoder_stream(1);
  // B.4: a duplicate, which arrives after the section that needs it.
  ASSERT_EQ(decoder.decode(8, from_hex("050080c181"), out), DecodeStatus::kBlocked);
  std::uint64_t unblocked = 0;
  EXPECT_FALSE(decoder.next_unblocked(unblocked));
  ASSERT_TRUE(decoder.on_encoder_stream(from_hex("02")));
  EXPECT_EQ(decoder.table().size(), 217u);
  ASSERT_TRUE(decoder.next_unblocked(unblocked));
  EXPECT_EQ(unblocked, 8u);
  ASSERT_EQ(decoder.decode(8, from_hex("050080c181"), out), DecodeStatus::kDecoded);
  EXPECT_EQ(text_of(out), ":authority=www.example.com\n:path=/\ncustom-key=custom-value\n");
  decoder.cancel_stream(8);
  EXPECT_EQ(to_hex(decoder.pending_decoder_stream()), "8848");
  decoder.consume_decoder_stream(2);
  // B.5: an insertion with a name from the dynamic table, which evicts the first entry.
  ASSERT_TRUE(decoder.on_encoder_stream(from_hex("810d637573746f6d2d76616c756532")));
  EXPECT_EQ(decoder.table().size(), 215u);
  EXPECT_EQ(decoder.table().dropped_count(), 1u);
  EXPECT_EQ(decoder.table().at(4).value, "custom-value2");
  EXPECT_EQ(decoder.table().at(1).name, ":path");
}

TEST(encoder, writes_the_first_example_of_rfc_9204_appendix_b) {
  Encoder encoder({.table_capacity_max = 0, .huffman = false});
  std::vector<std::uint8_t> out;
  encoder.encode(0, fields_of({{":path", "/index.html"}}), out);
  EXPECT_EQ(to_hex(out), "0000510b2f696e6465782e68746d6c");
}

TEST(encoder, inserts_and_refers_after_the_base_as_appendix_b_2_does) {
  Encoder encoder({.table_capacity_max = 220, .huffman = false});
  encoder.on_peer_settings(220, 1);
  std::vector<std::uint8_t> out;
  encoder.encode(4, fields_of({{":authority", "www.example.com"}}), out);
  EXPECT_EQ(to_hex(encoder.pending_encoder_stream()), "3fbd01c00f7777772e6578616d706c652e636f6d");
  EXPECT_EQ(to_hex(out), "028010");
  ASSERT_TRUE(encoder.on_decoder_stream(from_hex("84")));
  EXPECT_EQ(encoder.known_received_count(), 1u);
  EXPECT_EQ(encoder.outstanding_sections(), 0u);
}

}  // namespace
}  // namespace hawser::http3::qpack
