// handshake.cc: the TLS handshake on its way through the connection: secrets become keys,
// transport parameters are checked and take effect, keys are discarded when their time is up.
#include "quic/connection/core.h"
#include "quic/connection/multipath.h"
#include "quic/recovery/ack_tracker.h"

namespace hawser::quic {
namespace {

// How many connection IDs the peer holds at a time; a few let it migrate more than once.
constexpr std::size_t kCidsToIssue = 4;

std::string_view group_of(const TlsSession& tls) {
  return tls.key_exchange_group();
}

KeyType key_type(EncryptionLevel level, bool server) {
  switch (level) {
    case EncryptionLevel::kInitial:
      return server ? KeyType::kServerInitial : KeyType::kClientInitial;
    case EncryptionLevel::kHandshake:
      return server ? KeyType::kServerHandshake : KeyType::kClientHandshake;
    case EncryptionLevel::kZeroRtt:
      return server ? KeyType::kServerZeroRtt : KeyType::kClientZeroRtt;
    default:
      return server ? KeyType::kServerOneRtt : KeyType::kClientOneRtt;
  }
}

}  // namespace

void ConnectionCore::on_secret(EncryptionLevel level, SecretDirection direction, CipherSuite suite, Bytes secret) {
  const bool read = direction == SecretDirection::kRead;
  if (level == EncryptionLevel::kOneRtt) {
    if (read) {
      keys_.one_rtt().set_read_secret(suite, secret);
    } else {
      keys_.one_rtt().set_write_secret(suite, secret);
      // Connection IDs of other paths come with a server's first flight, so that its client may open these as soon as
      // it has finished, a round trip before it hears that the handshake is confirmed.
      if (is_server()) begin_multipath();
    }
  } else if (level == EncryptionLevel::kHandshake) {
    DirectionKeys keys(key_table(), suite, secret, config_.crypto);
    if (read) {
      keys_.set_handshake_read(std::move(keys));
    } else {
      keys_.set_handshake_write(std::move(keys));
    }
    if (keys_.can_open(level) && keys_.can_seal(level)) path_->loss().on_handshake_keys(now_);
  }
  if (level == EncryptionLevel::kZeroRtt) {
    // rfc9369:4.1-zero-rtt
    const Version version = early_data_ != nullptr ? early_data_->version : version_;
    keys_.set_zero_rtt(DirectionKeys(*version_key_table(version), suite, secret, config_.crypto), read);
    if (is_server()) {
      // Requests come before the handshake is complete, so its results are wanted now.
      handshake_.facts.alpn = tls_->alpn();
      handshake_.facts.server_name = tls_->server_name();
      tell_.early_data = true;
    }
  }
  emitter_.emit(KeyUpdated{.key_type = key_type(level, is_server() != read), .trigger = KeyTrigger::kTls});
}

void ConnectionCore::on_crypto_to_send(EncryptionLevel level, Bytes bytes) {
  crypto_.write(level, bytes);
}

Parsed<void> ConnectionCore::feed_tls(EncryptionLevel level) {
  std::array<Bytes, 16> scratch;
  while (tls_ != nullptr) {
    const std::span<const Bytes> pieces = crypto_.readable(level, scratch);
    if (pieces.empty()) return {};
    std::uint64_t octets = 0;
    for (const Bytes& piece : pieces) {
      auto fed = tls_->on_crypto_data(level, piece);
      if (!fed) {
        TransportError error = fed.error();
        if (error.frame_type == 0) error.frame_type = code_point(FrameType::kCrypto);
        return std::unexpected(error);
      }
      octets += piece.size();
    }
    crypto_.consume(level, octets);
    if (phase_ != Phase::kOpen) return {};
  }
  return {};
}

// rfc9368:2.3-validations
Parsed<void> ConnectionCore::on_peer_transport_parameters(Bytes encoded) {
  HAWSER_TRY(const TransportParameters parameters, parse_transport_parameters(encoded, peer_of(role_)));
  HAWSER_TRY_VOID(check_peer_cids(parameters));
  HAWSER_TRY_VOID(agree_on_version(parameters));
  // Multipath, section 2: packets of several paths are told apart by their connection IDs.
  if (config_.max_paths != 0 && offered_max_path_id(parameters) && ids_.first_peer.empty())
    return fail(TransportErrorCode::kProtocolViolation, "initial_max_path_id from an end without connection IDs");
  if (!is_server() && early_data_ != nullptr) {
    early_data_->answer = parameters;  // until it is known whether 0-RTT was accepted
  } else {
    apply_peer_parameters(parameters);
  }
  // A server's say which version it chose.
  if (is_server()) tls_->set_transport_parameters(encoded_transport_parameters());
  return {};
}

// RFC 9000 section 7.3: the connection IDs of the handshake are authenticated.
// rfc9000:7.3-ids-validated rfc9000:7.3-ids-missing rfc9000:7.3-ids-differ
// rfc9369:4.1-retry-parameters
Parsed<void> ConnectionCore::check_peer_cids(const TransportParameters& parameters) const {
  const auto wrong = [](std::string_view reason) { return fail(TransportErrorCode::kTransportParameterError, reason); };
  if (!parameters.initial_source_connection_id) return wrong("initial_source_connection_id is missing");
  if (*parameters.initial_source_connection_id != ids_.first_peer)
    return wrong("initial_source_connection_id differs from the packets'");
  if (is_server()) return {};
  if (!parameters.original_destination_connection_id) return wrong("original_destination_connection_id is missing");
  if (*parameters.original_destination_connection_id != ids_.original_dcid)
    return wrong("original_destination_connection_id is not ours");
  if (handshake_.retried != parameters.retry_source_connection_id.has_value())
    return wrong("retry_source_connection_id does not fit the handshake");
  if (handshake_.retried && *parameters.retry_source_connection_id != *ids_.retry_scid)
    return wrong("retry_source_connection_id is not the Retry's");
  return {};
}

// Multipath goes by the code points that the client offered, the newer ones if both.
bool ConnectionCore::speaks_draft17(const TransportParameters& peer) const {
  if (!is_server()) return config_.path_code_points == PathCodePoints::kDraft17;
  return !peer.initial_max_path_id && peer.initial_max_path_id_draft17;
}

std::optional<std::uint64_t> ConnectionCore::offered_max_path_id(const TransportParameters& peer) const {
  return speaks_draft17(peer) ? peer.initial_max_path_id_draft17 : peer.initial_max_path_id;
}

// What the peer allows us, of this connection or remembered for 0-RTT.
void ConnectionCore::apply_peer_limits(const TransportParameters& peer) {
  const std::optional<std::uint64_t> max_path_id = offered_max_path_id(peer);
  peer_ = {
      .max_idle_timeout_ms = peer.max_idle_timeout_ms,
      .max_datagram_frame_size = peer.max_datagram_frame_size,
      .max_udp_payload_size = static_cast<std::uint32_t>(std::min<std::uint64_t>(peer.max_udp_payload_size, kMaxMtu)),
      .ack_delay_exponent = static_cast<std::uint8_t>(peer.ack_delay_exponent),
      .disable_active_migration = peer.disable_active_migration,
      .reset_stream_at = peer.reset_stream_at,
      .multipath = max_path_id.has_value(),
      .initial_max_path_id = static_cast<std::uint32_t>(max_path_id.value_or(0)),
      .path_code_points = speaks_draft17(peer) ? PathCodePoints::kDraft17 : PathCodePoints::kDraft21};
  streams_.set_peer_limits({.initial_max_data = peer.initial_max_data,
                            .initial_max_stream_data_bidi_local = peer.initial_max_stream_data_bidi_local,
                            .initial_max_stream_data_bidi_remote = peer.initial_max_stream_data_bidi_remote,
                            .initial_max_stream_data_uni = peer.initial_max_stream_data_uni,
                            .initial_max_streams_bidi = peer.initial_max_streams_bidi,
                            .initial_max_streams_uni = peer.initial_max_streams_uni});
}

void ConnectionCore::apply_peer_parameters(const TransportParameters& peer) {
  apply_peer_limits(peer);
  // Here and nowhere earlier: neither remembered parameters nor a token are enough for us to clear the bit.
  // rfc9287:3.1-client-initial rfc9287:3.1-server rfc9287:3.1-not-remembered rfc9287:3.1-known
  if (config_.grease && peer.grease_quic_bit) first_octet_.grease();
  ack_frequency_.set_peer(peer.min_ack_delay_us,
                          std::chrono::milliseconds(static_cast<std::int64_t>(peer.max_ack_delay_ms)));
  path_->loss().set_peer_max_ack_delay(ack_frequency_.peer_max_ack_delay());
  path_->active().mtu_prober().set_peer_limit(peer.max_udp_payload_size);
  path_->local_cids().set_peer_limit(std::min<std::uint64_t>(peer.active_connection_id_limit, kCidsToIssue));
  if (peer.stateless_reset_token) path_->peer_cids().set_initial_token(*peer.stateless_reset_token);
  if (peer.preferred_address) note_preferred_address(*peer.preferred_address);
  note_peer_address_discovery(peer.address_discovery);
  negotiate_receive_timestamps(peer);
  negotiate_fec(peer);
  if (emitter_.wants(EventGroup::kConnection)) log_parameters(Owner::kRemote, peer);
}

// rfc9001:4.1.2-handshake-done rfc9000:19.20-too-early
void ConnectionCore::on_handshake_complete() {
  handshake_.complete = true;
  stats_.handshake_time = now_ - times_.started;
  handshake_.facts = {.alpn = std::string(tls_->alpn()),
                      .server_name = std::string(tls_->server_name()),
                      .group = std::string(group_of(*tls_)),
                      .peer_certificate = tls_->peer_certificate(),
                      .cipher = tls_->cipher_suite(),
                      .resumed = tls_->resumed(),
                      .early_data = tls_->early_data()};
  tell_.complete = true;
  log_state(LoggedConnectionState::kHandshakeComplete);
  const std::uint32_t chosen[] = {static_cast<std::uint32_t>(version_)};
  VersionInformation versions{.chosen_version = chosen[0]};
  (is_server() ? versions.server_versions : versions.client_versions) = chosen;
  emitter_.emit(versions);
  emitter_.emit(AlpnInformation{.chosen_alpn = handshake_.facts.alpn});
  if (!is_server()) conclude_early_data();
  begin_multipath();
  issue_connection_ids();
  if (is_server()) {
    owed_.handshake_done = true;
    confirm_handshake();
  }
}

// RFC 9001 section 4.1.2.
// rfc9001:4.9.2-handshake-keys
void ConnectionCore::confirm_handshake() {
  if (handshake_.confirmed) return;
  handshake_.confirmed = true;
  keys_.one_rtt().on_handshake_confirmed();
  times_.keys_since = now_;
  if (multipath_ == nullptr) {
    path_->loss().on_handshake_confirmed(now_);
  } else {
    multipath_->for_each_open([this](PathSlot& slot) { slot.path->loss().on_handshake_confirmed(now_); });
  }
  log_state(LoggedConnectionState::kHandshakeConfirmed);
  Path* const first = first_path();
  if (first == nullptr) return;
  const AtHand hand(*this, *first);
  path_->active().mtu_prober().start(now_);
  if (!is_server()) reach_preferred_address(path_->active().tuple().local);
}

// After the frames of a packet, when nothing refers to TLS or its octets any more: what the
// handshake needed goes. A client keeps TLS, for session tickets may come at any time.
void ConnectionCore::release_handshake() {
  if (!handshake_.confirmed || keys_.discarded(EncryptionLevel::kHandshake)) return;
  discard_keys(EncryptionLevel::kInitial);
  discard_keys(EncryptionLevel::kHandshake);
  if (Path* const first = first_path()) first->discard_handshake_acks();
  handshake_.token = std::vector<std::uint8_t>();
  release_early_data();
  if (extras_ != nullptr) extras_->attempt.reset();
  if (!is_server()) return;
  tls_.reset();
  // What comes now can only be a KeyUpdate or junk (RFC 9001 section 6).
  crypto_.close_one_rtt();
  routing_changes_.push_back({.add = false, .cid = ids_.retry_scid ? *ids_.retry_scid : ids_.original_dcid});
}

// RFC 9001 section 4.9: the keys, their packets and their CRYPTO data go together.
void ConnectionCore::discard_keys(EncryptionLevel level) {
  if (keys_.discarded(level)) return;
  if (level == EncryptionLevel::kInitial) {
    keys_.discard_initial();
  } else {
    keys_.discard_handshake();
  }
  crypto_.discard(level);
  if (Path* const first = first_path()) first->loss().discard_space(space_of(level), now_);
  emitter_.emit(KeyDiscarded{.key_type = key_type(level, is_server()), .trigger = KeyTrigger::kTls});
}

void ConnectionCore::issue_connection_ids() {
  if (multipath_ != nullptr) return multipath_->issue_connection_ids();
  issue_connection_ids(path_->local_cids());
}

void ConnectionCore::issue_connection_ids(LocalCids& cids) {
  while (cids.wanted() > 0) {
    const ConnectionId cid = cids_->generate();
    cids.issue(cid, cids_->reset_token(cid));
    routing_changes_.push_back({.add = true, .cid = cid});
  }
}

void ConnectionCore::on_session_ticket(Bytes ticket) {
  constexpr std::size_t kMaxTicketsPerBatch = 8;
  auto& tickets = tell_.provide_rare().tickets;
  if (tickets.size() < kMaxTicketsPerBatch) tickets.emplace_back(ticket.begin(), ticket.end());
}

void ConnectionCore::on_alert(std::uint8_t) {}

}  // namespace hawser::quic
