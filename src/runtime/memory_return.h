// memory_return.h: when the memory that connections leave behind goes back to the system. The
// allocator keeps what is freed between blocks in use, and a handshake needs five times what a
// connection at rest keeps: after many of them much is free and nobody else can have it.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/time.h"

namespace hawser::runtime {

class MemoryReturn {
 public:
  // Connections that begin or end before it is worth the trouble: some 6 MB.
  static constexpr std::uint64_t kTurnover = 1'000;
  // Quiet before it: the connections have come to rest (quic/connection/rest.cc), and whatever
  // comes at once again has reused the memory.
  static constexpr Duration kQuiet = 3s;
  // Where it never gets quiet. Then little is free that is not about to be used.
  static constexpr Duration kLongest = 60s;

  // `turnover`: connections begun and ended so far, together.
  void note(std::uint64_t turnover, Timestamp now) {
    if (turnover == noted_) return;
    noted_ = turnover;
    if (turnover - returned_at_ < kTurnover) return;
    if (due_ == kNever) latest_ = now + kLongest;
    due_ = std::min(now + kQuiet, latest_);
  }
  // When to return memory; kNever: not at all.
  [[nodiscard]] Timestamp due() const { return due_; }
  // True once when that has passed.
  bool take_due(Timestamp now) {
    if (now < due_) return false;
    due_ = kNever;
    returned_at_ = noted_;
    return true;
  }

 private:
  std::uint64_t noted_ = 0;
  std::uint64_t returned_at_ = 0;  // noted_ at that time
  Timestamp due_ = kNever;
  Timestamp latest_ = kNever;
};

// Gives whole pages without a block in use back to the system, of all threads. Takes a few
// milliseconds for each 100 MB of the process, and nothing where the C library has no such call.
void return_free_memory();

}  // namespace hawser::runtime
