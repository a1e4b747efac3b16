// migration.cc: another 4-tuple under the same Path (RFC 9000 section 9). The peer's address
// changes: the new one is validated before it is trusted, and left again if it fails. We move: the
// new one is probed first, and used once it has answered. How a Path does so is path/path.cc.
#include "quic/connection/core.h"
#include "quic/connection/multipath.h"

namespace hawser::quic {
namespace {

using PathRole = OtherNetworkPath::Role;

// How long a 4-tuple that was probed or left is remembered with its connection ID. A NAT on the way
// forgets sooner or later as well; 30 s is what most keep for UDP (RFC 4787 section 4.3 asks for more).
constexpr Duration kRememberProbed = 30s;

bool is_loopback(const SocketAddress& address) {
  constexpr std::uint8_t kIpv4Network = 127;
  constexpr std::array<std::uint8_t, 16> kIpv6{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  return address.family == AddressFamily::kIpv4 ? address.ip[0] == kIpv4Network : address.ip == kIpv6;
}

}  // namespace

ConnectionCore::Migration& ConnectionCore::provide_migration() {
  if (migration_ == nullptr) migration_ = std::make_unique<Migration>();
  return *migration_;
}

// The peer's moves. ---------------------------------------------------------------------------------

// After a 1-RTT packet whose frames were processed. `is_newest`: it had the highest packet
// number so far; a reordered packet from an old address moves nothing (section 9.3).
void ConnectionCore::note_peer_address(const ReceivedPacket& packet, bool is_newest) {
  NetworkPath& active = path_->active();
  if (active.tuple() == *packet.tuple) return;
  if (!is_server()) {
    // Only clients migrate. A server that answers from elsewhere without being asked is
    // ignored, but the local address becomes known with the first packet.
    if (active.tuple().local.family == AddressFamily::kNone && active.tuple().remote == packet.tuple->remote)
      active.set_tuple(*packet.tuple);
    return;
  }
  if (packet.probing || !is_newest || !handshake_.complete) return;
  OtherNetworkPath* const known = path_->find_other(*packet.tuple);
  if (known != nullptr && known->role == PathRole::kPrevious) {
    // It is where it was, and that address is proven: there was no move (section 9.3.3).
    return_to_previous(MigrationState::kMigrationComplete);
    note_local_cid(packet);
  } else if (packet.tuple->local != active.tuple().local) {
    follow_to_preferred(packet, known);
  } else if (known != nullptr) {
    follow_peer(path_->take(*known));
    note_local_cid(packet);
  } else if (auto made = new_network_path(packet)) {
    follow_peer(std::move(*made));
  }
}

// The peer has come to our preferred address. Until it is known to be there, packets that are not
// probing go out from the address before (section 9.6.2), so that nobody can lead us away.
// rfc9000:9.6.2-server-waits rfc9000:9.6.2-server-probes
void ConnectionCore::follow_to_preferred(const ReceivedPacket& packet, OtherNetworkPath* known) {
  if (known == nullptr) {
    auto made = new_network_path(packet);
    if (!made) return;
    known = &path_->add_other({.network_path = std::move(*made), .forget_at = now_ + kRememberProbed});
    start_validation(known->network_path);
  }
  if (known->network_path.validated()) return follow_peer(path_->take(*known));
  known->move_when_validated = true;
}

// The peer came to an address where it had been before, possibly with another connection ID than then. A NAT
// that rebinds it there shows this one (see cid_towards).
void ConnectionCore::note_local_cid(const ReceivedPacket& packet) {
  const LocalCids::Entry* used = path_->local_cids().find(packet.dcid);
  if (used != nullptr) path_->active().set_local_cid_sequence(used->sequence);
}

// A PATH_CHALLENGE from an address where the peer is not: it may come over later. Asking back at
// once saves it a round trip then.
// rfc9000:9.6.3-server-validates
void ConnectionCore::note_probed_address(const ReceivedPacket& packet) {
  if (!is_server() || !handshake_.complete) return;
  auto made = new_network_path(packet);
  if (!made) return;
  ++provide_migration().stats.paths_probed;
  OtherNetworkPath& other = path_->add_other({.network_path = std::move(*made), .forget_at = now_ + kRememberProbed});
  start_validation(other.network_path);
}

// Which connection ID packets to a new address of the peer carry (section 9.5). One that moves on
// purpose uses a new one itself and gets a new one; a NAT rebinding shows the old one, which may go
// on. Empty: none is spare, and the peer has to wait until it has sent some.
// rfc9000:9.5-cid-per-destination rfc9000:9.5-cid-per-local-address
std::optional<std::uint64_t> ConnectionCore::cid_towards(const ReceivedPacket& packet) {
  const LocalCids::Entry* used = path_->local_cids().find(packet.dcid);
  const bool rebound = used != nullptr && used->sequence == path_->active().local_cid_sequence() &&
                       packet.tuple->local == path_->active().tuple().local;
  if (rebound) return path_->active().peer_cid_sequence();
  if (const auto fresh = path_->take_cid()) return fresh;
  // One that wants none at all has nothing that could be linked.
  if (path_->peer_cid(path_->active()).empty()) return path_->active().peer_cid_sequence();
  return std::nullopt;
}

NetworkPath ConnectionCore::make_network_path(const FourTuple& tuple, std::uint64_t peer_cid_sequence, bool validated) {
  const auto mtu_max = static_cast<std::uint16_t>(config_.mtu_discovery ? config_.max_udp_payload : kBaseMtu);
  NetworkPath made({.tuple = tuple,
                    .validated = validated,
                    .peer_cid_sequence = peer_cid_sequence,
                    .mtu = {.initial = kBaseMtu, .max = mtu_max},
                    .ecn = config_.ecn});
  made.ecn().set_codepoint(path_->controller().ecn_codepoint());
  made.mtu_prober().set_peer_limit(peer_.max_udp_payload_size);
  return made;
}

std::optional<NetworkPath> ConnectionCore::new_network_path(const ReceivedPacket& packet) {
  const auto sequence = cid_towards(packet);
  if (!sequence) return std::nullopt;
  NetworkPath made = make_network_path(*packet.tuple, *sequence, false);
  made.on_datagram_received(packet.datagram_size);
  const LocalCids::Entry* used = path_->local_cids().find(packet.dcid);
  if (used != nullptr) made.set_local_cid_sequence(used->sequence);
  return made;
}

// rfc9000:9.3-follow rfc9000:9.3-protect rfc9000:9.3.3-validate-old rfc9000:9.6.3-protect
// rfc9000:9-validate-change
// rfc9000:9-disabled-violated
void ConnectionCore::follow_peer(NetworkPath to) {
  path_->follow_peer(std::move(to), now_);
  ++provide_migration().stats.moves;
  log_migration(MigrationState::kMigrationStarted, path_->active().tuple());
  tell_network_path(NetworkPathEvent::Kind::kMoved, path_->active().tuple());
  // Section 9.3.3: the old address is asked as well, in case the move was an attacker's.
  if (OtherNetworkPath* before = path_->previous()) start_validation(before->network_path);
  if (path_->active().validated()) {
    on_active_validated();
  } else if (path_->active().validator().state() != PathValidationState::kValidating) {
    start_validation(path_->active());
  }
}

void ConnectionCore::return_to_previous(MigrationState how) {
  path_->return_to_previous(now_, now_ + kRememberProbed);
  path_->loss().set_amplification_limited(false, now_);
  ++provide_migration().stats.returns;
  log_migration(how, path_->active().tuple());
  tell_network_path(NetworkPathEvent::Kind::kReturned, path_->active().tuple());
}

// Validation. -----------------------------------------------------------------------------------------

// rfc9000:8.2.4-timer rfc9000:8.2.4-three-pto
void ConnectionCore::start_validation(NetworkPath& network_path) {
  const Duration initial_pto = 3 * config_.initial_rtt;
  network_path.validator().start(now_, std::max(pto(), initial_pto));
}

// rfc9000:8.2.1-second-challenge rfc9000:8.2.3-mtu-again
void ConnectionCore::on_path_proof(NetworkPath& network_path, const PathProof& proof, bool was_validated) {
  // Section 8.2.1: the address is proven, the size of its datagrams is not.
  if (!proof.carries_base_mtu) start_validation(network_path);
  if (was_validated) return;
  ++provide_migration().stats.paths_validated;
  emitter_.emit(PathValidated{.path_id = path_->id().value, .remote = network_path.tuple().remote});
  if (&network_path == &path_->active()) on_active_validated();
  if (multipath_ != nullptr) multipath_->on_validated();
}

// The peer is where its latest packets came from.
void ConnectionCore::on_active_validated() {
  path_->loss().set_amplification_limited(false, now_);
  path_->active().mtu_prober().start(now_);
  const OtherNetworkPath* const before = path_->previous();
  if (before == nullptr) return;
  // A token names the address, not the port.
  // rfc9000:9.3-new-token
  owed_.of_endpoint |= is_server() && before->network_path.tuple().remote.ip != path_->active().tuple().remote.ip;
  path_->settle(now_ + PathValidator::kTimeoutPtos * std::max(pto(), 3 * config_.initial_rtt));
  log_migration(MigrationState::kMigrationComplete, path_->active().tuple());
  probe_after_move();
}

// What was under way on the network path before may be lost, and a PTO is long without an RTT.
void ConnectionCore::probe_after_move() {
  recovery_.clear();
  path_->loss().probe_at_once(recovery_, now_);
  on_frames_recovered(PacketNumberSpace::kApplication);
}

// The active network path never answered.
// rfc9000:9.3.2-revert rfc9000:9.3.2-close-silently
void ConnectionCore::on_validation_failed() {
  // Only the size of its datagrams is in doubt, and those that are too large will be lost.
  if (path_->active().validated()) return;
  ++provide_migration().stats.validations_failed;
  tell_network_path(NetworkPathEvent::Kind::kFailed, path_->active().tuple());
  if (path_->previous() != nullptr) return return_to_previous(MigrationState::kMigrationAbandoned);
  if (multipath_ != nullptr) return multipath_->on_validation_failed();
  // Section 9.3.2: no address is left that is known to be the peer's, so nobody can be told.
  finish({.kind = CloseReason::Kind::kLocalTransport,
          .error_code = static_cast<std::uint64_t>(TransportErrorCode::kNoViablePath),
          .reason = "no validated path is left"});
}

// Of network paths beside the active one: those that never answered and those whose time is up.
void ConnectionCore::on_other_path_timeouts() {
  for (std::size_t i = 0; i < path_->others().size();) {
    OtherNetworkPath& other = path_->others()[i];
    NetworkPath& network_path = other.network_path;
    const bool failed = network_path.validator().on_timeout(now_);
    const bool given_up = failed && other.role == PathRole::kProbed && !network_path.validated();
    if (given_up) {
      ++provide_migration().stats.validations_failed;
      log_migration(MigrationState::kProbingAbandoned, network_path.tuple());
      tell_network_path(NetworkPathEvent::Kind::kFailed, network_path.tuple());
    }
    if (given_up || now_ >= other.forget_at) {
      path_->forget(other);
    } else {
      ++i;
    }
  }
}

// Our own moves. ---------------------------------------------------------------------------------------

// rfc9000:18.2-disable-migration rfc9000:9.6.3-both rfc9000:9.5-seldom
std::expected<void, MigrationRefusal> ConnectionCore::probe(const SocketAddress& local, bool move) {
  if (is_server()) return std::unexpected(MigrationRefusal::kServer);
  if (!is_open()) return std::unexpected(MigrationRefusal::kClosed);
  // rfc9000:9-after-handshake rfc9000:9-disabled
  if (!handshake_.confirmed) return std::unexpected(MigrationRefusal::kNotConfirmed);
  if (peer_.disable_active_migration) return std::unexpected(MigrationRefusal::kDisabled);
  const FourTuple& active = path_->active().tuple();
  if (local.family != active.remote.family || local == active.local) return std::unexpected(MigrationRefusal::kAddress);
  HAWSER_TRY_VOID(probe_tuple({.local = local, .remote = active.remote}, move));
  if (!move) return {};
  // The latest wish holds.
  for (OtherNetworkPath& other : path_->others())
    if (other.network_path.tuple().local != local) other.move_when_validated = false;
  // Section 9.6.2: a client that moves before it tried the preferred address tries it from there.
  reach_preferred_address(local);
  return {};
}

// rfc9000:9.5-zero-length
std::expected<void, MigrationRefusal> ConnectionCore::probe_tuple(const FourTuple& tuple, bool move) {
  OtherNetworkPath* known = path_->find_other(tuple);
  if (known != nullptr && known->network_path.validated() && known->role == PathRole::kProbed && move) {
    move_to(*known);
    return {};
  }
  if (known == nullptr) {
    const auto sequence = path_->take_cid();
    if (!sequence) return std::unexpected(MigrationRefusal::kNoConnectionId);
    // What we send to the server's addresses needs no credit: it asked for the connection.
    known = &path_->add_other({.network_path = make_network_path(tuple, *sequence, false)});
    known->network_path.exempt_from_amplification();
    ++provide_migration().stats.paths_probed;
  }
  known->role = PathRole::kProbed;
  known->move_when_validated |= move;
  known->forget_at = now_ + kRememberProbed;
  start_validation(known->network_path);
  log_migration(MigrationState::kProbingStarted, tuple);
  return {};
}

// A network path that we probed has answered.
void ConnectionCore::on_probe_validated(OtherNetworkPath& other, Duration round_trip) {
  other.round_trip = round_trip;
  if (other.role != PathRole::kProbed) return;
  log_migration(MigrationState::kProbingSuccessful, other.network_path.tuple());
  tell_network_path(NetworkPathEvent::Kind::kValidated, other.network_path.tuple(), round_trip);
  if (!other.move_when_validated) return;
  if (is_server()) return follow_peer(path_->take(other));
  move_to(other);
}

// rfc9000:9.6.1-move rfc9000:9.6.3-prefer
void ConnectionCore::move_to(OtherNetworkPath& other) {
  const FourTuple to = other.network_path.tuple();
  const ConnectionId old_cid = path_->peer_cid(path_->active());
  log_migration(MigrationState::kMigrationStarted, to);
  path_->move_to(other, now_, now_ + PathValidator::kTimeoutPtos * std::max(pto(), 3 * config_.initial_rtt));
  path_->active().mtu_prober().start(now_);
  ++provide_migration().stats.moves;
  if (emitter_.wants(EventGroup::kConnection)) log_peer_cid(old_cid, path_->peer_cid(path_->active()));
  log_migration(MigrationState::kMigrationComplete, to);
  tell_network_path(NetworkPathEvent::Kind::kMoved, to);
  if (migration_->preferred && *migration_->preferred == to.remote) {
    // Section 9.6.1: the address of the handshake is given up, and with it what it forbade.
    migration_->preferred.reset();
    peer_.disable_active_migration = false;
    for (OtherNetworkPath& rest : path_->others()) rest.move_when_validated = false;
  }
  // A packet that is not probing takes the peer along (section 9.2).
  owed_.ping = true;
  probe_after_move();
}

// Section 9.6: the server wishes to be reached elsewhere. Its connection ID stands among the others
// that it gave us.
// rfc9000:9.6.2-this-connection-only rfc9000:9.6.3-same-family
// A host elsewhere shall not have us speak to services of our own; of other addresses we know nothing that
// would forbid them. rfc9000:21.5.6-loopback rfc9000:21.5.6-not-refused
void ConnectionCore::note_preferred_address(const PreferredAddress& preferred) {
  path_->peer_cids().add_preferred(preferred.connection_id, preferred.stateless_reset_token);
  const FourTuple& active = path_->active().tuple();
  const bool ipv4 = active.remote.family == AddressFamily::kIpv4;
  const SocketAddress& ours = ipv4 ? preferred.ipv4 : preferred.ipv6;
  const SocketAddress& other = ipv4 ? preferred.ipv6 : preferred.ipv4;
  const SocketAddress& there = ours.family != AddressFamily::kNone ? ours : other;
  if (!config_.use_preferred_address || there.family == AddressFamily::kNone || there == active.remote) return;
  if (is_loopback(there) && !is_loopback(active.remote)) return;
  provide_migration().preferred = there;
}

// rfc9000:9.6.1-validate rfc9000:9.6.1-failed rfc9000:9.6.2-validate-first
void ConnectionCore::reach_preferred_address(const SocketAddress& local) {
  const std::optional<SocketAddress> preferred = preferred_address();
  if (!preferred) return;
  if (preferred->family == path_->active().tuple().remote.family) return try_preferred_address(local);
  // Nothing that it has leads there: the endpoint has to say what does.
  owed_.of_endpoint = true;
}

std::optional<SocketAddress> ConnectionCore::preferred_address() const {
  return migration_ != nullptr ? migration_->preferred : std::nullopt;
}

void ConnectionCore::try_preferred_address(const SocketAddress& local) {
  const std::optional<SocketAddress> preferred = preferred_address();
  if (is_open() && preferred) (void)probe_tuple({.local = local, .remote = *preferred}, true);
}

// Telling. ------------------------------------------------------------------------------------------------

void ConnectionCore::log_migration(MigrationState state, const FourTuple& tuple) {
  if (!emitter_.wants(EventGroup::kConnection)) return;
  emitter_.emit(MigrationStateUpdated{
      .new_state = state, .tuple_id = log_tuple(tuple), .remote = tuple.remote, .local = tuple.local});
}

void ConnectionCore::tell_network_path(NetworkPathEvent::Kind kind, const FourTuple& tuple, Duration round_trip) {
  // A batch brings few of them; what an attacker's many bring nobody misses.
  constexpr std::size_t kMaxEventsPerBatch = 16;
  auto& events = tell_.provide_rare().network_paths;
  if (events.size() < kMaxEventsPerBatch) events.push_back({.kind = kind, .tuple = tuple, .round_trip = round_trip});
}

std::vector<NetworkPathInfo> ConnectionCore::network_paths() const {
  const NetworkPath& active = std::as_const(*path_).active();
  std::vector<NetworkPathInfo> infos{{.tuple = active.tuple(),
                                      .active = true,
                                      .validated = active.validated(),
                                      .round_trip = path_->loss().rtt().smoothed()}};
  for (const OtherNetworkPath& other : std::as_const(*path_).others())
    infos.push_back({.tuple = other.network_path.tuple(),
                     .validated = other.network_path.validated(),
                     .round_trip = other.round_trip});
  if (migration_ != nullptr)
    for (NetworkPathInfo& info : infos) info.observed = migration_->addresses.observed_on(info.tuple);
  return infos;
}

MigrationStats ConnectionCore::migration_stats() const {
  if (migration_ == nullptr) return {};
  MigrationStats stats = migration_->stats;
  stats.address_reports_sent = migration_->addresses.sent();
  stats.address_reports_received = migration_->addresses.received();
  return stats;
}

std::string_view describe(MigrationRefusal refusal) {
  switch (refusal) {
    case MigrationRefusal::kServer:
      return "only clients migrate";
    case MigrationRefusal::kClosed:
      return "the connection is closing";
    case MigrationRefusal::kNotConfirmed:
      return "the handshake is not confirmed yet";
    case MigrationRefusal::kDisabled:
      return "the server forbids migration (disable_active_migration)";
    case MigrationRefusal::kNoConnectionId:
      return "the server gave no connection ID for another path";
    case MigrationRefusal::kAddress:
      return "the address is in use already or of another family than the server's";
  }
  return "";
}

}  // namespace hawser::quic
