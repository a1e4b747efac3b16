// crypto_stream.cc: CRYPTO frames of each level, written and reassembled.
#include "quic/streams/crypto_stream.h"

#include <algorithm>

#include "base/check.h"
#include "base/varint.h"

namespace hawser::quic {

namespace {
constexpr std::uint8_t kCryptoFrameType = 0x06;  // RFC 9000 section 19.6
// The alert that answers a TLS message nobody waits for (RFC 8446 section 6.2).
constexpr std::uint8_t kUnexpectedMessage = 10;
// A frame that would carry less than this waits for the next packet, unless it is the rest.
constexpr std::size_t kWorthwhileOctets = 32;
}  // namespace

CryptoStreams::Level& CryptoStreams::provide(EncryptionLevel level) {
  std::unique_ptr<Level>& own = levels_[index_of(level)];
  if (own == nullptr) own = std::make_unique<Level>(send_blocks_, receive_blocks_);
  return *own;
}

void CryptoStreams::write(EncryptionLevel level, Bytes bytes) {
  HAWSER_CHECK(level != EncryptionLevel::kZeroRtt && !(closed_ && level == EncryptionLevel::kOneRtt));
  if (!discarded(level)) provide(level).sent.append_copy(bytes);
}

Parsed<void> CryptoStreams::on_crypto(EncryptionLevel level, std::uint64_t offset, Bytes data) {
  // rfc9000:7.5-discarded-acknowledged
  if (discarded(level)) return {};
  const bool closed = closed_ && level == EncryptionLevel::kOneRtt;
  const Level* own = find(level);
  const std::uint64_t read_to = closed ? closed_at_ : own != nullptr ? own->received.read_to() : 0;
  if (offset + data.size() > read_to + kCryptoBufferMax)
    // rfc9000:7.5-crypto-exceeded rfc9000:7.5-crypto-buffer
    return fail(TransportErrorCode::kCryptoBufferExceeded, "CRYPTO data too far ahead", kCryptoFrameType);
  if (closed) {
    if (offset + data.size() <= closed_at_) return {};
    // rfc9001:6-tls-update
    return fail(crypto_error(kUnexpectedMessage), "TLS message after the handshake", kCryptoFrameType);
  }
  provide(level).received.add_copy(offset, data);
  return {};
}

std::span<const Bytes> CryptoStreams::readable(EncryptionLevel level, std::span<Bytes> out) const {
  const Level* own = find(level);
  if (own == nullptr) return {};
  return own->received.readable(out);
}

void CryptoStreams::consume(EncryptionLevel level, std::uint64_t octets) {
  if (Level* own = find(level)) own->received.consume(std::min(octets, own->received.readable_octets()));
}

bool CryptoStreams::all_acked(EncryptionLevel level) const {
  const Level* own = find(level);
  return own == nullptr || own->sent.buffered() == 0;
}

bool CryptoStreams::wants_to_send(EncryptionLevel level) const {
  const Level* own = level == EncryptionLevel::kZeroRtt ? nullptr : find(level);
  return own != nullptr && (own->sent.has_lost() || own->sent.next() < own->sent.end());
}

WriteResult CryptoStreams::write_crypto(PacketPayload& payload, EncryptionLevel level) {
  if (!wants_to_send(level)) return WriteResult::kDone;
  SendBuffer& sent = find(level)->sent;
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
  if (frame.kind != SentFrameKind::kCrypto) return;
  if (Level* own = find(static_cast<EncryptionLevel>(frame.level))) own->sent.on_acked(frame.offset, frame.length);
  if (closed_) free_closed();
}

// rfc9001:4-same-keys rfc9001:4.9-same-level
void CryptoStreams::on_frame_lost(const SentFrame& frame) {
  if (frame.kind != SentFrameKind::kCrypto) return;
  if (Level* own = find(static_cast<EncryptionLevel>(frame.level))) own->sent.on_lost(frame.offset, frame.length);
}

void CryptoStreams::resend_all(EncryptionLevel level) {
  if (Level* own = find(level)) own->sent.on_lost(own->sent.acked_to(), own->sent.in_flight());
}

void CryptoStreams::discard(EncryptionLevel level) {
  discarded_ |= static_cast<std::uint8_t>(1 << index_of(level));
  levels_[index_of(level)].reset();
}

void CryptoStreams::close_one_rtt() {
  if (closed_) return;
  closed_ = true;
  if (const Level* own = find(EncryptionLevel::kOneRtt)) closed_at_ = own->received.contiguous_to();
  free_closed();
}

void CryptoStreams::free_closed() {
  if (all_acked(EncryptionLevel::kOneRtt)) levels_[index_of(EncryptionLevel::kOneRtt)].reset();
}

std::size_t CryptoStreams::memory() const {
  std::size_t octets = send_blocks_.octets() + receive_blocks_.octets();
  for (const auto& level : levels_) octets += level != nullptr ? sizeof(Level) : 0;
  return octets;
}

}  // namespace hawser::quic
