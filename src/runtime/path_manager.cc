// path_manager.cc: comparing the paths there are with those that are wanted.
#include "runtime/path_manager.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "net/address.h"
#include "net/local_addresses.h"
#include "runtime/clock.h"

namespace hawser::runtime {

namespace {

ConfigError no_such(std::string_view name, const net::LocalNetworks& networks) {
  std::string all;
  for (const net::NetworkInterface& each : networks.interfaces) all += (all.empty() ? "" : ", ") + each.name;
  return {fmt::format("path '{}': no such interface; there are {}", name, all)};
}

bool exists(std::string_view name, const net::LocalNetworks& networks) {
  return std::ranges::find(networks.interfaces, name, &net::NetworkInterface::name) != networks.interfaces.end();
}

}  // namespace

std::expected<PathManager*, ConfigError> PathManager::attach(Worker& worker, EndpointProtocol& endpoint,
                                                             PathOptions options) {
  HAWSER_TRY(const net::LocalAddresses addresses, net::LocalAddresses::open());
  const net::LocalNetworks& networks = addresses.networks();
  for (const PathInterface& named : options.interfaces) {
    if (!exists(named.name, networks)) return std::unexpected(no_such(named.name, networks));
  }
  auto& made =
      static_cast<PathManager&>(worker.attach(std::make_unique<PathManager>(endpoint, std::move(options), networks)));
  made.worker_ = &worker;
  endpoint.set_local_chooser(made);
  made.watch_ = NetworkWatch::shared();
  if (made.watch_ != nullptr) made.watch_->add(worker, made);
  return &made;
}

PathManager::~PathManager() {
  if (watch_ != nullptr) watch_->remove(*worker_, *this);
}

std::expected<void, ConfigError> PathManager::use(PathInterface interface, Timestamp now) {
  if (options_.interfaces.empty())
    return std::unexpected(ConfigError{"all interfaces are in use: name them when the client is made"});
  if (!exists(interface.name, networks_)) return std::unexpected(no_such(interface.name, networks_));
  bool known = false;
  for (PathInterface& each : options_.interfaces) {
    if (each.name != interface.name) continue;
    each = interface;
    known = true;
  }
  if (!known) {
    if (options_.interfaces.size() >= quic::kMaxPaths)
      return std::unexpected(ConfigError{fmt::format("{} paths are in use: drop one first", quic::kMaxPaths)});
    options_.interfaces.push_back(std::move(interface));
  }
  for (Managed& managed : managed_) managed.attempts.clear();
  look(now);
  return {};
}

std::expected<void, ConfigError> PathManager::drop(std::string_view name, Timestamp now) {
  const auto others =
      std::ranges::count_if(options_.interfaces, [name](const auto& each) { return each.name != name; });
  if (static_cast<std::size_t>(others) == options_.interfaces.size())
    return std::unexpected(ConfigError{fmt::format("path '{}': it is not in use by name", name)});
  if (others == 0) return std::unexpected(ConfigError{fmt::format("path '{}': it is the last one", name)});
  std::erase_if(options_.interfaces, [name](const PathInterface& each) { return each.name == name; });
  for (Managed& managed : managed_) managed.attempts.clear();
  look(now);
  return {};
}

std::string PathManager::interface_of(const SocketAddress& local) const {
  for (const net::LocalAddress& address : networks_.addresses) {
    if (!address.address.same_ip(local)) continue;
    for (const net::NetworkInterface& interface : networks_.interfaces)
      if (interface.index == address.interface) return interface.name;
  }
  return {};
}

bool PathManager::is_dropped(const SocketAddress& local) const {
  return !options_.interfaces.empty() &&
         std::ranges::find(options_.interfaces, interface_of(local), &PathInterface::name) == options_.interfaces.end();
}

void PathManager::on_networks(const net::LocalNetworks& networks, Timestamp now) {
  networks_ = networks;
  for (Managed& managed : managed_) managed.attempts.clear();
  look(now);
}

std::vector<net::StartingPlace> PathManager::places(const SocketAddress& remote) {
  return starting_places(wanted_paths(networks_, options_, remote, routes()));
}

std::expected<SocketAddress, ConfigError> PathManager::choose_local(const SocketAddress& remote,
                                                                    const SocketAddress& place,
                                                                    const net::UdpOptions& udp) {
  udp_ = udp;
  // What comes next may have the address of one that is gone.
  forget_gone(endpoint_.endpoint().connections());
  look_again(current_time() + kHandshakeLook);
  const std::vector<WantedPath> wanted = wanted_paths(networks_, options_, remote, routes());
  const std::vector<net::StartingPlace> places = starting_places(wanted);
  if (places.empty())
    return std::unexpected(ConfigError{
        fmt::format("no interface for paths to {} is up with an address of its family", to_string(remote))});
  const SocketAddress& local = place.family == AddressFamily::kNone ? places.front().local : place;
  const auto found = std::ranges::find(wanted, local, &WantedPath::local);
  if (found == wanted.end())
    return std::unexpected(ConfigError{fmt::format("the address {} has gone", to_string(local))});
  return socket_for(*found, {});
}

// One that no open path of the connection uses: `taken` are their addresses.
std::expected<SocketAddress, ConfigError> PathManager::socket_for(const WantedPath& path,
                                                                  const std::vector<SocketAddress>& taken) {
  for (const Socket& socket : sockets_) {
    if (socket.interface == path.interface.name && socket.bound.same_ip(path.local) &&
        std::ranges::find(taken, socket.bound) == taken.end())
      return socket.bound;
  }
  net::UdpOptions options = udp_;
  options.device = path.interface.name;
  options.local = path.local;
  options.dual_stack = false;
  HAWSER_TRY(const SocketAddress bound, endpoint_.open_socket(options));
  sockets_.push_back({.interface = path.interface.name, .bound = bound});
  return bound;
}

// Without netlink every interface is taken to lead to the server.
net::RouteQuery* PathManager::routes() {
  if (!options_.interfaces.empty()) return nullptr;
  if (routes_ == nullptr) {
    auto opened = net::RouteQuery::open();
    if (opened) routes_ = std::make_unique<net::RouteQuery>(std::move(*opened));
  }
  return routes_.get();
}

PathManager::Managed& PathManager::managed(quic::Connection& connection) {
  const auto found = std::ranges::find(managed_, &connection, &Managed::connection);
  if (found != managed_.end()) return *found;
  return managed_.emplace_back(Managed{.connection = &connection});
}

void PathManager::look_again(Timestamp when) {
  look_at_ = std::min(look_at_.value_or(kNever), when);
}

void PathManager::on_timeout(Timestamp now) {
  if (look_at_ && now >= *look_at_) look(now);
}

void PathManager::forget_gone(const std::vector<quic::Connection*>& connections) {
  std::erase_if(managed_, [&](const Managed& managed) {
    return std::ranges::find(connections, managed.connection) == connections.end();
  });
}

// A worker has few sockets, and a roaming machine many addresses in its time.
void PathManager::close_gone_sockets(const std::vector<quic::Connection*>& connections) {
  if (sockets_.size() <= kSocketsKept) return;
  const auto is_used = [&](const SocketAddress& bound) {
    return std::ranges::any_of(connections, [&](const quic::Connection* connection) {
      if (connection->tuple().local == bound) return true;
      const std::vector<quic::PathInfo> paths = connection->paths();
      return std::ranges::any_of(paths, [&](const quic::PathInfo& path) { return path.tuple.local == bound; });
    });
  };
  std::erase_if(sockets_, [&](const Socket& socket) {
    const bool here = std::ranges::any_of(
        networks_.addresses, [&](const net::LocalAddress& local) { return local.address.same_ip(socket.bound); });
    if (here || is_used(socket.bound)) return false;
    endpoint_.close_socket(socket.bound);
    return true;
  });
}

void PathManager::look(Timestamp now) {
  look_at_.reset();
  if (closing_) return;
  const std::vector<quic::Connection*> connections = endpoint_.endpoint().connections();
  forget_gone(connections);
  close_gone_sockets(connections);
  for (quic::Connection* connection : connections) {
    if (connection->closed() || connection->role() != quic::Role::kClient) continue;
    if (!connection->handshake_complete()) {
      look_again(now + kHandshakeLook);
    } else {
      keep(managed(*connection), now);
    }
  }
}

// Opens what is missing, gives up what has lost its address, and says what each is for.
void PathManager::keep(Managed& managed, Timestamp now) {
  quic::Connection& connection = *managed.connection;
  if (!connection.has_multipath() || managed.refused) return;
  std::vector<quic::PathInfo> paths = connection.paths();
  const std::vector<WantedPath> wanted = wanted_paths(networks_, options_, connection.tuple().remote, routes());
  std::vector<std::size_t> missing;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    const auto found = std::ranges::find_if(
        paths, [&](const quic::PathInfo& path) { return path.tuple.local.same_ip(wanted[i].local); });
    if (found == paths.end()) {
      missing.push_back(i);
      continue;
    }
    // It may not come about; then it is tried again.
    if (found->state == quic::PathState::kProbing) look_again(now + kRetryFirst);
    say_status(managed, found->id, wanted[i].backup);
    static_cast<void>(connection.set_path_preference(
        found->id, {.weight = wanted[i].interface.weight, .cost = wanted[i].interface.cost}));
    paths.erase(found);
  }
  for (const std::size_t index : missing) open(managed, wanted[index], index, now);
  for (const quic::PathInfo& path : paths) {
    const bool dropped = is_dropped(path.tuple.local);
    if (!dropped && networks_.usable(path.tuple.local)) continue;
    // The last one that works goes when another one does.
    if (!connection.abandon_path(path.id) && dropped) look_again(now + kRetryFirst);
  }
  endpoint_.endpoint().wake(connection);
}

void PathManager::open(Managed& managed, const WantedPath& path, std::size_t index, Timestamp now) {
  auto attempt = std::ranges::find(managed.attempts, index, &Attempt::wanted);
  if (attempt == managed.attempts.end())
    attempt = managed.attempts.insert(managed.attempts.end(), {.wanted = index, .not_before = now});
  if (now < attempt->not_before) return look_again(attempt->not_before);
  quic::Connection& connection = *managed.connection;
  std::vector<SocketAddress> taken;
  for (const quic::PathInfo& open : connection.paths()) taken.push_back(open.tuple.local);
  const SocketAddress remote = connection.tuple().remote;
  const auto local = socket_for(path, taken);
  Duration wait = std::clamp(2 * attempt->wait, kRetryFirst, kRetryMax);
  if (local) {
    const auto opened = connection.open_path({.local = *local, .remote = remote});
    if (opened) {
      say_status(managed, *opened, path.backup);
      static_cast<void>(
          connection.set_path_preference(*opened, {.weight = path.interface.weight, .cost = path.interface.cost}));
    } else if (opened.error() == quic::PathRefusal::kNoConnectionId || opened.error() == quic::PathRefusal::kLimit ||
               opened.error() == quic::PathRefusal::kNotComplete) {
      wait = attempt->wait == Duration{0} ? kHandshakeLook : std::min(2 * attempt->wait, kRetryMax);
    } else if (opened.error() == quic::PathRefusal::kDisabled || opened.error() == quic::PathRefusal::kNoMultipath) {
      managed.refused = true;
      return;
    }
  }
  attempt->wait = wait;
  attempt->not_before = now + wait;
  look_again(attempt->not_before);
}

// Said again only when it changes: the peer may want a path as a backup that we do not.
void PathManager::say_status(Managed& managed, quic::PathId id, bool backup) {
  const quic::PathStatus status = backup ? quic::PathStatus::kBackup : quic::PathStatus::kAvailable;
  const auto told = std::ranges::find(managed.told, id, &std::pair<quic::PathId, quic::PathStatus>::first);
  if (told == managed.told.end() ? !backup : told->second == status) return;
  if (!managed.connection->set_path_status(id, status)) return;
  if (told == managed.told.end()) {
    managed.told.emplace_back(id, status);
  } else {
    told->second = status;
  }
}

}  // namespace hawser::runtime
