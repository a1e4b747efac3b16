// timers_bench.cc: what moving a connection's deadline costs among many others.
// room: base
#include <benchmark/benchmark.h>

#include <memory>
#include <vector>

#include "base/random.h"
#include "base/timer_wheel.h"

namespace hawser {
namespace {

// As far apart in memory as deadlines of connections are.
struct Connection {
  TimerNode timer;
  std::array<std::uint8_t, 320> rest{};
};

struct Connections {
  TimerWheel wheel;
  std::vector<std::unique_ptr<Connection>> all;
  std::vector<std::uint32_t> turns;
  Timestamp now{1h};

  // All idle for some part of 30 s; the first `active` of a random order get packets.
  Connections(std::size_t count, std::size_t active) : turns(1u << 16) {
    SeededRandom random(1);
    for (std::size_t i = 0; i < count; ++i) all.push_back(std::make_unique<Connection>());
    for (std::size_t i = count; i > 1; --i) std::swap(all[i - 1], all[random.below(i)]);
    wheel.advance(now);
    for (const auto& c : all)
      wheel.set(c->timer, now + 1s + Duration{static_cast<std::int64_t>(random.below(29'000'000'000))});
    for (std::uint32_t& turn : turns) turn = static_cast<std::uint32_t>(random.below(active));
  }
};

// A packet each 2 us: a deadline that `near` away, and on the connection's next turn one that
// is 30 s away, as after a response and after its acknowledgement. What is due is set anew.
void move_deadlines(benchmark::State& state, Duration near) {
  Connections c(static_cast<std::size_t>(state.range(0)), static_cast<std::size_t>(state.range(1)));
  std::size_t turn = 0;
  for (auto _ : state) {
    c.now += 2us;
    while (TimerNode* due = c.wheel.pop(c.now)) c.wheel.set(*due, c.now + 30s);
    c.wheel.set(c.all[c.turns[turn & 0xffff]]->timer, c.now + (turn % 2 == 0 ? near : Duration{30s}));
    ++turn;
    benchmark::DoNotOptimize(c.wheel.next());
  }
}
BENCHMARK_CAPTURE(move_deadlines, pacing, 300us)
    ->ArgNames({"connections", "active"})
    ->Args({1, 1})
    ->Args({10, 10})
    ->Args({1'000, 1'000})
    ->Args({100'000, 10})
    ->Args({100'000, 100'000});
BENCHMARK_CAPTURE(move_deadlines, loss_timer, 100ms)
    ->ArgNames({"connections", "active"})
    ->Args({1, 1})
    ->Args({10, 10})
    ->Args({1'000, 1'000})
    ->Args({100'000, 10})
    ->Args({100'000, 100'000});

}  // namespace
}  // namespace hawser
