// aead_backends.h: what the AEAD backends offer to aead.cc; private to this folder.
// `state` is what make() returned; seal() and open() have the contracts of PacketKey with
// the nonce already computed; seal_run() and open_run() do the same for several packets; write_key() gives back what
// make() was given, and memory() says what a state takes.
#pragma once

#include <cstdint>
#include <span>

#include "base/bytes.h"
#include "quic/crypto/aead.h"

namespace hawser::quic {

// A packet of a run, all of one key, with its nonce.
struct Sealing {
  AeadNonce nonce;
  Bytes aad;
  std::span<const Bytes> plaintext;
  std::uint8_t* out = nullptr;
};
struct Opening {
  AeadNonce nonce;
  Bytes aad;
  MutableBytes sealed;  // a tag's length at least
  bool opened = false;
};

}  // namespace hawser::quic

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
void seal_run(void* state, CipherSuite suite, std::span<const Sealing> packets);
void open_run(void* state, CipherSuite suite, std::span<Opening> packets);

}  // namespace hawser::quic::ipsec_mb

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

namespace hawser::quic::evp {

void* make(CipherSuite suite, Bytes key);
void destroy(void* state);
void write_key(const void* state, MutableBytes out);
std::size_t memory();
void seal(void* state, const AeadNonce& nonce, Bytes aad, std::span<const Bytes> plaintext, std::uint8_t* out);
bool open(void* state, const AeadNonce& nonce, Bytes aad, MutableBytes ciphertext_and_tag);

}  // namespace hawser::quic::evp
