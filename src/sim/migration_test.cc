// Goal: a client that changes its network does so by the rules of RFC 9000 section 9, and its
// application is told; what is forbidden is refused with its reason. Method: a client with two
// addresses and a server with two, in virtual time, and every datagram looked at on the wire.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <optional>
#include <set>

#include "quic/tls/dev_certificate.h"
#include "quic/tls/tls_context.h"
#include "sim/application.h"
#include "sim/world.h"

namespace hawser::sim {
namespace {

using quic::MigrationRefusal;
using quic::NetworkPathEvent;

constexpr std::int64_t kWallClock = 1'800'000'000;
// All of it is shown for both families; in networks for documentation (RFC 5737, RFC 3849).
AddressFamily family = AddressFamily::kIpv4;

AddressFamily other_family() {
  return family == AddressFamily::kIpv4 ? AddressFamily::kIpv6 : AddressFamily::kIpv4;
}

SocketAddress address(std::uint8_t network, std::uint8_t host, std::uint16_t port, AddressFamily of = family) {
  if (of == AddressFamily::kIpv4) return ipv4_address({192, 0, network, host}, port);
  SocketAddress v6;
  v6.family = AddressFamily::kIpv6;
  v6.port = port;
  v6.ip = {0x20, 0x01, 0x0d, 0xb8, 0, network, 0, 0, 0, 0, 0, 0, 0, 0, 0, host};
  return v6;
}
SocketAddress server_at() {
  return address(2, 1, 443);
}
SocketAddress preferred_at() {
  return address(2, 77, 4'443);
}
SocketAddress client_at(std::size_t index) {
  return address(static_cast<std::uint8_t>(100 + index), 2, 50'000);
}
// The same two in the other family.
SocketAddress other_preferred_at() {
  return address(2, 77, 4'443, other_family());
}
SocketAddress other_client_at() {
  return address(100, 2, 50'001, other_family());
}
// With the server's wish to be reached elsewhere.
quic::ConnectionConfig preferring(quic::ConnectionConfig config = {}) {
  (family == AddressFamily::kIpv4 ? config.preferred_ipv4 : config.preferred_ipv6) = preferred_at();
  return config;
}

quic::ConnectionConfig preferring_other_family(quic::ConnectionConfig config = {}) {
  (family == AddressFamily::kIpv4 ? config.preferred_ipv6 : config.preferred_ipv4) = other_preferred_at();
  return config;
}

std::vector<std::uint8_t> octets(std::string_view text) {
  return {text.begin(), text.end()};
}

struct End : quic::ConnectionHandler {
  std::vector<NetworkPathEvent> events;
  std::uint64_t received = 0;
  std::optional<quic::CloseReason> closed;

  void on_network_path(quic::Connection&, const NetworkPathEvent& event) override { events.push_back(event); }
  void on_stream_readable(quic::Connection& connection, quic::StreamId id) override {
    std::array<std::uint8_t, 4'096> room;
    while (const std::size_t count = connection.read(id, room)) received += count;
  }
  void on_closed(quic::Connection&, const quic::CloseReason& reason) override { closed = reason; }

  [[nodiscard]] bool saw(NetworkPathEvent::Kind kind, const FourTuple& tuple) const {
    return std::ranges::any_of(
        events, [&](const NetworkPathEvent& event) { return event.kind == kind && event.tuple == tuple; });
  }
};

// Datagrams that the client sent, by where from and where to.
struct Wire : WireObserver {
  struct Sent {
    FourTuple tuple;
    std::size_t size;
    std::vector<std::uint8_t> cid;
  };
  std::vector<Sent> client;
  void on_sent(NodeId node, Bytes bytes, const FourTuple& tuple, Timestamp) override {
    if (node == 0 && (bytes[0] & 0x80) == 0) client.push_back({tuple, bytes.size(), {&bytes[1], &bytes[9]}});
  }
};

class Migration : public testing::TestWithParam<AddressFamily>,
                  private quic::AcceptHandler,
                  private quic::LocalAddressSource {
 protected:
  Migration() { family = GetParam(); }

  // Call once with what differs from the defaults.
  void start(const quic::ConnectionConfig& client = {}, const quic::ConnectionConfig& server = {},
             const LinkSpec& second = link({delay(20ms)}), bool preferred_answers = true, bool fixed_local = false) {
    const auto certificate =
        quic::mint_dev_certificate({.names = {"localhost"}, .not_before_s = kWallClock - 60}).value();
    server_tls_.emplace(quic::TlsServerContext::create({.common = {.alpn = {"test"}, .verification_time_s = kWallClock},
                                                        .certificates = {{.chain = octets(certificate.certificate_pem),
                                                                          .key = octets(certificate.key_pem)}}})
                            .value());
    client_tls_.emplace(
        quic::TlsClientContext::create({.common = {.alpn = {"test"}, .verification_time_s = kWallClock},
                                        .trust = {.system = false, .ca = octets(certificate.certificate_pem)}})
            .value());
    client_endpoint_ = std::make_unique<quic::Endpoint>(quic::EndpointConfig{.locals = this, .random = &random_});
    server_endpoint_ = std::make_unique<quic::Endpoint>(
        quic::EndpointConfig{.connection = server, .tls = &*server_tls_, .accept = this, .random = &random_});
    client_node_.emplace(*client_endpoint_);
    server_node_.emplace(*server_endpoint_);
    world_.add(*client_node_, client_at(0));
    world_.add(*server_node_, server_at());
    world_.observe(wire);
    for (const std::size_t i : {0, 1}) {
      const LinkSpec& spec = i == 0 ? link({delay(10ms)}) : second;
      world_.connect(0, 1, spec, {.inside = client_at(i), .outside = server_at()});
      if (preferred_answers) world_.connect(0, 1, spec, {.inside = client_at(i), .outside = preferred_at()});
    }
    world_.connect(0, 1, second, {.inside = other_client_at(), .outside = other_preferred_at()});
    connection = client_endpoint_
                     ->connect({.tuple = {client_at(0), server_at()},
                                .fixed_local = fixed_local,
                                .server_name = "localhost",
                                .tls = &*client_tls_,
                                .connection = client},
                               client_end, world_.now())
                     .value();
    world_.pump(0);
  }

  bool run(const std::function<bool()>& done, Duration limit = 60s) {
    const Timestamp end = world_.now() + limit;
    while (!done())
      if (world_.step(end) != World::StepResult::kProgress) return done();
    return true;
  }
  bool confirm() {
    return run(
        [this] { return connection->handshake_confirmed() && server != nullptr && server->handshake_complete(); });
  }
  void act() {
    client_endpoint_->wake(*connection);
    world_.pump(0);
  }
  // The server sends this much; the client asked with a stream of its own.
  void download(std::size_t size) {
    const auto id = connection->open_stream(true).value();
    (void)connection->write(id, octets("get"), true);
    act();
    ASSERT_TRUE(run([this] { return server_end.received > 0; }));
    // Without copying, so that all of it is taken whatever the send buffer holds.
    const std::vector<std::uint8_t> body(size, 7);
    ASSERT_TRUE(server->write(id, SharedBytes::copy(body), true));
    server_endpoint_->wake(*server);
    world_.pump(1);
  }

  static FourTuple from(std::size_t address, const SocketAddress& to = server_at()) { return {client_at(address), to}; }

  Wire wire;
  End client_end;
  End server_end;
  quic::Connection* connection = nullptr;
  quic::Connection* server = nullptr;
  std::optional<SocketAddress> other_local;  // of the client, in the other family
  std::vector<SocketAddress> asked_for;      // what one was wanted towards

 private:
  std::optional<SocketAddress> local_towards(const SocketAddress& remote) override {
    asked_for.push_back(remote);
    return other_local;
  }
  quic::ConnectionHandler* on_accept(quic::Connection& accepted) override {
    server = &accepted;
    return &server_end;
  }

  SeededRandom random_{3};
  World world_{{.seed = 3}};
  std::optional<quic::TlsServerContext> server_tls_;
  std::optional<quic::TlsClientContext> client_tls_;
  std::unique_ptr<quic::Endpoint> client_endpoint_;
  std::unique_ptr<quic::Endpoint> server_endpoint_;
  std::optional<EndpointNode> client_node_;
  std::optional<EndpointNode> server_node_;
};

TEST_P(Migration, probes_then_moves_with_another_connection_id) {
  start();
  ASSERT_TRUE(confirm());
  ASSERT_TRUE(connection->migrate(client_at(1)));
  act();
  ASSERT_TRUE(run([this] { return client_end.saw(NetworkPathEvent::Kind::kMoved, from(1)); }));
  EXPECT_TRUE(client_end.saw(NetworkPathEvent::Kind::kValidated, from(1)));
  ASSERT_TRUE(run([this] { return server->tuple().remote == client_at(1); }));
  EXPECT_EQ(connection->tuple(), from(1));
  // What the challenge took is the first guess; the old path's 20 ms are forgotten.
  EXPECT_GE(connection->stats().smoothed_rtt, 40ms);
  std::set<std::vector<std::uint8_t>> before;
  std::set<std::vector<std::uint8_t>> after;
  for (const Wire::Sent& sent : wire.client) (sent.tuple == from(0) ? before : after).insert(sent.cid);
  ASSERT_FALSE(after.empty());
  for (const auto& cid : after) EXPECT_FALSE(before.contains(cid));
  // RFC 9000 section 8.2.1: the first datagram there is a challenge of full size.
  const auto first = std::ranges::find_if(wire.client, [](const auto& sent) { return sent.tuple == from(1); });
  EXPECT_EQ(first->size, 1'200u);
  EXPECT_EQ(connection->migration_stats().moves, 1u);
  EXPECT_EQ(server->migration_stats().moves, 1u);
}

// rfc9000:5.1.2-retire-unused
TEST_P(Migration, the_left_path_is_forgotten_and_its_connection_id_retired) {
  start();
  ASSERT_TRUE(confirm());
  ASSERT_TRUE(connection->migrate(client_at(1)));
  act();
  ASSERT_TRUE(run([this] { return connection->network_paths().size() == 2; }));
  EXPECT_TRUE(run([this] { return connection->network_paths().size() == 1 && server->network_paths().size() == 1; }));
  // And so often that connection IDs would run out, were they not replaced.
  for (int i = 0; i < 20; ++i) {
    const SocketAddress next = client_at(i % 2 == 0 ? 0 : 1);
    ASSERT_TRUE(connection->migrate(next)) << i;
    act();
    ASSERT_TRUE(run([&] { return connection->tuple().local == next && server->tuple().remote == next; })) << i;
    ASSERT_TRUE(run([this] { return connection->network_paths().size() == 1 && server->network_paths().size() == 1; }));
  }
}

TEST_P(Migration, several_addresses_are_probed_and_one_is_taken_at_once) {
  start();
  ASSERT_TRUE(confirm());
  SocketAddress other_port = client_at(1);
  other_port.port = 50'001;
  ASSERT_TRUE(connection->probe(client_at(1)));
  ASSERT_TRUE(connection->probe(other_port));
  act();
  ASSERT_TRUE(run([&] {
    return client_end.saw(NetworkPathEvent::Kind::kValidated, from(1)) &&
           client_end.saw(NetworkPathEvent::Kind::kValidated, {other_port, server_at()});
  }));
  EXPECT_EQ(connection->tuple(), from(0));
  EXPECT_EQ(server->tuple().remote, client_at(0));
  EXPECT_EQ(connection->network_paths().size(), 3u);
  ASSERT_TRUE(connection->migrate(other_port));
  EXPECT_EQ(connection->tuple().local, other_port);  // it had answered already
  act();
  EXPECT_TRUE(run([&] { return server->tuple().remote == other_port; }));
}

TEST_P(Migration, an_address_that_does_not_answer_is_given_up) {
  start({}, {}, link({delay(20ms), blackhole(0s, 1'000s)}));
  ASSERT_TRUE(confirm());
  ASSERT_TRUE(connection->migrate(client_at(1)));
  act();
  ASSERT_TRUE(run([this] { return client_end.saw(NetworkPathEvent::Kind::kFailed, from(1)); }));
  EXPECT_EQ(connection->tuple(), from(0));
  EXPECT_EQ(connection->network_paths().size(), 1u);
  EXPECT_EQ(connection->migration_stats().validations_failed, 1u);
  EXPECT_FALSE(client_end.closed);
}

TEST_P(Migration, a_transfer_goes_on_over_the_other_network) {
  start();
  ASSERT_TRUE(confirm());
  download(3'000'000);
  ASSERT_TRUE(run([this] { return client_end.received > 200'000; }));
  ASSERT_TRUE(connection->migrate(client_at(1)));
  act();
  EXPECT_TRUE(run([this] { return client_end.received == 3'000'000; }));
  EXPECT_EQ(server->tuple().remote, client_at(1));
}

// rfc9000:9-after-handshake rfc9000:9-disabled rfc9000:18.2-disable-migration
TEST_P(Migration, refusals_say_why) {
  start({}, {.disable_active_migration = true});
  EXPECT_EQ(connection->migrate(client_at(1)).error(), MigrationRefusal::kNotConfirmed);
  ASSERT_TRUE(confirm());
  EXPECT_EQ(connection->migrate(client_at(1)).error(), MigrationRefusal::kDisabled);
  EXPECT_EQ(server->migrate(preferred_at()).error(), MigrationRefusal::kServer);
  connection->close(0, "");
  EXPECT_EQ(connection->migrate(client_at(1)).error(), MigrationRefusal::kClosed);
}

TEST_P(Migration, connection_ids_run_out_before_network_paths_do) {
  start();
  ASSERT_TRUE(confirm());
  EXPECT_EQ(connection->probe(client_at(0)).error(), MigrationRefusal::kAddress);
  std::optional<MigrationRefusal> refusal;
  for (std::uint16_t port = 1; port < 10 && !refusal; ++port) {
    SocketAddress local = client_at(1);
    local.port = port;
    if (const auto probed = connection->probe(local); !probed) refusal = probed.error();
  }
  EXPECT_EQ(refusal, MigrationRefusal::kNoConnectionId);
}

TEST_P(Migration, the_preferred_address_is_taken_once_it_answered) {
  start({}, preferring({.disable_active_migration = true}));
  ASSERT_TRUE(confirm());
  ASSERT_TRUE(run([this] { return connection->tuple() == from(0, preferred_at()); }));
  ASSERT_TRUE(run([this] { return server->tuple().local == preferred_at(); }));
  download(100'000);
  EXPECT_TRUE(run([this] { return client_end.received == 100'000; }));
  // disable_active_migration was about the address of the handshake (RFC 9000 section 18.2).
  ASSERT_TRUE(connection->migrate(client_at(1)));
  act();
  EXPECT_TRUE(run([this] { return server->tuple() == FourTuple{preferred_at(), client_at(1)}; }));
}

TEST_P(Migration, a_preferred_address_out_of_reach_changes_nothing) {
  start({}, preferring(), link({delay(20ms)}), false);
  ASSERT_TRUE(confirm());
  ASSERT_TRUE(run([this] { return client_end.saw(NetworkPathEvent::Kind::kFailed, from(0, preferred_at())); }));
  EXPECT_EQ(connection->tuple(), from(0));
  download(100'000);
  EXPECT_TRUE(run([this] { return client_end.received == 100'000; }));
}

TEST_P(Migration, a_preferred_address_is_left_alone_if_the_client_wants_so) {
  start({.use_preferred_address = false}, preferring());
  ASSERT_TRUE(confirm());
  download(100'000);
  EXPECT_TRUE(run([this] { return client_end.received == 100'000; }));
  EXPECT_EQ(connection->tuple(), from(0));
  EXPECT_TRUE(client_end.events.empty());
}

TEST_P(Migration, a_preferred_address_of_the_other_family_is_taken_where_it_is_alone) {
  other_local = other_client_at();
  start({}, preferring_other_family({.disable_active_migration = true}));
  ASSERT_TRUE(confirm());
  const FourTuple there{other_client_at(), other_preferred_at()};
  ASSERT_TRUE(run([&] { return connection->tuple() == there; }));
  ASSERT_TRUE(run([&] { return server->tuple() == FourTuple{there.remote, there.local}; }));
  EXPECT_EQ(asked_for, std::vector{other_preferred_at()});
  download(100'000);
  EXPECT_TRUE(run([this] { return client_end.received == 100'000; }));
}

// rfc9000:9.6.3-same-family
TEST_P(Migration, a_preferred_address_of_the_family_in_use_goes_first) {
  other_local = other_client_at();
  start({}, preferring(preferring_other_family()));
  ASSERT_TRUE(confirm());
  ASSERT_TRUE(run([this] { return connection->tuple() == from(0, preferred_at()); }));
  EXPECT_TRUE(asked_for.empty());
}

TEST_P(Migration, without_an_address_of_the_other_family_a_client_stays) {
  start({}, preferring_other_family());
  ASSERT_TRUE(confirm());
  download(100'000);
  EXPECT_TRUE(run([this] { return client_end.received == 100'000; }));
  EXPECT_EQ(asked_for, std::vector{other_preferred_at()});
  EXPECT_EQ(connection->tuple(), from(0));
  EXPECT_TRUE(client_end.events.empty());
}

TEST_P(Migration, no_other_address_is_asked_for_where_the_application_chose_it) {
  other_local = other_client_at();
  start({}, preferring_other_family(), link({delay(20ms)}), true, true);
  ASSERT_TRUE(confirm());
  download(100'000);
  EXPECT_TRUE(run([this] { return client_end.received == 100'000; }));
  EXPECT_TRUE(asked_for.empty());
  EXPECT_EQ(connection->tuple(), from(0));
}

TEST_P(Migration, an_early_move_does_not_give_the_other_family_up) {
  other_local = other_client_at();
  start({}, preferring_other_family());
  ASSERT_TRUE(confirm());
  ASSERT_TRUE(connection->migrate(client_at(1)));
  act();
  EXPECT_TRUE(run([this] { return server->tuple() == FourTuple{other_preferred_at(), other_client_at()}; }));
}

// rfc9000:9.6.3-prefer
// rfc9000:9.6.3-both
TEST_P(Migration, an_early_move_tries_the_preferred_address_from_the_new_one) {
  start({}, preferring());
  ASSERT_TRUE(confirm());
  ASSERT_TRUE(connection->migrate(client_at(1)));
  act();
  EXPECT_TRUE(run([this] { return server->tuple() == FourTuple{preferred_at(), client_at(1)}; }));
}

// A packet that was sent from the old address and is late moves nothing: it is read, and the connection
// stays at the new one.
// rfc9000:9.3-follow
TEST_P(Migration, what_still_arrives_from_the_old_address_is_read_and_moves_nothing) {
  start({}, {}, link({delay(1ms)}));  // the other way is ten times as short
  ASSERT_TRUE(confirm());
  const auto id = connection->open_stream(true).value();
  (void)connection->write(id, octets("first"), false);
  ASSERT_TRUE(run([this] { return server_end.received == 5; }));
  ASSERT_TRUE(connection->probe(client_at(1)));
  act();
  ASSERT_TRUE(run([this] { return client_end.saw(NetworkPathEvent::Kind::kValidated, from(1)); }));
  // On its way over the old network when the client moves.
  (void)connection->write(id, octets("late"), false);
  act();
  ASSERT_TRUE(connection->migrate(client_at(1)));
  act();
  ASSERT_TRUE(run([this] { return server->tuple().remote == client_at(1); }));
  (void)run([] { return false; }, 200ms);
  EXPECT_EQ(server_end.received, 9u);
  EXPECT_EQ(server->tuple().remote, client_at(1));
  EXPECT_EQ(server->migration_stats().moves, 1u);
  EXPECT_EQ(server->migration_stats().returns, 0u);
}

INSTANTIATE_TEST_SUITE_P(families, Migration, testing::Values(AddressFamily::kIpv4, AddressFamily::kIpv6),
                         [](const auto& info) { return info.param == AddressFamily::kIpv4 ? "ipv4" : "ipv6"; });

}  // namespace
}  // namespace hawser::sim
