// testing_pair.h: two endpoints in one process, for tests: an in-memory network with a settable delay and
// virtual time; drops are chosen by a callback.
#pragma once

#include <gtest/gtest.h>

#include <map>

#include "quic/connection/core.h"
#include "quic/endpoint/endpoint.h"
#include "quic/tls/dev_certificate.h"
#include "quic/tls/tls_context.h"

namespace hawser::quic {

inline constexpr std::int64_t kWallClock = 1'800'000'000;

inline const DevCertificate& certificate() {
  static const DevCertificate minted =
      mint_dev_certificate({.names = {"localhost"}, .not_before_s = kWallClock - 60}).value();
  return minted;
}

struct Recorder : ConnectionHandler {
  bool complete = false;
  std::map<std::uint64_t, std::string> received;
  std::map<std::uint64_t, bool> ended;
  std::optional<CloseReason> closed;
  std::vector<std::string> datagrams;
  std::vector<DatagramReport> reports;
  std::vector<DatagramFlowId> writable;
  std::vector<std::uint8_t> token, ticket;
  int rests = 0;
  std::function<void(Connection&, StreamId)> on_end;
  std::function<void(Connection&)> on_complete;
  std::function<void(Connection&)> on_reports;

  void on_handshake_complete(Connection& c) override {
    complete = true;
    if (on_complete) on_complete(c);
  }
  void on_stream_readable(Connection& c, StreamId id) override {
    std::array<Bytes, 16> views;
    while (const std::size_t n = c.read_views(id, views)) {
      std::size_t total = 0;
      for (std::size_t i = 0; i < n; ++i) {
        received[id.value] += as_text(views[i]);
        total += views[i].size();
      }
      c.consume(id, total);
    }
    if (c.at_end(id) && !ended[id.value]) {
      ended[id.value] = true;
      if (on_end) on_end(c, id);
    }
  }
  void on_datagram(Connection&, Bytes d) override { datagrams.emplace_back(as_text(d)); }
  void on_datagram_reports(Connection& c, std::span<const DatagramReport> r) override {
    reports.insert(reports.end(), r.begin(), r.end());
    if (on_reports) on_reports(c);
  }
  void on_datagrams_writable(Connection&, DatagramFlowId flow) override { writable.push_back(flow); }
  void on_new_token(Connection&, Bytes t) override { token.assign(t.begin(), t.end()); }
  void on_session_ticket(Connection&, Bytes t) override { ticket.assign(t.begin(), t.end()); }
  void on_rest(Connection&) override { ++rests; }
  void on_closed(Connection&, const CloseReason& r) override { closed = r; }
};

struct Acceptor : AcceptHandler {
  Recorder recorder;
  Connection* connection = nullptr;
  int accepted = 0;
  bool refuse = false;
  ConnectionHandler* on_accept(Connection& c) override {
    if (refuse) return nullptr;
    ++accepted;
    connection = &c;
    return &recorder;
  }
};

struct PairOptions {
  EndpointConfig server;
  ConnectionConfig client;
  Duration delay = 10ms;
  bool early_data = false;  // of both TLS contexts; the server wants a replay guard besides
  std::string server_groups{kDefaultGroups};
  EventSink* client_events = nullptr;
};

// A client and a server endpoint joined by a network of fixed delay.
class Pair {
 public:
  Pair() : Pair(PairOptions()) {}
  explicit Pair(PairOptions o) : options(std::move(o)) {
    server_tls.emplace(
        TlsServerContext::create({.common = {.alpn = {"test"},
                                             .groups = options.server_groups,
                                             .key_log = &Pair::key_log,
                                             .key_log_context = this,
                                             .verification_time_s = kWallClock},
                                  .certificates = {{.chain = bytes_of_text(certificate().certificate_pem),
                                                    .key = bytes_of_text(certificate().key_pem)}},
                                  .early_data = options.early_data})
            .value());
    client_tls.emplace(
        TlsClientContext::create({.common = {.alpn = {"test"},
                                             .key_log = &Pair::key_log,
                                             .key_log_context = this,
                                             .verification_time_s = kWallClock},
                                  .trust = {.system = false, .ca = bytes_of_text(certificate().certificate_pem)},
                                  .early_data = options.early_data})
            .value());
    options.server.tls = &*server_tls;
    options.server.accept = &acceptor;
    options.server.random = &random;
    server = std::make_unique<Endpoint>(options.server);
    client = std::make_unique<Endpoint>(
        EndpointConfig{.secret = client_secret(), .random = &random, .events = options.client_events});
  }

  Connection& connect(std::vector<std::uint8_t> token = {}, Version token_version = Version::kV1,
                      std::vector<std::uint8_t> session = {}) {
    client_inside = client_address;
    auto connected = client->connect({.tuple = {client_inside, server_address},
                                      .server_name = "localhost",
                                      .tls = &*client_tls,
                                      .connection = options.client,
                                      .token = std::move(token),
                                      .token_version = token_version,
                                      .session = std::move(session)},
                                     recorder, now);
    connection = connected.value();
    return *connection;
  }

  static std::array<std::uint8_t, 32> client_secret() { return {1, 2, 3}; }

  // Runs until `done` or for `limit` of virtual time; true if done.
  bool run(const std::function<bool()>& done, Duration limit = 30s) {
    const Timestamp end = now + limit;
    for (;;) {
      flush(*client, true);
      flush(*server, false);
      if (done()) return true;
      Timestamp next = std::min(client->next_timeout().value_or(kNever), server->next_timeout().value_or(kNever));
      if (!wire.empty()) next = std::min(next, wire.begin()->first);
      if (next > end) return false;
      now = std::max(now, next);
      deliver();
      client->on_timeout(now);
      server->on_timeout(now);
      if (++steps > 1'000'000) return false;
    }
  }

  PairOptions options;
  SeededRandom random{1};
  Timestamp now{1s};
  // As the server sees it; a change is that of a NAT, of which the client knows nothing.
  SocketAddress client_address = ipv4_address({10, 0, 0, 1}, 1111);
  SocketAddress client_inside = client_address;
  SocketAddress server_address = ipv4_address({10, 0, 0, 2}, 443);
  // Other addresses of the client than client_inside are its own, and no NAT stands before them.
  bool several_interfaces = false;
  std::optional<TlsServerContext> server_tls;
  std::optional<TlsClientContext> client_tls;
  Recorder recorder;
  Acceptor acceptor;
  std::unique_ptr<Endpoint> server, client;
  Connection* connection = nullptr;
  std::function<bool(bool to_server, Bytes)> drop = [](bool, Bytes) { return false; };
  // Sees every datagram as it leaves, also those that are dropped; `tuple` as the sender has it.
  std::function<void(bool to_server, Bytes, const FourTuple& tuple)> on_sent;
  std::vector<std::string> key_log_lines;
  std::uint64_t to_server_bytes = 0, to_client_bytes = 0;
  int steps = 0;

 private:
  struct Datagram {
    bool to_server;
    std::vector<std::uint8_t> octets;
    FourTuple tuple;  // as the receiver sees it
    Ecn ecn;
  };
  static void key_log(void* context, std::string_view line) {
    static_cast<Pair*>(context)->key_log_lines.emplace_back(line);
  }
  static std::vector<std::uint8_t> bytes_of_text(std::string_view text) { return {text.begin(), text.end()}; }

  void flush(Endpoint& endpoint, bool to_server) {
    std::vector<std::uint8_t> memory(65'536);
    for (;;) {
      TransmitTrain train{.buffer = memory};
      if (endpoint.next_transmits(now, {&train, 1}) == 0) return;
      for (std::size_t at = 0; at < train.size; at += train.segment_size) {
        const Bytes datagram = Bytes(memory).subspan(at, std::min(train.segment_size, train.size - at));
        (to_server ? to_server_bytes : to_client_bytes) += datagram.size();
        if (on_sent) on_sent(to_server, datagram, train.tuple);
        if (drop(to_server, datagram)) continue;
        FourTuple tuple =
            to_server ? FourTuple{server_address, client_address} : FourTuple{client_inside, server_address};
        if (several_interfaces && to_server && train.tuple.local != client_inside) tuple.remote = train.tuple.local;
        if (several_interfaces && !to_server && train.tuple.remote != client_address) tuple.local = train.tuple.remote;
        wire.emplace(now + options.delay, Datagram{to_server, {datagram.begin(), datagram.end()}, tuple, train.ecn});
      }
    }
  }

  void deliver() {
    while (!wire.empty() && wire.begin()->first <= now) {
      Datagram datagram = std::move(wire.begin()->second);
      wire.erase(wire.begin());
      ReceivedTrain train{.bytes = datagram.octets,
                          .segment_size = datagram.octets.size(),
                          .tuple = datagram.tuple,
                          .ecn = datagram.ecn};
      (datagram.to_server ? *server : *client).on_datagrams({&train, 1}, now);
    }
  }

  std::multimap<Timestamp, Datagram> wire;
};

inline std::string pattern(std::size_t size) {
  std::string text(size, ' ');
  for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>('a' + i * 7 % 26);
  return text;
}

inline void echo(Connection& c, StreamId id, const std::string& text) {
  EXPECT_EQ(c.write(id, SharedBytes::copy(as_bytes(text)), true).has_value(), true);
}

}  // namespace hawser::quic
