// migration.cc: the peer's address changes: a new network path under the same Path, validated
// before it is trusted, left again if it fails (RFC 9000 section 9).
#include "quic/connection/core.h"

namespace hawser::quic {

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
  const NetworkPath* previous = path_->previous();
  if (previous != nullptr && previous->tuple() == *packet.tuple) {
    // It came back to where it was: that address is proven already.
    path_->return_to_previous(now_);
    emitter_.emit(MigrationStateUpdated{
        .new_state = MigrationState::kMigrationComplete, .remote = packet.tuple->remote, .local = packet.tuple->local});
    return;
  }
  migrate_peer(packet);
}

// A PATH_CHALLENGE from an address where the peer is not: it may come over later.
void ConnectionCore::note_probed_address(const ReceivedPacket& packet) {
  if (!is_server() || !handshake_.complete || !path_->peer_cids().has_unused()) return;
  path_->set_candidate(new_network_path(packet));
}

NetworkPath ConnectionCore::new_network_path(const ReceivedPacket& packet) {
  // A peer that moves on purpose uses another connection ID; a NAT rebinding does not, and
  // then there may be none to spare (section 9.5).
  const std::uint64_t sequence = path_->peer_cids().take_unused().value_or(path_->active().peer_cid_sequence());
  const auto mtu_max = static_cast<std::uint16_t>(config_.mtu_discovery ? config_.max_udp_payload : kBaseMtu);
  NetworkPath made({.tuple = *packet.tuple,
                    .validated = false,
                    .peer_cid_sequence = sequence,
                    .mtu = {.initial = kBaseMtu, .max = mtu_max},
                    .ecn = config_.ecn});
  made.on_datagram_received(packet.datagram_size);
  made.mtu_prober().set_peer_limit(peer_.max_udp_payload_size);
  return made;
}

void ConnectionCore::migrate_peer(const ReceivedPacket& packet) {
  NetworkPath* candidate = path_->candidate();
  const bool probed = candidate != nullptr && candidate->tuple() == *packet.tuple;
  NetworkPath to = probed ? std::move(*candidate) : new_network_path(packet);
  path_->forget_candidate();
  path_->migrate_to(std::move(to), now_);
  path_->on_mtu_changed();
  emitter_.emit(MigrationStateUpdated{
      .new_state = MigrationState::kMigrationStarted, .remote = packet.tuple->remote, .local = packet.tuple->local});
  if (path_->active().validated()) {
    on_path_validated(path_->active());
    return;
  }
  start_validation(path_->active());
  // Section 9.3.3: the old address is asked as well, in case the move was an attacker's.
  if (path_->previous() != nullptr) start_validation(*path_->previous());
}

void ConnectionCore::start_validation(NetworkPath& network_path) {
  const Duration initial_pto = 3 * config_.initial_rtt;
  network_path.validator().start(now_, std::max(pto(), initial_pto));
}

void ConnectionCore::on_path_validated(NetworkPath& network_path) {
  emitter_.emit(PathValidated{.path_id = path_->id().value, .remote = network_path.tuple().remote});
  if (&network_path != &path_->active()) return;
  network_path.on_validated();
  path_->loss().set_amplification_limited(false, now_);
  network_path.mtu_prober().start(now_);
  if (const NetworkPath* previous = path_->previous()) {
    if (previous->peer_cid_sequence() != network_path.peer_cid_sequence())
      path_->peer_cids().retire(previous->peer_cid_sequence());
    path_->forget_previous();
    emitter_.emit(MigrationStateUpdated{.new_state = MigrationState::kMigrationComplete,
                                        .remote = network_path.tuple().remote,
                                        .local = network_path.tuple().local});
  }
}

// The active network path never answered.
void ConnectionCore::on_validation_failed() {
  if (path_->previous() != nullptr) {
    path_->return_to_previous(now_);
    emitter_.emit(MigrationStateUpdated{.new_state = MigrationState::kMigrationAbandoned,
                                        .remote = path_->active().tuple().remote,
                                        .local = path_->active().tuple().local});
    return;
  }
  // Section 8.2.4: no path left that the peer is known to be on.
  close_for({TransportErrorCode::kNoViablePath, 0, "no validated path is left"});
}

}  // namespace hawser::quic
