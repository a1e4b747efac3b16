// aead.cc: nonces, and the choice of a backend per key.
#include "quic/crypto/aead.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "base/check.h"
#include "quic/crypto/aead_backends.h"

namespace hawser::quic {

namespace {

// Packets that a backend gets at once: a pair is all that gains, and 8 are 0.5 KB of the stack.
constexpr std::size_t kRunMax = 8;

struct BackendName {
  CryptoBackend backend;
  std::string_view name;
};
constexpr BackendName kBackendNames[] = {{CryptoBackend::kAuto, "auto"},
                                         {CryptoBackend::kVaes512, "vaes512"},
                                         {CryptoBackend::kVaes, "vaes"},
                                         {CryptoBackend::kIpsecMb, "ipsec-mb"},
                                         {CryptoBackend::kOpenSsl, "openssl"}};

}  // namespace

std::optional<CryptoBackend> crypto_backend_of(std::string_view name) {
  for (const BackendName& each : kBackendNames)
    if (each.name == name) return each.backend;
  return std::nullopt;
}

std::string_view to_string(CryptoBackend backend) {
  for (const BackendName& each : kBackendNames)
    if (each.backend == backend) return each.name;
  return "";
}

bool is_available(CryptoBackend backend) {
  switch (backend) {
    case CryptoBackend::kVaes512:
      return vaes512::is_available();
    case CryptoBackend::kVaes:
      return vaes::is_available();
    case CryptoBackend::kIpsecMb:
      return ipsec_mb::is_available();
    default:
      return true;
  }
}

CryptoBackend effective_backend(CryptoBackend wanted, CipherSuite suite) {
  if (wanted == CryptoBackend::kOpenSsl || suite == CipherSuite::kChaCha20Poly1305Sha256)
    return CryptoBackend::kOpenSsl;
  if (wanted == CryptoBackend::kAuto) {
    for (const CryptoBackend fastest : {CryptoBackend::kVaes512, CryptoBackend::kVaes})
      if (is_available(fastest)) return fastest;
  } else if (is_available(wanted)) {
    return wanted;
  }
  return is_available(CryptoBackend::kIpsecMb) ? CryptoBackend::kIpsecMb : CryptoBackend::kOpenSsl;
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
  expand(key);
}

PacketKey::~PacketKey() {
  release();
  wipe(iv_);
}

void PacketKey::expand(Bytes key) {
  switch (backend_) {
    case CryptoBackend::kVaes512:
      state_ = vaes512::make(suite_, key);
      break;
    case CryptoBackend::kVaes:
      state_ = vaes::make(suite_, key);
      break;
    case CryptoBackend::kIpsecMb:
      state_ = ipsec_mb::make(suite_, key);
      break;
    default:
      state_ = evp::make(suite_, key);
      break;
  }
}

void PacketKey::release() {
  if (state_ == nullptr) return;
  switch (backend_) {
    case CryptoBackend::kVaes512:
      vaes512::destroy(state_);
      break;
    case CryptoBackend::kVaes:
      vaes::destroy(state_);
      break;
    case CryptoBackend::kIpsecMb:
      ipsec_mb::destroy(state_, suite_);
      break;
    default:
      evp::destroy(state_);
      break;
  }
  state_ = nullptr;
}

void PacketKey::fold(MutableBytes key) {
  HAWSER_CHECK(state_ != nullptr && key.size() == key_length(suite_));
  switch (backend_) {
    case CryptoBackend::kVaes512:
      vaes512::write_key(state_, key);
      break;
    case CryptoBackend::kVaes:
      vaes::write_key(state_, key);
      break;
    case CryptoBackend::kIpsecMb:
      ipsec_mb::write_key(state_, key);
      break;
    default:
      evp::write_key(state_, key);
      break;
  }
  release();
}

void PacketKey::unfold(Bytes key) {
  HAWSER_CHECK(state_ == nullptr && key.size() == key_length(suite_));
  expand(key);
}

std::size_t PacketKey::memory() const {
  if (state_ == nullptr) return 0;
  switch (backend_) {
    case CryptoBackend::kVaes512:
      return vaes512::memory();
    case CryptoBackend::kVaes:
      return vaes::memory();
    case CryptoBackend::kIpsecMb:
      return ipsec_mb::memory();
    default:
      return evp::memory();
  }
}

void PacketKey::seal(PathId path, PacketNumber pn, Bytes header, std::span<const Bytes> plaintext, std::uint8_t* out) {
  HAWSER_DCHECK(state_ != nullptr);
  const AeadNonce nonce = packet_nonce(iv_, path, pn);
  switch (backend_) {
    case CryptoBackend::kVaes512:
      vaes512::seal(state_, nonce, header, plaintext, out);
      break;
    case CryptoBackend::kVaes:
      vaes::seal(state_, nonce, header, plaintext, out);
      break;
    case CryptoBackend::kIpsecMb:
      ipsec_mb::seal(state_, suite_, nonce, header, plaintext, out);
      break;
    default:
      evp::seal(state_, nonce, header, plaintext, out);
      break;
  }
}

bool PacketKey::open(PathId path, PacketNumber pn, Bytes header, MutableBytes ciphertext_and_tag) {
  HAWSER_DCHECK(state_ != nullptr);
  if (ciphertext_and_tag.size() < kAeadTagLength) return false;
  const AeadNonce nonce = packet_nonce(iv_, path, pn);
  switch (backend_) {
    case CryptoBackend::kVaes512:
      return vaes512::open(state_, nonce, header, ciphertext_and_tag);
    case CryptoBackend::kVaes:
      return vaes::open(state_, nonce, header, ciphertext_and_tag);
    case CryptoBackend::kIpsecMb:
      return ipsec_mb::open(state_, suite_, nonce, header, ciphertext_and_tag);
    default:
      return evp::open(state_, nonce, header, ciphertext_and_tag);
  }
}

void PacketKey::seal_run(PathId path, std::span<const PacketToSeal> packets) {
  HAWSER_DCHECK(state_ != nullptr);
  if (packets.size() == 1 || !runs_together()) {
    for (const PacketToSeal& packet : packets) seal(path, packet.number, packet.header, packet.plaintext, packet.out);
    return;
  }
  std::array<AeadNonce, kRunMax> nonces;
  while (!packets.empty()) {
    const std::size_t count = std::min(packets.size(), nonces.size());
    for (std::size_t i = 0; i < count; ++i) nonces[i] = packet_nonce(iv_, path, packets[i].number);
    ipsec_mb::seal_run(state_, suite_, std::span(nonces).first(count), packets.first(count));
    packets = packets.subspan(count);
  }
}

void PacketKey::open_run(PathId path, std::span<PacketToOpen> packets) {
  HAWSER_DCHECK(state_ != nullptr);
  if (packets.size() == 1 || !runs_together()) {
    for (PacketToOpen& packet : packets) packet.opened = open(path, packet.number, packet.header, packet.sealed);
    return;
  }
  std::array<AeadNonce, kRunMax> nonces;
  while (!packets.empty()) {
    const std::size_t count = std::min(packets.size(), nonces.size());
    for (std::size_t i = 0; i < count; ++i) {
      HAWSER_DCHECK(packets[i].sealed.size() >= kAeadTagLength);
      nonces[i] = packet_nonce(iv_, path, packets[i].number);
    }
    ipsec_mb::open_run(state_, suite_, std::span(nonces).first(count), packets.first(count));
    packets = packets.subspan(count);
  }
}

}  // namespace hawser::quic
