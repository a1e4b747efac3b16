// sleep_check.h: an endpoint with nothing to say sleeps.
#pragma once

#include <cstddef>
#include <map>
#include <string>

#include "sim/application.h"
#include "sim/world.h"

namespace hawser::sim {

// While no datagram comes or goes, timers run out only a few times: what waits for its end (a rest, a closing
// connection, a path that is forgotten, a loss) has one of its own, and the idle timeout is the last: a few, ten at
// most in thousands of scenarios. A timer that goes on by itself, such as one in each round trip, is seen after this
// many. Packets that time out one after the other are lost within a round trip, so timers close to each other count as
// one. What an application does is not counted.
class SleepCheck final : public WireObserver {
 public:
  static constexpr std::size_t kTimersMax = 16;
  static constexpr Duration kApart = 100ms;

  explicit SleepCheck(Verdict& verdict) : verdict_(verdict) {}

  void on_sent(NodeId node, Bytes, const FourTuple&, Timestamp) override { nodes_.erase(node); }
  void on_received(NodeId node, Bytes, const FourTuple&, Timestamp) override { nodes_.erase(node); }
  void on_timer(NodeId node, Timestamp now) override {
    Silence& silence = nodes_[node];
    if (silence.timers != 0 && now - silence.latest < kApart) return;
    silence.latest = now;
    if (++silence.timers <= kTimersMax) return;
    verdict_.fail("node " + std::to_string(node) + " does not sleep: at " + std::to_string(to_us(now - kWorldStart)) +
                  " us " + std::to_string(silence.timers) + " timers ran out since its last datagram");
  }

 private:
  Verdict& verdict_;
  struct Silence {
    std::size_t timers = 0;
    Timestamp latest;  // that was counted
  };
  std::map<NodeId, Silence> nodes_;
};

}  // namespace hawser::sim
