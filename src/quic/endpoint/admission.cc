// admission.cc: counts handshakes and first packets by source, and judges new clients by that.
// Before: endpoint.cc, which found no connection for a packet.
#include "quic/endpoint/admission.h"

#include <cmath>

#include "base/flat_map.h"

namespace hawser::quic {
namespace {

static_assert((Admission::kRowSize & (Admission::kRowSize - 1)) == 0 && Admission::kRowSize <= 65'536);
// An attack is over for us when its load has halved this often at most: 2 from the cap to the mark,
// 1 from the mark to where Retry is switched off.
constexpr double kUnproductiveCap = 4;
constexpr std::size_t kPrefixOfIpv6 = 8;  // octets

}  // namespace

Admission::Admission(const AdmissionLimits& limits, RetryPolicy policy, std::array<std::uint64_t, 2> hash_key)
    : limits_(limits), policy_(policy), hash_key_(hash_key) {}

Admission::Source Admission::source_of(const SocketAddress& address) const {
  const std::uint64_t key[2] = {hash_key_[0], hash_key_[1]};
  const Bytes ip = address.ip_bytes();
  const std::uint64_t hash = siphash13(key, ip.data(), std::min(ip.size(), kPrefixOfIpv6));
  return {{static_cast<std::uint16_t>(hash % kRowSize), static_cast<std::uint16_t>((hash >> 32) % kRowSize)}};
}

// The slot that fewer others use tells the truth, so one that still has a token is enough.
bool Admission::take(Source source, TokenBucket Slot::* bucket, std::size_t per_second, Timestamp now) {
  TokenBucket& first = slot(source, 0).*bucket;
  TokenBucket& second = slot(source, 1).*bucket;
  if (!first.has(now, per_second) && !second.has(now, per_second)) return false;
  first.take(now, per_second);
  second.take(now, per_second);
  return true;
}

bool Admission::on_initial(Source source, Timestamp now) {
  if (take(source, &Slot::initials, limits_.source_initials_per_second, now)) return true;
  ++stats_.initials_over_source_rate;
  stats_.initials_owed_for_floods += slot(source, 0).initials.owes(now) && slot(source, 1).initials.owes(now);
  return false;
}

void Admission::on_flood(Source source, Timestamp now) {
  for (const std::size_t row : {0, 1}) slot(source, row).initials.owe(now, kFloodCost, kFloodDebtMax);
}

bool Admission::on_reply(Source source, Timestamp now) {
  if (take(source, &Slot::replies, limits_.source_replies_per_second, now)) return true;
  ++stats_.replies_over_source_rate;
  return false;
}

std::size_t Admission::open_from(Source source, bool validated) {
  return std::min(slot(source, 0).open[validated], slot(source, 1).open[validated]);
}

std::size_t Admission::open_from(Source source) const {
  const auto open = [&](std::size_t row) {
    const Slot& slot = rows_[row * kRowSize + source.slots[row]];
    return slot.open[0] + slot.open[1];
  };
  return std::min(open(0), open(1));
}

Admission::Verdict Admission::judge(Source source, bool validated, Room room, Timestamp now) {
  note_unproductive(validated ? -1 : 0, now);
  // Addresses without a token may be invented, so they say little about who is at the other end:
  // what is over its share must prove itself first.
  const bool over = open_from(source, validated) >= limits_.source_handshakes_max ||
                    !handshakes_.has(now, limits_.handshakes_per_second);
  if (!validated && policy_ != RetryPolicy::kNever && (over || retries() || room != Room::kFree)) {
    if (take_retry(now)) return Verdict::kRetry;
  } else if (room == Room::kNone) {
    ++stats_.handshakes_refused;
    return Verdict::kRefuse;
  } else if (!over) {
    return Verdict::kAccept;
  }
  ++stats_.handshakes_ignored;
  return Verdict::kIgnore;
}

void Admission::set_waiting(std::size_t count) {
  waiting_ = count;
  update_retry();
}

bool Admission::take_retry(Timestamp now) {
  if (!retries_.has(now, limits_.retries_per_second)) return false;
  retries_.take(now, limits_.retries_per_second);
  note_unproductive(1, now);
  return true;
}

void Admission::begin(Source source, bool validated, Timestamp now) {
  for (const std::size_t row : {0, 1}) ++slot(source, row).open[validated];
  handshakes_.take(now, limits_.handshakes_per_second);
  ++stats_.handshakes_open;
  stats_.handshakes_open_most = std::max(stats_.handshakes_open_most, stats_.handshakes_open);
  memory_ += static_cast<std::int64_t>(kTlsMemory);
  stats_.handshake_memory_most = std::max(stats_.handshake_memory_most, static_cast<std::size_t>(memory_));
  note_unproductive(1, now);
}

void Admission::end(Source source, bool validated, bool complete, Timestamp now) {
  for (const std::size_t row : {0, 1}) --slot(source, row).open[validated];
  --stats_.handshakes_open;
  memory_ -= static_cast<std::int64_t>(kTlsMemory);
  note_unproductive(complete ? -1 : 0, now);
}

void Admission::note_unproductive(double count, Timestamp now) {
  // In steps of a millisecond, so that a packet costs an addition.
  if (now - decayed_at_ >= 1ms) {
    unproductive_ *= std::exp2(-to_seconds(now - decayed_at_));
    decayed_at_ = now;
  }
  unproductive_ = std::clamp(unproductive_ + count, 0.0, kUnproductiveCap * static_cast<double>(limits_.retry_mark));
  update_retry();
}

void Admission::update_retry() {
  if (policy_ != RetryPolicy::kUnderLoad) return;
  const double load = std::max(unproductive_, static_cast<double>(stats_.handshakes_open + waiting_));
  const auto mark = static_cast<double>(limits_.retry_mark);
  if (!retry_on_ && load >= mark) {
    retry_on_ = true;
    ++stats_.retry_switched_on;
  } else if (retry_on_ && load < mark / 2) {
    retry_on_ = false;
  }
}

Admission::Stats Admission::stats() const {
  Stats stats = stats_;
  stats.handshake_memory = static_cast<std::size_t>(std::max<std::int64_t>(memory_, 0));
  return stats;
}

}  // namespace hawser::quic
