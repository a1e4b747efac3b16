// client.cc: which address, which connection, which request next.
#include "http/client.h"

#include <fmt/format.h>

#include "base/check.h"
#include "http/client_wire.h"
#include "http/early_requests.h"
#include "http/left_bodies.h"
#include "http/saved_path_record.h"
#include "quic/wire/errors.h"

namespace hawser::http {
namespace {

// TLS alerts arrive as 0x100 and the alert's number (RFC 9001 section 4.8).
constexpr std::uint64_t kCryptoErrorBase = 0x100;

// Alerts that a client sends when it does not accept a certificate (RFC 8446 section 6.2).
bool is_certificate_alert(std::uint64_t alert) {
  return (alert >= 42 && alert <= 46) || alert == 48;
}

ClientFailure failure_of(const quic::CloseReason& reason, const SocketAddress& remote, bool connected) {
  using Kind = quic::CloseReason::Kind;
  const bool transport = reason.kind == Kind::kLocalTransport || reason.kind == Kind::kPeerTransport;
  if (transport && reason.error_code >= kCryptoErrorBase && reason.error_code < kCryptoErrorBase + 256) {
    const bool certificate =
        reason.kind == Kind::kLocalTransport && is_certificate_alert(reason.error_code - kCryptoErrorBase);
    std::string words =
        reason.kind == Kind::kLocalTransport && !reason.reason.empty() ? reason.reason : describe(reason);
    return {certificate ? ClientFailure::Kind::kCertificate : ClientFailure::Kind::kTls, std::move(words)};
  }
  if (connected) return {ClientFailure::Kind::kClosed, describe(reason)};
  return {ClientFailure::Kind::kConnect, fmt::format("cannot connect to {}: {}", to_string(remote), describe(reason))};
}

// Those that a recording may repeat (RFC 8470 section 4).
// rfc9001:9.2-replay rfc9114:10.9-replay
bool may_go_early(const ClientRequest& request) {
  return is_safe_method(request.method) && !request.body;
}

}  // namespace

Client::Client(ClientOptions options, ClientDriver& driver) : options_(std::move(options)), driver_(driver) {}
Client::~Client() = default;

void Client::connect(std::vector<SocketAddress> addresses, Timestamp now) {
  HAWSER_CHECK(!addresses.empty());
  first_address_ = addresses.front();
  for (const SocketAddress& remote : addresses) attempts_.add(remote, driver_.places(remote), options_.attempt_delay);
  if (options_.connect_timeout > Duration{0}) connect_deadline_ = now + options_.connect_timeout;
  if (options_.sessions != nullptr)
    kept_ = options_.sessions->take(session_key(options_.first_version), driver_.unix_time_s());
  start_attempt(now);
}

// Goes on to the next address, or network, that lets a connection be started.
void Client::start_attempt(Timestamp now) {
  next_attempt_.reset();
  while (const std::optional<FourTuple> way = attempts_.next()) {
    const SocketAddress& remote = way->remote;
    auto wire = options_.hq ? make_hq_wire(*this, remote, now) : make_h3_wire(*this, remote, now);
    const auto connection = driver_.connect(*way, wire->handler(), kept_);
    if (!connection) {
      failure_ = ClientFailure{ClientFailure::Kind::kConnect,
                               fmt::format("cannot connect to {}: {}", to_string(remote), connection.error().message)};
      continue;
    }
    wire->connection = *connection;
    wires_.push_back(std::move(wire));
    ++open_attempts_;
    if (const std::optional<Duration> head_start = attempts_.head_start()) next_attempt_ = now + *head_start;
    // A ticket and a token are for one connection.
    const KeptSession kept = std::exchange(kept_, {});
    if ((*connection)->early_data() == quic::EarlyDataStatus::kOffered) start_early(*wires_.back(), kept.settings, now);
    return;
  }
  if (open_attempts_ == 0) fail_all(*failure_, now);
}

void Client::on_ready(ClientWire& wire, Timestamp now) {
  if (chosen_ != nullptr) return wire.close();
  take_back_early(&wire);
  chosen_ = &wire;
  next_attempt_.reset();
  connect_deadline_.reset();
  const quic::Connection& connection = *wire.connection;
  facts_ = ConnectionFacts{.local = connection.tuple().local,
                           .remote = wire.remote(),
                           .observed = {},
                           .began = wire.began(),
                           .connected = now,
                           .alpn = std::string(connection.alpn()),
                           .quic_version = std::string(quic::version_name(connection.version())),
                           .cipher = std::string(connection.cipher_name()),
                           .group = std::string(connection.group_name()),
                           .resumed = connection.resumed(),
                           .early_data = connection.early_data(),
                           .stats = {},
                           .times = {}};
  for (const auto& other : wires_) {
    if (other.get() == &wire || other->connection == nullptr) continue;
    quic::Connection& slower = *other->connection;
    other->close();
    driver_.wake(slower);
  }
  start_queued(now);
}

void Client::on_over(ClientWire& wire, const quic::CloseReason& reason, Timestamp now) {
  const bool chosen = chosen_ == &wire;
  if (chosen) keep_path(wire);
  wire.connection = nullptr;
  --open_attempts_;
  if (chosen_ != nullptr && !chosen) return;
  if (early_ == &wire) take_back_early(nullptr);
  ClientFailure failure = failure_of(reason, wire.remote(), chosen);
  // What the certificate is wrong about says more than that another address is silent.
  if (!failure_ || failure_->kind == ClientFailure::Kind::kConnect) failure_ = std::move(failure);
  const bool hopeless =
      failure_->kind == ClientFailure::Kind::kCertificate || failure_->kind == ClientFailure::Kind::kTls;
  if (chosen || hopeless) return fail_all(*failure_, now);
  start_attempt(now);
}

quic::Connection* Client::connection() const {
  return chosen_ == nullptr ? nullptr : chosen_->connection;
}

// The server says where it sees us some time after the handshake, and again when that changes.
std::optional<ConnectionFacts> Client::facts() const {
  std::optional<ConnectionFacts> facts = facts_;
  if (!facts || chosen_ == nullptr || chosen_->connection == nullptr) return facts;
  const quic::Connection& connection = *chosen_->connection;
  facts->observed = connection.network_paths().front().observed;
  facts->stats = connection.stats();
  facts->times = connection.receive_time_stats();
  facts->paths = connection.paths();
  return facts;
}

void Client::send(ClientRequest request, Timestamp now) {
  HAWSER_CHECK(request.sink != nullptr);
  if (failure_ && open_attempts_ == 0) return request.sink->on_failure(*failure_, now);
  queue_.push_back(std::move(request));
  if (early_ != nullptr) {
    start_early_queued(now);
    return driver_.wake(*early_->connection);
  }
  if (chosen_ == nullptr || chosen_->connection == nullptr) return;
  quic::Connection& connection = *chosen_->connection;
  start_queued(now);
  driver_.wake(connection);
}

void Client::start_queued(Timestamp now) {
  while (!queue_.empty() && chosen_ != nullptr && chosen_->connection != nullptr) {
    if (chosen_->start(queue_.front(), now) == ClientWire::Started::kLater) return;
    queue_.pop_front();
  }
}

void Client::on_requests_available(Timestamp now) {
  start_queued(now);
}

// Before the handshake. --------------------------------------------------------------------------

void Client::start_early(ClientWire& wire, Bytes settings, Timestamp now) {
  early_ = &wire;
  wire.begin_early(settings);
  start_early_queued(now);
}

void Client::start_early_queued(Timestamp now) {
  for (std::size_t at = 0; at < queue_.size();) {
    if (!may_go_early(queue_[at])) {
      ++at;
      continue;
    }
    ClientRequest request = std::move(queue_[at]);
    queue_.erase(queue_.begin() + static_cast<std::ptrdiff_t>(at));
    if (early_->start(request, now) != ClientWire::Started::kLater) continue;
    queue_.insert(queue_.begin() + static_cast<std::ptrdiff_t>(at), std::move(request));
    return;
  }
}

// The connection in 0-RTT is given up or came about; then what was started on it stays.
void Client::take_back_early(const ClientWire* unless) {
  ClientWire* const early = std::exchange(early_, nullptr);
  if (early == nullptr || early == unless) return;
  std::vector<ClientRequest> requests = early->take_back();
  queue_.insert(queue_.begin(), std::make_move_iterator(requests.begin()), std::make_move_iterator(requests.end()));
}

void Client::send_again(ClientRequest request, Timestamp now) {
  queue_.push_back(std::move(request));
  start_queued(now);
}

// RFC 9369 section 5: tickets and tokens are for the version that they came in.
std::string Client::session_key(quic::Version version) const {
  return fmt::format("{} {:08x}", options_.session_key, static_cast<std::uint32_t>(version));
}

void Client::keep_ticket(const ClientWire& wire, Bytes ticket, Bytes settings) {
  const std::uint32_t lifetime_s = driver_.ticket_lifetime_s(ticket);
  if (options_.sessions == nullptr || lifetime_s == 0 || wire.connection == nullptr) return;
  options_.sessions->put_ticket(session_key(wire.connection->version()), ticket, settings,
                                driver_.unix_time_s() + std::int64_t{lifetime_s});
  if (facts_) ++facts_->tickets_kept;
}

// A token says nothing of its age: servers of ours take it for a day, and one that is too old costs nothing.
void Client::keep_token(const ClientWire& wire, Bytes token) {
  constexpr std::int64_t kTokenLifetime_s = 86'400;
  if (options_.sessions == nullptr || wire.connection == nullptr) return;
  options_.sessions->put_token(session_key(wire.connection->version()), token,
                               driver_.unix_time_s() + kTokenLifetime_s);
}

// At the end of a connection: what it saw, or what it was given and did not use.
void Client::keep_path(const ClientWire& wire) {
  if (options_.sessions == nullptr || wire.connection == nullptr) return;
  const std::optional<quic::SavedPath> saved = wire.connection->saved_path();
  if (!saved) return;
  const std::int64_t now_s = driver_.unix_time_s();
  const Duration left = wire.connection->config().careful_resume_lifetime - saved->age;
  options_.sessions->put_path(session_key(wire.connection->version()), write_saved_path(*saved, now_s),
                              now_s + std::chrono::ceil<std::chrono::seconds>(left).count());
}

void Client::fail_all(const ClientFailure& failure, Timestamp now) {
  next_attempt_.reset();
  connect_deadline_.reset();
  // A sink may send again from its call: only what stands in the queue now fails.
  for (std::size_t count = queue_.size(); count > 0; --count) {
    ClientRequest request = std::move(queue_.front());
    queue_.pop_front();
    request.sink->on_failure(failure, now);
  }
}

void Client::close() {
  attempts_.stop();
  next_attempt_.reset();
  connect_deadline_.reset();
  for (const auto& wire : wires_) {
    if (wire->connection == nullptr) continue;
    quic::Connection& connection = *wire->connection;
    wire->close();
    driver_.wake(connection);
  }
  give_up_bodies();
}

void Client::retry_body_later(Timestamp now) {
  if (!retry_body_) retry_body_ = now + kRetryBody;
}

void Client::leave_body(LeftBody body, const quic::CloseReason& reason, Timestamp now) {
  if (reason.kind == quic::CloseReason::Kind::kLocalApplication)
    return body.sink->on_failure(body.failure.value_or(failure_of(reason, {}, true)), now);
  if (left_bodies_ == nullptr) left_bodies_ = std::make_unique<LeftBodies>();
  left_bodies_->add(std::move(body));
  retry_body_later(now);
}

void Client::give_up_bodies() {
  if (left_bodies_ == nullptr || left_bodies_->empty()) return;
  const Timestamp now = retry_body_.value_or(Timestamp{});
  left_bodies_->fail_all({ClientFailure::Kind::kClosed, "closed before what had arrived was read"}, now);
}

void Client::on_timeout(Timestamp now) {
  if (connect_deadline_ && now >= *connect_deadline_) {
    failure_ = ClientFailure{ClientFailure::Kind::kTimeout,
                             fmt::format("no connection to {} after {:.3f} s", to_string(first_address_),
                                         to_seconds(options_.connect_timeout))};
    const ClientFailure failure = *failure_;
    close();
    fail_all(failure, now);
  }
  if (next_attempt_ && now >= *next_attempt_) start_attempt(now);
  if (retry_body_ && now >= *retry_body_) {
    retry_body_.reset();
    if (chosen_ != nullptr && chosen_->connection != nullptr) {
      quic::Connection& connection = *chosen_->connection;
      chosen_->retry_bodies(now);
      driver_.wake(connection);
    }
    if (left_bodies_ != nullptr) {
      left_bodies_->offer(now);
      if (!left_bodies_->empty()) retry_body_later(now);
    }
  }
}

std::optional<Timestamp> Client::next_timeout() const {
  std::optional<Timestamp> next;
  for (const std::optional<Timestamp>& time : {next_attempt_, connect_deadline_, retry_body_}) {
    if (time && (!next || *time < *next)) next = time;
  }
  return next;
}

}  // namespace hawser::http
