// pacer.cc: a token bucket whose level is computed from the time, never ticked.
#include "quic/congestion/pacer.h"

#include <algorithm>

namespace hawser::quic {

namespace {

// Octets that `rate` gives in `elapsed`, in 128 bits so that no pause overflows.
std::int64_t bytes_in(std::uint64_t rate, Duration elapsed) {
  const auto product =
      static_cast<unsigned __int128>(rate) * static_cast<std::uint64_t>(elapsed.count()) / 1'000'000'000u;
  return static_cast<std::int64_t>(std::min<unsigned __int128>(product, INT64_MAX));
}

}  // namespace

Pacer::Pacer(std::uint64_t max_datagram_size) : max_datagram_size_(max_datagram_size) {
  reset(max_datagram_size);
}

void Pacer::reset(std::uint64_t max_datagram_size) {
  max_datagram_size_ = max_datagram_size;
  rate_ = 0;
  started_ = false;
  set_burst();
  tokens_ = static_cast<std::int64_t>(burst_);
  awaited_ = kNever;
  missed_ = 0;
}

void Pacer::on_mtu_change(std::uint64_t max_datagram_size) {
  max_datagram_size_ = max_datagram_size;
  set_burst();
}

// Ten datagrams, as RFC 9002 section 7.7 allows at the start, within one train; or what the rate
// gives in one tick of the timer. Past 64 MB/s that is more than a train: a driver that
// sleeps a whole tick then sends several.
// rfc9002:7.7-bursts rfc9002:7.7-initial-window
void Pacer::set_burst() {
  const auto tick = static_cast<std::uint64_t>(bytes_in(rate_, kTimerGranularity));
  const std::uint64_t datagrams = smooth_ && rate_ != 0 ? 2 : kBurstDatagrams;
  const std::uint64_t least = std::min<std::uint64_t>(datagrams * max_datagram_size_, kBurstBytesMax);
  burst_ = static_cast<std::size_t>(std::max(least, tick));
}

// rfc9002:7.7-pace
void Pacer::set_rate(std::uint64_t congestion_window, Duration smoothed_rtt, bool slow_start,
                     std::optional<std::uint64_t> controller_rate) {
  if (controller_rate.has_value()) {
    rate_ = *controller_rate;
  } else if (smoothed_rtt > Duration::zero()) {
    const double factor = slow_start ? 2.0 : 1.25;
    const double rate =
        factor * static_cast<double>(congestion_window) * 1e9 / static_cast<double>(smoothed_rtt.count());
    rate_ = static_cast<std::uint64_t>(std::max(rate, 1.0));
  }
  set_burst();
}

// The bucket holds one tick, so that a pause is not followed by a burst. Yet a wait that only took longer than asked
// is no pause: where timers come 2 ms late, two thirds of the rate would be lost.
std::int64_t Pacer::missed(Timestamp now) const {
  if (now == updated_) return missed_;
  return now > awaited_ ? bytes_in(rate_, std::min(now - awaited_, kLatenessMax)) : 0;
}

std::int64_t Pacer::level(Timestamp now) const {
  const std::int64_t burst = static_cast<std::int64_t>(burst_) + missed(now);
  if (!started_ || rate_ == 0) return burst;
  if (now <= updated_) return std::min(tokens_, burst);
  const std::int64_t gained = bytes_in(rate_, now - updated_);
  return gained >= burst - tokens_ ? burst : tokens_ + gained;
}

std::size_t Pacer::budget(Timestamp now) const {
  const std::int64_t octets = level(now);
  return octets > 0 ? static_cast<std::size_t>(octets) : 0;
}

void Pacer::on_packet_sent(std::size_t bytes, Timestamp now) {
  tokens_ = level(now) - static_cast<std::int64_t>(bytes);
  missed_ = missed(now);
  awaited_ = kNever;
  updated_ = std::max(updated_, now);
  started_ = true;
}

Duration Pacer::time_for(std::uint64_t bytes) const {
  if (rate_ == 0) return Duration::zero();
  const auto ns = static_cast<unsigned __int128>(bytes) * 1'000'000'000u / rate_ + 1;
  return Duration{static_cast<std::int64_t>(std::min<unsigned __int128>(ns, INT64_MAX / 2))};
}

Timestamp Pacer::next_release(Timestamp now) const {
  // A batch worth waking up for: half the bucket, but at least one datagram.
  const auto worth = smooth_ ? static_cast<std::uint64_t>(bytes_in(rate_, kSmoothBatch)) : burst_ / 2;
  const auto batch = static_cast<std::int64_t>(std::max<std::uint64_t>(worth, max_datagram_size_));
  const std::int64_t have = level(now);
  if (have >= batch) return now;
  return now + time_for(static_cast<std::uint64_t>(batch - have));
}

}  // namespace hawser::quic
