// Goal: scenarios replay from their seed, every scenario passes, and the checks see what
// they are there to see. Method: run each scenario twice, and feed the checks stories that
// break the rule in question.
#include "sim/scenario.h"

#include <gtest/gtest.h>

#include <array>
#include <set>
#include <string>
#include <vector>

#include "base/range_set.h"
#include "events/counters.h"
#include "sim/invariants.h"
#include "sim/setup_text.h"
#include "sim/transfer_plan.h"

namespace hawser::sim {
namespace {

TEST(scenario, every_scenario_passes_and_replays_from_its_seed) {
  for (const ScenarioInfo& info : scenarios()) {
    const ScenarioResult first = run_scenario(info.name, {.seed = 0x5eed});
    EXPECT_TRUE(first.passed) << first.replay << "\n" << first.failure;
    const ScenarioResult again = run_scenario(info.name, {.seed = 0x5eed});
    EXPECT_EQ(first.digest, again.digest) << info.name;
    EXPECT_EQ(first.virtual_time, again.virtual_time) << info.name;
    EXPECT_EQ(first.stream_bytes, again.stream_bytes) << info.name;
  }
}

TEST(scenario, seeds_differ) {
  std::set<std::uint64_t> digests;
  for (std::uint64_t seed = 1; seed <= 8; ++seed) digests.insert(run_scenario("transfer", {.seed = seed}).digest);
  EXPECT_EQ(digests.size(), 8u);
}

TEST(scenario, names_are_unique_and_an_unknown_one_is_explained) {
  std::set<std::string_view> names;
  for (const ScenarioInfo& info : scenarios()) EXPECT_TRUE(names.insert(info.name).second);
  const ScenarioResult result = run_scenario("no_such", {.seed = 255});
  EXPECT_FALSE(result.passed);
  EXPECT_NE(result.failure.find("--list"), std::string::npos);
  EXPECT_EQ(result.replay, "hawser sim --scenario=no_such --seed=0xff");
}

// A client that moved six times in twelve seconds: its server has no connection ID left for the address where it is
// now, and what it retires it tells one where nobody is.
constexpr const char* kWithoutSpareIds = R"(seed 0x89b451
link nat rebind_period=4416840092ns rebind_address=yes
link delay duration=362714282ns
link bottleneck bits_per_second=5149000 queue=codel queue_limit=89952
link down drop probability=0.039244724316514976
link down jitter duration=4089931ns
link.1 delay duration=59250234ns
link.1 jitter duration=11554319ns
link.2 delay duration=38645129ns
link.2 jitter duration=1651267ns
link.3 delay duration=94883252ns
link.3 drop probability=0.03359854494591573
command migrate at=13196709592ns
command migrate at=2984204088ns address=1
command migrate at=12727425894ns address=2
command migrate at=7136794047ns
command migrate at=14880021707ns address=3
command migrate at=12469929420ns address=3
client.max_ack_delay 211067876ns
client.congestion_control lia
client.ecn no
server.mtu_discovery no
server.congestion_control lia
server.ecn no
client_application.streams_bidi 55
client_application.streams_uni 25
client_application.read_interval 27934174ns
server_application.streams_bidi 58
server_application.streams_uni 43
server_application.read_interval 16829197ns
bytes_max 111016
stop_share 0.12468193592850749
classic_groups yes
)";

TEST(scenario, a_server_that_ran_out_of_connection_ids_is_reached_again) {
  const auto setup = parse_setup(kWithoutSpareIds);
  ASSERT_TRUE(setup.has_value()) << setup.error().message;
  const ScenarioResult result = run_scenario(*setup, {});
  EXPECT_TRUE(result.passed) << result.failure;
}

TEST(scenario, its_events_reach_a_listener) {
  EventCounters counters;
  const ScenarioResult result = run_scenario("loss", {.seed = 3, .events = &counters});
  ASSERT_TRUE(result.passed) << result.failure;
  EXPECT_EQ(counters.of<ConnectionStarted>(), 2u);
  EXPECT_EQ(counters.of<ConnectionClosed>(), 2u);
  EXPECT_GT(counters.of<PacketSent>(), 20u);
  EXPECT_GT(counters.of<PacketReceived>(), 20u);
  EXPECT_GT(result.stream_bytes, 0u);
}

TEST(transfer_plan, octets_out_of_place_are_seen) {
  const TransferPlan plan(7, {});
  const quic::StreamId id{4};
  std::vector<std::uint8_t> octets(5'000);
  plan.fill(id, quic::Role::kClient, 1'000, octets);
  EXPECT_TRUE(plan.matches(id, quic::Role::kClient, 1'000, octets));
  EXPECT_TRUE(plan.matches(id, quic::Role::kClient, 3'000, Bytes{octets}.subspan(2'000)));
  EXPECT_FALSE(plan.matches(id, quic::Role::kServer, 1'000, octets));
  EXPECT_FALSE(plan.matches(quic::StreamId{8}, quic::Role::kClient, 1'000, octets));
  for (const std::uint64_t shift : {1, 255, 256, 1'200, 65'536})
    EXPECT_FALSE(plan.matches(id, quic::Role::kClient, 1'000 + shift, octets)) << shift;
  octets[4'999] ^= 1;
  EXPECT_FALSE(plan.matches(id, quic::Role::kClient, 1'000, octets));
}

TEST(transfer_plan, a_changed_datagram_is_seen) {
  std::array<std::uint8_t, 400> memory;
  const std::size_t size = fill_datagram(123, quic::Role::kClient, memory);
  EXPECT_TRUE(is_datagram_of(quic::Role::kClient, Bytes{memory}.first(size)));
  EXPECT_FALSE(is_datagram_of(quic::Role::kServer, Bytes{memory}.first(size)));
  memory[size - 1] ^= 1;
  EXPECT_FALSE(is_datagram_of(quic::Role::kClient, Bytes{memory}.first(size)));
}

// A long header packet: type, one octet of token if asked, 30 octets of payload.
std::vector<std::uint8_t> long_packet(std::uint8_t type, bool token) {
  std::vector<std::uint8_t> packet{static_cast<std::uint8_t>(0xc0 | type << 4), 0, 0, 0, 1, 1, 0xaa, 0};
  if (type == 0) packet.push_back(token ? 1 : 0);
  if (token) packet.push_back(0x77);
  packet.push_back(30);
  packet.resize(packet.size() + 30);
  return packet;
}

TEST(amplification, tokens_and_handshake_packets_prove_an_address) {
  EXPECT_FALSE(proves_address(long_packet(0, false)));
  EXPECT_TRUE(proves_address(long_packet(0, true)));
  EXPECT_TRUE(proves_address(long_packet(2, false)));
  EXPECT_FALSE(proves_address(long_packet(1, false)));
  std::vector<std::uint8_t> both = long_packet(0, false);
  const std::vector<std::uint8_t> handshake = long_packet(2, false);
  both.insert(both.end(), handshake.begin(), handshake.end());
  EXPECT_TRUE(proves_address(both));
  EXPECT_FALSE(proves_address({}));
}

TEST(amplification, the_octet_past_three_times_is_seen) {
  const FourTuple tuple{ipv4_address({192, 0, 2, 1}, 443), ipv4_address({10, 0, 0, 2}, 5)};
  std::vector<std::uint8_t> initial = long_packet(0, false);
  initial.resize(1'200);
  const std::vector<std::uint8_t> reply(3'600);
  {
    Verdict verdict;
    AmplificationCheck check(1, verdict);
    check.on_received(1, initial, tuple, kWorldStart);
    check.on_sent(1, reply, tuple, kWorldStart);
    EXPECT_FALSE(verdict.failed());
    check.on_sent(1, Bytes{reply}.first(1), tuple, kWorldStart);
    EXPECT_TRUE(verdict.failed());
  }
  Verdict verdict;
  AmplificationCheck check(1, verdict);
  check.on_received(1, initial, tuple, kWorldStart);
  check.on_event({.vantage = Vantage::kServer}, PathValidated{.remote = tuple.remote});
  check.on_sent(1, reply, tuple, kWorldStart);
  check.on_sent(1, reply, tuple, kWorldStart);
  EXPECT_FALSE(verdict.failed());
}

class Story {
 public:
  Story() : check(verdict) {}
  template <class Event>
  void tell(const Event& event) {
    EventEmitter(&check,
                 {.connection = 1, .original_destination_cid = {}, .now = kWorldStart, .vantage = Vantage::kClient})
        .emit(event);
  }
  void send(std::uint64_t number) {
    tell(PacketSent{.packet_type = LoggedPacketType::kOneRtt, .packet_number = number, .size = 100});
  }
  [[nodiscard]] bool failed() const { return verdict.failed(); }
  Verdict verdict;
  EventCheck check;
};

TEST(event_check, a_consistent_story_passes) {
  Story story;
  story.tell(ConnectionStarted{});
  for (std::uint64_t number : {0, 1, 2, 5}) story.send(number);
  story.tell(PacketLost{.packet_type = LoggedPacketType::kOneRtt, .packet_number = 1});
  story.tell(PacketsAcked{.space = LoggedSpace::kApplication, .count = 3});
  story.tell(RecoveryMetricsUpdated{.congestion_window = 12'000, .bytes_in_flight = 300});
  story.tell(ConnectionClosed{});
  EXPECT_FALSE(story.failed()) << story.verdict.failure();
}

TEST(event_check, broken_stories_are_seen) {
  {
    Story story;
    story.send(3);
    story.send(3);
    EXPECT_TRUE(story.failed());
  }
  {
    Story story;
    story.send(0);
    story.tell(PacketsAcked{.space = LoggedSpace::kApplication, .count = 2});
    EXPECT_TRUE(story.failed());
  }
  {
    Story story;
    story.send(0);
    story.send(2);
    const std::array<Range, 1> skipped{{{1, 2}}};
    story.tell(PacketsAcked{.space = LoggedSpace::kApplication, .count = 1, .packet_numbers = skipped});
    EXPECT_TRUE(story.failed());
  }
  {
    Story story;
    story.send(0);
    story.tell(PacketLost{.packet_type = LoggedPacketType::kOneRtt, .packet_number = 0});
    EXPECT_FALSE(story.failed());
    story.tell(PacketLost{.packet_type = LoggedPacketType::kOneRtt, .packet_number = 0});
    EXPECT_TRUE(story.failed());
  }
  {
    Story story;
    story.tell(RecoveryMetricsUpdated{.congestion_window = 12'000, .bytes_in_flight = 70'000});
    EXPECT_TRUE(story.failed());
  }
  {
    Story story;
    story.tell(ConnectionStarted{});
    story.tell(ConnectionClosed{});
    story.tell(ConnectionClosed{});
    EXPECT_TRUE(story.failed());
  }
}

}  // namespace
}  // namespace hawser::sim
