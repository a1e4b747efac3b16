// Goal: Careful Resume jumps only where RFC 9959 lets it, no further, and takes a jump back that was too
// much. Method: the events of an imagined path, packet by packet, to the controller alone.
#include "quic/congestion/careful_resume.h"

#include <gtest/gtest.h>

#include <deque>
#include <vector>

#include "quic/congestion/controller_table.h"
#include "quic/congestion/newreno.h"

namespace hawser::quic {
namespace {

using Phase = CarefulResumePhase;
using Trigger = CarefulResumeTrigger;

constexpr std::uint64_t kSize = 1'200;
constexpr Duration kRtt = 100ms;
constexpr SavedPath kSaved{.cwnd = 300 * kSize, .rtt = kRtt};
constexpr std::uint64_t kNoLimit = UINT64_MAX;

struct Notes final : CarefulResumeObserver {
  Trigger verdict = Trigger::kNone;
  int claims = 0;
  std::vector<CarefulResumeStep> steps;
  Trigger claim(Timestamp) override {
    ++claims;
    return verdict;
  }
  void on_step(const CarefulResumeStep& step) override { steps.push_back(step); }
};

// A sender whose acknowledgements come in the order of its packets.
class Sender {
 public:
  explicit Sender(std::string_view name = "newreno", const SavedPath& saved = kSaved, std::uint64_t max_jump = kNoLimit)
      : careful(*make_congestion_controller(name, kSize), saved, max_jump, kSize, notes) {}

  void send(std::uint64_t packets) {
    for (std::uint64_t i = 0; i < packets; ++i) {
      sent.push_back(now);
      careful.on_packet_sent(kSize, in_flight(), now);
    }
  }
  // As many as the window lets out.
  std::uint64_t fill() {
    std::uint64_t packets = 0;
    for (; in_flight() + kSize <= careful.congestion_window(); ++packets) send(1);
    return packets;
  }
  void ack(std::uint64_t packets) { ack(packets, now - sent[packets - 1]); }
  void ack(std::uint64_t packets, Duration rtt) {
    min_rtt = std::min(min_rtt, rtt);
    AckEvent event{.now = now,
                   .acked_bytes = packets * kSize,
                   .growth_bytes = packets * kSize,
                   .largest_acked_sent_time = sent[packets - 1],
                   .bytes_in_flight_before = in_flight(),
                   .latest_rtt = rtt,
                   .smoothed_rtt = rtt,
                   .min_rtt = min_rtt};
    event.app_limited = app_limited;
    delivered += event.acked_bytes;
    event.rate.bytes_per_second = static_cast<std::uint64_t>(static_cast<double>(in_flight()) / to_seconds(rtt));
    event.rate.delivered_bytes = in_flight();
    event.rate.prior_delivered_bytes = delivered > in_flight() ? delivered - in_flight() : 0;
    event.rate.interval = rtt;
    sent.erase(sent.begin(), sent.begin() + static_cast<std::ptrdiff_t>(packets));
    event.bytes_in_flight_after = in_flight();
    careful.on_ack(event);
  }
  void lose(std::uint64_t packets, bool persistent = false) {
    LossEvent event{.now = now,
                    .lost_bytes = packets * kSize,
                    .lost_packets = packets,
                    .largest_lost_sent_time = sent[packets - 1],
                    .bytes_in_flight_before = in_flight(),
                    .persistent_congestion = persistent};
    sent.erase(sent.begin(), sent.begin() + static_cast<std::ptrdiff_t>(packets));
    event.bytes_in_flight_after = in_flight();
    careful.on_loss(event);
  }
  // Up to the jump: the initial window leaves, and is acknowledged a round trip later.
  void jump() {
    send(10);
    now += kRtt;
    ack(10);
  }
  [[nodiscard]] std::uint64_t in_flight() const { return sent.size() * kSize; }
  [[nodiscard]] std::uint64_t window() const { return careful.congestion_window() / kSize; }
  [[nodiscard]] Trigger last_trigger() const {
    return notes.steps.empty() ? Trigger::kNone : notes.steps.back().trigger;
  }

  Notes notes;
  CarefulResume careful;
  std::deque<Timestamp> sent;
  Timestamp now{1s};
  Duration min_rtt = 1h;
  std::uint64_t delivered = 0;
  bool app_limited = false;
};

// rfc9959:3.3-half
TEST(careful_resume, jumps_to_half_of_what_was_saved_once_the_initial_window_has_arrived) {
  Sender sender;
  sender.send(10);
  EXPECT_EQ(sender.window(), 10u);
  sender.now += kRtt;
  sender.ack(9);
  EXPECT_EQ(sender.careful.phase(), Phase::kReconnaissance);
  EXPECT_EQ(sender.window(), 19u);  // slow start goes on as ever
  sender.fill();
  sender.ack(1);
  EXPECT_EQ(sender.careful.phase(), Phase::kUnvalidated);
  EXPECT_EQ(sender.window(), 150u);
  EXPECT_EQ(sender.notes.claims, 1);
}

// rfc9959:3.3-half
TEST(careful_resume, a_jump_is_bounded) {
  Sender sender("newreno", kSaved, 40 * kSize);
  sender.jump();
  EXPECT_EQ(sender.careful.phase(), Phase::kUnvalidated);
  EXPECT_EQ(sender.window(), 40u);
}

// rfc9959:3.2-rtt
TEST(careful_resume, another_round_trip_time_is_another_path) {
  for (const Duration rtt : {kRtt / 2, kRtt / 3, 10 * kRtt + 1ms}) {
    Sender sender;
    sender.send(10);
    sender.now += rtt;
    sender.ack(10);
    EXPECT_TRUE(sender.careful.over());
    EXPECT_EQ(sender.last_trigger(), Trigger::kRttNotValidated);
    EXPECT_EQ(sender.notes.claims, 0);
    EXPECT_EQ(sender.window(), 20u);
  }
  for (const Duration rtt : {kRtt / 2 + 1ms, 10 * kRtt}) {
    Sender sender;
    sender.send(10);
    sender.now += rtt;
    sender.ack(10);
    EXPECT_EQ(sender.careful.phase(), Phase::kUnvalidated);
  }
}

// rfc9959:3.2-congestion
TEST(careful_resume, congestion_in_reconnaissance_leaves_what_the_controller_makes_of_it) {
  Sender sender;
  NewReno alone(kSize);
  sender.send(10);
  sender.now += kRtt;
  sender.lose(1);
  alone.on_loss({.now = sender.now,
                 .lost_bytes = kSize,
                 .lost_packets = 1,
                 .largest_lost_sent_time = Timestamp{1s},
                 .bytes_in_flight_before = 10 * kSize,
                 .bytes_in_flight_after = 9 * kSize});
  EXPECT_TRUE(sender.careful.over());
  EXPECT_EQ(sender.last_trigger(), Trigger::kPacketLoss);
  EXPECT_EQ(sender.careful.congestion_window(), alone.congestion_window());
  Sender marked;
  marked.send(10);
  marked.now += kRtt;
  marked.careful.on_ecn_ce(1, Timestamp{1s}, marked.now);
  EXPECT_TRUE(marked.careful.over());
  EXPECT_EQ(marked.last_trigger(), Trigger::kEcnCe);
}

// rfc9959:3.2-endpoint rfc9959:3.2-lifetime rfc9959:3.2-one-connection
TEST(careful_resume, who_keeps_the_parameters_may_refuse_them) {
  for (const Trigger why : {Trigger::kPathChanged, Trigger::kLifetimeExceeded, Trigger::kParametersUsed}) {
    Sender sender;
    sender.notes.verdict = why;
    sender.jump();
    EXPECT_TRUE(sender.careful.over());
    EXPECT_EQ(sender.last_trigger(), why);
    EXPECT_EQ(sender.window(), 20u);
  }
}

TEST(careful_resume, a_sender_with_little_to_say_waits) {
  Sender sender;
  sender.app_limited = true;
  for (int round = 0; round < 5; ++round) {
    sender.send(4);
    sender.now += kRtt;
    sender.ack(4);
  }
  EXPECT_EQ(sender.careful.phase(), Phase::kReconnaissance);
  EXPECT_EQ(sender.notes.claims, 0);
  sender.app_limited = false;
  sender.fill();
  sender.now += kRtt;
  sender.ack(2);
  EXPECT_EQ(sender.careful.phase(), Phase::kUnvalidated);
}

TEST(careful_resume, nothing_is_gained_where_the_window_is_that_large_already) {
  Sender sender("newreno", {.cwnd = 20 * kSize, .rtt = kRtt});
  sender.jump();
  EXPECT_TRUE(sender.careful.over());
  EXPECT_EQ(sender.last_trigger(), Trigger::kNotNeeded);
}

// rfc9959:3.3-pacing
TEST(careful_resume, the_jump_is_paced_over_the_round_trip_of_now) {
  Sender sender;
  sender.send(10);
  sender.now += 2 * kRtt;  // longer than it was
  sender.ack(10);
  ASSERT_EQ(sender.careful.phase(), Phase::kUnvalidated);
  EXPECT_EQ(sender.careful.pacing_rate(), 150 * kSize * 5);
  EXPECT_TRUE(sender.careful.paces_smoothly());
}

// rfc9959:3.3-flight
TEST(careful_resume, a_jump_that_is_used_up_is_validated) {
  Sender sender;
  sender.jump();
  EXPECT_EQ(sender.fill(), 150u);
  EXPECT_EQ(sender.careful.phase(), Phase::kValidating);
  EXPECT_EQ(sender.last_trigger(), Trigger::kLastUnvalidatedSent);
  EXPECT_EQ(sender.window(), 150u);
}

// rfc9959:3.3-flight
TEST(careful_resume, the_first_unvalidated_packet_to_arrive_ends_the_jump_at_what_is_in_flight) {
  Sender sender;
  sender.jump();
  sender.send(60);
  sender.now += kRtt / 2;
  sender.ack(1);
  EXPECT_EQ(sender.careful.phase(), Phase::kValidating);
  EXPECT_EQ(sender.last_trigger(), Trigger::kFirstUnvalidatedAcked);
  EXPECT_EQ(sender.window(), 59u);
}

// rfc9959:3.3-flight
TEST(careful_resume, a_jump_takes_one_round_trip_at_most) {
  Sender sender;
  sender.jump();
  sender.send(60);
  sender.now += kRtt + 1ms;
  sender.send(1);
  EXPECT_EQ(sender.careful.phase(), Phase::kValidating);
  EXPECT_EQ(sender.last_trigger(), Trigger::kRttExceeded);
  EXPECT_EQ(sender.window(), 61u);
}

// rfc9959:3.3-flight
TEST(careful_resume, an_unused_jump_comes_to_nothing) {
  Sender sender;
  sender.send(10);
  sender.now += kRtt;
  sender.ack(9);
  sender.fill();
  sender.ack(1);
  ASSERT_EQ(sender.careful.phase(), Phase::kUnvalidated);
  const std::uint64_t before = sender.sent.size();
  sender.send(1);
  sender.now += kRtt + 1ms;
  sender.ack(before);
  EXPECT_TRUE(sender.careful.over());
  EXPECT_EQ(sender.last_trigger(), Trigger::kRateLimited);
  EXPECT_EQ(sender.window(), std::max<std::uint64_t>(before, 10));
}

TEST(careful_resume, ends_with_the_last_unvalidated_packet_in_slow_start) {
  Sender sender;
  sender.jump();
  sender.fill();
  sender.now += kRtt;
  sender.ack(149);
  EXPECT_EQ(sender.careful.phase(), Phase::kValidating);
  EXPECT_EQ(sender.window(), 299u);
  sender.ack(1);
  EXPECT_TRUE(sender.careful.over());
  EXPECT_EQ(sender.last_trigger(), Trigger::kLastUnvalidatedAcked);
  EXPECT_EQ(sender.window(), 300u);
  const auto inner = sender.careful.release();
  EXPECT_EQ(inner->congestion_window(), 300 * kSize);
  EXPECT_EQ(inner->snapshot().phase, CongestionPhase::kSlowStart);
}

// The example of RFC 9959 with loss in the Validating Phase: 29 packets in flight at the jump, and the 35th after it is
// lost. rfc9959:3.5-window rfc9959:3.5-no-growth rfc9959:3.5-exit
TEST(careful_resume, loss_while_validating_retreats_to_half_of_what_arrived) {
  Sender sender;
  sender.send(10);
  sender.now += kRtt;
  sender.ack(9);
  sender.send(29);
  sender.ack(1);
  ASSERT_EQ(sender.careful.phase(), Phase::kUnvalidated);
  ASSERT_EQ(sender.sent.size(), 29u);
  EXPECT_EQ(sender.fill(), 121u);
  sender.now += kRtt;
  sender.ack(29);
  sender.ack(34);
  ASSERT_EQ(sender.careful.phase(), Phase::kValidating);
  sender.lose(1);
  EXPECT_EQ(sender.careful.phase(), Phase::kSafeRetreat);
  EXPECT_EQ(sender.last_trigger(), Trigger::kPacketLoss);
  EXPECT_EQ(sender.careful.congestion_window(), 63 * kSize / 2);
  sender.ack(40);
  EXPECT_EQ(sender.careful.congestion_window(), 63 * kSize / 2);
  sender.lose(1);
  sender.ack(44);
  EXPECT_EQ(sender.careful.phase(), Phase::kSafeRetreat);
  sender.ack(1);
  EXPECT_TRUE(sender.careful.over());
  EXPECT_EQ(sender.last_trigger(), Trigger::kExitRecovery);
  EXPECT_EQ(sender.careful.congestion_window(), 63 * kSize / 2);
  EXPECT_EQ(sender.careful.snapshot().ssthresh, 148 * kSize / 2);
  EXPECT_EQ(sender.careful.snapshot().phase, CongestionPhase::kSlowStart);
}

// rfc9959:3.3-congestion
TEST(careful_resume, marks_retreat_as_losses_do) {
  for (const bool validating : {false, true}) {
    Sender sender;
    sender.jump();
    sender.send(40);
    if (validating) sender.fill();
    ASSERT_EQ(sender.careful.phase(), validating ? Phase::kValidating : Phase::kUnvalidated);
    sender.now += kRtt / 2;
    sender.careful.on_ecn_ce(1, sender.now, sender.now);
    EXPECT_EQ(sender.careful.phase(), Phase::kSafeRetreat);
    EXPECT_EQ(sender.last_trigger(), Trigger::kEcnCe);
    EXPECT_EQ(sender.window(), 2u);  // nothing of the jump has arrived
  }
}

// rfc9959:3.3-path
TEST(careful_resume, a_round_trip_that_shrinks_during_the_jump_is_another_path) {
  Sender sender;
  sender.send(10);
  sender.now += kRtt;
  sender.ack(9);
  sender.fill();
  sender.ack(1);
  sender.send(20);
  sender.now += kRtt / 3;
  sender.ack(1);
  EXPECT_EQ(sender.careful.phase(), Phase::kSafeRetreat);
  EXPECT_EQ(sender.last_trigger(), Trigger::kPathChanged);
}

TEST(careful_resume, persistent_congestion_ends_it) {
  Sender sender;
  sender.jump();
  sender.fill();
  sender.now += kRtt;
  sender.lose(100, true);
  EXPECT_TRUE(sender.careful.over());
  EXPECT_EQ(sender.last_trigger(), Trigger::kPersistentCongestion);
  EXPECT_EQ(sender.window(), 2u);
}

TEST(careful_resume, a_controller_that_takes_over_in_a_jump_begins_with_what_was_proven) {
  Sender sender;
  sender.jump();
  sender.fill();
  sender.now += kRtt;
  sender.ack(50);
  sender.careful.give_up(sender.now);
  EXPECT_TRUE(sender.careful.over());
  EXPECT_EQ(sender.window(), 25u);
}

TEST(careful_resume, losses_that_were_none_do_not_bring_the_jump_back) {
  for (const std::string_view name : {"newreno", "cubic", "westwood", "prague"}) {
    Sender sender(name);
    sender.jump();
    sender.fill();
    sender.now += kRtt;
    sender.ack(50);
    sender.lose(1);
    sender.ack(99);
    ASSERT_TRUE(sender.careful.over()) << name;
    sender.careful.on_spurious_loss(sender.now);
    EXPECT_LE(sender.window(), 149u / 2) << name;
  }
}

TEST(careful_resume, every_controller_jumps_validates_and_retreats) {
  for (const NamedController& entry : controller_table()) {
    Sender good(entry.name);
    good.jump();
    ASSERT_EQ(good.careful.phase(), Phase::kUnvalidated) << entry.name;
    EXPECT_EQ(good.window(), 150u) << entry.name;
    good.fill();
    EXPECT_EQ(good.window(), 150u) << entry.name;
    good.now += kRtt;
    for (int i = 0; i < 75; ++i) good.ack(2);
    EXPECT_TRUE(good.careful.over()) << entry.name;
    EXPECT_GE(good.window(), 150u) << entry.name;

    Sender bad(entry.name);
    bad.jump();
    bad.fill();
    bad.now += kRtt;
    bad.ack(50);
    bad.lose(60);
    EXPECT_EQ(bad.window(), 25u) << entry.name;
    bad.ack(40);
    EXPECT_TRUE(bad.careful.over()) << entry.name;
    EXPECT_LE(bad.window(), 45u) << entry.name;
    EXPECT_GE(bad.window(), 4u) << entry.name;
    EXPECT_EQ(bad.careful.name(), entry.name);
  }
}

}  // namespace
}  // namespace hawser::quic
