// resume_claims.cc: an address is looked for in its bucket and takes a slot of it. Of two threads that come
// at once with one address, one loses the exchange of their slot; if they took two slots, each has
// entered its own before it looks for the other's, so that both may be refused but never both go.
#include "quic/connection/resume_claims.h"

#include <algorithm>

#include "base/check.h"
#include "base/flat_map.h"

namespace hawser::quic {
namespace {

std::uint32_t tick_of(Timestamp time) {
  // 0 means a free slot and nothing forgotten.
  return std::max(1u, static_cast<std::uint32_t>(time.time_since_epoch() / ResumeClaims::kTick));
}

// Ticks wrap, and what is to be judged is days old at most: of two that are further apart, the answer refuses or gives
// way.
bool is_before(std::uint32_t a, std::uint32_t b) {
  return static_cast<std::int32_t>(a - b) < 0;
}

std::uint32_t tick_in(std::uint64_t entry) {
  return static_cast<std::uint32_t>(entry);
}

bool same_address(std::uint64_t a, std::uint64_t b) {
  return (a >> 32) == (b >> 32);
}

}  // namespace

ResumeClaims::ResumeClaims(std::array<std::uint64_t, 2> key, std::size_t buckets)
    : buckets_count_(buckets), key_{key[0], key[1]}, buckets_(std::make_unique<Bucket[]>(buckets)) {
  HAWSER_CHECK(buckets != 0 && buckets <= (std::size_t{1} << 24) && (buckets & (buckets - 1)) == 0);
}

ResumeClaims::~ResumeClaims() = default;

// rfc9959:3.2-one-connection
bool ResumeClaims::claim(const SocketAddress& remote, Timestamp observed, Timestamp now) {
  const Bytes ip = remote.ip_bytes();
  const std::uint64_t hash = siphash13(key_, ip.data(), ip.size());
  Bucket& bucket = buckets_[hash & (buckets_count_ - 1)];
  // The bucket is chosen by low bits, 24 at most.
  const std::uint64_t entry = (hash >> 32 << 32) | tick_of(now);
  for (Slot& slot : bucket) {
    std::uint64_t found = slot.load();
    if (found == 0 || !same_address(found, entry)) continue;
    return is_before(tick_in(found), tick_of(observed)) && slot.compare_exchange_strong(found, entry) &&
           is_alone(bucket, entry);
  }
  const std::uint32_t forgotten = forgotten_.load();
  if (forgotten != 0 && !is_before(forgotten, tick_of(observed))) return false;
  return insert(bucket, entry) && is_alone(bucket, entry);
}

bool ResumeClaims::insert(Bucket& bucket, std::uint64_t entry) {
  for (Slot& slot : bucket) {
    std::uint64_t found = 0;
    if (slot.compare_exchange_strong(found, entry)) return true;
    if (same_address(found, entry)) return false;  // somebody was faster
  }
  Slot& oldest = *std::min_element(bucket.begin(), bucket.end(), [](const Slot& a, const Slot& b) {
    return is_before(tick_in(a.load()), tick_in(b.load()));
  });
  std::uint64_t found = oldest.load();
  // Before it goes, so that nobody finds neither.
  std::uint32_t known = forgotten_.load();
  while ((known == 0 || is_before(known, tick_in(found))) && !forgotten_.compare_exchange_weak(known, tick_in(found))) {
  }
  return oldest.compare_exchange_strong(found, entry);
}

bool ResumeClaims::is_alone(const Bucket& bucket, std::uint64_t entry) {
  return std::count_if(bucket.begin(), bucket.end(), [entry](const Slot& slot) {
           const std::uint64_t found = slot.load();
           return found != 0 && same_address(found, entry);
         }) == 1;
}

}  // namespace hawser::quic
