// resume_claims.h: which remembered paths of a server's clients were used by a connection already: one
// jump for what was observed once, however many connections a client opens with it, and whatever their
// workers (RFC 9959 section 3.2). Any thread may ask, none waits for another.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/address.h"
#include "base/time.h"

namespace hawser::quic {

// When each address last jumped, in a table of fixed size. What was observed before that may not be used
// any more. Where a bucket is full the oldest address in it gives way, and with it all that was
// observed before its jump, of anybody: to forget may cost a client its jump, never allow a second one.
class ResumeClaims {
 public:
  static constexpr std::size_t kBucketSize = 8;  // 64 octets: a cache line
  // 65,536 addresses in 512 KiB. At 18 jumps a second an entry lasts an hour.
  static constexpr std::size_t kDefaultBuckets = std::size_t{1} << 13;
  static constexpr Duration kTick = 10ms;  // 32 bits of it are 497 days; then they wrap

  // `buckets`: a power of two, 1 to 2^24. `key` is random: clients must not choose their buckets.
  explicit ResumeClaims(std::array<std::uint64_t, 2> key, std::size_t buckets = kDefaultBuckets);
  ~ResumeClaims();
  ResumeClaims(const ResumeClaims&) = delete;
  ResumeClaims& operator=(const ResumeClaims&) = delete;

  // True for one caller at most for all that was observed of `remote` up to `now`; ports do not count.
  // `now` is the same clock in all threads.
  bool claim(const SocketAddress& remote, Timestamp observed, Timestamp now);

  // Octets of the table.
  [[nodiscard]] std::size_t memory() const { return buckets_count_ * sizeof(Bucket); }

 private:
  // In each slot, in the high half who, and in the low half when.
  using Slot = std::atomic<std::uint64_t>;
  using Bucket = std::array<Slot, kBucketSize>;

  bool insert(Bucket& bucket, std::uint64_t entry);
  static bool is_alone(const Bucket& bucket, std::uint64_t entry);

  std::size_t buckets_count_;
  std::uint64_t key_[2];
  std::unique_ptr<Bucket[]> buckets_;
  std::atomic<std::uint32_t> forgotten_{0};  // jumps up to this tick may be forgotten
};

}  // namespace hawser::quic
