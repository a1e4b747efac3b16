// client_wire.h: one connection of a client, in one of its two protocols.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "http/client.h"

namespace hawser::http {

// One attempt to connect, and then the connection.
class ClientWire {
 public:
  enum class Started : std::uint8_t { kYes, kLater, kNever };

  ClientWire(Client& client, const SocketAddress& remote, Timestamp began)
      : client_(client), remote_(remote), began_(began) {}
  virtual ~ClientWire() = default;
  ClientWire(const ClientWire&) = delete;
  ClientWire& operator=(const ClientWire&) = delete;

  virtual quic::ConnectionHandler& handler() = 0;
  // Sends a request. kYes: its sink will hear more. kLater: no stream is free. kNever: the
  // sink was told why. `request` is moved from unless kLater.
  virtual Started start(ClientRequest& request, Timestamp now) = 0;
  // After connect(), where 0-RTT is offered: requests may be started before the handshake is
  // complete. `settings`: the server's of the visit that the ticket is from.
  virtual void begin_early(Bytes settings) = 0;
  // Takes all requests back that were started before the handshake was complete: nothing has been
  // answered, and their sinks are told no more from here.
  virtual std::vector<ClientRequest> take_back() = 0;
  // Offers bodies again that their sinks did not take.
  virtual void retry_bodies(Timestamp now) = 0;
  virtual void close() = 0;

  [[nodiscard]] const SocketAddress& remote() const { return remote_; }
  [[nodiscard]] Timestamp began() const { return began_; }
  // Null before connect() and after the end.
  quic::Connection* connection = nullptr;

 protected:
  Client& client_;

 private:
  SocketAddress remote_;
  Timestamp began_;
};

std::unique_ptr<ClientWire> make_h3_wire(Client& client, const SocketAddress& remote, Timestamp began);
std::unique_ptr<ClientWire> make_hq_wire(Client& client, const SocketAddress& remote, Timestamp began);

}  // namespace hawser::http
