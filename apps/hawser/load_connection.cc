// load_connection.cc: the life of a request, and of the connection under it.
#include "load_connection.h"

#include <fmt/format.h>

#include <array>
#include <span>
#include <utility>

#include "http3/settings.h"

namespace hawser::load {
namespace {

http3::SessionConfig session_config(const LoadOptions& options) {
  http3::SessionConfig config;
  config.qpack_decoder_table_capacity = options.arguments.header_table_size;
  config.qpack_encoder_table_capacity = 0;  // heads are encoded beforehand
  return config;
}

}  // namespace

LoadConnection::LoadConnection(const LoadOptions& options, const Share& share, LoadDriver& driver, Progress& progress,
                               Stats& stats)
    : options_(options),
      share_(share),
      driver_(driver),
      progress_(progress),
      stats_(stats),
      exchanges_(options.arguments.streams),
      next_head_(share.first_head % options.heads.size()) {
  for (Exchange& exchange : exchanges_) free_.push_back(&exchange);
}

std::expected<void, ConfigError> LoadConnection::connect() {
  session_ = std::make_unique<http3::Session>(quic::Role::kClient, session_config(options_), *this);
  answered_here_ = begun_here_ = early_here_ = 0;
  renewing_ = false;
  waits_for_ticket_since_ = kNever;
  const http::KeptSession kept = std::exchange(kept_, {});
  HAWSER_TRY(connection_, driver_.connect(*session_, kept));
  session_->attach(*connection_);
  if (connection_->early_data() != quic::EarlyDataStatus::kOffered) return {};
  session_->remember_settings(kept.settings);
  session_->on_early_data(*connection_);
  return {};
}

void LoadConnection::start(const Window& window, const Schedule& schedule, Timestamp now) {
  window_ = window;
  schedule_ = schedule;
  started_ = true;
  send_more(now);
}

Timestamp LoadConnection::next_due() const {
  return share_.open_loop ? schedule_.due(share_.position + begun_ * share_.stride) : Timestamp::min();
}

// Whether there is a further request to start, now or later.
bool LoadConnection::may_start(Timestamp now) const {
  if (stopped_ || given_up_ || begun_ >= share_.requests) return false;
  return share_.open_loop ? next_due() < window_.end : now < window_.end;
}

// --requests-per-connection: whatever else there is goes on the next one.
bool LoadConnection::has_had_its_share() const {
  const std::uint64_t most = options_.arguments.requests_per_connection;
  return most != 0 && begun_here_ >= most;
}

bool LoadConnection::send_more(Timestamp now) {
  bool any = false;
  while (start_request(now)) any = true;
  return any;
}

bool LoadConnection::start_request(Timestamp now) {
  if (!started_ || connection_ == nullptr || free_.empty() || !may_start(now) || has_had_its_share()) return false;
  const Timestamp due = share_.open_loop ? next_due() : now;
  if (due > now) return false;
  const auto id = session_->send_request(options_.heads[next_head_], options_.body.empty());
  if (!id) {
    using enum http3::SessionError;
    // The others pass: with the handshake, with on_requests_available, on a new connection.
    if (id.error() == kTooLarge || id.error() == kMalformed) give_up(std::string(to_string(id.error())));
    return false;
  }
  if (!options_.body.empty()) (void)session_->write_body(*id, SharedBytes(options_.body, nullptr), true);
  Exchange& exchange = *free_.back();
  free_.pop_back();
  exchange = {.id = *id, .due = due, .open = true};
  session_->set_user_data(*id, &exchange);
  ++begun_;
  ++begun_here_;
  if (!connection_->handshake_complete()) ++early_here_;
  if (++next_head_ == options_.heads.size()) next_head_ = 0;
  if (window_.contains(due)) ++stats_.requests_started;
  return true;
}

void LoadConnection::on_ready(http3::Session&) {
  if (!std::exchange(was_ready_, true)) progress_.connections_ready.add(1);
  send_more(connection_->now());
}

void LoadConnection::on_handshake_complete(http3::Session&) {
  stats_.handshakes.add(connection_->stats().handshake_time);
  stats_.connections_resumed += connection_->resumed() ? 1 : 0;
  stats_.early_accepted += connection_->early_data() == quic::EarlyDataStatus::kAccepted ? 1 : 0;
  stats_.early_rejected += connection_->early_data() == quic::EarlyDataStatus::kRejected ? 1 : 0;
  stats_.early_requests += early_here_;
}

// The newest: each is for one connection.
void LoadConnection::on_session_ticket(http3::Session& session, Bytes ticket) {
  if (!options_.arguments.early_data) return;
  kept_.ticket.assign(ticket.begin(), ticket.end());
  kept_.settings.clear();
  http3::append_settings_payload(kept_.settings, *session.peer_settings());
  settle(connection_->now());
}

void LoadConnection::on_new_token(http3::Session&, Bytes token) {
  if (options_.arguments.early_data) kept_.token.assign(token.begin(), token.end());
}

void LoadConnection::on_headers(http3::Session&, quic::StreamId id, const http3::MessageHead& head, bool) {
  Exchange* const exchange = find(id);
  if (exchange == nullptr || head.kind == http3::MessageKind::kInformational) return;
  exchange->status = head.status;
  const Timestamp now = connection_->now();
  if (window_.contains(share_.open_loop ? exchange->due : now)) stats_.first_octets.add(now - exchange->due);
}

// Looks at nothing but the sizes; the session has checked them against the head.
void LoadConnection::on_body_readable(http3::Session& session, quic::StreamId id) {
  const bool counts = window_.contains(connection_->now());
  std::array<Bytes, 16> views;
  while (const std::size_t count = session.read_body_views(id, views)) {
    std::size_t octets = 0;
    for (const Bytes& view : std::span(views).first(count)) octets += view.size();
    if (counts) stats_.body_octets += octets;
    session.consume_body(id, octets);
  }
}

void LoadConnection::on_message_complete(http3::Session&, quic::StreamId id) {
  if (Exchange* const exchange = find(id)) end_exchange(*exchange, End::kAnswered, connection_->now());
}

void LoadConnection::on_stream_reset(http3::Session&, quic::StreamId id, http3::ErrorCode, std::string_view) {
  if (Exchange* const exchange = find(id)) end_exchange(*exchange, End::kErrored, connection_->now());
}

void LoadConnection::on_requests_available(http3::Session&) {
  send_more(connection_->now());
}

void LoadConnection::on_goaway(http3::Session&, std::uint64_t) {
  settle(connection_->now());
}

void LoadConnection::end_exchange(Exchange& exchange, End end, Timestamp now) {
  session_->set_user_data(exchange.id, nullptr);
  if (end == End::kAnswered) ++answered_here_;
  count(exchange, end, now);
  exchange.open = false;
  free_.push_back(&exchange);
  send_more(now);
  settle(now);
}

// A closed loop counts what ends in the time that is measured, an open one what fell due in it.
void LoadConnection::count(const Exchange& exchange, End end, Timestamp now) {
  if (!window_.contains(share_.open_loop ? exchange.due : now)) return;
  ++done_.requests_done;
  progress_.requests_done.add(1);
  if (end == End::kTimedOut) ++stats_.requests_timed_out;
  if (end == End::kErrored) ++stats_.requests_errored;
  if (end != End::kAnswered) return progress_.requests_failed.add(1);
  stats_.latencies.add(now - exchange.due);
  const std::size_t status_class = std::min<std::size_t>(exchange.status / 100, stats_.statuses.size()) - 1;
  ++stats_.statuses[status_class];
  if (exchange.status < 400) {
    ++stats_.requests_succeeded;
  } else {
    progress_.requests_failed.add(1);
  }
}

// Looks whether anything is left to do, here or on another connection.
void LoadConnection::settle(Timestamp now) {
  if (!started_ || under_way() != 0) return;
  if (!may_start(now)) {
    if (!std::exchange(told_idle_, true)) progress_.connections_idle.add(1);
  } else if (connection_ != nullptr && session_->going_away()) {
    session_->close();  // RFC 9114 section 5.2: it takes no further requests
  } else if (connection_ != nullptr && has_had_its_share()) {
    renew(now);
  }
}

// With 0-RTT the answer may be here before the ticket for the next connection is.
void LoadConnection::renew(Timestamp now) {
  if (options_.arguments.early_data && kept_.ticket.empty()) {
    if (waits_for_ticket_since_ == kNever) waits_for_ticket_since_ = now;
    return;
  }
  renewing_ = true;
  session_->close();
}

bool LoadConnection::give_up_late(Timestamp now) {
  bool any = false;
  for (Exchange& exchange : exchanges_) {
    if (connection_ == nullptr || !exchange.open || now - exchange.due < options_.timeout) continue;
    const quic::StreamId id = exchange.id;
    session_->set_user_data(id, nullptr);
    session_->cancel(id);
    end_exchange(exchange, End::kTimedOut, now);
    any = true;
  }
  if (connection_ != nullptr && waits_for_ticket_since_ != kNever &&
      now - waits_for_ticket_since_ >= options_.timeout) {
    waits_for_ticket_since_ = kNever;
    give_up("the server gives no session tickets: leave --early-data out");
    session_->close();
    any = true;
  }
  return any;
}

void LoadConnection::fail_open_exchanges(Timestamp now) {
  for (Exchange& exchange : exchanges_) {
    if (!std::exchange(exchange.open, false)) continue;
    count(exchange, End::kErrored, now);
    free_.push_back(&exchange);
  }
}

void LoadConnection::on_closed(http3::Session&, const quic::CloseReason& reason) {
  const Timestamp now = connection_->now();
  if (!stopped_) stats_.add_transport(connection_->stats());
  connection_ = nullptr;
  driver_.bury(std::move(session_));
  if (stopped_) return;
  fail_open_exchanges(now);
  if (given_up_ || told_idle_) return;
  // A server may end connections after so many requests; one that answers none is not asked again.
  if (started_ && (answered_here_ != 0 || renewing_) && may_start(now)) return driver_.reconnect_soon(*this);
  if (started_ && !may_start(now)) return settle(now);
  give_up(describe(reason));
}

void LoadConnection::on_reconnect() {
  ++(renewing_ ? stats_.connections_renewed : stats_.reconnects);
  if (const auto connected = connect(); !connected) give_up(connected.error().message);
}

void LoadConnection::give_up(std::string reason) {
  if (std::exchange(given_up_, true)) return;
  if (stats_.failure.empty()) stats_.failure = std::move(reason);
  progress_.connections_failed.add(1);
  if (!started_ || share_.requests == UINT64_MAX) return;
  // Those that were promised by -n and will not be sent.
  const std::uint64_t lost = share_.requests - begun_;
  stats_.requests_errored += lost;
  progress_.requests_done.add(lost);
  progress_.requests_failed.add(lost);
}

void LoadConnection::stop(Timestamp now) {
  if (stopped_) return;
  if (share_.open_loop && started_) {
    for (const Exchange& exchange : exchanges_) stats_.requests_unanswered += exchange.open ? 1 : 0;
    for (; may_start(now) && next_due() <= now; ++begun_) ++stats_.requests_unanswered;
  }
  stopped_ = true;
  if (connection_ == nullptr) return;
  session_->close();
}

}  // namespace hawser::load
