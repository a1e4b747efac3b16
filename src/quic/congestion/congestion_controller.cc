// congestion_controller.cc: controllers by name.
#include "quic/congestion/congestion_controller.h"

#include <string>

#include "quic/congestion/cubic.h"
#include "quic/congestion/newreno.h"

namespace hawser::quic {

std::string_view to_string(CongestionPhase phase) {
  switch (phase) {
    case CongestionPhase::kSlowStart:
      return "slow_start";
    case CongestionPhase::kConservativeSlowStart:
      return "conservative_slow_start";
    case CongestionPhase::kCongestionAvoidance:
      return "congestion_avoidance";
    case CongestionPhase::kRecovery:
      return "recovery";
  }
  return "unknown";
}

std::expected<std::unique_ptr<CongestionController>, ConfigError> make_congestion_controller(
    std::string_view name, std::uint64_t max_datagram_size) {
  if (name == "cubic") return std::make_unique<Cubic>(max_datagram_size);
  if (name == "newreno") return std::make_unique<NewReno>(max_datagram_size);
  return std::unexpected(
      ConfigError{"congestion controller '" + std::string(name) + "' is unknown: give cubic or newreno"});
}

}  // namespace hawser::quic
