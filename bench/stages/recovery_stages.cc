// recovery_stages.cc: remembering packets sent, learning that they arrived or were lost, and
// reporting packets received.
#include <array>

#include "base/check.h"
#include "base/random.h"
#include "quic/congestion/cubic.h"
#include "quic/recovery/ack_tracker.h"
#include "quic/recovery/loss.h"
#include "stage.h"

namespace hawser::stages {
namespace {

using namespace quic;

constexpr std::uint64_t kPackets = 64;    // that one ACK covers
constexpr std::uint64_t kWindow = 4'096;  // packets in flight

struct AckRange {
  std::uint64_t smallest;
  std::uint64_t largest;
};

enum class Part : std::uint8_t { kSent, kAcked, kLossy };

// A bulk sender with a window in flight; each ACK covers 64 new packets. Lossy: the first of
// every 64 never arrived.
class Sender final : public Work {
 public:
  explicit Sender(Part part) : part_(part) {
    loss_.on_handshake_confirmed(now_);
    send(kWindow);
  }
  std::uint64_t round(Meter& meter) override {
    if (part_ == Part::kSent) {
      meter.measure([this] { send(kPackets); });
    } else {
      send(kPackets);
    }
    now_ += 25us;
    acked_ += kPackets;
    frames_.clear();
    if (part_ == Part::kSent) {
      acknowledge();
    } else {
      meter.measure([this] { acknowledge(); });
    }
    return kPackets;
  }

 private:
  void send(std::uint64_t count) {
    for (; count != 0; --count, offset_ += 1'400) {
      const SentFrame frame{.kind = SentFrameKind::kStream, .length = 1'400, .offset = offset_};
      const PacketNumber pn = loss_.next_packet_number(PacketNumberSpace::kApplication, random_);
      loss_.on_packet_sent(
          {.packet_number = pn, .size = 1'452, .ack_eliciting = true, .in_flight = true, .frames = {&frame, 1}}, now_);
    }
  }
  void acknowledge() {
    const std::array<AckRange, 2> lossy{
        {{acked_ - kPackets + 1, acked_ - 1}, {acked_ - 2 * kPackets + 1, acked_ - kPackets - 1}}};
    const std::array<AckRange, 1> all{{{0, acked_ - 1}}};
    const AckReceived ack{.largest_acknowledged = PacketNumber{acked_ - 1}, .now = now_};
    const auto outcome = part_ == Part::kLossy && acked_ > kPackets ? loss_.on_ack_received(ack, lossy, frames_)
                                                                    : loss_.on_ack_received(ack, all, frames_);
    HAWSER_CHECK(outcome.has_value());
  }

  Part part_;
  Cubic controller_{1'452};
  LossDetector loss_{{.skip_packet_numbers = false}, controller_};
  SeededRandom random_{1};
  RecoveryFrames frames_;
  Timestamp now_{1s};
  std::uint64_t offset_ = 0;
  std::uint64_t acked_ = 0;
};

// A bulk receiver: each batch is noted packet by packet, then reported. With a gap: one packet
// of every batch is missing, so that the ACK has all the ranges it may have.
class Receiver final : public Work {
 public:
  explicit Receiver(bool with_gaps) : with_gaps_(with_gaps) {}
  std::uint64_t round(Meter& meter) override {
    now_ += 25us;
    meter.measure([this] {
      for (std::uint64_t i = 0; i < kPackets; ++i, ++number_) {
        if (with_gaps_ && i == 0) continue;
        keep(tracker_.is_duplicate(PacketNumber{number_}));
        tracker_.on_packet_received(PacketNumber{number_}, true, Ecn::kNotEct, now_);
      }
      PacketPayload out{area_};
      keep(tracker_.write_ack(out, now_));
    });
    return kPackets;
  }

 private:
  bool with_gaps_;
  AckTracker tracker_{{.ack_every = kPackets}};
  std::array<std::uint8_t, 1'200> area_{};
  Timestamp now_{1s};
  std::uint64_t number_ = 0;
};

template <Part kPart>
std::unique_ptr<Work> sender() {
  return std::make_unique<Sender>(kPart);
}
template <bool kWithGaps>
std::unique_ptr<Work> receiver() {
  return std::make_unique<Receiver>(kWithGaps);
}

constexpr Stage kStages[] = {
    {"recovery: remember a packet sent", "packet", &sender<Part::kSent>},
    {"recovery: ACK of 64 packets", "packet", &sender<Part::kAcked>},
    {"recovery: ACK of 63 packets, one lost", "packet", &sender<Part::kLossy>},
    {"ACK generation, one range", "packet", &receiver<false>},
    {"ACK generation, with gaps", "packet", &receiver<true>},
};

}  // namespace

std::span<const Stage> recovery_stages() {
  return kStages;
}

}  // namespace hawser::stages
