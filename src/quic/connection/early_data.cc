// early_data.cc: 0-RTT in the life of a connection: offered, judged by the server, accepted or taken
// back by the client, over (RFC 9000 section 7.4.1, RFC 9001 sections 4.6 and 4.9.3).
#include "quic/connection/early_data.h"

#include "base/reader.h"
#include "base/writer.h"
#include "quic/connection/core.h"
#include "quic/connection/replay_guard.h"
#include "quic/tls/tls_context.h"
#include "quic/wire/remembered_parameters.h"

namespace hawser::quic {
namespace {

// The first octet of a context. That a ticket is of this QUIC version is for
// TlsSession::set_resumption_scope() to see to.
constexpr std::uint8_t kContextFormat = 1;

}  // namespace

void seal_terms(EarlyDataTerms& terms, Random& random) {
  const std::vector<std::uint8_t> limits = encode_transport_parameters(terms.limits, Role::kServer, random);
  std::vector<std::uint8_t> context(1 + 2 + limits.size() + terms.application.size());
  Writer out(context);
  out.u8(kContextFormat);
  out.u16(static_cast<std::uint16_t>(limits.size()));
  out.bytes(limits);
  out.bytes(terms.application);
  terms.ticket_context = std::move(context);
}

// rfc9000:7.4.1-reject-unsupported
std::optional<std::string_view> why_not_early_data(Bytes ticket_context, const EarlyDataTerms& terms) {
  Reader in(ticket_context);
  std::uint8_t format = 0;
  std::uint16_t size = 0;
  Bytes limits;
  if (!in.u8(format) || format != kContextFormat || !in.u16(size) || !in.bytes(size, limits))
    return "the ticket has no terms";
  if (!equal(in.rest(), terms.application)) return "the application's settings have changed";
  const Parsed<TransportParameters> then = parse_transport_parameters(limits, Role::kServer);
  if (!then || !permits_zero_rtt(*then, terms.limits)) return "the limits are smaller now";
  return std::nullopt;
}

void ConnectionCore::allow_early_data(const EarlyDataTerms& terms) {
  early_data_ = std::make_unique<EarlyData>();
  early_data_->terms = &terms;
  early_data_->version = version_;
  tls_->set_ticket_context(terms.ticket_context);
}

// rfc9001:5.6-asked rfc9000:7.4.1-only-remembered
void ConnectionCore::offer_early_data(Bytes session) {
  if (tls_->early_data() != EarlyDataStatus::kOffered) return;
  const std::optional<SessionTicketView> ticket = parse_session_ticket(session);
  if (!ticket) return;
  // They were legal when they came; what is not read back gives no limits, so that nothing is sent.
  const auto then = parse_transport_parameters(ticket->transport_parameters, Role::kServer);
  early_data_ = std::make_unique<EarlyData>();
  early_data_->version = version_;
  if (then) early_data_->remembered = remembered_parameters(*then);
  apply_peer_limits(early_data_->remembered);
  log_restored_parameters(early_data_->remembered);
}

// rfc9001:4.6.2-rejected-unprocessed rfc9001:9.2-replay
bool ConnectionCore::on_early_data_offered(const EarlyDataOffer& offer) {
  if (early_data_ == nullptr || early_data_->terms == nullptr) return false;
  const EarlyDataTerms& terms = *early_data_->terms;
  std::optional<std::string_view> refusal = why_not_early_data(offer.ticket_context, terms);
  // Last, for asking uses the ticket up.
  if (!refusal && !terms.guard->first_use(offer.ticket_secret, now_)) refusal = "the ticket was used before";
  emitter_.emit(EarlyDataJudged{.accepted = !refusal, .reason = refusal.value_or("")});
  return !refusal;
}

// The client's half: the server's word is known once the handshake is complete.
// rfc9000:7.4.1-new-values rfc9000:17.2.3-not-after rfc9001:5.6-not-after rfc9001:4.9.3-client
void ConnectionCore::conclude_early_data() {
  if (early_data_ == nullptr) return;
  const bool accepted = tls_->early_data() == EarlyDataStatus::kAccepted;
  emitter_.emit(EarlyDataJudged{.accepted = accepted, .reason = accepted ? "" : "refused by the server"});
  keys_.discard_zero_rtt();
  emitter_.emit(KeyDiscarded{.key_type = KeyType::kClientZeroRtt, .trigger = KeyTrigger::kTls});
  const TransportParameters answer = *std::exchange(early_data_->answer, std::nullopt);
  // rfc9221:3-zero-rtt-client
  if (accepted && !permits_zero_rtt(early_data_->remembered, answer)) {
    close_for({TransportErrorCode::kProtocolViolation, 0, "0-RTT was accepted under limits that were reduced"});
    return;
  }
  if (!accepted) take_back_early_data();
  apply_peer_parameters(answer);
}

// RFC 9001 section 4.6.2: all that was sent has never been said. Streams keep their data and their
// numbers; limits start anew.
// rfc9001:5.6-stop
void ConnectionCore::take_back_early_data() {
  recovery_.clear();
  path_->loss().on_zero_rtt_rejected(recovery_, now_);
  on_frames_recovered(PacketNumberSpace::kApplication);
  recovery_.clear();
  streams_.on_early_data_rejected();
  if (datagrams() != nullptr) datagrams()->clear();
  peer_ = Peer{};
  early_data_->rejected = true;
}

// Section 4.9.3: packets that the network delayed may still come for a while.
void ConnectionCore::release_early_data() {
  if (early_data_ == nullptr) return;
  if (is_server() && keys_.can_open(EncryptionLevel::kZeroRtt)) {
    early_data_->discard_at = now_ + 3 * pto();
    return;
  }
  early_data_.reset();
}

// rfc9001:4.9.3-server
void ConnectionCore::on_early_data_timeout() {
  if (early_data_ == nullptr || now_ < early_data_->discard_at) return;
  keys_.discard_zero_rtt();
  emitter_.emit(KeyDiscarded{.key_type = KeyType::kClientZeroRtt, .trigger = KeyTrigger::kTls});
  early_data_.reset();
}

EarlyDataStatus ConnectionCore::early_data() const {
  if (handshake_.complete) return handshake_.facts.early_data;
  if (early_data_ == nullptr) return EarlyDataStatus::kNotOffered;
  if (!is_server()) return EarlyDataStatus::kOffered;
  return keys_.can_open(EncryptionLevel::kZeroRtt) ? EarlyDataStatus::kAccepted : EarlyDataStatus::kNotOffered;
}

}  // namespace hawser::quic
