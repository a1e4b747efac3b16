// multipath_send.cc: which of several paths the next datagram takes: first what a path owes by itself
// (challenges, acknowledgements, probes), then data where the scheduler puts it.
// Before: send.cc. After: send.cc, once for each path.
#include <algorithm>

#include "quic/connection/multipath.h"

namespace hawser::quic {
namespace {

// How long nothing came of a path until what was measured there while it was busy says nothing any more.
constexpr Duration kDrainLeast = 250ms;
constexpr int kDrainRoundTrips = 4;
// A path with no more packets than this under way has no queue of its own.
constexpr std::uint64_t kLightPackets = 2;

// What a packet would take now. The smoothed round trip follows the queue that a path had while it was full; once it is
// idle that is gone, and a scheduler that went by it would never ask again how the path is.
Duration round_trip_now(const PathSlot& slot, Timestamp now) {
  const LossDetector& loss = slot.path->loss();
  const RttEstimator& rtt = loss.rtt();
  if (!rtt.has_sample()) return rtt.smoothed();
  if (loss.bytes_in_flight() == 0 &&
      slot.acknowledged_at < now - std::max(kDrainLeast, kDrainRoundTrips * rtt.smoothed()))
    return rtt.min();
  const bool light = loss.bytes_in_flight() < kLightPackets * slot.path->active().mtu();
  if (light && 2 * rtt.latest() < rtt.smoothed()) return rtt.latest();
  // What is under way is all that a packet waits for, and is there in this time: less than that where nothing new is to
  // be sent and the queue drains.
  const std::uint64_t rate = slot.path->controller().snapshot().bytes_per_second;
  if (rate == 0) return rtt.smoothed();
  const double seconds = static_cast<double>(loss.bytes_in_flight()) / static_cast<double>(rate);
  if (seconds >= to_seconds(rtt.smoothed())) return rtt.smoothed();
  return std::min(rtt.smoothed(), std::max(rtt.min(), Duration{static_cast<std::int64_t>(seconds * 1e9)}));
}

}  // namespace

// A path whose connection IDs the peer retired waits for others.
bool Multipath::may_send(PathSlot& slot) const {
  return slot.path->peer_cids().is_active(slot.path->active().peer_cid_sequence());
}

bool Multipath::owes_packet(PathSlot& slot) const {
  // Until the handshake is confirmed there may be more than 1-RTT packets to send, on the first path.
  const bool handshaking = slot.id == kInitialPathId && !core_.keys_.discarded(EncryptionLevel::kHandshake);
  return handshaking || slot.path->acks(PacketNumberSpace::kApplication).ack_due(core_.now_) ||
         slot.path->loss().probes_owed(PacketNumberSpace::kApplication) != 0 || owes_report(*slot.path);
}

// What is said of a path's addresses goes on this path, whatever the scheduler chooses for data.
bool Multipath::owes_report(const Path& path) const {
  return core_.owes_address_report(path.active()) && path.may_send(core_.now_);
}

// Data waits until the other end's address is validated, and a server validates a round trip after it heard of a path.
// That round trip is not lost to the congestion controller: until then an initial window of padding is under way, so
// that the path begins with a round trip that is measured and a window that has grown. The client begins, with as much
// as a server needs to be allowed that: three times what it got. How many octets are left of it.
// multipath:3.1-server-validates
std::uint64_t Multipath::opening_octets(const PathSlot& slot) const {
  if (slot.validated() || slot.backup()) return 0;
  constexpr std::uint64_t kWindow = initial_window(kBaseMtu);
  // And two datagrams: an acknowledgement, and another challenge.
  constexpr std::uint64_t kToAllowIt = (kWindow + 2 * kBaseMtu) / AntiAmplification::kFactor;
  const bool has_data = core_.streams_.wants_to_send_data() || core_.has_datagrams();
  // Before the handshake is confirmed the server may have to keep it all until it can be opened, and has little room.
  constexpr std::uint64_t kPathsKept = 3;
  const bool confirmed = core_.handshake_.confirmed;
  if (!confirmed && slot.id.value > kPathsKept) return 0;
  const bool fills = has_data && confirmed;
  const std::uint64_t octets = fills ? kWindow : core_.is_server() ? 0 : kToAllowIt;
  if (slot.bytes_sent >= octets) return 0;
  const bool is_dear = std::ranges::any_of(slots_, [&slot](const auto& other) {
    return other->path != nullptr && other->works() && other->preference.cost < slot.preference.cost;
  });
  return is_dear ? 0 : octets - slot.bytes_sent;
}

bool Multipath::next_train(TransmitTrain& train, DatagramBuilder& builder) {
  for (const auto& slot : slots_) {
    if (!slot->open() || !may_send(*slot)) continue;
    const ConnectionCore::AtHand hand(core_, *slot->path);
    if (core_.next_challenge_train(train, builder)) return true;
    if (core_.next_probe_train(train, builder)) return true;
    if (core_.fec() != nullptr && slot->works() && core_.next_repair_train(train, builder)) return true;
    if (const auto octets = opening_octets(*slot); octets != 0 && core_.next_opening_train(train, builder, octets))
      return true;
    if (owes_packet(*slot) && core_.next_train_here(train, builder)) return true;
    if (!core_.is_open()) return false;
  }
  if (next_copies(train, builder, true)) return true;
  if (next_data_train(train, builder)) return true;
  if (want_sooner() && next_copies(train, builder, false)) return true;
  if (repeat_tails() && next_data_train(train, builder)) return true;
  note_idle();
  return false;
}

// Where the scheduler puts it.
bool Multipath::next_data_train(TransmitTrain& train, DatagramBuilder& builder) {
  Path* const path = choose();
  if (path == nullptr) return false;
  const ConnectionCore::AtHand hand(core_, *path);
  return core_.next_train_here(train, builder);
}

// Nothing more can be sent now: why not, for each path.
void Multipath::note_idle() {
  const bool has_data = core_.streams_.wants_to_send_data() || core_.has_datagrams();
  // What comes after a pause is another demand, whatever is left of the budget.
  if (!has_data) chosen_ = nullptr;
  bool idle = false;
  for_each_open([&](PathSlot& slot) {
    slot.path->end_sending(core_.now_);
    // One that is out of use is asked with a packet now and then: that tells no more of its rate than an application
    // that is silent.
    if ((has_data && slot.works()) || !slot.path->may_send(core_.now_)) return;
    slot.path->loss().on_app_limited();
    idle |= slot.works();
  });
  if (!idle || core_.streams_.blocked_reason() == BlockedReason::kApplication) return;
  scheduler_->on_flow_control_blocked(core_.now_);
  if (flow_schedulers_ != nullptr) flow_schedulers_->on_flow_control_blocked(core_.now_);
}

bool Multipath::carries_data() {
  if (copying_ != nullptr) return copying_->has_copies() && core_.path_->may_send(core_.now_);
  return choose() == core_.path_ || owes_report(*core_.path_);
}

bool Multipath::only_reports() {
  return copying_ == nullptr && core_.path_->loss().probes_owed(PacketNumberSpace::kApplication) == 0 &&
         choose() != core_.path_;
}

bool Multipath::probes_empty() {
  return another_lives(at_hand());
}

void Multipath::on_datagram_sent(std::size_t size) {
  PathSlot& slot = at_hand();
  slot.bytes_sent += size;
  if (core_.path_ != chosen_ || copying_ != nullptr) return;
  if (copy_to_count_ != 0) want_copies();
  chosen_by_->on_sent(slot.id, size, core_.now_);
  budget_ = budget_ > size ? budget_ - size : 0;
}

PathFacts Multipath::facts_of(PathSlot& slot) const {
  const Path& path = *slot.path;
  const LossDetector& loss = path.loss();
  const bool may_send = path.may_send(core_.now_) && this->may_send(slot) && !slot.has_urgent_copies();
  const bool paced = !may_send && path.blocked_by_pacing(core_.now_);
  return {.id = slot.id,
          .state = slot.state(),
          .status = slot.backup() ? PathStatus::kBackup : PathStatus::kAvailable,
          .may_send = may_send,
          .may_send_at = may_send ? core_.now_
                         : paced  ? path.pacer().next_release(core_.now_)
                                  : kNever,
          .smoothed_rtt = round_trip_now(slot, core_.now_),
          .rtt_variation = loss.rtt().variation(),
          .min_rtt = loss.rtt().has_sample() ? loss.rtt().min() : Duration{0},
          .congestion_window = path.controller().congestion_window(),
          .bytes_in_flight = loss.bytes_in_flight(),
          .copies_waiting = slot.copies == nullptr ? 0 : slot.copies->urgent_packets() * path.active().mtu(),
          .bytes_per_second = path.pacer().rate_bytes_per_second(),
          .loss = slot.loss,
          .acknowledged_at = slot.acknowledged_at,
          .mtu = path.active().mtu(),
          .weight = slot.preference.weight,
          .cost = slot.preference.cost};
}

// Whether the answer that there is was given for what goes next as well.
bool Multipath::choice_holds() {
  if (chosen_ == nullptr || budget_ == 0 || !chosen_->may_send(core_.now_)) return false;
  const Demand demand = demand_now();
  return demand.kind == chosen_for_.kind && demand.interactive == chosen_for_.interactive &&
         demand.deadline == chosen_for_.deadline && (demand.bytes_lost != 0) == (chosen_for_.bytes_lost != 0) &&
         &scheduler_of(demand) == chosen_by_;
}

// The scheduler is asked once for as many octets as it allows; what changes any path's state, window or round trip ends
// that, and so does another kind of demand.
Path* Multipath::choose() {
  if (choice_holds()) return chosen_;
  chosen_ = nullptr;
  copy_to_count_ = 0;
  ask_again_ = kNever;
  std::array<PathFacts, kMaxPaths> facts;
  std::array<PathSlot*, kMaxPaths> paths;
  std::size_t count = 0;
  for (const auto& slot : slots_) {
    if (!slot->open() || count == kMaxPaths) continue;
    facts[count] = facts_of(*slot);
    paths[count++] = slot.get();
  }
  const Demand demand = demand_now();
  PathScheduler& scheduler = scheduler_of(demand);
  const Schedule answer = schedule(scheduler, std::span(facts).first(count), demand, core_.now_);
  if (answer.gave_up) note_gave_up(scheduler, demand);
  if (answer.sends()) {
    chosen_ = paths[answer.path]->path.get();
    chosen_by_ = &scheduler;
    chosen_for_ = demand;
    // A scheduler of the application's own may name what is not there.
    for (const std::size_t copy : answer.copies)
      if (copy < count && copy != answer.path) copy_to_[copy_to_count_++] = paths[copy];
    budget_ = std::max<std::uint64_t>(answer.budget, 1);
    return chosen_;
  }
  if (demand.bytes_waiting != 0 || core_.wants_to_say()) ask_again_ = answer.ask_again;
  return nullptr;
}

// Of all that waits together: a packet takes what comes first in the order of the streams.
Demand Multipath::demand_now() const {
  if (core_.has_datagrams() && core_.datagrams()->next_urgency() <= core_.streams_.next_urgency()) {
    if (const auto first = core_.datagrams()->next(SIZE_MAX))
      return {.kind = DemandKind::kDatagram,
              .interactive = first->urgency < Priority{}.urgency,
              .flow = first->flow,
              .bytes_waiting = std::max<std::uint64_t>(first->flow_octets_waiting, first->frame_size),
              .deadline = first->deadline};
  }
  const Stream* const next = core_.streams_.next_to_send();
  if (next == nullptr) return {.kind = DemandKind::kControl};
  return {.kind = DemandKind::kStream,
          .interactive = next->priority.urgency < Priority{}.urgency,
          .flow = next->id.value,
          // The end of a stream by itself takes a packet, too.
          .bytes_waiting = std::max<std::uint64_t>(next->send.octets_waiting(), 1),
          .bytes_lost = next->send.octets_lost(),
          .is_last = next->send.is_finished(),
          .flow_control_room =
              std::min(core_.streams_.send_credit().available(), next->send.peer_limit() - next->send.sent_to()),
          .deadline = core_.stream_wish(next->id).deadline};
}

}  // namespace hawser::quic
