// own_controller.cc: a congestion controller that does not come with the library: it yields. It keeps the queue
// at about 10 ms, adding a datagram for each window while the round trip is short and giving up an eighth when it
// is not. The program makes it known by a name, as an application would before it connects, and shows what it gets
// of a simulated link of 20 Mbit/s and 40 ms, and what it leaves in the queue.
#include "hawser/congestion_controller.h"

#include <algorithm>
#include <cstdio>

#include "sim/congestion.h"

namespace {

using namespace std::chrono_literals;

class Yielding final : public hawser::CongestionController {
 public:
  explicit Yielding(const hawser::CongestionStart& start)
      : datagram_(start.datagram_octets), window_(start.initial_window) {}

  void on_ack(const hawser::CongestionAck& ack) noexcept override {
    if (ack.application_limited || ack.rtt_us == 0) return;
    if (ack.rtt_us < ack.min_rtt_us + kTarget_us) {
      // Twice the window in a round trip until the first queue, a datagram in a round trip after it.
      window_ += slow_start_ ? ack.acked_octets : datagram_ * ack.acked_octets / window_;
    } else if (ack.largest_acked_sent_us > reduced_at_us_) {
      reduce(window_ - window_ / 8, ack.now_us);
    }
  }
  void on_loss(const hawser::CongestionLoss& loss) noexcept override {
    if (loss.persistent) return reduce(0, loss.now_us);
    if (loss.largest_lost_sent_us > reduced_at_us_) reduce(window_ / 2, loss.now_us);
  }
  void on_mtu_change(std::uint64_t datagram_octets) noexcept override { datagram_ = datagram_octets; }
  void on_known(const hawser::CongestionKnown& known) noexcept override { window_ = std::max(window_, known.window); }
  std::uint64_t window() const noexcept override { return window_; }
  bool in_slow_start() const noexcept override { return slow_start_; }

 private:
  // Longer than the peer may hold an acknowledgement back under ACK_FREQUENCY: round trips of a path without a queue
  // differ by that much, and half of the link would go unused.
  static constexpr std::uint64_t kTarget_us = 10'000;

  void reduce(std::uint64_t window, std::uint64_t now_us) {
    window_ = std::max(window, 2 * datagram_);
    slow_start_ = false;
    reduced_at_us_ = now_us;
  }

  std::uint64_t datagram_;
  std::uint64_t window_;
  bool slow_start_ = true;
  std::uint64_t reduced_at_us_ = 0;
};

std::unique_ptr<hawser::CongestionController> make(const void*, const hawser::CongestionStart& start) {
  return std::make_unique<Yielding>(start);
}

}  // namespace

int main() {
  if (const auto added = hawser::add_congestion_controller("yielding", &make); !added) {
    std::fprintf(stderr, "%s\n", added.error().message.c_str());
    return 1;
  }
  const hawser::sim::HopSpec link{.bits_per_second = 20'000'000, .queue = {.bytes_max = 400'000}};
  bool good = true;
  for (const char* name : {"yielding", "cubic"}) {
    auto setup = hawser::sim::dumbbell(link, {{.controller = name, .rtt = 40ms}});
    setup.duration = 30s;
    setup.warmup = 15s;
    const auto result = hawser::sim::run_congestion(setup).value();
    const auto& flow = result.flows[0];
    std::printf("%-9s %5.2f Mbit/s, 99th percentile of the queue %.1f ms\n", name, flow.steady_goodput_bps / 1e6,
                hawser::to_seconds(flow.delay_p99) * 1e3);
    good = good && flow.failure.empty() && flow.steady_goodput_bps > 10e6;  // half of the link
  }
  return good ? 0 : 1;
}
