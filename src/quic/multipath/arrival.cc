// arrival.cc: estimates from the facts of one path.
#include "quic/multipath/arrival.h"

#include <algorithm>

namespace hawser::quic {

namespace {

// As much variation as RFC 9002 section 6.2.1 allows before it calls for a probe, and what acknowledgements
// are held back by default (RFC 9000 section 18.2).
constexpr int kVariations = 4;
constexpr Duration kAckDelay = 25ms;

// A path delivers much beside another if that is so many times as much.
constexpr double kMuch = 8;

// Octets a second of full windows. What a pacer allows is no measure of a path: at first it allows anything.
double window_rate(const PathFacts& path) {
  return static_cast<double>(path.congestion_window) / std::max(to_seconds(path.smoothed_rtt), 1e-6);
}

Duration of_seconds(double seconds) {
  constexpr double kLongest = 3600;
  return Duration{static_cast<std::int64_t>(std::min(seconds, kLongest) * 1e9)};
}

}  // namespace

double delivery_rate(const PathFacts& path) {
  if (path.bytes_per_second != 0) return static_cast<double>(path.bytes_per_second);
  return window_rate(path);
}

Duration one_way_delay(const PathFacts& path) {
  return path.smoothed_rtt -
         std::min(path.min_rtt != Duration{0} ? path.min_rtt : path.smoothed_rtt, path.smoothed_rtt) / 2;
}

Duration expected_wait(const PathFacts& path, Timestamp now) {
  if (path.may_send) return Duration{0};
  if (path.may_send_at != kNever) return std::max(path.may_send_at - now, Duration{0});
  if (is_silent(path, now)) return 2 * path.smoothed_rtt;
  const auto datagrams = static_cast<std::int64_t>(path.bytes_in_flight / std::max<std::uint32_t>(path.mtu, 1));
  return path.smoothed_rtt / std::max<std::int64_t>(datagrams, 1);
}

Duration expected_arrival(const PathFacts& path, std::uint64_t octets, Timestamp now) {
  const double sending = static_cast<double>(octets) / std::max(delivery_rate(path), 1.0);
  return expected_wait(path, now) + of_seconds(sending) + one_way_delay(path);
}

bool ends_sooner_elsewhere(const SchedulerView& view, std::size_t index) {
  const Demand& demand = view.demand;
  const PathFacts& here = view.path(index);
  const auto sooner = [&](std::uint64_t waiting, double least_rate) {
    // No more than waits: of two paths never each is the other's better, or nobody would send.
    const Duration arrival = expected_arrival(here, std::min<std::uint64_t>(here.mtu, waiting), view.now);
    for (const std::size_t other : view.candidates) {
      const PathFacts& there = view.path(other);
      if (other != index && will_send(there) && window_rate(there) >= least_rate &&
          expected_arrival(there, waiting, view.now) < arrival)
        return true;
    }
    return false;
  };
  // While what was lost waits nothing new goes here either: that has to be little beside what goes there.
  return (demand.is_last && sooner(demand.bytes_waiting, 0)) ||
         (demand.bytes_lost != 0 && sooner(demand.bytes_lost, kMuch * window_rate(here)));
}

bool will_send(const PathFacts& path) {
  return path.may_send || path.may_send_at != kNever || path.bytes_in_flight != 0;
}

bool is_silent(const PathFacts& path, Timestamp now) {
  if (path.bytes_in_flight == 0 || path.acknowledged_at == Timestamp::min()) return false;
  return now - path.acknowledged_at > path.smoothed_rtt + kVariations * path.rtt_variation + kAckDelay;
}

}  // namespace hawser::quic
