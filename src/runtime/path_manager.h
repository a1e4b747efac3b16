// path_manager.h: keeps a path open over each interface that the user wants, for the client connections of an
// endpoint whose servers speak the multipath extension: opens one when an interface comes up, gives it up when its
// address goes away, and says which are for use and which are kept back. Driven by the worker for its timers alone;
// the datagrams go to the endpoint beside it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/datagram_protocol.h"
#include "runtime/endpoint_protocol.h"
#include "runtime/network_watch.h"
#include "runtime/path_plan.h"

namespace hawser::runtime {

class PathManager final : public DatagramProtocol, public NetworkListener, private LocalChooser {
 public:
  // Makes one for the connections of `endpoint`, which is the worker's; on its thread. An error if an interface that
  // was named does not exist, or none is usable.
  static std::expected<PathManager*, ConfigError> attach(Worker& worker, EndpointProtocol& endpoint,
                                                         PathOptions options);
  PathManager(EndpointProtocol& endpoint, PathOptions options, net::LocalNetworks networks)
      : endpoint_(endpoint), options_(std::move(options)), networks_(std::move(networks)) {}
  ~PathManager() override;

  // An interface more, or other wishes for one in use. Refused where all were asked for, and beyond quic::kMaxPaths.
  std::expected<void, ConfigError> use(PathInterface interface, Timestamp now);
  // Its paths are given up as soon as another one works; the last interface stays.
  std::expected<void, ConfigError> drop(std::string_view name, Timestamp now);
  // Empty: no interface has the address now.
  [[nodiscard]] std::string interface_of(const SocketAddress& local) const;

  void on_networks(const net::LocalNetworks& networks, Timestamp now) override;

  void on_datagrams(std::span<ReceivedTrain>, Timestamp) override {}
  void on_timeout(Timestamp now) override;
  std::size_t next_transmits(Timestamp, std::span<TransmitTrain>) override { return 0; }
  [[nodiscard]] std::optional<Timestamp> next_timeout() const override { return look_at_; }
  void close(Timestamp) override { closing_ = true; }
  [[nodiscard]] bool idle() const override { return true; }

 private:
  // A path that does not come about is tried again, ever more rarely, and at once when the networks change.
  static constexpr Duration kRetryFirst = 1s;
  static constexpr Duration kRetryMax = 16s;
  // Until the server allows paths and gives connection IDs for them: with the handshake, or a round trip or two later.
  static constexpr Duration kHandshakeLook = 10ms;

  // Sockets of addresses that are gone: an address that comes back finds its own. Half of what a worker may have.
  static constexpr std::size_t kSocketsKept = 8;

  // A socket of an interface.
  struct Socket {
    std::string interface;
    SocketAddress bound;
  };
  struct Attempt {
    std::size_t wanted = 0;
    Timestamp not_before;
    Duration wait{0};
  };
  struct Managed {
    quic::Connection* connection = nullptr;
    bool refused = false;  // the server has no multipath
    std::vector<Attempt> attempts;
    std::vector<std::pair<quic::PathId, quic::PathStatus>> told;
  };

  std::vector<net::StartingPlace> places(const SocketAddress& remote) override;
  std::expected<SocketAddress, ConfigError> choose_local(const SocketAddress& remote, const SocketAddress& place,
                                                         const net::UdpOptions& udp) override;
  std::expected<SocketAddress, ConfigError> socket_for(const WantedPath& path, const std::vector<SocketAddress>& taken);
  net::RouteQuery* routes();
  [[nodiscard]] bool is_dropped(const SocketAddress& local) const;
  void look(Timestamp now);
  void look_again(Timestamp when);
  Managed& managed(quic::Connection& connection);
  void forget_gone(const std::vector<quic::Connection*>& connections);
  void close_gone_sockets(const std::vector<quic::Connection*>& connections);
  void keep(Managed& managed, Timestamp now);
  void open(Managed& managed, const WantedPath& path, std::size_t index, Timestamp now);
  void say_status(Managed& managed, quic::PathId id, bool backup);

  EndpointProtocol& endpoint_;
  PathOptions options_;
  net::LocalNetworks networks_;
  net::UdpOptions udp_;                      // of the endpoint's client sockets
  std::unique_ptr<net::RouteQuery> routes_;  // while no interface was named
  std::shared_ptr<NetworkWatch> watch_;
  Worker* worker_ = nullptr;
  std::vector<Socket> sockets_;
  std::vector<Managed> managed_;
  std::optional<Timestamp> look_at_;
  bool closing_ = false;
};

}  // namespace hawser::runtime
