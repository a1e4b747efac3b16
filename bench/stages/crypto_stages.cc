// crypto_stages.cc: sealing and opening 1-RTT packets with each AEAD backend, and header
// protection, a train at a time.
#include <array>
#include <vector>

#include "base/check.h"
#include "quic/crypto/aead.h"
#include "quic/crypto/header_protection.h"
#include "stage.h"

namespace hawser::stages {
namespace {

using namespace quic;

// A train of datagrams of 1,452 octets: a usual MTU without IPv6, UDP and tunnel headers. It
// fits the second-level cache, so that the cipher is measured and not the memory.
constexpr std::size_t kPackets = 45;
constexpr std::size_t kPacketSize = 1'452;
constexpr std::size_t kHeaderSize = 11;  // first octet, 8 of connection ID, 2 of packet number
constexpr std::size_t kTagSize = 16;
// A packet that carries an ACK and nothing else.
constexpr std::size_t kSmallPacketSize = 40;

PacketKey make_key(CipherSuite suite, CryptoBackend backend) {
  const std::vector<std::uint8_t> key(key_length(suite), 7);
  const std::vector<std::uint8_t> iv(kAeadIvLength, 9);
  return {suite, key, iv, backend};
}

class Packets {
 public:
  explicit Packets(std::size_t size) : size_(size), octets_(kPackets * size, 0x43), plaintext_(size, 0x5a) {}

  [[nodiscard]] MutableBytes header(std::size_t i) { return {octets_.data() + i * size_, kHeaderSize}; }
  [[nodiscard]] MutableBytes sealed(std::size_t i) {
    return {octets_.data() + i * size_ + kHeaderSize, size_ - kHeaderSize};
  }
  void seal(PacketKey& key, std::size_t i) {
    const Bytes payload = Bytes(plaintext_).first(size_ - kHeaderSize - kTagSize);
    key.seal(PathId{0}, PacketNumber{i}, header(i), {&payload, 1}, sealed(i).data());
  }

 private:
  std::size_t size_;
  std::vector<std::uint8_t> octets_;
  std::vector<std::uint8_t> plaintext_;
};

class Seal final : public Work {
 public:
  Seal(CipherSuite suite, CryptoBackend backend, std::size_t size) : key_(make_key(suite, backend)), packets_(size) {}
  std::uint64_t round(Meter& meter) override {
    meter.measure([this] {
      for (std::size_t i = 0; i < kPackets; ++i) packets_.seal(key_, i);
    });
    return kPackets;
  }

 private:
  PacketKey key_;
  Packets packets_;
};

class Open final : public Work {
 public:
  Open(CipherSuite suite, CryptoBackend backend, std::size_t size)
      : write_(make_key(suite, backend)), read_(make_key(suite, backend)), packets_(size) {}
  std::uint64_t round(Meter& meter) override {
    for (std::size_t i = 0; i < kPackets; ++i) packets_.seal(write_, i);
    bool opened = true;
    meter.measure([&] {
      for (std::size_t i = 0; i < kPackets; ++i)
        opened &= read_.open(PathId{0}, PacketNumber{i}, packets_.header(i), packets_.sealed(i));
    });
    HAWSER_CHECK(opened);
    return kPackets;
  }

 private:
  PacketKey write_;
  PacketKey read_;
  Packets packets_;
};

class Masks final : public Work {
 public:
  explicit Masks(CryptoBackend backend)
      : key_(CipherSuite::kAes128GcmSha256, std::vector<std::uint8_t>(16, 3), backend),
        octets_(kPackets * kSampleLength, 0x5a) {
    for (std::size_t i = 0; i < kPackets; ++i) samples_[i] = octets_.data() + i * kSampleLength;
  }
  std::uint64_t round(Meter& meter) override {
    meter.measure([this] { key_.masks(samples_, masks_); });
    keep(masks_[0][0]);
    return kPackets;
  }

 private:
  HeaderKey key_;
  std::vector<std::uint8_t> octets_;
  std::array<const std::uint8_t*, kPackets> samples_{};
  std::array<HeaderMask, kPackets> masks_{};
};

constexpr auto kAes = CipherSuite::kAes128GcmSha256;
constexpr auto kChaCha = CipherSuite::kChaCha20Poly1305Sha256;

// Nothing where this machine would fall back to another backend.
template <class Stage, CipherSuite kSuite, CryptoBackend kBackend, std::size_t kSize = kPacketSize>
std::unique_ptr<Work> aead() {
  if (effective_backend(kBackend, kSuite) != kBackend) return nullptr;
  return std::make_unique<Stage>(kSuite, kBackend, kSize);
}

template <CryptoBackend kBackend>
std::unique_ptr<Work> masks() {
  return std::make_unique<Masks>(kBackend);
}

constexpr Stage kStages[] = {
    {"seal aes128gcm vaes512", "packet", &aead<Seal, kAes, CryptoBackend::kVaes512>, true},
    {"seal aes128gcm vaes", "packet", &aead<Seal, kAes, CryptoBackend::kVaes>, true},
    {"seal aes128gcm ipsec-mb", "packet", &aead<Seal, kAes, CryptoBackend::kIpsecMb>, true},
    {"seal aes128gcm ipsec-mb, 40 octets", "packet", &aead<Seal, kAes, CryptoBackend::kIpsecMb, kSmallPacketSize>,
     true},
    {"seal aes128gcm openssl", "packet", &aead<Seal, kAes, CryptoBackend::kOpenSsl>, true},
    {"seal aes128gcm openssl, 40 octets", "packet", &aead<Seal, kAes, CryptoBackend::kOpenSsl, kSmallPacketSize>, true},
    {"seal chacha20poly1305 openssl", "packet", &aead<Seal, kChaCha, CryptoBackend::kOpenSsl>, true},
    {"open aes128gcm vaes512", "packet", &aead<Open, kAes, CryptoBackend::kVaes512>, true},
    {"open aes128gcm vaes", "packet", &aead<Open, kAes, CryptoBackend::kVaes>, true},
    {"open aes128gcm ipsec-mb", "packet", &aead<Open, kAes, CryptoBackend::kIpsecMb>, true},
    {"open aes128gcm ipsec-mb, 40 octets", "packet", &aead<Open, kAes, CryptoBackend::kIpsecMb, kSmallPacketSize>,
     true},
    {"open aes128gcm openssl", "packet", &aead<Open, kAes, CryptoBackend::kOpenSsl>, true},
    {"open aes128gcm openssl, 40 octets", "packet", &aead<Open, kAes, CryptoBackend::kOpenSsl, kSmallPacketSize>, true},
    {"open chacha20poly1305 openssl", "packet", &aead<Open, kChaCha, CryptoBackend::kOpenSsl>, true},
    {"header masks of a train", "packet", &masks<CryptoBackend::kAuto>},
    {"header masks of a train, openssl", "packet", &masks<CryptoBackend::kOpenSsl>},
};

}  // namespace

std::span<const Stage> crypto_stages() {
  return kStages;
}

}  // namespace hawser::stages
