// Goal: what holds a secret leaves none of it behind. Method: objects are made in memory of ours, which
// is looked at after they are gone.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <memory>
#include <new>
#include <utility>
#include <vector>

#include "quic/crypto/aead.h"
#include "quic/crypto/hmac.h"
#include "quic/crypto/key_schedule.h"
#include "quic/crypto/secret.h"
#include "quic/crypto/token_sealer.h"

namespace hawser::quic {
namespace {

constexpr std::uint8_t kMark = 0x5a;
const std::vector<std::uint8_t> kSecretOctets(kTokenSecretLength, kMark);

// Octets of `object`'s memory that are the mark, before and after its end.
template <class T, class... Args>
std::pair<std::ptrdiff_t, std::ptrdiff_t> marks_of(Args&&... args) {
  alignas(T) static std::array<std::uint8_t, sizeof(T)> memory;
  memory.fill(0);
  const auto marks = [] { return std::count(memory.begin(), memory.end(), kMark); };
  T* object = new (memory.data()) T(std::forward<Args>(args)...);
  const std::ptrdiff_t before = marks();
  object->~T();
  return {before, marks()};
}

TEST(wiping, secrets_and_what_is_made_of_them_leave_nothing_behind) {
  const Bytes octets = kSecretOctets;
  EXPECT_EQ(marks_of<Secret>(octets), (std::pair<std::ptrdiff_t, std::ptrdiff_t>{32, 0}));
  EXPECT_EQ(marks_of<TokenSealer>(octets), (std::pair<std::ptrdiff_t, std::ptrdiff_t>{32, 0}));
  const auto nonce =
      marks_of<PacketKey>(CipherSuite::kAes128GcmSha256, octets.first(16), octets.first(12), CryptoBackend::kAuto);
  EXPECT_GE(nonce.first, 12);
  EXPECT_EQ(nonce.second, 0);
}

// Its state is a hash of the key, so no octet of that can be looked for: all of them are.
TEST(wiping, a_key_of_hmac_leaves_nothing_behind) {
  alignas(HmacKey) static std::array<std::uint8_t, sizeof(HmacKey)> memory;
  memory.fill(0);
  auto* key = new (memory.data()) HmacKey(32, kSecretOctets);
  const auto alive = std::count_if(memory.begin(), memory.end(), [](std::uint8_t octet) { return octet != 0; });
  key->~HmacKey();
  const auto dead = std::count_if(memory.begin(), memory.end(), [](std::uint8_t octet) { return octet != 0; });
  EXPECT_GT(alive, 48);
  EXPECT_LE(dead, 2);  // which hash it was
}

}  // namespace
}  // namespace hawser::quic
