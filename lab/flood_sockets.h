// flood_sockets.h: where an attacker's packets leave from, and at what pace.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "base/random.h"
#include "flood_options.h"

namespace hawser::flood {

inline constexpr std::size_t kBatch = 32;

// UDP sockets towards the target, non-blocking; constructors throw std::runtime_error.
class Sockets {
 public:
  explicit Sockets(const Options& options);
  ~Sockets();
  Sockets(const Sockets&) = delete;
  Sockets& operator=(const Sockets&) = delete;

  [[nodiscard]] std::size_t size() const { return fds_.size(); }
  [[nodiscard]] int fd(std::size_t i) const { return fds_[i % fds_.size()]; }
  // From the i-th of them, in turns; false: the kernel took it not.
  bool send(std::uint64_t i, Bytes datagram) const;
  // Datagrams of one size that lie one behind the other, in one call that the kernel cuts (UDP_SEGMENT).
  bool send_train(std::uint64_t i, Bytes datagrams, std::size_t size) const;
  // Likewise, each from another address of 127.0.0.0/8 that `random` chooses: nobody gets the answers. kBatch at most.
  bool send_spoofed(std::uint64_t i, Bytes datagrams, std::size_t size, Random& random) const;

 private:
  std::vector<int> fds_;
};

// So many packets a second in small batches, for so long. What could not be sent in time is not made up for.
class Pace {
 public:
  explicit Pace(const Options& options);
  // Sleeps until something is due and says how many; 0: it is over.
  std::size_t next();

 private:
  double rate_;
  WallClock::time_point begin_;
  WallClock::time_point end_;
  std::uint64_t sent_ = 0;
};

// Calls send_some(count) at that pace, kBatch at most at a time.
void paced(const Options& options, auto&& send_some) {
  Pace pace(options);
  while (const std::size_t count = pace.next()) send_some(count);
}

}  // namespace hawser::flood
