// system_random.h: the kernel's random octets, read ahead so that a connection ID does not
// cost a system call. One thread per instance.
#pragma once

#include <array>
#include <cstddef>

#include "base/random.h"

namespace hawser::runtime {

class SystemRandom final : public Random {
 public:
  SystemRandom() = default;
  // Wipes what was read ahead.
  ~SystemRandom() override;
  SystemRandom(const SystemRandom&) = delete;
  SystemRandom& operator=(const SystemRandom&) = delete;

  // Octets are wiped from the buffer as they are given out: what was drawn before cannot be
  // read from memory later.
  void fill(MutableBytes out) override;

 private:
  std::array<std::uint8_t, 1'024> ahead_{};
  std::size_t used_ = ahead_.size();
};

}  // namespace hawser::runtime
