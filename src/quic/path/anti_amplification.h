// anti_amplification.h: before an address is validated, at most three times what it sent
// may be sent to it (RFC 9000 section 8.1).
#pragma once

#include <cstdint>

namespace hawser::quic {

// rfc9000:8-three-times rfc9000:8.1-three-times rfc9000:14.1-server-limit
class AntiAmplification {
 public:
  static constexpr std::uint64_t kFactor = 3;

  // validated == true: no limit, as for a client's own server or a valid token.
  explicit AntiAmplification(bool validated = false) : validated_(validated) {}

  // Octets of UDP payload, of datagrams that belong to this connection.
  void on_received(std::uint64_t bytes) { received_ += bytes; }
  void on_sent(std::uint64_t bytes) { sent_ += bytes; }
  void on_validated() { validated_ = true; }

  // Octets that may be sent now; UINT64_MAX once validated.
  [[nodiscard]] std::uint64_t credit() const {
    if (validated_) return UINT64_MAX;
    const std::uint64_t allowed = received_ * kFactor;
    return allowed > sent_ ? allowed - sent_ : 0;
  }
  [[nodiscard]] bool allows(std::uint64_t bytes) const { return bytes <= credit(); }
  [[nodiscard]] bool validated() const { return validated_; }

 private:
  std::uint64_t received_ = 0;
  std::uint64_t sent_ = 0;
  bool validated_;
};

}  // namespace hawser::quic
