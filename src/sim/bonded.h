// bonded.h: a client with an address on each of several links and a server with one: a bulk stream either way,
// each octet of which is checked, and small requests beside it. The laboratory of several paths: tests build
// their scenarios on it, and `hawser sim bonding` its tables.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/random.h"
#include "quic/connection/connection.h"
#include "quic/connection/multipath.h"
#include "quic/endpoint/endpoint.h"
#include "sim/link.h"
#include "sim/world.h"

namespace hawser {
class EventSink;  // events/event_sink.h
}

namespace hawser::sim {

// Requests of a client beside the bulk, at even times; both ways have as many octets.
struct RequestPlan {
  std::uint64_t per_second = 0;  // 0: none
  std::size_t bytes = 1'000;
  Duration from = 1s;  // since kWorldStart
  Duration until = 3'600s;
  std::uint8_t urgency = 0;  // RFC 9218; bulk has 3
};

struct BondPlan {
  std::vector<LinkSpec> links;       // the connection begins over the first; see also head_start
  std::uint64_t octets = 2'000'000;  // of the bulk stream; UINT64_MAX: it never ends
  bool download = true;
  std::uint64_t seed = 1;
  std::uint64_t client_max_paths = 4;
  std::uint64_t server_max_paths = 4;
  bool opens = true;  // the client opens a path over each link by itself
  // How long the first link has the handshake for itself before a connection is begun over the next as well, and so on:
  // the one that is complete first is kept. None: it begins over the first alone.
  std::optional<Duration> head_start;
  Duration idle_timeout = 30s;
  std::string controller = "cubic";
  std::string scheduler = "min-rtt";
  quic::PathCodePoints code_points = quic::PathCodePoints::kDraft21;  // that the client speaks
  ByteCount window{8 << 20};  // receive windows and send buffer; 0: as a connection has them by itself
  RequestPlan requests{};
  bool datagrams = false;       // both ends take DATAGRAM frames
  EventSink* events = nullptr;  // hears every event of both ends; not owned
};

SocketAddress bond_client_at(std::size_t link);
SocketAddress bond_server();

// What one end heard of its connection.
struct BondWatch {
  std::vector<quic::PathEvent> events;
  std::optional<quic::CloseReason> closed;
  [[nodiscard]] std::size_t count(quic::PathState state) const;  // how often a path came to be in it
  [[nodiscard]] std::size_t gone() const;                        // paths that ended
};

// One end: it sends or reads the bulk, and asks or answers.
class BondEnd final : public quic::ConnectionHandler {
 public:
  BondEnd(bool sends, std::uint64_t octets, std::uint8_t urgency, std::size_t request_bytes);

  void on_handshake_complete(quic::Connection& connection) override;
  void on_stream_writable(quic::Connection& connection, quic::StreamId id) override;
  void on_stream_readable(quic::Connection& connection, quic::StreamId id) override;
  void on_datagram(quic::Connection&, Bytes payload) override {
    datagrams.emplace_back(payload.begin(), payload.end());
  }
  void on_path(quic::Connection&, const quic::PathEvent& event) override { watch.events.push_back(event); }
  void on_closed(quic::Connection&, const quic::CloseReason& reason) override { watch.closed = reason; }

  // Client: one more request.
  void ask(quic::Connection& connection, Timestamp now);

  BondWatch watch;
  std::vector<std::vector<std::uint8_t>> datagrams;  // that arrived
  // Of the end that reads the bulk.
  std::uint64_t octets = 0;
  bool wrong = false;         // an octet was not the one that was sent
  Duration longest_pause{0};  // between two arrivals
  std::optional<Timestamp> ended_at;
  // Of the client: how long each request took that was answered, and how long the others have waited.
  std::vector<Duration> answers;
  [[nodiscard]] std::vector<Duration> waiting(Timestamp now) const;

 private:
  void push(quic::Connection& connection, quic::StreamId id);
  void read_bulk(quic::Connection& connection, quic::StreamId id);
  void read_request(quic::Connection& connection, quic::StreamId id);

  bool sends_;
  std::uint64_t size_;
  std::uint8_t urgency_;
  std::size_t request_bytes_;
  std::uint64_t written_ = 0;
  Timestamp last_{};
  std::map<std::uint64_t, Timestamp> asked_;
};

// Runs as far as it is told to. Tests derive from it to act in between.
class BondedRun : public Actor, private quic::AcceptHandler {
 public:
  explicit BondedRun(BondPlan plan);
  BondedRun(const BondedRun&) = delete;
  BondedRun& operator=(const BondedRun&) = delete;
  ~BondedRun() override;

  Timestamp on_time(Timestamp now) override;

  // Until the stream has ended; false: it did not within `limit`, and failure() says why.
  bool finish(Duration limit = 120s);
  // Until `done()` holds; false: it did not.
  template <class Done>
  bool until(Done&& done, Duration limit = 120s) {
    const Timestamp end = world.now() + limit;
    while (!done())
      if (world.step(end) != World::StepResult::kProgress) return false;
    return true;
  }
  void pass(Duration time) {
    until([] { return false; }, time);
  }
  // Of the bulk, from the first packet of the handshake to its last octet or to now.
  [[nodiscard]] double mbit_per_second() const;
  // What is wrong with a run that should have brought all octets and closed nothing; empty: nothing.
  [[nodiscard]] std::string failure() const;
  [[nodiscard]] quic::PathState state_at(quic::Connection& connection, std::uint64_t id) const;
  [[nodiscard]] BondEnd& reader() { return plan_.download ? client_end : server_end; }
  [[nodiscard]] const BondEnd& reader() const { return plan_.download ? client_end : server_end; }
  // The end that sends the bulk.
  [[nodiscard]] quic::Connection& sender() const { return plan_.download ? *server : *client; }

 protected:
  // Every 5 ms while the client's connection lives.
  virtual void on_tick(Timestamp) {}

 private:
  [[nodiscard]] quic::ConnectionConfig config(std::uint64_t max_paths) const;
  quic::EndpointConfig client_config();
  quic::EndpointConfig server_config();
  quic::ConnectionHandler* on_accept(quic::Connection& connection) override;
  quic::Connection& connect(std::size_t link, quic::ConnectionHandler& handler, Timestamp now);
  Timestamp begin(Timestamp now);
  void keep(std::size_t link, quic::Connection& connection);

  // One of several connections that are begun, at either end: until it is kept nobody hears of it.
  class Entrant;

  BondPlan plan_;
  SeededRandom random_;

 public:
  World world;
  BondEnd client_end;
  BondEnd server_end;
  quic::Endpoint client_endpoint;
  quic::Endpoint server_endpoint;
  quic::Connection* client = nullptr;
  quic::Connection* server = nullptr;

 private:
  EndpointNode client_node_;
  EndpointNode server_node_;
  std::vector<bool> opened_;
  Timestamp ask_at_ = kNever;
  std::vector<std::unique_ptr<Entrant>> entrants_;  // of the client, by link
  std::vector<std::unique_ptr<Entrant>> server_entrants_;
  Timestamp next_entrant_ = kWorldStart;
};

}  // namespace hawser::sim
