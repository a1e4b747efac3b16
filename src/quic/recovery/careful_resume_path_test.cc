// Goal: over a path that is as it was, Careful Resume saves round trips; over one that became slower it costs
// no more than slow start would. Method: the real loss detector and pacer over a model of one
// bottleneck, in virtual time, with and without a memory of the path.
#include <gtest/gtest.h>

#include "quic/congestion/careful_resume.h"
#include "quic/recovery/path_model.h"

namespace hawser::quic {
namespace {

struct Agreeing final : CarefulResumeObserver {
  std::vector<CarefulResumePhase> phases;
  CarefulResumeTrigger claim(Timestamp) override { return CarefulResumeTrigger::kNone; }
  void on_step(const CarefulResumeStep& step) override { phases.push_back(step.new_phase); }
};

// 100 Mbit/s over 100 ms: 1.25 MB.
constexpr PathModelOptions kPath{.bytes_per_second = 12'500'000, .rtt = 100ms, .buffer = 1'250'000};
constexpr SavedPath kSaved{.cwnd = 1'250'000, .rtt = 100ms};
constexpr std::uint64_t kMaxJump = 16 << 20;

std::unique_ptr<CongestionController> careful(std::string_view name, Agreeing& observer) {
  return std::make_unique<CarefulResume>(*make_congestion_controller(name, PathModel::kSize), kSaved, kMaxJump,
                                         PathModel::kSize, observer);
}

TEST(careful_resume_path, the_first_round_trips_carry_far_more_over_a_known_path) {
  for (const std::string_view name : {"newreno", "cubic", "bbr", "bbr1", "bbr2", "copa", "prague"}) {
    PathModel cold(*make_congestion_controller(name, PathModel::kSize), kPath);
    Agreeing observer;
    PathModel warm(careful(name, observer), kPath);
    cold.run_for(500ms);
    warm.run_for(500ms);
    using enum CarefulResumePhase;
    EXPECT_EQ(observer.phases, (std::vector{kUnvalidated, kValidating, kNormal})) << name;
    EXPECT_GT(warm.utilisation(), 2 * cold.utilisation()) << name;
  }
}

TEST(careful_resume_path, a_jump_fills_no_queue) {
  Agreeing observer;
  PathModel warm(careful("cubic", observer), kPath);
  warm.run_for(210ms);  // until the first of it is acknowledged and slow start goes on
  EXPECT_LT(warm.queue_delay_max(), 3ms);
}

// The path carries a tenth of what it did, and its buffer no more than that.
TEST(careful_resume_path, a_path_that_became_slower_is_left_in_peace_at_once) {
  for (const std::string_view name : {"newreno", "cubic", "bbr", "bbr2", "copa", "prague"}) {
    PathModelOptions slow = kPath;
    slow.bytes_per_second /= 10;
    slow.buffer /= 10;
    Agreeing observer;
    PathModel path(careful(name, observer), slow);
    path.run_for(700ms);
    using enum CarefulResumePhase;
    ASSERT_GE(observer.phases.size(), 3u) << name;
    EXPECT_EQ(observer.phases[1], kValidating) << name;
    EXPECT_EQ(observer.phases[2], kSafeRetreat) << name;
    // No more is lost than the jump brought in.
    EXPECT_LT(path.overflowed() * PathModel::kSize, kSaved.cwnd / 2) << name;
    EXPECT_LE(path.loss().bytes_in_flight(), path.bdp() + slow.buffer) << name;
    path.run_for(2s);
    EXPECT_EQ(observer.phases.back(), kNormal) << name;
    path.run_for(10s);
    EXPECT_GT(path.utilisation(), 0.6) << name;
  }
}

}  // namespace
}  // namespace hawser::quic
