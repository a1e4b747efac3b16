// session_early.cc: what sessions remember of each other for 0-RTT: the settings that a ticket belongs
// to, on both sides (RFC 9114 section 7.2.4.2).
#include "http3/session_core.h"
#include "quic/connection/connection.h"

namespace hawser::http3 {

using quic::Role;

Settings own_settings(const SessionConfig& config, Role role) {
  Settings settings;
  settings.qpack_max_table_capacity = config.qpack_decoder_table_capacity;
  if (config.qpack_decoder_table_capacity > 0) settings.qpack_blocked_streams = config.qpack_blocked_streams;
  settings.max_field_section_size = config.max_field_section_size;
  settings.enable_connect_protocol = role == Role::kServer && config.enable_connect_protocol;
  settings.h3_datagram = config.h3_datagram;
  settings.others = config.settings;
  return settings;
}

// Tickets that were issued under other settings permit no 0-RTT.
// rfc9114:7.2.4.2-incompatible rfc9114:7.2.4.2-not-reduced rfc9204:3.2.3-remembered
std::vector<std::uint8_t> early_data_terms(const SessionConfig& config) {
  std::vector<std::uint8_t> terms;
  append_settings_payload(terms, own_settings(config, Role::kServer));
  return terms;
}

bool SessionCore::in_early_data() const {
  const quic::Connection* const connection = own_transport_.connection();
  return connection != nullptr && connection->early_data() == quic::EarlyDataStatus::kOffered;
}

void SessionCore::on_early_data() {
  make_ready();
}

// What means nothing is not among a client's first packets: it would be a fourth stream, where three are
// what servers allow at least.
void SessionCore::on_handshake_complete() {
  const bool was_early = ready_ && role_ == Role::kClient;
  make_ready();
  if (was_early && !closed_ && own_decoder_ && config_->grease) send_grease_stream();
  if (!closed_) handler_.on_handshake_complete(session_);
}

// rfc9114:7.2.4.2-stored
void SessionCore::remember_settings(Bytes payload) {
  auto settings = parse_settings(payload);
  if (!settings) return;
  if (remembered_ == nullptr) remembered_ = std::make_unique<Remembered>();
  remembered_->settings = *std::move(settings);
}

// rfc9114:7.2.4.2-store
// RFC 9114 section 7.2.4.2: a ticket is kept with the settings it was issued under. Those come on
// another stream, often a little later.
void SessionCore::on_session_ticket(Bytes ticket) {
  constexpr std::size_t kMaxWaiting = 8;
  if (remembered_ == nullptr) remembered_ = std::make_unique<Remembered>();
  if (remembered_->tickets.size() < kMaxWaiting) remembered_->tickets.emplace_back(ticket.begin(), ticket.end());
  deliver_tickets();
}

void SessionCore::deliver_tickets() {
  if (!peer_settings_ || remembered_ == nullptr) return;
  const std::unique_ptr<Remembered> done = std::move(remembered_);
  for (const std::vector<std::uint8_t>& ticket : done->tickets) handler_.on_session_ticket(session_, ticket);
}

// A server that accepted 0-RTT keeps to what it had said before.
// rfc9114:7.2.4.2-violated rfc9114:7.2.4.2-omitted
bool SessionCore::breaks_early_settings(const Settings& settings) const {
  const quic::Connection* const connection = own_transport_.connection();
  return remembered_ != nullptr && remembered_->settings && connection != nullptr &&
         connection->early_data() == quic::EarlyDataStatus::kAccepted &&
         !settings_permit_zero_rtt(*remembered_->settings, settings);
}

}  // namespace hawser::http3
