// datagram_order_test.cc: goal: DatagramOrder hands on once, in order, in time and within its bounds; method: by hand,
// and random arrivals over two paths with loss and copies, against what came.
#include "quic/datagrams/datagram_order.h"

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <random>
#include <set>
#include <utility>

namespace hawser::quic {
namespace {

using Arrival = DatagramArrival;

constexpr Timestamp at(int ms) {
  return Timestamp(std::chrono::seconds(1) + std::chrono::milliseconds(ms));
}

// Payloads name their number, so that what is handed on can be told.
struct Receiver {
  explicit Receiver(const DatagramOrderLimits& limits = {}) : order(limits) {}

  Arrival push(std::uint64_t number, Timestamp now, std::size_t size = 8) {
    std::vector<std::uint8_t> payload(std::max<std::size_t>(size, 8));
    std::memcpy(payload.data(), &number, 8);
    return order.push(number, payload, now, taker());
  }
  void on_time(Timestamp now) { order.on_time(now, taker()); }
  std::vector<std::uint64_t> take() { return std::exchange(got, {}); }

  DatagramOrder order;
  std::vector<std::uint64_t> got;

 private:
  std::function<void(Bytes)> taker() {
    return [this](Bytes payload) {
      std::uint64_t number = 0;
      std::memcpy(&number, payload.data(), 8);
      got.push_back(number);
    };
  }
};

using Numbers = std::vector<std::uint64_t>;

TEST(DatagramOrder, what_comes_in_order_goes_through) {
  Receiver r;
  for (std::uint64_t n = 0; n < 5'000; ++n) EXPECT_EQ(r.push(n, at(0)), Arrival::kInOrder);
  EXPECT_EQ(r.take().size(), 5'000);
  EXPECT_EQ(r.order.due(), kNever);
  EXPECT_EQ(r.order.stats().held, 0);
}

TEST(DatagramOrder, what_comes_early_is_held_until_what_is_missing_comes) {
  Receiver r;
  EXPECT_EQ(r.push(1, at(0)), Arrival::kHeld);
  EXPECT_EQ(r.push(3, at(1)), Arrival::kHeld);
  EXPECT_TRUE(r.take().empty());
  EXPECT_EQ(r.push(0, at(2)), Arrival::kInOrder);
  EXPECT_EQ(r.take(), (Numbers{0, 1}));
  EXPECT_EQ(r.push(2, at(3)), Arrival::kInOrder);
  EXPECT_EQ(r.take(), (Numbers{2, 3}));
  EXPECT_EQ(r.order.held_count(), 0);
  EXPECT_EQ(r.order.held_octets(), 0);
  EXPECT_EQ(r.order.stats().in_order, 4);
  EXPECT_EQ(r.order.stats().given_up, 0);
}

TEST(DatagramOrder, nothing_is_held_longer_than_the_limit) {
  Receiver r({.wait = std::chrono::milliseconds(20)});
  r.push(2, at(0));
  r.push(4, at(5));
  EXPECT_EQ(r.order.due(), at(20));
  r.on_time(at(19));
  EXPECT_TRUE(r.take().empty());
  r.on_time(at(20));
  EXPECT_EQ(r.take(), (Numbers{2}));
  EXPECT_EQ(r.order.due(), at(25));
  r.on_time(at(25));
  EXPECT_EQ(r.take(), (Numbers{4}));
  EXPECT_EQ(r.order.stats().given_up, 3);  // 0, 1, 3
  EXPECT_EQ(r.order.due(), kNever);
}

// The longest held is not the first in order: what stands before it goes with it.
TEST(DatagramOrder, what_was_held_longest_takes_along_what_stands_before_it) {
  Receiver r({.wait = std::chrono::milliseconds(20)});
  r.push(5, at(0));
  r.push(3, at(15));
  r.on_time(at(20));
  EXPECT_EQ(r.take(), (Numbers{3, 5}));
}

TEST(DatagramOrder, the_time_is_also_kept_by_what_comes) {
  Receiver r({.wait = std::chrono::milliseconds(20)});
  r.push(1, at(0));
  EXPECT_EQ(r.push(0, at(30)), Arrival::kLate);
  EXPECT_EQ(r.take(), (Numbers{1}));
}

TEST(DatagramOrder, what_comes_late_is_dropped_or_handed_on_once) {
  for (const bool deliver : {false, true}) {
    Receiver r({.wait = std::chrono::milliseconds(20), .deliver_late = deliver});
    r.push(1, at(0));
    r.on_time(at(20));
    EXPECT_EQ(r.take(), (Numbers{1}));
    EXPECT_EQ(r.push(0, at(21)), Arrival::kLate);
    EXPECT_EQ(r.take(), deliver ? Numbers{0} : Numbers{});
    EXPECT_EQ(r.push(0, at(22)), Arrival::kCopy);
    EXPECT_TRUE(r.take().empty());
    EXPECT_EQ(r.order.stats().late, 1);
  }
}

TEST(DatagramOrder, copies_are_told) {
  Receiver r;
  r.push(0, at(0));
  EXPECT_EQ(r.push(0, at(0)), Arrival::kCopy);  // handed on
  r.push(2, at(0));
  EXPECT_EQ(r.push(2, at(0)), Arrival::kCopy);  // held
  r.push(1, at(0));
  EXPECT_EQ(r.push(2, at(0)), Arrival::kCopy);
  EXPECT_EQ(r.take(), (Numbers{0, 1, 2}));
  EXPECT_EQ(r.order.stats().copies, 3);
}

TEST(DatagramOrder, number_and_octets_are_bounded) {
  Receiver few({.count = 4});
  for (std::uint64_t n = 1; n <= 4; ++n) EXPECT_EQ(few.push(n, at(0)), Arrival::kHeld);
  EXPECT_EQ(few.push(5, at(0)), Arrival::kInOrder);
  EXPECT_EQ(few.take(), (Numbers{1, 2, 3, 4, 5}));

  Receiver small({.octets = 1'000});
  EXPECT_EQ(small.push(1, at(0), 600), Arrival::kHeld);
  EXPECT_EQ(small.push(3, at(0), 600), Arrival::kHeld);
  EXPECT_EQ(small.take(), (Numbers{1}));
  EXPECT_EQ(small.order.held_octets(), 600);
  // Larger than all that may be held: nothing waits for what is missing before it.
  EXPECT_EQ(small.push(9, at(0), 2'000), Arrival::kInOrder);
  EXPECT_EQ(small.take(), (Numbers{3, 9}));
}

TEST(DatagramOrder, a_leap_of_the_numbers_gives_up_what_lies_between) {
  Receiver r({.count = 8});
  r.push(0, at(0));
  r.push(2, at(0));
  EXPECT_EQ(r.push((std::uint64_t{1} << 62) - 1, at(1)), Arrival::kHeld);
  EXPECT_EQ(r.take(), (Numbers{0, 2}));
  r.on_time(at(51));
  EXPECT_EQ(r.take(), (Numbers{(std::uint64_t{1} << 62) - 1}));
}

TEST(DatagramOrder, numbers_beyond_the_largest_stop_nothing) {
  for (const std::uint64_t number : {DatagramOrder::kNumberMax + 1, ~std::uint64_t{0}}) {
    Receiver r;
    EXPECT_EQ(r.push(number, at(0)), Arrival::kLate);
    EXPECT_EQ(r.push(0, at(0)), Arrival::kInOrder);
    EXPECT_EQ(r.push(DatagramOrder::kNumberMax, at(0)), Arrival::kHeld);
    EXPECT_EQ(r.push(number, at(1)), Arrival::kLate);
    r.on_time(at(50));
    EXPECT_EQ(r.take(), (Numbers{0, DatagramOrder::kNumberMax}));
    EXPECT_EQ(r.order.due(), kNever);
    EXPECT_EQ(r.push(DatagramOrder::kNumberMax, at(51)), Arrival::kCopy);
  }
}

TEST(DatagramOrder, a_flow_may_begin_anywhere) {
  Receiver r({.first = std::nullopt});
  EXPECT_EQ(r.push(77'000, at(0)), Arrival::kInOrder);
  EXPECT_EQ(r.push(77'001, at(0)), Arrival::kInOrder);
  EXPECT_EQ(r.push(76'999, at(0)), Arrival::kLate);
  EXPECT_EQ(r.take(), (Numbers{77'000, 77'001}));
}

TEST(DatagramOrder, without_a_wait_nothing_is_held) {
  Receiver r({.wait = Duration{0}});
  EXPECT_EQ(r.push(3, at(0)), Arrival::kInOrder);
  EXPECT_EQ(r.push(2, at(0)), Arrival::kLate);
  EXPECT_EQ(r.take(), (Numbers{3}));
}

// Two paths of 10 and 40 ms, loss and copies: nothing twice, all in order, nothing held longer than the limit, and
// what was not lost and not later than the limit arrives.
TEST(DatagramOrder, holds_over_two_paths_with_loss_and_copies) {
  for (unsigned seed = 0; seed < 200; ++seed) {
    std::mt19937 random(seed);
    const Duration wait = std::chrono::milliseconds(10 + seed % 60);
    std::multimap<Timestamp, std::uint64_t> arrivals;
    std::map<std::uint64_t, Timestamp> arrived;
    for (std::uint64_t n = 0; n < 2'000; ++n) {
      const Timestamp sent = at(0) + std::chrono::microseconds(200 * n);
      for (unsigned copy = 0; copy < 1 + (random() % 10 == 0 ? 1u : 0u); ++copy) {
        if (random() % 20 == 0) continue;
        const Timestamp when =
            sent + std::chrono::microseconds((random() % 2 == 0 ? 10'000 : 40'000) + random() % 3'000);
        arrivals.emplace(when, n);
        const auto [it, fresh] = arrived.emplace(n, when);
        if (!fresh) it->second = std::min(it->second, when);
      }
    }
    Receiver r({.wait = wait});
    std::set<std::uint64_t> all;
    std::uint64_t next = 0;
    const auto check = [&](Timestamp now) {
      for (const std::uint64_t n : r.take()) {
        EXPECT_TRUE(all.insert(n).second) << "seed " << seed << " twice " << n;
        EXPECT_GE(n, next) << "seed " << seed;
        next = n + 1;
        EXPECT_LE(now, arrived[n] + wait) << "seed " << seed;
      }
    };
    for (auto it = arrivals.begin(); it != arrivals.end();) {
      if (r.order.due() < it->first) {
        const Timestamp due = r.order.due();
        r.on_time(due);
        check(due);
        continue;
      }
      r.push(it->second, it->first);
      check(it->first);
      ++it;
    }
    while (r.order.due() != kNever) {
      const Timestamp due = r.order.due();
      r.on_time(due);
      check(due);
    }
    const DatagramOrderStats& stats = r.order.stats();
    EXPECT_EQ(stats.in_order, all.size());
    EXPECT_EQ(all.size() + stats.late, arrived.size()) << "seed " << seed;
    // Longer than the paths differ: nothing is late.
    if (wait > std::chrono::milliseconds(33)) EXPECT_EQ(stats.late, 0) << "seed " << seed;
    EXPECT_EQ(r.order.held_octets(), 0);
  }
}

}  // namespace
}  // namespace hawser::quic
