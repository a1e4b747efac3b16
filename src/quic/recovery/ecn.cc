// ecn.cc: the state machine of RFC 9000 appendix A.4 and the checks of section 13.4.2.1.
#include "quic/recovery/ecn.h"

#include <algorithm>

#include "base/check.h"

namespace hawser::quic {

EcnValidator::EcnValidator(bool enabled, Ecn codepoint)
    : enabled_(enabled), codepoint_(codepoint), state_(enabled ? EcnState::kTesting : EcnState::kFailed) {}

void EcnValidator::set_codepoint(Ecn codepoint) {
  if (codepoint == codepoint_) return;
  codepoint_ = codepoint;
  sent_marked_ = lost_marked_ = 0;
  state_ = enabled_ ? EcnState::kTesting : EcnState::kFailed;
}

void EcnValidator::inherit_counts(const EcnValidator& previous) {
  for (std::size_t i = 0; i < 3; ++i) last_[i] = previous.last_[i];
  total_ect0_ = std::max(total_ect0_, previous.total_ect0_);
  total_ect1_ = std::max(total_ect1_, previous.total_ect1_);
}

void EcnValidator::on_packet_sent(Ecn mark, Timestamp now, Duration pto) {
  if (mark == Ecn::kEct0) ++total_ect0_;
  if (mark == Ecn::kEct1) ++total_ect1_;
  if (state_ != EcnState::kTesting || mark == Ecn::kNotEct) return;
  if (sent_marked_ == 0) testing_since_ = now;
  ++sent_marked_;
  if (sent_marked_ >= kTestingPackets || now - testing_since_ > pto * kTestingPtos) state_ = EcnState::kUnknown;
}

void EcnValidator::on_packets_lost(std::uint64_t marked_packets) {
  if (state_ != EcnState::kTesting && state_ != EcnState::kUnknown) return;
  lost_marked_ += static_cast<std::uint32_t>(marked_packets);
  // Marked packets that all vanish may be dropped for their mark.
  if (state_ == EcnState::kUnknown && lost_marked_ >= sent_marked_) state_ = EcnState::kFailed;
}

bool EcnValidator::counts_are_faithful(const EcnCounts& before, const EcnCounts& counts, std::uint64_t newly_acked_ect0,
                                       std::uint64_t newly_acked_ect1) const {
  if (counts.ect0 < before.ect0 || counts.ect1 < before.ect1 || counts.ce < before.ce) return false;
  const std::uint64_t ce = counts.ce - before.ce;
  // Every marked packet shows up under its mark, or as CE; less means bleaching.
  if (counts.ect0 - before.ect0 + ce < newly_acked_ect0) return false;
  if (counts.ect1 - before.ect1 + ce < newly_acked_ect1) return false;
  // More of a mark than was ever sent means that someone on the path rewrites it.
  return counts.ect0 <= total_ect0_ && counts.ect1 <= total_ect1_;
}

// rfc9000:13.4.2.2-disable rfc9000:13.4.2.2-later rfc9000:13.4.2.1-reordered
std::uint64_t EcnValidator::on_ack(std::size_t space_index, std::uint64_t newly_acked_ect0,
                                   std::uint64_t newly_acked_ect1, const std::optional<EcnCounts>& counts) {
  HAWSER_DCHECK(space_index < 3);
  if (!enabled_ || state_ == EcnState::kFailed) return 0;
  const std::uint64_t marked = newly_acked_ect0 + newly_acked_ect1;
  if (!counts.has_value()) {
    // The peer reports nothing: it, or the path, hides the marks.
    if (marked != 0) state_ = EcnState::kFailed;
    return 0;
  }
  EcnCounts& before = last_[space_index];
  if (!counts_are_faithful(before, *counts, newly_acked_ect0, newly_acked_ect1)) {
    state_ = EcnState::kFailed;
    return 0;
  }
  const std::uint64_t new_ce = counts->ce - before.ce;
  before = *counts;
  // Losing every testing packet but one to CE would also be faithful; a path that marks all
  // of them is treated as congested, not as broken.
  if (marked != 0) state_ = EcnState::kCapable;
  return new_ce;
}

}  // namespace hawser::quic
