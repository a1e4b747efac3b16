// Goal: letters arrive once, in order, and are bounded. Method: direct calls.
#include "runtime/mailbox.h"

#include <gtest/gtest.h>

namespace hawser::runtime {
namespace {

struct CountingTask final : Task {
  explicit CountingTask(int& destroyed) : destroyed_(destroyed) {}
  ~CountingTask() override { ++destroyed_; }
  void run(Worker&) override {}
  int& destroyed_;
};

ReceivedTrain train_of(std::vector<std::uint8_t>& octets) {
  ReceivedTrain train;
  train.bytes = octets;
  train.segment_size = octets.size();
  return train;
}

TEST(mailbox, gives_out_what_was_posted_once) {
  Mailbox mailbox;
  int destroyed = 0;
  EXPECT_FALSE(mailbox.has_letters());
  EXPECT_TRUE(mailbox.post(std::make_unique<CountingTask>(destroyed)));
  EXPECT_TRUE(mailbox.has_letters());
  std::vector<std::unique_ptr<Task>> tasks;
  ForwardedTrains trains;
  mailbox.take(tasks, trains);
  EXPECT_EQ(tasks.size(), 1u);
  EXPECT_FALSE(mailbox.has_letters());
  EXPECT_EQ(destroyed, 0);
}

TEST(mailbox, closed_one_destroys_tasks_unrun) {
  Mailbox mailbox;
  int destroyed = 0;
  EXPECT_TRUE(mailbox.post(std::make_unique<CountingTask>(destroyed)));
  mailbox.close();
  EXPECT_EQ(destroyed, 1);
  EXPECT_FALSE(mailbox.post(std::make_unique<CountingTask>(destroyed)));
  EXPECT_EQ(destroyed, 2);
  ForwardedTrains trains;
  std::vector<std::uint8_t> octets(10);
  ASSERT_TRUE(trains.add(train_of(octets)));
  EXPECT_EQ(mailbox.forward(trains), 1u);
}

TEST(mailbox, forwarded_trains_are_copies) {
  ForwardedTrains trains;
  std::vector<std::uint8_t> first(1'000, 1);
  std::vector<std::uint8_t> second(2'000, 2);
  ReceivedTrain train = train_of(second);
  train.segment_size = 1'500;
  train.ecn = Ecn::kCe;
  train.tuple.remote = ipv4_address({192, 0, 2, 1}, 443);
  ASSERT_TRUE(trains.add(train_of(first)));
  ASSERT_TRUE(trains.add(train));
  Mailbox mailbox;
  EXPECT_EQ(mailbox.forward(trains), 0u);
  std::fill(second.begin(), second.end(), 9);
  trains.clear();

  std::vector<std::unique_ptr<Task>> tasks;
  mailbox.take(tasks, trains);
  const auto views = trains.views();
  ASSERT_EQ(views.size(), 2u);
  EXPECT_TRUE(equal(views[0].bytes, first));
  EXPECT_EQ(views[1].bytes.size(), 2'000u);
  EXPECT_EQ(views[1].bytes.front(), 2);
  EXPECT_EQ(views[1].segment_size, 1'500u);
  EXPECT_EQ(views[1].ecn, Ecn::kCe);
  EXPECT_EQ(views[1].tuple, train.tuple);
}

TEST(mailbox, forwarded_octets_are_bounded) {
  ForwardedTrains trains;
  std::vector<std::uint8_t> octets(ForwardedTrains::kOctetsMax / 4);
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(trains.add(train_of(octets)));
  std::vector<std::uint8_t> one(1);
  EXPECT_FALSE(trains.add(train_of(one)));
  EXPECT_EQ(trains.size(), 4u);
  Mailbox mailbox;
  EXPECT_EQ(mailbox.forward(trains), 0u);
  EXPECT_EQ(mailbox.forward(trains), 4u);
}

TEST(mailbox, forwarded_trains_are_bounded) {
  ForwardedTrains trains;
  std::vector<std::uint8_t> one(1);
  for (std::size_t i = 0; i < ForwardedTrains::kTrainsMax; ++i) ASSERT_TRUE(trains.add(train_of(one)));
  EXPECT_FALSE(trains.add(train_of(one)));
}

}  // namespace
}  // namespace hawser::runtime
