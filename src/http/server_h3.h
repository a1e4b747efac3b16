// server_h3.h: one HTTP/3 connection of a server: requests go to the handler, bodies are drawn
// from their sources as the streams have room.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/time.h"
#include "http/exchange.h"
#include "http/message.h"
#include "http3/session.h"

namespace hawser::http {

class Server;  // http/server.h

// Octets of a request's body that are read and dropped when the answer does not need them;
// past it the client is told to stop (RFC 9114 section 4.1.1). A form fits, an upload does not.
inline constexpr std::uint64_t kDroppedBodyMax = 64 * 1'024;

class H3ServerConnection final : public http3::SessionHandler {
 public:
  H3ServerConnection(Server& server, quic::Connection& connection);
  ~H3ServerConnection() override;

  [[nodiscard]] quic::ConnectionHandler& session() { return session_; }
  [[nodiscard]] std::size_t requests_open() const { return session_.open_streams(); }
  // Sends GOAWAY. The client closes: what it has acknowledged it may still have to read, and
  // our CONNECTION_CLOSE would take that away from it.
  void shutdown() { session_.shutdown(); }

  void on_headers(http3::Session& session, quic::StreamId id, const http3::MessageHead& head, bool fin) override;
  void on_body_readable(http3::Session& session, quic::StreamId id) override;
  void on_writable(http3::Session& session, quic::StreamId id) override;
  void on_stop_sending(http3::Session& session, quic::StreamId id, http3::ErrorCode code) override;
  void on_stream_closed(http3::Session& session, quic::StreamId id) override;
  void on_rest(http3::Session& session) override;
  void on_closed(http3::Session& session, const quic::CloseReason& reason) override;

 private:
  Exchange& begin(quic::StreamId id, const http3::MessageHead& head);
  [[nodiscard]] bool is_early(const http3::MessageHead& head) const;
  Response answer_early(const Request& request, bool has_body);
  void respond(quic::StreamId id, Exchange& exchange, const WallClock& clock, Response response);
  void respond_kept(quic::StreamId id, const http3::MessageHead& head, const WallClock& clock, Response response,
                    bool request_over);
  void pump(quic::StreamId id, Exchange& exchange);
  void end(Exchange& exchange);
  [[nodiscard]] Exchange* find(quic::StreamId id) const { return static_cast<Exchange*>(session_.user_data(id)); }

  Server& server_;
  quic::Connection& connection_;
  http3::Session session_;
  std::vector<std::unique_ptr<Exchange>> exchanges_;
  std::vector<Field> fields_;  // of the response being sent
};

}  // namespace hawser::http
