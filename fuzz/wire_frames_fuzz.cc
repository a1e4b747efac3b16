// wire_frames_fuzz.cc: attacks frames; the input is a payload, what parses is written and compared.
// room: wire
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/check.h"
#include "quic/wire/frame_legality.h"
#include "quic/wire/frames/any_frame.h"

namespace {

using namespace hawser;
using namespace hawser::quic;

std::vector<std::uint8_t> written(const AnyFrame& frame) {
  std::vector<std::uint8_t> area(any_frame_size(frame));
  PacketPayload payload{MutableBytes(area)};
  write_any_frame(payload, frame);
  HAWSER_CHECK(payload.size() == area.size());
  std::vector<std::uint8_t> octets;
  for (const Bytes piece : payload.pieces()) octets.insert(octets.end(), piece.begin(), piece.end());
  return octets;
}

void check_ack(const AckFrame& frame) {
  if (frame.timestamps) {
    const std::uint64_t largest = frame.largest_acknowledged().value;
    std::uint64_t told = 0;
    std::uint64_t before = UINT64_MAX;
    for_each_receive_time(*frame.timestamps, largest, largest % 21, [&](std::uint64_t number, std::uint64_t us) {
      HAWSER_CHECK(number <= largest && us <= before);
      before = us;
      ++told;
    });
    HAWSER_CHECK(told == frame.timestamps->timestamp_count);
  }
  std::uint64_t count = 0;
  std::uint64_t above = kVarintMax + 2;
  for (const Range& range : frame) {
    HAWSER_CHECK(range.begin < range.end && range.end < above);
    above = range.begin;
    ++count;
  }
  HAWSER_CHECK(count == frame.range_count);
}

// STREAM frames without a Length field are written with one.
bool keeps_its_form(std::uint64_t type) {
  return !is_stream_frame(type) || (type & kStreamLengthBit) != 0;
}

void check_frame_survives(const AnyFrame& frame, Bytes taken, const FrameReader& from) {
  const std::uint64_t type = from.frame_type();
  const std::vector<std::uint8_t> first = written(frame);
  FrameReader in{Bytes(first)};
  if (from.ack_timestamps()) in.expect_ack_timestamps();
  const auto again = parse_any_frame(in);
  HAWSER_CHECK(again && in.empty() && again->index() == frame.index());
  HAWSER_CHECK(written(*again) == first);
  // As long as the shortest form is to be the shortest form.
  if (keeps_its_form(type) && first.size() == taken.size()) HAWSER_CHECK(equal(first, taken));
  if (keeps_its_form(type)) HAWSER_CHECK(first.size() <= taken.size());
}

// `ack_timestamps`: as after both sides have declared receive timestamps.
void read_all(Bytes payload, bool ack_timestamps) {
  FrameReader in{payload};
  if (ack_timestamps) in.expect_ack_timestamps();
  while (!in.empty()) {
    const std::uint8_t* const start = in.position();
    const auto frame = parse_any_frame(in);
    if (!frame) {
      const TransportErrorCode code = frame.error().code;
      HAWSER_CHECK(code == TransportErrorCode::kFrameEncodingError || code == TransportErrorCode::kProtocolViolation);
      HAWSER_CHECK(!frame.error().reason.empty());
      break;
    }
    HAWSER_CHECK(rules_of(in.frame_type()).known());
    if (const auto* ack = std::get_if<AckFrame>(&*frame)) check_ack(*ack);
    check_frame_survives(*frame, Bytes(start, in.position()), in);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  read_all(Bytes(data, size), false);
  read_all(Bytes(data, size), true);
  return 0;
}
