// path_schedulers_test.cc: goal: schedulers change while the connection runs, for all of it or for one stream, and a
// script that fails harms nothing. Method: a bulk stream over two links alike; what each path carried is counted.
#include <gtest/gtest.h>

#include <algorithm>

#include "events/event_sink.h"
#include "quic/multipath/flow_schedulers.h"
#include "quic/multipath/lua_scheduler.h"
#include "sim/bonded.h"

namespace hawser::sim {
namespace {

using quic::PathState;

// Puts everything on the path with the largest Path ID, ready or not.
class NewestPath final : public quic::PathScheduler {
 public:
  quic::Schedule choose(const quic::SchedulerView& view) override {
    std::size_t newest = view.candidates.first();
    for (const std::size_t index : view.candidates)
      if (view.path(index).id > view.path(newest).id) newest = index;
    const quic::PathFacts& path = view.path(newest);
    return path.may_send ? quic::Schedule::on(newest, path.mtu) : quic::Schedule::wait(path.may_send_at);
  }
  std::string_view name() const override { return "newest"; }
  std::size_t memory() const override { return sizeof(*this); }
};

// Known from the first call on.
void add_newest() {
  (void)quic::add_path_scheduler(
      "newest", [](const void*) -> std::unique_ptr<quic::PathScheduler> { return std::make_unique<NewestPath>(); },
      nullptr);
}

// Of the client.
class Notes final : public EventSink {
 public:
  Notes() : EventSink(event_bit(EventGroup::kConnection)) {}
  void on_event(const EventContext& context, const PathSchedulerUpdated& event) override {
    if (context.vantage != Vantage::kClient) return;
    changes.push_back(std::string(event.flow_kind) + std::string(event.old_scheduler) + " > " +
                      std::string(event.new_scheduler));
    reason = event.reason;
  }
  std::vector<std::string> changes;
  std::string reason;
};

constexpr quic::StreamId kBulk{2};  // the client's first in one direction

BondPlan upload(std::uint64_t octets) {
  const LinkSpec pipe = link({rate(mbit(50), 125'000), delay(10ms)});
  return {.links = {pipe, pipe}, .octets = octets, .download = false};
}

std::uint64_t sent(const BondedRun& run, std::size_t path) {
  return run.client->paths().at(path).bytes_sent;
}

bool has_two_paths(BondedRun& run) {
  return run.until([&] { return run.client_end.watch.count(PathState::kActive) == 1; });
}

TEST(path_schedulers, a_stream_may_have_one_of_its_own_while_it_runs) {
  add_newest();
  BondedRun run(upload(8'000'000));
  ASSERT_TRUE(has_two_paths(run));
  EXPECT_FALSE(run.client->set_stream_scheduler(kBulk, "fastest").has_value()) << "no such scheduler";
  EXPECT_FALSE(run.client->set_stream_scheduler(quic::StreamId{6}, "newest").has_value()) << "no such stream";
  ASSERT_TRUE(run.client->set_stream_scheduler(kBulk, "newest").has_value());
  const std::uint64_t before = sent(run, 0);
  ASSERT_TRUE(run.until([&] { return run.reader().octets > 4'000'000; }));
  EXPECT_LT(sent(run, 0) - before, 100'000u) << "acknowledgements and what was on its way";
  EXPECT_EQ(run.client->path_scheduler(), "min-rtt") << "the connection's is as it was";
  ASSERT_TRUE(run.client->set_stream_scheduler(kBulk, "").has_value());
  ASSERT_TRUE(run.finish()) << run.failure();
  EXPECT_EQ(run.failure(), "");
  EXPECT_GT(sent(run, 0) - before, 1'000'000u) << "both paths again";
}

// Sends 10 datagrams each tick, in one flow.
class Talk final : public BondedRun {
 public:
  explicit Talk(BondPlan plan) : BondedRun(std::move(plan)) {}
  static constexpr quic::DatagramFlowId kFlow = 5;

 private:
  void on_tick(Timestamp) override {
    if (client->paths().size() < 2) return;
    const std::vector<std::uint8_t> payload(1'000);
    for (int i = 0; i < 10; ++i) (void)client->send_datagram(payload, {.flow = kFlow});
  }
};

TEST(path_schedulers, a_flow_of_datagrams_may_have_one_of_its_own) {
  add_newest();
  BondPlan plan = upload(0);
  plan.datagrams = true;
  Talk run(plan);
  ASSERT_TRUE(has_two_paths(run));
  ASSERT_TRUE(run.client->set_datagram_flow(Talk::kFlow, {}).has_value());
  ASSERT_TRUE(run.client->set_datagram_scheduler(Talk::kFlow, "newest").has_value());
  const std::uint64_t before = sent(run, 1);
  run.pass(500ms);
  EXPECT_LT(sent(run, 0), 30'000u) << "the handshake and acknowledgements";
  EXPECT_GT(sent(run, 1) - before, 900'000u) << "2,000 datagrams a second";
  ASSERT_TRUE(run.client->set_datagram_scheduler(Talk::kFlow, "round-robin").has_value());
  run.pass(500ms);
  EXPECT_GT(sent(run, 0), 300'000u) << "turns";
  EXPECT_EQ(run.failure(), "");
}

// A flow of few datagrams, once the bulk is over.
class LateTalk final : public BondedRun {
 public:
  using BondedRun::BondedRun;

 private:
  void on_tick(Timestamp) override {
    if (server_end.ended_at && client->send_datagram(std::vector<std::uint8_t>(100))) ++sent;
  }

 public:
  std::size_t sent = 0;
};

// The short path ends the bulk with a third of a second in its queue, and is the short one still.

// A connection chooses before it knows whether there will be paths; a flow that is closed takes its scheduler along.
TEST(path_schedulers, one_that_is_chosen_at_once_is_there_from_the_first_packet) {
  BondPlan plan = upload(100'000);
  plan.datagrams = true;
  BondedRun run(plan);
  ASSERT_TRUE(run.until([&] { return run.client != nullptr; }));
  ASSERT_FALSE(run.client->handshake_complete());
  EXPECT_FALSE(run.client->set_path_scheduler("fastest").has_value()) << "no such scheduler";
  ASSERT_TRUE(run.client->set_path_scheduler("weighted").has_value());
  EXPECT_EQ(run.client->path_scheduler(), "weighted");
  EXPECT_FALSE(run.client->set_datagram_scheduler(0, "latency").has_value()) << "there is nothing to set it for";
  ASSERT_TRUE(has_two_paths(run));
  EXPECT_EQ(run.client->path_scheduler(), "weighted");
  for (std::uint64_t flow = 1; flow <= 2 * quic::FlowSchedulers::kMax; ++flow) {
    ASSERT_TRUE(run.client->set_datagram_flow(flow, {}).has_value());
    ASSERT_TRUE(run.client->set_datagram_scheduler(flow, "latency").has_value()) << flow;
    run.client->close_datagram_flow(flow);
  }
  ASSERT_TRUE(run.finish()) << run.failure();
}

// A burst of a stream every half second, and 50 ms later, when the fast path has long been empty again, one datagram.
class BurstsAndMessages final : public BondedRun {
 public:
  explicit BurstsAndMessages(const std::string& scheduler)
      : BondedRun(
            {.links = {link({rate(mbit(20), 200'000), delay(5ms)}), link({rate(mbit(100), 2'000'000), delay(50ms)})},
             .octets = 0,
             .scheduler = scheduler,
             .datagrams = true}) {}
  std::vector<Duration> delays;

 private:
  void on_tick(Timestamp now) override {
    if (now < kWorldStart + 500ms) return;
    if (!stream_) {
      stream_ = server->open_stream(false).value();
      EXPECT_TRUE(server->set_datagram_flow(0, {.urgency = 0}).has_value());
      burst_at_ = now;
    }
    if (now >= burst_at_) {
      EXPECT_TRUE(server->write(*stream_, std::vector<std::uint8_t>(60'000, 5), false).has_value());
      message_at_ = now + 50ms;
      burst_at_ = now + 500ms;
    }
    if (now >= message_at_) {
      EXPECT_TRUE(server->send_datagram(std::vector<std::uint8_t>(100, 6), {}).has_value());
      message_at_ = kNever;
      sent_at_ = now;
    }
    for (; seen_ < client_end.datagrams.size(); ++seen_) delays.push_back(now - sent_at_);
  }
  std::optional<quic::StreamId> stream_;
  Timestamp burst_at_ = kNever, message_at_ = kNever, sent_at_{};
  std::size_t seen_ = 0;
};

TEST(path_schedulers, what_was_allowed_on_the_slow_path_is_not_for_what_comes_later) {
  for (const char* scheduler : {"min-rtt", "blest", "ecf", "deadline", "latency"}) {
    BurstsAndMessages run(scheduler);
    run.pass(10s);
    EXPECT_GE(run.delays.size(), 18u) << scheduler;
    EXPECT_LE(std::ranges::max(run.delays), 40ms) << scheduler;
  }
}

TEST(path_schedulers, a_path_that_was_slow_while_it_was_full_is_fast_once_it_is_empty) {
  LateTalk run({.links = {link({rate(mbit(5), 200'000), delay(5ms)}), link({rate(mbit(50), 100'000), delay(25ms)})},
                .octets = 10'000'000,
                .download = false,
                .datagrams = true});
  ASSERT_TRUE(run.until([&] { return run.server_end.ended_at.has_value(); }));
  ASSERT_GT(run.client->paths().at(0).smoothed_rtt, 100ms);
  run.pass(2s);
  const std::uint64_t first = sent(run, 0);
  const std::uint64_t second = sent(run, 1);
  run.pass(2s);
  EXPECT_GT(run.sent, 300u);
  EXPECT_GT(sent(run, 0) - first, 20'000u) << "200 datagrams a second";
  EXPECT_LT(sent(run, 1) - second, 5'000u);
}

TEST(path_schedulers, another_takes_over_while_the_connection_runs) {
  Notes notes;
  BondPlan plan = upload(4'000'000);
  plan.events = &notes;
  BondedRun run(plan);
  ASSERT_TRUE(run.until([&] { return run.reader().octets > 1'000'000; }));
  EXPECT_FALSE(run.client->set_path_scheduler("fastest").has_value());
  EXPECT_EQ(run.client->path_scheduler(), "min-rtt");
  ASSERT_TRUE(run.client->set_path_scheduler("round-robin").has_value());
  EXPECT_EQ(run.client->path_scheduler(), "round-robin");
  EXPECT_EQ(run.client->path_scheduler_failure(), "");
  EXPECT_EQ(notes.changes, std::vector<std::string>{"min-rtt > round-robin"});
  ASSERT_TRUE(run.finish()) << run.failure();
  EXPECT_EQ(run.failure(), "");
}

TEST(path_schedulers, a_script_fills_both_paths) {
  if (!quic::has_lua()) GTEST_SKIP() << "this build has no Lua";
  ASSERT_TRUE(quic::add_lua_scheduler("lua:turns", {.file = "turns.lua", .source = R"(
    turn = 0
    function choose(paths)
      for _ = 1, #paths do
        turn = turn % #paths + 1
        if paths[turn].ready then return turn, 10 * paths[turn].mtu end
      end
    end)"})
                  .has_value());
  BondPlan plan = upload(10'000'000);
  plan.scheduler = "lua:turns";
  BondedRun run(plan);
  ASSERT_TRUE(run.finish()) << run.failure();
  EXPECT_EQ(run.failure(), "");
  EXPECT_EQ(run.client->path_scheduler_failure(), "");
  EXPECT_GT(run.mbit_per_second(), 70) << "of two times 50";
}

TEST(path_schedulers, a_script_that_fails_under_way_gives_its_work_to_min_rtt_and_is_an_event) {
  if (!quic::has_lua()) GTEST_SKIP() << "this build has no Lua";
  ASSERT_TRUE(quic::add_lua_scheduler("lua:fails", {.file = "fails.lua", .source = R"(
    asked = 0
    function choose(paths)
      asked = asked + 1
      if asked > 100 then return paths[asked].ready and 1 end
      return hawser.fastest()
    end)"})
                  .has_value());
  Notes notes;
  BondPlan plan = upload(8'000'000);
  plan.scheduler = "lua:fails";
  plan.events = &notes;
  BondedRun run(plan);
  ASSERT_TRUE(run.finish()) << run.failure();
  EXPECT_EQ(run.failure(), "");
  EXPECT_EQ(notes.changes, std::vector<std::string>{"lua:fails > min-rtt"});
  EXPECT_TRUE(notes.reason.starts_with("fails.lua:5: ")) << notes.reason;
  EXPECT_EQ(run.client->path_scheduler_failure(), notes.reason);
  EXPECT_GT(run.mbit_per_second(), 70) << "of two times 50";
}

}  // namespace
}  // namespace hawser::sim
