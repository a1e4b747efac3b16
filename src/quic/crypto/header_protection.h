// header_protection.h: hides the packet number and some bits of the first octet (RFC 9001
// section 5.4). A mask is computed from a sample of the ciphertext, one packet at a time or
// for a whole train at once.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include "base/bytes.h"
#include "quic/crypto/aead.h"
#include "quic/crypto/secret.h"

namespace hawser::quic {

// The sample starts this many octets after the start of the Packet Number field, as if the
// packet number had its greatest length (RFC 9001 section 5.4.2).
inline constexpr std::size_t kSampleOffset = 4;
inline constexpr std::size_t kSampleLength = 16;
inline constexpr std::size_t kMaxPacketNumberLength = 4;

using HeaderMask = std::array<std::uint8_t, 5>;

// One header protection key. It does not change at key updates. Move-only; one thread at a
// time may use it.
class HeaderKey {
 public:
  HeaderKey() = default;
  // hp_key.size() == key_length(suite). kOpenSsl forces EVP; else AES instructions of the
  // CPU are used where it has them.
  HeaderKey(CipherSuite suite, Bytes hp_key, CryptoBackend backend = CryptoBackend::kAuto);
  HeaderKey(HeaderKey&& o) noexcept
      : state_(std::exchange(o.state_, nullptr)), suite_(o.suite_), uses_aes_instructions_(o.uses_aes_instructions_) {}
  HeaderKey& operator=(HeaderKey&& o) noexcept {
    std::swap(state_, o.state_);
    std::swap(suite_, o.suite_);
    std::swap(uses_aes_instructions_, o.uses_aes_instructions_);
    return *this;
  }
  ~HeaderKey();

  [[nodiscard]] bool empty() const { return state_ == nullptr; }

  // `sample` points to 16 octets of ciphertext.
  [[nodiscard]] HeaderMask mask(const std::uint8_t* sample);

  // One mask per sample, in order; out.size() >= samples.size().
  void masks(std::span<const std::uint8_t* const> samples, std::span<HeaderMask> out);

  // As PacketKey's.
  void fold(MutableBytes hp_key);
  void unfold(Bytes hp_key);
  [[nodiscard]] std::size_t memory() const;

 private:
  void expand(Bytes hp_key);
  void release();

  void* state_ = nullptr;  // RoundKeys (AES instructions) or EvpState
  CipherSuite suite_ = CipherSuite::kAes128GcmSha256;
  bool uses_aes_instructions_ = false;
};

// Applies a mask to the header of a packet being sent: the low 4 bits of the first octet of
// a long header or 5 of a short one, then pn_length (1..4) octets at pn_offset.
inline void protect(std::uint8_t* packet, std::size_t pn_offset, std::size_t pn_length, const HeaderMask& mask) {
  packet[0] ^= static_cast<std::uint8_t>(mask[0] & ((packet[0] & 0x80) != 0 ? 0x0f : 0x1f));
  for (std::size_t i = 0; i < pn_length; ++i) packet[pn_offset + i] ^= mask[1 + i];
}

struct TruncatedPacketNumber {
  std::uint32_t value = 0;  // the low 8 * length bits of the packet number
  std::uint8_t length = 0;  // octets, 1..4
};

// Removes a mask from the header of a received packet in place and reads the truncated
// packet number. At least pn_offset + 4 octets must follow `packet`.
inline TruncatedPacketNumber unprotect(std::uint8_t* packet, std::size_t pn_offset, const HeaderMask& mask) {
  packet[0] ^= static_cast<std::uint8_t>(mask[0] & ((packet[0] & 0x80) != 0 ? 0x0f : 0x1f));
  TruncatedPacketNumber pn{0, static_cast<std::uint8_t>((packet[0] & 0x03) + 1)};
  for (std::size_t i = 0; i < pn.length; ++i) {
    packet[pn_offset + i] ^= mask[1 + i];
    pn.value = pn.value << 8 | packet[pn_offset + i];
  }
  return pn;
}

}  // namespace hawser::quic
