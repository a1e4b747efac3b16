// Goal: links do what they say, time jumps only to where something happens, one seed gives
// one run, and loops are found. Method: two small sans-I/O machines, a sender of numbered
// datagrams and an echo, on links whose effect on them can be computed by hand.
#include <gtest/gtest.h>

#include <map>
#include <vector>

#include "sim/link.h"
#include "sim/node.h"
#include "sim/world.h"

namespace hawser::sim {
namespace {

const SocketAddress kClientAddress = ipv4_address({10, 0, 0, 2}, 5'000);
const SocketAddress kServerAddress = ipv4_address({192, 0, 2, 1}, 443);

std::uint32_t number_of(Bytes bytes) {
  return bytes.size() < 4
             ? 0xffffffff
             : std::uint32_t{bytes[0]} << 24 | std::uint32_t{bytes[1]} << 16 | std::uint32_t{bytes[2]} << 8 | bytes[3];
}

// Sends `count` datagrams of `size` octets, one each `interval` (0: all in trains at once).
class Sender final : public Node {
 public:
  Sender(std::uint32_t count, std::size_t size, Duration interval, Ecn ecn = Ecn::kNotEct)
      : count_(count), size_(size), interval_(interval), ecn_(ecn) {}
  void on_datagrams(std::span<ReceivedTrain> batch, Timestamp now) override {
    for (const ReceivedTrain& train : batch)
      for (std::size_t at = 0; at < train.bytes.size(); at += train.segment_size) {
        echoes.push_back(number_of(train.bytes.subspan(at)));
        echo_times.push_back(now);
      }
  }
  void on_timeout(Timestamp) override {}
  std::size_t next_transmits(Timestamp now, std::span<TransmitTrain> trains) override {
    if (sent_ == count_ || now < next_) return 0;
    TransmitTrain& train = trains[0];
    const std::size_t segments = interval_.count() == 0 ? std::min<std::size_t>(train.max_segments, count_ - sent_) : 1;
    for (std::size_t i = 0; i < segments; ++i, ++sent_) {
      std::uint8_t* out = train.buffer.data() + i * size_;
      std::memset(out, static_cast<int>(sent_ & 0xff), size_);
      for (int byte = 0; byte < 4; ++byte) out[byte] = static_cast<std::uint8_t>(sent_ >> (24 - 8 * byte));
    }
    train.size = segments * size_;
    train.segment_size = size_;
    train.tuple.remote = kServerAddress;
    train.ecn = ecn_;
    next_ = now + interval_;
    return 1;
  }
  std::optional<Timestamp> next_timeout() const override {
    return sent_ == count_ ? std::nullopt : std::optional{next_};
  }

  std::vector<std::uint32_t> echoes;
  std::vector<Timestamp> echo_times;

 private:
  std::uint32_t count_;
  std::size_t size_;
  Duration interval_;
  Ecn ecn_;
  std::uint32_t sent_ = 0;
  Timestamp next_ = kWorldStart;
};

class Echo final : public Node {
 public:
  void on_datagrams(std::span<ReceivedTrain> batch, Timestamp now) override {
    for (const ReceivedTrain& train : batch) {
      trains.push_back(train.bytes.size());
      for (std::size_t at = 0; at < train.bytes.size(); at += train.segment_size) {
        const Bytes one = train.bytes.subspan(at, std::min(train.segment_size, train.bytes.size() - at));
        numbers.push_back(number_of(one));
        times.push_back(now);
        ecns.push_back(train.ecn);
        sources.push_back(train.tuple.remote);
        contents.emplace_back(one.begin(), one.end());
        answers_.push_back({contents.back(), train.tuple});
      }
    }
  }
  void on_timeout(Timestamp) override {}
  std::size_t next_transmits(Timestamp, std::span<TransmitTrain> out) override {
    if (!answer || answers_.empty()) return 0;
    auto& [bytes, tuple] = answers_.front();
    std::memcpy(out[0].buffer.data(), bytes.data(), bytes.size());
    out[0].size = out[0].segment_size = bytes.size();
    out[0].tuple = tuple;
    answers_.erase(answers_.begin());
    return 1;
  }
  std::optional<Timestamp> next_timeout() const override { return std::nullopt; }

  bool answer = true;
  std::vector<std::uint32_t> numbers;
  std::vector<Timestamp> times;
  std::vector<Ecn> ecns;
  std::vector<SocketAddress> sources;
  std::vector<std::size_t> trains;
  std::vector<std::vector<std::uint8_t>> contents;

 private:
  std::vector<std::pair<std::vector<std::uint8_t>, FourTuple>> answers_;
};

struct Session {
  Session(const LinkSpec& spec, std::uint32_t count, std::size_t size = 100, Duration interval = 1ms,
          std::uint64_t seed = 1, Ecn ecn = Ecn::kNotEct)
      : sender(count, size, interval, ecn), world({.seed = seed}) {
    const NodeId client = world.add(sender, kClientAddress);
    const NodeId server = world.add(echo, kServerAddress);
    world.connect(client, server, spec);
    World::StepResult result;
    while ((result = world.step(kWorldStart + 3600s)) == World::StepResult::kProgress) {
    }
    end = result;
  }
  Sender sender;
  Echo echo;
  World world;
  World::StepResult end;
};

TEST(sim_world, delay_adds_up_and_time_stands_between_events) {
  const Session run(link({delay(50ms), delay(25ms)}), 3, 100, 10ms);
  EXPECT_EQ(run.end, World::StepResult::kIdle);
  ASSERT_EQ(run.echo.times.size(), 3u);
  EXPECT_EQ(run.echo.times[0], kWorldStart + 75ms);
  EXPECT_EQ(run.echo.times[2], kWorldStart + 95ms);
  ASSERT_EQ(run.sender.echo_times.size(), 3u);
  EXPECT_EQ(run.sender.echo_times[0], kWorldStart + 150ms);
  EXPECT_EQ(run.world.stats().steps, 3u * (1 + 4));  // a sending and four delays for each
}

TEST(sim_world, a_train_arrives_as_a_train) {
  const Session run(link({delay(5ms)}), 20, 1'200, 0ms);
  EXPECT_EQ(run.world.stats().trains_sent, 2u + 20u);  // 16 + 4 segments; echoes go alone
  ASSERT_EQ(run.echo.trains.size(), 1u);
  EXPECT_EQ(run.echo.trains[0], 20u * 1'200u);
  EXPECT_EQ(run.sender.echoes.size(), 20u);
}

TEST(sim_link, elements_of_one_direction_leave_the_other_alone) {
  const Session run(link({up(delay(10ms)), down(delay(1ms)), down(drop(1.0))}), 2);
  EXPECT_EQ(run.echo.numbers.size(), 2u);
  EXPECT_TRUE(run.sender.echoes.empty());
  EXPECT_EQ(run.echo.times[0], kWorldStart + 10ms);
}

TEST(sim_link, drop_loses_about_its_share) {
  const Session run(link({up(drop(0.2)), delay(1ms)}), 10'000, 20, 10us);
  EXPECT_NEAR(static_cast<double>(run.echo.numbers.size()), 8'000, 200);
}

TEST(sim_link, burst_drop_loses_runs_of_the_mean_length) {
  const Session run(link({up(burst_drop(0.01, 0.25))}), 20'000, 20, 10us);
  std::size_t gaps = 0;
  std::size_t lost = 0;
  for (std::size_t i = 1; i < run.echo.numbers.size(); ++i) {
    const std::uint32_t missing = run.echo.numbers[i] - run.echo.numbers[i - 1] - 1;
    gaps += missing > 0;
    lost += missing;
  }
  ASSERT_GT(gaps, 100u);
  EXPECT_NEAR(static_cast<double>(lost) / static_cast<double>(gaps), 4.0, 0.8);
}

TEST(sim_link, rate_serialises_and_its_queue_drops_the_tail) {
  // 1,250 octets at 10 Mbit/s take 1 ms each; the queue holds five of them.
  const Session run(link({up(rate(mbit(10), 6'250))}), 10, 1'250, 0ms);
  ASSERT_EQ(run.echo.numbers.size(), 5u);
  for (std::size_t i = 0; i < 5; ++i) {
    EXPECT_EQ(run.echo.numbers[i], i);
    EXPECT_EQ(run.echo.times[i], kWorldStart + std::chrono::milliseconds{i + 1});
  }
}

TEST(sim_link, rate_marks_ecn_capable_datagrams_above_its_threshold) {
  const Session run(link({up(rate(mbit(10), SIZE_MAX, 2'500))}), 6, 1'250, 0ms, 1, Ecn::kEct0);
  ASSERT_EQ(run.echo.ecns.size(), 6u);
  EXPECT_EQ(run.echo.ecns[2], Ecn::kEct0);
  EXPECT_EQ(run.echo.ecns[3], Ecn::kCe);
}

TEST(sim_link, ecn_is_marked_only_where_capable_and_bleached_always) {
  EXPECT_EQ(Session(link({ecn_mark(1.0)}), 1, 100, 1ms, 1, Ecn::kEct1).echo.ecns[0], Ecn::kCe);
  EXPECT_EQ(Session(link({ecn_mark(1.0)}), 1, 100, 1ms, 1, Ecn::kNotEct).echo.ecns[0], Ecn::kNotEct);
  EXPECT_EQ(Session(link({ecn_mark(1.0), ecn_bleach()}), 1, 100, 1ms, 1, Ecn::kEct0).echo.ecns[0], Ecn::kNotEct);
}

TEST(sim_link, mtu_drops_what_is_larger) {
  EXPECT_EQ(Session(link({mtu(1'300)}), 3, 1'300).echo.numbers.size(), 3u);
  EXPECT_EQ(Session(link({mtu(1'299)}), 3, 1'300).echo.numbers.size(), 0u);
}

TEST(sim_link, blackhole_swallows_its_window_only) {
  const Session run(link({up(blackhole(10ms, 20ms))}), 30);
  ASSERT_EQ(run.echo.numbers.size(), 20u);
  EXPECT_EQ(run.echo.numbers[9], 9u);
  EXPECT_EQ(run.echo.numbers[10], 20u);
}

TEST(sim_link, reorder_and_jitter_let_later_datagrams_overtake) {
  for (const ElementSpec& element : {reorder(0.3, 20ms), jitter(10ms)}) {
    const Session run(link({up(element)}), 200);
    ASSERT_EQ(run.echo.numbers.size(), 200u);
    EXPECT_FALSE(std::is_sorted(run.echo.numbers.begin(), run.echo.numbers.end()));
  }
}

TEST(sim_link, duplicate_delivers_twice) {
  const Session run(link({up(duplicate(1.0, 5ms))}), 50);
  std::map<std::uint32_t, int> seen;
  for (const std::uint32_t number : run.echo.numbers) ++seen[number];
  EXPECT_EQ(seen.size(), 50u);
  for (const auto& [number, times] : seen) EXPECT_EQ(times, 2) << number;
}

TEST(sim_link, corrupt_flips_bits_and_truncate_cuts) {
  const Session corrupted(link({up(corrupt(1.0))}), 50, 300);
  std::size_t changed = 0;
  for (std::size_t i = 0; i < corrupted.echo.contents.size(); ++i) {
    std::vector<std::uint8_t> original(300, static_cast<std::uint8_t>(i));
    for (int byte = 0; byte < 4; ++byte) original[byte] = static_cast<std::uint8_t>(i >> (24 - 8 * byte));
    changed += corrupted.echo.contents[i] != original;
  }
  EXPECT_GT(changed, 45u);  // an even number of flips of one bit would undo itself
  const Session cut(link({up(truncate(1.0))}), 50, 300);
  for (const auto& content : cut.echo.contents) {
    EXPECT_LT(content.size(), 300u);
    EXPECT_GT(content.size(), 0u);
  }
}

TEST(sim_nat, translates_both_ways) {
  const Session run(link({nat(), delay(1ms)}), 3);
  ASSERT_EQ(run.echo.sources.size(), 3u);
  EXPECT_NE(run.echo.sources[0], kClientAddress);
  EXPECT_EQ(run.echo.sources[0], run.echo.sources[2]);
  EXPECT_EQ(run.sender.echoes.size(), 3u);
}

TEST(sim_nat, rebinding_changes_the_port_once_and_drops_what_was_under_way) {
  const Session run(link({nat(rebind_after(10ms)), delay(3ms)}), 30);
  ASSERT_EQ(run.echo.sources.size(), 30u);
  EXPECT_EQ(run.echo.sources[9], run.echo.sources[0]);
  EXPECT_NE(run.echo.sources[10], run.echo.sources[0]);
  EXPECT_EQ(run.echo.sources[10].ip, run.echo.sources[0].ip);
  EXPECT_EQ(run.echo.sources[29], run.echo.sources[10]);
  // Round trip 6 ms: the answers to datagrams 4 to 9 find their mapping gone. The answer to
  // number 4 arrives at 10 ms sharp, after number 10 has made the new mapping.
  EXPECT_EQ(run.sender.echoes.size(), 24u);
}

TEST(sim_nat, rebinding_can_change_the_address_and_repeat) {
  const Session run(link({nat(with_new_address(rebind_every(5ms)))}), 20);
  std::map<SocketAddress, int> sources;
  for (const SocketAddress& source : run.echo.sources) ++sources[source];
  EXPECT_EQ(sources.size(), 4u);
  EXPECT_FALSE(run.echo.sources[0].same_ip(run.echo.sources[19]));
}

TEST(sim_nat, an_idle_mapping_times_out) {
  const Session kept(link({nat(mapping_timeout(50ms))}), 3, 100, 40ms);
  EXPECT_EQ(kept.echo.sources[0], kept.echo.sources[2]);
  const Session lost(link({nat(mapping_timeout(50ms))}), 3, 100, 60ms);
  EXPECT_NE(lost.echo.sources[0], lost.echo.sources[1]);
}

LinkSpec everything() {
  return link({nat(rebind_every(40ms)), delay(10ms), jitter(3ms), drop(0.05), burst_drop(0.01, 0.3), reorder(0.1, 10ms),
               duplicate(0.1, 5ms), corrupt(0.1), truncate(0.02), rate(mbit(5), 20'000)});
}

TEST(sim_world, one_seed_gives_one_run) {
  const Session first(everything(), 500, 400, 300us, 42);
  const Session again(everything(), 500, 400, 300us, 42);
  const Session other(everything(), 500, 400, 300us, 43);
  EXPECT_EQ(first.world.digest(), again.world.digest());
  EXPECT_EQ(first.echo.numbers, again.echo.numbers);
  EXPECT_EQ(first.world.now(), again.world.now());
  EXPECT_NE(first.world.digest(), other.world.digest());
}

TEST(sim_world, datagrams_to_nowhere_are_counted) {
  Sender sender(2, 100, 1ms);
  World world({.seed = 1});
  world.add(sender, kClientAddress);
  while (world.step(kWorldStart + 1s) == World::StepResult::kProgress) {
  }
  EXPECT_EQ(world.stats().unroutable, 2u);
}

// A node whose timer never moves on.
class Spinner final : public Node {
 public:
  void on_datagrams(std::span<ReceivedTrain>, Timestamp) override {}
  void on_timeout(Timestamp) override { ++calls; }
  std::size_t next_transmits(Timestamp, std::span<TransmitTrain>) override { return 0; }
  std::optional<Timestamp> next_timeout() const override { return kWorldStart; }
  std::size_t calls = 0;
};

TEST(sim_world, a_timer_in_the_past_that_never_moves_is_found) {
  Spinner spinner;
  World world({.seed = 1});
  world.add(spinner, kClientAddress);
  EXPECT_EQ(world.step(kWorldStart + 1s), World::StepResult::kStuck);
  EXPECT_NE(world.failure().find("timer stands in the past"), std::string::npos);
  EXPECT_EQ(spinner.calls, World::kIdleCallsMax + 1);
}

TEST(sim_world, two_nodes_without_delay_that_answer_for_ever_are_found) {
  Echo left;
  Echo right;
  World world({.seed = 1});
  const NodeId a = world.add(left, kClientAddress);
  const NodeId b = world.add(right, kServerAddress);
  world.connect(a, b, link({}));
  std::vector<std::uint8_t> ball{0, 0, 0, 1};
  ReceivedTrain serve{.bytes = ball, .segment_size = 4, .tuple = {kClientAddress, kServerAddress}};
  left.on_datagrams({&serve, 1}, kWorldStart);
  world.pump(a);
  EXPECT_EQ(world.step(kWorldStart + 1s), World::StepResult::kStuck);
}

class Alarm final : public Actor {
 public:
  Timestamp on_time(Timestamp now) override {
    rung.push_back(now);
    return rung.size() < 3 ? now + 7ms : kNever;
  }
  std::vector<Timestamp> rung;
};

TEST(sim_world, actors_act_at_the_times_they_ask_for) {
  Alarm alarm;
  World world({.seed = 1});
  world.add_actor(alarm, kWorldStart + 5ms);
  EXPECT_EQ(world.step(kWorldStart + 1ms), World::StepResult::kLimit);
  while (world.step(kWorldStart + 1s) == World::StepResult::kProgress) {
  }
  const std::vector<Timestamp> expected{kWorldStart + 5ms, kWorldStart + 12ms, kWorldStart + 19ms};
  EXPECT_EQ(alarm.rung, expected);
}

}  // namespace
}  // namespace hawser::sim
