// multipath_life.cc: which of several paths are alive, what that means for what is in flight, and whose windows
// grow together. Before: ack.cc, timers.cc. After: path/, recovery/, congestion/.
#include <algorithm>

#include "quic/connection/multipath.h"

namespace hawser::quic {
namespace {

// A path that failed is asked so often at least whether it is back: half a second is as long as users wait
// without noticing much, and a packet of 40 octets twice a second costs a metered link 7 MB a day.
constexpr Duration kProbeIntervalMax = 500ms;
// Where no path is left the idle timeout runs: links that come and go must be hit by some probe within it.
constexpr Duration kLastProbeIntervalMax = 2s;
// More packets than this in flight are bulk: one ACK stands for fewer, whatever the peer was asked for.
constexpr std::uint64_t kPacketsOfBulk = kAckEveryMax;
// No path is silent sooner behind its round trip: what a queue that overflows swallows at once is a few
// milliseconds, and half a round trip later what was moved is there, within the 30 ms that a failover may take.
constexpr Duration kLeastSlack = 20ms;
// An hour is past every idle timeout: as if there were no limit.
constexpr Duration kLongestPto = 3'600s;
// Probe timeouts in a row after which a path has failed, while another one lives.
constexpr std::uint32_t kPtosToFail = 2;
// After so many more what was sent there is forgotten: each leaves packets behind that nobody will acknowledge.
constexpr std::uint32_t kPtosRemembered = 256;
// And of one that is back by the word of another path, so many count at most.
constexpr std::uint32_t kPtosOfReturn = 3;

}  // namespace

// Those that share no bottleneck with another path grow as if they were alone (RFC 8382).
void Multipath::couple_controllers() {
  for_each_open([this](PathSlot& slot) {
    CoupledController* const coupled = slot.path->controller().coupled();
    if (coupled == nullptr || coupled->group() != nullptr) return;
    if (coupling_ == nullptr) coupling_ = std::make_unique<CouplingGroup>(CouplingGroup::Couples::kSharing);
    coupling_->join(*coupled);
  });
}

void Multipath::tell_coupling() {
  for_each_open([this](PathSlot& slot) {
    const CoupledController* const coupled = slot.path->controller().coupled();
    if (coupled == nullptr) return;
    const auto bottleneck = coupled->shares() ? std::optional<std::uint64_t>(coupled->bottleneck()) : std::nullopt;
    core_.emitter_.emit(PathCouplingUpdated{
        .path_id = slot.id.value, .controller = slot.path->controller().name(), .bottleneck = bottleneck});
  });
}

// Alive or not. ---------------------------------------------------------------------------------------

bool Multipath::another_lives(const PathSlot& slot) const {
  return std::ranges::any_of(slots_, [&slot](const std::unique_ptr<PathSlot>& other) {
    return other.get() != &slot && other->open() && other->validated() && !other->degraded;
  });
}

void Multipath::on_acknowledged(const RecoveryOutcome& outcome) {
  PathSlot& slot = at_hand();
  if (shows_life(slot, outcome)) revive(slot);
}

void Multipath::revive(PathSlot& slot) {
  if (!slot.degraded && !slot.failed) return;
  stats_.recoveries += slot.failed;
  // What was acknowledged on another path does not end their backing off, and it has come far on one that was long
  // silent.
  slot.path->loss().ease_pto(slot.ack_came_elsewhere ? kPtosOfReturn : 0, core_.now_);
  slot.path->loss().limit_pto(kLongestPto);
  slot.degraded = slot.failed = false;
  slot.failed_ptos = 0;
  note_state(slot);
  // What others have in flight had no living path to go to when they fell silent.
  for_each_open([&](PathSlot& other) {
    if (&other != &slot && other.degraded) move_flight(other);
  });
}

void Multipath::note_silent(PathSlot& slot) {
  slot.degraded = true;
  slot.datagram_copies.reset();
  slot.silent_since = core_.now_;
}

// All that was in flight may turn out to have arrived before, or to be lost: then no probe timeout would ask whether a
// silent path is back.
void Multipath::keep_asking(PathSlot& slot) {
  if (!slot.degraded || !slot.open() || slot.path->loss().ack_eliciting_in_flight(PacketNumberSpace::kApplication))
    return;
  RecoveryFrames none;
  slot.path->loss().probe_at_once(none, core_.now_);
}

// Acknowledgements of a path that is in use come all the time, and a probe timeout, which each packet puts off, would
// wait until its window is full: so the same patience is measured from the oldest packet, if nothing at all came since.
Timestamp Multipath::silent_at(const PathSlot& slot) const {
  if (!slot.works()) return kNever;
  const LossDetector& loss = slot.path->loss();
  if (!loss.rtt().has_sample() || !loss.ack_eliciting_in_flight(PacketNumberSpace::kApplication)) return kNever;
  const auto oldest = loss.first_in_flight(0);
  if (!oldest || !another_lives(slot)) return kNever;
  const RttEstimator& rtt = loss.rtt();
  Duration slack = loss.pto(PacketNumberSpace::kApplication) - rtt.smoothed();
  // Of a window that is in use acknowledgements come a few times in a round trip, whatever the peer may hold back.
  if (loss.numbers_end() - oldest->number > kPacketsOfBulk)
    slack = std::min(slack, 2 * rtt.variation() + rtt.smoothed() / static_cast<std::int64_t>(kAcksPerWindow));
  slack = std::max(slack, kLeastSlack);
  return std::max(oldest->time_sent + rtt.smoothed() + slack, slot.acknowledged_at + slack);
}

// What is in flight goes out again elsewhere, and nothing new comes here until the path is heard of.
void Multipath::on_silence(PathSlot& slot) {
  note_silent(slot);
  ++stats_.silences;
  move_flight(slot);
  note_state(slot);
}

// One probe timeout says that something is wrong: what is in flight does not wait for more of them while
// another path lives. After the second this one carries nothing but probes.
void Multipath::on_pto() {
  PathSlot& slot = at_hand();
  const bool moves = another_lives(slot);
  if (!slot.degraded) note_silent(slot);
  if (moves) move_flight(slot);
  const LossDetector& loss = slot.path->loss();
  if (!slot.failed && loss.pto_count() >= kPtosToFail) {
    slot.failed = moves;
    stats_.failures += moves;
    const Duration longest = moves ? kProbeIntervalMax : kLastProbeIntervalMax;
    slot.path->loss().limit_pto(std::max(longest, 2 * loss.pto(PacketNumberSpace::kApplication)));
  }
  if (slot.failed && ++slot.failed_ptos % kPtosRemembered == 0) {
    RecoveryFrames rest;
    slot.path->loss().forget_flight(rest);
    slot.path->active().mtu_prober().forget_probe();
    for (const SentFrame& frame : rest.lost) core_.on_frame_lost(frame, PacketNumberSpace::kApplication);
    keep_asking(slot);
  }
  note_state(slot);
}

void Multipath::on_validated() {
  PathSlot& slot = at_hand();
  if (slot.told != PathState::kProbing || !slot.validated()) return;
  ++stats_.paths_validated;
  note_state(slot);
}

// multipath:3.1-failed-validation
void Multipath::on_validation_failed() {
  PathSlot& slot = at_hand();
  bool alone = true;
  for_each_open([&](PathSlot& other) { alone = alone && &other == &slot; });
  // Where the other end still speaks, only answers were lost; and where it gave up all other paths, this one is
  // asked until the connection is idle for too long.
  if (alone || slot.bytes_received != slot.heard) {
    slot.heard = slot.bytes_received;
    core_.start_validation(slot.path->active());
    return;
  }
  abandon(slot, static_cast<std::uint64_t>(PathError::kPathUnstableOrPoor));
}

// What the receive windows, the peer's acknowledgements and the streams go by is of all paths.
void Multipath::on_recovery(const RecoveryOutcome& outcome) {
  PathSlot& recovered = at_hand();
  recovered.packets_lost += outcome.lost_packets;
  keep_asking(recovered);
  if (const auto settled = static_cast<double>(outcome.acked_packets + outcome.lost_packets); settled != 0) {
    // Of a few hundred packets: enough to tell one percent from none.
    constexpr double kRemembered = 256;
    const double weight = std::min(settled / kRemembered, 1.0);
    recovered.loss += weight * (static_cast<double>(outcome.lost_packets) / settled - recovered.loss);
  }
  chosen_ = nullptr;  // another path may be the better one now
  if (coupling_ != nullptr && coupling_->take_regrouped()) tell_coupling();
  if (!outcome.rtt_sampled) return;
  Duration longest{0};
  Duration shortest = Duration::max();
  std::uint64_t window = UINT64_MAX;
  std::uint64_t threshold = kPacketThreshold;
  bool smooth = false;
  for_each_open([&](PathSlot& slot) {
    const LossDetector& loss = slot.path->loss();
    if (!loss.rtt().has_sample() || slot.failed) return;
    longest = std::max(longest, loss.rtt().smoothed());
    shortest = std::min(shortest, loss.rtt().smoothed());
    window = std::min(window, slot.path->controller().congestion_window() / slot.path->active().mtu());
    threshold = std::max(threshold, loss.packet_threshold());
    smooth = smooth || slot.path->controller().paces_smoothly();
  });
  if (window == UINT64_MAX) return;
  core_.streams_.set_rtt(longest);
  core_.ack_frequency_.update(window, shortest, threshold, smooth);
}

void Multipath::note_state(PathSlot& slot) {
  if (!slot.open()) return;
  chosen_ = nullptr;
  const PathState before = std::exchange(slot.told, slot.state());
  if (before != slot.told) tell(slot, before, false);
}

void Multipath::tell(const PathSlot& slot, PathState before, bool gone) {
  // A batch brings few of them; what a hostile peer's many bring nobody misses.
  constexpr std::size_t kMaxEventsPerBatch = 16;
  auto& events = core_.tell_.provide_rare().paths;
  if (events.size() < kMaxEventsPerBatch)
    events.push_back({.id = slot.id,
                      .before = before,
                      .state = slot.told,
                      .gone = gone,
                      .error_code = gone ? slot.error_code : 0,
                      .tuple = slot.path->active().tuple()});
  core_.emitter_.emit(PathStateUpdated{.path_id = slot.id.value,
                                       .old_state = to_string(before),
                                       .new_state = gone ? "abandoned" : to_string(slot.told),
                                       .remote = slot.path->active().tuple().remote,
                                       .local = slot.path->active().tuple().local});
}

}  // namespace hawser::quic
