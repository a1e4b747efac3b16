// congestion_controller.h: congestion controllers of a program's own: how much may be in flight on a path, and how
// fast.
//
//   class Mine final : public hawser::CongestionController { ... };
//   hawser::add_congestion_controller("mine", [](const void*, const hawser::CongestionStart& start)
//       -> std::unique_ptr<hawser::CongestionController> { return std::make_unique<Mine>(start); });
//   ... ClientOptions{.congestion_control = "mine"}, or paths().set_congestion_control("mine") ...
//
// What is counted is octets of UDP payload and packets that RFC 9002 section 2 calls in flight; times are microseconds
// of a clock that never goes back, from some start. docs/congestion.md says more; examples/own_controller.cc is one.
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <string>
#include <string_view>

#include "hawser/error.h"

namespace hawser {

// A path as it begins.
struct CongestionStart {
  std::uint64_t datagram_octets = 1'200;  // the largest that is sent now, 1,200 to 65,527
  std::uint64_t initial_window = 12'000;  // octets, for datagrams of this size (RFC 9002 section 7.2)
  std::uint64_t minimum_window = 2'400;   // two datagrams (RFC 9002 section 7.2): a smaller answer counts as this
  std::uint64_t maximum_window = std::uint64_t{4} << 30;  // a larger answer counts as this
};

// What somebody else found out about the path: the controller before this one, or an earlier connection (RFC 9959).
struct CongestionKnown {
  std::uint64_t now_us = 0;
  std::uint64_t window = 0;             // octets that may be in flight now
  bool may_carry_more = true;           // nothing was lost yet: slow start may go on
  std::uint64_t octets_per_second = 0;  // 0: not known
  std::uint64_t min_rtt_us = 0;         // 0: not known
};

// One ACK frame with news of packets in flight. What it shows to be lost and to be spurious was told before.
struct CongestionAck {
  std::uint64_t now_us = 0;
  std::uint64_t acked_octets = 0;  // in flight until now
  // The part of them that was sent after the latest congestion event: the rest should not grow a window (RFC 9002
  // section 7.3.2).
  std::uint64_t growth_octets = 0;
  std::uint64_t octets_in_flight = 0;         // now
  std::uint64_t octets_in_flight_before = 0;  // before this ACK
  // The round trip of the largest packet acknowledged, without the time for which the peer says it held the ACK back;
  // 0: this ACK gave none (RFC 9002 section 5.1).
  std::uint64_t rtt_us = 0;
  std::uint64_t smoothed_rtt_us = 0;        // 0: no sample yet (RFC 9002 section 5.3)
  std::uint64_t min_rtt_us = 0;             // 0: no sample yet (RFC 9002 section 5.2)
  std::uint64_t largest_acked_sent_us = 0;  // when the largest packet newly acknowledged left
  std::uint64_t round = 0;                // round trips, from 1: one ends with the ACK of what was sent after its start
  bool application_limited = false;       // the window was not used: do not grow it (RFC 9002 section 7.8)
  std::uint64_t octets_per_second = 0;    // delivered (draft-ietf-ccwg-bbr section 4.1); 0: no valid sample
  bool rate_application_limited = false;  // the rate is what the application sent, the path may carry more
  std::uint64_t octets_delivered = 0;     // acknowledged in all
  std::uint64_t ecn_capable_packets = 0;  // of those acknowledged now, sent with ECT(0) or ECT(1)
  std::uint64_t ecn_ce_packets = 0;       // that came back marked, in all: on_ecn_ce() told of them, this ACK's follow
};

// Packets that were declared lost together, or marks of congestion.
struct CongestionLoss {
  std::uint64_t now_us = 0;
  std::uint64_t lost_octets = 0;
  std::uint64_t lost_packets = 0;
  std::uint64_t ecn_ce_packets = 0;        // newly marked; then nothing is lost
  std::uint64_t octets_in_flight = 0;      // now; 0 with marks
  std::uint64_t largest_lost_sent_us = 0;  // when the largest of them left; with marks the largest acknowledged
  // One of them left after the latest congestion event: a new event, for which the window is reduced once (RFC 9002
  // section 7.3.2). Otherwise it belongs to the last one.
  bool new_event = false;
  bool persistent = false;  // persistent congestion (RFC 9002 section 7.6): down to the minimum
};

// How its packets are marked, which is how it answers CE (RFC 3168 section 5, RFC 9331 section 4.3).
enum class CongestionMark : unsigned char {
  kNone,      // not at all
  kAsLoss,    // ECT(0): as it answers loss
  kScalable,  // ECT(1), for L4S: by the share of packets marked. Only for those that obey RFC 9331 section 4
};

// One for each path of each connection, owned by it and used on its thread only. window(), octets_per_second(),
// in_slow_start(), small_bursts() and mark() are asked after each call and must be cheap. Nothing here may throw (the
// program ends then, which is what noexcept says), block or call the connection.
class CongestionController {
 public:
  virtual ~CongestionController() = default;

  virtual void on_ack(const CongestionAck& ack) noexcept = 0;
  virtual void on_loss(const CongestionLoss& loss) noexcept = 0;
  // Octets that may be in flight. Taken between CongestionStart::minimum_window and maximum_window.
  [[nodiscard]] virtual std::uint64_t window() const noexcept = 0;

  // A packet left; `octets_in_flight` includes it.
  virtual void on_sent(std::uint64_t octets, std::uint64_t octets_in_flight, std::uint64_t now_us) noexcept {
    static_cast<void>(octets);
    static_cast<void>(octets_in_flight);
    static_cast<void>(now_us);
  }
  // Packets came back marked CE (RFC 9002 section 7.1), told after the ACK that says so.
  virtual void on_ecn_ce(const CongestionLoss& marks) noexcept { on_loss(marks); }
  // All packets of the latest congestion event arrived after all: what was done for it may be undone.
  virtual void on_spurious_loss(std::uint64_t now_us) noexcept { static_cast<void>(now_us); }
  // Datagrams of another size fit the path (RFC 9000 section 14.3): octets, and the smallest window with it.
  virtual void on_mtu_change(std::uint64_t datagram_octets) noexcept { static_cast<void>(datagram_octets); }
  // Somebody knows the path. Before the first packet, or in the middle (Careful Resume). One that does not heed it
  // begins as on a new path.
  virtual void on_known(const CongestionKnown& known) noexcept { static_cast<void>(known); }

  // At which packets leave. 0: twice the window in a smoothed RTT in slow start, else 1.25 times (RFC 9002 section
  // 7.7). Otherwise taken between two datagrams and 2^40 octets a second.
  [[nodiscard]] virtual std::uint64_t octets_per_second() const noexcept { return 0; }
  // It doubles in a round trip and has seen no end yet: for the pace above, for what takes over from it, and for qlog.
  [[nodiscard]] virtual bool in_slow_start() const noexcept { return false; }
  // It takes a burst for a queue: send a quarter of a millisecond at once, and ask for an ACK as often
  // (draft-ietf-quic-ack-frequency). Costs both ends CPU time.
  [[nodiscard]] virtual bool small_bursts() const noexcept { return false; }
  // Never changes.
  [[nodiscard]] virtual CongestionMark mark() const noexcept { return CongestionMark::kAsLoss; }
};

// Makes a controller known by `name`, 1 to 31 octets, none of them zero, to all connections of the process, for good.
// `make` is called on any thread, with `context` as given, for each path, whenever one begins anew or its controller is
// exchanged, and when options are checked; the one before may be kept and used again. It may not throw, and where it
// returns nullptr the path, and those that begin after it, have "cubic". Any thread. Error: kOptions: the name is
// taken, it or `make` is missing, or there are 16 already.
std::expected<void, Error> add_congestion_controller(
    std::string_view name,
    std::unique_ptr<CongestionController> (*make)(const void* context, const CongestionStart& start),
    const void* context = nullptr);
// All names, as "balia, bbr, ...". Any thread.
std::string congestion_controller_names();

}  // namespace hawser
