// endpoint_protocol.cc: an endpoint's settings and client sockets.
#include "runtime/endpoint_protocol.h"

#include <algorithm>
#include <utility>

#include "net/address.h"
#include "runtime/clock.h"

namespace hawser::runtime {
quic::EndpointConfig EndpointProtocol::with_worker(EndpointProtocol& self, quic::EndpointConfig config) {
  Worker& worker = self.worker_;
  config.workers = static_cast<std::uint16_t>(worker.group_size());
  config.worker = static_cast<std::uint16_t>(worker.index() % worker.group_size());
  if (config.workers > 1) config.strays = &self;
  if (config.locals == nullptr) config.locals = &self;
  if (config.random == nullptr) config.random = &worker.random();
  config.epoch = read_clock(CLOCK_REALTIME) - current_time().time_since_epoch();
  return config;
}

EndpointProtocol::EndpointProtocol(Worker& worker, quic::EndpointConfig config, Goodbye goodbye)
    : worker_(worker), goodbye_(std::move(goodbye)), endpoint_(with_worker(*this, std::move(config))) {}

std::expected<quic::Connection*, ConfigError> EndpointProtocol::connect(quic::ClientParameters parameters,
                                                                        quic::ConnectionHandler& handler,
                                                                        const net::UdpOptions& udp) {
  FourTuple& tuple = parameters.tuple;
  // Local addresses that the caller chose, or the interfaces of paths, are not for us to leave.
  parameters.fixed_local = chooser_ != nullptr || tuple.local.family != AddressFamily::kNone;
  if (chooser_ != nullptr && tuple.local.port == 0) {
    HAWSER_TRY(tuple.local, chooser_->choose_local(tuple.remote, tuple.local, udp));
  } else if (tuple.local.family == AddressFamily::kNone) {
    HAWSER_TRY(tuple.local, client_socket(tuple.remote, udp));
  }
  return endpoint_.connect(std::move(parameters), handler, current_time());
}

std::vector<net::StartingPlace> EndpointProtocol::places(const SocketAddress& remote) {
  std::vector<net::StartingPlace> places;
  if (chooser_ != nullptr) places = chooser_->places(remote);
  if (places.empty()) places.emplace_back();
  return places;
}

void EndpointProtocol::on_timeout(Timestamp now) {
  endpoint_.on_timeout(now);
  memory_.note(endpoint_.turnover(), now);
  if (memory_.take_due(now)) return_free_memory();
}

std::optional<Timestamp> EndpointProtocol::next_timeout() const {
  const std::optional<Timestamp> next = endpoint_.next_timeout();
  if (memory_.due() == kNever) return next;
  return std::min(next.value_or(kNever), memory_.due());
}

// The address that datagrams to `remote` leave from, on the socket of its family.
std::expected<SocketAddress, ConfigError> EndpointProtocol::client_socket(const SocketAddress& remote,
                                                                          const net::UdpOptions& udp) {
  HAWSER_TRY(SocketAddress source, net::source_address_towards(remote));
  SocketAddress& bound = remote.family == AddressFamily::kIpv4 ? client_v4_ : client_v6_;
  if (bound.family == AddressFamily::kNone) {
    net::UdpOptions options = udp;
    options.local = net::any_address(remote.family, 0);
    options.dual_stack = false;
    client_options_ = options;
    HAWSER_TRY(bound, worker_.bind(*this, options));
  }
  source.port = bound.port;
  return source;
}

// A server's preferred address of the other family.
std::optional<SocketAddress> EndpointProtocol::local_towards(const SocketAddress& remote) {
  const auto local = client_socket(remote, client_options_);
  return local ? std::optional(*local) : std::nullopt;
}

std::expected<SocketAddress, ConfigError> EndpointProtocol::open_socket(const net::UdpOptions& options) {
  return worker_.bind(*this, options);
}

void EndpointProtocol::close_socket(const SocketAddress& bound) {
  worker_.unbind(*this, bound);
}

std::expected<SocketAddress, ConfigError> EndpointProtocol::another_local_address(const SocketAddress& remote) {
  HAWSER_TRY(SocketAddress source, net::source_address_towards(remote));
  net::UdpOptions options = client_options_;
  options.local = net::any_address(remote.family, 0);
  options.dual_stack = false;
  HAWSER_TRY(const SocketAddress bound, worker_.bind(*this, options));
  source.port = bound.port;
  return source;
}

}  // namespace hawser::runtime
