// frame_legality.h: which packets may carry which frame, and what a frame does to the packet
// that carries it: RFC 9000 section 12.4, table 3, with a row per extension.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "quic/wire/errors.h"
#include "quic/wire/frame_type.h"
#include "quic/wire/types.h"

namespace hawser::quic {

struct FrameRules {
  std::string_view name;       // empty: no such frame
  std::uint8_t levels = 0;     // bit (1 << EncryptionLevel): packets that may carry it
  bool ack_eliciting = false;  // RFC 9002 section 2
  bool in_flight = false;      // counts towards bytes in flight: PADDING does, ACK does not
  bool probing = false;        // RFC 9000 section 9.1

  [[nodiscard]] constexpr bool known() const { return levels != 0; }
  [[nodiscard]] constexpr bool permits(EncryptionLevel level) const {
    return (levels >> static_cast<unsigned>(level) & 1u) != 0;
  }
};

// Tables of frames are indexed by type up to here; behind that stand the frames of the multipath
// extension, those of address discovery and those of forward error correction, whose types are a run each, and
// at last a row for all others.
inline constexpr std::size_t kDenseFrameTypes = 0xb0;
inline constexpr std::uint64_t kFirstPathFrame = code_point(FrameType::kPathAbandon);
inline constexpr std::uint64_t kLastPathFrame = code_point(FrameType::kPathCidsBlocked);
inline constexpr std::size_t kObservedAddressIndex = kDenseFrameTypes + (kLastPathFrame - kFirstPathFrame + 1);
inline constexpr std::size_t kFecIndex = kObservedAddressIndex + 2;
inline constexpr std::size_t kUnknownFrameIndex = kFecIndex + 2;
inline constexpr std::size_t kFrameTableSize = kUnknownFrameIndex + 1;

// Where a type stands in such a table.
constexpr std::size_t frame_index(std::uint64_t type) {
  if (type < kDenseFrameTypes) [[likely]]
    return type;
  if (type >= kFirstPathFrame && type <= kLastPathFrame) return kDenseFrameTypes + (type - kFirstPathFrame);
  if ((type | 1) == code_point(FrameType::kObservedAddressIpv6)) return kObservedAddressIndex + (type & 1);
  const std::uint64_t fec = type - code_point(FrameType::kFecRepair);
  return fec < 2 ? kFecIndex + fec : kUnknownFrameIndex;
}

namespace detail {

inline constexpr std::uint8_t kI = 1u << static_cast<unsigned>(EncryptionLevel::kInitial);
inline constexpr std::uint8_t k0 = 1u << static_cast<unsigned>(EncryptionLevel::kZeroRtt);
inline constexpr std::uint8_t kH = 1u << static_cast<unsigned>(EncryptionLevel::kHandshake);
inline constexpr std::uint8_t k1 = 1u << static_cast<unsigned>(EncryptionLevel::kOneRtt);
inline constexpr std::uint8_t kIH01 = kI | kH | k0 | k1;
inline constexpr std::uint8_t kIH1 = kI | kH | k1;
inline constexpr std::uint8_t k01 = k0 | k1;

struct FrameRow {
  std::uint32_t first;
  std::uint32_t last;
  FrameRules rules;
};

inline constexpr std::array kFrameRows{
    // first, last, name, packets, ack-eliciting, in flight, probing
    FrameRow{0x00, 0x00, {"PADDING", kIH01, false, true, true}},
    FrameRow{0x01, 0x01, {"PING", kIH01, true, true, false}},
    FrameRow{0x02, 0x03, {"ACK", kIH1, false, false, false}},
    FrameRow{0x04, 0x04, {"RESET_STREAM", k01, true, true, false}},
    FrameRow{0x05, 0x05, {"STOP_SENDING", k01, true, true, false}},
    FrameRow{0x06, 0x06, {"CRYPTO", kIH1, true, true, false}},
    FrameRow{0x07, 0x07, {"NEW_TOKEN", k1, true, true, false}},
    FrameRow{0x08, 0x0f, {"STREAM", k01, true, true, false}},
    FrameRow{0x10, 0x10, {"MAX_DATA", k01, true, true, false}},
    FrameRow{0x11, 0x11, {"MAX_STREAM_DATA", k01, true, true, false}},
    FrameRow{0x12, 0x13, {"MAX_STREAMS", k01, true, true, false}},
    FrameRow{0x14, 0x14, {"DATA_BLOCKED", k01, true, true, false}},
    FrameRow{0x15, 0x15, {"STREAM_DATA_BLOCKED", k01, true, true, false}},
    FrameRow{0x16, 0x17, {"STREAMS_BLOCKED", k01, true, true, false}},
    FrameRow{0x18, 0x18, {"NEW_CONNECTION_ID", k01, true, true, true}},
    FrameRow{0x19, 0x19, {"RETIRE_CONNECTION_ID", k01, true, true, false}},
    FrameRow{0x1a, 0x1a, {"PATH_CHALLENGE", k01, true, true, true}},
    FrameRow{0x1b, 0x1b, {"PATH_RESPONSE", k1, true, true, true}},
    FrameRow{0x1c, 0x1c, {"CONNECTION_CLOSE", kIH01, false, false, false}},
    FrameRow{0x1d, 0x1d, {"CONNECTION_CLOSE", k01, false, false, false}},
    FrameRow{0x1e, 0x1e, {"HANDSHAKE_DONE", k1, true, true, false}},
    FrameRow{0x1f, 0x1f, {"IMMEDIATE_ACK", k1, true, true, false}},
    // reset-stream-at:4-space
    FrameRow{0x24, 0x24, {"RESET_STREAM_AT", k01, true, true, false}},
    FrameRow{0x30, 0x31, {"DATAGRAM", k01, true, true, false}},
    // multipath:4-one-rtt
    FrameRow{0x3e, 0x3f, {"PATH_ACK", k1, false, false, false}},
    FrameRow{0xaf, 0xaf, {"ACK_FREQUENCY", k1, true, true, false}},
    FrameRow{0x3e75, 0x3e75, {"PATH_ABANDON", k1, true, true, false}},
    FrameRow{0x3e76, 0x3e76, {"PATH_STATUS_BACKUP", k1, true, true, false}},
    FrameRow{0x3e77, 0x3e77, {"PATH_STATUS_AVAILABLE", k1, true, true, false}},
    FrameRow{0x3e78, 0x3e78, {"PATH_NEW_CONNECTION_ID", k1, true, true, true}},
    FrameRow{0x3e79, 0x3e79, {"PATH_RETIRE_CONNECTION_ID", k1, true, true, false}},
    FrameRow{0x3e7a, 0x3e7a, {"MAX_PATH_ID", k1, true, true, false}},
    FrameRow{0x3e7b, 0x3e7b, {"PATHS_BLOCKED", k1, true, true, false}},
    FrameRow{0x3e7c, 0x3e7c, {"PATH_CIDS_BLOCKED", k1, true, true, false}},
    // address-discovery:4-space address-discovery:4-probing
    FrameRow{0x9f81a6, 0x9f81a7, {"OBSERVED_ADDRESS", k01, true, true, true}},
    // fec:3-space fec:3-elicits
    FrameRow{0x3afec701, 0x3afec701, {"FEC_REPAIR", k1, true, true, false}},
    FrameRow{0x3afec702, 0x3afec702, {"FEC_RECOVERED", k1, false, false, false}},
};

constexpr std::array<FrameRules, kFrameTableSize> spread_frame_rows() {
  std::array<FrameRules, kFrameTableSize> table{};
  for (const FrameRow& row : kFrameRows) {
    for (std::size_t type = row.first; type <= row.last; ++type) table[frame_index(type)] = row.rules;
  }
  return table;
}

}  // namespace detail

inline constexpr std::array<FrameRules, kFrameTableSize> kFrameTable = detail::spread_frame_rows();

// The row of a type; one with !known() if hawser has none.
constexpr const FrameRules& rules_of(std::uint64_t type) {
  return kFrameTable[frame_index(type)];
}

// The dispatcher's question about each frame: the row of a frame that this packet may carry.
// FRAME_ENCODING_ERROR for an unknown type, PROTOCOL_VIOLATION for a frame in the wrong
// packet (RFC 9000 section 12.4).
inline Parsed<const FrameRules*> check_frame(std::uint64_t type, EncryptionLevel level) {
  const FrameRules& rules = rules_of(type);
  if (!rules.known()) [[unlikely]] {
    // rfc9000:12.4-unknown
    return fail(TransportErrorCode::kFrameEncodingError, "unknown frame type", type);
  }
  if (!rules.permits(level)) [[unlikely]] {
    // rfc9000:12.4-permitted rfc9000:17.2.4-frames rfc9000:12.5-others rfc9000:12.5-application-close
    // rfc9001:8.3-crypto
    return fail(TransportErrorCode::kProtocolViolation, "frame not permitted in this packet", type);
  }
  return &rules;
}

}  // namespace hawser::quic
