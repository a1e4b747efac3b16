// Goal: under any pattern of loss, reordering, ACK loss and timeouts, every packet's frames end
// exactly once as acknowledged or lost, bytes_in_flight is the sum of what is unsettled, and
// the steady state allocates nothing.
// Method: a naive model of a map follows the detector over seeds; operator new is counted.
#include <map>
#include <set>

#include "quic/congestion/cubic.h"
#include "quic/recovery/ack_tracker.h"
#include "quic/recovery/recovery_harness.h"

namespace hawser::quic {
namespace {

struct Model {
  enum class End { kNone, kAcked, kLost };
  struct Packet {
    std::uint64_t size;
    bool ack_eliciting;
    bool in_flight;
    End end = End::kNone;
    bool late = false;
  };

  void settle(const RecoveryFrames& frames) {
    for (const SentFrame& frame : frames.acked) finish(frame.id, End::kAcked);
    for (const SentFrame& frame : frames.lost) finish(frame.id, End::kLost);
    for (const LostPacket& lost : frames.lost_packets) leave_flight(lost.packet_number);
    for (const SentFrame& frame : frames.late_acked) {
      Packet& packet = packets.at(frame.id);
      ASSERT_EQ(packet.end, End::kLost);
      ASSERT_FALSE(packet.late);
      packet.late = true;
      packet.in_flight = false;
    }
  }
  void finish(std::uint64_t pn, End end) {
    Packet& packet = packets.at(pn);
    ASSERT_EQ(packet.end, End::kNone) << pn;
    packet.end = end;
    if (end == End::kAcked) packet.in_flight = false;
  }
  void leave_flight(std::uint64_t pn) {
    ASSERT_TRUE(packets.at(pn).in_flight) << pn;
    packets.at(pn).in_flight = false;
  }
  std::uint64_t bytes_in_flight() const {
    std::uint64_t sum = 0;
    for (const auto& [pn, packet] : packets) sum += packet.in_flight ? packet.size : 0;
    return sum;
  }

  std::map<std::uint64_t, Packet> packets;
};

// One run: a sender, a channel that loses and reorders, a receiver that acknowledges.
class Simulation {
 public:
  explicit Simulation(std::uint64_t seed)
      : random_(seed),
        loss_rate_(random_.below(30)),
        reorder_rate_(random_.below(20)),
        loss_({.role = Role::kServer}, controller_) {
    loss_.on_handshake_confirmed(now_);
  }

  void play(int steps) {
    for (int i = 0; i < steps && !testing::Test::HasFatalFailure(); ++i) {
      now_ += std::chrono::microseconds(random_.below(3'000));
      if (random_.below(100) < 60) send_some();
      deliver();
      if (random_.below(100) < 50) acknowledge();
      expire();
      check();
    }
    drain();
  }

 private:
  void send_some() {
    for (std::uint64_t n = 1 + random_.below(8); n != 0; --n) {
      const std::uint64_t pn = loss_.next_packet_number(PacketNumberSpace::kApplication, random_).value;
      const bool eliciting = random_.below(10) != 0;
      const SentFrame frame{.kind = SentFrameKind::kDatagram, .id = pn};
      const std::uint64_t size = 40 + random_.below(1'400);
      loss_.on_packet_sent({.packet_number = PacketNumber{pn},
                            .size = size,
                            .ack_eliciting = eliciting,
                            .in_flight = eliciting,
                            .frames = {&frame, 1}},
                           now_);
      model_.packets[pn] = {.size = size, .ack_eliciting = eliciting, .in_flight = eliciting};
      if (random_.below(100) < loss_rate_) continue;
      const std::uint64_t slow = random_.below(100) < reorder_rate_ ? random_.below(60'000) : 0;
      channel_.emplace(now_ + 20ms + std::chrono::microseconds(slow), pn);
    }
  }

  void deliver() {
    while (!channel_.empty() && channel_.begin()->first <= now_) {
      received_.add(channel_.begin()->second, channel_.begin()->second + 1);
      channel_.erase(channel_.begin());
    }
  }

  void acknowledge() {
    if (received_.empty()) return;
    std::vector<TestRange> ranges;
    const std::size_t most = 1 + random_.below(12);
    for (std::size_t i = received_.size(); i-- > 0 && ranges.size() < most;) {
      ranges.push_back({received_[i].begin, received_[i].end - 1});
    }
    frames_.clear();
    const auto outcome =
        loss_.on_ack_received({.largest_acknowledged = PacketNumber{ranges[0].largest}, .now = now_}, ranges, frames_);
    ASSERT_TRUE(outcome.has_value());
    model_.settle(frames_);
  }

  void expire() {
    if (loss_.next_timeout() > now_) return;
    frames_.clear();
    (void)loss_.on_timeout(now_, frames_);
    model_.settle(frames_);
  }

  void check() { ASSERT_EQ(loss_.bytes_in_flight(), model_.bytes_in_flight()); }

  // The channel empties; the sender probes until nothing is in flight.
  void drain() {
    loss_rate_ = 0;
    for (int i = 0; i < 400 && !testing::Test::HasFatalFailure(); ++i) {
      now_ += 100ms;
      deliver();
      acknowledge();
      expire();
      check();
      if (i < 100) send_some();
    }
    EXPECT_EQ(loss_.bytes_in_flight(), 0u);
    EXPECT_LT(loss_.tracked_packets(PacketNumberSpace::kApplication), 100u) << "what is settled is forgotten";
    for (const auto& [pn, packet] : model_.packets) {
      EXPECT_TRUE(!packet.ack_eliciting || packet.end != Model::End::kNone) << pn;
    }
  }

  SeededRandom random_;
  std::uint64_t loss_rate_;
  std::uint64_t reorder_rate_;
  Timestamp now_{5s};
  Cubic controller_{1'200};
  LossDetector loss_;
  RecoveryFrames frames_;
  Model model_;
  std::multimap<Timestamp, std::uint64_t> channel_;
  RangeSet received_;
};

// rfc9002:7.5-counted
TEST(loss, every_packet_ends_once_and_the_flight_is_its_sum) {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE(seed);
    Simulation run(seed);
    run.play(400);
    if (testing::Test::HasFailure()) return;
  }
}

// Sends `trains` trains of 16 packets, acknowledged one RTT later through an AckTracker.
void bulk(Recovery& r, AckTracker& tracker, std::uint64_t& offset, int trains) {
  std::array<std::uint8_t, 1'200> area;
  for (int train = 0; train < trains; ++train) {
    for (int i = 0; i < 16; ++i, offset += 1'100) {
      const std::uint64_t pn = r.send_stream(0, offset, 1'100);
      if (pn % 97 != 0) tracker.on_packet_received(PacketNumber{pn}, true, Ecn::kNotEct, r.now);
    }
    r.now += 1ms;
    PacketPayload out{area};
    ASSERT_EQ(tracker.write_ack(out, r.now), WriteResult::kDone);
    std::array<TestRange, kMaxAckRanges> ranges;
    std::size_t count = 0;
    for (std::size_t i = tracker.received().size(); i-- > 0;) {
      ranges[count++] = {tracker.received()[i].begin, tracker.received()[i].end - 1};
    }
    r.frames.clear();
    const auto outcome = r.loss.on_ack_received({.largest_acknowledged = PacketNumber{ranges[0].largest}, .now = r.now},
                                                std::span(ranges.data(), count), r.frames);
    ASSERT_TRUE(outcome.has_value());
    if (r.loss.next_timeout() <= r.now) (void)r.loss.on_timeout(r.now, r.frames);
  }
}

TEST(loss, the_steady_state_allocates_nothing) {
  Recovery r;
  r.confirmed();
  AckTracker tracker;
  std::uint64_t offset = 0;
  bulk(r, tracker, offset, 625);
  const std::uint64_t before = allocation_count();
  bulk(r, tracker, offset, 625);  // 10,000 packets
  EXPECT_EQ(allocation_count() - before, 0u);
}

TEST(allocation_count, sees_a_vector_allocate) {
  const std::uint64_t before = allocation_count();
  std::vector<std::uint64_t> memory;
  memory.reserve(1 + before);
  EXPECT_EQ(allocation_count(), before + 1);
}

TEST(loss, an_ack_costs_what_is_new_not_what_is_in_flight) {
  // With one old hole, 4,000 ACKs repeat an ever longer range: quadratic work would visit
  // 4,000 * 4,000 * 16 / 2 packets, 128 million, and take far over the time limit of the run.
  Recovery r;
  r.confirmed();
  const std::uint64_t hole = r.send();
  for (int i = 0; i < 4'000; ++i) {
    std::uint64_t last = 0;
    for (int k = 0; k < 16; ++k) last = r.send();
    r.now += 100ns;
    const auto outcome = r.ack({{hole + 1, last}});
    ASSERT_TRUE(outcome.has_value());
    EXPECT_EQ(outcome->acked_packets, 16u);
    ASSERT_EQ(r.frames.acked.size(), 16u);
  }
  EXPECT_GT(r.loss.tracked_packets(PacketNumberSpace::kApplication), 60'000u);
}

}  // namespace
}  // namespace hawser::quic
