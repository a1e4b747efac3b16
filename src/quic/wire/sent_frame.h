// sent_frame.h: what is remembered of each frame in a sent packet, so that its machine can
// be told when the packet is acknowledged or lost. Nothing of the payload is kept: lost
// information is written afresh (RFC 9000 section 13.3).
#pragma once

#include <cstdint>

namespace hawser::quic {

enum class SentFrameKind : std::uint8_t {
  kAck,                 // id: Path ID, offset: its largest packet number, length: which ACK, fin: no range was left out
  kCrypto,              // level, offset, length
  kStream,              // id, offset, length, fin
  kStreamCopy,          // the same of octets that another packet carries too
  kResetStream,         // id
  kStopSending,         // id
  kMaxData,             // offset: the limit sent
  kMaxStreamData,       // id, offset: the limit sent
  kMaxStreamsBidi,      // offset: the limit sent
  kMaxStreamsUni,       // offset
  kDataBlocked,         // offset: the limit it is blocked at
  kStreamDataBlocked,   // id, offset
  kStreamsBlockedBidi,  // offset
  kStreamsBlockedUni,   // offset
  kNewToken,            // id: which token
  kNewConnectionId,     // id: sequence number, offset: Path ID
  kRetireConnectionId,  // id: sequence number, offset: Path ID
  kPathChallenge,       // never resent as such
  kPathResponse,        // never resent
  kHandshakeDone,
  kDatagram,      // id: the sender's handle; never resent
  kDatagramCopy,  // the same as one in a packet of another path; nobody is told of it
  kPing,
  kAckFrequency,     // id: its sequence number, offset: the delay asked for, in us
  kImmediateAck,     // never resent
  kResetStreamAt,    // id, offset: the Reliable Size sent
  kPathAbandon,      // id: Path ID
  kPathStatus,       // id: Path ID, offset: sequence number
  kMaxPathId,        // offset: the limit sent
  kPathsBlocked,     // offset: the limit it is blocked at
  kPathCidsBlocked,  // id: Path ID
  kObservedAddress,  // id: sequence number
  kFecRepair,        // never resent
};

struct SentFrame {
  SentFrameKind kind = SentFrameKind::kPing;
  bool fin = false;
  std::uint8_t level = 0;  // EncryptionLevel of a CRYPTO frame
  std::uint32_t length = 0;
  std::uint64_t id = 0;
  std::uint64_t offset = 0;
};

static_assert(sizeof(SentFrame) == 24, "a bulk sender keeps one of these per packet in flight");

}  // namespace hawser::quic
