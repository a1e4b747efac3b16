// error.h: the three ways a peer can break QPACK (RFC 9204 section 6). Each one ends the connection.
#pragma once

#include <cstdint>
#include <expected>
#include <string_view>

namespace hawser::http3::qpack {

enum class ErrorCode : std::uint64_t {
  kDecompressionFailed = 0x200,  // an encoded field section cannot be understood
  kEncoderStreamError = 0x201,   // an instruction on the peer's encoder stream cannot
  kDecoderStreamError = 0x202,   // an instruction on the peer's decoder stream cannot
};

// `reason` is a literal (static storage): it goes into the CONNECTION_CLOSE.
struct Error {
  ErrorCode code = ErrorCode::kDecompressionFailed;
  std::string_view reason;
};

template <class T>
using Result = std::expected<T, Error>;

inline std::unexpected<Error> fail(ErrorCode code, std::string_view reason) {
  return std::unexpected(Error{code, reason});
}

}  // namespace hawser::http3::qpack
