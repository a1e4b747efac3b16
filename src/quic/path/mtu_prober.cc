// mtu_prober.cc: the search, largest first, then the sizes networks really have, then halving.
#include "quic/path/mtu_prober.h"

#include <algorithm>
#include <array>

#include "base/check.h"

namespace hawser::quic {

namespace {

// UDP payloads of common links: jumbo frames of 9,000 octets, Ethernet, PPPoE, and the
// usual tunnels, each less IPv6 or IPv4 and UDP headers.
constexpr std::array<std::uint16_t, 6> kLikelySizes{8'972, 8'952, kEthernetMtuIpv4, kEthernetMtuIpv6, 1'440, 1'372};

}  // namespace

MtuProber::MtuProber(const MtuConfig& config)
    : config_(config), limit_(config.max), mtu_(config.initial), too_large_(0) {
  HAWSER_CHECK(config.initial >= kBaseMtu && config.max >= config.initial && config.max <= kMaxMtu);
  too_large_ = static_cast<std::uint16_t>(limit_ + 1);
}

void MtuProber::set_peer_limit(std::uint64_t max_udp_payload_size) {
  const std::uint64_t peer = std::max<std::uint64_t>(max_udp_payload_size, kBaseMtu);
  limit_ = static_cast<std::uint16_t>(std::min<std::uint64_t>(config_.max, peer));
  mtu_ = std::min(mtu_, limit_);
  too_large_ = std::min(too_large_, static_cast<std::uint16_t>(limit_ + 1));
  if (probe_ > limit_) probe_ = limit_;
}

void MtuProber::start(Timestamp now) {
  started_ = true;
  in_flight_ = false;
  resume_at_ = now;
  if (mtu_ < limit_) {
    begin_search();
  } else {
    resume_at_ = kNever;
  }
}

// rfc9000:14.2-discover rfc9000:14.3-base
void MtuProber::begin_search() {
  searching_ = true;
  resume_at_ = kNever;
  too_large_ = static_cast<std::uint16_t>(limit_ + 1);
  probe_ = limit_;
  probe_losses_ = 0;
}

void MtuProber::choose_next(Timestamp now) {
  probe_losses_ = 0;
  if (too_large_ - mtu_ <= kResolution) {
    finish(now);
    return;
  }
  for (const std::uint16_t likely : kLikelySizes) {
    if (likely <= mtu_ || likely >= too_large_) continue;
    probe_ = likely;
    return;
  }
  probe_ = static_cast<std::uint16_t>(mtu_ + (too_large_ - mtu_) / 2);
}

void MtuProber::finish(Timestamp now) {
  searching_ = false;
  probe_ = 0;
  resume_at_ = mtu_ < limit_ ? now + kRaiseInterval : kNever;
}

std::uint16_t MtuProber::next_probe(Timestamp now) const {
  if (!started_ || in_flight_) return 0;
  if (searching_) return probe_;
  return resume_at_ <= now && mtu_ < limit_ ? limit_ : std::uint16_t{0};
}

void MtuProber::on_probe_sent(std::uint16_t size, Timestamp) {
  if (!searching_) begin_search();
  probe_ = size;
  in_flight_ = true;
}

bool MtuProber::on_probe_acked(std::uint16_t size, Timestamp now) {
  in_flight_ = false;
  if (size <= mtu_ || size > limit_) return false;
  mtu_ = size;
  suspicious_losses_ = 0;
  if (!searching_) return true;
  if (too_large_ <= mtu_) too_large_ = static_cast<std::uint16_t>(limit_ + 1);
  choose_next(now);
  return true;
}

// rfc9000:14.4-probe-loss
void MtuProber::on_probe_lost(std::uint16_t size, Timestamp now) {
  in_flight_ = false;
  if (!searching_ || size != probe_) return;
  if (++probe_losses_ < kMaxProbes) return;
  too_large_ = size;
  choose_next(now);
}

void MtuProber::on_packets_acked(std::uint16_t largest_size) {
  if (largest_size > kBaseMtu) suspicious_losses_ = 0;
}

bool MtuProber::on_packets_lost(std::uint16_t smallest_size, Timestamp now) {
  if (smallest_size <= kBaseMtu || mtu_ == kBaseMtu) return false;
  if (++suspicious_losses_ < kBlackHoleEvents) return false;
  return fall_to_base(mtu_, now);
}

// RFC 8899 section 5.3.3: back to what every path carries, then search below what failed.
bool MtuProber::fall_to_base(std::uint16_t failed_size, Timestamp now) {
  mtu_ = kBaseMtu;
  suspicious_losses_ = 0;
  in_flight_ = false;
  if (!started_) return true;
  searching_ = true;
  resume_at_ = kNever;
  too_large_ = std::max(failed_size, static_cast<std::uint16_t>(kBaseMtu + 1));
  choose_next(now);
  return true;
}

Timestamp MtuProber::next_timeout() const {
  return started_ && !searching_ && !in_flight_ ? resume_at_ : kNever;
}

}  // namespace hawser::quic
