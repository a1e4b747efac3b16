// path_memory.cc: when what is remembered of a path may be used, and what of a path is remembered.
#include "quic/connection/path_memory.h"

#include <algorithm>

#include "quic/connection/resume_claims.h"

namespace hawser::quic {
namespace {

// Who keeps it is told again when it differs by more than an eighth, or after a quarter of its lifetime.
constexpr std::uint64_t kNewsDivisor = 8;
constexpr std::int64_t kNewsLifetimeDivisor = 4;

bool same_host(const SocketAddress& a, const SocketAddress& b) {
  return a.family == AddressFamily::kNone || b.family == AddressFamily::kNone || a.same_ip(b);
}

std::uint64_t part_of(std::uint64_t octets, Duration part, Duration whole) {
  return static_cast<std::uint64_t>(static_cast<double>(octets) * to_seconds(part) / to_seconds(whole));
}

}  // namespace

void PathMemory::resume(const SavedPath& saved, Timestamp now) {
  given_ = Observed{.path = saved, .at = now};
  path_.begin_careful_resume(saved, config_.careful_resume_jump_max.value, *this);
  events_.emit(CarefulResumePhaseUpdated{.new_phase = CarefulResumePhase::kReconnaissance,
                                         .congestion_window = path_.controller().congestion_window(),
                                         .saved_congestion_window = saved.cwnd,
                                         .saved_rtt = saved.rtt});
}

// rfc9959:3.2-endpoint
bool PathMemory::is_here(const SavedPath& saved) const {
  const FourTuple& tuple = path_.active().tuple();
  return same_host(saved.local, tuple.local) && same_host(saved.remote, tuple.remote);
}

SavedPath PathMemory::aged(const Observed& observed, Timestamp now) const {
  SavedPath path = observed.path;
  path.age += now - observed.at;
  return path;
}

CarefulResumeTrigger PathMemory::claim(Timestamp now) {
  const SavedPath saved = aged(*given_, now);
  // Whatever comes of it, it is not used again.
  given_.reset();
  if (!is_here(saved)) return CarefulResumeTrigger::kPathChanged;
  // rfc9959:3.2-lifetime
  if (saved.age > config_.careful_resume_lifetime) return CarefulResumeTrigger::kLifetimeExceeded;
  if (claims_ != nullptr && !claims_->claim(path_.active().tuple().remote, now - saved.age, now))
    return CarefulResumeTrigger::kParametersUsed;
  return CarefulResumeTrigger::kNone;
}

void PathMemory::on_step(const CarefulResumeStep& step) {
  if (step.new_phase == CarefulResumePhase::kUnvalidated) jumped_to_ = step.congestion_window;
  if (step.new_phase == CarefulResumePhase::kSafeRetreat) retreated_ = true;
  CarefulResumePhaseUpdated event{.old_phase = step.old_phase,
                                  .new_phase = step.new_phase,
                                  .pipe_size = step.pipe_size,
                                  .congestion_window = step.congestion_window,
                                  .trigger = step.trigger};
  if (step.ssthresh != UINT64_MAX) event.ssthresh = step.ssthresh;
  events_.emit(event);
}

Timestamp PathMemory::look(Timestamp now) {
  if (const CarefulResume* careful = path_.careful_resume()) {
    if (!careful->over()) return Timestamp::min();
    path_.end_careful_resume();
  }
  observe(now);
  const RttEstimator& rtt = path_.loss().rtt();
  return now + kRoundsBetweenLooks * rtt.smoothed();
}

// What the path was seen to carry in its smallest round trip: less than a window that fills a queue as
// well, and in slow start half of it, since only that much has been acknowledged (section 4.1).
std::uint64_t PathMemory::carried() const {
  const CongestionSnapshot snapshot = path_.controller().snapshot();
  const RttEstimator& rtt = path_.loss().rtt();
  if (snapshot.bytes_per_second != 0) return part_of(snapshot.bytes_per_second, rtt.min(), 1s);
  if (snapshot.phase == CongestionPhase::kRecovery) return 0;  // on its way from one window to another
  const bool growing =
      snapshot.phase == CongestionPhase::kSlowStart || snapshot.phase == CongestionPhase::kConservativeSlowStart;
  const std::uint64_t window = growing ? snapshot.congestion_window / 2 : snapshot.congestion_window;
  return part_of(window, rtt.min(), std::max(rtt.smoothed(), rtt.min()));
}

// rfc9959:3.1-one-set rfc9959:3.1-updated
void PathMemory::observe(Timestamp now) {
  const RttEstimator& rtt = path_.loss().rtt();
  if (!rtt.has_sample()) return;
  const std::uint64_t cwnd = carried();
  if (cwnd < kWorthInitialWindows * initial_window(path_.active().mtu())) return;
  const FourTuple& tuple = path_.active().tuple();
  observed_ =
      Observed{.path = {.cwnd = cwnd, .rtt = rtt.min(), .local = tuple.local, .remote = tuple.remote}, .at = now};
  given_.reset();
  const std::uint64_t difference = cwnd > told_ ? cwnd - told_ : told_ - cwnd;
  const Duration old = config_.careful_resume_lifetime / kNewsLifetimeDivisor;
  if (difference <= told_ / kNewsDivisor && now - told_at_ < old) return;
  told_ = cwnd;
  told_at_ = now;
  news_ = true;
}

std::optional<SavedPath> PathMemory::saved(Timestamp now) const {
  for (const std::optional<Observed>* known : {&observed_, &given_})
    if (known->has_value() && is_here((*known)->path)) {
      const SavedPath path = aged(**known, now);
      if (path.age <= config_.careful_resume_lifetime) return path;
    }
  return std::nullopt;
}

}  // namespace hawser::quic
