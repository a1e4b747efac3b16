// crypto_bench.cc: one call of AES-128-GCM for a packet, by backend, size and number of pieces.
// room: crypto
#include <benchmark/benchmark.h>

#include <array>
#include <string>
#include <vector>

#include "quic/crypto/aead.h"

namespace hawser::quic {
namespace {

constexpr std::size_t kSource = 256 * 1'024;  // where an application's data lies
constexpr std::size_t kTrain = 64 * 1'024;    // where packets are put together
constexpr std::size_t kFrameHeader = 10;      // octets of a STREAM frame before its data
constexpr std::size_t kTagLength = 16;

PacketKey make_key(CryptoBackend backend) {
  const std::vector<std::uint8_t> key(16, 7);
  const std::vector<std::uint8_t> iv(kAeadIvLength, 9);
  return {CipherSuite::kAes128GcmSha256, key, iv, backend};
}

// Walks through both regions as a train does, so that data comes from the second cache.
class Places {
 public:
  explicit Places(std::size_t size) : size_(size) {}
  Bytes source() {
    if ((from_ += size_) + size_ > kSource) from_ = 0;
    return Bytes(source_).subspan(from_, size_);
  }
  MutableBytes target() {
    if ((to_ += size_ + kTagLength) + size_ + kTagLength > kTrain) to_ = 0;
    return MutableBytes(train_).subspan(to_, size_ + kTagLength);
  }

 private:
  std::size_t size_;
  std::size_t from_ = 0;
  std::size_t to_ = 0;
  std::vector<std::uint8_t> source_ = std::vector<std::uint8_t>(kSource, 0x5a);
  std::vector<std::uint8_t> train_ = std::vector<std::uint8_t>(kTrain, 0x5a);
};

void seal(benchmark::State& state, CryptoBackend backend) {
  if (!is_available(backend)) return state.SkipWithError("not on this CPU, or not in this build");
  PacketKey key = make_key(backend);
  const auto size = static_cast<std::size_t>(state.range(0));
  const bool two = state.range(1) == 2;
  const std::array<std::uint8_t, 13> header{};
  Places places(size);
  std::uint64_t number = 0;
  for (auto _ : state) {
    const Bytes text = places.source();
    const MutableBytes out = places.target();
    const std::array<Bytes, 2> pieces =
        two ? std::array{Bytes(out).first(kFrameHeader), text.subspan(kFrameHeader)} : std::array{text, Bytes{}};
    key.seal(PathId{0}, PacketNumber{number++}, header, std::span(pieces).first(two ? 2 : 1), out.data());
  }
}

void open(benchmark::State& state, CryptoBackend backend) {
  if (!is_available(backend)) return state.SkipWithError("not on this CPU, or not in this build");
  PacketKey key = make_key(backend);
  const std::array<std::uint8_t, 13> header{};
  Places places(static_cast<std::size_t>(state.range(0)));
  std::uint64_t number = 0;
  // The tag is wrong, which costs as much as a right one.
  for (auto _ : state) benchmark::DoNotOptimize(key.open(PathId{0}, PacketNumber{number++}, header, places.target()));
}

const bool registered = [] {
  for (const CryptoBackend backend :
       {CryptoBackend::kVaes512, CryptoBackend::kVaes, CryptoBackend::kIpsecMb, CryptoBackend::kOpenSsl}) {
    const std::string name(to_string(backend));
    for (const std::int64_t size : {24, 200, 1'423, 8'900}) {
      for (const std::int64_t pieces : {1, 2})
        benchmark::RegisterBenchmark(("seal/" + name).c_str(), &seal, backend)->Args({size, pieces});
      benchmark::RegisterBenchmark(("open/" + name).c_str(), &open, backend)->Args({size});
    }
  }
  return true;
}();

}  // namespace
}  // namespace hawser::quic
