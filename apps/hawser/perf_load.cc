// perf_load.cc: exchanges on a connection, and connections in a row.
#include "perf_load.h"

#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "runtime/clock.h"

namespace hawser::perf {

using quic::Connection;
using quic::StreamId;
using runtime::current_time;

std::expected<void, ConfigError> LoadConnection::connect(Dialer& dialer, quic::ClientParameters parameters) {
  HAWSER_TRY(connection_, dialer.protocol.connect(std::move(parameters), *this));
  return {};
}

void LoadConnection::start(quic::Endpoint& endpoint) {
  if (connection_ == nullptr) return;
  if (datagrams_) {
    failure_ = datagrams_->start(*connection_, current_time());
    if (!failure_.empty()) {
      counters_.failed.add(1);
      return connection_->close(0, failure_);
    }
    send_datagrams(*connection_, current_time());
    endpoint.wake(*connection_);
    return;
  }
  if (plan_.period != Duration{0}) {
    due_ = current_time() + plan_.period;
    return;
  }
  open_exchanges(*connection_);
  endpoint.wake(*connection_);
}

// What fell due while another exchange was under way has waited since; what begins late because
// this thread woke up late has not.
void LoadConnection::start_due(quic::Endpoint& endpoint, Timestamp now) {
  if (datagrams_ && connection_ != nullptr) {
    counters_.exchanges.add(datagrams_->on_time(now, latencies_));
    send_datagrams(*connection_, now);
    endpoint.wake(*connection_);
    return;
  }
  if (connection_ == nullptr || stopped_ || begun_ == plan_.exchanges) {
    due_ = kNever;
    return;
  }
  const RequestHeader header{
      .op = Op::kTransfer, .request_size = plan_.request_size, .response_size = plan_.response_size};
  if (open(*connection_, header, overdue_ ? due_ : now)) ++begun_;
  due_ += plan_.period;
  endpoint.wake(*connection_);
}

void LoadConnection::stop(quic::Endpoint& endpoint) {
  stopped_ = true;
  if (datagrams_) datagrams_->stop();
  if (connection_ == nullptr) return;
  for (auto& [id, exchange] : exchanges_) {
    if (exchange.request.finished) {
      (void)connection_->stop_sending(StreamId{id}, 0);
    } else {
      exchange.request.finished = true;
      (void)connection_->finish(StreamId{id});
    }
  }
  endpoint.wake(*connection_);
}

void LoadConnection::request_report(quic::Endpoint& endpoint) {
  if (connection_ == nullptr) return;
  report_octets_.clear();
  report_.reset();
  if (open(*connection_, {.op = Op::kReport}, current_time())) counters_.reports_requested.add(1);
  endpoint.wake(*connection_);
}

void LoadConnection::open_exchanges(Connection& connection) {
  const RequestHeader header{
      .op = Op::kTransfer, .request_size = plan_.request_size, .response_size = plan_.response_size};
  while (!stopped_ && begun_ < plan_.exchanges && begun_ - ended_ < plan_.streams) {
    if (!open(connection, header, current_time())) return;
    ++begun_;
  }
}

bool LoadConnection::open(Connection& connection, const RequestHeader& header, Timestamp begin) {
  const auto id = connection.open_stream(true);
  if (!id) return false;
  Exchange& exchange = exchanges_[id->value];
  exchange = {.begin = begin, .request = {.remaining = header.request_size}, .is_report = header.op == Op::kReport};
  const auto octets = encode(header);
  exchange.request.finished = header.request_size == 0;
  (void)connection.write(*id, Bytes(octets), exchange.request.finished);
  const std::uint64_t before = exchange.request.remaining;
  exchange.request.fill(connection, *id);
  counters_.octets_queued.add(before - exchange.request.remaining);
  return true;
}

void LoadConnection::on_stream_readable(Connection& connection, StreamId id) {
  const auto found = exchanges_.find(id.value);
  if (found == exchanges_.end()) return;
  read(connection, id, found->second);
  if (!connection.at_end(id)) return;
  if (found->second.is_report) {
    report_ = decode_server_report(report_octets_);
    path_reports_.clear();
    if (report_)
      path_reports_ =
          decode_path_reports(Bytes(report_octets_).subspan(kServerReportSize)).value_or(std::vector<PathReport>{});
    counters_.reports.add(1);
    exchanges_.erase(found);
    return;
  }
  latencies_.add(current_time() - found->second.begin);
  end_exchange(connection, id);
}

// Looks at nothing but the sizes: what arrives is used up where it lies.
void LoadConnection::read(Connection& connection, StreamId id, const Exchange& exchange) {
  std::array<Bytes, 16> views;
  while (const std::size_t count = connection.read_views(id, views)) {
    std::size_t octets = 0;
    for (const Bytes& view : std::span(views).first(count)) {
      octets += view.size();
      if (exchange.is_report) report_octets_.insert(report_octets_.end(), view.begin(), view.end());
    }
    connection.consume(id, octets);
    if (exchange.is_report) continue;
    counters_.octets_received.add(octets);
    pause_.on_data(connection.now());
  }
}

void LoadConnection::end_exchange(Connection& connection, StreamId id) {
  pause_.on_end();
  exchanges_.erase(id.value);
  ++ended_;
  counters_.exchanges.add(1);
  last_end_ = current_time();
  overdue_ = due_ <= last_end_;
  if (plan_.period == Duration{0}) open_exchanges(connection);
  if (ended_ != plan_.exchanges || told_idle_) return;
  told_idle_ = true;
  counters_.idle.add(1);
}

void LoadConnection::send_datagrams(Connection& connection, Timestamp now) {
  const std::uint64_t offered = datagrams_->send(connection, now);
  if (!plan_.datagrams.returned) counters_.exchanges.add(offered);
  if (!datagrams_->done() || told_idle_) return;
  told_idle_ = true;
  counters_.idle.add(1);
}

void LoadConnection::on_datagram(Connection& connection, Bytes payload) {
  const std::uint64_t taken = datagrams_ ? datagrams_->on_datagram(payload, connection.now(), latencies_) : 0;
  if (taken == 0) return;
  counters_.exchanges.add(taken);
  last_end_ = connection.now();
}

void LoadConnection::on_datagrams_writable(Connection& connection, quic::DatagramFlowId) {
  if (datagrams_) send_datagrams(connection, current_time());
}

void LoadConnection::on_stream_writable(Connection& connection, StreamId id) {
  const auto found = exchanges_.find(id.value);
  if (found == exchanges_.end()) return;
  OutgoingBody& request = found->second.request;
  const std::uint64_t before = request.remaining;
  request.fill(connection, id);
  counters_.octets_queued.add(before - request.remaining);
}

// What stop() asked for; or the server refused the request.
void LoadConnection::on_stream_reset(Connection&, StreamId id, quic::ApplicationErrorCode) {
  const auto found = exchanges_.find(id.value);
  if (found == exchanges_.end()) return;
  counters_.reports.add(found->second.is_report ? 1 : 0);
  exchanges_.erase(found);
}

void LoadConnection::on_streams_available(Connection& connection, bool bidirectional) {
  if (bidirectional && plan_.period == Duration{0}) open_exchanges(connection);
}

void LoadConnection::on_closed(Connection&, const quic::CloseReason& reason) {
  connection_ = nullptr;
  // A report that will not come is not waited for.
  for (const auto& [id, exchange] : exchanges_) counters_.reports.add(exchange.is_report ? 1 : 0);
  exchanges_.clear();
  if (reason.kind == quic::CloseReason::Kind::kLocalApplication) return;
  failure_ = describe(reason);
  counters_.failed.add(1);
}

void Pacer::on_timeout(Timestamp now) {
  for (const auto& connection : connections_)
    if (connection->due() <= now) connection->start_due(endpoint_, now);
}

std::optional<Timestamp> Pacer::next_timeout() const {
  Timestamp next = kNever;
  for (const auto& connection : connections_) next = std::min(next, connection->due());
  return next;
}

// Handshakes. -------------------------------------------------------------------------------

std::expected<void, ConfigError> HandshakeLoop::connect() {
  quic::ClientParameters parameters = dialer_.parameters;
  parameters.session = std::exchange(ticket_, {});  // RFC 8446 appendix C.4: a ticket serves once
  began_ = current_time();
  asked_ = early_ = answered_ = false;
  HAWSER_TRY(Connection* const connection, dialer_.protocol.connect(std::move(parameters), *this));
  if (!options_.request || connection->early_data() != quic::EarlyDataStatus::kOffered) return {};
  early_ = true;
  ask(*connection);
  dialer_.protocol.endpoint().wake(*connection);
  return {};
}

void HandshakeLoop::ask(Connection& connection) {
  const auto id = connection.open_stream(true);
  if (!id) return;
  const auto header = encode(RequestHeader{});
  asked_ = connection.write(*id, Bytes(header), true).has_value();
}

void HandshakeLoop::on_handshake_complete(Connection& connection) {
  if (!early_) latencies_.add(connection.stats().handshake_time);
  if (!options_.request) return end(connection);
  if (!asked_) ask(connection);
}

void HandshakeLoop::on_stream_readable(Connection& connection, StreamId id) {
  if (!connection.at_end(id)) return;
  answered_ = true;
  if (early_) latencies_.add(connection.now() - began_);
  // An answer to 0-RTT comes before the ticket that the next connection needs.
  if (!early_ || !ticket_.empty()) end(connection);
}

void HandshakeLoop::end(Connection& connection) {
  if (!stopped_) {
    counters_.exchanges.add(1);
    counters_.resumed.add(connection.resumed() ? 1 : 0);
    counters_.early.add(connection.early_data() == quic::EarlyDataStatus::kAccepted ? 1 : 0);
  }
  connection.close(0, "");
}

void HandshakeLoop::on_session_ticket(Connection& connection, Bytes ticket) {
  if (options_.resume) ticket_.assign(ticket.begin(), ticket.end());
  if (early_ && answered_ && !connection.closed()) end(connection);
}

void HandshakeLoop::on_closed(Connection&, const quic::CloseReason& reason) {
  if (reason.kind != quic::CloseReason::Kind::kLocalApplication) {
    failure_ = describe(reason);
    counters_.failed.add(1);
  } else if (!stopped_) {
    const auto again = connect();
    if (again) return;
    failure_ = again.error().message;
    counters_.failed.add(1);
  }
}

}  // namespace hawser::perf
