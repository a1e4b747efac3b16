// receive_timestamps.h: when packets arrived, as told at the end of a 1-RTT packet's ACK frame where both sides
// declared max_receive_timestamps_per_ack (draft-smith-quic-receive-ts-03 section 3).
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/bytes.h"
#include "base/varint.h"
#include "quic/wire/frames/frame_reader.h"
#include "quic/wire/packet_payload.h"

namespace hawser::quic {

// The block as it was received. It was checked to its end when it was parsed: no packet number is below 0, no
// time before the sender's basis. The ranges lie in the packet and live as long as it.
struct ReceiveTimestamps {
  std::uint64_t range_count = 0;
  std::uint64_t timestamp_count = 0;  // in all ranges
  Bytes encoded_ranges{};
};

// `largest_acknowledged` of the ACK frame. FRAME_ENCODING_ERROR for what the members above exclude.
Parsed<ReceiveTimestamps> parse_receive_timestamps(FrameReader& in, std::uint64_t largest_acknowledged);
std::size_t receive_timestamps_size(const ReceiveTimestamps& timestamps);
// out.room() >= receive_timestamps_size(timestamps).
void write_receive_timestamps(PacketPayload& out, const ReceiveTimestamps& timestamps);

// A time is cut here, 35 years after the basis: doubled 20 times by an exponent it still fits.
inline constexpr std::uint64_t kReceiveTimeMaxUs = std::uint64_t{1} << 50;

// Calls visit(packet number, microseconds since the sender's basis) for each, the latest first. `exponent` is
// the receive_timestamps_exponent of whoever reads the block, at most 20.
template <class Visit>
void for_each_receive_time(const ReceiveTimestamps& timestamps, std::uint64_t largest_acknowledged,
                           std::uint64_t exponent, Visit&& visit) {
  const std::uint8_t* in = timestamps.encoded_ranges.data();
  const std::uint8_t* const end = in + timestamps.encoded_ranges.size();
  std::uint64_t units = 0;
  bool first = true;
  for (std::uint64_t ranges = timestamps.range_count; ranges > 0; --ranges) {
    std::uint64_t behind = 0;
    std::uint64_t count = 0;
    in = take_varint(in, end, behind);
    in = take_varint(in, end, count);
    for (std::uint64_t number = largest_acknowledged - behind; count > 0; --count, --number) {
      std::uint64_t delta = 0;
      in = take_varint(in, end, delta);
      units = first ? delta : units - delta;
      first = false;
      visit(number, units > kReceiveTimeMaxUs >> exponent ? kReceiveTimeMaxUs : units << exponent);
    }
  }
}

}  // namespace hawser::quic
