// crypto_stream.h: the handshake's octets in CRYPTO frames (RFC 9000 sections 7.5 and 19.6),
// a stream without flow control for each encryption level.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/bytes.h"
#include "quic/streams/block_pool.h"
#include "quic/streams/recv_buffer.h"
#include "quic/streams/send_buffer.h"
#include "quic/wire/errors.h"
#include "quic/wire/packet_payload.h"
#include "quic/wire/sent_frame.h"
#include "quic/wire/types.h"

namespace hawser::quic {

// Octets of one level that may be received ahead of what TLS has read. Section 7.5 asks for
// 4096 at least; a chain of certificates with post-quantum signatures needs some 20 to 40 KB.
inline constexpr std::uint64_t kCryptoBufferMax = 64 * 1024;

class CryptoStreams {
 public:
  CryptoStreams() = default;

  // Octets that TLS wants to send at `level`; never kZeroRtt.
  void write(EncryptionLevel level, Bytes bytes);
  // Received data, copied. Error: CRYPTO_BUFFER_EXCEEDED, or FRAME_ENCODING_ERROR past 2^62 - 1.
  Parsed<void> on_crypto(EncryptionLevel level, std::uint64_t offset, Bytes data);

  // The next octets in order, in a few pieces; empty if none. Valid until the next call.
  [[nodiscard]] std::span<const Bytes> readable(EncryptionLevel level);
  // Takes octets off the front, at most as many as are readable.
  void consume(EncryptionLevel level, std::uint64_t octets);
  // Octets below this have arrived, read or not.
  [[nodiscard]] std::uint64_t received_to(EncryptionLevel level) const { return at(level).received.contiguous_to(); }
  // Whether data waits beyond a gap.
  [[nodiscard]] bool has_gap(EncryptionLevel level) const {
    return at(level).received.highest() > at(level).received.contiguous_to();
  }

  // CRYPTO frames of `level` into a packet of that level.
  WriteResult write_crypto(PacketPayload& payload, EncryptionLevel level);
  [[nodiscard]] bool wants_to_send(EncryptionLevel level) const;
  // Everything written at `level` was acknowledged.
  [[nodiscard]] bool all_acked(EncryptionLevel level) const { return at(level).sent.buffered() == 0; }
  // Frames of kind kCrypto.
  void on_frame_acked(const SentFrame& frame);
  void on_frame_lost(const SentFrame& frame);
  // All of `level` that is unacknowledged goes out again: a client's Initial after Retry, or a
  // probe that should carry data rather than PING.
  void resend_all(EncryptionLevel level);

  // The keys of `level` are gone (RFC 9001 section 4.9): frees its memory.
  void discard(EncryptionLevel level);

 private:
  struct Level {
    Level(BlockPool& send_pool, BlockPool& receive_pool) : sent(send_pool), received(receive_pool) {}
    SendBuffer sent;
    RecvBuffer received;
    bool discarded = false;
  };
  [[nodiscard]] const Level& at(EncryptionLevel level) const {
    return levels_[static_cast<std::size_t>(space_of(level))];
  }
  [[nodiscard]] Level& at(EncryptionLevel level) { return levels_[static_cast<std::size_t>(space_of(level))]; }

  // Blocks are few and short-lived: none is kept.
  BlockPool send_pool_{kSendBlockSize, 0};
  BlockPool receive_pool_{sizeof(ReceiveBlock), 0};
  std::array<Level, kPacketNumberSpaces> levels_{Level{send_pool_, receive_pool_}, Level{send_pool_, receive_pool_},
                                                 Level{send_pool_, receive_pool_}};
  std::array<Bytes, 16> pieces_;
};

}  // namespace hawser::quic
