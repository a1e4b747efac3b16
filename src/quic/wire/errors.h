// errors.h: transport error codes (RFC 9000 section 20.1) and the value that carries one
// from the place that found a peer's fault to the CONNECTION_CLOSE that reports it.
#pragma once

#include <cstdint>
#include <expected>
#include <string_view>

namespace hawser::quic {

enum class TransportErrorCode : std::uint64_t {
  kNoError = 0x00,
  kInternalError = 0x01,
  kConnectionRefused = 0x02,
  kFlowControlError = 0x03,
  kStreamLimitError = 0x04,
  kStreamStateError = 0x05,
  kFinalSizeError = 0x06,
  kFrameEncodingError = 0x07,
  kTransportParameterError = 0x08,
  kConnectionIdLimitError = 0x09,
  kProtocolViolation = 0x0a,
  kInvalidToken = 0x0b,
  kApplicationError = 0x0c,
  kCryptoBufferExceeded = 0x0d,
  kKeyUpdateError = 0x0e,
  kAeadLimitReached = 0x0f,
  kNoViablePath = 0x10,
  kVersionNegotiationError = 0x11,  // RFC 9368 section 4
  kCryptoError = 0x0100,            // + the TLS alert, up to 0x01ff
};

// "FLOW_CONTROL_ERROR" and so on; "CRYPTO_ERROR" for the whole 0x01xx range.
std::string_view to_string(TransportErrorCode code);

constexpr TransportErrorCode crypto_error(std::uint8_t tls_alert) {
  return static_cast<TransportErrorCode>(0x0100u + tls_alert);
}

// The peer broke a rule. `frame_type` is the frame that did it, 0 if none is to blame.
// `reason` is a literal (static storage): it goes into the CONNECTION_CLOSE.
struct TransportError {
  TransportErrorCode code = TransportErrorCode::kNoError;
  std::uint64_t frame_type = 0;
  std::string_view reason;
};

template <class T>
using Parsed = std::expected<T, TransportError>;

inline std::unexpected<TransportError> fail(TransportErrorCode code, std::string_view reason,
                                            std::uint64_t frame_type = 0) {
  return std::unexpected(TransportError{code, frame_type, reason});
}

}  // namespace hawser::quic
