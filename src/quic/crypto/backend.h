// backend.h: the implementations of AES-GCM that a connection may be made to use. Part of
// the public face, through quic/connection/config.h.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace hawser::quic {

enum class CryptoBackend : std::uint8_t {
  kAuto,     // the fastest one that works here
  kVaes512,  // AES-GCM by 512-bit instructions; falls back to kIpsecMb
  kVaes,     // AES-GCM by 256-bit instructions; falls back to kIpsecMb
  kIpsecMb,  // AES-GCM by libipsec-mb; falls back to OpenSSL where it cannot serve
  kOpenSsl,
};

// "auto", "vaes512", "vaes", "ipsec-mb", "openssl"; nothing for any other text.
std::optional<CryptoBackend> crypto_backend_of(std::string_view name);
std::string_view to_string(CryptoBackend backend);
// Whether this machine and this build can serve it without falling back.
bool is_available(CryptoBackend backend);

}  // namespace hawser::quic
