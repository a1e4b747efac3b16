// packet_number.cc: truncates and restores packet numbers (RFC 9000 appendix A).
#include "quic/wire/packet_number.h"

namespace hawser::quic {

// rfc9000:17.1-full-before-ack rfc9000:17.1-twice-range rfc9000:17.1-late
std::size_t packet_number_length(PacketNumber number, std::optional<PacketNumber> largest_acked) {
  // Twice the span between what the peer surely knows and `number` must be distinguishable:
  // the peer may have any packet of the span as its largest, and reads both ways from there.
  const std::uint64_t span = largest_acked ? number.value - largest_acked->value : number.value + 1;
  if (span <= 0x7f) return 1;
  if (span <= 0x7fff) return 2;
  if (span <= 0x7f'ffff) return 3;
  return 4;
}

PacketNumber decode_packet_number(std::optional<PacketNumber> largest_received, std::uint64_t truncated,
                                  unsigned bits) {
  const std::uint64_t expected = largest_received ? largest_received->value + 1 : 0;
  const std::uint64_t window = std::uint64_t{1} << bits;
  const std::uint64_t half = window / 2;
  const std::uint64_t candidate = (expected & ~(window - 1)) | truncated;
  if (candidate + half <= expected && candidate + window <= kMaxPacketNumber) return PacketNumber{candidate + window};
  if (candidate > expected + half && candidate >= window) return PacketNumber{candidate - window};
  return PacketNumber{candidate};
}

}  // namespace hawser::quic
