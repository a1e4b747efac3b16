// loss_timer.cc: the loss detection timer, probe timeouts, and what changes them from outside
// (RFC 9002 sections 6.2 to 6.4 and appendix A.8 to A.11). Packets are in loss.cc.
#include <algorithm>
#include <utility>

#include "base/check.h"
#include "quic/recovery/loss.h"

namespace hawser::quic {

namespace {

constexpr std::array kAllSpaces{PacketNumberSpace::kInitial, PacketNumberSpace::kHandshake,
                                PacketNumberSpace::kApplication};

// Section 6.2.4: two probes, so that one loss does not cost another timeout.
constexpr std::uint32_t kProbes = 2;

// Doublings that 63 bits hold: of 1 ns, the shortest there is.
constexpr std::uint32_t kDoublingsMax = 62;

}  // namespace

std::span<const PacketNumberSpace> LossDetector::spaces() const {
  return std::span(kAllSpaces).subspan(handshake_ == nullptr ? 2 : 0);
}

// rfc9002:6.2.1-granularity rfc9002:6.2.2-initial-rtt
Duration LossDetector::pto(PacketNumberSpace space) const {
  // ack-frequency:7-zero-threshold
  return rtt_.pto_base() + (space == PacketNumberSpace::kApplication ? max_ack_delay_ : Duration::zero());
}

// rfc9002:6.2.1-backoff
Duration LossDetector::backed_off(Duration period) const {
  // Nothing but the idle timeout limits it, and that may be off; with several paths a failed one is looked at
  // again in time (limit_pto). Else 2^62 ns, 146 years, is where the clock's arithmetic ends.
  const std::int64_t factor = std::int64_t{1} << pto_count_;
  return period > longest_pto_ / factor ? longest_pto_ : period * factor;
}

// rfc9002:6.1.2-timer
Timestamp LossDetector::loss_deadline(PacketNumberSpace& id) const {
  Timestamp earliest = kNever;
  for (const PacketNumberSpace candidate : spaces()) {
    if (space_of(candidate).loss_time >= earliest) continue;
    earliest = space_of(candidate).loss_time;
    id = candidate;
  }
  return earliest;
}

// rfc9002:6.2.1-earlier-space rfc9002:6.2.1-application rfc9002:6.2.2.1-client-sets rfc9000:8.1-client-probes
// rfc9002:6.2.2.1-server-waits rfc9002:6.2.1-restart
Timestamp LossDetector::pto_deadline(PacketNumberSpace& id, Timestamp now) const {
  Timestamp earliest = kNever;
  for (const PacketNumberSpace candidate : spaces()) {
    const Space& s = space_of(candidate);
    if (s.ack_eliciting_in_flight == 0) continue;
    // Before confirmation the peer may lack the keys to acknowledge application data.
    if (candidate == PacketNumberSpace::kApplication && !handshake_confirmed_) continue;
    const Timestamp deadline = s.last_ack_eliciting_sent + backed_off(pto(candidate));
    if (deadline >= earliest) continue;
    earliest = deadline;
    id = candidate;
  }
  if (earliest != kNever || !client_awaits_validation()) return earliest;
  // Anti-deadlock: the server may wait for credit that only our next packet gives it.
  // rfc9000:8.1-client-probe-kind rfc9002:6.2.2.1-client-sends
  id = handshake_keys_ ? PacketNumberSpace::kHandshake : PacketNumberSpace::kInitial;
  return now + backed_off(pto(id));
}

// rfc9002:6.2.1-loss-timer-first
Timestamp LossDetector::next_timeout() const {
  bool is_pto = false;
  return next_timeout(is_pto);
}

Timestamp LossDetector::next_timeout(bool& is_pto) const {
  is_pto = false;
  if (timer_set_at_ == kNever) return kNever;  // nothing happened yet
  PacketNumberSpace id{};
  const Timestamp loss = loss_deadline(id);
  if (loss != kNever || amplification_limited_) return loss;
  is_pto = true;
  return pto_deadline(id, timer_set_at_);
}

// rfc9002:6.2-no-loss rfc9002:6.2.4-other-spaces
TimeoutOutcome LossDetector::on_timeout(Timestamp now, RecoveryFrames& frames) {
  TimeoutOutcome outcome;
  if (next_timeout() > now) return outcome;
  if (loss_deadline(outcome.space) != kNever) {
    outcome.kind = TimeoutKind::kLoss;
    detect_losses(outcome.space, now, outcome.losses, frames);
    settle(space_of(outcome.space), now);
    timer_set_at_ = now;
    return outcome;
  }
  outcome.kind = TimeoutKind::kPto;
  (void)pto_deadline(outcome.space, now);
  // Without anything in flight this is the client's anti-deadlock timer: one packet gives credit.
  owe_probes(outcome.space, ack_eliciting_in_flight(outcome.space) ? kProbes : 1, frames);
  // Section 6.2.4: data in flight in the other spaces is probed along with a handshake space. For a
  // client not yet confirmed that is more than haste: a server that has finished has no Handshake
  // keys, and only a 1-RTT packet shows it the client's new address after a NAT rebinding.
  const bool handshaking = outcome.space != PacketNumberSpace::kApplication;
  for (const PacketNumberSpace other : spaces()) {
    if (handshaking && other != outcome.space && ack_eliciting_in_flight(other)) owe_probes(other, 1, frames);
  }
  pto_count_ = std::min(pto_count_ + 1, kDoublingsMax);
  timer_set_at_ = now;
  return outcome;
}

// The oldest unacknowledged data goes into the probes. Its packets are not declared lost: that
// takes an acknowledgement (section 6.2).
// rfc9002:6.2.4-probe rfc9002:6.2.4-eliciting
void LossDetector::owe_probes(PacketNumberSpace id, std::uint32_t count, RecoveryFrames& frames) {
  Space& s = space_of(id);
  s.probes_owed = count;
  std::uint32_t taken = 0;
  for (std::uint64_t pn = std::max(s.first_outstanding, s.sent.begin()); pn != s.sent.end() && taken != count; ++pn) {
    SentPacket& packet = s.sent[pn];
    if (packet.state != SentState::kOutstanding || !packet.ack_eliciting || !packet.in_flight) continue;
    if (packet.frames_reported || packet.mtu_probe) continue;
    packet.frames_reported = true;
    for (std::size_t i = 0; i < packet.frame_count; ++i) frames.lost.push_back(s.sent.frame(packet, i));
    ++taken;
  }
}

// Of what was acknowledged or lost since the oldest packet in flight was sent.
double LossDetector::share_lost_of_last_round() const {
  const Space& s = application_;
  std::uint64_t first = std::max(s.first_outstanding, s.sent.begin());
  while (first < s.sent.end() && (s.sent[first].state != SentState::kOutstanding || !counts(s.sent[first]))) ++first;
  if (first == s.sent.end()) return 0;
  const SentPacket& oldest = s.sent[first];
  const auto lost = static_cast<double>(sampler_.lost_since({.lost_bytes = oldest.lost_bytes}));
  const auto delivered = static_cast<double>(sampler_.delivered_bytes() - oldest.delivered_bytes);
  return lost == 0 ? 0 : lost / (lost + delivered);
}

bool LossDetector::repeat_last_flight(std::uint64_t stream_octets, RecoveryFrames& frames) {
  Space& s = application_;
  if (tail_.stream_octets == stream_octets || pto_count_ != 0 || s.sent.empty()) return false;
  const SentPacket& last = s.sent[s.sent.end() - 1];
  if (last.frame_count == 0) return false;
  const SentFrame end = s.sent.frame(last, last.frame_count - 1);
  const double share = share_lost_of_last_round();
  if (end.kind != SentFrameKind::kStream || !end.fin || share == 0) return false;
  const Timestamp since = last.time_sent - rtt_.smoothed() / kLastFlightShare;
  std::uint64_t first = s.sent.end();
  const auto is_recent = [&](const SentPacket& packet) {
    return packet.time_sent >= since || packet.state == SentState::kSkipped;
  };
  while (first > std::max(s.first_outstanding, s.sent.begin()) && is_recent(s.sent[first - 1])) --first;
  const std::uint64_t packets = s.sent.end() - first;
  const double losses = share * static_cast<double>(packets);
  if (packets < kLastFlightPackets || losses < kLastFlightLosses || losses * share > kLastFlightLosses) return false;

  const std::uint64_t most = stream_octets / kLastFlightOctetsShare;
  std::uint64_t copies_from = UINT64_MAX;
  for (std::uint64_t pn = s.sent.end(); pn-- > first;) {
    const SentPacket& packet = s.sent[pn];
    if (packet.state != SentState::kOutstanding || packet.frames_reported || !carries_streams_only(packet)) continue;
    if (tail_.flights_copied + packet.size > most) break;
    tail_.flights_copied += packet.size;
    // Not as reported: found lost, it goes out once more, since by then its copy may be lost as well.
    for (std::size_t i = 0; i < packet.frame_count; ++i) {
      const SentFrame frame = s.sent.frame(packet, i);
      if (frame.kind != SentFrameKind::kStream || frame.id != end.id) continue;
      frames.lost.push_back(frame);
      copies_from = std::min(copies_from, frame.offset);
    }
  }
  if (copies_from == UINT64_MAX) return false;
  (void)repeat_tail(stream_octets, frames);  // begins a tail
  tail_.copies_from = copies_from;
  tail_.copies_of = end.id;
  return true;
}

bool LossDetector::repeat_tail(std::uint64_t stream_octets, RecoveryFrames& frames) {
  const SentPackets& sent = application_.sent;
  const std::uint64_t from = std::exchange(tail_.from, sent.end());
  if (tail_.stream_octets != stream_octets) {
    tail_.stream_octets = stream_octets;
    // The mask says that 63 bits hold it.
    tail_.room = std::max(controller_->congestion_window() / kTailShare, kTailLeast) & (UINT64_MAX >> 1);
    tail_.copied = 0;
    tail_.copies_from = UINT64_MAX;
    return false;
  }
  const bool copies = tail_.copied != 0;
  tail_.copied = 0;
  // Probes of a timeout say all that they have to.
  if (copies || pto_count_ != 0) return false;
  for (std::uint64_t pn = std::max(from, application_.first_outstanding); pn < sent.end(); ++pn) {
    SentPacket& packet = application_.sent[pn];
    if (packet.state != SentState::kOutstanding || packet.frames_reported || packet.size > tail_.room) continue;
    if (!carries_streams_only(packet) || is_copy(packet)) continue;
    packet.frames_reported = true;
    tail_.room -= packet.size;
    tail_.copied = 1;
    for (std::size_t i = 0; i < packet.frame_count; ++i)
      if (sent.frame(packet, i).kind == SentFrameKind::kStream) frames.lost.push_back(sent.frame(packet, i));
  }
  return tail_.copied != 0;
}

// Of repeat_last_flight().
bool LossDetector::is_copy(const SentPacket& packet) const {
  for (std::size_t i = 0; i < packet.frame_count; ++i) {
    const SentFrame& frame = application_.sent.frame(packet, i);
    if (frame.kind != SentFrameKind::kStream) continue;
    if (frame.id != tail_.copies_of || frame.offset < tail_.copies_from) return false;
  }
  return true;
}

// Beside an ACK, which has no copy. Of other frames it would be news, such as that a DATAGRAM is lost.
bool LossDetector::carries_streams_only(const SentPacket& packet) const {
  bool streams = false;
  for (std::size_t i = 0; i < packet.frame_count; ++i) {
    const SentFrameKind kind = application_.sent.frame(packet, i).kind;
    if (kind != SentFrameKind::kStream && kind != SentFrameKind::kAck) return false;
    streams |= kind == SentFrameKind::kStream;
  }
  return streams;
}

void LossDetector::report_flight(RecoveryFrames& frames) {
  const SentPackets& sent = application_.sent;
  for (std::uint64_t pn = std::max(application_.first_outstanding, sent.begin()); pn != sent.end(); ++pn) {
    SentPacket& packet = application_.sent[pn];
    if (packet.state != SentState::kOutstanding || packet.frames_reported || packet.mtu_probe) continue;
    packet.frames_reported = true;
    for (std::size_t i = 0; i < packet.frame_count; ++i) frames.lost.push_back(sent.frame(packet, i));
  }
}

std::optional<LossDetector::InFlight> LossDetector::first_in_flight(std::uint64_t from) const {
  const SentPackets& sent = application_.sent;
  for (std::uint64_t pn = std::max({from, application_.first_outstanding, sent.begin()}); pn < sent.end(); ++pn) {
    const SentPacket& packet = sent[pn];
    if (packet.state == SentState::kOutstanding && packet.ack_eliciting && packet.in_flight &&
        !packet.frames_reported && !packet.mtu_probe)
      return InFlight{.number = pn, .time_sent = packet.time_sent, .frames = packet.frame_count};
  }
  return std::nullopt;
}

bool LossDetector::has_in_flight_above(std::uint16_t size) const {
  const SentPackets& sent = application_.sent;
  for (std::uint64_t pn = std::max(application_.first_outstanding, sent.begin()); pn < sent.end(); ++pn) {
    const SentPacket& packet = sent[pn];
    if (packet.state == SentState::kOutstanding && packet.in_flight && !packet.mtu_probe && packet.size > size)
      return true;
  }
  return false;
}

void LossDetector::on_handshake_keys(Timestamp now) {
  handshake_keys_ = true;
  timer_set_at_ = now;
}

void LossDetector::on_handshake_confirmed(Timestamp now) {
  handshake_confirmed_ = true;
  peer_completed_address_validation_ = true;
  timer_set_at_ = now;
}

void LossDetector::on_peer_completed_address_validation(Timestamp now) {
  peer_completed_address_validation_ = true;
  timer_set_at_ = now;
}

void LossDetector::set_amplification_limited(bool limited, Timestamp now) {
  if (amplification_limited_ == limited) return;
  amplification_limited_ = limited;
  timer_set_at_ = now;
}

// Takes every packet out of flight and forgets it; its frames go to `frames` if given.
void LossDetector::abandon(Space& s, RecoveryFrames* frames) {
  const std::uint64_t before = bytes_in_flight_;
  for (std::uint64_t pn = s.sent.begin(); pn != s.sent.end(); ++pn) {
    const SentPacket& packet = s.sent[pn];
    if (packet.state != SentState::kOutstanding) continue;
    take_out_of_flight(s, packet);
    if (frames == nullptr || packet.frames_reported) continue;
    for (std::size_t i = 0; i < packet.frame_count; ++i) frames->lost.push_back(s.sent.frame(packet, i));
  }
  HAWSER_CHECK(s.ack_eliciting_in_flight == 0);
  if (before != bytes_in_flight_) controller_->on_packets_discarded(before - bytes_in_flight_);
  s.sent.clear();
  s.acked.clear();
  s.first_outstanding = s.sent.begin();
  s.loss_time = kNever;
  s.probes_owed = 0;
}

// rfc9002:6.4-discard rfc9002:6.2.2-keys-discarded
void LossDetector::discard_space(PacketNumberSpace space, Timestamp now) {
  if (!exists(space)) return;
  Space& s = space_of(space);
  if (s.discarded) return;
  abandon(s, nullptr);
  s.discarded = true;
  if (handshake_ != nullptr && (*handshake_)[0].discarded && (*handshake_)[1].discarded) handshake_.reset();
  pto_count_ = 0;
  timer_set_at_ = now;
}

// rfc9000:17.2.5.3-numbers-go-on
void LossDetector::on_retry(RecoveryFrames& frames, Timestamp now) {
  HAWSER_CHECK(handshake_ != nullptr);
  abandon(space_of(PacketNumberSpace::kInitial), &frames);
  abandon(space_of(PacketNumberSpace::kApplication), &frames);
  pto_count_ = 0;
  timer_set_at_ = now;
}

// rfc9000:17.2.3-resend rfc9000:17.2.3-new-numbers
void LossDetector::on_zero_rtt_rejected(RecoveryFrames& frames, Timestamp now) {
  abandon(space_of(PacketNumberSpace::kApplication), &frames);
  timer_set_at_ = now;
}

void LossDetector::rest() {
  for (const PacketNumberSpace id : spaces()) {
    Space& s = space_of(id);
    bool in_flight = false;
    for (std::uint64_t pn = s.sent.begin(); pn != s.sent.end() && !in_flight; ++pn)
      in_flight = s.sent[pn].state == SentState::kOutstanding && s.sent[pn].in_flight;
    if (in_flight) continue;
    s.sent.clear();
    s.acked = RangeSet{};
    s.first_outstanding = s.sent.begin();
    s.loss_time = kNever;
  }
}

std::size_t LossDetector::memory() const {
  std::size_t octets = handshake_ == nullptr ? 0 : sizeof(HandshakeSpaces);
  for (const PacketNumberSpace id : spaces()) octets += space_of(id).memory();
  return octets;
}

// rfc9000:9.4-old-path-apart rfc9000:9.4-reset
NetworkPathLearning LossDetector::on_network_path_changed(CongestionController& fresh, Duration initial_rtt,
                                                          Timestamp now) {
  NetworkPathLearning learnt{.rtt = rtt_,
                             .sampler = sampler_,
                             .first_rtt_sample = first_rtt_sample_,
                             .packet_threshold = packet_threshold_,
                             .generation = generation_};
  if (++latest_generation_ == 0) latest_generation_ = 1;
  rtt_.reset(initial_rtt);
  enter_network_path({.rtt = rtt_, .sampler = {}, .generation = latest_generation_}, fresh, now);
  bytes_in_flight_ = 0;
  return learnt;
}

void LossDetector::on_network_path_returned(const NetworkPathLearning& learnt, CongestionController& controller,
                                            Timestamp now) {
  enter_network_path(learnt, controller, now);
  bytes_in_flight_ = 0;
  for (const PacketNumberSpace id : spaces()) {
    const SentPackets& sent = space_of(id).sent;
    for (std::uint64_t pn = sent.begin(); pn != sent.end(); ++pn)
      if (sent[pn].state == SentState::kOutstanding && counts(sent[pn])) bytes_in_flight_ += sent[pn].size;
  }
}

void LossDetector::enter_network_path(const NetworkPathLearning& state, CongestionController& controller,
                                      Timestamp now) {
  controller_ = &controller;
  rtt_ = state.rtt;
  sampler_ = state.sampler;
  first_rtt_sample_ = state.first_rtt_sample;
  packet_threshold_ = state.packet_threshold;
  generation_ = state.generation;
  undoable_losses_ = 0;
  ++loss_epoch_;
  pto_count_ = 0;
  timer_set_at_ = now;
}

void LossDetector::probe_at_once(RecoveryFrames& frames, Timestamp now) {
  owe_probes(PacketNumberSpace::kApplication, ack_eliciting_in_flight(PacketNumberSpace::kApplication) ? kProbes : 1,
             frames);
  timer_set_at_ = now;
}

}  // namespace hawser::quic
