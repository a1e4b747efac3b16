// Goal: datagrams with a deadline take a costly path only where the cheap one would be late. Method: a flow of
// datagrams of even rate from the server, over a cheap path and one that costs; what expired is counted.
#include <gtest/gtest.h>

#include "sim/bonded.h"

namespace hawser::sim {
namespace {

constexpr Duration kLifetime = 120ms;

class TimedFlow final : public BondedRun {
 public:
  TimedFlow(const std::string& scheduler, std::size_t per_tick)
      : BondedRun({.links = {link({rate(mbit(2), 100'000), delay(20ms)}), link({rate(mbit(10), 100'000), delay(15ms)})},
                   .octets = 0,
                   .scheduler = scheduler,
                   .datagrams = true}),
        per_tick_(per_tick) {}

  // Of all datagrams, those that expired before they could leave.
  [[nodiscard]] double expired() const {
    const quic::DatagramStats stats = server->datagram_stats();
    return static_cast<double>(stats.expired + stats.dropped) / static_cast<double>(stats.queued);
  }
  [[nodiscard]] std::uint64_t costly_octets() const { return server->paths()[1].bytes_sent; }

 private:
  void on_tick(Timestamp now) override {
    if (server == nullptr || server->paths().size() < 2 || state_at(*server, 1) != quic::PathState::kActive) return;
    ASSERT_TRUE(server->set_path_preference(quic::PathId{1}, {.cost = 1}).has_value());
    if (now < kWorldStart + 500ms) return;
    const std::vector<std::uint8_t> payload(900, 5);
    for (std::size_t i = 0; i < per_tick_; ++i) (void)server->send_datagram(payload, {.lifetime = kLifetime});
  }

  std::size_t per_tick_;
};

// 2.9 Mbit/s over 2 and 10.
TEST(deadline_flow, that_the_cheap_path_would_make_late_takes_both) {
  TimedFlow cheap("min-rtt", 2);
  TimedFlow timely("deadline", 2);
  cheap.pass(5s);
  timely.pass(5s);
  EXPECT_EQ(timely.failure(), "");
  EXPECT_GT(cheap.expired(), 0.15);
  EXPECT_LT(timely.expired(), 0.05);
}

// 1.4 Mbit/s: the cheap path is in time by itself.
TEST(deadline_flow, that_the_cheap_path_carries_in_time_costs_nothing) {
  TimedFlow timely("deadline", 1);
  timely.pass(5s);
  EXPECT_EQ(timely.failure(), "");
  EXPECT_LT(timely.expired(), 0.02);
  EXPECT_LT(timely.costly_octets(), 100'000u);
}

// A stream that grows evenly by 2.9 Mbit/s, with or without a deadline for what waits in it.
class TimedStream final : public BondedRun {
 public:
  explicit TimedStream(bool timed)
      : BondedRun({.links = {link({rate(mbit(2), 100'000), delay(20ms)}), link({rate(mbit(10), 100'000), delay(15ms)})},
                   .octets = 0,
                   .scheduler = "deadline"}),
        timed_(timed) {}

  [[nodiscard]] std::uint64_t costly_octets() const { return server->paths()[1].bytes_sent; }
  [[nodiscard]] double share_that_arrived() const {
    return static_cast<double>(client_end.octets) / static_cast<double>(written_);
  }

 private:
  void on_tick(Timestamp now) override {
    if (server == nullptr || server->paths().size() < 2 || state_at(*server, 1) != quic::PathState::kActive) return;
    ASSERT_TRUE(server->set_path_preference(quic::PathId{1}, {.cost = 1}).has_value());
    if (now < kWorldStart + 500ms) return;
    if (!stream_) stream_ = server->open_stream(false).value();
    const std::vector<std::uint8_t> more(1'800, 5);
    if (const auto taken = server->write(*stream_, more, false)) written_ += *taken;
    if (timed_) ASSERT_TRUE(server->set_stream_deadline(*stream_, now + kLifetime).has_value());
  }

  bool timed_;
  std::optional<quic::StreamId> stream_;
  std::uint64_t written_ = 0;
};

TEST(deadline_flow, of_a_stream_takes_the_costly_path_only_for_its_deadline) {
  TimedStream timed(true);
  TimedStream patient(false);
  timed.pass(5s);
  patient.pass(5s);
  EXPECT_FALSE(timed.client_end.watch.closed.has_value());
  EXPECT_GT(timed.share_that_arrived(), 0.95);
  EXPECT_GT(timed.costly_octets(), 300'000u);
  EXPECT_LT(patient.costly_octets(), 100'000u);
  EXPECT_LT(patient.share_that_arrived(), 0.85);
}

}  // namespace
}  // namespace hawser::sim
