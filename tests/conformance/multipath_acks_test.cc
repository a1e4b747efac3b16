// multipath_acks_test.cc: goal: acknowledgements of a path that come on another one count when they should: at once
// where that is the peer's way, and once the path is silent where they report that it fell quiet. Method: a server
// pings its liar on one path and is answered on the other.
#include <gtest/gtest.h>

#include "multipath_stage.h"

namespace hawser::quic {
namespace {

// A server that pings its liar on path 0, to be acknowledged on path 1.
struct DetourStage : Stage {
  explicit DetourStage(const Options& options = two_paths()) : Stage(options) { say_on_path_1("01000000"); }
  // The packet number.
  std::uint64_t ping() {
    tap.clear();
    server->ping();
    server_endpoint->wake(*server);
    settle();
    const auto pings =
        tap.where([](const SeenPacket& p) { return !p.to_server && p.tuple.remote != kSecond && p.has<PingFrame>(); });
    return pings.empty() ? 0 : pings.back()->number;
  }
  [[nodiscard]] std::uint64_t acknowledged() {
    return server->core().path().loss().largest_acknowledged(PacketNumberSpace::kApplication)->value;
  }
  // Held back for 8 ms, as a report of a path that fell quiet, or not at all.
  static std::string ack_of(std::uint64_t number, std::uint64_t held_us = 8'000) {
    return "3e 00 " + varint_hex(number) + varint_hex(held_us >> kAckDelayExponent) + "00 00";
  }
};

// Acknowledgements of a path that take another way than before tell neither its round trip nor its rate.
TEST(multipath_acks, an_acknowledgement_that_takes_another_way_waits_until_its_path_is_silent) {
  DetourStage stage;
  const std::uint64_t number = stage.ping();
  ASSERT_GT(number, stage.acknowledged());
  stage.say_on_path_1(DetourStage::ack_of(number));
  EXPECT_LT(stage.acknowledged(), number);
  stage.pass(3s);
  EXPECT_EQ(stage.acknowledged(), number);
  EXPECT_FALSE(stage.error());
}

TEST(multipath_acks, an_acknowledgement_counts_at_once_on_its_own_path_or_without_delay_and_its_error_on_any) {
  DetourStage stage;
  const std::uint64_t number = stage.ping();
  stage.say_on_path_1(DetourStage::ack_of(number));
  stage.say(DetourStage::ack_of(number));
  EXPECT_EQ(stage.acknowledged(), number);
  const std::uint64_t next = stage.ping();
  stage.say_on_path_1(DetourStage::ack_of(next, 0));
  EXPECT_EQ(stage.acknowledged(), next) << "it was not held back: that is the peer's way";
  stage.say_on_path_1(DetourStage::ack_of(number + 100));
  ASSERT_TRUE(stage.error());
  EXPECT_EQ(*stage.error(), static_cast<std::uint64_t>(TransportErrorCode::kProtocolViolation));
}

TEST(multipath_acks, a_peer_whose_acknowledgements_take_another_way_for_good_is_followed) {
  DetourStage stage;
  for (int i = 0; i < 60; ++i) {
    stage.say_on_path_1(DetourStage::ack_of(stage.ping()));
    stage.pass(50ms);
  }
  const std::uint64_t number = stage.ping();
  ASSERT_GT(number, stage.acknowledged());
  stage.say_on_path_1(DetourStage::ack_of(number));
  EXPECT_EQ(stage.acknowledged(), number);
  EXPECT_FALSE(stage.error());
}

// A receiver leaves out what it was told to have been told: what two reports said by another way counts together, and
// with what comes the usual way.
TEST(multipath_acks, what_was_kept_of_several_reports_is_not_taken_for_lost) {
  for (const bool silent : {false, true}) {
    DetourStage stage;
    std::vector<std::uint64_t> numbers;
    for (int i = 0; i < 6; ++i) numbers.push_back(stage.ping());
    const std::uint64_t lost = stage.server->paths()[0].packets_lost;
    for (const std::size_t i : {0, 1}) stage.say_on_path_1(DetourStage::ack_of(numbers[i]));
    // All that were sent since, which may have left out a number.
    const std::uint64_t since = numbers[5] - numbers[2];
    const std::string last = "3e 00 " + varint_hex(numbers[5]) + varint_hex(1'000) + "00" + varint_hex(since);
    if (silent) {
      stage.say_on_path_1(last);
      stage.pass(3s);
    } else {
      stage.say(last);
    }
    EXPECT_EQ(stage.acknowledged(), numbers[5]) << silent;
    EXPECT_EQ(stage.server->paths()[0].packets_lost, lost) << silent;
  }
}

// Its counts are of what it says itself, here of less than both say together.
TEST(multipath_acks, what_is_taken_together_does_not_have_ecn_taken_for_failed) {
  Theatre::Options options = two_paths();
  options.ecn = Ecn::kEct0;
  DetourStage stage(options);
  // What the client counted before the liar took its place.
  std::uint64_t counted = 0;
  for (const SeenPacket& packet : stage.tap.packets())
    for (const AnyFrame& frame : packet.frames)
      if (const auto* ack = std::get_if<PathAckFrame>(&frame); packet.to_server && ack != nullptr && ack->ack.ecn)
        counted = ack->ack.ecn->ect0;
      else if (const auto* first = std::get_if<AckFrame>(&frame);
               packet.to_server && packet.type == PacketType::kOneRtt && first != nullptr && first->ecn)
        counted = first->ecn->ect0;
  const auto state = [&] { return stage.server->core().path().active().ecn().state(); };
  ASSERT_EQ(state(), EcnState::kCapable);
  std::vector<std::uint64_t> numbers;
  for (int i = 0; i < 4; ++i) numbers.push_back(stage.ping());
  const auto ack = [&](std::uint64_t largest, std::uint64_t held_us) {
    const std::uint64_t below = largest - numbers[0];
    return "3f 00 " + varint_hex(largest) + varint_hex(held_us >> kAckDelayExponent) + "00" + varint_hex(below) +
           varint_hex(counted + below + 1) + "00 00";
  };
  stage.say_on_path_1(ack(numbers[3], 8'000));
  ASSERT_LT(stage.acknowledged(), numbers[0]) << "it is kept";
  // Written before the first of them arrived.
  stage.say("3f 00 " + varint_hex(numbers[1]) + "00 00 00" + varint_hex(counted + 1) + "00 00");
  EXPECT_EQ(stage.acknowledged(), numbers[1]);
  EXPECT_EQ(state(), EcnState::kCapable);
  for (const std::size_t i : {2, 3}) {
    stage.say(ack(numbers[i], 0));
    EXPECT_EQ(stage.acknowledged(), numbers[i]);
    EXPECT_EQ(state(), EcnState::kCapable) << i;
  }
}

}  // namespace
}  // namespace hawser::quic
