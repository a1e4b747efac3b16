// qlog_stalls.h: what kept a sender from sending, and for how long, from connection_data_blocked_updated.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "qlog_reader.h"

namespace hawser::app {

enum class StallReason : std::uint8_t {
  kNone,  // nothing: it sent, at the pace of its controller
  kCongestion,
  kPacing,
  kAmplification,
  kFlowControl,  // of the connection or of every stream that has data
  kStreamId,
  kApplication,
  kOther,  // a reason that this program does not know
};
inline constexpr std::size_t kStallReasons = 8;

// "the congestion window"; for kNone "nothing (it sent, or paced)".
std::string_view stall_text(StallReason reason);

struct Stall {
  StallReason reason = StallReason::kNone;
  double from_ms = 0;
  double to_ms = 0;
};

// Follows one connection: each event that ends a state gives the interval that it took.
class StallClock {
 public:
  std::optional<Stall> add(const QlogEvent& event);
  // What holds at the end of the log.
  [[nodiscard]] std::optional<Stall> rest(double end_ms) const;
  [[nodiscard]] bool is_known() const { return is_known_; }

 private:
  StallReason reason_ = StallReason::kNone;
  double since_ms_ = 0;
  bool is_known_ = false;
};

// Sums by reason.
struct StallSums {
  struct Sum {
    double total_ms = 0;
    double longest_ms = 0;
    std::uint64_t count = 0;
  };
  std::array<Sum, kStallReasons> sums{};

  void add(const Stall& stall);
};

}  // namespace hawser::app
