// error.h: HTTP/3 and QPACK error codes (RFC 9114 section 8.1, RFC 9204 section 6, RFC 9297
// section 5.2) and the value that carries one from where it was found to where it is sent.
#pragma once

#include <cstdint>
#include <expected>
#include <string_view>

#include "http3/qpack/error.h"

namespace hawser::http3 {

enum class ErrorCode : std::uint64_t {
  kDatagramError = 0x33,
  kNoError = 0x100,
  kGeneralProtocolError = 0x101,
  kInternalError = 0x102,
  kStreamCreationError = 0x103,
  kClosedCriticalStream = 0x104,
  kFrameUnexpected = 0x105,
  kFrameError = 0x106,
  kExcessiveLoad = 0x107,
  kIdError = 0x108,
  kSettingsError = 0x109,
  kMissingSettings = 0x10a,
  kRequestRejected = 0x10b,
  kRequestCancelled = 0x10c,
  kRequestIncomplete = 0x10d,
  kMessageError = 0x10e,
  kConnectError = 0x10f,
  kVersionFallback = 0x110,
  kQpackDecompressionFailed = 0x200,
  kQpackEncoderStreamError = 0x201,
  kQpackDecoderStreamError = 0x202,
};

// "H3_FRAME_UNEXPECTED" and so on; "H3_UNKNOWN" for a code that is not in the list.
std::string_view to_string(ErrorCode code);

// What a fault ends: the connection, or only the stream it was found on.
enum class ErrorScope : std::uint8_t { kConnection, kStream };

// The peer broke a rule. `reason` is a literal (static storage).
struct Error {
  ErrorCode code = ErrorCode::kNoError;
  std::string_view reason;
  ErrorScope scope = ErrorScope::kConnection;

  bool operator==(const Error&) const = default;
};

template <class T>
using Result = std::expected<T, Error>;

inline std::unexpected<Error> fail(ErrorCode code, std::string_view reason) {
  return std::unexpected(Error{code, reason, ErrorScope::kConnection});
}

// RFC 9114 section 4.1.2: a malformed message is a stream error.
inline std::unexpected<Error> malformed(std::string_view reason) {
  return std::unexpected(Error{ErrorCode::kMessageError, reason, ErrorScope::kStream});
}

inline Error from_qpack(const qpack::Error& error) {
  return {static_cast<ErrorCode>(error.code), error.reason, ErrorScope::kConnection};
}

}  // namespace hawser::http3
