// multipath.cc: Paths that are opened, kept, given up and forgotten.
// Before: receive.cc, timers.cc, the application. After: path/, recovery/.
#include "quic/connection/multipath.h"

#include <algorithm>

#include "quic/wire/frames/path_status.h"

namespace hawser::quic {
namespace {

// Connection IDs that the peer holds of each Path ID: one to use, one for a move under the same path. It may
// not hold fewer than 2 (RFC 9000 section 18.2).
constexpr std::uint64_t kCidsPerPath = 2;
// Of a new path, when other paths are short: a third of a second's worth of challenges is 3.6 KB.
constexpr Duration kChallengeIntervalMin = 100ms;

std::unique_ptr<PathSlot::Reserve> new_reserve(PathId id) {
  auto reserve = std::make_unique<PathSlot::Reserve>(PathSlot::Reserve{LocalCids(id), PeerCids(id)});
  reserve->local_cids.set_peer_limit(kCidsPerPath);
  return reserve;
}

}  // namespace

PathState PathSlot::state() const {
  if (!validated()) return PathState::kProbing;
  if (failed) return PathState::kFailed;
  if (degraded) return PathState::kDegraded;
  return backup() ? PathState::kStandby : PathState::kActive;
}

Multipath::Multipath(ConnectionCore& core, std::unique_ptr<Path> initial, std::uint64_t local_max,
                     std::uint64_t peer_max)
    : core_(core), local_max_(local_max), peer_max_(peer_max) {
  // The name was checked; see Endpoint::connect.
  auto scheduler = make_path_scheduler(core.first_path_scheduler());
  HAWSER_CHECK(scheduler.has_value());
  scheduler_ = std::move(*scheduler);
  slots_.push_back(std::make_unique<PathSlot>());
  slots_.back()->path = std::move(initial);
  slots_.back()->told = PathState::kActive;  // nothing is told of it before the handshake is complete
  for (std::uint64_t id = 1; id <= local_max_; ++id) add_slot(PathId{id});
  couple_controllers();
}

void Multipath::add_slot(PathId id) {
  slots_.push_back(std::make_unique<PathSlot>());
  slots_.back()->id = id;
  slots_.back()->reserve = new_reserve(id);
}

PathSlot* Multipath::find(PathId id) {
  for (const auto& slot : slots_)
    if (slot->id == id) return slot.get();
  return nullptr;
}

PathSlot& Multipath::at_hand() {
  for (const auto& slot : slots_)
    if (slot->path.get() == core_.path_) return *slot;
  HAWSER_CHECK(false);
}

Path& Multipath::main_path() {
  Path* kept = nullptr;
  for (const auto& slot : slots_) {
    if (slot->open()) return *slot->path;
    if (kept == nullptr) kept = slot->path.get();
  }
  return *kept;  // all are abandoned: the connection is closing
}

Path& Multipath::best_path() {
  const PathSlot* best = nullptr;
  const auto rank = [](const PathSlot& slot) { return std::pair(slot.state(), slot.path->loss().rtt().smoothed()); };
  for_each_open([&](PathSlot& slot) {
    // Being probed is the least of the states by number, and the last choice here.
    const bool probing = slot.state() == PathState::kProbing;
    if (best == nullptr || (!probing && (best->state() == PathState::kProbing || rank(slot) < rank(*best))))
      best = &slot;
  });
  return best == nullptr ? main_path() : *best->path;
}

PathSlot* Multipath::slot_of(Bytes dcid) {
  const ConnectionId cid(dcid);
  for (const auto& slot : slots_)
    if (slot->local_cids().find(cid) != nullptr) return slot.get();
  return nullptr;
}

bool Multipath::take_reset_tokens_changed() {
  bool changed = std::exchange(tokens_changed_, false);
  for_each_open([&changed](PathSlot& slot) { changed |= slot.path->peer_cids().take_tokens_changed(); });
  return changed;
}

bool Multipath::is_reset_token(Bytes token) const {
  bool is_one = false;
  for (const auto& slot : slots_)
    if (slot->open()) is_one |= slot->path->peer_cids().is_reset_token(token);
  return is_one;
}

std::size_t Multipath::memory() const {
  std::size_t octets = sizeof(Multipath) + slots_.capacity() * sizeof(void*) + scheduler_->memory();
  if (flow_schedulers_ != nullptr) octets += flow_schedulers_->memory();
  if (coupling_ != nullptr) octets += coupling_->memory();
  for (const auto& slot : slots_) {
    octets += sizeof(PathSlot);
    if (slot->path != nullptr) octets += sizeof(Path) + slot->path->memory();
    if (slot->copies != nullptr) octets += sizeof(CopyList);
    if (slot->datagram_copies != nullptr) octets += sizeof(DatagramCopies) + slot->datagram_copies->memory();
    if (slot->kept_ack != nullptr) octets += sizeof(KeptAck) + slot->kept_ack->ranges.memory();
    if (slot->reserve != nullptr)
      octets += sizeof(PathSlot::Reserve) + slot->reserve->local_cids.memory() + slot->reserve->peer_cids.memory();
  }
  return octets;
}

bool Multipath::peer_is_deaf(Timestamp now) const {
  return std::ranges::any_of(
      slots_, [now](const auto& slot) { return slot->path != nullptr && slot->path->loss().peer_is_deaf(now); });
}

Duration Multipath::largest_pto() const {
  Duration largest{0};
  for (const auto& slot : slots_)
    if (slot->path != nullptr) largest = std::max(largest, slot->path->loss().pto(PacketNumberSpace::kApplication));
  return largest;
}

std::size_t Multipath::least_mtu() const {
  std::size_t least = SIZE_MAX;
  for (const auto& slot : slots_)
    if (slot->open()) least = std::min<std::size_t>(least, slot->path->active().mtu());
  return least == SIZE_MAX ? kBaseMtu : least;
}

std::size_t Multipath::longest_cid() const {
  std::size_t longest = 0;
  for (const auto& slot : slots_)
    if (slot->open()) longest = std::max<std::size_t>(longest, slot->path->peer_cid(slot->path->active()).length());
  return longest;
}

// multipath:3.1-issue-ahead
void Multipath::issue_connection_ids() {
  for (const auto& slot : slots_)
    if (!slot->abandoned && slot->id.value <= peer_max_) core_.issue_connection_ids(slot->local_cids());
}

// Opening. ------------------------------------------------------------------------------------------

// A challenge that is lost keeps a path from use. How long that is other paths know better than the initial RTT of a
// connection that knows nothing, which with RFC 9002's rule makes it a second. Their queues do not matter here. And two
// go at once.
void Multipath::validate(PathSlot& slot) {
  Duration known = Duration::max();
  for_each_open([&](PathSlot& other) {
    const RttEstimator& rtt = other.path->loss().rtt();
    if (rtt.has_sample()) known = std::min(known, rtt.min());
  });
  const Duration pto = std::max(core_.pto(), 3 * core_.config_.initial_rtt);
  const Duration interval = known == Duration::max() ? pto : std::min(std::max(2 * known, kChallengeIntervalMin), pto);
  slot.path->active().validator().start(core_.now_, pto, interval, PathValidator::kChallengesToOpen);
}

// The first packet of ours or of the peer: from here on there are packet numbers, windows and timers.
bool Multipath::begin_path(PathSlot& slot, const FourTuple& tuple) {
  const std::optional<std::uint64_t> sequence = slot.peer_cids().take_unused();
  if (!sequence) return false;
  const ConnectionConfig& config = core_.config_;
  const Path& first = main_path();
  auto controller = make_congestion_controller(first.controller().name(), kBaseMtu);
  HAWSER_CHECK(controller.has_value());
  const auto mtu_max = static_cast<std::uint16_t>(config.mtu_discovery ? config.max_udp_payload : kBaseMtu);
  const PathConfig made{.id = slot.id,
                        .loss = {.role = core_.role_, .initial_rtt = config.initial_rtt},
                        .network_path = {.tuple = tuple,
                                         .peer_cid_sequence = *sequence,
                                         .mtu = {.initial = kBaseMtu, .max = mtu_max},
                                         .ecn = config.ecn},
                        .pacing = config.pacing,
                        .max_ack_delay = config.max_ack_delay};
  auto path = std::make_unique<Path>(made, std::move(*controller));
  path->local_cids() = std::move(slot.reserve->local_cids);
  path->peer_cids() = std::move(slot.reserve->peer_cids);
  slot.reserve.reset();
  // rfc9002:6.2.1-application
  path->loss().on_peer_completed_address_validation(core_.now_);
  if (core_.handshake_.confirmed) path->loss().on_handshake_confirmed(core_.now_);
  path->loss().discard_space(PacketNumberSpace::kInitial, core_.now_);
  path->loss().discard_space(PacketNumberSpace::kHandshake, core_.now_);
  path->loss().set_peer_max_ack_delay(core_.ack_frequency_.peer_max_ack_delay());
  path->discard_handshake_acks();
  path->acks(PacketNumberSpace::kApplication).inherit_frequency(first.acks(PacketNumberSpace::kApplication));
  slot.acks_come_on = slot.id;
  path->active().mtu_prober().set_peer_limit(core_.peer_.max_udp_payload_size);
  // What we send to the server's addresses needs no credit: it asked for the connection.
  if (!core_.is_server()) path->active().exempt_from_amplification();
  slot.path = std::move(path);
  couple_controllers();
  return true;
}

// The packet that began it was not authentic: as if it had not come.
void Multipath::withdraw(PathSlot& slot) {
  slot.reserve = std::make_unique<PathSlot::Reserve>(
      PathSlot::Reserve{std::move(slot.path->local_cids()), std::move(slot.path->peer_cids())});
  slot.reserve->peer_cids.give_back(slot.path->active().peer_cid_sequence());
  slot.path.reset();
  slot.provisional = false;
}

// multipath:3.1-client-opens multipath:3.1-path-id-not-reused multipath:2-limit-kept
std::expected<PathId, PathRefusal> Multipath::open_path(const FourTuple& tuple) {
  const FourTuple& first = main_path().active().tuple();
  if (core_.peer_.disable_active_migration && tuple.remote == first.remote)
    return std::unexpected(PathRefusal::kDisabled);
  if (tuple.local.family == AddressFamily::kNone || tuple.local.family != tuple.remote.family)
    return std::unexpected(PathRefusal::kAddress);
  bool taken = false;
  for_each_open([&](PathSlot& slot) { taken |= slot.path->active().tuple() == tuple; });
  if (taken) return std::unexpected(PathRefusal::kAddress);
  // One that the server gave up before we came to it is passed over.
  for (; next_path_ <= local_max_; ++next_path_)
    if (const PathSlot* const next = find(PathId{next_path_}); next != nullptr && !next->abandoned) break;
  if (next_path_ > local_max_) return std::unexpected(PathRefusal::kLimit);
  if (next_path_ > peer_max_) {
    paths_blocked_owed_ = true;
    return std::unexpected(PathRefusal::kLimit);
  }
  PathSlot& slot = *find(PathId{next_path_});
  if (!begin_path(slot, tuple)) {
    // They may be under way with the confirmation.
    slot.cids_blocked_owed = core_.handshake_.confirmed;
    return std::unexpected(PathRefusal::kNoConnectionId);
  }
  ++next_path_;
  ++stats_.paths_opened;
  const ConnectionCore::AtHand hand(core_, *slot.path);
  validate(slot);
  core_.times_.resting = false;
  tell(slot, PathState::kProbing, false);
  return slot.id;
}

// Giving up. -------------------------------------------------------------------------------------------

std::expected<void, PathRefusal> Multipath::abandon_path(PathId id, PathError error) {
  PathSlot* slot = find(id);
  if (!core_.is_open()) return std::unexpected(PathRefusal::kClosed);
  if (slot == nullptr || !slot->open()) return std::unexpected(PathRefusal::kUnknown);
  bool another = false;
  for_each_open([&](PathSlot& other) { another |= &other != slot && other.validated(); });
  if (!another) return std::unexpected(PathRefusal::kLast);
  abandon(*slot, static_cast<std::uint64_t>(error));
  core_.path_ = &main_path();
  return {};
}

// By our wish or in answer to the peer's PATH_ABANDON. What the peer still sends here is read for a while.
// multipath:3.4-not-sent-after multipath:3.4-answer
void Multipath::abandon(PathSlot& slot, std::uint64_t error_code) {
  if (slot.abandoned) return;
  const PathState before = slot.told;
  slot.abandoned = true;
  slot.abandon_owed = true;
  slot.error_code = error_code;
  slot.ours.owed = slot.cids_blocked_owed = false;
  chosen_ = nullptr;
  if (slot.path == nullptr) return;
  tokens_changed_ = true;
  ++stats_.paths_abandoned;
  forget_in_schedulers(slot.id);
  CoupledController* const coupled = slot.path->controller().coupled();
  if (coupled != nullptr && coupled->group() != nullptr) coupled->group()->leave(*coupled);
  tell(slot, before, true);
  move_flight(slot);
}

// Nothing of it can come any more. Another Path ID takes its place in the limit.
// multipath:3.4-forget
void Multipath::forget(PathSlot& slot) {
  for (const LocalCids::Entry& entry : slot.local_cids().entries())
    core_.routing_changes_.push_back({.add = false, .cid = entry.cid});
  const bool initial = slot.id == PathId{};
  (initial ? gone_first_ : gone_added_) += slot.traffic();
  for (const auto& other : slots_)
    if (other->copies != nullptr) other->copies->forget(slot.id);
  std::erase_if(slots_, [&slot](const std::unique_ptr<PathSlot>& s) { return s.get() == &slot; });
  if (initial) core_.forget_path_memory();
  if (local_max_ == kPathIdMax) return;
  ++local_max_;
  add_slot(PathId{local_max_});
  max_path_id_owed_ = true;
  issue_connection_ids();
}

// What is in flight here goes out again on other paths.
void Multipath::move_flight(PathSlot& slot) {
  // Another list: the one at hand may be in use by an acknowledgement.
  RecoveryFrames moved;
  slot.path->loss().report_flight(moved);
  for (const SentFrame& frame : moved.lost) core_.on_frame_lost(frame, PacketNumberSpace::kApplication);
  stats_.frames_moved += moved.lost.size();
}

std::expected<void, PathRefusal> Multipath::set_status(PathId id, PathStatus status) {
  PathSlot* slot = find(id);
  if (!core_.is_open()) return std::unexpected(PathRefusal::kClosed);
  if (slot == nullptr || !slot->open()) return std::unexpected(PathRefusal::kUnknown);
  const bool backup = status == PathStatus::kBackup;
  if (slot->ours.said && slot->ours.backup == backup) return {};
  // multipath:3.3-sequence-grows
  if (slot->ours.said) ++slot->ours.sequence;
  slot->ours = {.said = true, .backup = backup, .owed = true, .sequence = slot->ours.sequence};
  note_state(*slot);
  return {};
}

std::expected<void, PathRefusal> Multipath::set_preference(PathId id, PathPreference preference) {
  PathSlot* slot = find(id);
  if (!core_.is_open()) return std::unexpected(PathRefusal::kClosed);
  if (slot == nullptr || !slot->open()) return std::unexpected(PathRefusal::kUnknown);
  slot->preference = {.weight = std::max<std::uint32_t>(preference.weight, 1), .cost = preference.cost};
  chosen_ = nullptr;
  return {};
}

PathTotals Multipath::totals() const {
  PathTotals totals{.connections = 1, .first = gone_first_, .added = gone_added_, .events = stats_};
  for (const auto& slot : slots_) {
    (slot->id == kInitialPathId ? totals.first : totals.added) += slot->traffic();
    if (!slot->open()) continue;
    ++totals.open[static_cast<std::size_t>(slot->state())];
    const RttEstimator& rtt = slot->path->loss().rtt();
    if (!rtt.has_sample()) continue;
    ++totals.rtt_samples;
    totals.rtt_sum += rtt.smoothed();
  }
  return totals;
}

std::vector<PathInfo> Multipath::infos() const {
  std::vector<PathInfo> infos;
  for (const auto& slot : slots_) {
    if (!slot->open()) continue;
    PathInfo info = info_of(*slot->path);
    info.state = slot->state();
    info.status = slot->backup() ? PathStatus::kBackup : PathStatus::kAvailable;
    info.bytes_sent = slot->bytes_sent;
    info.bytes_received = slot->bytes_received;
    info.packets_lost = slot->packets_lost;
    if (const CoupledController* const coupled = slot->path->controller().coupled();
        coupled != nullptr && coupled->shares())
      info.bottleneck = static_cast<std::uint32_t>(coupled->bottleneck());
    infos.push_back(info);
  }
  return infos;
}

PathInfo info_of(const Path& path) {
  const LossDetector& loss = path.loss();
  const bool measured = loss.rtt().has_sample();
  return {.id = path.id(),
          .state = path.active().validated() ? PathState::kActive : PathState::kProbing,
          .tuple = path.active().tuple(),
          .smoothed_rtt = measured ? loss.rtt().smoothed() : Duration{0},
          .min_rtt = measured ? loss.rtt().min() : Duration{0},
          .congestion_window = path.controller().congestion_window(),
          .bytes_in_flight = loss.bytes_in_flight(),
          .max_datagram_size = path.active().mtu()};
}

// Receiving. --------------------------------------------------------------------------------------------

// multipath:3-path-of-cid multipath:2.4-nonce
void Multipath::on_datagrams(MutableBytes bytes, std::size_t segment_size, const FourTuple& tuple, Ecn ecn) {
  receive(bytes, tuple, [&] { core_.open_datagrams(bytes, segment_size, tuple, ecn); });
}

// What came for a path that had not begun is a datagram for it only now.
void Multipath::on_early_packet(MutableBytes packet, const ConnectionCore::Arrival& arrival) {
  receive(packet, arrival.tuple, [&] {
    if (core_.path_->id() == kInitialPathId) {
      (void)core_.on_packet(packet, arrival, {});
    } else {
      core_.on_datagram(packet, arrival);
    }
  });
}

template <class Open>
void Multipath::receive(Bytes bytes, const FourTuple& tuple, Open&& open) {
  const std::optional<Bytes> dcid = peek_destination_cid(bytes, core_.cids_->length());
  PathSlot* slot = dcid && dcid->size() <= kMaxConnectionIdLength ? slot_of(*dcid) : nullptr;
  if (slot == nullptr) {
    // Retired just now, or of a long header: where it belongs is not known any more, and it will hardly open.
    for (const auto& other : slots_)
      if (slot == nullptr && other->path.get() == core_.path_) slot = other.get();
  } else if (slot->path == nullptr) {
    // Only a client opens paths, and only where both ends have connection IDs.
    if (!core_.is_server() || !core_.is_open() || slot->abandoned || !begin_path(*slot, tuple)) {
      ++core_.stats_.packets_dropped;
      return;
    }
    slot->provisional = true;
    slot->path->active().set_local_cid_sequence(slot->local_cids().find(ConnectionId(*dcid))->sequence);
  }
  const PathId id = slot->id;
  slot->bytes_received += bytes.size();
  core_.path_ = slot->path.get();
  open();
  slot = find(id);
  note_heard(*slot);
  if (slot->provisional) {
    slot->provisional = false;
    if (slot->path->acks(PacketNumberSpace::kApplication).largest_received()) {
      begin_to_validate(*slot);
    } else {
      withdraw(*slot);
    }
  }
  core_.path_ = &main_path();
}

// Server: the client's first packet on a path was authentic.
// multipath:3.1-server-validates
void Multipath::begin_to_validate(PathSlot& slot) {
  ++stats_.paths_opened;
  if (!slot.open()) return;
  slot.heard = slot.bytes_received;
  alone_until_ = kNever;
  tell(slot, PathState::kProbing, false);
  if (slot.validated()) return note_state(slot);
  if (slot.path->active().validator().state() != PathValidationState::kValidating) validate(slot);
}

// Time. ---------------------------------------------------------------------------------------------------

Timestamp Multipath::next_timeout() {
  Timestamp next = std::min(ask_again_, alone_until_);
  for (const auto& slot : slots_) {
    next = std::min(next, slot->forget_at);
    if (!slot->open() || !may_send(*slot)) continue;
    next = std::min(next, silent_at(*slot));
    const ConnectionCore::AtHand hand(core_, *slot->path);
    next = std::min(next, core_.path_deadline());
  }
  return next;
}

void Multipath::on_timeout() {
  if (core_.now_ >= alone_until_) {
    alone_until_ = kNever;
    return core_.close_for({TransportErrorCode::kNoViablePath, 0, "the last path was abandoned"});
  }
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    PathSlot& slot = *slots_[i];
    if (slot.open()) {
      const ConnectionCore::AtHand hand(core_, *slot.path);
      core_.on_path_timer();
    }
    if (!core_.is_open()) return;
    if (core_.now_ >= silent_at(slot)) on_silence(slot);
    if (slot.degraded && slot.kept_ack != nullptr) use_kept_ack(slot);
    if (!core_.is_open()) return;
  }
  forget_what_is_over();
}

void Multipath::forget_what_is_over() {
  // The connection is always at one of its paths: the last of them stays, while a client may open another.
  auto paths = std::ranges::count_if(slots_, [](const auto& slot) { return slot->path != nullptr; });
  for (std::size_t i = 0; i < slots_.size();) {
    PathSlot& slot = *slots_[i];
    if (core_.now_ < slot.forget_at) {
      ++i;
    } else if (slot.path != nullptr && paths == 1) {
      slot.forget_at = core_.now_ + 3 * largest_pto();
      ++i;
    } else {
      paths -= slot.path != nullptr;
      forget(slot);  // another one is behind all others now
    }
  }
  core_.path_ = &main_path();
}

void Multipath::rest() {
  for_each_open([](PathSlot& slot) { slot.path->loss().rest(); });
  forget_ended_flows();
}

// The connection's side. -----------------------------------------------------------------------------------

bool ConnectionCore::peer_is_deaf() const {
  return multipath_ != nullptr ? multipath_->peer_is_deaf(now_) : path_->loss().peer_is_deaf(now_);
}

// A server has connection IDs for other paths from its first flight on, and nothing else of them before it
// uses_paths(). multipath:2-both-sides
void ConnectionCore::begin_multipath() {
  if (multipath_ != nullptr || config_.max_paths == 0 || !peer_.multipath || phase_ != Phase::kOpen) return;
  const std::uint64_t ours = std::min(config_.max_paths, kMaxPaths) - 1;
  multipath_ = std::make_unique<Multipath>(*this, std::move(initial_path_), ours, peer_.initial_max_path_id);
  issue_connection_ids();
}

Path* ConnectionCore::path_of(std::uint64_t id) {
  if (multipath_ == nullptr) return path_;
  PathSlot* const slot = multipath_->find(PathId{id});
  return slot == nullptr ? nullptr : slot->path.get();
}

bool ConnectionCore::paths_reset_tokens_changed() {
  return multipath_->take_reset_tokens_changed();
}

std::expected<PathId, PathRefusal> ConnectionCore::open_path(const FourTuple& tuple) {
  if (is_server()) return std::unexpected(PathRefusal::kServer);
  if (!is_open()) return std::unexpected(PathRefusal::kClosed);
  if (!handshake_.complete) return std::unexpected(PathRefusal::kNotComplete);
  if (multipath_ == nullptr) return std::unexpected(PathRefusal::kNoMultipath);
  return multipath_->open_path(tuple);
}

std::vector<PathInfo> ConnectionCore::paths() const {
  if (multipath_ != nullptr) return multipath_->infos();
  PathInfo info = info_of(*path_);
  info.bytes_sent = stats_.bytes_sent;
  info.bytes_received = stats_.bytes_received;
  info.packets_lost = stats_.packets_lost;
  return {info};
}

std::string_view describe(PathRefusal refusal) {
  switch (refusal) {
    case PathRefusal::kServer:
      return "only clients open paths";
    case PathRefusal::kClosed:
      return "the connection is closing";
    case PathRefusal::kNotComplete:
      return "the handshake is not complete yet";
    case PathRefusal::kNoMultipath:
      return "the server does not offer multipath, or this end does not";
    case PathRefusal::kDisabled:
      return "the server forbids other paths to its address (disable_active_migration)";
    case PathRefusal::kLimit:
      return "one of the ends allows no further path now";
    case PathRefusal::kNoConnectionId:
      return "the server gave no connection ID for another path yet";
    case PathRefusal::kAddress:
      return "a path has these addresses already, or they are unset or of two families";
    case PathRefusal::kUnknown:
      return "no such path is open";
    case PathRefusal::kLast:
      return "it is the only path";
  }
  return "";
}

}  // namespace hawser::quic
