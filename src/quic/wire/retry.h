// retry.h: the Retry packet (RFC 9000 section 17.2.5), with which a server makes a client
// prove its address. The integrity tag (RFC 9001 section 5.8) is computed in crypto/, over
// the pseudo-packet that is put together here.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "base/writer.h"
#include "quic/wire/packet_header.h"

namespace hawser::quic {

inline constexpr std::size_t kRetryIntegrityTagLength = 16;

// A Retry packet to write.
struct RetryToWrite {
  Version version = Version::kV1;
  Bytes dcid{};                  // the client's Source Connection ID
  Bytes scid{};                  // a new one, different from the client's Destination Connection ID
  Bytes token{};                 // never empty
  std::uint8_t unused_bits = 0;  // 0..15, of any value
};

// Octets without the tag.
constexpr std::size_t retry_size(const RetryToWrite& retry) {
  return 1 + 4 + 1 + retry.dcid.size() + 1 + retry.scid.size() + retry.token.size();
}

// Writes the packet up to the tag, which the caller appends. out.remaining() >= retry_size(retry).
void write_retry(Writer& out, const RetryToWrite& retry);

// A received Retry packet. Views live as long as the datagram.
struct RetryPacket {
  Bytes dcid{};
  Bytes scid{};
  Bytes token{};        // never empty
  Bytes without_tag{};  // what the tag authenticates, but for the original connection ID
  Bytes tag{};          // kRetryIntegrityTagLength octets
};

// For clients: the rest of the packet of which `header` was parsed, that is the start of
// `datagram`. nullopt: drop it, for the token is empty (RFC 9000 section 17.2.5.2).
std::optional<RetryPacket> parse_retry(const PacketHeader& header, Bytes datagram);

// Octets of the pseudo-packet.
constexpr std::size_t retry_pseudo_packet_size(std::size_t original_dcid_length, std::size_t without_tag) {
  return 1 + original_dcid_length + without_tag;
}

// Writes what the tag is computed over: the Destination Connection ID of the client's first
// Initial, then the packet (RFC 9001 figure 8).
// out.remaining() >= retry_pseudo_packet_size(..).
void write_retry_pseudo_packet(Writer& out, Bytes original_dcid, Bytes without_tag);

}  // namespace hawser::quic
