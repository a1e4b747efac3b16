// Goal: what BBR takes for a full pipe is a bandwidth that grows no more, and not the lack of samples.
// Method: rounds by hand, of ten packets each.
#include "quic/congestion/bbr_model.h"

#include <gtest/gtest.h>

namespace hawser::quic {
namespace {

class Rounds {
 public:
  Rounds() { model.reset(kPacket); }

  // One acknowledgement of all of it; 0: without a rate.
  void pass(std::uint64_t bytes_per_second, bool app_limited = false) {
    const AckEvent event{.acked_bytes = kBytes,
                         .rate = {.bytes_per_second = bytes_per_second,
                                  .delivered_bytes = kBytes,
                                  .prior_delivered_bytes = delivered_,
                                  .app_limited = app_limited}};
    delivered_ += kBytes;
    model.update_round(event);
    model.update_full_pipe(event);
  }

  BbrModel model;

 private:
  static constexpr std::uint64_t kPacket = 1'200;
  static constexpr std::uint64_t kBytes = 10 * kPacket;
  std::uint64_t delivered_ = 0;
};

TEST(bbr_model, three_rounds_without_growth_fill_the_pipe) {
  Rounds rounds;
  rounds.pass(1'000'000);
  rounds.pass(1'100'000);
  rounds.pass(1'200'000);
  EXPECT_FALSE(rounds.model.full_pipe_reached());
  rounds.pass(1'100'000);
  EXPECT_TRUE(rounds.model.full_pipe_reached());
}

// As on a path whose acknowledgements came by another one, or that was asked with a packet now and then.
TEST(bbr_model, rounds_that_tell_no_rate_do_not) {
  Rounds rounds;
  rounds.pass(1'000'000);
  for (int i = 0; i < 10; ++i) rounds.pass(0);
  for (int i = 0; i < 10; ++i) rounds.pass(1'000, true);
  EXPECT_FALSE(rounds.model.full_pipe_reached());
  rounds.pass(2'000'000);
  EXPECT_FALSE(rounds.model.full_pipe_now());
}

}  // namespace
}  // namespace hawser::quic
