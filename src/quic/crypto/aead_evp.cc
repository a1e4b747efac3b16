// aead_evp.cc: the AEAD backend over OpenSSL EVP. Ciphers are fetched once per process and
// a context is keyed once per PacketKey; a packet sets only its IV.
#include <openssl/evp.h>

#include <cstring>

#include "base/check.h"
#include "quic/crypto/aead_backends.h"

namespace hawser::quic::evp {
namespace {

const EVP_CIPHER* cipher_of(CipherSuite suite) {
  static const EVP_CIPHER* const kAes128 = EVP_CIPHER_fetch(nullptr, "AES-128-GCM", nullptr);
  static const EVP_CIPHER* const kAes256 = EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr);
  static const EVP_CIPHER* const kChaCha20 = EVP_CIPHER_fetch(nullptr, "ChaCha20-Poly1305", nullptr);
  switch (suite) {
    case CipherSuite::kAes128GcmSha256:
      return kAes128;
    case CipherSuite::kAes256GcmSha384:
      return kAes256;
    case CipherSuite::kChaCha20Poly1305Sha256:
      return kChaCha20;
  }
  return nullptr;
}

struct State {
  EVP_CIPHER_CTX* context = nullptr;
  std::array<std::uint8_t, 32> key{};  // as it was given: a context does not tell
};

// Sets direction and IV, and feeds the AAD.
void begin(EVP_CIPHER_CTX* context, const AeadNonce& nonce, Bytes aad, bool encrypt) {
  HAWSER_CHECK(EVP_CipherInit_ex2(context, nullptr, nullptr, nonce.data(), encrypt ? 1 : 0, nullptr) == 1);
  int size = 0;
  if (!aad.empty())
    HAWSER_CHECK(EVP_CipherUpdate(context, nullptr, &size, aad.data(), static_cast<int>(aad.size())) == 1);
}

}  // namespace

void* make(CipherSuite suite, Bytes key) {
  auto* state = new State{.context = EVP_CIPHER_CTX_new()};
  HAWSER_CHECK(state->context != nullptr);
  HAWSER_CHECK(EVP_CipherInit_ex2(state->context, cipher_of(suite), key.data(), nullptr, 1, nullptr) == 1);
  std::memcpy(state->key.data(), key.data(), key.size());
  return state;
}

void destroy(void* made) {
  auto* state = static_cast<State*>(made);
  EVP_CIPHER_CTX_free(state->context);
  wipe(state->key);
  delete state;
}

void write_key(const void* state, MutableBytes out) {
  std::memcpy(out.data(), static_cast<const State*>(state)->key.data(), out.size());
}

std::size_t memory() {
  return sizeof(State);
}

void seal(void* state, const AeadNonce& nonce, Bytes aad, std::span<const Bytes> plaintext, std::uint8_t* out) {
  EVP_CIPHER_CTX* context = static_cast<State*>(state)->context;
  begin(context, nonce, aad, true);
  int size = 0;
  for (const Bytes piece : plaintext) {
    if (piece.empty()) continue;
    HAWSER_CHECK(EVP_CipherUpdate(context, out, &size, piece.data(), static_cast<int>(piece.size())) == 1);
    out += piece.size();
  }
  HAWSER_CHECK(EVP_CipherFinal_ex(context, out, &size) == 1);
  HAWSER_CHECK(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, kAeadTagLength, out) == 1);
}

bool open(void* state, const AeadNonce& nonce, Bytes aad, MutableBytes ciphertext_and_tag) {
  EVP_CIPHER_CTX* context = static_cast<State*>(state)->context;
  begin(context, nonce, aad, false);
  std::uint8_t* const data = ciphertext_and_tag.data();
  const std::size_t length = ciphertext_and_tag.size() - kAeadTagLength;
  int size = 0;
  if (length != 0) HAWSER_CHECK(EVP_CipherUpdate(context, data, &size, data, static_cast<int>(length)) == 1);
  HAWSER_CHECK(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, kAeadTagLength, data + length) == 1);
  // Final compares the tag and writes nothing, as both modes are stream ciphers.
  std::array<std::uint8_t, 16> rest;
  return EVP_CipherFinal_ex(context, rest.data(), &size) == 1;
}

}  // namespace hawser::quic::evp
