// aead.h: packet protection proper: sealing and opening one packet's payload under one key.
//
// The nonce is the key's IV xor (Path ID in 32 bits, two zero bits, packet number in 62
// bits): multipath draft section 2.4. For path 0 that is RFC 9001 section 5.3 bit for bit,
// so one function serves all packets; 0-RTT, Initial and Handshake packets pass path 0.
//
// Four backends do AES-GCM: our own loops over 512-bit and over 256-bit AES instructions,
// libipsec-mb's direct calls on CPUs that have neither, and OpenSSL EVP. ChaCha20-Poly1305 is
// always EVP. Key schedules are expanded once, when the key is made (and again after a rest); sealing
// and opening allocate nothing.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include "base/bytes.h"
#include "base/units.h"
#include "quic/crypto/backend.h"
#include "quic/crypto/key_schedule.h"
#include "quic/crypto/secret.h"
#include "quic/wire/types.h"

namespace hawser::quic {

// What kAuto or `wanted` comes to on this machine for this suite: never kAuto.
CryptoBackend effective_backend(CryptoBackend wanted, CipherSuite suite);

// RFC 9001 section 6.6: packets that may be sealed with one key.
constexpr std::uint64_t confidentiality_limit(CipherSuite suite) {
  // ChaCha20-Poly1305 has no limit below the 2^62 packet numbers that exist.
  return suite == CipherSuite::kChaCha20Poly1305Sha256 ? std::uint64_t{1} << 62 : std::uint64_t{1} << 23;
}

// RFC 9001 section 6.6: packets that may fail to open in a connection, over all its keys.
constexpr std::uint64_t integrity_limit(CipherSuite suite) {
  return suite == CipherSuite::kChaCha20Poly1305Sha256 ? std::uint64_t{1} << 36 : std::uint64_t{1} << 52;
}

using AeadNonce = std::array<std::uint8_t, kAeadIvLength>;

// IV xor path-and-packet number. path.value < 2^32, pn.value < 2^62.
AeadNonce packet_nonce(const AeadNonce& iv, PathId path, PacketNumber pn);

// Packets of a run: of one path and under one key.
struct PacketToSeal {
  PacketNumber number;
  Bytes header;
  std::span<const Bytes> plaintext;
  std::uint8_t* out = nullptr;
};
struct PacketToOpen {
  PacketNumber number;
  Bytes header;
  MutableBytes sealed;  // a tag's length at least
  bool opened = false;  // what open() would say
};

// One AEAD key with its IV. Move-only; an empty one must not seal or open. One thread at a
// time may use it.
class PacketKey {
 public:
  PacketKey() = default;
  // key.size() == key_length(suite), iv.size() == 12; both are copied.
  PacketKey(CipherSuite suite, Bytes key, Bytes iv, CryptoBackend backend = CryptoBackend::kAuto);
  PacketKey(PacketKey&& o) noexcept
      : state_(std::exchange(o.state_, nullptr)), iv_(o.iv_), suite_(o.suite_), backend_(o.backend_) {}
  PacketKey& operator=(PacketKey&& o) noexcept {
    std::swap(state_, o.state_);
    std::swap(iv_, o.iv_);
    std::swap(suite_, o.suite_);
    std::swap(backend_, o.backend_);
    return *this;
  }
  ~PacketKey();

  [[nodiscard]] bool empty() const { return state_ == nullptr; }
  [[nodiscard]] CipherSuite suite() const { return suite_; }
  [[nodiscard]] CryptoBackend backend() const { return backend_; }  // never kAuto

  // Writes the ciphertext of all pieces in order, then the 16-octet tag, to `out`. A piece
  // may already lie exactly at its final place in `out`; otherwise it must not overlap
  // `out`. `header` is the packet's header before header protection (the AAD).
  void seal(PathId path, PacketNumber pn, Bytes header, std::span<const Bytes> plaintext, std::uint8_t* out);

  // Decrypts in place all but the last 16 octets, which are the tag. False if the tag is
  // wrong or there are fewer than 16 octets; the payload's octets then mean nothing.
  [[nodiscard]] bool open(PathId path, PacketNumber pn, Bytes header, MutableBytes ciphertext_and_tag);

  // The same for each packet of a run. libipsec-mb 1.4 and later works on several at once.
  void seal_run(PathId path, std::span<const PacketToSeal> packets);
  void open_run(PathId path, std::span<PacketToOpen> packets);

  // Gives the expanded key back to the allocator and writes the key that it came from to `key`,
  // of key_length(suite()) octets. From then until unfold() with the same octets it is empty.
  void fold(MutableBytes key);
  void unfold(Bytes key);

  // Octets on the heap, as far as they are known: EVP keeps its own to itself.
  [[nodiscard]] std::size_t memory() const;

 private:
  void expand(Bytes key);
  void release();
  [[nodiscard]] bool runs_together() const { return backend_ == CryptoBackend::kIpsecMb; }

  void* state_ = nullptr;  // expanded key or cipher context (EVP), by backend_
  AeadNonce iv_{};
  CipherSuite suite_ = CipherSuite::kAes128GcmSha256;
  CryptoBackend backend_ = CryptoBackend::kOpenSsl;
};

}  // namespace hawser::quic
