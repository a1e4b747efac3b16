// loss.cc: RFC 9002 appendix A over rings: what is sent, acknowledged, lost and forgotten.
// The timers are in loss_timer.cc.
#include "quic/recovery/loss.h"

#include <algorithm>

#include "base/check.h"

namespace hawser::quic {

namespace {

constexpr std::uint64_t kFrameTypeAck = 0x02;

// rfc9000:13.1-never-sent
std::unexpected<TransportError> never_sent() {
  return fail(TransportErrorCode::kProtocolViolation, "acknowledges a packet never sent", kFrameTypeAck);
}

// Appends a frame, or widens the last one if both are adjacent parts of one stream: a machine
// is told once per run instead of once per packet.
void append(std::vector<SentFrame>& out, const SentFrame& frame) {
  if (frame.kind == SentFrameKind::kStream && !out.empty()) {
    SentFrame& last = out.back();
    const bool adjacent = last.kind == SentFrameKind::kStream && last.id == frame.id && !last.fin &&
                          last.offset + last.length == frame.offset && last.length <= UINT32_MAX - frame.length;
    if (adjacent) {
      last.length += frame.length;
      last.fin = frame.fin;
      return;
    }
  }
  out.push_back(frame);
}

void append_all(const SentPackets& sent, const SentPacket& packet, std::vector<SentFrame>& out) {
  for (std::size_t i = 0; i < packet.frame_count; ++i) append(out, sent.frame(packet, i));
}

DeliverySnapshot snapshot_of(const SentPacket& packet) {
  return {.delivered_bytes = packet.delivered_bytes,
          .delivered_time = packet.delivered_time.from(packet.time_sent),
          .first_sent_time = packet.first_sent_time.from(packet.time_sent),
          .bytes_in_flight = packet.bytes_in_flight,
          .lost_bytes = packet.lost_bytes,
          .app_limited = packet.app_limited};
}

}  // namespace

LossDetector::LossDetector(const LossConfig& config, CongestionController& controller)
    : config_(config), controller_(&controller), rtt_(config.initial_rtt) {}

// rfc9000:12.3-increase rfc9000:12.3-not-reused
PacketNumber LossDetector::next_packet_number(PacketNumberSpace space, Random& random) {
  Space& s = space_of(space);
  if (!config_.skip_packet_numbers || space != PacketNumberSpace::kApplication) return PacketNumber{s.sent.end()};
  if (s.next_skip == 0) s.next_skip = s.sent.end() + 1 + random.below(kSkipInterval * 2);
  if (s.sent.end() == s.next_skip && !s.sent.full(0)) {
    s.sent.push_skipped();
    s.next_skip = s.sent.end() + 1 + random.below(kSkipInterval * 2);
  }
  return PacketNumber{s.sent.end()};
}

std::optional<PacketNumber> LossDetector::largest_acknowledged(PacketNumberSpace space) const {
  const Space& s = space_of(space);
  if (!s.any_acked) return std::nullopt;
  return PacketNumber{s.largest_acked};
}

void LossDetector::on_packet_sent(const SentPacketInfo& packet, Timestamp now) {
  Space& s = space_of(packet.space);
  HAWSER_CHECK(packet.packet_number.value == s.sent.end() && packet.size <= UINT16_MAX && !s.discarded);
  SentPacket sent;
  sent.time_sent = now;
  sent.size = static_cast<std::uint16_t>(packet.size);
  sent.ecn = packet.ecn;
  sent.ack_eliciting = packet.ack_eliciting;
  sent.mtu_probe = packet.mtu_probe;
  sent.in_flight = packet.in_flight && !packet.other_network_path;
  sent.generation = packet.other_network_path ? std::uint16_t{0} : generation_;
  if (sent.in_flight) {
    const DeliverySnapshot snapshot = sampler_.on_packet_sent(bytes_in_flight_, packet.size, now);
    sent.delivered_bytes = snapshot.delivered_bytes;
    sent.delivered_time = TimeBefore::of(snapshot.delivered_time, now);
    sent.first_sent_time = TimeBefore::of(snapshot.first_sent_time, now);
    sent.bytes_in_flight = snapshot.bytes_in_flight;
    sent.lost_bytes = snapshot.lost_bytes;
    sent.app_limited = snapshot.app_limited;
  }
  s.sent.push(sent, packet.frames);

  if (!packet.ack_eliciting || packet.answer) {
    if (s.unheard == 0) s.unheard_since = now;
    ++s.unheard;
  }
  if (packet.ack_eliciting) {
    s.since_ack_eliciting = 0;
    if (s.probes_owed != 0) --s.probes_owed;
  } else if (++s.since_ack_eliciting > kMaxUnacknowledgeable) {
    drop_unacknowledgeable(s);
  }
  if (!sent.in_flight) return;
  bytes_in_flight_ += packet.size;
  if (packet.ack_eliciting) {
    ++s.ack_eliciting_in_flight;
    s.last_ack_eliciting_sent = now;
  }
  controller_->on_packet_sent(packet.size, bytes_in_flight_, now);
  timer_set_at_ = now;
}

void LossDetector::drop_unacknowledgeable(Space& s) {
  while (s.sent.size() > kMaxUnacknowledgeable) {
    const SentPacket& front = s.sent[s.sent.begin()];
    if (front.state == SentState::kOutstanding && front.in_flight) return;
    s.sent.pop_front();
  }
  s.first_outstanding = std::max(s.first_outstanding, s.sent.begin());
}

void LossDetector::take_out_of_flight(Space& s, const SentPacket& packet) {
  if (!packet.in_flight) return;
  if (packet.ack_eliciting) --s.ack_eliciting_in_flight;
  if (packet.generation == generation_) bytes_in_flight_ -= packet.size;
}

Parsed<void> LossDetector::begin_ack(const AckReceived& ack, AckRun& run) {
  if (ack.largest_acknowledged.value >= space_of(ack.space).sent.end()) return never_sent();
  run.bytes_in_flight_before = bytes_in_flight_;
  run.recovery_start = controller_->recovery_start_time();
  return {};
}

Parsed<void> LossDetector::ack_range(const AckReceived& ack, std::uint64_t smallest, std::uint64_t largest, AckRun& run,
                                     RecoveryFrames& frames) {
  Space& s = space_of(ack.space);
  if (largest >= s.sent.end()) return never_sent();
  const std::uint64_t begin = std::max(smallest, s.sent.begin());
  const std::uint64_t end = largest + 1;
  Range fresh = s.acked.first_gap(begin, end);
  if (fresh.begin >= fresh.end) return {};
  frames.begin_acked_run();
  while (fresh.begin < fresh.end) {
    if (frames.wants_numbers) [[unlikely]]
      frames.acked_numbers.push_back(fresh);
    for (std::uint64_t pn = fresh.begin; pn != fresh.end; ++pn) HAWSER_TRY_VOID(ack_packet(ack, pn, run, frames));
    fresh = s.acked.first_gap(fresh.end, end);
  }
  s.acked.add(begin, end);
  return {};
}

Parsed<void> LossDetector::ack_packet(const AckReceived& ack, std::uint64_t pn, AckRun& run, RecoveryFrames& frames) {
  Space& s = space_of(ack.space);
  SentPacket& packet = s.sent[pn];
  if (packet.state == SentState::kSkipped) return never_sent();
  if (packet.state == SentState::kLost) {
    on_late_ack(s, pn, packet, run, frames, ack.now);
    return {};
  }
  HAWSER_DCHECK(packet.state == SentState::kOutstanding);
  packet.state = SentState::kAcked;
  take_out_of_flight(s, packet);
  RecoveryOutcome& outcome = run.outcome;
  run.largest_newly_acked = outcome.acked_packets == 0 ? pn : std::max(run.largest_newly_acked, pn);
  ++outcome.acked_packets;
  outcome.ack_eliciting_acked |= packet.ack_eliciting;
  append_all(s.sent, packet, packet.frames_reported ? frames.late_acked : frames.acked);
  if (packet.generation != generation_) return {};

  outcome.acked_ect0 += packet.ecn == Ecn::kEct0;
  outcome.acked_ect1 += packet.ecn == Ecn::kEct1;
  if (packet.mtu_probe) {
    outcome.mtu_probe_acked = packet.size;
  } else {
    outcome.acked_size_max = std::max(outcome.acked_size_max, packet.size);
  }
  if (!packet.in_flight) return {};
  run.congestion_acked = true;
  outcome.acked_bytes += packet.size;
  if (packet.time_sent > run.recovery_start) run.growth_bytes += packet.size;
  sampler_.on_packet_acked(snapshot_of(packet), packet.time_sent, packet.size, ack.now);
  return {};
}

// A packet declared lost arrived after all: it was late, not lost.
void LossDetector::on_late_ack(Space& s, std::uint64_t pn, SentPacket& packet, AckRun& run, RecoveryFrames& frames,
                               Timestamp now) {
  packet.state = SentState::kAcked;
  append_all(s.sent, packet, frames.late_acked);
  if (!counts(packet) || packet.mtu_probe) return;
  ++run.outcome.spurious_losses;
  if (config_.adaptive_reordering && s.largest_acked > pn) {
    packet_threshold_ = std::clamp(s.largest_acked - pn + 1, packet_threshold_, kMaxPacketThreshold);
  }
  if (packet.bytes_in_flight != loss_epoch_ || undoable_losses_ == 0) return;
  if (--undoable_losses_ == 0) {
    controller_->on_spurious_loss(now);
    run.recovery_start = controller_->recovery_start_time();
  }
}

RecoveryOutcome LossDetector::finish_ack(const AckReceived& ack, AckRun& run, RecoveryFrames& frames) {
  Space& s = space_of(ack.space);
  RecoveryOutcome& outcome = run.outcome;
  outcome.largest_increased = !s.any_acked || ack.largest_acknowledged.value > s.largest_acked;
  // What comes by a detour sums up many that were on their way, or lost there, and holds the newest of their ranges
  // alone: what is not in it may have arrived. Those that come the usual way tell, or time does.
  const std::uint64_t counted_before = s.counted_to;
  if (!ack.detoured) s.counted_to = std::max(s.counted_to, ack.largest_acknowledged.value);
  if (outcome.acked_packets == 0 && outcome.spurious_losses == 0) {
    outcome.largest_increased = false;
    // A detour may have told of all that it acknowledges, and nothing of what it leaves out.
    if (s.counted_to > counted_before) detect_losses(ack.space, ack.now, outcome, frames);
    return outcome;
  }
  if (outcome.largest_increased) s.largest_acked = ack.largest_acknowledged.value;
  s.any_acked = true;
  if (ack.space == PacketNumberSpace::kHandshake) peer_completed_address_validation_ = true;

  if (outcome.acked_packets != 0) {
    const SentPacket largest = s.sent[run.largest_newly_acked];
    outcome.largest_acked_sent_time = largest.time_sent;
    if (outcome.largest_increased) {
      s.unheard = std::min(s.unheard, s.sent.end() - 1 - s.largest_acked);
      s.unheard_since = std::max(s.unheard_since, largest.time_sent);
    }
    outcome.rtt_sampled = take_rtt_sample(ack, largest, run);
    detect_losses(ack.space, ack.now, outcome, frames);
    tell_controller_acked(ack, largest, run);
    // RFC 9002 section 6.2.1: a client whose address may not be validated keeps its backoff.
    // Nor does what comes by a detour say that this path answers.
    if (!client_awaits_validation() && !ack.detoured) pto_count_ = 0;
    if (outcome.ack_eliciting_acked) s.probes_owed = 0;
  }
  settle(s, ack.now);
  timer_set_at_ = ack.now;
  return outcome;
}

// RFC 9002 section 5.1: only from the largest acknowledged packet, newly acknowledged, with
// something ack-eliciting among the news; never across network paths.
// rfc9002:5.1-largest-only rfc9002:5.1-ack-eliciting
bool LossDetector::take_rtt_sample(const AckReceived& ack, const SentPacket& largest, AckRun& run) {
  if (run.largest_newly_acked != ack.largest_acknowledged.value || !run.outcome.ack_eliciting_acked) return false;
  if (largest.generation != generation_ || ack.detoured) return false;
  if (first_rtt_sample_ == kNever) first_rtt_sample_ = ack.now;
  const Duration ack_delay = ack.space == PacketNumberSpace::kInitial ? Duration::zero() : ack.ack_delay;
  // rfc9002:5.3-local-delay
  const Duration waited = handshake_confirmed_ ? Duration::zero() : ack.waited;
  Duration sample = ack.now - waited - largest.time_sent;
  // So may the peer's: the first packets of another path may have come there before it could open them.
  if (!handshake_confirmed_ && !rtt_.has_sample())
    sample = std::max(sample - ack_delay, std::min(sample, kGranularity));
  // After an outage the first report may be an old one said again: its delay is the outage's, not the path's, and a
  // probe timeout that learnt it would leave the path idle for as long once more. A peer that is slow like that
  // every time is believed step by step.
  if (pto_count_ != 0 && handshake_confirmed_) {
    const Duration period = rtt_.pto_base() + max_ack_delay_;
    if (ack_delay > period) sample = std::min(sample, period);
  }
  run.path_rtt = rtt_.on_sample(sample, ack_delay, max_ack_delay_, handshake_confirmed_);
  return true;
}

void LossDetector::tell_controller_acked(const AckReceived& ack, const SentPacket& largest, const AckRun& run) {
  if (!run.congestion_acked) return;
  AckEvent event{.now = ack.now,
                 .acked_bytes = run.outcome.acked_bytes,
                 .acked_ect_packets = run.outcome.acked_ect0 + run.outcome.acked_ect1,
                 .growth_bytes = run.growth_bytes,
                 .largest_acked_sent_time = largest.time_sent,
                 .bytes_in_flight_before = run.bytes_in_flight_before,
                 .bytes_in_flight_after = bytes_in_flight_,
                 .latest_rtt = run.path_rtt,
                 .smoothed_rtt = rtt_.smoothed(),
                 .min_rtt = rtt_.min(),
                 .rate = sampler_.next_sample(rtt_.min())};
  // The other way may be shorter: what is told by it seems to have been delivered in less time than the path takes.
  if (ack.detoured) event.rate.bytes_per_second = 0;
  // A loss in this ACK began recovery: nothing sent so far may grow the window.
  if (controller_->recovery_start_time() > run.recovery_start) event.growth_bytes = 0;
  // A window that was full but for two packets was used, whatever the application says.
  const std::uint64_t slack = std::uint64_t{2} * largest.size;
  event.app_limited = event.rate.app_limited && run.bytes_in_flight_before + slack < controller_->congestion_window();
  controller_->on_ack(event);
}

// RFC 9002 section 6.1.2: nine eighths of the RTT.
// rfc9002:6.1.2-granularity rfc9002:6.1.2-nine-eighths rfc9002:6.1.2-millisecond
Duration LossDetector::loss_delay() const {
  const Duration rtt = std::max(rtt_.latest(), rtt_.smoothed());
  return std::max(rtt + rtt / 8, kGranularity);
}

// rfc9002:6.1.1-three rfc9002:6.1.1-not-less rfc9002:6.1.2-time rfc9002:7.4-not-ignored
void LossDetector::detect_losses(PacketNumberSpace id, Timestamp now, RecoveryOutcome& outcome,
                                 RecoveryFrames& frames) {
  Space& s = space_of(id);
  s.loss_time = kNever;
  if (!s.any_acked) return;
  const Duration delay = loss_delay();
  const Duration persistent =
      (rtt_.pto_base() + max_ack_delay_) * static_cast<std::int64_t>(kPersistentCongestionThreshold);
  LossEvent event{.now = now, .bytes_in_flight_before = bytes_in_flight_};
  // Since when every packet was lost: no acknowledged one in between (section 7.6.2).
  Timestamp lost_since = kNever;
  std::uint64_t kept = UINT64_MAX;  // the first that nobody waits for and the next acknowledgement settles
  std::uint64_t pn = std::max(s.first_outstanding, s.sent.begin());
  for (const std::uint64_t end = std::min(s.largest_acked, s.sent.end()); pn < end; ++pn) {
    SentPacket& packet = s.sent[pn];
    if (packet.state == SentState::kAcked) lost_since = kNever;
    if (packet.state != SentState::kOutstanding) continue;
    // Numbers and times both ascend, so the first survivor ends the search. Nobody waits for the loss of what
    // is not in flight: an ACK alone is not worth a timer, and the next acknowledgement settles it. A detour too, or
    // each one would look through all that came after that ACK again: to say it once more costs less.
    const std::uint64_t counted_to = packet.in_flight ? s.counted_to : s.largest_acked;
    if (pn + packet_threshold_ > counted_to && packet.time_sent + delay > now) {
      if (!packet.in_flight) {
        kept = std::min(kept, pn);
        continue;
      }
      s.loss_time = packet.time_sent + delay;
      break;
    }
    lose_packet(id, pn, packet, event, outcome, frames);
    if (!packet.ack_eliciting || !counts(packet) || packet.time_sent <= first_rtt_sample_) continue;
    if (lost_since == kNever) lost_since = packet.time_sent;
    event.persistent_congestion |= packet.time_sent - lost_since > persistent;
  }
  s.first_outstanding = std::min(kept, pn);
  tell_controller_lost(event, outcome);
}

void LossDetector::lose_packet(PacketNumberSpace id, std::uint64_t pn, SentPacket& packet, LossEvent& event,
                               RecoveryOutcome& outcome, RecoveryFrames& frames) {
  Space& s = space_of(id);
  packet.state = SentState::kLost;
  take_out_of_flight(s, packet);
  if (!packet.frames_reported) append_all(s.sent, packet, frames.lost);
  packet.frames_reported = true;
  if (!packet.ack_eliciting && !packet.in_flight) return;
  frames.lost_packets.push_back({.space = id,
                                 .packet_number = pn,
                                 .size = packet.size,
                                 .mtu_probe = packet.mtu_probe,
                                 .by_time = pn + packet_threshold_ > s.counted_to});
  ++outcome.lost_packets;
  outcome.lost_bytes += packet.size;
  if (packet.generation != generation_) return;
  if (packet.mtu_probe) {
    outcome.mtu_probe_lost = packet.size;
    return;
  }
  outcome.lost_marked += packet.ecn != Ecn::kNotEct;
  outcome.lost_size_min = outcome.lost_size_min == 0 ? packet.size : std::min(outcome.lost_size_min, packet.size);
  if (!packet.in_flight) return;
  ++event.lost_packets;
  event.lost_bytes += packet.size;
  sampler_.on_packet_lost(packet.size);
  controller_->on_packet_lost({.now = event.now,
                               .packet_number = pn,
                               .bytes = packet.size,
                               .bytes_in_flight_at_send = packet.bytes_in_flight,
                               .lost_since_send = sampler_.lost_since(snapshot_of(packet)),
                               .sent_time = packet.time_sent,
                               .app_limited = packet.app_limited});
  event.largest_lost_sent_time =
      event.lost_packets == 1 ? packet.time_sent : std::max(event.largest_lost_sent_time, packet.time_sent);
  // Its own congestion event, or the one under way: decided when the batch is complete.
  packet.bytes_in_flight = packet.time_sent > controller_->recovery_start_time() ? loss_epoch_ + 1 : loss_epoch_;
}

// rfc9000:13.3-congestion rfc9002:7.6.1-three rfc9002:7.6.2-eliciting rfc9002:7.6.2-sample rfc9002:7.6.2-minimum
// rfc9000:14.4-probe-loss
void LossDetector::tell_controller_lost(LossEvent& event, RecoveryOutcome& outcome) {
  if (event.lost_packets == 0) return;
  event.bytes_in_flight_after = bytes_in_flight_;
  if (event.largest_lost_sent_time > controller_->recovery_start_time()) {
    ++loss_epoch_;
    undoable_losses_ = 0;
  }
  undoable_losses_ += event.lost_packets;
  controller_->on_loss(event);
  if (!event.persistent_congestion) return;
  outcome.persistent_congestion = true;
  undoable_losses_ = 0;
  // rfc9002:5.2-persistent
  rtt_.restart_min_rtt();
}

// Forgets what is settled at the front. A lost packet stays for three PTOs from its sending, so
// that its late acknowledgement is noticed; a number left out stays as long as its neighbour.
void LossDetector::settle(Space& s, Timestamp now) {
  const Timestamp forget_sent_before = now - rtt_.pto_base() * 3;
  const auto settled = [&](std::uint64_t pn) {
    const SentPacket& packet = s.sent[pn];
    return packet.state == SentState::kAcked ||
           (packet.state == SentState::kLost && packet.time_sent < forget_sent_before);
  };
  while (!s.sent.empty()) {
    const std::uint64_t front = s.sent.begin();
    if (s.sent[front].state == SentState::kSkipped) {
      if (front + 1 == s.sent.end() || !settled(front + 1)) break;
    } else if (!settled(front)) {
      break;
    }
    s.sent.pop_front();
  }
  s.first_outstanding = std::max(s.first_outstanding, s.sent.begin());
  if (!s.acked.empty() && s.acked.lowest().end <= s.sent.begin()) s.acked.remove(0, s.sent.begin());
}

std::optional<Timestamp> LossDetector::unacknowledged_since(PacketNumberSpace space, std::uint64_t pn) const {
  if (!exists(space)) return std::nullopt;
  const SentPackets& sent = space_of(space).sent;
  if (pn < sent.begin() || pn >= sent.end()) return std::nullopt;
  const SentPacket& packet = sent[pn];
  const bool unacknowledged = packet.state == SentState::kOutstanding || packet.state == SentState::kLost;
  return unacknowledged ? std::optional(packet.time_sent) : std::nullopt;
}

}  // namespace hawser::quic
