// aead_backends.h: what the AEAD backends offer to aead.cc; private to this folder.
// `state` is what make() returned; seal() and open() have the contracts of PacketKey with
// the nonce already computed; seal_run() and open_run() do the same for several packets; write_key() gives back what
// make() was given, and memory() says what a state takes.
#pragma once

#include <cstdint>
#include <span>

#include "base/bytes.h"
#include "base/check.h"
#include "quic/crypto/aead.h"

namespace hawser::quic::ipsec_mb {

// The library is linked in and the CPU has AES and carry-less multiplication.
bool is_available();
void* make(CipherSuite suite, Bytes key);  // AES suites only
void destroy(void* state, CipherSuite suite);
void write_key(const void* state, MutableBytes out);
std::size_t memory();
void seal(void* state, CipherSuite suite, const AeadNonce& nonce, Bytes aad, std::span<const Bytes> plaintext,
          std::uint8_t* out);
bool open(void* state, CipherSuite suite, const AeadNonce& nonce, Bytes aad, MutableBytes ciphertext_and_tag);
// As many nonces as packets; what is sealed has a tag's length at least.
void seal_run(void* state, CipherSuite suite, std::span<const AeadNonce> nonces, std::span<const PacketToSeal> packets);
void open_run(void* state, CipherSuite suite, std::span<const AeadNonce> nonces, std::span<PacketToOpen> packets);

}  // namespace hawser::quic::ipsec_mb

#if defined(__x86_64__)
namespace hawser::quic::vaes512 {

// The CPU has AES and carry-less multiplication on 512-bit registers, and AVX-512 BW, DQ and VL.
bool is_available();
void* make(CipherSuite suite, Bytes key);  // AES suites only
void destroy(void* state);
void write_key(const void* state, MutableBytes out);
std::size_t memory();
void seal(void* state, const AeadNonce& nonce, Bytes aad, std::span<const Bytes> plaintext, std::uint8_t* out);
bool open(void* state, const AeadNonce& nonce, Bytes aad, MutableBytes ciphertext_and_tag);

}  // namespace hawser::quic::vaes512

namespace hawser::quic::vaes {

// The CPU has AES and carry-less multiplication on 256-bit registers.
bool is_available();
void* make(CipherSuite suite, Bytes key);  // AES suites only
void destroy(void* state);
void write_key(const void* state, MutableBytes out);
std::size_t memory();
void seal(void* state, const AeadNonce& nonce, Bytes aad, std::span<const Bytes> plaintext, std::uint8_t* out);
bool open(void* state, const AeadNonce& nonce, Bytes aad, MutableBytes ciphertext_and_tag);

}  // namespace hawser::quic::vaes

#else

namespace hawser::quic::no_kernel {

// What stands in for the kernels on other CPUs; nothing but is_available() is called.
inline bool is_available() {
  return false;
}
inline void* make(CipherSuite, Bytes) {
  HAWSER_CHECK(is_available());
  return nullptr;
}
inline void destroy(void*) {}
inline void write_key(const void*, MutableBytes) {
  HAWSER_CHECK(is_available());
}
inline std::size_t memory() {
  return 0;
}
inline void seal(void*, const AeadNonce&, Bytes, std::span<const Bytes>, std::uint8_t*) {
  HAWSER_CHECK(is_available());
}
inline bool open(void*, const AeadNonce&, Bytes, MutableBytes) {
  return false;
}

}  // namespace hawser::quic::no_kernel

namespace hawser::quic {

namespace vaes = no_kernel;
namespace vaes512 = no_kernel;

}  // namespace hawser::quic

#endif

namespace hawser::quic::evp {

void* make(CipherSuite suite, Bytes key);
void destroy(void* state);
void write_key(const void* state, MutableBytes out);
std::size_t memory();
void seal(void* state, const AeadNonce& nonce, Bytes aad, std::span<const Bytes> plaintext, std::uint8_t* out);
bool open(void* state, const AeadNonce& nonce, Bytes aad, MutableBytes ciphertext_and_tag);

}  // namespace hawser::quic::evp
