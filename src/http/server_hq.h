// server_hq.h: one HTTP/0.9 connection of a server ("hq-interop"), for the interop runner.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/time.h"
#include "http/message.h"
#include "quic/connection/handler.h"

namespace hawser::http {

class Server;  // http/server.h

// Octets of a request line; the longest path that is served fits.
inline constexpr std::size_t kHqLineMax = 4'096 + 16;

class HqServerConnection final : public quic::ConnectionHandler {
 public:
  HqServerConnection(Server& server, quic::Connection& connection) : server_(server), connection_(connection) {}
  ~HqServerConnection() override;
  [[nodiscard]] std::size_t requests_open() const { return exchanges_.size(); }

  void on_handshake_complete(quic::Connection& connection) override;
  void on_stream_readable(quic::Connection& connection, quic::StreamId id) override;
  void on_stream_writable(quic::Connection& connection, quic::StreamId id) override;
  void on_stop_sending(quic::Connection& connection, quic::StreamId id, quic::ApplicationErrorCode code) override;
  void on_stream_reset(quic::Connection& connection, quic::StreamId id, quic::ApplicationErrorCode code) override;
  void on_stream_closed(quic::Connection& connection, quic::StreamId id) override;
  void on_closed(quic::Connection& connection, const quic::CloseReason& reason) override;

 private:
  struct Exchange {
    quic::StreamId id;
    Timestamp began;
    std::string line;
    bool whole = false;  // the line
    bool answered = false;
    std::string target;
    std::uint16_t status = 0;
    std::uint64_t body_octets = 0;
    std::unique_ptr<BodySource> body;
  };

  Exchange& exchange_of(quic::StreamId id);
  void answer_if_whole(Exchange& exchange);
  void answer(Exchange& exchange);
  void pump(Exchange& exchange);
  void end(Exchange& exchange);

  Server& server_;
  quic::Connection& connection_;
  std::vector<std::unique_ptr<Exchange>> exchanges_;  // as many as the stream limit allows
};

}  // namespace hawser::http
