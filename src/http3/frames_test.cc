// Goal: frames come out of a stream the same wherever it is cut, and each rule on types and lengths
// holds at its edge. Method: frames built by hand, cut at every octet.
#include <gtest/gtest.h>

#include "http3/frames.h"
#include "http3/settings.h"

namespace hawser::http3 {
namespace {

using quic::Role;

struct Told {
  FrameReader::Kind kind;
  std::uint64_t type;
  std::string payload;
  bool operator==(const Told&) const = default;
};

// Everything a reader tells of `stream` in pieces of `piece` octets; DATA octets are dropped.
Result<std::vector<Told>> read(Bytes stream, std::size_t piece, FrameStream kind = FrameStream::kRequest,
                               Role role = Role::kServer, std::size_t max = 1'000) {
  FrameReader reader;
  reader.reset(kind, role, max);
  std::vector<Told> told;
  std::uint64_t data = 0;
  while (!stream.empty()) {
    Bytes part = stream.first(std::min(piece, stream.size()));
    stream = stream.subspan(part.size());
    while (!part.empty()) {
      if (data > 0) {
        const std::size_t take = std::min<std::size_t>(data, part.size());
        part = part.subspan(take);
        data -= take;
        continue;
      }
      const auto event = reader.next(part);
      if (!event) return std::unexpected(event.error());
      if (event->kind == FrameReader::Kind::kNeedMore) continue;
      if (event->kind == FrameReader::Kind::kData) data = event->length;
      told.push_back({event->kind, event->type, std::string(as_text(event->payload))});
    }
  }
  return told;
}

TEST(frame_reader, tells_the_same_however_the_stream_is_cut) {
  std::vector<std::uint8_t> stream;
  append_frame(stream, 0x01, as_bytes("headers"));
  append_frame(stream, 0x00, as_bytes("some data"));
  append_frame(stream, reserved_value(99), as_bytes("grease"));
  append_frame(stream, 0x40, {});
  append_frame(stream, 0x00, {});
  append_frame(stream, 0x01, as_bytes(std::string(500, 't')));
  const auto whole = read(stream, stream.size());
  ASSERT_TRUE(whole);
  ASSERT_EQ(whole->size(), 6u);
  EXPECT_EQ((*whole)[0].payload, "headers");
  for (std::size_t piece = 1; piece < 40; ++piece) EXPECT_EQ(read(stream, piece), whole) << piece;
}

ErrorCode fault(std::string_view hex, FrameStream kind, Role role) {
  const auto told = read(from_hex(hex), 100, kind, role);
  return told ? ErrorCode::kNoError : told.error().code;
}

TEST(frame_reader, knows_which_frames_belong_where) {
  const auto request = FrameStream::kRequest;
  const auto control = FrameStream::kControl;
  for (const char* http2 : {"0200", "0600", "0800", "0900"}) {
    EXPECT_EQ(fault(http2, request, Role::kServer), ErrorCode::kFrameUnexpected);
    EXPECT_EQ(fault(http2, control, Role::kClient), ErrorCode::kFrameUnexpected);
  }
  for (const char* on_control : {"0400", "070100", "030100", "0d0100", "800f07000100", "800f07010100"})
    EXPECT_EQ(fault(on_control, request, Role::kServer), ErrorCode::kFrameUnexpected) << on_control;
  for (const char* on_request : {"0000", "0100", "0500"})
    EXPECT_EQ(fault(on_request, control, Role::kServer), ErrorCode::kFrameUnexpected) << on_request;
  for (const char* of_clients : {"0d0100", "800f07000100", "800f07010100"}) {
    EXPECT_EQ(fault(of_clients, control, Role::kServer), ErrorCode::kNoError);
    EXPECT_EQ(fault(of_clients, control, Role::kClient), ErrorCode::kFrameUnexpected);
  }
  EXPECT_EQ(fault("0500", request, Role::kServer), ErrorCode::kFrameUnexpected);
  EXPECT_EQ(fault("0500", request, Role::kClient), ErrorCode::kIdError);
}

TEST(frame_reader, holds_payload_lengths_to_their_limits) {
  EXPECT_EQ(fault("0700", FrameStream::kControl, Role::kServer), ErrorCode::kFrameError);
  EXPECT_EQ(fault("0709", FrameStream::kControl, Role::kServer), ErrorCode::kFrameError);
  EXPECT_EQ(fault("800f070000", FrameStream::kControl, Role::kServer), ErrorCode::kFrameError);
  const auto with_length = [](std::uint64_t type, std::uint64_t length) {
    std::vector<std::uint8_t> stream;
    append_varint(stream, type);
    append_varint(stream, length);
    return stream;
  };
  const auto code = [](const std::vector<std::uint8_t>& stream, FrameStream kind) {
    const auto told = read(stream, 100, kind, Role::kServer, 1'000);
    return told ? ErrorCode::kNoError : told.error().code;
  };
  EXPECT_EQ(code(with_length(0x01, 1'000), FrameStream::kRequest), ErrorCode::kNoError);
  EXPECT_EQ(code(with_length(0x01, 1'001), FrameStream::kRequest), ErrorCode::kExcessiveLoad);
  EXPECT_EQ(code(with_length(0x04, kSettingsPayloadMax), FrameStream::kControl), ErrorCode::kNoError);
  EXPECT_EQ(code(with_length(0x04, kSettingsPayloadMax + 1), FrameStream::kControl), ErrorCode::kExcessiveLoad);
  EXPECT_EQ(code(with_length(0xf0700, kPriorityUpdatePayloadMax), FrameStream::kControl), ErrorCode::kNoError);
  EXPECT_EQ(code(with_length(0xf0700, kPriorityUpdatePayloadMax + 1), FrameStream::kControl),
            ErrorCode::kExcessiveLoad);
}

TEST(frame_reader, a_boundary_is_only_between_frames) {
  FrameReader reader;
  reader.reset(FrameStream::kRequest, Role::kServer, 100);
  const auto stream = from_hex("0102aabb402103616263");
  for (std::size_t i = 0; i < stream.size(); ++i) {
    EXPECT_EQ(reader.at_boundary(), i == 0 || i == 4) << i;
    Bytes octet{&stream[i], 1};
    ASSERT_TRUE(reader.next(octet));
  }
  EXPECT_TRUE(reader.at_boundary());
}

TEST(integer_payload, is_one_integer_and_nothing_else) {
  EXPECT_EQ(parse_integer_payload(from_hex("05")), 5u);
  EXPECT_EQ(parse_integer_payload(from_hex("4005")), 5u);
  EXPECT_EQ(parse_integer_payload(from_hex("40")).error().code, ErrorCode::kFrameError);
  EXPECT_EQ(parse_integer_payload(from_hex("0505")).error().code, ErrorCode::kFrameError);
}

TEST(settings, come_back_as_they_went) {
  Settings settings;
  settings.qpack_max_table_capacity = 4'096;
  settings.qpack_blocked_streams = 16;
  settings.max_field_section_size = 65'536;
  settings.enable_connect_protocol = true;
  settings.h3_datagram = true;
  settings.others = {{0x2b603742, 1}, {0xc671706a, 7}};
  std::vector<std::uint8_t> frame;
  append_settings_frame(frame, settings, reserved_value(5));
  const auto told = read(frame, 1, FrameStream::kControl);
  ASSERT_TRUE(told);
  const auto parsed = parse_settings(as_bytes((*told)[0].payload));
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->qpack_max_table_capacity, 4'096u);
  EXPECT_EQ(parsed->qpack_blocked_streams, 16u);
  EXPECT_EQ(parsed->max_field_section_size, 65'536u);
  EXPECT_TRUE(parsed->enable_connect_protocol && parsed->h3_datagram);
  EXPECT_EQ(parsed->others, settings.others);
}

TEST(settings, refuse_what_rfc_9114_section_7_2_4_forbids) {
  const auto code = [](std::string_view hex) {
    const auto settings = parse_settings(from_hex(hex));
    return settings ? ErrorCode::kNoError : settings.error().code;
  };
  EXPECT_EQ(code(""), ErrorCode::kNoError);
  for (const char* http2 : {"0001", "0201", "0301", "0401", "0501"})
    EXPECT_EQ(code(http2), ErrorCode::kSettingsError) << http2;
  EXPECT_EQ(code("06010601"), ErrorCode::kSettingsError);
  EXPECT_EQ(code("21012101"), ErrorCode::kSettingsError);
  EXPECT_EQ(code("0802"), ErrorCode::kSettingsError);
  EXPECT_EQ(code("3302"), ErrorCode::kSettingsError);
  EXPECT_EQ(code("06"), ErrorCode::kFrameError);
  EXPECT_EQ(code("0640"), ErrorCode::kFrameError);
}

TEST(settings, may_be_as_many_as_the_limit_and_no_more) {
  std::vector<std::uint8_t> payload;
  for (std::size_t i = 0; i < kSettingsCountMax; ++i) {
    append_varint(payload, 0x1000 + i);
    append_varint(payload, i);
  }
  EXPECT_TRUE(parse_settings(payload));
  append_varint(payload, 0x3000);
  append_varint(payload, 0);
  EXPECT_EQ(parse_settings(payload).error().code, ErrorCode::kExcessiveLoad);
}

}  // namespace
}  // namespace hawser::http3
