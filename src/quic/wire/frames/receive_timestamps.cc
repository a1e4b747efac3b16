// receive_timestamps.cc: reads the receive timestamps of an ACK frame and writes them as they were.
#include "quic/wire/frames/receive_timestamps.h"

namespace hawser::quic {

// Every number read takes an octet of the packet, so a count without its numbers ends the loop.
Parsed<ReceiveTimestamps> parse_receive_timestamps(FrameReader& in, std::uint64_t largest_acknowledged) {
  ReceiveTimestamps timestamps;
  if (!in.varint(timestamps.range_count)) return in.truncated();
  const std::uint8_t* const begin = in.position();
  std::uint64_t units = 0;
  for (std::uint64_t ranges = timestamps.range_count; ranges > 0; --ranges) {
    std::uint64_t behind = 0;
    std::uint64_t count = 0;
    if (!in.varint(behind) || !in.varint(count)) return in.truncated();
    if (behind > largest_acknowledged || count > largest_acknowledged - behind + 1)
      return in.encoding_error("receive timestamps below packet number 0");
    for (; count > 0; --count) {
      std::uint64_t delta = 0;
      if (!in.varint(delta)) return in.truncated();
      if (timestamps.timestamp_count != 0 && delta > units)
        return in.encoding_error("receive timestamp before its basis");
      units = timestamps.timestamp_count == 0 ? delta : units - delta;
      ++timestamps.timestamp_count;
    }
  }
  timestamps.encoded_ranges = Bytes(begin, in.position());
  return timestamps;
}

std::size_t receive_timestamps_size(const ReceiveTimestamps& timestamps) {
  return varint_size(timestamps.range_count) + timestamps.encoded_ranges.size();
}

void write_receive_timestamps(PacketPayload& out, const ReceiveTimestamps& timestamps) {
  out.varint(timestamps.range_count);
  out.bytes(timestamps.encoded_ranges);
}

}  // namespace hawser::quic
