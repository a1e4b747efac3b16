// endpoint_protocol.h: a QUIC endpoint as something that a worker drives, with the sockets
// that its clients need.
#pragma once

#include <cstddef>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/datagram.h"
#include "base/result.h"
#include "net/attempts.h"
#include "net/udp_socket.h"
#include "quic/endpoint/endpoint.h"
#include "runtime/datagram_protocol.h"
#include "runtime/memory_return.h"
#include "runtime/worker.h"

namespace hawser::runtime {

// How connections end when the worker stops. The text is shown to the peers.
struct Goodbye {
  quic::ApplicationErrorCode code = 0;
  std::string reason;
};

// Chooses the local address of connections that come without one, in place of the system's routes.
class LocalChooser {
 public:
  virtual ~LocalChooser() = default;
  // In order of preference, with port 0; none: choose_local() says why.
  virtual std::vector<net::StartingPlace> places(const SocketAddress& remote) = 0;
  // `place`: the local address of one of these; of family kNone: of the first. Opens the socket with
  // EndpointProtocol::open_socket(), with `udp` for what is not the choice.
  virtual std::expected<SocketAddress, ConfigError> choose_local(const SocketAddress& remote,
                                                                 const SocketAddress& place,
                                                                 const net::UdpOptions& udp) = 0;
};

class EndpointProtocol final : public DatagramProtocol, private quic::StrayHandler, private quic::LocalAddressSource {
 public:
  // `config` gets the worker's index and, unless it has one, its randomness. Made on the
  // worker's thread and handed to attach().
  EndpointProtocol(Worker& worker, quic::EndpointConfig config, Goodbye goodbye = {});

  [[nodiscard]] quic::Endpoint& endpoint() { return endpoint_; }

  // Starts a connection to parameters.tuple.remote; on the worker's thread, after attach().
  // Without a local address (family kNone) the connection leaves through a socket of the
  // remote's family that is opened at the first call, with `udp` for its other options; with
  // a place of places() through one there.
  std::expected<quic::Connection*, ConfigError> connect(quic::ClientParameters parameters,
                                                        quic::ConnectionHandler& handler,
                                                        const net::UdpOptions& udp = {});

  // Where connections to `remote` may begin, in order of preference, and how long each is tried alone: one place, the
  // system's choice, without a chooser.
  std::vector<net::StartingPlace> places(const SocketAddress& remote);

  // `chooser` is asked from then on; it outlives this object's connections.
  void set_local_chooser(LocalChooser& chooser) { chooser_ = &chooser; }
  // A further socket of this endpoint. Its address, port and all, is what datagrams leave from.
  std::expected<SocketAddress, ConfigError> open_socket(const net::UdpOptions& options);
  // Of open_socket(); what still waits to leave from there is lost.
  void close_socket(const SocketAddress& bound);

  // Another address that datagrams to `remote` may leave from: a port of a further socket, opened for
  // it with the options of the first.
  std::expected<SocketAddress, ConfigError> another_local_address(const SocketAddress& remote);

  void on_datagrams(std::span<ReceivedTrain> batch, Timestamp now) override {
    endpoint_.on_datagrams(batch, now);
    memory_.note(endpoint_.turnover(), now);
  }
  void on_timeout(Timestamp now) override;
  void on_stray(const ReceivedTrain& train, Timestamp now) override { endpoint_.on_stray(train.bytes, now); }
  std::size_t next_transmits(Timestamp now, std::span<TransmitTrain> trains) override {
    return endpoint_.next_transmits(now, trains);
  }
  [[nodiscard]] std::optional<Timestamp> next_timeout() const override;
  void close(Timestamp now) override { endpoint_.close_all(goodbye_.code, goodbye_.reason, now); }
  [[nodiscard]] bool idle() const override { return endpoint_.connection_count() == 0; }

 private:
  static quic::EndpointConfig with_worker(EndpointProtocol& self, quic::EndpointConfig config);
  void on_stray(const ReceivedTrain& datagram) override { worker_.share_stray(datagram); }
  std::optional<SocketAddress> local_towards(const SocketAddress& remote) override;
  std::expected<SocketAddress, ConfigError> client_socket(const SocketAddress& remote, const net::UdpOptions& udp);

  Worker& worker_;
  Goodbye goodbye_;
  quic::Endpoint endpoint_;
  MemoryReturn memory_;
  LocalChooser* chooser_ = nullptr;  // not owned
  net::UdpOptions client_options_;   // of the latest client socket
  SocketAddress client_v4_;          // where client sockets are bound; family kNone: not opened
  SocketAddress client_v6_;
};

}  // namespace hawser::runtime
