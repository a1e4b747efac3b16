// retry.cc: writes and reads Retry packets, and the pseudo-packet behind their tag.
#include "quic/wire/retry.h"

#include "base/check.h"

namespace hawser::quic {

void write_retry(Writer& out, const RetryToWrite& retry) {
  const VersionTraits* traits = traits_of(retry.version);
  HAWSER_CHECK(traits != nullptr && !retry.token.empty());
  HAWSER_CHECK(retry.dcid.size() <= kMaxConnectionIdLength && retry.scid.size() <= kMaxConnectionIdLength);
  out.u8(static_cast<std::uint8_t>(kLongHeaderBit | kFixedBit | traits->bits_of_type(PacketType::kRetry) |
                                   (retry.unused_bits & 0x0f)));
  out.u32(static_cast<std::uint32_t>(retry.version));
  out.u8(static_cast<std::uint8_t>(retry.dcid.size()));
  out.bytes(retry.dcid);
  out.u8(static_cast<std::uint8_t>(retry.scid.size()));
  out.bytes(retry.scid);
  out.bytes(retry.token);
}

std::optional<RetryPacket> parse_retry(const PacketHeader& header, Bytes datagram) {
  HAWSER_CHECK(header.type == PacketType::kRetry && datagram.size() >= header.packet_size);
  if (header.token.empty()) return std::nullopt;
  const std::size_t tag_offset = header.packet_size - kRetryIntegrityTagLength;
  return RetryPacket{.dcid = header.dcid,
                     .scid = header.scid,
                     .token = header.token,
                     .without_tag = datagram.first(tag_offset),
                     .tag = datagram.subspan(tag_offset, kRetryIntegrityTagLength)};
}

void write_retry_pseudo_packet(Writer& out, Bytes original_dcid, Bytes without_tag) {
  HAWSER_CHECK(original_dcid.size() <= kMaxConnectionIdLength);
  out.u8(static_cast<std::uint8_t>(original_dcid.size()));
  out.bytes(original_dcid);
  out.bytes(without_tag);
}

}  // namespace hawser::quic
