// Goal: what distinguishes each scheduler from min-rtt, and from the others.
// Method: the two-path model of scheduler_model.h; decisions that need a certain moment by facts by hand.
#include <gtest/gtest.h>

#include <array>

#include "base/random.h"
#include "quic/multipath/arrival.h"
#include "quic/multipath/blest.h"
#include "quic/multipath/facts_by_hand.h"
#include "quic/multipath/path_notes.h"
#include "quic/multipath/scheduler_model.h"
#include "quic/multipath/scheduler_table.h"
#include "quic/multipath/turn.h"

namespace hawser::quic {
namespace {

class EveryScheduler : public testing::TestWithParam<NamedScheduler> {};
INSTANTIATE_TEST_SUITE_P(multipath, EveryScheduler,
                         testing::ValuesIn(scheduler_table().begin(), scheduler_table().end()),
                         [](const auto& scheduler) {
                           std::string name(scheduler.param.name);
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

TEST_P(EveryScheduler, answers_with_a_ready_candidate_or_waits) {
  const auto scheduler = GetParam().make();
  EXPECT_EQ(scheduler->name(), GetParam().name);
  EXPECT_GE(scheduler->memory(), sizeof(void*));
  for (unsigned mask = 0; mask < 8; ++mask) {
    std::vector<PathFacts> paths;
    for (std::uint64_t i = 0; i < 3; ++i) paths.push_back(path(i, 10ms * (i + 1), (mask >> i & 1) != 0));
    for (const std::uint64_t waiting : {1'000, 100'000, 10'000'000}) {
      const Schedule answer = schedule(*scheduler, paths, {.bytes_waiting = waiting, .deadline = kNow + 50ms}, kNow);
      if (!answer.sends()) continue;
      EXPECT_TRUE(paths[answer.path].may_send) << mask;
      EXPECT_FALSE(answer.copies.has(answer.path));
      for (const std::size_t copy : answer.copies) EXPECT_LT(copy, paths.size());  // as soon as it may send
      scheduler->on_sent(paths[answer.path].id, 1'200, kNow);
    }
  }
}

// Whatever it prefers, a scheduler must neither stall a transfer nor leave it unfinished when paths differ.
TEST_P(EveryScheduler, ends_a_transfer_over_unequal_paths) {
  SchedulerModel model(GetParam().make(), {{.rtt = 10ms}, {.bytes_per_second = 250'000, .rtt = 150ms}});
  model.set_receive_window(256'000);
  model.add({.bytes = 3'000'000, .at = model.now()});
  model.run();
  // The better path alone takes 2.4 s.
  EXPECT_LT(model.completion(0), 3s);
}

// Its connection ID was retired and none came for it, say.
TEST_P(EveryScheduler, does_not_wait_for_a_path_that_nothing_will_open) {
  PathFacts fast = path(0, 10ms, false);
  fast.bytes_in_flight = 0;
  const Demand demand{.bytes_waiting = 20'000, .flow_control_room = 25'000};
  const auto scheduler = make(GetParam().name);
  EXPECT_EQ(schedule(*scheduler, std::vector{fast, path(1, 300ms)}, demand, kNow).path, 1u);
}

TEST_P(EveryScheduler, goes_on_when_one_of_two_paths_dies) {
  SchedulerModel model(GetParam().make(), {{.rtt = 10ms, .cut_at = Timestamp{1500ms}}, {.rtt = 30ms}});
  model.add({.bytes = 2'000'000, .at = model.now()});
  model.run();
  EXPECT_LT(model.completion(0), 10s);
}

// ---- weighted

// One or the other, whatever their figures and however little is left; and a path that nothing makes ready is not
// waited for.
TEST(min_rtt, sends_the_end_of_a_flow_wherever_a_path_is_ready) {
  const auto scheduler = make("min-rtt");
  SeededRandom random(5);
  for (int i = 0; i < 2'000; ++i) {
    std::vector<PathFacts> paths = {path(0, 1ms * (1 + random.below(80))), path(1, 1ms * (1 + random.below(80)))};
    for (PathFacts& each : paths) {
      each.min_rtt = each.smoothed_rtt / (1 + random.below(8));
      each.bytes_per_second = 10'000 * (1 + random.below(1'000));
      each.mtu = 1'452;
    }
    const Demand demand{.bytes_waiting = 1 + random.below(5'000), .is_last = true};
    ASSERT_TRUE(schedule(*scheduler, paths, demand, kNow).sends()) << i;
    paths[0].may_send = false;
    paths[0].may_send_at = kNever;
    ASSERT_TRUE(schedule(*scheduler, paths, demand, kNow).sends()) << i;
  }
}

// A sender keeps little in its buffer while little is in flight, and so would never fill the long path.
TEST(ecf, takes_a_backlog_that_does_not_end_for_more_than_waits) {
  const auto scheduler = make("ecf");
  const std::vector<PathFacts> paths = {path(0, 12ms, false), path(1, 230ms)};
  const auto sends_at = [&](Duration after, bool is_last) {
    return schedule(*scheduler, paths, {.bytes_waiting = 100'000, .is_last = is_last}, kNow + after).sends();
  };
  for (Duration after{0}; after <= 230ms; after += 5ms) EXPECT_FALSE(sends_at(after, false)) << to_ms(after);
  EXPECT_TRUE(sends_at(235ms, false));
  EXPECT_FALSE(sends_at(240ms, true)) << "what comes to its end is no more than it is";
  EXPECT_TRUE(sends_at(245ms, false));
  EXPECT_FALSE(sends_at(2s, false)) << "another burst";
}

TEST(min_rtt, leaves_no_end_of_a_flow_to_a_slow_path) {
  const auto scheduler = make("min-rtt");
  const std::vector<PathFacts> paths = {path(0, 10ms, false), path(1, 100ms)};
  // The fast path has 10 KB there in some 14 ms, 100 KB in 86, and the slow one a datagram in 51.
  const auto choose = [&](std::uint64_t waiting, bool is_last) {
    return schedule(*scheduler, paths, {.bytes_waiting = waiting, .is_last = is_last}, kNow);
  };
  EXPECT_FALSE(choose(10'000, true).sends());
  EXPECT_EQ(choose(10'000, true).ask_again, kNever);
  EXPECT_EQ(choose(10'000, false).path, 1u) << "more may follow";
  const Schedule early = choose(100'000, true);
  EXPECT_EQ(early.path, 1u);
  EXPECT_LT(early.budget, 100'000u) << "the question has to come again before the end";
  EXPECT_EQ(schedule(*scheduler, std::vector<PathFacts>{path(0, 10ms), path(1, 100ms)},
                     {.bytes_waiting = 10'000, .is_last = true}, kNow)
                .path,
            0u);
}

// What came behind it waits at the receiver, however much more there is to send.
TEST(min_rtt, leaves_nothing_that_was_lost_to_a_slow_path) {
  const auto scheduler = make("min-rtt");
  std::vector<PathFacts> paths = {path(0, 10ms, false), path(1, 100ms)};
  paths[1].congestion_window = 10 * paths[0].congestion_window / 8;
  const auto choose = [&](std::uint64_t lost) {
    return schedule(*scheduler, paths, {.bytes_waiting = 1'000'000, .bytes_lost = lost}, kNow);
  };
  EXPECT_EQ(choose(0).path, 1u);
  EXPECT_FALSE(choose(10'000).sends());
  EXPECT_EQ(choose(100'000).path, 1u) << "so much takes the fast path longer";
  paths[1].congestion_window += 1;
  EXPECT_EQ(choose(10'000).path, 1u) << "what is new would wait as well, of which this path carries much";
}

TEST(multipath, weights_share_what_the_windows_leave_open) {
  SchedulerModel model(make("weighted"), {{.weight = 3}, {.weight = 1}});
  model.add({.bytes = 2'000'000, .at = model.now(), .bytes_per_second = 400'000});
  model.run();
  EXPECT_NEAR(static_cast<double>(model.sent_on(0)) / static_cast<double>(model.sent_on(1)), 3, 0.1);
}

TEST(multipath, weights_do_not_leave_capacity_unused) {
  SchedulerModel model(make("weighted"), {{.weight = 3}, {.weight = 1}});
  model.add({.bytes = 5'000'000, .at = model.now()});
  model.run();
  EXPECT_LT(model.completion(0), 2100ms);  // 4 s on one of them
}

TEST(multipath, a_path_that_comes_back_does_not_catch_up_by_weight) {
  const auto scheduler = make("weighted");
  std::vector<PathFacts> paths = {path(0, 10ms), path(1, 10ms, false)};
  for (int i = 0; i < 10'000; ++i) scheduler->on_sent(PathId{0}, 1'200, kNow);
  ASSERT_EQ(schedule(*scheduler, paths, {.bytes_waiting = 1'000'000}, kNow).path, 0u);
  paths[1] = path(1, 10ms);
  int run = 0;
  while (schedule(*scheduler, paths, {.bytes_waiting = 1'000'000}, kNow).path == 1 && run < 10'000) {
    scheduler->on_sent(PathId{1}, 1'200, kNow);
    ++run;
  }
  EXPECT_LE(run, 2 * static_cast<int>(whole_train(paths[1]) / 1'200) + 1);
  EXPECT_GT(run, 0);
}

// Octets that a scheduler puts on each of two ready paths, turn by turn as the connection asks.
std::array<std::uint64_t, 2> shares(PathScheduler& scheduler, std::span<const PathFacts> paths, std::uint64_t octets) {
  std::array<std::uint64_t, 2> sent{};
  while (sent[0] + sent[1] < octets) {
    const Schedule answer = schedule(scheduler, paths, {.bytes_waiting = 1'000'000}, kNow);
    for (std::uint64_t turn = 0; turn < answer.budget; turn += paths[answer.path].mtu) {
      scheduler.on_sent(paths[answer.path].id, paths[answer.path].mtu, kNow);
      sent[answer.path] += paths[answer.path].mtu;
    }
  }
  return sent;
}

TEST(multipath, weights_hold_however_far_apart_they_are) {
  for (const std::uint32_t weight : {1u, 3u, 7u, 50u, 400u}) {
    const auto scheduler = make("weighted");
    std::vector<PathFacts> paths = {path(0, 10ms), path(1, 30ms)};
    paths[0].weight = weight;
    const auto sent = shares(*scheduler, paths, 100 * (weight + 1) * whole_train(paths[0]));
    EXPECT_NEAR(static_cast<double>(sent[0]) / static_cast<double>(sent[1]), weight, 0.02 * weight) << weight;
  }
}

// ---- turns

TEST(multipath, a_turn_is_a_whole_train) {
  for (const std::uint32_t mtu : {1'200u, 1'452u, 9'000u, 65'000u}) {
    for (const char* const name : {"round-robin", "weighted"}) {
      std::vector<PathFacts> paths = {path(0, 10ms), path(1, 10ms)};
      for (PathFacts& each : paths) each.mtu = mtu;
      const Schedule answer = schedule(*make(name), paths, {.bytes_waiting = 10'000'000}, kNow);
      EXPECT_EQ(answer.budget % mtu, 0u) << "a stump of a train is left over";
      EXPECT_LE(answer.budget, kTrainOctetsMax);
      EXPECT_GT(answer.budget + mtu, std::min<std::uint64_t>(kTrainOctetsMax, kTrainDatagramsMax * mtu));
    }
  }
}

TEST(multipath, a_flow_that_sends_little_goes_around_the_paths_all_the_same) {
  const auto scheduler = make("round-robin");
  const std::vector<PathFacts> paths = {path(0, 10ms), path(1, 10ms)};
  std::size_t before = Schedule::kNone;
  for (int i = 0; i < 10; ++i) {
    const Schedule answer = schedule(*scheduler, paths, {.bytes_waiting = 300}, kNow);
    EXPECT_NE(answer.path, before);
    EXPECT_LE(answer.budget, 400u) << "the next one keeps the path";
    scheduler->on_sent(paths[answer.path].id, 340, kNow);
    before = answer.path;
  }
}

// ---- BLEST

TEST(multipath, blest_keeps_a_slow_path_from_blocking_a_small_receive_window) {
  const std::vector<ModelPath> links = {{.rtt = 10ms, .window = 20'000}, {.bytes_per_second = 125'000, .rtt = 200ms}};
  SchedulerModel blest(make("blest"), links);
  SchedulerModel plain(make("min-rtt"), links);
  for (SchedulerModel* model : {&blest, &plain}) {
    model->set_receive_window(48'000);
    model->add({.bytes = 2'000'000, .at = model->now()});
    model->run();
  }
  EXPECT_GT(plain.times_blocked(), 100u);
  EXPECT_LT(blest.times_blocked(), plain.times_blocked() / 10);
  EXPECT_LT(blest.completion(0), plain.completion(0) / 2);
}

TEST(multipath, blest_uses_the_slow_path_when_the_window_allows) {
  const std::vector<ModelPath> links = {{.rtt = 10ms, .window = 20'000}, {.rtt = 60ms, .window = 100'000}};
  SchedulerModel blest(make("blest"), links);
  blest.set_receive_window(4'000'000);
  blest.add({.bytes = 5'000'000, .at = blest.now()});
  blest.run();
  EXPECT_GT(blest.sent_on(1), 1'500'000u);
}

// Flow control gives back what arrives in order: what is under way on the slow path is what would be in the way.
TEST(multipath, blest_counts_no_credit_that_the_slow_path_holds) {
  BlestScheduler scheduler;
  std::vector<PathFacts> paths = {path(0, 10ms, false), path(1, 50ms)};
  paths[1].congestion_window = 200'000;
  paths[1].bytes_in_flight = 100'000;
  const auto sends = [&](std::uint64_t room) {
    return schedule(scheduler, paths, {.bytes_waiting = 1'000'000, .flow_control_room = room}, kNow).sends();
  };
  // In 50 ms the fast path sends some 160,000 octets, and 30,000 of its own come back.
  EXPECT_FALSE(sends(100'000));
  EXPECT_TRUE(sends(200'000));
}

TEST(multipath, blest_trusts_its_estimate_less_after_it_was_blocked) {
  BlestScheduler scheduler;
  const std::vector<PathFacts> paths = {path(0, 10ms, false), path(1, 50ms)};
  const Demand demand{.bytes_waiting = 1'000'000, .flow_control_room = 1'000'000};
  Timestamp now = kNow;
  for (int i = 0; i < 10; ++i, now += 50ms) {
    scheduler.on_flow_control_blocked(now);
    (void)schedule(scheduler, paths, demand, now);
  }
  EXPECT_NEAR(scheduler.scale(), 1.09, 1e-9);
  for (int i = 0; i < 100; ++i, now += 50ms) (void)schedule(scheduler, paths, demand, now);
  EXPECT_EQ(scheduler.scale(), BlestScheduler::kScaleMin);
}

// ---- ECF

TEST(multipath, ecf_ends_short_flows_on_the_fast_path) {
  const std::vector<ModelPath> links = {{.rtt = 10ms, .window = 12'000}, {.rtt = 200ms}};
  SchedulerModel ecf(make("ecf"), links);
  SchedulerModel plain(make("min-rtt"), links);
  for (SchedulerModel* model : {&ecf, &plain}) {
    model->add({.bytes = 48'000, .at = model->now()});
    model->run();
  }
  EXPECT_GT(plain.completion(0), 100ms);
  EXPECT_LT(ecf.completion(0), 60ms);
  EXPECT_EQ(ecf.sent_on(1), 0u);
}

TEST(multipath, ecf_fills_both_paths_with_a_long_flow) {
  const std::vector<ModelPath> links = {{.rtt = 10ms}, {.rtt = 60ms, .window = 90'000}};
  SchedulerModel ecf(make("ecf"), links);
  ecf.add({.bytes = 10'000'000, .at = ecf.now()});
  ecf.run();
  EXPECT_LT(ecf.completion(0), 4300ms);
}

TEST(multipath, ecf_goes_on_waiting_when_it_began_to) {
  const auto scheduler = make("ecf");
  std::vector<PathFacts> paths = {path(0, 30ms, false), path(1, 65ms)};
  EXPECT_FALSE(schedule(*scheduler, paths, {.bytes_waiting = 30'000}, kNow).sends());
  // The fast path is done in (1 + 36/30) * 29.5 = 64.9 ms now: a little worse than the slow one.
  paths[0].smoothed_rtt = 29500us;
  paths[1].smoothed_rtt = 59ms;
  EXPECT_TRUE(schedule(*make("ecf"), paths, {.bytes_waiting = 36'000}, kNow).sends());
  EXPECT_FALSE(schedule(*scheduler, paths, {.bytes_waiting = 36'000}, kNow).sends());
  EXPECT_TRUE(schedule(*scheduler, paths, {.bytes_waiting = 60'000}, kNow).sends());
}

// ---- latency-aware

std::vector<Duration> requests_beside_bulk(std::string_view name) {
  SchedulerModel model(make(name), {{.rtt = 20ms, .window = 100'000}, {.rtt = 60ms, .window = 300'000}});
  model.add({.bytes = 6'000'000, .at = model.now()});
  for (int i = 0; i < 50; ++i) model.add({.bytes = 1'000, .at = model.now() + 200ms + i * 20ms, .interactive = true});
  model.run();
  std::vector<Duration> delays;
  for (std::size_t i = 1; i <= 50; ++i) delays.push_back(model.completion(i));
  std::sort(delays.begin(), delays.end());
  delays.push_back(model.completion(0));
  return delays;
}

TEST(multipath, interactive_flows_stay_quick_beside_bulk_with_the_latency_scheduler) {
  const std::vector<Duration> latency = requests_beside_bulk("latency");
  const std::vector<Duration> plain = requests_beside_bulk("min-rtt");
  // One way takes 10 ms on the fast path; with an answer that is twice the idle RTT.
  EXPECT_LT(latency[45], 30ms);
  EXPECT_GT(plain[45], 60ms);
  // Bulk gives something for it, but no more than a tenth.
  EXPECT_LT(latency.back(), plain.back() * 11 / 10);
}

TEST(multipath, small_flows_take_the_path_where_they_arrive_first_even_if_it_is_full_now) {
  const auto scheduler = make("latency");
  std::vector<PathFacts> paths = {path(0, 10ms, false), path(1, 100ms)};
  EXPECT_FALSE(schedule(*scheduler, paths, {.bytes_waiting = 1'000}, kNow).sends());
  EXPECT_EQ(schedule(*scheduler, paths, {.bytes_waiting = 1'000'000}, kNow).path, 1u);
  // A window that nobody opens any more is not waited for.
  paths[0].acknowledged_at = kNow - 500ms;
  paths[0].smoothed_rtt = 40ms;
  EXPECT_EQ(schedule(*scheduler, paths, {.bytes_waiting = 1'000}, kNow).path, 1u);
}

TEST(multipath, bulk_takes_the_fast_path_again_when_interactive_traffic_is_over) {
  const auto scheduler = make("latency");
  std::vector<PathFacts> paths = {path(0, 30ms), path(1, 100ms)};
  paths[0].min_rtt = 10ms;
  paths[0].bytes_in_flight = 12'000;
  const Demand bulk{.bytes_waiting = 1'000'000};
  EXPECT_EQ(schedule(*scheduler, paths, bulk, kNow).path, 0u);
  (void)schedule(*scheduler, paths, {.interactive = true, .bytes_waiting = 100}, kNow);
  EXPECT_EQ(schedule(*scheduler, paths, bulk, kNow + 1ms).path, 1u);
  EXPECT_EQ(schedule(*scheduler, paths, bulk, kNow + 1s).path, 0u);
}

// ---- redundant

TEST(multipath, redundant_puts_a_light_flow_on_every_path_and_loses_no_time_when_one_dies) {
  const std::vector<ModelPath> links = {{.rtt = 20ms, .cut_at = Timestamp{1500ms}}, {.rtt = 30ms}};
  SchedulerModel redundant(make("redundant"), links);
  SchedulerModel plain(make("min-rtt"), links);
  for (SchedulerModel* model : {&redundant, &plain}) {
    model->add({.bytes = 500'000, .at = model->now(), .bytes_per_second = 500'000});
    model->run();
  }
  EXPECT_GT(plain.longest_gap(0), 50ms);
  EXPECT_LT(redundant.longest_gap(0), 20ms);
  EXPECT_EQ(redundant.sent_on(1), 500'000u);
}

TEST(multipath, redundant_goes_as_fast_as_the_best_path_when_the_other_cannot_follow) {
  SchedulerModel model(make("redundant"), {{.bytes_per_second = 125'000, .rtt = 10ms}, {.rtt = 30ms}});
  model.add({.bytes = 2'500'000, .at = model.now()});
  model.run();
  EXPECT_LT(model.completion(0), 2200ms);
  EXPECT_GT(model.sent_on(0), 200'000u);  // of 250,000 that it carries in that time
}

TEST(multipath, redundant_waits_for_an_equal_that_is_behind_but_for_no_slower_and_no_quiet_one) {
  const auto scheduler = make("redundant");
  std::vector<PathFacts> paths = {path(0, 40ms), path(1, 40ms, false)};
  paths[0].bytes_per_second = paths[1].bytes_per_second = 2'000'000;
  paths[1].acknowledged_at = kNow - 3ms;
  paths[1].copies_waiting = 5'000;
  EXPECT_EQ(schedule(*scheduler, paths, {.bytes_waiting = 30'000}, kNow).path, 0u);
  // An eighth of a round trip at its rate is 10,000 octets.
  paths[1].copies_waiting = 12'000;
  const Schedule waits = schedule(*scheduler, paths, {.bytes_waiting = 30'000}, kNow);
  EXPECT_FALSE(waits.sends());
  EXPECT_EQ(waits.ask_again, kNow + 7ms);
  paths[1].acknowledged_at = kNow - 10ms;
  EXPECT_EQ(schedule(*scheduler, paths, {.bytes_waiting = 30'000}, kNow).path, 0u);
  paths[1].acknowledged_at = kNow;
  paths[1].bytes_per_second = 1'600'000;
  EXPECT_EQ(schedule(*scheduler, paths, {.bytes_waiting = 30'000}, kNow).path, 0u);
}

TEST(multipath, redundant_lets_begin_who_delivers_most_and_is_not_silent) {
  std::vector<PathFacts> paths = {path(0, 20ms), path(1, 20ms)};
  paths[0].bytes_per_second *= 2;
  paths[0].bytes_in_flight = 10'000;
  paths[0].acknowledged_at = kNow - 10ms;
  const auto scheduler = make("redundant");
  const Schedule answer = schedule(*scheduler, paths, {.bytes_waiting = 1'000'000}, kNow);
  EXPECT_EQ(answer.path, 0u);
  EXPECT_EQ(answer.copies, PathSet{0b10});
  paths[0].acknowledged_at = kNow - 100ms;
  EXPECT_EQ(schedule(*scheduler, paths, {.bytes_waiting = 1'000'000}, kNow).path, 1u);
  paths[1].may_send = false;
  EXPECT_EQ(schedule(*scheduler, paths, {.bytes_waiting = 1'000'000}, kNow).path, 0u);
}

// ---- deadline-aware

TEST(multipath, a_loose_deadline_leaves_the_costly_path_alone_and_a_tight_one_does_not) {
  for (const bool tight : {false, true}) {
    SchedulerModel model(make("deadline"), {{.rtt = 20ms}, {.rtt = 20ms, .cost = 1}});
    // One path of 10 Mbit/s needs 0.8 s for it.
    model.add({.bytes = 1'000'000, .at = model.now(), .deadline = model.now() + (tight ? 500ms : 1s)});
    model.run();
    EXPECT_LT(model.completion(0), tight ? 500ms : 1s);
    EXPECT_EQ(model.sent_on(1) > 0, tight);
  }
}

TEST(multipath, min_rtt_misses_the_deadline_that_the_costly_path_would_save) {
  SchedulerModel model(make("min-rtt"), {{.rtt = 20ms}, {.rtt = 20ms, .cost = 1}});
  model.add({.bytes = 1'000'000, .at = model.now(), .deadline = model.now() + 500ms});
  model.run();
  EXPECT_GT(model.completion(0), 500ms);
  EXPECT_EQ(model.sent_on(1), 0u);
}

TEST(multipath, patient_data_leaves_the_fast_path_to_what_is_in_a_hurry) {
  const auto scheduler = make("deadline");
  const std::vector<PathFacts> paths = {path(0, 10ms), path(1, 100ms)};
  EXPECT_EQ(schedule(*scheduler, paths, {.bytes_waiting = 1'000, .deadline = kNow + 200ms}, kNow).path, 1u);
  EXPECT_EQ(schedule(*scheduler, paths, {.bytes_waiting = 1'000, .deadline = kNow + 30ms}, kNow).path, 0u);
  EXPECT_EQ(schedule(*scheduler, paths, {.bytes_waiting = 1'000}, kNow).path, 0u);
}

TEST(multipath, a_path_in_time_is_worth_waiting_for_and_a_lost_cause_is_not) {
  const auto scheduler = make("deadline");
  const std::vector<PathFacts> paths = {path(0, 10ms, false), path(1, 100ms)};
  EXPECT_FALSE(schedule(*scheduler, paths, {.bytes_waiting = 1'000, .deadline = kNow + 30ms}, kNow).sends());
  EXPECT_EQ(schedule(*scheduler, paths, {.bytes_waiting = 1'000, .deadline = kNow + 2ms}, kNow).path, 1u);
  EXPECT_EQ(schedule(*scheduler, paths, {.bytes_waiting = 1'000, .deadline = kNow - 2ms}, kNow).path, 1u);
}

// ---- what they share

TEST(multipath, notes_are_kept_by_path_id_and_the_least_used_makes_room) {
  PathNotes<int> notes;
  for (std::uint64_t i = 0; i < kMaxScheduledPaths; ++i) notes[PathId{i}] = static_cast<int>(i) + 1;
  EXPECT_EQ(notes[PathId{0}], 1);
  notes[PathId{100}] = 7;
  EXPECT_EQ(notes[PathId{0}], 1);
  EXPECT_EQ(notes[PathId{100}], 7);
  notes.forget(PathId{100});
  EXPECT_EQ(notes[PathId{100}], 0);
}

TEST(multipath, arrival_counts_waiting_sending_and_half_the_round_trip) {
  PathFacts facts = path(0, 40ms);
  EXPECT_EQ(expected_arrival(facts, 12'500, kNow), 30ms);
  facts.may_send = false;
  facts.may_send_at = kNow + 5ms;
  EXPECT_EQ(expected_arrival(facts, 12'500, kNow), 35ms);
  facts.may_send_at = kNever;
  facts.bytes_in_flight = 12'000;
  EXPECT_EQ(expected_wait(facts, kNow), 4ms);
  facts.bytes_per_second = 0;
  EXPECT_EQ(delivery_rate(facts), 750'000);
  facts.smoothed_rtt = 60ms;  // 20 ms of it in a queue
  EXPECT_EQ(one_way_delay(facts), 40ms);
}

TEST(multipath, a_path_is_silent_when_an_answer_is_later_than_a_probe_would_wait) {
  PathFacts facts = path(0, 40ms);
  facts.rtt_variation = 5ms;
  facts.bytes_in_flight = 1'000;
  EXPECT_FALSE(is_silent(facts, kNow)) << "nothing was ever acknowledged";
  // A round trip, four variations of it, and what the peer may hold an acknowledgement back.
  facts.acknowledged_at = kNow - (40ms + 4 * 5ms + 25ms);
  EXPECT_FALSE(is_silent(facts, kNow));
  facts.acknowledged_at -= 1ns;
  EXPECT_TRUE(is_silent(facts, kNow));
  facts.bytes_in_flight = 0;
  EXPECT_FALSE(is_silent(facts, kNow)) << "no answer is due";
}

}  // namespace
}  // namespace hawser::quic
