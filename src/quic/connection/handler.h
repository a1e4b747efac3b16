// handler.h: what a connection tells the application that owns it. Part of the public face.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "base/bytes.h"
#include "quic/connection/datagrams.h"
#include "quic/wire/types.h"

namespace hawser::quic {

class Connection;         // connection/connection.h
struct NetworkPathEvent;  // connection/network_paths.h
struct PathEvent;         // connection/paths.h
struct ObservedAddress;   // connection/network_paths.h

// Why a connection ended.
struct CloseReason {
  enum class Kind : std::uint8_t {
    kLocalApplication,  // close() was called here
    kPeerApplication,   // the peer's application closed: error_code is its code
    kLocalTransport,    // the peer broke a rule: error_code is a TransportErrorCode
    kPeerTransport,     // the peer says we broke one, or its transport failed
    kIdleTimeout,
    kHandshakeTimeout,
    kStatelessReset,
    kVersionMismatch,  // no version in common
  };
  Kind kind = Kind::kLocalApplication;
  std::uint64_t error_code = 0;
  std::uint64_t frame_type = 0;
  std::string reason;  // for people; the peer's words are passed through as they came

  [[nodiscard]] bool is_application() const {
    return kind == Kind::kLocalApplication || kind == Kind::kPeerApplication;
  }
};

// One sentence for a person: "peer closed the connection: H3_NO_ERROR (0x100)".
std::string describe(const CloseReason& reason);

// All calls come on the thread that drives the endpoint, after a batch of datagrams or a
// timer has been processed whole, so every method of Connection may be called from them.
// A stream is named at most once in each batch and list.
class ConnectionHandler {
 public:
  virtual ~ConnectionHandler() = default;

  // Server: the client's 0-RTT data was accepted. Streams and what is written on them come and go
  // from now on, while the handshake runs: until on_handshake_complete what the client said may be
  // a recording that somebody sends again (RFC 9001 section 9.2).
  virtual void on_early_data(Connection&) {}
  // The handshake is complete: 1-RTT data flows, the peer's certificate has been checked.
  virtual void on_handshake_complete(Connection&) {}
  // The peer opened a stream. Before any on_stream_readable for it.
  virtual void on_stream_opened(Connection&, StreamId) {}
  // Data or the end of the stream can be read. Views from read_views() that are not consumed
  // when this returns stay readable, at the cost of one copy.
  virtual void on_stream_readable(Connection&, StreamId) {}
  // A write fell short earlier; now there is room.
  virtual void on_stream_writable(Connection&, StreamId) {}
  // The peer abandoned its sending side (RESET_STREAM); nothing more can be read.
  virtual void on_stream_reset(Connection&, StreamId, ApplicationErrorCode) {}
  // The peer no longer reads our side (STOP_SENDING); it has been reset with the same code.
  virtual void on_stop_sending(Connection&, StreamId, ApplicationErrorCode) {}
  // Everything written has been acknowledged, or the stream was reset and that was.
  virtual void on_stream_closed(Connection&, StreamId) {}
  // The peer allows more streams than when open_stream last failed.
  virtual void on_streams_available(Connection&, bool /*bidirectional*/) {}
  // A DATAGRAM frame's payload; the view dies when this returns.
  virtual void on_datagram(Connection&, Bytes) {}
  // What became of datagrams of ours, in flows that ask for it, in the order in which it happened.
  virtual void on_datagram_reports(Connection&, std::span<const DatagramReport>) {}
  // send_datagram() said kQueueFull for this flow; now half of its queue, and of the connection's, is empty.
  virtual void on_datagrams_writable(Connection&, DatagramFlowId) {}
  // The peer sent a NEW_TOKEN token (client): keep it for the next connection.
  virtual void on_new_token(Connection&, Bytes) {}
  // A TLS session ticket (client), serialized for a later ClientParameters::session.
  virtual void on_session_ticket(Connection&, Bytes) {}
  // A 4-tuple was validated, given up, moved to or returned to, by our own wish or the peer's.
  virtual void on_network_path(Connection&, const NetworkPathEvent&) {}
  // One of several paths was opened, by us or by the client, came to another state, or is gone.
  virtual void on_path(Connection&, const PathEvent&) {}
  // The peer says at which address it sees us, on a 4-tuple where it had not or had said something else.
  // Only with ConnectionConfig::address_discovery.
  virtual void on_observed_address(Connection&, const ObservedAddress&) {}
  // Nothing has moved for a second and the connection gave back what it can make again: a
  // handler may do the same with its own memory.
  virtual void on_rest(Connection&) {}
  // The connection is over for the application: no call follows. The object lives on until
  // the endpoint drops it (closing and draining, RFC 9000 section 10.2).
  virtual void on_closed(Connection&, const CloseReason&) {}
};

}  // namespace hawser::quic
