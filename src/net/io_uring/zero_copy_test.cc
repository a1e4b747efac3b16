// Goal: trains go without a copy where that works, no longer where it does not, and from memory
// that is not lent meanwhile. Method: completions as the kernel writes them, without a socket.
#include "net/io_uring/zero_copy.h"

#ifdef HAWSER_HAVE_URING

#include <gtest/gtest.h>

namespace hawser::net {
namespace {

constexpr std::uint32_t kSent = IORING_CQE_F_MORE;
constexpr std::uint32_t kRead = IORING_CQE_F_NOTIF;
constexpr std::int32_t kCopied = INT32_MIN;

class ZeroCopy : public testing::Test {
 protected:
  void SetUp() override {
    auto made = Uring::create(4, 16, 1);
    if (!made) GTEST_SKIP() << made.error().message;
    ring_ = std::move(*made);
    sender_.emplace(*ring_, 4, UringZeroCopy::kAuto);
  }
  void complete(std::int32_t result, std::uint32_t flags, std::size_t slot = 0) {
    io_uring_cqe completion{};
    completion.res = result;
    completion.flags = flags;
    sender_->on_completion(completion, slot);
  }
  bool wants(std::size_t size = 60'000) {
    TransmitTrain train;
    train.size = size;
    return sender_->wants(train);
  }

  std::unique_ptr<Uring> ring_;
  std::optional<ZeroCopySender> sender_;
};

TEST_F(ZeroCopy, small_trains_are_copied) {
  EXPECT_FALSE(wants(1'400));
  EXPECT_TRUE(wants(60'000));
}

TEST_F(ZeroCopy, slot_is_not_lent_until_it_was_read) {
  std::array<TransmitTrain, 4> trains;
  ASSERT_EQ(sender_->lend(trains), 4u);
  const std::uint8_t* const second = trains[1].buffer.data();
  complete(60'000, kSent, 1);
  ASSERT_EQ(sender_->lend(trains), 3u);
  for (std::size_t i = 0; i < 3; ++i) EXPECT_NE(trains[i].buffer.data(), second);
  complete(0, kRead, 1);
  EXPECT_EQ(sender_->lend(trains), 4u);
}

TEST_F(ZeroCopy, way_that_copies_is_left_alone_and_tried_again_much_later) {
  int tried = 0;
  for (; tried < 1'000 && wants(); ++tried) {
    complete(60'000, kSent);
    complete(kCopied, kRead);
  }
  EXPECT_EQ(tried, 16);
  int copied = 1;
  for (; copied < 100'000 && !wants(); ++copied) {
  }
  EXPECT_EQ(copied, 7'999);  // and the one that ended the first loop
}

TEST_F(ZeroCopy, way_that_does_not_copy_is_kept) {
  for (int i = 0; i < 1'000; ++i) {
    ASSERT_TRUE(wants());
    complete(60'000, kSent);
    complete(i % 3 == 0 ? kCopied : 0, kRead);
  }
}

TEST_F(ZeroCopy, full_socket_is_no_reason_to_copy) {
  for (int i = 0; i < 1'000; ++i) {
    ASSERT_TRUE(wants());
    complete(-EAGAIN, 0);
    EXPECT_EQ(sender_->outcome(), EAGAIN);
  }
}

TEST_F(ZeroCopy, kernel_that_cannot_is_asked_no_more) {
  int tried = 0;
  for (; tried < 1'000 && wants(); ++tried) {
    complete(-EOPNOTSUPP, kSent);
    complete(0, kRead);  // which is no success of a train that was not sent
  }
  EXPECT_EQ(tried, 16);
}

}  // namespace
}  // namespace hawser::net

#endif  // HAWSER_HAVE_URING
