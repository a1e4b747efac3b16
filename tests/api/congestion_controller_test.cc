// congestion_controller_test.cc: goal: a congestion controller that a program wrote against the public header is used
// by connections, hears what is true, and can stop or flood nothing by its answers. Method: a client and a server in
// this process; the controller between it and the transport told of events by hand; a simulated link.
#include "hawser/congestion_controller.h"

#include <atomic>

#include "echo_server.h"
#include "hawser/datagram_client.h"
#include "hawser/http3_client.h"
#include "hawser/runtime.h"
#include "quic/congestion/congestion_controller.h"
#include "served.h"
#include "sim/congestion.h"

namespace {

using namespace std::chrono_literals;
using hawser::CongestionAck;
using hawser::CongestionKnown;
using hawser::CongestionLoss;
using hawser::CongestionStart;
using hawser::Error;
using hawser::Timestamp;

// What controllers heard and are to answer; of one test at a time.
struct Desk {
  std::atomic<std::uint64_t> made{0}, sent{0}, acks{0}, known_window{0};
  std::uint64_t window = 30'000, rate = 0;
  bool slow_start = false, small_bursts = false;
  hawser::CongestionMark mark = hawser::CongestionMark::kAsLoss;
  CongestionStart start;
  CongestionAck ack;  // the latest, of the end that sends most
  CongestionLoss loss;
  CongestionKnown known;
  std::uint64_t acked = 0, losses = 0, mtu = 0, spurious_us = 0, in_flight_max = 0, rtt_min_us = UINT64_MAX;
};

class Spy final : public hawser::CongestionController {
 public:
  explicit Spy(Desk& desk) : desk_(desk) {}
  void on_ack(const CongestionAck& ack) noexcept override {
    ++desk_.acks;
    acked_ += ack.acked_octets;
    if (acked_ < desk_.acked) return;
    desk_.acked = acked_;
    desk_.ack = ack;
    if (ack.rtt_us != 0) desk_.rtt_min_us = std::min(desk_.rtt_min_us, ack.rtt_us);
  }
  void on_loss(const CongestionLoss& loss) noexcept override {
    ++desk_.losses;
    desk_.loss = loss;
  }
  void on_sent(std::uint64_t, std::uint64_t octets_in_flight, std::uint64_t) noexcept override {
    ++desk_.sent;
    desk_.in_flight_max = std::max(desk_.in_flight_max, octets_in_flight);
  }
  void on_spurious_loss(std::uint64_t now_us) noexcept override { desk_.spurious_us = now_us; }
  void on_mtu_change(std::uint64_t octets) noexcept override { desk_.mtu = octets; }
  void on_known(const CongestionKnown& known) noexcept override {
    desk_.known = known;
    desk_.known_window = known.window;
  }
  std::uint64_t window() const noexcept override { return desk_.window; }
  std::uint64_t octets_per_second() const noexcept override { return desk_.rate; }
  bool in_slow_start() const noexcept override { return desk_.slow_start; }
  bool small_bursts() const noexcept override { return desk_.small_bursts; }
  hawser::CongestionMark mark() const noexcept override { return desk_.mark; }

 private:
  Desk& desk_;
  std::uint64_t acked_ = 0;
};

std::unique_ptr<hawser::CongestionController> make_spy(const void* context, const CongestionStart& start) {
  Desk& desk = **static_cast<Desk* const*>(context);
  ++desk.made;
  desk.start = start;
  return std::make_unique<Spy>(desk);
}
std::unique_ptr<hawser::CongestionController> make_nothing(const void*, const CongestionStart&) {
  return nullptr;
}

// The smallest that does something: three functions.
class Fixed final : public hawser::CongestionController {
 public:
  void on_ack(const CongestionAck&) noexcept override {}
  void on_loss(const CongestionLoss&) noexcept override { ++losses; }
  std::uint64_t window() const noexcept override { return 20'000 + losses; }
  std::uint64_t losses = 0;
};
std::unique_ptr<hawser::CongestionController> make_fixed(const void*, const CongestionStart&) {
  return std::make_unique<Fixed>();
}

Desk* the_desk = nullptr;
// Before a test fills the table.
const bool kSpyAdded = hawser::add_congestion_controller("spy", &make_spy, &the_desk).has_value();
const bool kNothingAdded = hawser::add_congestion_controller("nothing", &make_nothing).has_value();
const bool kFixedAdded = hawser::add_congestion_controller("fixed", &make_fixed).has_value();

std::unique_ptr<hawser::quic::CongestionController> made(const char* name) {
  return hawser::quic::make_congestion_controller(name, 1'200).value();
}
constexpr Timestamp at(std::chrono::milliseconds ms) {
  return Timestamp{1s + ms};
}

class OwnController : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(kSpyAdded && kNothingAdded && kFixedAdded);
    the_desk = &desk_;
  }
  Desk desk_;
};

TEST_F(OwnController, names_are_said_once_and_sixteen_at_the_most) {
  const auto refused = [](std::string_view name, auto make) {
    const auto result = hawser::add_congestion_controller(name, make);
    return !result && result.error().kind == Error::Kind::kOptions && !result.error().message.empty();
  };
  EXPECT_TRUE(refused("cubic", &make_fixed)) << "comes with the library";
  EXPECT_TRUE(refused("spy", &make_fixed)) << "is there";
  EXPECT_TRUE(refused("", &make_fixed));
  EXPECT_TRUE(refused(std::string(32, 'x'), &make_fixed));
  EXPECT_TRUE(refused("null", static_cast<decltype(&make_fixed)>(nullptr)));
  for (int i = 3; i < 16; ++i)
    EXPECT_TRUE(hawser::add_congestion_controller("own" + std::to_string(i), &make_fixed).has_value()) << i;
  EXPECT_TRUE(refused("own16", &make_fixed)) << "the table is full";
  const std::string names = hawser::congestion_controller_names();
  EXPECT_NE(names.find("cubic, "), std::string::npos);
  EXPECT_NE(names.find(", own15"), std::string::npos);
  EXPECT_EQ(names.find("own16"), std::string::npos);
}

TEST_F(OwnController, answers_out_of_range_are_taken_for_the_nearest_in_it) {
  const auto controller = made("spy");
  const auto tell = [&] { controller->on_packet_sent(1'200, 1'200, at(0ms)); };
  EXPECT_EQ(controller->congestion_window(), 30'000u);
  EXPECT_EQ(controller->pacing_rate(), std::nullopt);
  desk_.window = 0;
  desk_.rate = 1;
  EXPECT_EQ(controller->congestion_window(), 30'000u) << "an answer holds until something is told";
  tell();
  EXPECT_EQ(controller->congestion_window(), 2'400u);
  EXPECT_EQ(controller->pacing_rate(), 2'400u);
  desk_.window = desk_.rate = UINT64_MAX;
  tell();
  EXPECT_EQ(controller->congestion_window(), desk_.start.maximum_window);
  EXPECT_EQ(controller->snapshot().congestion_window, std::uint64_t{4} << 30);
  EXPECT_EQ(controller->pacing_rate(), std::uint64_t{1} << 40);
  desk_.window = 0;
  controller->on_mtu_change(1'400);
  EXPECT_EQ(desk_.mtu, 1'400u);
  EXPECT_EQ(controller->congestion_window(), 2'800u);
}

TEST_F(OwnController, the_other_answers_reach_the_transport) {
  desk_.slow_start = desk_.small_bursts = true;
  desk_.mark = hawser::CongestionMark::kScalable;
  const auto controller = made("spy");
  EXPECT_EQ(controller->name(), "spy");
  EXPECT_EQ(desk_.start.datagram_octets, 1'200u);
  EXPECT_EQ(desk_.start.initial_window, 12'000u);
  EXPECT_EQ(desk_.start.minimum_window, 2'400u);
  EXPECT_EQ(controller->snapshot().phase, hawser::quic::CongestionPhase::kSlowStart);
  EXPECT_TRUE(controller->paces_smoothly());
  EXPECT_EQ(controller->ecn_codepoint(), hawser::Ecn::kEct1);
  desk_.mark = hawser::CongestionMark::kNone;
  EXPECT_EQ(made("spy")->ecn_codepoint(), hawser::Ecn::kNotEct);
  EXPECT_EQ(made("fixed")->ecn_codepoint(), hawser::Ecn::kEct0);
  EXPECT_EQ(made("nothing")->name(), "cubic") << "where a factory gives nothing";
}

hawser::quic::AckEvent ack_at(std::chrono::milliseconds now, std::chrono::milliseconds sent) {
  return {.now = at(now),
          .acked_bytes = 2'400,
          .acked_ect_packets = 2,
          .growth_bytes = 1'200,
          .largest_acked_sent_time = at(sent),
          .bytes_in_flight_before = 9'600,
          .bytes_in_flight_after = 7'200,
          .latest_rtt = 40ms,
          .smoothed_rtt = 44ms,
          .min_rtt = 39ms,
          .rate = {.bytes_per_second = 60'000}};
}

TEST_F(OwnController, an_acknowledgement_is_told_in_plain_numbers) {
  const auto controller = made("spy");
  controller->on_ack(ack_at(50ms, 10ms));
  EXPECT_EQ(desk_.ack.now_us, 1'050'000u);
  EXPECT_EQ(desk_.ack.acked_octets, 2'400u);
  EXPECT_EQ(desk_.ack.growth_octets, 1'200u);
  EXPECT_EQ(desk_.ack.octets_in_flight, 7'200u);
  EXPECT_EQ(desk_.ack.octets_in_flight_before, 9'600u);
  EXPECT_EQ(desk_.ack.rtt_us, 40'000u);
  EXPECT_EQ(desk_.ack.smoothed_rtt_us, 44'000u);
  EXPECT_EQ(desk_.ack.min_rtt_us, 39'000u);
  EXPECT_EQ(desk_.ack.largest_acked_sent_us, 1'010'000u);
  EXPECT_EQ(desk_.ack.octets_per_second, 60'000u);
  EXPECT_EQ(desk_.ack.ecn_capable_packets, 2u);
  EXPECT_FALSE(desk_.ack.application_limited || desk_.ack.rate_application_limited);
  EXPECT_EQ(desk_.ack.round, 1u);
  controller->on_ecn_ce(3, at(10ms), at(50ms));
  auto next = ack_at(60ms, 40ms);
  next.latest_rtt.reset();
  next.app_limited = next.rate.app_limited = true;
  controller->on_ack(next);
  EXPECT_EQ(desk_.ack.rtt_us, 0u) << "no sample";
  EXPECT_EQ(desk_.ack.round, 1u) << "left before the round began";
  EXPECT_EQ(desk_.ack.octets_delivered, 4'800u);
  EXPECT_EQ(desk_.ack.ecn_ce_packets, 3u);
  EXPECT_TRUE(desk_.ack.application_limited && desk_.ack.rate_application_limited);
  controller->on_ack(ack_at(95ms, 51ms));
  EXPECT_EQ(desk_.ack.round, 2u);
}

hawser::quic::LossEvent loss_at(std::chrono::milliseconds now, std::chrono::milliseconds sent) {
  return {.now = at(now),
          .lost_bytes = 1'200,
          .lost_packets = 1,
          .largest_lost_sent_time = at(sent),
          .bytes_in_flight_before = 6'000,
          .bytes_in_flight_after = 4'800};
}

TEST_F(OwnController, losses_of_one_round_trip_are_one_event) {
  const auto controller = made("spy");
  controller->on_loss(loss_at(50ms, 10ms));
  EXPECT_TRUE(desk_.loss.new_event);
  EXPECT_EQ(desk_.loss.lost_octets, 1'200u);
  EXPECT_EQ(desk_.loss.lost_packets, 1u);
  EXPECT_EQ(desk_.loss.octets_in_flight, 4'800u);
  EXPECT_EQ(desk_.loss.largest_lost_sent_us, 1'010'000u);
  EXPECT_EQ(controller->recovery_start_time(), at(50ms));
  controller->on_loss(loss_at(60ms, 50ms));
  EXPECT_FALSE(desk_.loss.new_event);
  controller->on_spurious_loss(at(70ms));
  EXPECT_EQ(desk_.spurious_us, 1'070'000u);
  EXPECT_EQ(controller->recovery_start_time(), Timestamp::min()) << "there was none";
  controller->on_ecn_ce(2, at(30ms), at(80ms));
  EXPECT_TRUE(desk_.loss.new_event) << "on_ecn_ce is a loss where it says nothing else";
  EXPECT_EQ(desk_.loss.ecn_ce_packets, 2u);
  EXPECT_EQ(desk_.loss.lost_packets, 0u);
  controller->on_ecn_ce(1, at(80ms), at(90ms));
  EXPECT_FALSE(desk_.loss.new_event);
  controller->on_spurious_loss(at(95ms));
  EXPECT_EQ(controller->recovery_start_time(), at(80ms)) << "no late packet takes a mark back";
  auto persistent = loss_at(1'000ms, 900ms);
  persistent.persistent_congestion = true;
  controller->on_loss(persistent);
  EXPECT_TRUE(desk_.loss.persistent && desk_.loss.new_event);
}

// Over 20 Mbit/s and 40 ms. Both ends have the controller; one of them has data.
hawser::sim::FlowResult simulated(const char* name, hawser::Duration duration) {
  auto setup = hawser::sim::dumbbell({.bits_per_second = 20'000'000, .queue = {.bytes_max = 100'000}},
                                     {{.controller = name, .rtt = 40ms}});
  setup.duration = duration;
  setup.warmup = 500ms;
  return hawser::sim::run_congestion(setup).value().flows[0];
}

TEST_F(OwnController, what_it_hears_of_a_simulated_link_is_what_the_link_does) {
  desk_.window = 50'000;  // half of what the path holds: a queue never forms
  const auto flow = simulated("spy", 10s);
  EXPECT_EQ(flow.failure, "");
  // A window in a round trip, of which the receiver holds ACKs back for up to a quarter.
  EXPECT_LT(flow.steady_goodput_bps, 50'000 * 8 / 0.040);
  EXPECT_GT(flow.steady_goodput_bps, 50'000 * 8 / 0.052);
  EXPECT_GE(desk_.rtt_min_us, 40'000u);
  EXPECT_EQ(desk_.ack.min_rtt_us, desk_.rtt_min_us);
  EXPECT_LE(desk_.ack.smoothed_rtt_us, 52'000u);
  EXPECT_LE(desk_.in_flight_max, 50'000u + 1'500u) << "a packet may begin below the window and end above it";
  EXPECT_EQ(desk_.ack.octets_delivered, desk_.acked);
  EXPECT_GT(static_cast<double>(desk_.acked), static_cast<double>(flow.bytes_received)) << "with frames and headers";
  EXPECT_LT(static_cast<double>(desk_.acked), static_cast<double>(flow.bytes_received) * 1.06);
  EXPECT_LT(desk_.ack.round, 10 / 0.040);
  EXPECT_GT(desk_.ack.round, 10 / 0.060);
  EXPECT_NEAR(static_cast<double>(desk_.ack.octets_per_second) * 8 / flow.steady_goodput_bps, 1, 0.15);
  EXPECT_EQ(desk_.losses, 0u);
}

TEST_F(OwnController, the_worst_answers_harm_nothing_but_the_own_path) {
  desk_.window = 0;
  desk_.rate = 1;
  const auto slow = simulated("spy", 10s);
  EXPECT_EQ(slow.failure, "");
  EXPECT_GT(slow.steady_goodput_bps, 8'000) << "two datagrams a second";
  desk_.rate = 0;
  const auto least = simulated("spy", 10s);
  EXPECT_EQ(least.failure, "");
  EXPECT_GT(least.steady_goodput_bps, 200'000) << "two datagrams a round trip";
  EXPECT_EQ(desk_.losses, 0u);
  desk_.window = desk_.rate = UINT64_MAX;
  const auto most = simulated("spy", 1s);
  EXPECT_EQ(most.failure, "");
  EXPECT_GT(most.steady_goodput_bps, 1e6) << "what the queue lets through";
  EXPECT_GT(desk_.losses, 0u);
}

class ServedOwnController : public hawser::testing::Served {
 protected:
  void SetUp() override {
    the_desk = &desk_;
    Served::SetUp();
    client_runtime_ = hawser::Runtime::create().value();
  }
  void configure(hawser::runtime::HttpServerOptions& options) override { options.connection.max_paths = 4; }

  Desk desk_;
  std::unique_ptr<hawser::Runtime> client_runtime_;
};

TEST_F(ServedOwnController, a_client_uses_it_by_name) {
  auto own = options();
  own.congestion_control = "spy";
  auto client = hawser::http3::Client::connect(*client_runtime_, own).value();
  const auto response = client->get("/large.bin").wait();
  ASSERT_TRUE(response.has_value()) << response.error().message;
  EXPECT_EQ(response->body.size(), 3'000'000u);
  EXPECT_EQ(client->paths().congestion_control(), "spy");
  const auto paths = client->paths().list();
  ASSERT_EQ(paths.size(), 1u);
  EXPECT_EQ(paths[0].congestion_window, 30'000u) << "what it said";
  EXPECT_GT(desk_.sent, 0u);
  EXPECT_GT(desk_.acks, 0u);
}

TEST_F(ServedOwnController, each_path_has_one_of_its_own) {
  auto own = options();
  own.congestion_control = "spy";
  own.paths = hawser::PathOptions{.interfaces = {{.name = "lo"}, {.name = "lo"}}};
  auto client = hawser::http3::Client::connect(*client_runtime_, own).value();
  std::vector<hawser::PathInfo> paths;
  const std::time_t until = std::time(nullptr) + 20;
  while (paths.size() < 2 && std::time(nullptr) < until) {
    ASSERT_TRUE(client->get("/hello.txt").wait().has_value());
    paths = client->paths().list();
  }
  ASSERT_EQ(paths.size(), 2u);
  for (const hawser::PathInfo& path : paths) EXPECT_EQ(path.congestion_window, 30'000u);
  EXPECT_GE(desk_.made, 3u) << "one to check the options";
}

class EchoedOwnController : public hawser::testing::EchoServer {
 protected:
  EchoedOwnController() { the_desk = &desk_; }
  Desk desk_;
};

TEST_F(EchoedOwnController, a_client_of_datagrams_uses_it_by_name) {
  auto own = options();
  own.congestion_control = "spy";
  const auto client = connected(own);
  EXPECT_EQ(client->paths().congestion_control(), "spy");
  ASSERT_TRUE(client->send(octets("hello")));
  EXPECT_TRUE(client->receive(hawser::testing::kPatience).has_value());
  EXPECT_GT(desk_.acks, 0u);
  own.congestion_control = "fastest";
  const auto wrong = hawser::DatagramClient::connect(*client_runtime_, own);
  ASSERT_FALSE(wrong.has_value());
  EXPECT_EQ(wrong.error().kind, Error::Kind::kOptions);
}

TEST_F(ServedOwnController, it_takes_over_while_the_connection_runs) {
  auto client = hawser::http3::Client::connect(*client_runtime_, options()).value();
  ASSERT_TRUE(client->get("/hello.txt").wait().has_value());
  EXPECT_EQ(client->paths().congestion_control(), "cubic");
  ASSERT_TRUE(client->paths().set_congestion_control("spy").has_value());
  EXPECT_EQ(client->paths().congestion_control(), "spy");
  EXPECT_GE(desk_.known_window, 2'400u) << "what cubic came to";
  ASSERT_TRUE(client->get("/hello.txt").wait().has_value());
  EXPECT_GT(desk_.sent, 0u);
  const auto wrong = client->paths().set_congestion_control("fastest");
  ASSERT_FALSE(wrong.has_value());
  EXPECT_EQ(wrong.error().kind, Error::Kind::kOptions);
  EXPECT_NE(wrong.error().message.find("spy"), std::string::npos) << "it lists those that there are";
  EXPECT_EQ(client->paths().congestion_control(), "spy");
  ASSERT_TRUE(client->paths().set_congestion_control("bbr").has_value());
  EXPECT_TRUE(client->get("/hello.txt").wait().has_value());
}

}  // namespace
