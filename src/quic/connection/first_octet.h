// first_octet.h: the bits of a packet's first octet that anybody on the way can read: the QUIC bit, which
// RFC 9287 has vary so that nobody comes to rely on it, and the spin bit of RFC 9000 section 17.4.
#pragma once

#include <cstdint>

#include "base/random.h"
#include "quic/connection/config.h"
#include "quic/wire/packet_header.h"

namespace hawser::quic {

class FirstOctet {
 public:
  // rfc9000:17.4-one-in-16
  // RFC 9000 section 17.4 asks for one in 16 on average; twice as many, so that chance does not undercut it.
  static constexpr std::uint64_t kSilentOneIn = 8;

  // rfc9000:17.4-disable rfc9000:17.4-administrator rfc9000:17.4-random
  FirstOctet(SpinBitPolicy policy, Random& random) {
    if (policy == SpinBitPolicy::kOff) return;
    spins_ = policy == SpinBitPolicy::kOn && random.below(kSilentOneIn) != 0;
    constant_ = !spins_ && random.below(2) == 1 ? kSpinBit : std::uint8_t{0};
  }

  // The peer's transport parameters of this very connection announce grease_quic_bit.
  void grease() { greases_ = true; }
  [[nodiscard]] bool greases() const { return greases_; }
  // The spin bit follows what is received.
  [[nodiscard]] bool spins() const { return spins_; }
  // All bits are as they are without this object.
  [[nodiscard]] bool plain() const { return !greases_ && !spins_ && constant_ == 0; }

  // What to flip in a header that has the QUIC bit set and the spin bit clear. `spin`: the value of the
  // network path. A word of `random` serves 63 packets.
  // rfc9287:3.1-unpredictable
  std::uint8_t flips(bool is_short, bool spin, Random& random) {
    std::uint8_t flip = 0;
    if (greases_) {
      if (bits_ <= 1) bits_ = random.next_u64() | std::uint64_t{1} << 63;
      flip = (bits_ & 1) != 0 ? kFixedBit : std::uint8_t{0};
      bits_ >>= 1;
    }
    if (is_short) flip |= spins_ && spin ? kSpinBit : constant_;
    return flip;
  }

 private:
  std::uint64_t bits_ = 0;  // yet to be used, below a 1
  std::uint8_t constant_ = 0;
  bool greases_ = false;
  bool spins_ = false;
};

}  // namespace hawser::quic
