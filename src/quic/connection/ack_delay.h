// ack_delay.h: the ACK Delay field of a received frame (RFC 9000 section 19.3) as a time.
#pragma once

#include <cstdint>

#include "base/time.h"

namespace hawser::quic {

// One too large to mean anything is cut here, far above max_ack_delay's own limit.
inline constexpr std::uint64_t kMaxAckDelayUs = 1u << 26;

inline Duration decoded_ack_delay(std::uint64_t encoded, std::uint64_t exponent) {
  const std::uint64_t us = encoded > (kMaxAckDelayUs >> exponent) ? kMaxAckDelayUs : encoded << exponent;
  return std::chrono::microseconds(static_cast<std::int64_t>(us));
}

}  // namespace hawser::quic
