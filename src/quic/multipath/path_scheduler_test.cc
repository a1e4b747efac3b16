// Goal: which paths are chosen among, names, and the two simple schedulers.
// Method: facts by hand, and the two-path model of scheduler_model.h.
#include "quic/multipath/path_scheduler.h"

#include <gtest/gtest.h>

#include "quic/multipath/facts_by_hand.h"
#include "quic/multipath/flow_schedulers.h"
#include "quic/multipath/scheduler_model.h"

namespace hawser::quic {
namespace {

const Demand kBulk{.bytes_waiting = 1'000'000};

TEST(multipath, path_sets_are_walked_in_order) {
  PathSet set;
  set.add(31);
  set.add(0);
  set.add(7);
  std::vector<std::size_t> seen;
  for (const std::size_t index : set) seen.push_back(index);
  EXPECT_EQ(seen, (std::vector<std::size_t>{0, 7, 31}));
  set.remove(0);
  EXPECT_EQ(set.first(), 7u);
  EXPECT_EQ(set.size(), 2u);
}

TEST(multipath, schedulers_of_flows_hear_of_flow_control_and_go_with_their_streams) {
  struct Counting final : PathScheduler {
    explicit Counting(int* blocked) : blocked_(blocked) {}
    Schedule choose(const SchedulerView& view) override { return Schedule::on(view.candidates.first(), 1); }
    void on_flow_control_blocked(Timestamp) override { ++*blocked_; }
    std::string_view name() const override { return "counting"; }
    std::size_t memory() const override { return sizeof(*this); }
    int* blocked_;
  };
  int blocked = 0;
  FlowSchedulers flows;
  for (const std::uint64_t stream : {0u, 4u, 8u})
    flows.set(DemandKind::kStream, stream, std::make_unique<Counting>(&blocked));
  flows.set(DemandKind::kDatagram, 0, std::make_unique<Counting>(&blocked));
  flows.on_flow_control_blocked(kNow);
  EXPECT_EQ(blocked, 4);
  flows.keep_streams([](std::uint64_t stream) { return stream == 4; });
  EXPECT_EQ(flows.find(DemandKind::kStream, 0), nullptr);
  EXPECT_NE(flows.find(DemandKind::kStream, 4), nullptr);
  EXPECT_NE(flows.find(DemandKind::kDatagram, 0), nullptr) << "flows of datagrams do not end";
  flows.on_flow_control_blocked(kNow);
  EXPECT_EQ(blocked, 6);
}

TEST(multipath, probing_and_failed_paths_carry_no_data) {
  std::vector<PathFacts> paths = {path(0, 10ms), path(1, 20ms), path(2, 30ms)};
  paths[0].state = PathState::kProbing;
  paths[1].state = PathState::kFailed;
  for (const char* name : {"min-rtt", "round-robin"})
    EXPECT_EQ(schedule(*make(name), paths, kBulk, kNow).path, 2u) << name;
  paths[2].state = PathState::kFailed;
  const Schedule none = schedule(*make("min-rtt"), paths, kBulk, kNow);
  EXPECT_FALSE(none.sends());
  EXPECT_EQ(none.ask_again, kNever);
}

TEST(multipath, backup_and_standby_paths_wait_until_no_other_is_active) {
  std::vector<PathFacts> paths = {path(0, 50ms), path(1, 10ms), path(2, 20ms)};
  paths[1].status = PathStatus::kBackup;
  paths[2].state = PathState::kStandby;
  EXPECT_EQ(schedule(*make("min-rtt"), paths, kBulk, kNow).path, 0u);
  paths[0].may_send = false;
  paths[0].may_send_at = kNow + 3ms;
  const Schedule held = schedule(*make("min-rtt"), paths, kBulk, kNow);
  EXPECT_FALSE(held.sends());
  EXPECT_EQ(held.ask_again, kNow + 3ms);
  paths[0].state = PathState::kDegraded;
  EXPECT_EQ(schedule(*make("min-rtt"), paths, kBulk, kNow).path, 1u);
}

TEST(multipath, a_path_that_costs_more_is_last_of_its_class) {
  std::vector<PathFacts> paths = {path(0, 10ms), path(1, 80ms)};
  paths[0].cost = 1;
  EXPECT_EQ(schedule(*make("min-rtt"), paths, kBulk, kNow).path, 1u);
  paths[1].state = PathState::kFailed;
  EXPECT_EQ(schedule(*make("min-rtt"), paths, kBulk, kNow).path, 0u);
}

TEST(multipath, one_usable_path_is_taken_without_a_question) {
  std::vector<PathFacts> paths = {path(4, 10ms)};
  const Schedule answer = schedule(*make("round-robin"), paths, kBulk, kNow);
  EXPECT_EQ(answer.path, 0u);
  EXPECT_EQ(answer.budget, 30'000u);
  paths[0].may_send = false;
  paths[0].may_send_at = kNow + 1ms;
  EXPECT_EQ(schedule(*make("round-robin"), paths, kBulk, kNow).ask_again, kNow + 1ms);
}

TEST(multipath, min_rtt_fills_the_fast_window_before_it_takes_the_slow_path) {
  std::vector<PathFacts> paths = {path(0, 40ms), path(1, 15ms)};
  const auto scheduler = make("min-rtt");
  EXPECT_EQ(schedule(*scheduler, paths, kBulk, kNow).path, 1u);
  EXPECT_EQ(schedule(*scheduler, paths, kBulk, kNow).budget, 30'000u);
  paths[1].may_send = false;
  EXPECT_EQ(schedule(*scheduler, paths, kBulk, kNow).path, 0u);
}

TEST(multipath, round_robin_takes_turns_by_path_id_whatever_the_array_looks_like) {
  std::vector<PathFacts> paths = {path(7, 10ms), path(2, 90ms), path(5, 30ms)};
  const auto scheduler = make("round-robin");
  std::vector<std::uint64_t> order;
  for (int i = 0; i < 6; ++i) {
    const Schedule answer = schedule(*scheduler, paths, kBulk, kNow);
    ASSERT_TRUE(answer.sends());
    order.push_back(paths[answer.path].id.value);
    scheduler->on_sent(paths[answer.path].id, answer.budget, kNow);
    std::rotate(paths.begin(), paths.begin() + 1, paths.end());
  }
  EXPECT_EQ(order, (std::vector<std::uint64_t>{2, 5, 7, 2, 5, 7}));
}

TEST(multipath, round_robin_passes_over_a_full_window) {
  std::vector<PathFacts> paths = {path(0, 10ms), path(1, 10ms), path(2, 10ms)};
  const auto scheduler = make("round-robin");
  scheduler->on_sent(PathId{0}, 1'200, kNow);
  paths[1].may_send = false;
  EXPECT_EQ(paths[schedule(*scheduler, paths, kBulk, kNow).path].id, PathId{2});
}

// What a small flow costs when half of it takes the slow path.
TEST(multipath, a_short_flow_ends_sooner_by_min_rtt_than_by_round_robin) {
  const std::vector<ModelPath> links = {{.rtt = 10ms}, {.rtt = 100ms}};
  SchedulerModel by_rtt(make("min-rtt"), links);
  SchedulerModel by_turns(make("round-robin"), links);
  for (SchedulerModel* model : {&by_rtt, &by_turns}) {
    model->add({.bytes = 24'000, .at = model->now()});
    model->run();
  }
  EXPECT_EQ(by_rtt.sent_on(1), 0u);
  EXPECT_LT(by_rtt.completion(0), 30ms);
  EXPECT_GT(by_turns.completion(0), 50ms);
}

TEST(multipath, a_long_flow_fills_two_equal_paths) {
  for (const char* name : {"min-rtt", "round-robin"}) {
    SchedulerModel model(make(name), {{}, {}});
    model.add({.bytes = 10'000'000, .at = model.now()});
    model.run();
    // Alone it takes 8 s on one path of 10 Mbit/s.
    EXPECT_LT(model.completion(0), 4100ms) << name;
    EXPECT_NEAR(static_cast<double>(model.sent_on(0)), 5e6, 2e5) << name;
  }
}

class OwnScheduler final : public PathScheduler {
 public:
  Schedule choose(const SchedulerView& view) override {
    return view.ready().empty() ? Schedule::wait(kNever) : Schedule::on(view.ready().first(), 1);
  }
  std::string_view name() const override { return "own"; }
  std::size_t memory() const override { return sizeof(*this); }
};

TEST(multipath, schedulers_are_made_by_name_and_an_unknown_name_lists_them) {
  for (const char* name : {"min-rtt", "round-robin"}) EXPECT_EQ(make(name)->name(), name);
  const auto unknown = make_path_scheduler("fastest");
  ASSERT_FALSE(unknown.has_value());
  EXPECT_NE(unknown.error().message.find("min-rtt, redundant, round-robin"), std::string::npos);
}

TEST(multipath, an_application_adds_a_scheduler_of_its_own_once) {
  const PathSchedulerFactory factory = [](const void*) -> std::unique_ptr<PathScheduler> {
    return std::make_unique<OwnScheduler>();
  };
  EXPECT_TRUE(add_path_scheduler("own", factory, nullptr).has_value());
  EXPECT_EQ(make("own")->name(), "own");
  EXPECT_NE(path_scheduler_names().find("own"), std::string::npos);
  EXPECT_FALSE(add_path_scheduler("own", factory, nullptr).has_value());
  EXPECT_FALSE(add_path_scheduler("min-rtt", factory, nullptr).has_value());
  EXPECT_FALSE(add_path_scheduler("", factory, nullptr).has_value());
  EXPECT_FALSE(add_path_scheduler(std::string(32, 'x'), factory, nullptr).has_value());
}

}  // namespace
}  // namespace hawser::quic
