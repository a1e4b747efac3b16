// errors.cc: the registry's names of the transport error codes.
#include "quic/wire/errors.h"

namespace hawser::quic {

std::string_view to_string(TransportErrorCode code) {
  switch (code) {
    case TransportErrorCode::kNoError:
      return "NO_ERROR";
    case TransportErrorCode::kInternalError:
      return "INTERNAL_ERROR";
    case TransportErrorCode::kConnectionRefused:
      return "CONNECTION_REFUSED";
    case TransportErrorCode::kFlowControlError:
      return "FLOW_CONTROL_ERROR";
    case TransportErrorCode::kStreamLimitError:
      return "STREAM_LIMIT_ERROR";
    case TransportErrorCode::kStreamStateError:
      return "STREAM_STATE_ERROR";
    case TransportErrorCode::kFinalSizeError:
      return "FINAL_SIZE_ERROR";
    case TransportErrorCode::kFrameEncodingError:
      return "FRAME_ENCODING_ERROR";
    case TransportErrorCode::kTransportParameterError:
      return "TRANSPORT_PARAMETER_ERROR";
    case TransportErrorCode::kConnectionIdLimitError:
      return "CONNECTION_ID_LIMIT_ERROR";
    case TransportErrorCode::kProtocolViolation:
      return "PROTOCOL_VIOLATION";
    case TransportErrorCode::kInvalidToken:
      return "INVALID_TOKEN";
    case TransportErrorCode::kApplicationError:
      return "APPLICATION_ERROR";
    case TransportErrorCode::kCryptoBufferExceeded:
      return "CRYPTO_BUFFER_EXCEEDED";
    case TransportErrorCode::kKeyUpdateError:
      return "KEY_UPDATE_ERROR";
    case TransportErrorCode::kAeadLimitReached:
      return "AEAD_LIMIT_REACHED";
    case TransportErrorCode::kNoViablePath:
      return "NO_VIABLE_PATH";
    case TransportErrorCode::kVersionNegotiationError:
      return "VERSION_NEGOTIATION_ERROR";
    default:
      break;
  }
  const auto value = static_cast<std::uint64_t>(code);
  return value >= 0x100 && value <= 0x1ff ? "CRYPTO_ERROR" : "UNKNOWN_ERROR";
}

}  // namespace hawser::quic
