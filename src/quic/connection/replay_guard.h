// replay_guard.h: which tickets were used for 0-RTT lately, so that a first flight that somebody
// recorded and sends again is not answered a second time (RFC 8446 section 8.1). The one thing
// that the workers of a server share: any thread may ask, none waits for another.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/bytes.h"
#include "base/time.h"

namespace hawser::quic {

// A set of fingerprints in tables of fixed size, one for each generation of time. A ticket found in
// the present table or the one before was used; one that finds no room counts as used, for 0-RTT
// refused in error costs a round trip and a replay accepted in error may cost more.
class ReplayGuard {
 public:
  // A first flight is remembered for one to two generations. TLS takes a ticket's stated age within
  // 10 s of its own reckoning (RFC 8446 section 8.3), with issue times in whole seconds: what is
  // older than 11 s is refused there. The rest is for clocks that are set while we run.
  static constexpr Duration kGeneration = 15s;
  // 16 fingerprints of 32 bits are one cache line. How often a new ticket is refused in error is the
  // chance that its bucket is full, for buckets with a mean of L entries the Poisson tail P(n >= 16):
  // 5e-6 at L = 4, 5e-4 at L = 6, 8e-3 at L = 8, plus 2 L / 2^32 for equal fingerprints.
  static constexpr std::size_t kBucketSize = 16;
  // 2^14 buckets: three tables of 1 MiB. 5e-6 at 4,300 early handshakes a second, 5e-4 at 6,500.
  static constexpr std::size_t kDefaultBuckets = std::size_t{1} << 14;

  struct Options {
    std::size_t buckets = kDefaultBuckets;  // a power of two, 1 to 2^24
    std::array<std::uint64_t, 2> key{};     // random: peers must not choose their buckets
    // Tickets from before `start` may be used: their keys outlive the process. What was used
    // before is unknown, so nothing is accepted before a whole generation has passed.
    bool tickets_outlive_process = false;
    Timestamp start{};
  };
  explicit ReplayGuard(const Options& options);
  ~ReplayGuard();
  ReplayGuard(const ReplayGuard&) = delete;
  ReplayGuard& operator=(const ReplayGuard&) = delete;

  // True for one caller at most of those that ask about a ticket within a generation, whatever
  // their threads. `ticket_secret` is EarlyDataOffer's; `now` is the same clock in all threads.
  bool first_use(Bytes ticket_secret, Timestamp now);

  // Octets of the tables.
  [[nodiscard]] std::size_t memory() const;

 private:
  using Bucket = std::array<std::atomic<std::uint32_t>, kBucketSize>;

  // The table of a generation. Three: the one at hand, the one before, and the next, which is
  // empty, so that whoever is late and whoever is early see each other's entries.
  [[nodiscard]] Bucket& bucket(std::uint64_t generation, std::uint64_t hash);
  bool reach(std::uint64_t generation);
  void empty_table(std::uint64_t generation);
  static bool insert(Bucket& bucket, std::uint32_t fingerprint);
  static bool contains(const Bucket& bucket, std::uint32_t fingerprint);

  static constexpr std::size_t kTables = 3;
  // In generation_: somebody is emptying the table of the generation after next.
  static constexpr std::uint64_t kTurning = std::uint64_t{1} << 63;

  std::size_t table_size_;  // buckets
  std::uint64_t key_[2];
  std::uint64_t accepts_from_;  // generation
  std::unique_ptr<Bucket[]> buckets_;
  std::atomic<std::uint64_t> generation_;
};

}  // namespace hawser::quic
