// Goal: a script schedules as the same thing in C++ would, cannot leave its box, and one that fails says where and
// costs nobody anything. Method: scripts as text, facts by hand, and the model of scheduler_model.h.
#include "quic/multipath/lua_scheduler.h"

#include <gtest/gtest.h>

#include "quic/multipath/facts_by_hand.h"
#include "quic/multipath/scheduler_model.h"

namespace hawser::quic {
namespace {

#ifdef HAWSER_HAVE_LUA

// Each test's script gets a name of its own: the table of names is the process's.
std::unique_ptr<PathScheduler> scheduler_of(std::string source) {
  static std::vector<std::unique_ptr<LuaScript>> kept;
  return make_lua_scheduler("lua:test", *kept.emplace_back(std::make_unique<LuaScript>("test.lua", std::move(source))));
}

std::string error_of(std::string source) {
  const auto checked = check_lua_script({.file = "test.lua", .source = std::move(source)});
  return checked ? "" : checked.error().message;
}

Schedule ask(PathScheduler& scheduler, const std::vector<PathFacts>& paths, const Demand& demand = {}) {
  return schedule(scheduler, paths, demand, kNow);
}

constexpr const char* kByHand = R"(
function choose(paths, demand, now_ms)
  local best
  for i, path in ipairs(paths) do
    if path.ready and (not best or path.rtt_ms < paths[best].rtt_ms) then best = i end
  end
  if not best then return nil end
  return best, paths[best].room
end
)";

TEST(lua_scheduler, does_what_the_same_thing_in_cpp_does) {
  const std::vector<ModelPath> links = {{.rtt = 30ms}, {.bytes_per_second = 500'000, .rtt = 80ms}};
  std::vector<std::pair<Duration, std::uint64_t>> runs;
  for (const bool script : {false, true}) {
    SchedulerModel model(script ? scheduler_of(kByHand) : make("min-rtt"), links);
    model.add({.bytes = 2'000'000, .at = model.now()});
    model.run();
    EXPECT_EQ(model.scheduler().failure(), "");
    runs.emplace_back(model.completion(0), model.sent_on(1));
  }
  EXPECT_EQ(runs[0], runs[1]);
}

TEST(lua_scheduler, sees_each_fact_and_each_helper) {
  std::vector<PathFacts> paths = {path(4, 50ms), path(7, 20ms)};
  paths[1] = {.id = PathId{7},
              .state = PathState::kActive,
              .may_send = false,
              .may_send_at = kNow + 3ms,
              .smoothed_rtt = 20ms,
              .rtt_variation = 2ms,
              .min_rtt = 15ms,
              .congestion_window = 20'000,
              .bytes_in_flight = 5'000,
              .bytes_per_second = 1'000'000,
              .loss = 0.25,
              .mtu = 1'400,
              .weight = 3};
  const auto scheduler = scheduler_of(R"(
    function choose(paths, demand, now_ms)
      assert(#paths == 2 and now_ms == 5000)
      local p = paths[2]
      assert(p.id == 7 and p.state == "active" and not p.backup and not p.ready)
      assert(math.abs(p.ready_in_ms - 3) < 1e-9 and p.rtt_ms == 20 and p.rtt_variation_ms == 2 and p.min_rtt_ms == 15)
      assert(p.window == 20000 and p.in_flight == 5000 and p.room == 15000 and p.bytes_per_second == 1000000)
      assert(p.loss == 0.25 and p.mtu == 1400 and p.weight == 3 and p.cost == 0 and p.sent == 1400)
      assert(demand.kind == "datagram" and demand.interactive and demand.flow == 9 and demand.bytes_waiting == 77)
      assert(demand.flow_control_room == math.maxinteger and demand.deadline_in_ms == math.huge)
      assert(hawser.fastest() == 1 and not hawser.is_silent(1))
      assert(hawser.wait_ms(2) > 0 and hawser.arrival_ms(1, 1200) >= 25)
      return 1, 9000
    end)");
  scheduler->on_sent(PathId{7}, 1'400, kNow);
  const Schedule answer =
      ask(*scheduler, paths, {.kind = DemandKind::kDatagram, .interactive = true, .flow = 9, .bytes_waiting = 77});
  EXPECT_EQ(scheduler->failure(), "");
  EXPECT_EQ(answer.path, 0u);
  EXPECT_EQ(answer.budget, 9'000u);
}

TEST(lua_scheduler, only_paths_of_the_best_class_are_offered_and_positions_mean_those) {
  std::vector<PathFacts> paths = {path(0, 10ms), path(1, 90ms), path(2, 80ms)};
  paths[0].status = PathStatus::kBackup;
  const auto scheduler = scheduler_of("function choose(paths) assert(#paths == count) return #paths end count = 2");
  EXPECT_EQ(ask(*scheduler, paths).path, 2u);
  EXPECT_EQ(scheduler->failure(), "");
}

TEST(lua_scheduler, the_table_shrinks_when_a_path_goes) {
  std::vector<PathFacts> paths = {path(0, 10ms), path(1, 90ms), path(2, 80ms)};
  const auto scheduler = scheduler_of("function choose(paths) return #paths end");
  EXPECT_EQ(ask(*scheduler, paths).path, 2u);
  paths.pop_back();
  EXPECT_EQ(ask(*scheduler, paths).path, 1u);
  EXPECT_EQ(scheduler->failure(), "");
}

TEST(lua_scheduler, nil_waits_for_a_while_or_for_the_next_path) {
  std::vector<PathFacts> paths = {path(0, 10ms), path(1, 20ms)};
  EXPECT_EQ(ask(*scheduler_of("function choose() return nil, 2.5 end"), paths).ask_again, kNow + 2500us);
  EXPECT_EQ(ask(*scheduler_of("function choose() end"), paths).ask_again, kNow + 1ms) << "not at once and for ever";
  paths[1].may_send = false;
  paths[1].may_send_at = kNow + 4ms;
  EXPECT_EQ(ask(*scheduler_of("function choose() return 2 end"), paths).ask_again, kNow + 4ms) << "a busy path";
  paths[1].may_send_at = kNow + 400us;
  EXPECT_EQ(ask(*scheduler_of("function choose() end"), paths).ask_again, kNow + 400us) << "the other one is next";
}

TEST(lua_scheduler, keeps_what_it_remembers_from_one_question_to_the_next) {
  const std::vector<PathFacts> paths = {path(0, 10ms), path(1, 20ms)};
  const auto scheduler = scheduler_of("turn = 0 function choose(paths) turn = turn % #paths + 1 return turn end");
  for (const std::size_t expected : {0u, 1u, 0u, 1u}) EXPECT_EQ(ask(*scheduler, paths).path, expected);
}

TEST(lua_scheduler, what_is_wrong_with_a_script_is_said_with_its_line) {
  EXPECT_NE(error_of("function choose(\n  return 1\nend").find("test.lua:2:"), std::string::npos);
  EXPECT_NE(error_of("-- nothing").find("test.lua: it has no function choose"), std::string::npos);
  EXPECT_NE(error_of("\n\nlocal x = nil + 1").find("test.lua:3:"), std::string::npos);
  EXPECT_NE(error_of("hawser.fastest()").find("only inside choose()"), std::string::npos);
  EXPECT_NE(error_of(std::string(kLuaSourceMax + 1, ' ')).find("65,536"), std::string::npos);
  EXPECT_NE(error_of("while true do end").find("test.lua:1: it took more than"), std::string::npos);
  EXPECT_NE(error_of("\x1bLua").find("test.lua"), std::string::npos) << "byte code";
  EXPECT_NE(error_of("x = '" + std::string(300, ' ') + "'").find("more than 250 octets"), std::string::npos);
  EXPECT_EQ(error_of(kByHand), "");
  const LuaScript far{.file = std::string(500, 'd') + "/mine.lua", .source = kByHand};
  EXPECT_TRUE(check_lua_script(far).has_value());
}

TEST(lua_scheduler, one_that_fails_gives_its_work_to_min_rtt_and_says_why_once) {
  const std::vector<PathFacts> paths = {path(0, 50ms), path(1, 20ms)};
  const struct {
    const char* script;
    const char* says;
  } cases[] = {
      {"function choose(paths)\n  return paths[9].id\nend", "test.lua:2:"},
      {"function choose() return 3 end", "a position in paths, 1 to 2"},
      {"function choose() return 1.5 end", "a position in paths"},
      {"function choose() return '1' end", "a position in paths"},
      {"function choose() return 1, -4 end", "a budget"},
      {"function choose() return 1, 0/0 end", "a budget"},
      {"function choose() return nil, 0 end", "no number of milliseconds"},
      {"function choose()\n while true do end end", "test.lua:2: it took more than 20000 instructions"},
      {"function choose() local t = {} for i = 1, 1e9 do t[i] = {i} end end", "KB of memory"},
      {"function choose() local s = 'xxxxxxxx' while true do s = s .. s end end", "a text of more than 250 octets"},
      {"function choose() error({}) end", "an error that is no text"},
      {"function choose() return hawser.arrival_ms(1, -1) end", "octets are 0 and more"},
      {"function choose() return hawser.wait_ms(0) end", "no such path"},
  };
  for (const auto& [script, says] : cases) {
    const auto scheduler = scheduler_of(script);
    ASSERT_EQ(scheduler->failure(), "") << script;
    Schedule answer = ask(*scheduler, paths);
    EXPECT_EQ(answer.path, 1u) << script;
    EXPECT_TRUE(answer.gave_up) << script;
    EXPECT_NE(scheduler->failure().find(says), std::string_view::npos) << scheduler->failure();
    EXPECT_LT(scheduler->memory(), 4'096u) << "Lua's memory is given back";
    answer = ask(*scheduler, paths);
    EXPECT_EQ(answer.path, 1u) << script;
    EXPECT_FALSE(answer.gave_up) << "said once";
  }
}

TEST(lua_scheduler, nothing_in_the_box_leads_out_of_it) {
  for (const char* name :
       {"io",           "os",           "debug",          "package", "require",  "string", "coroutine",
        "utf8",         "load",         "loadfile",       "dofile",  "print",    "pcall",  "xpcall",
        "setmetatable", "getmetatable", "collectgarbage", "warn",    "tonumber", "pairs",  "next"}) {
    EXPECT_EQ(error_of("assert(" + std::string(name) + " == nil) function choose() end"), "") << name;
  }
  EXPECT_EQ(error_of("assert(not math.random and not math.randomseed and not table.move and not table.sort and not "
                     "table.insert) function choose() end"),
            "");
  EXPECT_NE(error_of("('x'):rep(1e9)").find("test.lua:1:"), std::string::npos) << "strings have no methods";
}

TEST(lua_scheduler, holds_no_more_memory_after_many_questions) {
  const std::vector<PathFacts> paths = {path(0, 50ms), path(1, 20ms)};
  const auto scheduler =
      scheduler_of("function choose(paths) local t = {} for i = 1, 50 do t[i] = {} end return 1 end");
  for (int i = 0; i < 1'000; ++i) ASSERT_TRUE(ask(*scheduler, paths).sends());
  EXPECT_EQ(scheduler->failure(), "");
  EXPECT_LT(scheduler->memory(), kLuaMemoryMax);
}

TEST(lua_scheduler, a_script_is_known_by_its_name_for_all_connections) {
  ASSERT_TRUE(add_lua_scheduler("lua:by-hand", {.file = "by-hand.lua", .source = kByHand}).has_value());
  const auto made = make_path_scheduler("lua:by-hand");
  ASSERT_TRUE(made.has_value());
  EXPECT_EQ((*made)->name(), "lua:by-hand");
  EXPECT_EQ(ask(**made, {path(0, 50ms), path(1, 20ms)}).path, 1u);
  EXPECT_FALSE(add_lua_scheduler("lua:by-hand", {.file = "by-hand.lua", .source = kByHand}).has_value());
  EXPECT_FALSE(add_lua_scheduler("lua:broken", {.file = "broken.lua", .source = "function"}).has_value());
  EXPECT_FALSE(make_path_scheduler("lua:broken").has_value());
}

#else

TEST(lua_scheduler, without_lua_a_script_is_refused_with_what_to_install) {
  const auto added = add_lua_scheduler("lua:any", {.file = "any.lua", .source = "function choose() return 1 end"});
  ASSERT_FALSE(added.has_value());
  EXPECT_NE(added.error().message.find("liblua5.4-dev"), std::string::npos);
}

#endif  // HAWSER_HAVE_LUA

}  // namespace
}  // namespace hawser::quic
