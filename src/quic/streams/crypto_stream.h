// crypto_stream.h: the handshake's octets in CRYPTO frames (RFC 9000 sections 7.5 and 19.6),
// a stream without flow control for each encryption level.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "base/bytes.h"
#include "quic/streams/buffer_pools.h"
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
  // `pools` outlives the streams.
  explicit CryptoStreams(BufferPools& pools) : send_blocks_(pools.send), receive_blocks_(pools.receive) {}

  // Octets that TLS wants to send at `level`; never kZeroRtt.
  void write(EncryptionLevel level, Bytes bytes);
  // Received data of a parsed frame, copied. Error: CRYPTO_BUFFER_EXCEEDED; once
  // the level is closed, unexpected_message for octets that were not there before.
  Parsed<void> on_crypto(EncryptionLevel level, std::uint64_t offset, Bytes data);

  // Fills `out` with views of the next octets in order, and returns the filled part. Valid until
  // the next call.
  [[nodiscard]] std::span<const Bytes> readable(EncryptionLevel level, std::span<Bytes> out) const;
  // Takes octets off the front, at most as many as are readable.
  void consume(EncryptionLevel level, std::uint64_t octets);

  // CRYPTO frames of `level` into a packet of that level.
  WriteResult write_crypto(PacketPayload& payload, EncryptionLevel level);
  [[nodiscard]] bool wants_to_send(EncryptionLevel level) const;
  // Everything written at `level` was acknowledged.
  [[nodiscard]] bool all_acked(EncryptionLevel level) const;
  // Frames of kind kCrypto.
  void on_frame_acked(const SentFrame& frame);
  void on_frame_lost(const SentFrame& frame);
  // All of `level` that is unacknowledged goes out again: a client's Initial after Retry, or a
  // probe that should carry data rather than PING.
  void resend_all(EncryptionLevel level);

  // Nothing was sent or received at `level`: another ClientHello takes the place of the first one.
  void restart(EncryptionLevel level) { levels_[index_of(level)].reset(); }

  // The keys of `level` are gone (RFC 9001 section 4.9): frees its memory.
  void discard(EncryptionLevel level);
  // Nobody reads the 1-RTT level any more, nor writes to it: frees its memory as soon as all that
  // was written is acknowledged.
  void close_one_rtt();

  // Octets on the heap, blocks of the pools included.
  [[nodiscard]] std::size_t memory() const;

 private:
  struct Level {
    Level(BlockAccount& send_blocks, BlockAccount& receive_blocks) : sent(send_blocks), received(receive_blocks) {}
    SendBuffer sent;
    RecvBuffer received;
  };
  static constexpr std::size_t index_of(EncryptionLevel level) { return static_cast<std::size_t>(space_of(level)); }
  // nullptr: nothing came or went at this level yet, or it is over.
  [[nodiscard]] Level* find(EncryptionLevel level) const { return levels_[index_of(level)].get(); }
  // A level that is not over.
  Level& provide(EncryptionLevel level);
  [[nodiscard]] bool discarded(EncryptionLevel level) const { return (discarded_ >> index_of(level) & 1) != 0; }
  void free_closed();

  BlockAccount send_blocks_;
  BlockAccount receive_blocks_;
  std::array<std::unique_ptr<Level>, kPacketNumberSpaces> levels_;
  std::uint64_t closed_at_ = 0;  // 1-RTT, once closed: octets received by then
  bool closed_ = false;          // 1-RTT
  std::uint8_t discarded_ = 0;   // bit n: the level of space n
};

}  // namespace hawser::quic
