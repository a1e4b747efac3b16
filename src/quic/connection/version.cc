// version.cc: which QUIC version a connection speaks: compatible negotiation inside the handshake,
// Version Negotiation packets before it, and the checks that keep an attacker from forcing an older
// version on both ends (RFC 9368).
#include "quic/connection/core.h"
#include "quic/crypto/key_schedule.h"
#include "quic/tls/tls_context.h"
#include "quic/wire/version_information.h"
#include "quic/wire/version_negotiation.h"

namespace hawser::quic {
namespace {

const VersionKeyTable& table_of(Version version) {
  const VersionKeyTable* table = version_key_table(version);
  HAWSER_CHECK(table != nullptr);
  return *table;
}

std::unexpected<TransportError> mismatch(std::string_view reason) {
  return fail(TransportErrorCode::kVersionNegotiationError, reason);
}

}  // namespace

const VersionKeyTable& ConnectionCore::key_table() const {
  return table_of(version_);
}

void ConnectionCore::set_initial_keys() {
  const ConnectionId& dcid = ids_.retry_scid ? *ids_.retry_scid : ids_.original_dcid;
  keys_.set_initial(initial_keys(key_table(), role_, dcid.view(), config_.crypto));
}

std::vector<std::uint8_t> ConnectionCore::version_information() const {
  return encode_version_information(version_, config_.versions.view(), config_.grease, cids_->random());
}

// The version of the client's first packet. Once a server has changed over, it is the one whose
// Initial packets it still reads.
Version ConnectionCore::original_version() const {
  if (is_server()) return keys_.alternate_version().value_or(version_);
  return extras_ != nullptr && extras_->attempt ? extras_->attempt->original : version_;
}

// rfc9368:2.3-select rfc9368:4-never-offered
// A client changes over once, before anything but Initial packets was understood (section 2.3).
bool ConnectionCore::may_adopt(Version version) const {
  return !is_server() && version_ == original_version() && config_.versions.contains(version) &&
         !keys_.can_open(EncryptionLevel::kHandshake) && !keys_.discarded(EncryptionLevel::kHandshake);
}

// rfc9369:4.1-drop rfc9369:4.1-original-keys
// nullptr: no packet of this kind in that version is expected.
// rfc9000:5.2.1-other-version
DirectionKeys* ConnectionCore::read_keys(const PacketHeader& header) {
  const EncryptionLevel level = level_of(header.type);
  if (level == EncryptionLevel::kZeroRtt) {
    const bool ours = early_data_ != nullptr && header.version == early_data_->version;
    return ours ? &keys_.level(level).read : nullptr;
  }
  if (header.version == version_) return &keys_.level(level).read;
  if (level != EncryptionLevel::kInitial) return nullptr;
  DirectionKeys* known = keys_.alternate(header.version);
  if (known != nullptr || !may_adopt(header.version)) return known;
  const ConnectionId& dcid = ids_.retry_scid ? *ids_.retry_scid : ids_.original_dcid;
  return &keys_.set_alternate(
      header.version, std::move(initial_keys(table_of(header.version), role_, dcid.view(), config_.crypto).read));
}

// rfc9369:4.1-original-keys rfc9369:4.1-crypto rfc9369:4.1-handshake rfc9369:4.1-client-initial rfc9369:5-validate
// From here on packets are of `version`. A server goes on reading Initial packets of the version
// before, for the client's may still be under way (RFC 9369 section 4.1).
void ConnectionCore::adopt_version(Version version) {
  if (version == version_) return;
  if (is_server()) {
    keys_.set_alternate(version_, std::move(keys_.level(EncryptionLevel::kInitial).read));
  } else {
    keys_.drop_alternate();
  }
  version_ = version;
  set_initial_keys();
  keys_.one_rtt().set_table(key_table());
  if (tls_ != nullptr) tls_->set_resumption_scope(static_cast<std::uint32_t>(version));
}

// RFC 9368 section 2.3: one of those that the client's first flight is compatible with. Its first
// packet's is among them, and spoken here, or this connection would not exist.
// rfc9368:2.2-explicit
Version ConnectionCore::choice_for(const VersionList& offered) const {
  if (config_.own_version_order) {
    for (const Version version : config_.versions.view())
      if (offered.contains(version)) return version;
  }
  for (std::size_t i = 0; i < offered.size(); ++i)
    if (config_.versions.contains(offered[i])) return offered[i];
  return version_;
}

// rfc9369:4-version-information rfc9368:3-both rfc9368:4-parse rfc9368:4-server-v1 rfc9368:4-error
// rfc9368:4-missing-error rfc9368:8-v1 rfc9368:8-implement rfc9369:4-compatible
Parsed<void> ConnectionCore::agree_on_version(const TransportParameters& peer) {
  // rfc9368:4-server-validates rfc9368:4-server-differs rfc9368:4-negotiated rfc9368:4-missing rfc9368:4-never-offered
  if (is_server()) {
    if (peer.version_information.empty()) return {};
    const VersionInformationView offered(peer.version_information);
    if (offered.chosen() != original_version()) return mismatch("the client's chosen version is not its packets'");
    adopt_version(choice_for(offered.available()));
    return {};
  }
  const bool restarted = extras_ != nullptr && extras_->attempt && extras_->attempt->restarted;
  if (peer.version_information.empty()) {
    if (version_ != original_version()) return mismatch("the server changed the version without version_information");
    // Section 8: a server without the parameter is one that speaks nothing but version 1.
    if (restarted && version_ != Version::kV1) return mismatch("no version_information after Version Negotiation");
    return {};
  }
  const VersionInformationView theirs(peer.version_information);
  if (theirs.chosen() != version_) return mismatch("the server's chosen version is not its packets'");
  if (!restarted) return {};
  // rfc9368:4-available rfc9368:4-would-differ rfc9368:4-empty
  if (theirs.available().size() == 0) return mismatch("no available versions after Version Negotiation");
  // Section 4: with the authentic list in place of the packet's, would we have come here as well?
  for (const Version version : config_.versions.view()) {
    if (version == original_version()) return {};
    if (version == version_ || theirs.available().contains(version)) break;
  }
  return mismatch("the Version Negotiation packet was not the server's");
}

void ConnectionCore::on_version_negotiation(const PacketHeader& header, Bytes packet) {
  // rfc9368:4-original-ignored rfc9368:4-second-ignored rfc9368:2.1-search rfc9368:2.1-none
  // RFC 9000 section 6.2: only a client that has processed no other packet looks at it; RFC 9368
  // section 4: and only once.
  // rfc9000:6.2-vn-after-others
  const bool mine = equal(header.dcid, ids_.local.view()) && equal(header.scid, ids_.original_dcid.view());
  const bool followed = extras_ != nullptr && extras_->attempt && extras_->attempt->restarted;
  if (is_server() || handshake_.begun || handshake_.retried || followed || !mine || phase_ != Phase::kOpen) {
    drop_packet(header, packet.size(), PacketDropReason::kRejected);
    return;
  }
  const std::optional<VersionList> versions = parse_version_negotiation(header, packet);
  // rfc9000:6.2-vn-lists-chosen
  if (!versions || versions->contains(version_)) {
    drop_packet(header, packet.size(), PacketDropReason::kInvalid);
    return;
  }
  std::optional<Version> choice;
  for (const Version version : config_.versions.view()) {
    if (!choice && versions->contains(version)) choice = version;
  }
  log_versions(*versions, choice);
  // rfc9000:6.2-abandon
  if (!choice || extras_ == nullptr || !extras_->attempt) {
    finish({.kind = CloseReason::Kind::kVersionMismatch, .reason = "the server speaks no QUIC version that we speak"});
    return;
  }
  restart_in(*choice);
}

// rfc9368:2.1-select rfc9368:6-anew
// Begins again with a first flight of another version: a new ClientHello, for it says the version.
// What the application has written so far goes along.
void ConnectionCore::restart_in(Version version) {
  ClientAttempt& attempt = *extras_->attempt;
  attempt.original = version_ = version;
  attempt.restarted = true;
  set_initial_keys();
  keys_.drop_alternate();
  keys_.one_rtt().set_table(key_table());
  handshake_.token.clear();  // RFC 9369 section 5: it is of the other version
  crypto_.restart(EncryptionLevel::kInitial);
  recovery_.clear();
  path_->loss().on_retry(recovery_, now_);
  on_frames_recovered(PacketNumberSpace::kInitial);
  early_packets_.reset();
  if (early_data_ != nullptr) {
    keys_.discard_zero_rtt();
    take_back_early_data();
    early_data_.reset();
  }
  // No session ticket either: it is of the other version as well.
  tls_ = attempt.tls->new_session(
      *this,
      {.server_name = attempt.server_name, .transport_parameters = encoded_transport_parameters(), .ticket = {}});
  restart_idle_timer();
  if (auto started = tls_->start(); !started) close_for(started.error());
}

// rfc9369:5-ticket-version rfc9368:7.2-tickets
bool ticket_is_of(Bytes ticket, Version version) {
  const auto view = parse_session_ticket(ticket);
  if (!view) return false;
  const auto parameters = parse_transport_parameters(view->transport_parameters, Role::kServer);
  if (!parameters) return false;
  const Version issued = parameters->version_information.empty()
                             ? Version::kV1
                             : VersionInformationView(parameters->version_information).chosen();
  return issued == version;
}

}  // namespace hawser::quic
