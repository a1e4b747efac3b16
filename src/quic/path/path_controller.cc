// path_controller.cc: exchanging the congestion controller of a path while packets are in flight.
#include <algorithm>
#include <utility>

#include "base/check.h"
#include "quic/congestion/coupling.h"
#include "quic/path/path.h"

namespace hawser::quic {

namespace {

bool still_growing(CongestionPhase phase) {
  return phase == CongestionPhase::kSlowStart || phase == CongestionPhase::kConservativeSlowStart ||
         phase == CongestionPhase::kStartup || phase == CongestionPhase::kReconnaissance ||
         phase == CongestionPhase::kUnvalidated || phase == CongestionPhase::kValidating;
}

// What a controller knows of its path. Where it measured a rate, that says more than its window, which
// may be several times what the path holds.
PathKnowledge knowledge_of(const CongestionController& controller, const RttEstimator& rtt, Timestamp now) {
  const CongestionSnapshot snapshot = controller.snapshot();
  PathKnowledge known{.now = now, .window = snapshot.congestion_window};
  if (!rtt.has_sample()) return known;
  const double seconds = to_seconds(rtt.smoothed());
  known.min_rtt = rtt.min();
  known.bytes_per_second = snapshot.bytes_per_second != 0
                               ? snapshot.bytes_per_second
                               : static_cast<std::uint64_t>(static_cast<double>(known.window) / seconds);
  if (snapshot.bytes_per_second != 0) {
    const auto held = static_cast<std::uint64_t>(static_cast<double>(snapshot.bytes_per_second) * seconds);
    known.window = std::min(known.window, held);
  }
  if (!still_growing(snapshot.phase)) known.ssthresh = known.window;
  return known;
}

}  // namespace

void Path::begin_careful_resume(const SavedPath& saved, std::uint64_t max_jump, CarefulResumeObserver& observer) {
  auto careful = std::make_unique<CarefulResume>(std::move(controller_), saved, max_jump, active_.mtu(), observer);
  careful_resume_ = careful.get();
  controller_ = std::move(careful);
  loss_.set_controller(*controller_);
}

void Path::end_careful_resume() {
  std::unique_ptr<CongestionController> inner = std::exchange(careful_resume_, nullptr)->release();
  loss_.set_controller(*inner);
  controller_ = std::move(inner);
  update_pacing_rate();
}

void Path::set_controller(std::unique_ptr<CongestionController> controller, Timestamp now) {
  if (careful_resume_ != nullptr) {
    careful_resume_->give_up(now);
    end_careful_resume();
  }
  controller->adopt(knowledge_of(*controller_, loss_.rtt(), now));
  pass_on_coupling(*controller_, *controller);
  loss_.exchange_controller(*controller);
  controller_ = std::move(controller);
  // The choice holds where the peer may turn out to be still, too; what was learnt there is what it begins from.
  if (const OtherNetworkPath* before = previous(); before != nullptr && before->learnt != nullptr) {
    LearntBefore& learnt = *before->learnt;
    auto successor = make_congestion_controller(controller_->name(), before->network_path.mtu());
    HAWSER_CHECK(successor.has_value());
    (*successor)->adopt(knowledge_of(*learnt.controller, learnt.recovery.rtt, now));
    learnt.controller = std::move(*successor);
  }
  active_.ecn().set_codepoint(controller_->ecn_codepoint());
  for (OtherNetworkPath& other : others()) other.network_path.ecn().set_codepoint(controller_->ecn_codepoint());
  update_pacing_rate();
}

}  // namespace hawser::quic
