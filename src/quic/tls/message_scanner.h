// message_scanner.h: finds where messages of TLS begin in CRYPTO data that comes in pieces (RFC 8446
// section 4: a type, a length of three octets, the body).
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/bytes.h"

namespace hawser::quic {

class MessageScanner {
 public:
  // Goes on with the next octets of the stream. True if a message of `type` begins in them.
  bool finds(std::uint8_t type, Bytes octets) {
    bool found = false;
    while (!octets.empty()) {
      if (header_ == 4) {
        const std::size_t skip = std::min<std::size_t>(body_left_, octets.size());
        body_left_ -= static_cast<std::uint32_t>(skip);
        octets = octets.subspan(skip);
        if (body_left_ == 0) header_ = 0;
        continue;
      }
      if (header_ == 0) {
        wanted_ = octets[0] == type;
        found = found || wanted_;
        body_left_ = 0;
      } else {
        body_left_ = body_left_ << 8 | octets[0];
      }
      octets = octets.subspan(1);
      if (++header_ < 4) continue;
      if (wanted_) longest_ = std::max(longest_, body_left_);
      if (body_left_ == 0) header_ = 0;
    }
    return found;
  }

  // Octets of the longest body that a message of that type announced.
  [[nodiscard]] std::uint32_t longest() const { return longest_; }

 private:
  std::uint32_t body_left_ = 0;
  std::uint32_t longest_ = 0;
  bool wanted_ = false;
  unsigned header_ = 0;  // octets of the header so far; 4: in the body
};

}  // namespace hawser::quic
