// path_model.h: for tests of congestion controllers: one bulk sender with the real LossDetector and Pacer
// over an ideal path in virtual time: a bottleneck with a queue, random loss, CE marks, and a receiver
// that acknowledges every second packet.
#pragma once

#include <algorithm>
#include <memory>
#include <queue>
#include <vector>

#include "base/random.h"
#include "base/range_set.h"
#include "quic/congestion/pacer.h"
#include "quic/recovery/loss.h"

namespace hawser::quic {

struct PathModelOptions {
  std::uint64_t bytes_per_second = 1'250'000;  // 10 Mbit/s
  Duration rtt = 40ms;
  std::uint64_t buffer = 50'000;          // octets; a packet that finds more is dropped
  double loss = 0;                        // of packets, behind the queue
  std::uint64_t mark_above = UINT64_MAX;  // packets that find more queued get CE
  std::uint64_t seed = 1;
};

class PathModel {
 public:
  static constexpr std::uint16_t kSize = 1'200;

  PathModel(std::unique_ptr<CongestionController> controller, const PathModelOptions& options)
      : options_(options), controller_(std::move(controller)), random_(options.seed) {
    loss_.on_handshake_confirmed(now_);
  }

  CongestionController& controller() { return *controller_; }
  LossDetector& loss() { return loss_; }
  PathModelOptions& options() { return options_; }
  [[nodiscard]] Timestamp now() const { return now_; }
  // The application has this many octets to send from now on; UINT64_MAX: no end of them.
  void offer(std::uint64_t octets) { offered_ = octets; }

  void run_for(Duration span) {
    const Timestamp end = now_ + span;
    delivered_ = lost_ = 0;
    queue_delay_max_ = Duration::zero();
    queue_delays_.clear();
    while (now_ < end) {
      send();
      now_ = std::min(next_event(), end);
      arrive();
      if (loss_.next_timeout() <= now_) {
        frames_.clear();
        (void)loss_.on_timeout(now_, frames_);
        update_rate();
      }
    }
    measured_ = span;
  }

  // Of the last run: octets a second that arrived, as a part of what the path carries.
  [[nodiscard]] double utilisation() const {
    return static_cast<double>(delivered_) / to_seconds(measured_) / static_cast<double>(options_.bytes_per_second);
  }
  [[nodiscard]] Duration queue_delay_max() const { return queue_delay_max_; }
  // The delay that this share of packets stayed under, 0 to 1.
  [[nodiscard]] Duration queue_delay(double share) {
    if (queue_delays_.empty()) return Duration::zero();
    std::sort(queue_delays_.begin(), queue_delays_.end());
    return queue_delays_[static_cast<std::size_t>(share * static_cast<double>(queue_delays_.size() - 1))];
  }
  [[nodiscard]] std::uint64_t overflowed() const { return lost_; }
  [[nodiscard]] std::uint64_t bdp() const {
    return static_cast<std::uint64_t>(static_cast<double>(options_.bytes_per_second) * to_seconds(options_.rtt));
  }

 private:
  struct Range {
    std::uint64_t smallest;
    std::uint64_t largest;
  };
  struct Event {
    Timestamp at;
    std::uint64_t number = 0;  // of a packet
    bool ce = false;
    bool is_ack = false;
    std::vector<Range> ranges;
    std::uint64_t ce_count = 0;
    bool operator>(const Event& o) const { return at > o.at; }
  };

  void send() {
    while (offered_ != 0 && loss_.window_open() && pacer_.budget(now_) > 0) send_packet();
    while (loss_.probes_owed(PacketNumberSpace::kApplication) != 0) send_packet();
    if (offered_ == 0 && loss_.window_open()) loss_.on_app_limited();
  }

  void send_packet() {
    const PacketNumber number = loss_.next_packet_number(PacketNumberSpace::kApplication, random_);
    const bool marked = controller_->ecn_codepoint() != Ecn::kNotEct;
    const SentFrame frame{.kind = SentFrameKind::kDatagram, .id = number.value};
    loss_.on_packet_sent({.packet_number = number,
                          .size = kSize,
                          .ack_eliciting = true,
                          .in_flight = true,
                          .ecn = controller_->ecn_codepoint(),
                          .frames = {&frame, 1}},
                         now_);
    pacer_.on_packet_sent(kSize, now_);
    if (offered_ != UINT64_MAX) offered_ -= std::min<std::uint64_t>(offered_, kSize);
    const Duration waits = std::max(link_free_ - now_, Duration::zero());
    const auto queued = static_cast<std::uint64_t>(to_seconds(waits) * static_cast<double>(options_.bytes_per_second));
    if (queued + kSize > options_.buffer) {
      ++lost_;
      return;
    }
    queue_delay_max_ = std::max(queue_delay_max_, waits);
    queue_delays_.push_back(waits);
    link_free_ = now_ + waits +
                 Duration{static_cast<std::int64_t>(kSize * 1e9 / static_cast<double>(options_.bytes_per_second))};
    if (random_.unit() < options_.loss) return;
    events_.push(
        {.at = link_free_ + options_.rtt / 2, .number = number.value, .ce = marked && queued > options_.mark_above});
  }

  [[nodiscard]] Timestamp next_event() {
    Timestamp at = std::max(loss_.next_timeout(), now_ + Duration{1});
    if (!events_.empty()) at = std::min(at, events_.top().at);
    if (ack_due_ != kNever) at = std::min(at, ack_due_);
    if (offered_ != 0 && loss_.window_open())
      at = std::min(at, std::max(pacer_.next_release(now_), now_ + Duration{1}));
    return at;
  }

  void arrive() {
    while (!events_.empty() && events_.top().at <= now_) {
      const Event event = events_.top();
      events_.pop();
      event.is_ack ? on_ack(event) : on_packet(event);
    }
    if (ack_due_ <= now_) acknowledge();
  }

  void on_packet(const Event& event) {
    delivered_ += kSize;
    ce_count_ += event.ce;
    const bool in_order = received_.empty() || event.number == received_[received_.size() - 1].end;
    received_.add(event.number, event.number + 1);
    if (++unacknowledged_ >= 2 || !in_order) {
      acknowledge();
    } else if (ack_due_ == kNever) {
      ack_due_ = now_ + 25ms;
    }
  }

  void acknowledge() {
    ack_due_ = kNever;
    unacknowledged_ = 0;
    Event ack{.at = now_ + options_.rtt / 2, .is_ack = true, .ranges = {}, .ce_count = ce_count_};
    for (std::size_t i = received_.size(); i-- > 0 && ack.ranges.size() < 32;)
      ack.ranges.push_back({received_[i].begin, received_[i].end - 1});
    events_.push(std::move(ack));
  }

  void on_ack(const Event& event) {
    frames_.clear();
    const auto outcome = loss_.on_ack_received(
        {.largest_acknowledged = PacketNumber{event.ranges.front().largest}, .now = now_}, event.ranges, frames_);
    if (!outcome.has_value()) return;
    if (event.ce_count > ce_seen_ && outcome->largest_increased) {
      loss_.on_ecn_ce(event.ce_count - ce_seen_, outcome->largest_acked_sent_time, now_);
      ce_seen_ = event.ce_count;
    }
    update_rate();
  }

  void update_rate() {
    pacer_.set_smooth(controller_->paces_smoothly());
    pacer_.set_rate(controller_->congestion_window(), loss_.rtt().smoothed(),
                    controller_->snapshot().phase == CongestionPhase::kSlowStart, controller_->pacing_rate());
  }

  PathModelOptions options_;
  std::unique_ptr<CongestionController> controller_;
  LossDetector loss_{{.role = Role::kServer, .skip_packet_numbers = false}, *controller_};
  Pacer pacer_{kSize};
  SeededRandom random_;
  RecoveryFrames frames_;
  Timestamp now_{10s};
  std::uint64_t offered_ = UINT64_MAX;

  Timestamp link_free_{};
  std::priority_queue<Event, std::vector<Event>, std::greater<>> events_;
  RangeSet received_;
  std::uint64_t unacknowledged_ = 0;
  std::uint64_t ce_count_ = 0;
  std::uint64_t ce_seen_ = 0;
  Timestamp ack_due_ = kNever;

  std::uint64_t delivered_ = 0;
  std::uint64_t lost_ = 0;
  Duration queue_delay_max_{};
  std::vector<Duration> queue_delays_;
  Duration measured_{1s};
};

}  // namespace hawser::quic
