// quic_transport.h: a real QUIC connection as the Transport of a session.
#pragma once

#include <utility>

#include "base/check.h"
#include "http3/transport.h"
#include "quic/connection/connection.h"

namespace hawser::http3 {

class QuicTransport final : public Transport {
 public:
  // Both before attach() and after the connection is gone, calls are a bug of ours.
  void attach(quic::Connection& connection) { connection_ = &connection; }
  [[nodiscard]] quic::Connection* connection() const { return connection_; }

  std::expected<quic::StreamId, quic::StreamError> open_stream(bool bidirectional) override {
    return quic().open_stream(bidirectional);
  }
  std::expected<std::size_t, quic::StreamError> write(quic::StreamId id, Bytes data, bool fin) override {
    return quic().write(id, data, fin);
  }
  std::expected<void, quic::StreamError> write(quic::StreamId id, SharedBytes data, bool fin) override {
    return quic().write(id, std::move(data), fin);
  }
  [[nodiscard]] std::size_t write_room(quic::StreamId id) const override { return quic().write_room(id); }
  void finish(quic::StreamId id) override { (void)quic().finish(id); }
  void reset_stream(quic::StreamId id, std::uint64_t code) override { (void)quic().reset_stream(id, code); }
  void stop_sending(quic::StreamId id, std::uint64_t code) override { (void)quic().stop_sending(id, code); }
  std::size_t read_views(quic::StreamId id, std::span<Bytes> out) override { return quic().read_views(id, out); }
  void consume(quic::StreamId id, std::size_t count) override { quic().consume(id, count); }
  [[nodiscard]] bool at_end(quic::StreamId id) const override { return quic().at_end(id); }
  [[nodiscard]] bool has_all(quic::StreamId id) const override { return quic().has_all(id); }
  void set_priority(quic::StreamId id, std::uint8_t urgency, bool incremental) override {
    quic().set_priority(id, urgency, incremental);
  }
  void keep_alive(bool on) override { quic().keep_alive(on); }
  void close(std::uint64_t code, std::string_view reason) override { quic().close(code, reason); }
  [[nodiscard]] bool is_open() const override { return !quic().closed(); }
  [[nodiscard]] Timestamp now() const override { return quic().now(); }
  [[nodiscard]] const EventEmitter* events() const override { return &quic().events(); }

 private:
  [[nodiscard]] quic::Connection& quic() const {
    HAWSER_CHECK(connection_ != nullptr);
    return *connection_;
  }

  quic::Connection* connection_ = nullptr;
};

}  // namespace hawser::http3
