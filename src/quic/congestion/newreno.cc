// newreno.cc: RFC 9002 section 7 and appendix B.
#include "quic/congestion/newreno.h"

#include <algorithm>

namespace hawser::quic {

// rfc9002:7.2-initial
void NewReno::reset(std::uint64_t max_datagram_size) {
  max_datagram_size_ = max_datagram_size;
  window_ = initial_window(max_datagram_size);
  ssthresh_ = UINT64_MAX;
  acked_since_growth_ = 0;
  recovery_start_ = Timestamp::min();
  in_recovery_ = false;
  hystart_.reset();
  prr_ = {};
  undo_ = {};
}

// rfc9002:7.2-size-changed rfc9002:7.2-size-decreased
void NewReno::on_mtu_change(std::uint64_t max_datagram_size) {
  // RFC 9002 section 7.2: a path that never left its initial window gets the one of the new size.
  const bool untouched = window_ == initial_window(max_datagram_size_);
  max_datagram_size_ = max_datagram_size;
  window_ = untouched ? initial_window(max_datagram_size) : std::max(window_, minimum_window(max_datagram_size));
}

void NewReno::adopt(const PathKnowledge& known) {
  window_ = std::clamp(known.window, minimum_window(max_datagram_size_), kMaxWindowBytes);
  ssthresh_ = known.ssthresh;
  acked_since_growth_ = 0;
  leave_recovery();
  undo_.valid = false;
  if (ssthresh_ != UINT64_MAX) hystart_.on_congestion_event();
}

void NewReno::on_packet_sent(std::uint64_t bytes, std::uint64_t, Timestamp now) {
  prr_.on_packet_sent(bytes);
  hystart_.on_packet_sent(now);
}

// rfc9002:7.3.3-additive rfc9002:7.8-not-grown
void NewReno::on_ack(const AckEvent& event) {
  if (event.growth_bytes != 0) leave_recovery();
  prr_.on_ack(event, max_datagram_size_);
  const bool slow_start = window_ < ssthresh_;
  const std::uint64_t slow_start_growth = slow_start ? hystart_.on_ack(event) : 0;
  if (event.growth_bytes == 0 || event.app_limited) return;
  if (slow_start) {
    window_ = std::min(window_ + slow_start_growth, kMaxWindowBytes);
    if (hystart_.finished() && ssthresh_ == UINT64_MAX) ssthresh_ = window_;
    return;
  }
  const std::int64_t grown = static_cast<std::int64_t>(window_) + avoidance_growth(event.growth_bytes);
  window_ = std::clamp(static_cast<std::uint64_t>(std::max<std::int64_t>(grown, 0)), minimum_window(max_datagram_size_),
                       kMaxWindowBytes);
}

std::int64_t NewReno::avoidance_growth(std::uint64_t acked) {
  acked_since_growth_ += acked;
  if (acked_since_growth_ < window_) return 0;
  acked_since_growth_ -= window_;
  return static_cast<std::int64_t>(max_datagram_size_);
}

// rfc9002:7.3.1-exit rfc9002:7.3.2-half rfc9002:7.3.2-reduce
bool NewReno::on_congestion_event(Timestamp sent_time, Timestamp now) {
  if (sent_time <= recovery_start_) return false;
  recovery_start_ = now;
  in_recovery_ = true;
  hystart_.on_congestion_event();
  // Never up: what an estimate has learnt before may be more than what was lost of.
  ssthresh_ = std::max(std::min(reduced_window(), window_), minimum_window(max_datagram_size_));
  window_ = ssthresh_;
  acked_since_growth_ = 0;
  return true;
}

void NewReno::on_loss(const LossEvent& event) {
  const Undo before{
      .window = window_, .ssthresh = ssthresh_, .recovery_start = recovery_start_, .hystart = hystart_, .valid = true};
  if (on_congestion_event(event.largest_lost_sent_time, event.now)) {
    undo_ = before;
    prr_.enter(event, ssthresh_, max_datagram_size_);
  } else {
    prr_.on_more_loss();
  }
  if (event.persistent_congestion) {
    window_ = minimum_window(max_datagram_size_);
    recovery_start_ = Timestamp::min();
    leave_recovery();
    acked_since_growth_ = 0;
    undo_.valid = false;
  }
}

void NewReno::on_ecn_ce(std::uint64_t, Timestamp sent_time, Timestamp now) {
  // CE is a fact that no late acknowledgement takes back.
  if (on_congestion_event(sent_time, now)) undo_.valid = false;
}

void NewReno::on_spurious_loss(Timestamp) {
  if (!undo_.valid) return;
  window_ = std::max(window_, undo_.window);
  ssthresh_ = undo_.ssthresh;
  recovery_start_ = undo_.recovery_start;
  hystart_ = undo_.hystart;
  leave_recovery();
  undo_.valid = false;
}

CongestionSnapshot NewReno::snapshot() const {
  CongestionPhase phase = CongestionPhase::kCongestionAvoidance;
  if (in_recovery_) {
    phase = CongestionPhase::kRecovery;
  } else if (window_ < ssthresh_) {
    phase = hystart_.conservative() ? CongestionPhase::kConservativeSlowStart : CongestionPhase::kSlowStart;
  }
  return {.congestion_window = congestion_window(), .ssthresh = ssthresh_, .phase = phase};
}

}  // namespace hawser::quic
