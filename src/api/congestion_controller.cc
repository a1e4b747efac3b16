// congestion_controller.cc: controllers of programs, as the transport knows controllers.
#include "hawser/congestion_controller.h"

#include <algorithm>
#include <utility>

#include "quic/congestion/congestion_controller.h"

namespace hawser {
namespace {

constexpr std::string_view kFallback = "cubic";
constexpr std::uint64_t kRateMax = std::uint64_t{1} << 40;  // octets per second

std::uint64_t whole_us(Duration duration) {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(to_us(duration), 0));
}

std::uint64_t whole_us(Timestamp when) {
  return whole_us(when.time_since_epoch());
}

// What took less than a microsecond was measured all the same.
std::uint64_t measured_us(Duration rtt) {
  return rtt <= Duration::zero() ? 0 : std::max<std::uint64_t>(whole_us(rtt), 1);
}

Ecn codepoint_of(CongestionMark mark) {
  switch (mark) {
    case CongestionMark::kAsLoss:
      return Ecn::kEct0;
    case CongestionMark::kScalable:
      return Ecn::kEct1;
    case CongestionMark::kNone:
      break;
  }
  return Ecn::kNotEct;
}

struct Maker {
  std::string name;
  std::unique_ptr<CongestionController> (*make)(const void* context, const CongestionStart& start);
  const void* context;
};

// The core knows no exceptions: one that came out of here would leave it in pieces.
std::unique_ptr<CongestionController> make_own(const Maker& maker, std::uint64_t datagram) noexcept {
  return maker.make(maker.context, {.datagram_octets = datagram,
                                    .initial_window = quic::initial_window(datagram),
                                    .minimum_window = quic::minimum_window(datagram),
                                    .maximum_window = quic::kMaxWindowBytes});
}

// A program's controller. It knows itself which losses belong together and when a round trip ends, and takes no answer
// that could stop or flood a path.
class Adapter final : public quic::CongestionController {
 public:
  // `maker` lives as long as the process.
  Adapter(const Maker& maker, std::unique_ptr<hawser::CongestionController> own, std::uint64_t datagram)
      : maker_(maker), own_(std::move(own)), datagram_(datagram), codepoint_(codepoint_of(own_->mark())) {
    ask();
  }

  void on_packet_sent(std::uint64_t bytes, std::uint64_t bytes_in_flight, Timestamp now) override {
    own_->on_sent(bytes, bytes_in_flight, whole_us(now));
    ask();
  }
  void on_ack(const quic::AckEvent& event) override {
    if (event.largest_acked_sent_time >= round_start_) {
      ++round_;
      round_start_ = event.now;
    }
    delivered_ += event.acked_bytes;
    own_->on_ack(public_facts(event));
    ask();
  }
  void on_loss(const quic::LossEvent& event) override {
    const bool fresh = event.largest_lost_sent_time > recovery_start_;
    if (fresh) before_ = std::exchange(recovery_start_, event.now);
    // What comes after it is another event (RFC 9002 appendix B.8).
    if (event.persistent_congestion) recovery_start_ = before_ = Timestamp::min();
    own_->on_loss({.now_us = whole_us(event.now),
                   .lost_octets = event.lost_bytes,
                   .lost_packets = event.lost_packets,
                   .octets_in_flight = event.bytes_in_flight_after,
                   .largest_lost_sent_us = whole_us(event.largest_lost_sent_time),
                   .new_event = fresh,
                   .persistent = event.persistent_congestion});
    ask();
  }
  void on_ecn_ce(std::uint64_t ce_count, Timestamp sent_time, Timestamp now) override {
    const bool fresh = sent_time > recovery_start_;
    if (fresh) before_ = recovery_start_ = now;
    marked_ += ce_count;
    own_->on_ecn_ce({.now_us = whole_us(now),
                     .ecn_ce_packets = ce_count,
                     .largest_lost_sent_us = whole_us(sent_time),
                     .new_event = fresh});
    ask();
  }
  void on_spurious_loss(Timestamp now) override {
    recovery_start_ = before_;
    own_->on_spurious_loss(whole_us(now));
    ask();
  }
  void on_packets_discarded(std::uint64_t) override {}
  void on_mtu_change(std::uint64_t max_datagram_size) override {
    datagram_ = max_datagram_size;
    own_->on_mtu_change(datagram_);
    ask();
  }
  void adopt(const quic::PathKnowledge& known) override {
    recovery_start_ = before_ = Timestamp::min();
    own_->on_known({.now_us = whole_us(known.now),
                    .window = known.window,
                    .may_carry_more = known.ssthresh > known.window,
                    .octets_per_second = known.bytes_per_second,
                    .min_rtt_us = measured_us(known.min_rtt)});
    ask();
  }
  // What begins anew is another object. One that there is none of any more stays.
  void reset(std::uint64_t max_datagram_size) override {
    datagram_ = max_datagram_size;
    recovery_start_ = before_ = round_start_ = Timestamp::min();
    round_ = delivered_ = marked_ = 0;
    if (auto own = make_own(maker_, datagram_); own != nullptr) own_ = std::move(own);
    ask();
  }

  [[nodiscard]] std::uint64_t congestion_window() const override { return window_; }
  [[nodiscard]] std::optional<std::uint64_t> pacing_rate() const override {
    return rate_ == 0 ? std::nullopt : std::optional(rate_);
  }
  [[nodiscard]] bool paces_smoothly() const override { return smooth_; }
  [[nodiscard]] Timestamp recovery_start_time() const override { return recovery_start_; }
  [[nodiscard]] quic::CongestionSnapshot snapshot() const override {
    return {.congestion_window = window_,
            .phase = slow_start_ ? quic::CongestionPhase::kSlowStart : quic::CongestionPhase::kCongestionAvoidance};
  }
  [[nodiscard]] std::string_view name() const override { return maker_.name; }
  [[nodiscard]] Ecn ecn_codepoint() const override { return codepoint_; }
  // What the program's object holds it knows alone.
  [[nodiscard]] std::size_t memory() const override { return sizeof(*this); }

 private:
  [[nodiscard]] CongestionAck public_facts(const quic::AckEvent& event) const {
    return {.now_us = whole_us(event.now),
            .acked_octets = event.acked_bytes,
            .growth_octets = event.growth_bytes,
            .octets_in_flight = event.bytes_in_flight_after,
            .octets_in_flight_before = event.bytes_in_flight_before,
            .rtt_us = event.latest_rtt ? std::max<std::uint64_t>(measured_us(*event.latest_rtt), 1) : 0,
            .smoothed_rtt_us = measured_us(event.smoothed_rtt),
            .min_rtt_us = measured_us(event.min_rtt),
            .largest_acked_sent_us = whole_us(event.largest_acked_sent_time),
            .round = round_,
            .application_limited = event.app_limited,
            .octets_per_second = event.rate.bytes_per_second,
            .rate_application_limited = event.rate.app_limited,
            .octets_delivered = delivered_,
            .ecn_capable_packets = event.acked_ect_packets,
            .ecn_ce_packets = marked_};
  }

  // Its answers hold until it is told of something again: whoever reads them twice between reads the same.
  void ask() {
    window_ = std::clamp(own_->window(), quic::minimum_window(datagram_), quic::kMaxWindowBytes);
    const std::uint64_t rate = own_->octets_per_second();
    rate_ = rate == 0 ? 0 : std::clamp(rate, 2 * datagram_, kRateMax);
    slow_start_ = own_->in_slow_start();
    smooth_ = own_->small_bursts();
  }

  const Maker& maker_;
  std::unique_ptr<hawser::CongestionController> own_;
  std::uint64_t datagram_;
  Ecn codepoint_;
  std::uint64_t window_ = 0;
  std::uint64_t rate_ = 0;  // 0: the pacer's own
  bool slow_start_ = false;
  bool smooth_ = false;
  Timestamp recovery_start_ = Timestamp::min();
  Timestamp before_ = Timestamp::min();  // recovery_start_, if the latest event was none
  Timestamp round_start_ = Timestamp::min();
  std::uint64_t round_ = 0;
  std::uint64_t delivered_ = 0;
  std::uint64_t marked_ = 0;
};

std::unique_ptr<quic::CongestionController> make_adapter(const void* context, std::uint64_t max_datagram_size) {
  const Maker& maker = *static_cast<const Maker*>(context);
  auto own = make_own(maker, max_datagram_size);
  if (own == nullptr) return std::move(*quic::make_congestion_controller(kFallback, max_datagram_size));
  return std::make_unique<Adapter>(maker, std::move(own), max_datagram_size);
}

}  // namespace

std::expected<void, Error> add_congestion_controller(
    std::string_view name,
    std::unique_ptr<CongestionController> (*make)(const void* context, const CongestionStart& start),
    const void* context) {
  if (make == nullptr) return std::unexpected(Error{Error::Kind::kOptions, "a congestion controller needs a factory"});
  auto maker = std::make_unique<Maker>(Maker{std::string(name), make, context});
  auto added = quic::add_congestion_controller(name, &make_adapter, maker.get());
  if (!added) return std::unexpected(Error{Error::Kind::kOptions, std::move(added.error().message)});
  // The table of names keeps it to the end of the process.
  static_cast<void>(maker.release());
  return {};
}

std::string congestion_controller_names() {
  return quic::congestion_controller_names();
}

}  // namespace hawser
