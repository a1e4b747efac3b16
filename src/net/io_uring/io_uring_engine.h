// io_uring_engine.h: the engine over io_uring: receiving is asked for once and goes on, so that
// waiting and reading are one system call; large trains leave without a copy where the network
// card takes them. Needs Linux 6.1 and, when building, liburing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>

#include "base/result.h"
#include "net/engine.h"

namespace hawser::net {

// Whether large trains are read where they are, or copied by the kernel as any others. kAuto
// tries, and goes on where the way to the network takes it.
enum class UringZeroCopy : std::uint8_t { kAuto, kCopy, kZeroCopy };

struct IoUringOptions {
  // Slots of 64 KB: the kernel fills or reads some while the application has others. Of their
  // 4 MB each of address space, only what traffic uses becomes memory.
  std::size_t receive_slots = 64;   // 1 to 4,096
  std::size_t transmit_slots = 64;  // 1 to 64
  UringZeroCopy zero_copy = UringZeroCopy::kAuto;
};

// Why there is no such engine here, and what to change; nothing if there is.
std::optional<ConfigError> why_not_io_uring();

// The error says what this kernel lacks or forbids, or that this build is without liburing.
std::expected<std::unique_ptr<Engine>, ConfigError> make_io_uring_engine(const IoUringOptions& options = {});

}  // namespace hawser::net
