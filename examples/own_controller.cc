// own_controller.cc: a congestion controller that does not come with the library: it yields. It keeps the queue
// at about 10 ms, adding a datagram for each window while the round trip is short and giving up an eighth when it
// is not. The program makes it known by a name, as an application would before it connects, and shows what it gets
// of a simulated link of 20 Mbit/s and 40 ms, and what it leaves in the queue.
#include <algorithm>
#include <cstdio>

#include "quic/congestion/congestion_controller.h"
#include "sim/congestion.h"

namespace {

using namespace std::chrono_literals;
using hawser::Duration;
using hawser::Timestamp;

// Longer than the peer may hold an acknowledgement back under ACK_FREQUENCY: round trips of a path without a queue
// differ by that much, and half of the link would go unused.
constexpr Duration kTarget = 10ms;

class Yielding final : public hawser::quic::CongestionController {
 public:
  explicit Yielding(std::uint64_t max_datagram_size) { reset(max_datagram_size); }

  void on_packet_sent(std::uint64_t, std::uint64_t, Timestamp) override {}
  void on_ack(const hawser::quic::AckEvent& event) override {
    if (event.app_limited || !event.latest_rtt) return;
    const bool queue_is_short = *event.latest_rtt < event.min_rtt + kTarget;
    if (queue_is_short) {
      // Twice the window in a round trip until the first queue, a datagram in a round trip after it.
      window_ += slow_start_ ? event.acked_bytes : datagram_ * event.acked_bytes / window_;
    } else if (event.largest_acked_sent_time > reduced_at_) {
      reduce(window_ - window_ / 8, event.now);
    }
    window_ = std::min(window_, hawser::quic::kMaxWindowBytes);
  }
  void on_loss(const hawser::quic::LossEvent& event) override {
    if (event.persistent_congestion) return reduce(0, event.now);
    if (event.largest_lost_sent_time > reduced_at_) reduce(window_ / 2, event.now);
  }
  void on_ecn_ce(std::uint64_t, Timestamp sent_time, Timestamp now) override {
    if (sent_time > reduced_at_) reduce(window_ / 2, now);
  }
  void on_spurious_loss(Timestamp) override {}
  void on_packets_discarded(std::uint64_t) override {}
  void on_mtu_change(std::uint64_t max_datagram_size) override { datagram_ = max_datagram_size; }
  void adopt(const hawser::quic::PathKnowledge& known) override { window_ = std::max(window_, known.window); }
  void reset(std::uint64_t max_datagram_size) override {
    datagram_ = max_datagram_size;
    window_ = hawser::quic::initial_window(datagram_);
    slow_start_ = true;
    reduced_at_ = Timestamp::min();
  }

  std::uint64_t congestion_window() const override { return window_; }
  Timestamp recovery_start_time() const override { return reduced_at_; }
  hawser::quic::CongestionSnapshot snapshot() const override {
    return {.congestion_window = window_,
            .phase = slow_start_ ? hawser::quic::CongestionPhase::kSlowStart
                                 : hawser::quic::CongestionPhase::kCongestionAvoidance};
  }
  std::string_view name() const override { return "yielding"; }
  std::size_t memory() const override { return sizeof *this; }

 private:
  void reduce(std::uint64_t window, Timestamp now) {
    window_ = std::max(window, hawser::quic::minimum_window(datagram_));
    slow_start_ = false;
    reduced_at_ = now;
  }

  std::uint64_t datagram_ = 0;
  std::uint64_t window_ = 0;
  bool slow_start_ = true;
  Timestamp reduced_at_ = Timestamp::min();
};

std::unique_ptr<hawser::quic::CongestionController> make(const void*, std::uint64_t max_datagram_size) {
  return std::make_unique<Yielding>(max_datagram_size);
}

}  // namespace

int main() {
  if (const auto added = hawser::quic::add_congestion_controller("yielding", &make, nullptr); !added) {
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
