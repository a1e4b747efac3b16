// address_discovery_test.cc: goal: whoever asks learns at which address it is seen, on every network path, and nobody
// else is told; method: the books by themselves, then pairs of endpoints with a NAT between them, losses over seeds.
#include "quic/connection/address_reports.h"
#include "quic/endpoint/testing_pair.h"

namespace hawser::quic {
namespace {

const SocketAddress kHere = ipv4_address({10, 0, 0, 1}, 1);
const SocketAddress kThere = ipv4_address({10, 0, 0, 2}, 443);
const SocketAddress kOutside = ipv4_address({192, 0, 2, 1}, 7);

// address-discovery:4-older
TEST(address_reports, an_older_report_on_the_same_tuple_says_nothing) {
  AddressReports reports;
  const FourTuple tuple{kHere, kThere};
  EXPECT_EQ(reports.observed_on(tuple).family, AddressFamily::kNone);
  EXPECT_TRUE(reports.on_report(tuple, {5, kOutside}));
  EXPECT_FALSE(reports.on_report(tuple, {4, kHere}));
  EXPECT_FALSE(reports.on_report(tuple, {5, kHere}));
  EXPECT_EQ(reports.observed_on(tuple), kOutside);
  EXPECT_FALSE(reports.on_report(tuple, {6, kOutside}));
  EXPECT_TRUE(reports.on_report(tuple, {7, kHere}));
  EXPECT_TRUE(reports.on_report({kOutside, kThere}, {1, kHere}));  // another path has numbers of its own
  EXPECT_EQ(reports.received(), 6u);
}

// address-discovery:4-sequence
TEST(address_reports, hold_at_most_a_few_tuples_each_way) {
  AddressReports reports;
  std::array<std::uint8_t, 200> area;
  for (std::uint16_t port = 0; port < 100; ++port) {
    const FourTuple tuple{kHere, ipv4_address({10, 0, 0, 2}, port)};
    PacketPayload payload{MutableBytes(area)};
    EXPECT_EQ(reports.write(payload, tuple), WriteResult::kDone);
    EXPECT_TRUE(payload.ack_eliciting());
    EXPECT_TRUE(payload.probing());
    EXPECT_EQ(payload.frames()[0].id, port);
    EXPECT_TRUE(reports.on_report(tuple, {port, kOutside}));
  }
  EXPECT_LE(reports.memory(), 4'096u);
  EXPECT_EQ(reports.on_lost(3), nullptr);
  ASSERT_NE(reports.on_lost(99), nullptr);
  EXPECT_EQ(reports.on_lost(99)->remote.port, 99);
  reports.on_acked(99);
  EXPECT_EQ(reports.on_lost(99), nullptr);
  PacketPayload full{MutableBytes(area).first(8)};
  EXPECT_EQ(reports.write(full, {kHere, kThere}), WriteResult::kPacketFull);
  EXPECT_TRUE(full.empty());
}

struct Listener : Recorder {
  std::vector<ObservedAddress> told;
  void on_observed_address(Connection&, const ObservedAddress& observed) override { told.push_back(observed); }
};

struct Meeting {
  explicit Meeting(AddressDiscovery client, AddressDiscovery server, std::uint64_t paths = 0)
      : pair(options_of(client, server, paths)) {
    pair.client_address = kOutside;  // as the NAT shows it
  }
  static PairOptions options_of(AddressDiscovery client, AddressDiscovery server, std::uint64_t paths) {
    PairOptions options;
    options.client.max_paths = options.server.connection.max_paths = paths;
    options.client.address_discovery = client;
    options.server.connection.address_discovery = server;
    return options;
  }
  Connection& connect() {
    pair.client_inside = kHere;
    auto connected = pair.client->connect({.tuple = {kHere, pair.server_address},
                                           .server_name = "localhost",
                                           .tls = &*pair.client_tls,
                                           .connection = pair.options.client},
                                          listener, pair.now);
    pair.connection = connected.value();
    return *pair.connection;
  }
  [[nodiscard]] Connection& server() { return *pair.acceptor.connection; }
  void settle() {
    pair.run([] { return false; }, 2s);
  }

  Listener listener;
  Pair pair;
};

// address-discovery:5-every-path address-discovery:5-early
TEST(address_discovery, a_client_behind_a_nat_learns_its_outer_address_with_the_handshake) {
  Meeting meeting(AddressDiscovery::kReceive, AddressDiscovery::kProvide);
  Connection& c = meeting.connect();
  ASSERT_TRUE(meeting.pair.run([&] { return c.handshake_confirmed(); }));
  ASSERT_TRUE(meeting.pair.run([&] { return !meeting.listener.told.empty(); }, 1ms));
  EXPECT_EQ(meeting.listener.told[0].address, kOutside);
  EXPECT_EQ(meeting.listener.told[0].tuple, (FourTuple{kHere, meeting.pair.server_address}));
  EXPECT_EQ(c.network_paths()[0].observed, kOutside);
  meeting.settle();
  EXPECT_EQ(meeting.listener.told.size(), 1u);
  EXPECT_EQ(c.migration_stats().address_reports_received, 1u);
  EXPECT_EQ(c.migration_stats().address_reports_sent, 0u);
  EXPECT_EQ(meeting.server().migration_stats().address_reports_sent, 1u);
}

// address-discovery:4-not-asked address-discovery:6.2-inside
TEST(address_discovery, is_told_exactly_where_one_asks_and_the_other_is_willing) {
  EXPECT_EQ(ConnectionConfig{}.address_discovery, AddressDiscovery::kOff);
  constexpr std::array kAll{AddressDiscovery::kOff, AddressDiscovery::kProvide, AddressDiscovery::kReceive,
                            AddressDiscovery::kBoth};
  for (const AddressDiscovery client : kAll) {
    for (const AddressDiscovery server : kAll) {
      Meeting meeting(client, server);
      Connection& c = meeting.connect();
      ASSERT_TRUE(meeting.pair.run([&] { return c.handshake_confirmed(); }));
      meeting.settle();
      EXPECT_EQ(c.migration_stats().address_reports_received, receives(client) && provides(server) ? 1u : 0u);
      EXPECT_EQ(meeting.server().migration_stats().address_reports_received,
                receives(server) && provides(client) ? 1u : 0u);
      EXPECT_FALSE(meeting.listener.closed.has_value());
    }
  }
}

// address-discovery:5-change
TEST(address_discovery, a_client_whose_nat_rebinds_is_told_its_new_address) {
  Meeting meeting(AddressDiscovery::kReceive, AddressDiscovery::kBoth);
  Connection& c = meeting.connect();
  ASSERT_TRUE(meeting.pair.run([&] { return c.handshake_confirmed(); }));
  meeting.settle();
  const SocketAddress moved = ipv4_address({198, 51, 100, 9}, 4'242);
  meeting.pair.client_address = moved;
  c.ping();
  meeting.pair.client->wake(c);
  meeting.settle();
  ASSERT_EQ(meeting.listener.told.size(), 2u);
  EXPECT_EQ(meeting.listener.told[1].address, moved);
}

// address-discovery:5-bundle
TEST(address_discovery, a_path_that_is_only_probed_is_reported_beside_the_response) {
  Meeting meeting(AddressDiscovery::kReceive, AddressDiscovery::kBoth);
  Connection& c = meeting.connect();
  ASSERT_TRUE(meeting.pair.run([&] { return c.handshake_confirmed(); }));
  meeting.settle();
  const SocketAddress second = ipv4_address({10, 0, 9, 9}, 9);
  ASSERT_TRUE(c.probe(second).has_value());
  meeting.pair.client->wake(c);
  // This network has one way: what leaves from `second` passes the NAT at another place.
  meeting.pair.client_inside = second;
  meeting.pair.client_address = ipv4_address({203, 0, 113, 5}, 5);
  ASSERT_TRUE(meeting.pair.run([&] { return meeting.listener.told.size() == 2; }, 1s));
  EXPECT_EQ(meeting.listener.told[1].address, meeting.pair.client_address);
  EXPECT_EQ(meeting.listener.told[1].tuple.local, second);
  EXPECT_EQ(c.tuple().local, kHere);  // it has not moved
}

// address-discovery:4-retransmit address-discovery:4-same-path
TEST(address_discovery, a_report_arrives_whatever_is_lost) {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    Meeting meeting(AddressDiscovery::kBoth, AddressDiscovery::kBoth);
    meeting.pair.random = SeededRandom{seed};
    SeededRandom fate{seed};
    meeting.pair.drop = [&fate](bool, Bytes) { return fate.below(4) == 0; };
    Connection& c = meeting.connect();
    ASSERT_TRUE(meeting.pair.run([&] { return c.handshake_confirmed(); })) << seed;
    ASSERT_TRUE(meeting.pair.run([&] {
      return !meeting.listener.told.empty() &&
             meeting.server().network_paths()[0].observed == meeting.pair.server_address;
    })) << seed;
    EXPECT_EQ(meeting.listener.told[0].address, kOutside) << seed;
  }
}

// address-discovery:4-retransmit address-discovery:4-same-path
TEST(address_discovery, a_report_of_a_second_path_arrives_whatever_is_lost) {
  const SocketAddress second = ipv4_address({10, 9, 9, 9}, 2222);
  int reported = 0;
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    Meeting meeting(AddressDiscovery::kBoth, AddressDiscovery::kBoth, 4);
    meeting.pair.several_interfaces = true;
    meeting.pair.random = SeededRandom{seed};
    SeededRandom fate{seed};
    Connection& c = meeting.connect();
    ASSERT_TRUE(meeting.pair.run([&] { return c.handshake_confirmed() && c.has_multipath(); })) << seed;
    meeting.settle();
    meeting.pair.drop = [&fate](bool, Bytes) { return fate.below(4) == 0; };
    ASSERT_TRUE(c.open_path({second, meeting.pair.server_address}).has_value());
    meeting.pair.client->wake(c);
    const auto told = [&] {
      return std::ranges::any_of(meeting.listener.told,
                                 [&](const auto& report) { return report.tuple.local == second; });
    };
    // Where all challenges are lost the path is given up.
    EXPECT_TRUE(meeting.pair.run([&] { return told() || c.paths().size() == 1; })) << seed;
    reported += told();
  }
  EXPECT_GT(reported, 30);
}

}  // namespace
}  // namespace hawser::quic
