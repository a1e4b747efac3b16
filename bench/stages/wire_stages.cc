// wire_stages.cc: what parsing costs before any machine is asked: headers, packet numbers, frames.
#include <array>
#include <cstring>
#include <vector>

#include "base/check.h"
#include "base/writer.h"
#include "quic/crypto/header_protection.h"
#include "quic/wire/frame_legality.h"
#include "quic/wire/frames/all_frames.h"
#include "quic/wire/packet_header.h"
#include "quic/wire/packet_number.h"
#include "stage.h"

namespace hawser::stages {
namespace {

using namespace quic;

constexpr std::size_t kPackets = 45;
constexpr std::size_t kCidLength = 8;

// Header, header protection and packet number of short packets.
class ParseHeader final : public Work {
 public:
  ParseHeader() {
    const std::array<std::uint8_t, kCidLength> cid{1, 2, 3, 4, 5, 6, 7, 8};
    for (std::size_t i = 0; i < kPackets; ++i) {
      Writer out(packets_[i]);
      write_short_header(out, {.dcid = cid, .packet_number = PacketNumber{kFirst + i}, .packet_number_length = 2});
    }
  }
  std::uint64_t round(Meter& meter) override {
    auto packets = packets_;
    std::uint64_t sum = 0;
    meter.measure([&] {
      for (std::size_t i = 0; i < kPackets; ++i) sum += number_of(packets[i], PacketNumber{kFirst + i - 1});
    });
    HAWSER_CHECK(sum == kPackets * kFirst + kPackets * (kPackets - 1) / 2);
    return kPackets;
  }

 private:
  static constexpr std::uint64_t kFirst = 1'000'000;
  using Packet = std::array<std::uint8_t, 64>;

  __attribute__((noinline)) static std::uint64_t number_of(Packet& packet, PacketNumber largest) {
    const std::optional<PacketHeader> header = parse_packet_header(packet, kCidLength);
    if (!header) return 0;
    const TruncatedPacketNumber truncated = unprotect(packet.data(), header->pn_offset, HeaderMask{});
    return decode_packet_number(largest, truncated.value, 8u * truncated.length).value;
  }

  std::array<Packet, kPackets> packets_{};
};

// The frames of a packet of a transfer that also goes the other way.
class ParseFrames final : public Work {
 public:
  ParseFrames() {
    RangeSet received;
    for (const std::uint64_t first : {100u, 200u, 300u}) received.add(first, first + 50);
    PacketPayload out(area_);
    HAWSER_CHECK(write_ack(out, AckToWrite{.received = received, .ack_delay = 100}) == WriteResult::kDone);
    write_max_stream_data(out, {StreamId{4}, std::uint64_t{1} << 24});
    const std::vector<std::uint8_t> data(1'300, 0x5a);
    write_stream(out, {.stream_id = StreamId{4}, .offset = std::uint64_t{1} << 20, .data = data});
    std::size_t size = 0;
    for (const Bytes piece : out.pieces()) {
      std::memmove(area_.data() + size, piece.data(), piece.size());
      size += piece.size();
    }
    payload_ = Bytes(area_).first(size);
  }
  std::uint64_t round(Meter& meter) override {
    std::size_t frames = 0;
    meter.measure([&] {
      for (std::size_t i = 0; i < kPackets; ++i) frames += parse(payload_);
    });
    HAWSER_CHECK(frames == 3 * kPackets);
    return kPackets;
  }

 private:
  __attribute__((noinline)) static std::size_t parse(Bytes payload) {
    FrameReader in(payload);
    std::size_t frames = 0;
    while (!in.empty()) {
      const auto type = in.next_type();
      if (!type || !check_frame(*type, EncryptionLevel::kOneRtt) || !parse_one(in, *type)) return 0;
      ++frames;
    }
    return frames;
  }
  static bool parse_one(FrameReader& in, std::uint64_t type) {
    if (is_stream_frame(type)) return keep_parsed(parse_stream(in));
    if (type == code_point(FrameType::kAck)) return keep_parsed(parse_ack(in));
    return keep_parsed(parse_max_stream_data(in));
  }
  template <class Frame>
  static bool keep_parsed(const Parsed<Frame>& frame) {
    if (frame) keep(*frame);
    return frame.has_value();
  }

  std::array<std::uint8_t, 1'452> area_{};
  Bytes payload_;
};

template <class Stage>
std::unique_ptr<Work> make() {
  return std::make_unique<Stage>();
}

constexpr Stage kStages[] = {
    {"parse header and packet number", "packet", &make<ParseHeader>},
    {"parse ACK, MAX_STREAM_DATA, STREAM", "packet", &make<ParseFrames>},
};

}  // namespace

std::span<const Stage> wire_stages() {
  return kStages;
}

}  // namespace hawser::stages
