// Goal: each controller fills its path, shares the queue as its paper says, and answers loss and CE.
// Method: the real loss detector and pacer over a model of one bottleneck, in virtual time.
#include <gtest/gtest.h>

#include "quic/congestion/controller_table.h"
#include "quic/congestion/copa.h"
#include "quic/congestion/prague.h"
#include "quic/congestion/westwood.h"
#include "quic/recovery/path_model.h"

namespace hawser::quic {
namespace {

PathModel path_of(std::string_view name, const PathModelOptions& options) {
  return PathModel(*make_congestion_controller(name, PathModel::kSize), options);
}

std::vector<std::string_view> every_name() {
  std::vector<std::string_view> names;
  for (const NamedController& entry : controller_table()) names.push_back(entry.name);
  return names;
}

TEST(controllers, fill_a_clean_path_with_one_bdp_of_buffer) {
  for (const std::string_view name : every_name()) {
    PathModel path = path_of(name, {});
    path.run_for(5s);
    path.run_for(20s);
    EXPECT_GT(path.utilisation(), 0.90) << name;
  }
}

TEST(controllers, an_application_that_says_little_does_not_open_the_window) {
  for (const std::string_view name : every_name()) {
    PathModel path = path_of(name, {});
    for (int i = 0; i < 200; ++i) {
      path.offer(6'000);
      path.run_for(50ms);
    }
    EXPECT_LT(path.controller().congestion_window(), 4 * path.bdp()) << name;
  }
}

// Ten times slower all of a sudden: whoever went on as before would lose nine packets of ten.
// rfc9002:7-other-controllers
TEST(controllers, give_way_to_congestion) {
  for (const std::string_view name : every_name()) {
    PathModel path = path_of(name, {});
    path.run_for(5s);
    path.options().bytes_per_second /= 10;
    path.run_for(15s);
    path.run_for(15s);
    EXPECT_LT(path.controller().congestion_window(), 4 * path.bdp() + path.options().buffer) << name;
    EXPECT_LT(path.overflowed() * PathModel::kSize, 15 * path.options().bytes_per_second / 4) << name;
    EXPECT_GT(path.utilisation(), 0.5) << name;
  }
}

TEST(controllers, send_again_after_silence) {
  for (const std::string_view name : every_name()) {
    PathModel path = path_of(name, {});
    path.run_for(5s);
    path.offer(0);
    path.run_for(5s);
    path.offer(UINT64_MAX);
    path.run_for(3s);
    EXPECT_GT(path.utilisation(), 0.7) << name;
  }
}

// The share of a path of ten times the usual rate that is used in the first 200 ms.
double early_utilisation(std::unique_ptr<CongestionController> controller) {
  PathModel path(std::move(controller), {.bytes_per_second = 12'500'000, .buffer = 500'000});
  path.run_for(200ms);
  return path.utilisation();
}

TEST(controllers, begin_from_what_their_predecessor_knew) {
  for (const std::string_view name : every_name()) {
    auto controller = *make_congestion_controller(name, PathModel::kSize);
    controller->adopt({.now = Timestamp{10s},
                       .window = 500'000,
                       .ssthresh = 500'000,
                       .bytes_per_second = 12'500'000,
                       .min_rtt = 40ms});
    EXPECT_GE(controller->congestion_window(), 490'000u) << name;
    const double fresh = early_utilisation(*make_congestion_controller(name, PathModel::kSize));
    const double adopted = early_utilisation(std::move(controller));
    EXPECT_GT(adopted, 3 * fresh) << name;
  }
}

TEST(controllers, survive_a_path_that_loses_a_third) {
  for (const std::string_view name : every_name()) {
    PathModel path = path_of(name, {.loss = 0.33});
    path.run_for(20s);
    EXPECT_GT(path.utilisation(), 0.001) << name;
    EXPECT_GE(path.controller().congestion_window(), 2 * 1'200u) << name;
  }
}

TEST(copa, keeps_the_queue_short) {
  PathModel path = path_of("copa", {.bytes_per_second = 12'500'000, .buffer = 1'000'000});
  path.run_for(5s);
  path.run_for(20s);
  EXPECT_GT(path.utilisation(), 0.9);
  EXPECT_LT(path.queue_delay(0.99), 5ms);
}

TEST(copa, random_loss_does_not_slow_it) {
  PathModel path = path_of("copa", {.bytes_per_second = 12'500'000, .buffer = 1'000'000, .loss = 0.01});
  path.run_for(5s);
  path.run_for(10s);
  EXPECT_GT(path.utilisation(), 0.8);
}

TEST(prague, keeps_an_l4s_queue_at_its_step) {
  // Marks above 1 ms of queue.
  PathModel path = path_of("prague", {.bytes_per_second = 12'500'000, .buffer = 1'000'000, .mark_above = 12'500});
  path.run_for(5s);
  path.run_for(20s);
  EXPECT_GT(path.utilisation(), 0.9);
  EXPECT_LT(path.queue_delay(0.99), 5ms);
  EXPECT_EQ(path.overflowed(), 0u);
  const auto& prague = static_cast<Prague&>(path.controller());
  EXPECT_FALSE(prague.classic());
  EXPECT_LT(prague.alpha(), 0.5);
}

TEST(prague, answers_a_classic_queue_as_reno_would) {
  // Marks from 20 ms of queue on, as no L4S queue does.
  PathModel path = path_of("prague", {.bytes_per_second = 12'500'000, .buffer = 2'000'000, .mark_above = 250'000});
  path.run_for(60s);
  EXPECT_TRUE(static_cast<Prague&>(path.controller()).classic());
}

TEST(prague, halves_on_loss) {
  Prague prague(1'200);
  prague.adopt({.now = Timestamp{1s}, .window = 120'000, .ssthresh = 120'000});
  prague.on_loss(
      {.now = Timestamp{2s}, .lost_bytes = 1'200, .lost_packets = 1, .largest_lost_sent_time = Timestamp{1s}});
  EXPECT_EQ(prague.congestion_window(), 60'000u);
  prague.on_spurious_loss(Timestamp{2s});
  EXPECT_EQ(prague.congestion_window(), 120'000u);
}

TEST(prague, marks_ect1_and_bbr_marks_nothing) {
  EXPECT_EQ((*make_congestion_controller("prague", 1'200))->ecn_codepoint(), Ecn::kEct1);
  EXPECT_EQ((*make_congestion_controller("cubic", 1'200))->ecn_codepoint(), Ecn::kEct0);
  for (const char* name : {"bbr", "bbr1", "bbr2", "copa"})
    EXPECT_EQ((*make_congestion_controller(name, 1'200))->ecn_codepoint(), Ecn::kNotEct) << name;
}

TEST(westwood, keeps_what_the_path_holds_on_a_random_loss) {
  PathModel reno = path_of("newreno", {.loss = 0.005});
  PathModel westwood = path_of("westwood", {.loss = 0.005});
  for (PathModel* path : {&reno, &westwood}) {
    path->run_for(5s);
    path->run_for(60s);
  }
  EXPECT_GT(westwood.utilisation(), 1.1 * reno.utilisation());
}

// The flight comes down packet by packet: it is sent into at every acknowledgement, and it ends at ssthresh.
TEST(prr, sends_while_the_flight_shrinks) {
  for (const char* name : {"newreno", "cubic", "westwood"}) {
    auto controller = *make_congestion_controller(name, 1'200);
    controller->adopt({.now = Timestamp{1s}, .window = 120'000, .ssthresh = 120'000});
    std::uint64_t in_flight = 120'000 - 1'200;
    const Timestamp now{2s};
    controller->on_loss({.now = now,
                         .lost_bytes = 1'200,
                         .lost_packets = 1,
                         .largest_lost_sent_time = Timestamp{1s},
                         .bytes_in_flight_before = 120'000,
                         .bytes_in_flight_after = in_flight});
    const std::uint64_t ssthresh = controller->snapshot().ssthresh;
    std::uint64_t sent_early = 0;
    for (int i = 0; i < 99; ++i) {
      AckEvent ack{.now = now + (i + 1) * 400us, .acked_bytes = 1'200};
      ack.bytes_in_flight_before = in_flight;
      in_flight -= 1'200;
      ack.bytes_in_flight_after = in_flight;
      controller->on_ack(ack);
      while (in_flight < controller->congestion_window()) {
        in_flight += 1'200;
        sent_early += i < 50 ? 1'200 : 0;
        controller->on_packet_sent(1'200, in_flight, ack.now);
      }
    }
    EXPECT_NEAR(static_cast<double>(in_flight), static_cast<double>(ssthresh), 3 * 1'200) << name;
    EXPECT_GT(sent_early, ssthresh / 4) << name;  // Reno would have been silent so far
  }
}

}  // namespace
}  // namespace hawser::quic
