// load_worker.cc: shares of the run, and its timers.
#include "load_worker.h"

#include <algorithm>
#include <utility>

namespace hawser::load {
namespace {

// Requests that take too long are looked for this often within --timeout: one is given up at
// most an eighth of it late, and looking costs nothing.
constexpr int kLooksPerTimeout = 8;

}  // namespace

LoadWorker::LoadWorker(const LoadOptions& options, const SocketAddress& remote, WorkerPlace place,
                       runtime::EndpointProtocol& endpoint, quic::TlsClientContext tls)
    : options_(options),
      remote_(remote),
      place_(place),
      endpoint_(endpoint),
      tls_(std::move(tls)),
      progress_(place.bell) {
  const LoadArguments& given = options.arguments;
  const std::size_t count = share_of(given.connections, place.workers, place.index);
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t number = i * place.workers + place.index;  // of all connections
    Share share{.first_head = number, .open_loop = options.rate != 0, .position = i, .stride = count};
    if (options.requests != 0) share.requests = share_of(options.requests, given.connections, number);
    connections_.push_back(std::make_unique<LoadConnection>(options, share, *this, progress_, stats_));
  }
}

std::expected<void, ConfigError> LoadWorker::connect_all() {
  for (const auto& connection : connections_) HAWSER_TRY_VOID(connection->connect());
  return {};
}

quic::ClientParameters LoadWorker::parameters(const http::KeptSession& kept) {
  quic::ClientParameters parameters{.tuple = {.local = {}, .remote = remote_},
                                    .server_name = options_.origin.host,
                                    .tls = &tls_,
                                    .connection = perf::connection_config(options_.arguments.common),
                                    .token = kept.token,
                                    .session = kept.ticket};
  const quic::ConnectionConfig& config = parameters.connection;
  parameters.token_version =
      config.first_version != quic::Version::kNegotiation ? config.first_version : config.versions.first_flight();
  return parameters;
}

std::expected<quic::Connection*, ConfigError> LoadWorker::connect(http3::Session& session,
                                                                  const http::KeptSession& kept) {
  return endpoint_.connect(parameters(kept), session);
}

void LoadWorker::start(const Window& window, Timestamp now) {
  window_ = window;
  if (options_.rate != 0) {
    // Its connections' part of the rate, shifted so that the workers take turns.
    const double own =
        options_.rate * static_cast<double>(connections_.size()) / static_cast<double>(options_.arguments.connections);
    const Duration shift{static_cast<std::int64_t>(1e9 / options_.rate * static_cast<double>(place_.index))};
    schedule_ = Schedule(window.begin + shift, own);
    open_loop_ = true;
  }
  look_for_late_ = now + options_.timeout / kLooksPerTimeout;
  for (const auto& connection : connections_) {
    connection->start(window, schedule_, now);
    wake(*connection);
  }
}

void LoadWorker::wake(const LoadConnection& connection) {
  if (connection.connection() != nullptr) endpoint_.endpoint().wake(*connection.connection());
}

void LoadWorker::on_timeout(Timestamp now) {
  buried_.clear();
  for (LoadConnection* const connection : std::exchange(reconnecting_, {})) connection->on_reconnect();
  if (schedule_runs()) send_due(now);
  if (now >= look_for_late_) give_up_late(now);
}

// One turn for each request that has fallen due; what a full connection cannot send now it
// sends when it has room.
void LoadWorker::send_due(Timestamp now) {
  for (; schedule_runs() && schedule_.due(ticks_) <= now; ++ticks_) {
    LoadConnection& connection = *connections_[ticks_ % connections_.size()];
    if (connection.send_more(now)) wake(connection);
  }
}

void LoadWorker::give_up_late(Timestamp now) {
  look_for_late_ = now + options_.timeout / kLooksPerTimeout;
  for (const auto& connection : connections_)
    if (connection->give_up_late(now)) wake(*connection);
}

std::optional<Timestamp> LoadWorker::next_timeout() const {
  if (!buried_.empty() || !reconnecting_.empty()) return Timestamp::min();
  return schedule_runs() ? std::min(look_for_late_, schedule_.due(ticks_)) : look_for_late_;
}

void LoadWorker::stop(Timestamp now) {
  open_loop_ = false;
  look_for_late_ = kNever;
  reconnecting_.clear();
  for (const auto& connection : connections_) {
    if (connection->connection() != nullptr) stats_.add_transport(connection->connection()->stats());
    connection->stop(now);
    wake(*connection);
    stats_.shares.push_back(connection->share());
  }
}

}  // namespace hawser::load
