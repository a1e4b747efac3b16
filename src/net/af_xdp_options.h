// af_xdp_options.h: what may be chosen about the AF_XDP engine.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace hawser::net {

// Whether datagrams stay where the network card wrote them, or are copied once by the kernel.
enum class XdpZeroCopy : std::uint8_t { kAuto, kCopy, kZeroCopy };

// Who runs the program that picks our datagrams: the driver, before the kernel makes a buffer of
// its own (native), or the kernel after that, for drivers that cannot (generic).
enum class XdpMode : std::uint8_t { kAuto, kNative, kGeneric };

// Frames for one direction of one queue; a power of two. The default lasts 5 ms at 10 Gbit/s and
// 1,500 octets: 4,096 * 1,500 * 8 / 10^10. Each costs 2 KB (4 KB at an MTU above 1,774), so the
// default is 4,096 * 2 directions * 2 KB = 16 MB for every queue.
inline constexpr std::uint32_t kXdpFramesDefault = 4'096;
inline constexpr std::uint32_t kXdpFramesMin = 64;
inline constexpr std::uint32_t kXdpFramesMax = 65'536;

struct AfXdpOptions {
  std::vector<std::string> interfaces;  // by name; empty: the one that the bound address is on
  std::vector<std::uint32_t> queues;    // receive queues to serve; empty: all of the interface
  XdpMode mode = XdpMode::kAuto;
  XdpZeroCopy zero_copy = XdpZeroCopy::kAuto;
  std::uint32_t frames = kXdpFramesDefault;
  // Engine number `worker` of `workers` takes every workers-th queue, counted from its number.
  // One that gets none sends and receives by its kernel sockets.
  std::size_t worker = 0;
  std::size_t workers = 1;
};

}  // namespace hawser::net
