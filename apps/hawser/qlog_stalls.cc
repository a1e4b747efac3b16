// qlog_stalls.cc: the reasons' names of the drafts and the words for them.
#include "qlog_stalls.h"

#include <algorithm>

#include "qlog_values.h"

namespace hawser::app {
namespace {

struct Reason {
  std::string_view name;  // of draft-ietf-quic-qlog-quic-events section 7
  StallReason reason;
};
constexpr Reason kReasons[] = {
    {"congestion_control", StallReason::kCongestion},
    {"pacing", StallReason::kPacing},
    {"amplification_protection", StallReason::kAmplification},
    {"connection_flow_control", StallReason::kFlowControl},
    {"stream_flow_control", StallReason::kFlowControl},
    {"stream_id", StallReason::kStreamId},
    {"application", StallReason::kApplication},
};

constexpr std::array<std::string_view, kStallReasons> kTexts = {
    "nothing (it sent, or paced)",  "the congestion window", "pacing",          "the amplification limit",
    "flow control of the receiver", "the stream limit",      "the application", "something else"};

}  // namespace

std::string_view stall_text(StallReason reason) {
  return kTexts[static_cast<std::size_t>(reason)];
}

std::optional<Stall> StallClock::add(const QlogEvent& event) {
  if (event.event != "connection_data_blocked_updated") return std::nullopt;
  StallReason next = StallReason::kNone;
  if (qlog_word(event.data, "new") == "blocked") {
    const auto* const found =
        std::ranges::find(kReasons, qlog_word(event.data, "reason"), [](const Reason& r) { return r.name; });
    next = found == std::end(kReasons) ? StallReason::kOther : found->reason;
  }
  const std::optional<Stall> ended = rest(event.time_ms);
  reason_ = next;
  since_ms_ = event.time_ms;
  is_known_ = true;
  return ended;
}

std::optional<Stall> StallClock::rest(double end_ms) const {
  if (!is_known_ || end_ms < since_ms_) return std::nullopt;
  return Stall{reason_, since_ms_, end_ms};
}

void StallSums::add(const Stall& stall) {
  Sum& sum = sums[static_cast<std::size_t>(stall.reason)];
  const double ms = stall.to_ms - stall.from_ms;
  sum.total_ms += ms;
  sum.longest_ms = std::max(sum.longest_ms, ms);
  ++sum.count;
}

}  // namespace hawser::app
