// crypto_stream.cc: CRYPTO frames of each level, written and reassembled.
#include "quic/streams/crypto_stream.h"

#include <algorithm>

#include "base/check.h"
#include "base/varint.h"

namespace hawser::quic {

namespace {
constexpr std::uint8_t kCryptoFrameType = 0x06;  // RFC 9000 section 19.6
// A frame that would carry less than this waits for the next packet, unless it is the rest.
constexpr std::size_t kWorthwhileOctets = 32;
}  // namespace

void CryptoStreams::write(EncryptionLevel level, Bytes bytes) {
  HAWSER_CHECK(level != EncryptionLevel::kZeroRtt);
  Level& own = at(level);
  if (!own.discarded) own.sent.append_copy(bytes);
}

Parsed<void> CryptoStreams::on_crypto(EncryptionLevel level, std::uint64_t offset, Bytes data) {
  Level& own = at(level);
  if (own.discarded) return {};
  if (offset > kVarintMax || data.size() > kVarintMax - offset)
    return fail(TransportErrorCode::kFrameEncodingError, "CRYPTO offset beyond 2^62 - 1", kCryptoFrameType);
  if (offset + data.size() > own.received.read_to() + kCryptoBufferMax)
    return fail(TransportErrorCode::kCryptoBufferExceeded, "CRYPTO data too far ahead", kCryptoFrameType);
  own.received.add_copy(offset, data);
  return {};
}

std::span<const Bytes> CryptoStreams::readable(EncryptionLevel level) {
  return at(level).received.readable(pieces_);
}

void CryptoStreams::consume(EncryptionLevel level, std::uint64_t octets) {
  RecvBuffer& received = at(level).received;
  received.consume(std::min(octets, received.readable_octets()));
}

bool CryptoStreams::wants_to_send(EncryptionLevel level) const {
  const SendBuffer& sent = at(level).sent;
  return level != EncryptionLevel::kZeroRtt && (sent.has_lost() || sent.next() < sent.end());
}

WriteResult CryptoStreams::write_crypto(PacketPayload& payload, EncryptionLevel level) {
  SendBuffer& sent = at(level).sent;
  while (wants_to_send(level)) {
    const std::uint64_t offset = sent.has_lost() ? sent.lowest_lost().begin : sent.next();
    const std::uint64_t available = sent.has_lost() ? sent.lowest_lost().size() : sent.end() - offset;
    const std::size_t header = 1 + varint_size(offset);
    const std::size_t worthwhile = static_cast<std::size_t>(std::min<std::uint64_t>(available, kWorthwhileOctets));
    if (payload.room() < header + 2 + worthwhile) return WriteResult::kPacketFull;
    const Bytes data = sent.view(offset, std::min<std::uint64_t>(available, payload.room() - header - 2));
    // A length field of two octets holds 16,383.
    const Bytes fitting = data.first(std::min<std::size_t>(data.size(), 16'383));
    payload.u8(kCryptoFrameType);
    payload.varint(offset);
    payload.varint(fitting.size());
    payload.reference(fitting);
    payload.mark_non_probing();
    payload.record({.kind = SentFrameKind::kCrypto,
                    .level = static_cast<std::uint8_t>(level),
                    .length = static_cast<std::uint32_t>(fitting.size()),
                    .offset = offset});
    sent.on_sent(offset, fitting.size());
  }
  return WriteResult::kDone;
}

void CryptoStreams::on_frame_acked(const SentFrame& frame) {
  if (frame.kind == SentFrameKind::kCrypto)
    at(static_cast<EncryptionLevel>(frame.level)).sent.on_acked(frame.offset, frame.length);
}

void CryptoStreams::on_frame_lost(const SentFrame& frame) {
  if (frame.kind == SentFrameKind::kCrypto)
    at(static_cast<EncryptionLevel>(frame.level)).sent.on_lost(frame.offset, frame.length);
}

void CryptoStreams::resend_all(EncryptionLevel level) {
  SendBuffer& sent = at(level).sent;
  sent.on_lost(sent.acked_to(), sent.in_flight());
}

void CryptoStreams::discard(EncryptionLevel level) {
  Level& own = at(level);
  own.discarded = true;
  own.sent.clear();
  own.received.clear();
}

}  // namespace hawser::quic
