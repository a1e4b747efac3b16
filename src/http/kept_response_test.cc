// Goal: a kept response is the response that it was made from, with the date of the moment, and
// what is under way never changes. Method: its octets taken apart by the frame reader and the
// QPACK decoder.
#include "http/kept_response.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "http3/frames.h"
#include "http3/qpack/decoder.h"

namespace hawser::http {
namespace {

constexpr std::string_view kDate1 = "Sun, 06 Nov 1994 08:49:37 GMT";
constexpr std::string_view kDate2 = "Sun, 06 Nov 1994 08:49:38 GMT";
constexpr std::string_view kDate3 = "Sun, 06 Nov 1994 08:49:39 GMT";

struct Parts {
  std::map<std::string, std::string> fields;
  std::string body;
};

Parts take_apart(Bytes octets) {
  Parts parts;
  http3::FrameReader reader;
  reader.reset(http3::FrameStream::kRequest, quic::Role::kClient, 4'096);
  const auto head = reader.next(octets).value();
  EXPECT_EQ(head.type, static_cast<std::uint64_t>(http3::FrameType::kHeaders));
  http3::qpack::Decoder decoder;
  http3::FieldSection section;
  EXPECT_EQ(decoder.decode(0, head.payload, section).value(), http3::qpack::DecodeStatus::kDecoded);
  for (const http3::Field& field : section) parts.fields.emplace(field.name, field.value);
  if (octets.empty()) return parts;
  const auto data = reader.next(octets).value();
  EXPECT_EQ(data.kind, http3::FrameReader::Kind::kData);
  EXPECT_EQ(data.length, octets.size());
  parts.body = as_text(octets);
  return parts;
}

const http3::Field kFields[] = {{"etag", "\"1\""}, {"content-type", "text/plain"}};

TEST(kept_response, has_its_fields_its_length_the_date_and_its_body) {
  KeptResponse response(200, kFields, as_bytes("hello"));
  ASSERT_TRUE(response.is_legal());
  const auto& message = response.at({.second = 1, .date = kDate1});
  EXPECT_EQ(message.body_size, 5u);
  const Parts parts = take_apart(message.octets.view());
  EXPECT_EQ(parts.body, "hello");
  EXPECT_EQ(parts.fields, (std::map<std::string, std::string>{{":status", "200"},
                                                              {"etag", "\"1\""},
                                                              {"content-type", "text/plain"},
                                                              {"content-length", "5"},
                                                              {"date", std::string(kDate1)}}));
  EXPECT_EQ(take_apart(message.octets.view().first(message.head_size)).body, "");
}

TEST(kept_response, an_empty_body_is_no_data_frame) {
  KeptResponse response(200, kFields, {});
  const auto& message = response.at({.second = 1, .date = kDate1});
  EXPECT_EQ(message.octets.size(), message.head_size);
  EXPECT_EQ(take_apart(message.octets.view()).fields.at("content-length"), "0");
}

TEST(kept_response, what_is_under_way_keeps_its_date) {
  KeptResponse response(200, kFields, as_bytes("hello"));
  const SharedBytes first = response.at({.second = 1, .date = kDate1}).octets;
  const SharedBytes second = response.at({.second = 2, .date = kDate2}).octets;
  const SharedBytes third = response.at({.second = 3, .date = kDate3}).octets;
  EXPECT_EQ(take_apart(first.view()).fields.at("date"), kDate1);
  EXPECT_EQ(take_apart(second.view()).fields.at("date"), kDate2);
  EXPECT_EQ(take_apart(third.view()).fields.at("date"), kDate3);
}

TEST(kept_response, octets_that_nobody_holds_are_used_again) {
  KeptResponse response(200, kFields, as_bytes("hello"));
  const std::uint8_t* const first = response.at({.second = 1, .date = kDate1}).octets.data();
  EXPECT_EQ(response.at({.second = 1, .date = kDate1}).octets.data(), first);
  const std::uint8_t* const second = response.at({.second = 2, .date = kDate2}).octets.data();
  EXPECT_NE(second, first);
  EXPECT_EQ(response.at({.second = 3, .date = kDate3}).octets.data(), first);
  EXPECT_EQ(response.at({.second = 4, .date = kDate1}).octets.data(), second);
}

TEST(kept_response, illegal_fields_are_told) {
  EXPECT_FALSE(KeptResponse(200, http3::fields_of({{"cache-control", "a\nb"}}), {}).is_legal());
  EXPECT_FALSE(KeptResponse(100, {}, {}).is_legal());
}

}  // namespace
}  // namespace hawser::http
