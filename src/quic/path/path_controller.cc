// path_controller.cc: exchanging the congestion controller of a path while packets are in flight.
#include <algorithm>

#include "quic/path/path.h"

namespace hawser::quic {

namespace {

bool still_growing(CongestionPhase phase) {
  return phase == CongestionPhase::kSlowStart || phase == CongestionPhase::kConservativeSlowStart ||
         phase == CongestionPhase::kStartup;
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

void Path::set_controller(std::unique_ptr<CongestionController> controller, Timestamp now) {
  controller->adopt(knowledge_of(*controller_, loss_.rtt(), now));
  loss_.set_controller(*controller);
  controller_ = std::move(controller);
  active_.ecn().set_codepoint(controller_->ecn_codepoint());
  for (OtherNetworkPath& other : others()) other.network_path.ecn().set_codepoint(controller_->ecn_codepoint());
  update_pacing_rate();
}

}  // namespace hawser::quic
