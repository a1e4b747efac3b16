// transport.h: the part of a QUIC connection that HTTP/3 uses, so that tests can put streams in
// memory under a session. One virtual call a stream operation, none a packet.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>
#include <string_view>

#include "base/bytes.h"
#include "base/shared_bytes.h"
#include "base/time.h"
#include "quic/connection/connection.h"

namespace hawser::http3 {

// Every method means what the one of the same name of quic::Connection means.
class Transport {
 public:
  virtual ~Transport() = default;
  virtual std::expected<quic::StreamId, quic::StreamError> open_stream(bool bidirectional) = 0;
  virtual std::expected<std::size_t, quic::StreamError> write(quic::StreamId id, Bytes data, bool fin) = 0;
  virtual std::expected<void, quic::StreamError> write(quic::StreamId id, SharedBytes data, bool fin) = 0;
  [[nodiscard]] virtual std::size_t write_room(quic::StreamId id) const = 0;
  virtual void finish(quic::StreamId id) = 0;
  virtual void reset_stream(quic::StreamId id, std::uint64_t code) = 0;
  virtual void stop_sending(quic::StreamId id, std::uint64_t code) = 0;
  virtual std::size_t read_views(quic::StreamId id, std::span<Bytes> out) = 0;
  virtual void consume(quic::StreamId id, std::size_t count) = 0;
  [[nodiscard]] virtual bool at_end(quic::StreamId id) const = 0;
  [[nodiscard]] virtual bool has_all(quic::StreamId id) const = 0;
  virtual void set_priority(quic::StreamId id, std::uint8_t urgency, bool incremental) = 0;
  virtual void keep_alive(bool on) = 0;
  virtual void close(std::uint64_t code, std::string_view reason) = 0;
  // False: nothing will be sent any more; what came before may still be read.
  [[nodiscard]] virtual bool is_open() const { return true; }
  [[nodiscard]] virtual Timestamp now() const = 0;
  // Null: nobody listens.
  [[nodiscard]] virtual const EventEmitter* events() const { return nullptr; }
};

}  // namespace hawser::http3
