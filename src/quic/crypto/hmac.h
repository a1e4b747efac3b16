// hmac.h: HMAC (RFC 2104) over SHA-256 or SHA-384 under a key that is hashed once, however
// many messages follow: the key schedule computes several under each secret, all of them
// shorter than the hash's block, so that the key would be most of the work.
#pragma once

#include <openssl/sha.h>

#include <cstddef>
#include <span>

#include "base/bytes.h"

namespace hawser::quic {

class HmacKey {
 public:
  // hash_length: 32 or 48. Any length of key; copied.
  HmacKey(std::size_t hash_length, Bytes key);
  HmacKey(const HmacKey&) = delete;
  HmacKey& operator=(const HmacKey&) = delete;
  ~HmacKey();

  // The HMAC of all pieces in order; out.size() is the hash's length, and out may be one of
  // the pieces.
  void compute(std::span<const Bytes> message, MutableBytes out) const;

  [[nodiscard]] std::size_t hash_length() const { return hash_length_; }

 private:
  // The hash of one block, from where each message goes on.
  union State {
    SHA256_CTX sha256;
    SHA512_CTX sha384;
  };
  State inner_;
  State outer_;
  std::size_t hash_length_;
};

// SHA-256 or SHA-384 of nothing: the transcript hash of some steps of TLS.
Bytes hash_of_nothing(std::size_t hash_length);

}  // namespace hawser::quic
