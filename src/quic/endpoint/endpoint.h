// endpoint.h: all connections of one socket, sans-I/O: trains of datagrams and time go in,
// trains and the next deadline come out. Chooses the connection of each packet, accepts new
// ones, answers with Retry, Version Negotiation and stateless resets.
//
// A driver's loop:
//   endpoint.on_datagrams(received, now);           // after each read of the socket
//   endpoint.on_timeout(now);                       // when next_timeout() has passed
//   while (n = endpoint.next_transmits(now, trains)) send(trains.first(n));
//   sleep until endpoint.next_timeout() or the socket is readable
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/datagram.h"
#include "base/random.h"
#include "base/result.h"
#include "base/time.h"
#include "quic/connection/connection.h"
#include "quic/endpoint/admission.h"

namespace hawser {
class EventSink;  // events/event_sink.h
}

namespace hawser::quic {

class TlsServerContext;  // tls/tls_context.h
class TlsClientContext;
class ReplayGuard;   // connection/replay_guard.h
class ResumeClaims;  // connection/resume_claims.h

// A server's side of the endpoint. Called on the driving thread.
class AcceptHandler {
 public:
  virtual ~AcceptHandler() = default;
  // A client's first packet was accepted. Returns who handles the connection (not owned;
  // must outlive it), or nullptr to refuse it with CONNECTION_REFUSED.
  virtual ConnectionHandler* on_accept(Connection& connection) = 0;
};

// One of several endpoints on a port. Called on the driving thread.
class StrayHandler {
 public:
  virtual ~StrayHandler() = default;
  // A stateless reset names nobody: its first octets are random (RFC 9000 section 10.3), and bring
  // it to any of the endpoints. `datagram`, a train of one, may be a reset for a connection of
  // another: give a copy to on_stray() of each. Called at most stateless_replies_max times a second.
  virtual void on_stray(const ReceivedTrain& datagram) = 0;
};

// Who knows the local addresses of an endpoint's clients. Called on the driving thread.
class LocalAddressSource {
 public:
  virtual ~LocalAddressSource() = default;
  // Where datagrams to `remote`, which is of another family than what its connection uses, may leave from; nothing:
  // from nowhere. Called at most once for each connection and each of its moves.
  virtual std::optional<SocketAddress> local_towards(const SocketAddress& remote) = 0;
};

struct EndpointConfig {
  ConnectionConfig connection;

  // Servers only; both null for a client-only endpoint. Not owned, must outlive the endpoint.
  TlsServerContext* tls = nullptr;
  AcceptHandler* accept = nullptr;
  RetryPolicy retry = RetryPolicy::kNever;
  bool send_new_token = true;
  // Accepts 0-RTT, if `tls` allows it too: who knows which tickets were used. Not owned; shared by
  // all endpoints that take each other's tickets. Null: early data is rejected.
  ReplayGuard* replay_guard = nullptr;
  // The application's terms under which early data is written, such as HTTP/3's settings: a ticket
  // that was issued under others gets its 0-RTT rejected. At most 256 octets.
  std::vector<std::uint8_t> early_data_terms;

  // With `connection.careful_resume`: who knows which clients' remembered paths were used. Not owned; shared
  // by all endpoints that take each other's tokens. Null: the endpoint has one of its own.
  ResumeClaims* resume_claims = nullptr;

  // 32 secret octets for tokens and stateless resets; servers that should understand each
  // other's tokens share them. All zero: drawn from `random`.
  std::array<std::uint8_t, 32> secret{};
  // When the driver's Timestamps begin, counted from 1970: by this the times in tokens mean the same on other machines
  // and after a restart. Zero: on this endpoint alone, and those with the same driver.
  Duration epoch{0};

  // Length of the connection IDs issued, 4 to 20 octets.
  std::size_t cid_length = 8;
  // Which of how many endpoints on one port this is: their connection IDs begin with a 16-bit
  // number in network order whose remainder by `workers` is `worker`, so that a driver knows
  // whose a datagram is.
  std::uint16_t worker = 0;
  std::uint16_t workers = 1;
  StrayHandler* strays = nullptr;  // where workers > 1; null: such resets are not heard; not owned

  // Clients: asked for a server whose preferred address is of the other family alone. Null: such ones are not taken;
  // not owned.
  LocalAddressSource* locals = nullptr;

  // Limits, with what happens past them.
  std::size_t connections_max = 1'000'000;    // further Initials: CONNECTION_REFUSED
  std::size_t handshakes_max = 10'000;        // of sources with more of them than others some are ended, then likewise
  std::size_t stateless_replies_max = 1'000;  // VN, refusals and resets a second; further: silence
  AdmissionLimits admission;                  // servers only
  // Servers: octets of streams, unacknowledged or unread, that the endpoint's connections may hold
  // together. Past it, connections that hold more than an even share of it, and more than
  // kStreamMemoryShareMin, are closed with INTERNAL_ERROR as they are heard from.
  std::size_t stream_memory_max = std::size_t{512} << 20;
  static constexpr std::size_t kStreamMemoryShareMin = std::size_t{64} << 10;

  Random* random = nullptr;     // required; not owned
  EventSink* events = nullptr;  // optional; not owned; every event of every connection
};

struct ClientParameters {
  FourTuple tuple;           // local may be unset (family kNone): the driver's choice
  bool fixed_local = false;  // local is the application's choice: EndpointConfig::locals is not asked for another
  std::string server_name;   // for SNI and certificate verification
  TlsClientContext* tls = nullptr;  // required; not owned; must outlive the connection
  ConnectionConfig connection;
  std::vector<std::uint8_t> token;       // from an earlier on_new_token, or empty
  Version token_version = Version::kV1;  // of the connection that gave it; in another it is not used
  // From an earlier on_session_ticket, or empty. If `tls` offers early data and the ticket allows
  // it, Connection::early_data() is kOffered on return.
  std::vector<std::uint8_t> session;
  // With `connection.careful_resume`: what an earlier Connection::saved_path() said, with its age of now. For
  // one connection only. What this client sends is meant, not what it receives.
  std::optional<SavedPath> saved_path;
};

struct PathTotals;  // quic/connection/path_totals.h

struct EndpointStats {
  std::uint64_t connections_accepted = 0;
  std::uint64_t connections_refused = 0;
  std::uint64_t connections_open = 0;
  std::uint64_t datagrams_received = 0;
  std::uint64_t datagrams_dropped = 0;
  std::uint64_t retries_sent = 0;
  std::uint64_t version_negotiations_sent = 0;
  std::uint64_t stateless_resets_sent = 0;
  std::uint64_t floods_ended = 0;         // connections closed since their peer sent frames without end or use
  std::uint64_t deaf_peers_ended = 0;     // connections closed since their peer acknowledged nothing
  std::uint64_t hoarders_ended = 0;       // connections closed since they held too much of a full memory
  std::uint64_t clients_waited = 0;       // for their handshake to begin, while others began
  std::uint64_t clients_turned_away = 0;  // too many waited: a Retry, or silence
  std::size_t clients_waiting_most = 0;
  std::uint64_t handshakes_displaced = 0;  // ended for one of a source with fewer of them
  std::uint64_t turns_exceeded = 0;        // a connection's streams had more to do at once than one turn allows
  Admission::Stats admission;
  std::uint64_t trains_sent = 0;
  std::uint64_t careful_resumes = 0;          // connections, now gone, that jumped by Careful Resume
  std::uint64_t careful_resume_retreats = 0;  // those of them that had to take it back

  // Adds what another endpoint of the same server counted.
  EndpointStats& operator+=(const EndpointStats& other);
};

class Endpoint {
 public:
  explicit Endpoint(EndpointConfig config);
  ~Endpoint();
  Endpoint(const Endpoint&) = delete;
  Endpoint& operator=(const Endpoint&) = delete;

  // Inputs. `batch` is read and decrypted in place; no view of it survives the call.
  void on_datagrams(std::span<ReceivedTrain> batch, Timestamp now);
  void on_timeout(Timestamp now);
  // A datagram that another endpoint of the port could not place. If it is a stateless reset for a
  // connection of this one, that ends; else nothing happens.
  void on_stray(Bytes datagram, Timestamp now);

  // Fills up to trains.size() trains, each with a lent buffer, and returns how many have
  // something to send. Call again until it returns 0.
  std::size_t next_transmits(Timestamp now, std::span<TransmitTrain> trains);
  // When on_timeout or next_transmits has to be called next, at the latest.
  [[nodiscard]] std::optional<Timestamp> next_timeout() const;

  // Starts a connection to tuple.remote. The handler is not owned and must outlive it. The
  // reference is good until on_closed has been called and the endpoint dropped the
  // connection, which it does at the earliest in the following call of on_timeout.
  std::expected<Connection*, ConfigError> connect(ClientParameters parameters, ConnectionHandler& handler,
                                                  Timestamp now);

  // Closes every connection with an application code and refuses new ones.
  void close_all(ApplicationErrorCode code, std::string_view reason, Timestamp now);

  // The connection's application did something outside a handler call (wrote, closed):
  // next_transmits will look at it. Handler calls need none.
  void wake(Connection& connection);

  [[nodiscard]] std::size_t connection_count() const;
  // Connections begun and ended so far, together.
  [[nodiscard]] std::uint64_t turnover() const;
  // All of them, closing ones included; good until the next call of on_timeout.
  [[nodiscard]] std::vector<Connection*> connections();
  [[nodiscard]] EndpointStats stats() const;
  // Of all connections so far; takes time that grows with those that are open.
  [[nodiscard]] PathTotals path_totals() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace hawser::quic
