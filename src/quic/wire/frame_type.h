// frame_type.h: the frames hawser knows, by code point (RFC 9000 section 19, RFC 9221,
// draft-ietf-quic-ack-frequency-12, draft-ietf-quic-reliable-stream-reset-10,
// draft-ietf-quic-multipath-21, draft-ietf-quic-address-discovery-00, and our own of docs/fec.md).
#pragma once

#include <cstdint>
#include <string_view>

namespace hawser::quic {

enum class FrameType : std::uint64_t {
  kPadding = 0x00,
  kPing = 0x01,
  kAck = 0x02,
  kAckEcn = 0x03,
  kResetStream = 0x04,
  kStopSending = 0x05,
  kCrypto = 0x06,
  kNewToken = 0x07,
  kStream = 0x08,  // to 0x0f: | offset present | length present | fin
  kMaxData = 0x10,
  kMaxStreamData = 0x11,
  kMaxStreamsBidi = 0x12,
  kMaxStreamsUni = 0x13,
  kDataBlocked = 0x14,
  kStreamDataBlocked = 0x15,
  kStreamsBlockedBidi = 0x16,
  kStreamsBlockedUni = 0x17,
  kNewConnectionId = 0x18,
  kRetireConnectionId = 0x19,
  kPathChallenge = 0x1a,
  kPathResponse = 0x1b,
  kConnectionClose = 0x1c,
  kConnectionCloseApplication = 0x1d,
  kHandshakeDone = 0x1e,
  kImmediateAck = 0x1f,
  kResetStreamAt = 0x24,
  kDatagram = 0x30,  // reaches to the end of the packet
  kDatagramWithLength = 0x31,
  kPathAck = 0x3e,
  kPathAckEcn = 0x3f,
  kAckFrequency = 0xaf,
  kPathAbandon = 0x3e75,
  kPathStatusBackup = 0x3e76,
  kPathStatusAvailable = 0x3e77,
  kPathNewConnectionId = 0x3e78,
  kPathRetireConnectionId = 0x3e79,
  kMaxPathId = 0x3e7a,
  kPathsBlocked = 0x3e7b,
  kPathCidsBlocked = 0x3e7c,
  kObservedAddressIpv4 = 0x9f81a6,
  kObservedAddressIpv6 = 0x9f81a7,
  kFecRepair = 0x3afec701,
  kFecRecovered = 0x3afec702,
};

// Bits of a STREAM frame's type.
inline constexpr std::uint64_t kStreamFinBit = 0x01;
inline constexpr std::uint64_t kStreamLengthBit = 0x02;
inline constexpr std::uint64_t kStreamOffsetBit = 0x04;

constexpr bool is_stream_frame(std::uint64_t type) {
  return (type & ~std::uint64_t{7}) == 0x08;
}

constexpr std::uint64_t code_point(FrameType type) {
  return static_cast<std::uint64_t>(type);
}

// "STREAM", "MAX_DATA" and so on; "unknown" for a type without a row in frame_legality.h.
std::string_view frame_name(std::uint64_t type);

}  // namespace hawser::quic
