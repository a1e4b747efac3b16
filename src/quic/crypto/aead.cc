// aead.cc: nonces, and the choice of a backend per key.
#include "quic/crypto/aead.h"

#include <cstring>

#include "base/check.h"
#include "quic/crypto/aead_backends.h"

namespace hawser::quic {

CryptoBackend effective_backend(CryptoBackend wanted, CipherSuite suite) {
  if (wanted == CryptoBackend::kOpenSsl || suite == CipherSuite::kChaCha20Poly1305Sha256) return CryptoBackend::kOpenSsl;
  return ipsec_mb::is_available() ? CryptoBackend::kIpsecMb : CryptoBackend::kOpenSsl;
}

AeadNonce packet_nonce(const AeadNonce& iv, PathId path, PacketNumber pn) {
  AeadNonce nonce = iv;
  std::uint32_t high = 0;
  std::uint64_t low = 0;
  std::memcpy(&high, nonce.data(), 4);
  std::memcpy(&low, nonce.data() + 4, 8);
  high ^= __builtin_bswap32(static_cast<std::uint32_t>(path.value));
  low ^= __builtin_bswap64(pn.value);
  std::memcpy(nonce.data(), &high, 4);
  std::memcpy(nonce.data() + 4, &low, 8);
  return nonce;
}

PacketKey::PacketKey(CipherSuite suite, Bytes key, Bytes iv, CryptoBackend backend)
    : suite_(suite), backend_(effective_backend(backend, suite)) {
  HAWSER_CHECK(key.size() == key_length(suite) && iv.size() == iv_.size());
  std::memcpy(iv_.data(), iv.data(), iv_.size());
  state_ = backend_ == CryptoBackend::kIpsecMb ? ipsec_mb::make(suite, key) : evp::make(suite, key);
}

PacketKey::~PacketKey() {
  if (state_ == nullptr) return;
  if (backend_ == CryptoBackend::kIpsecMb) {
    ipsec_mb::destroy(state_, suite_);
  } else {
    evp::destroy(state_);
  }
}

void PacketKey::seal(PathId path, PacketNumber pn, Bytes header, std::span<const Bytes> plaintext, std::uint8_t* out) {
  HAWSER_DCHECK(state_ != nullptr);
  const AeadNonce nonce = packet_nonce(iv_, path, pn);
  if (backend_ == CryptoBackend::kIpsecMb) {
    ipsec_mb::seal(state_, suite_, nonce, header, plaintext, out);
  } else {
    evp::seal(state_, nonce, header, plaintext, out);
  }
}

bool PacketKey::open(PathId path, PacketNumber pn, Bytes header, MutableBytes ciphertext_and_tag) {
  HAWSER_DCHECK(state_ != nullptr);
  if (ciphertext_and_tag.size() < kAeadTagLength) return false;
  const AeadNonce nonce = packet_nonce(iv_, path, pn);
  return backend_ == CryptoBackend::kIpsecMb ? ipsec_mb::open(state_, suite_, nonce, header, ciphertext_and_tag)
                                             : evp::open(state_, nonce, header, ciphertext_and_tag);
}

}  // namespace hawser::quic
