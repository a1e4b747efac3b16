// Goal: every deadline is met to the nanosecond and once, whatever was set, moved and removed
// before and however long nothing happens; and looking for the next one is no busy wait.
// Method: random operations against a sorted map, and drivers that only sleep until next().
#include "base/timer_wheel.h"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <vector>

#include "base/random.h"

namespace hawser {
namespace {

constexpr Timestamp kStart{1'000h};
// Levels of the wheel; an object goes down one at a time.
constexpr std::size_t kLevels = 9;

// Nanoseconds to days, each length as likely as any other.
Duration some_time(SeededRandom& random) {
  const std::uint64_t bits = random.below(48);
  return Duration{static_cast<std::int64_t>(random.below((std::uint64_t{1} << bits) + 1))};
}

// What a wheel should do, done slowly.
class Model {
 public:
  void set(const TimerNode& node, Timestamp deadline) {
    remove(node);
    if (deadline != kNever) by_node_.emplace(&node, sorted_.emplace(deadline, &node));
  }
  void remove(const TimerNode& node) {
    const auto found = by_node_.find(&node);
    if (found == by_node_.end()) return;
    sorted_.erase(found->second);
    by_node_.erase(found);
  }
  [[nodiscard]] Timestamp next() const { return sorted_.empty() ? kNever : sorted_.begin()->first; }
  [[nodiscard]] Timestamp deadline_of(const TimerNode& node) const {
    const auto found = by_node_.find(&node);
    return found == by_node_.end() ? kNever : found->second->first;
  }

 private:
  using Sorted = std::multimap<Timestamp, const TimerNode*>;
  Sorted sorted_;
  std::map<const TimerNode*, Sorted::iterator> by_node_;
};

// Pops all that is due; each must be due by the model as well, and nothing may be left.
void expect_same_due(TimerWheel& wheel, Model& model, Timestamp now) {
  while (const TimerNode* due = wheel.pop(now)) {
    ASSERT_LE(model.deadline_of(*due), now);
    ASSERT_FALSE(due->is_set());
    model.remove(*due);
  }
  ASSERT_GT(model.next(), now);
}

void compare_with_model(std::uint64_t seed, std::size_t count) {
  SeededRandom random(seed);
  TimerWheel wheel;
  Model model;
  std::vector<TimerNode> nodes(count);
  Timestamp now = kStart;
  for (int step = 0; step < 2'000; ++step) {
    TimerNode& node = nodes[random.below(nodes.size())];
    switch (random.below(8)) {
      case 0:
        wheel.remove(node);
        model.remove(node);
        break;
      case 1:
        now += some_time(random);
        wheel.advance(now);
        break;
      case 2:
        now += some_time(random);
        ASSERT_NO_FATAL_FAILURE(expect_same_due(wheel, model, now));
        ASSERT_GT(wheel.next(), now);
        break;
      default: {
        // One in sixteen lies in the past.
        const Duration distance = some_time(random);
        const Timestamp deadline = random.below(16) == 0 ? now - distance : now + distance;
        wheel.set(node, deadline);
        model.set(node, deadline);
      }
    }
    ASSERT_EQ(wheel.empty(), model.next() == kNever);
    // Eight in a slot are looked at one by one; more may be answered with an earlier time.
    if (count <= 8 || random.below(4) == 0) {
      ASSERT_LE(wheel.next(), model.next()) << "step " << step;
      if (count <= 8) {
        ASSERT_EQ(wheel.next(), model.next()) << "step " << step;
      }
    }
  }
}

TEST(timer_wheel, agrees_with_a_sorted_map) {
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    SCOPED_TRACE(seed);
    ASSERT_NO_FATAL_FAILURE(compare_with_model(seed, 8));
    ASSERT_NO_FATAL_FAILURE(compare_with_model(seed, 300));
  }
}

TEST(timer_wheel, sleeper_meets_every_deadline_to_the_nanosecond_and_wakes_seldom) {
  for (const std::size_t count : {1u, 10u, 3'000u}) {
    SeededRandom random(count);
    TimerWheel wheel;
    std::vector<TimerNode> nodes(count);
    std::vector<Timestamp> deadlines(count);
    wheel.advance(kStart);
    for (std::size_t i = 0; i < count; ++i) {
      deadlines[i] = kStart + 1ns + some_time(random);
      wheel.set(nodes[i], deadlines[i]);
    }
    std::size_t met = 0;
    std::size_t wake_ups = 0;
    Timestamp now = kStart;
    for (; !wheel.empty(); ++wake_ups) {
      ASSERT_GT(wheel.next(), now);
      now = wheel.next();
      while (const TimerNode* due = wheel.pop(now)) {
        ASSERT_EQ(deadlines[static_cast<std::size_t>(due - nodes.data())], now);
        ++met;
      }
    }
    EXPECT_EQ(met, count);
    EXPECT_LE(wake_ups, count <= 8 ? count : count * kLevels);
  }
}

TEST(timer_wheel, thousand_idle_objects_do_not_wake_a_sleeper_more_than_once_a_level) {
  TimerWheel wheel;
  std::vector<TimerNode> nodes(1'000);
  wheel.advance(kStart);
  for (TimerNode& node : nodes) wheel.set(node, kStart + 30s);
  std::size_t wake_ups = 0;
  Timestamp now = kStart;
  for (; now < kStart + 30s; ++wake_ups) {
    now = wheel.next();
    if (now < kStart + 30s) {
      ASSERT_EQ(wheel.pop(now), nullptr);
    }
  }
  EXPECT_EQ(now, kStart + 30s);
  EXPECT_LE(wake_ups, kLevels);
  std::set<const TimerNode*> popped;
  while (const TimerNode* due = wheel.pop(now)) popped.insert(due);
  EXPECT_EQ(popped.size(), nodes.size());
}

TEST(timer_wheel, deadline_that_moves_later_with_every_packet_is_met_once_at_its_last_value) {
  TimerWheel wheel;
  TimerNode node;
  TimerNode other;
  Timestamp now = kStart;
  wheel.set(other, kStart + 1h);
  for (int packet = 0; packet < 10'000; ++packet) {
    now += 100us;
    EXPECT_EQ(wheel.pop(now), nullptr);
    wheel.set(node, now + 25ms);
    EXPECT_EQ(wheel.next(), now + 25ms);
  }
  EXPECT_EQ(wheel.pop(now + 25ms - 1ns), nullptr);
  EXPECT_EQ(wheel.pop(now + 25ms), &node);
  EXPECT_EQ(wheel.next(), kStart + 1h);
}

TEST(timer_wheel, passed_deadline_is_due_at_once) {
  TimerWheel wheel;
  TimerNode node;
  wheel.advance(kStart);
  wheel.set(node, Timestamp::min());
  EXPECT_EQ(wheel.next(), Timestamp::min());
  EXPECT_EQ(wheel.pop(kStart), &node);
  EXPECT_TRUE(wheel.empty());
  EXPECT_EQ(wheel.next(), kNever);
}

TEST(timer_wheel, never_removes) {
  TimerWheel wheel;
  TimerNode node;
  wheel.set(node, kStart);
  wheel.set(node, kNever);
  EXPECT_FALSE(node.is_set());
  EXPECT_TRUE(wheel.empty());
  EXPECT_EQ(wheel.pop(kStart + 1h), nullptr);
}

}  // namespace
}  // namespace hawser
