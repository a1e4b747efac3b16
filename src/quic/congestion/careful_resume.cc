// careful_resume.cc: the phases of RFC 9959 section 3, for controllers that have a window and for those that
// have a rate.
#include "quic/congestion/careful_resume.h"

#include <algorithm>

namespace hawser::quic {
namespace {

std::uint64_t rate(std::uint64_t octets, Duration rtt, double gain) {
  const double seconds = std::max(to_seconds(rtt), 1e-6);
  return std::max<std::uint64_t>(static_cast<std::uint64_t>(gain * static_cast<double>(octets) / seconds), 1);
}

// As the pacer has it (RFC 9002 section 7.7), which knows slow start by its phase only.
constexpr double kSlowStartGain = 2.0;
constexpr double kGain = 1.25;

}  // namespace

CarefulResume::CarefulResume(std::unique_ptr<CongestionController> inner, const SavedPath& saved,
                             std::uint64_t max_jump, std::uint64_t max_datagram_size, CarefulResumeObserver& observer)
    : inner_(std::move(inner)),
      observer_(observer),
      // rfc9959:3.3-half
      jump_(std::min({max_jump, saved.cwnd / 2, kMaxWindowBytes})),
      saved_rtt_(saved.rtt),
      max_datagram_size_(max_datagram_size),
      first_window_(initial_window(max_datagram_size)) {}

// Of the packets in flight at the jump the acknowledgements come first, and prove nothing new. What
// follows is what the jump brought through.
std::uint64_t CarefulResume::pipe_size() const {
  return std::max(flight_at_jump_, acked_);
}

std::uint64_t CarefulResume::jump_rate() const {
  return rate(jump_, jump_rtt_, 1.0);
}

bool CarefulResume::still_growing() const {
  const CongestionSnapshot snapshot = inner_->snapshot();
  return snapshot.ssthresh == UINT64_MAX &&
         (snapshot.phase == CongestionPhase::kSlowStart || snapshot.phase == CongestionPhase::kStartup);
}

void CarefulResume::enter(CarefulResumePhase phase, CarefulResumeTrigger why) {
  const CarefulResumePhase old = std::exchange(phase_, phase);
  observer_.on_step({.old_phase = old,
                     .new_phase = phase,
                     .trigger = why,
                     .pipe_size = old == CarefulResumePhase::kReconnaissance ? flight_at_jump_ : pipe_size(),
                     .congestion_window = congestion_window(),
                     .ssthresh = inner_->snapshot().ssthresh});
}

void CarefulResume::on_packet_sent(std::uint64_t bytes, std::uint64_t bytes_in_flight, Timestamp now) {
  inner_->on_packet_sent(bytes, bytes_in_flight, now);
  if (phase_ == CarefulResumePhase::kReconnaissance)
    window_filled_ |= bytes_in_flight + max_datagram_size_ > inner_->congestion_window();
  if (phase_ != CarefulResumePhase::kUnvalidated) return;
  unvalidated_sent_ += bytes;
  last_unvalidated_ = now;
  if (bytes_in_flight + max_datagram_size_ > jump_) {
    end_unvalidated(CarefulResumeTrigger::kLastUnvalidatedSent, bytes_in_flight, now);
  } else if (now - jumped_at_ > jump_rtt_) {
    end_unvalidated(CarefulResumeTrigger::kRttExceeded, bytes_in_flight, now);
  }
}

void CarefulResume::on_ack(const AckEvent& event) {
  inner_->on_ack(event);
  acked_ += event.acked_bytes;
  gone_ += event.acked_bytes;
  smoothed_rtt_ = event.smoothed_rtt;
  min_rtt_ = event.min_rtt;
  switch (phase_) {
    case CarefulResumePhase::kReconnaissance:
      return in_reconnaissance(event);
    case CarefulResumePhase::kUnvalidated:
      return in_unvalidated(event);
    case CarefulResumePhase::kValidating:
      if (all_settled(event)) enter(CarefulResumePhase::kNormal, CarefulResumeTrigger::kLastUnvalidatedAcked);
      return;
    case CarefulResumePhase::kSafeRetreat:
      // rfc9959:3.5-exit
      if (all_settled(event)) leave_retreat(CarefulResumeTrigger::kExitRecovery, event.now);
      return;
    case CarefulResumePhase::kNormal:
      return;
  }
}

// Section 3.2. The controller inside works as ever; this looks whether the path is the one remembered.
void CarefulResume::in_reconnaissance(const AckEvent& event) {
  // What is to be found out has been: nothing is left to gain.
  if (!still_growing() || inner_->congestion_window() >= jump_)
    return enter(CarefulResumePhase::kNormal, CarefulResumeTrigger::kNotNeeded);
  // RFC 9959 section 3.2: the initial window has arrived.
  if (acked_ < first_window_) return;
  // rfc9959:3.2-rtt
  if (event.min_rtt <= saved_rtt_ / kRttShrinkMax || event.min_rtt > saved_rtt_ * kRttGrowthMax)
    return enter(CarefulResumePhase::kNormal, CarefulResumeTrigger::kRttNotValidated);
  // Who has little to send proves little by it: wait until the window is what holds it back. That a sample of
  // the rate says so, as it does of all that was sent right after the handshake, is not asked.
  if (event.bytes_in_flight_before < inner_->congestion_window() / 2) window_filled_ = false;
  if (!window_filled_) return;
  const CarefulResumeTrigger why = observer_.claim(event.now);
  if (why != CarefulResumeTrigger::kNone) return enter(CarefulResumePhase::kNormal, why);
  jump(event);
}

void CarefulResume::jump(const AckEvent& event) {
  jumped_at_ = event.now;
  jump_rtt_ = event.latest_rtt.value_or(event.smoothed_rtt);
  flight_at_jump_ = event.bytes_in_flight_after;
  acked_ = gone_ = 0;
  enter(CarefulResumePhase::kUnvalidated, CarefulResumeTrigger::kCwndLimited);
}

void CarefulResume::in_unvalidated(const AckEvent& event) {
  // rfc9959:3.3-path
  if (event.latest_rtt.has_value() && *event.latest_rtt < saved_rtt_ / kRttShrinkMax)
    return on_congestion(CarefulResumeTrigger::kPathChanged);
  if (acked_ > flight_at_jump_ || event.largest_acked_sent_time > jumped_at_)
    return end_unvalidated(CarefulResumeTrigger::kFirstUnvalidatedAcked, event.bytes_in_flight_after, event.now);
  if (event.now - jumped_at_ > jump_rtt_)
    end_unvalidated(CarefulResumeTrigger::kRttExceeded, event.bytes_in_flight_after, event.now);
}

// rfc9959:3.3-flight
void CarefulResume::end_unvalidated(CarefulResumeTrigger why, std::uint64_t bytes_in_flight, Timestamp now) {
  const std::uint64_t least = initial_window(max_datagram_size_);
  if (bytes_in_flight < least || bytes_in_flight <= pipe_size()) {
    // Little of the jump was used, so that it says nothing.
    inner_->adopt({.now = now, .window = std::max(pipe_size(), least)});
    return enter(CarefulResumePhase::kNormal, CarefulResumeTrigger::kRateLimited);
  }
  inner_->adopt({.now = now, .window = bytes_in_flight});
  enter(CarefulResumePhase::kValidating, why);
}

// All packets of the jump were acknowledged or lost, or one sent after them was acknowledged.
bool CarefulResume::all_settled(const AckEvent& event) const {
  return gone_ >= flight_at_jump_ + unvalidated_sent_ || event.largest_acked_sent_time > last_unvalidated_;
}

// rfc9959:3.2-congestion rfc9959:3.3-congestion
void CarefulResume::on_congestion(CarefulResumeTrigger why) {
  switch (phase_) {
    case CarefulResumePhase::kReconnaissance:
      return enter(CarefulResumePhase::kNormal, why);
    case CarefulResumePhase::kUnvalidated:
    case CarefulResumePhase::kValidating:
      // rfc9959:3.5-window
      retreat_window_ = std::max(pipe_size() / 2, minimum_window(max_datagram_size_));
      return enter(CarefulResumePhase::kSafeRetreat, why);
    default:
      return;  // Safe Retreat goes on: it is as low as it gets
  }
}

void CarefulResume::on_loss(const LossEvent& event) {
  inner_->on_loss(event);
  gone_ += event.lost_bytes;
  if (event.persistent_congestion) {
    // RFC 9959 section 3.6: what the controller makes of that is less than any of this would be.
    if (!over()) enter(CarefulResumePhase::kNormal, CarefulResumeTrigger::kPersistentCongestion);
    return;
  }
  on_congestion(CarefulResumeTrigger::kPacketLoss);
}

void CarefulResume::on_ecn_ce(std::uint64_t ce_count, Timestamp sent_time, Timestamp now) {
  inner_->on_ecn_ce(ce_count, sent_time, now);
  on_congestion(CarefulResumeTrigger::kEcnCe);
}

void CarefulResume::on_packets_discarded(std::uint64_t bytes) {
  inner_->on_packets_discarded(bytes);
  gone_ += bytes;
}

void CarefulResume::on_mtu_change(std::uint64_t max_datagram_size) {
  max_datagram_size_ = max_datagram_size;
  inner_->on_mtu_change(max_datagram_size);
}

void CarefulResume::reset(std::uint64_t max_datagram_size) {
  max_datagram_size_ = max_datagram_size;
  inner_->reset(max_datagram_size);
  if (!over()) enter(CarefulResumePhase::kNormal, CarefulResumeTrigger::kPathChanged);
}

// Section 3.5: slow start goes on to half of what the path has proven, and no further. What a controller
// measured meanwhile is tainted by our own excess (its notes on BBR): it forgets it.
void CarefulResume::leave_retreat(CarefulResumeTrigger why, Timestamp now) {
  PathKnowledge known{
      .now = now, .window = retreat_window_, .ssthresh = std::max(pipe_size() / 2, minimum_window(max_datagram_size_))};
  if (inner_->pacing_rate().has_value()) {
    inner_->reset(max_datagram_size_);
    known.bytes_per_second = rate(retreat_window_, smoothed_rtt_, 1.0);
    known.min_rtt = min_rtt_;
  }
  inner_->adopt(known);
  enter(CarefulResumePhase::kNormal, why);
}

void CarefulResume::give_up(Timestamp now) {
  on_congestion(CarefulResumeTrigger::kPathChanged);
  if (phase_ == CarefulResumePhase::kSafeRetreat) leave_retreat(CarefulResumeTrigger::kPathChanged, now);
}

// rfc9959:3.5-no-growth
std::uint64_t CarefulResume::congestion_window() const {
  if (phase_ == CarefulResumePhase::kUnvalidated) return jump_;
  return phase_ == CarefulResumePhase::kSafeRetreat ? retreat_window_ : inner_->congestion_window();
}

// rfc9959:3.3-pacing
std::optional<std::uint64_t> CarefulResume::pacing_rate() const {
  const std::optional<std::uint64_t> nominal = inner_->pacing_rate();
  switch (phase_) {
    case CarefulResumePhase::kUnvalidated:
      return std::max(jump_rate(), nominal.value_or(0));
    case CarefulResumePhase::kSafeRetreat:
      return rate(retreat_window_, smoothed_rtt_, kGain);
    case CarefulResumePhase::kValidating:
      // A controller that has a rate measures it in this round: until then it is that of the jump.
      if (nominal.has_value()) return std::max(jump_rate(), *nominal);
      break;
    case CarefulResumePhase::kNormal:
      return nominal;
    default:
      if (nominal.has_value() || smoothed_rtt_ == Duration{0}) return nominal;
      break;
  }
  const bool slow_start = inner_->snapshot().phase == CongestionPhase::kSlowStart;
  return rate(inner_->congestion_window(), smoothed_rtt_, slow_start ? kSlowStartGain : kGain);
}

CongestionSnapshot CarefulResume::snapshot() const {
  CongestionSnapshot snapshot = inner_->snapshot();
  constexpr CongestionPhase kPhases[] = {CongestionPhase::kReconnaissance, CongestionPhase::kUnvalidated,
                                         CongestionPhase::kValidating, CongestionPhase::kSafeRetreat};
  snapshot.congestion_window = congestion_window();
  if (!over()) snapshot.phase = kPhases[static_cast<std::size_t>(phase_)];
  return snapshot;
}

}  // namespace hawser::quic
