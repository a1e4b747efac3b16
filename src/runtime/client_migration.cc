// client_migration.cc: when to move, and where to: the kernel's routing table knows.
#include "runtime/client_migration.h"

#include <algorithm>

#include "net/address.h"

namespace hawser::runtime {
namespace {

bool is_being_tried(const quic::Connection& connection, const SocketAddress& local) {
  return std::ranges::any_of(connection.network_paths(), [&](const quic::NetworkPathInfo& path) {
    return !path.active && !path.validated && path.tuple.local == local;
  });
}

}  // namespace

std::optional<MigrationPolicy> parse_migration_policy(std::string_view name) {
  if (name == "never") return MigrationPolicy::kNever;
  if (name == "loss") return MigrationPolicy::kOnLoss;
  if (name == "routes") return MigrationPolicy::kRoutes;
  return std::nullopt;
}

ClientMigration* ClientMigration::attach(Worker& worker, EndpointProtocol& endpoint, const MigrationOptions& options) {
  if (options.policy == MigrationPolicy::kNever && options.move_after == Duration{0}) return nullptr;
  auto& made = static_cast<ClientMigration&>(worker.attach(std::make_unique<ClientMigration>(endpoint, options)));
  made.worker_ = &worker;
  if (options.policy == MigrationPolicy::kNever) return &made;
  made.watch_ = NetworkWatch::shared();
  if (made.watch_ != nullptr) made.watch_->add(worker, made);
  return &made;
}

ClientMigration::~ClientMigration() {
  if (watch_ != nullptr) watch_->remove(*worker_, *this);
}

void ClientMigration::on_networks(const net::LocalNetworks& networks, Timestamp now) {
  networks_ = networks;
  for (const net::LocalAddress& local : networks_.addresses) {
    if (networks_.usable(local.address) && std::ranges::find(seen_, local.address) == seen_.end())
      seen_.push_back(local.address);
  }
  retry_after_ = kRetryFirst;
  look(now);
}

bool ClientMigration::is_lost(const SocketAddress& local) const {
  const bool known = std::ranges::any_of(seen_, [&](const SocketAddress& seen) { return seen.same_ip(local); });
  return known && !networks_.usable(local);
}

// Moves what has to be moved, and comes again while anything is without a network.
void ClientMigration::look(Timestamp now) {
  retry_at_.reset();
  if (options_.policy == MigrationPolicy::kNever) return;
  bool any_lost = false;
  for (quic::Connection* connection : endpoint_.endpoint().connections()) any_lost |= consider(*connection);
  if (!any_lost) return;
  retry_at_ = now + retry_after_;
  retry_after_ = std::min(2 * retry_after_, kRetryMax);
}

// True if the connection is without a network.
bool ClientMigration::consider(quic::Connection& connection) {
  if (connection.closed() || connection.role() != quic::Role::kClient) return false;
  const FourTuple tuple = connection.tuple();
  const bool lost = is_lost(tuple.local);
  if (!lost && options_.policy != MigrationPolicy::kRoutes) return false;
  const auto source = net::source_address_towards(tuple.remote);
  if (!source || source->same_ip(tuple.local) || !networks_.usable(*source)) return lost;
  SocketAddress local = *source;
  local.port = tuple.local.port;  // of the wildcard socket that all of the endpoint's clients use
  if (!is_being_tried(connection, local) && connection.migrate(local)) endpoint_.endpoint().wake(connection);
  return lost;
}

// For tests: to another port, whether there is another network or not.
void ClientMigration::move_by_clock(Timestamp now) {
  const std::vector<quic::Connection*> connections = endpoint_.endpoint().connections();
  const bool confirmed = std::ranges::any_of(connections, [](const auto* c) { return c->handshake_confirmed(); });
  if (!move_at_ && confirmed) move_at_ = now + options_.move_after;
  if (!move_at_ || now < *move_at_) return;
  options_.move_after = Duration{0};
  for (quic::Connection* connection : connections) {
    if (connection->closed() || connection->role() != quic::Role::kClient) continue;
    const auto local = endpoint_.another_local_address(connection->tuple().remote);
    if (local && connection->migrate(*local)) endpoint_.endpoint().wake(*connection);
  }
}

void ClientMigration::on_timeout(Timestamp now) {
  if (retry_at_ && now >= *retry_at_) look(now);
  if (options_.move_after > Duration{0} && now >= clock_look_) {
    // Only tests ask for moves by the clock, and may be looked after often.
    clock_look_ = now + kClockStep;
    move_by_clock(now);
  }
}

std::optional<Timestamp> ClientMigration::next_timeout() const {
  if (options_.move_after == Duration{0}) return retry_at_;
  return std::min(clock_look_, retry_at_.value_or(kNever));
}

}  // namespace hawser::runtime
