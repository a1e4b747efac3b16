// replay_guard.cc: a fingerprint goes into the present table and is looked for in its neighbours.
// Two that come at once with one ticket meet in a slot of one bucket, where an exchange lets one of
// them win; if the clock turned between them, each has entered its table before it looks into the
// other's, so that at least one sees the other. Both may be refused, never accepted.
#include "quic/connection/replay_guard.h"

#include <algorithm>

#include "base/check.h"
#include "base/flat_map.h"

namespace hawser::quic {
namespace {

std::uint64_t generation_at(Timestamp time) {
  // The clock of a driver may start at zero, and one generation before that must have a number.
  return static_cast<std::uint64_t>(time.time_since_epoch() / ReplayGuard::kGeneration) + 1;
}

}  // namespace

ReplayGuard::ReplayGuard(const Options& options)
    : table_size_(options.buckets),
      key_{options.key[0], options.key[1]},
      accepts_from_(generation_at(options.start) + (options.tickets_outlive_process ? 2 : 0)),
      buckets_(std::make_unique<Bucket[]>(options.buckets * kTables)),
      generation_(generation_at(options.start)) {
  HAWSER_CHECK(options.buckets != 0 && options.buckets <= (std::size_t{1} << 24) &&
               (options.buckets & (options.buckets - 1)) == 0);
}

ReplayGuard::~ReplayGuard() = default;

std::size_t ReplayGuard::memory() const {
  return table_size_ * kTables * sizeof(Bucket);
}

ReplayGuard::Bucket& ReplayGuard::bucket(std::uint64_t generation, std::uint64_t hash) {
  return buckets_[generation % kTables * table_size_ + (hash & (table_size_ - 1))];
}

void ReplayGuard::empty_table(std::uint64_t generation) {
  Bucket* const table = &buckets_[generation % kTables * table_size_];
  for (std::size_t i = 0; i < table_size_; ++i)
    for (std::atomic<std::uint32_t>& slot : table[i]) slot.store(0, std::memory_order_relaxed);
}

// Brings the tables up to a generation. False: another thread is at it, which takes it a moment.
bool ReplayGuard::reach(std::uint64_t generation) {
  std::uint64_t present = generation_.load(std::memory_order_acquire);
  if ((present & kTurning) != 0) return false;
  // A caller whose clock was read before somebody else's uses the later table.
  if (present >= generation) return true;
  if (!generation_.compare_exchange_strong(present, generation | kTurning, std::memory_order_acq_rel)) return false;
  // Of the tables only the one of the generation just over is still needed, if it was just now. What
  // is in the others was used more than a generation ago.
  if (generation - present > 1) empty_table(generation);
  if (generation - present > 2) empty_table(generation - 1);
  empty_table(generation + 1);
  generation_.store(generation, std::memory_order_release);
  return true;
}

// Slots fill in order and are never freed one by one.
bool ReplayGuard::insert(Bucket& bucket, std::uint32_t fingerprint) {
  for (std::atomic<std::uint32_t>& slot : bucket) {
    std::uint32_t found = 0;
    if (slot.compare_exchange_strong(found, fingerprint, std::memory_order_seq_cst)) return true;
    if (found == fingerprint) return false;
  }
  return false;
}

bool ReplayGuard::contains(const Bucket& bucket, std::uint32_t fingerprint) {
  return std::any_of(bucket.begin(), bucket.end(), [fingerprint](const std::atomic<std::uint32_t>& slot) {
    return slot.load(std::memory_order_seq_cst) == fingerprint;
  });
}

bool ReplayGuard::first_use(Bytes ticket_secret, Timestamp now) {
  const std::uint64_t wanted = generation_at(now);
  if (wanted < accepts_from_ || !reach(wanted)) return false;
  const std::uint64_t generation = generation_.load(std::memory_order_acquire);
  if ((generation & kTurning) != 0) return false;
  const std::uint64_t hash = siphash13(key_, ticket_secret.data(), ticket_secret.size());
  // The bucket is chosen by low bits, 24 at most; 0 means a free slot.
  const auto high = static_cast<std::uint32_t>(hash >> 32);
  const std::uint32_t fingerprint = high != 0 ? high : 1;
  if (!insert(bucket(generation, hash), fingerprint)) return false;
  return !contains(bucket(generation - 1, hash), fingerprint) && !contains(bucket(generation + 1, hash), fingerprint);
}

}  // namespace hawser::quic
