// af_xdp_options.h: what may be chosen about the AF_XDP engine.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace hawser::net {

// Whether datagrams stay where the network card wrote them, or are copied once by the kernel.
enum class XdpZeroCopy : std::uint8_t { kAuto, kCopy, kZeroCopy };

struct AfXdpOptions {
  std::vector<std::string> interfaces;  // by name; empty: those that the bound addresses are on
  std::uint32_t queue = 0;              // the receive queue of each interface
  XdpZeroCopy zero_copy = XdpZeroCopy::kAuto;
};

}  // namespace hawser::net
