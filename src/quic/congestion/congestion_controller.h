// congestion_controller.h: the seam between loss recovery and the algorithms that decide
// how much may be in flight. All sizes are octets of UDP payload (RFC 9002 section 7).
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/datagram.h"
#include "base/result.h"
#include "base/time.h"
#include "quic/congestion/rate_sampler.h"

namespace hawser::quic {

// RFC 9002 section 7.2: ten datagrams, but no more than 14,720 octets and no less than two
// datagrams. For the usual sizes: 10 * 1,200 = 12,000 and 10 * 1,472 = 14,720.
inline constexpr std::uint64_t kInitialWindowDatagrams = 10;
inline constexpr std::uint64_t kInitialWindowBytesMax = 14'720;
inline constexpr std::uint64_t kMinimumWindowDatagrams = 2;  // rfc9002:7.2-minimum

// A window never grows past this: 4 GiB is 27 Gbit/s over 1.2 s, and sums of two windows
// and a datagram still fit the arithmetic of every controller.
inline constexpr std::uint64_t kMaxWindowBytes = std::uint64_t{4} << 30;

constexpr std::uint64_t initial_window(std::uint64_t max_datagram_size) {
  const std::uint64_t ten = kInitialWindowDatagrams * max_datagram_size;
  const std::uint64_t two = kMinimumWindowDatagrams * max_datagram_size;
  const std::uint64_t cap = kInitialWindowBytesMax > two ? kInitialWindowBytesMax : two;
  return ten < cap ? ten : cap;
}

constexpr std::uint64_t minimum_window(std::uint64_t max_datagram_size) {
  return kMinimumWindowDatagrams * max_datagram_size;
}

// One ACK frame that newly acknowledged packets in flight.
struct AckEvent {
  Timestamp now;
  std::uint64_t acked_bytes = 0;        // in flight until now
  std::uint64_t acked_ect_packets = 0;  // sent with ECT(0) or ECT(1): what new CE marks are a part of
  std::uint64_t growth_bytes = 0;       // the part of it sent after recovery_start_time()
  Timestamp largest_acked_sent_time{};  // of the largest packet newly acknowledged
  std::uint64_t bytes_in_flight_before = 0;
  std::uint64_t bytes_in_flight_after = 0;
  // What the path took, without the time for which the receiver says that it held the ACK back:
  // that time is no queue. Absent if this ACK gave no RTT sample.
  std::optional<Duration> latest_rtt;
  Duration smoothed_rtt{};
  Duration min_rtt{};
  // The sender did not fill the window (RFC 9002 section 7.8): do not grow it.
  bool app_limited = false;
  RateSample rate;
};

// Packets declared lost together. MTU probes and packets of an earlier network path are
// not among them.
struct LossEvent {
  Timestamp now;
  std::uint64_t lost_bytes = 0;
  std::uint64_t lost_packets = 0;
  Timestamp largest_lost_sent_time{};
  std::uint64_t bytes_in_flight_before = 0;  // before the lost packets were taken out
  std::uint64_t bytes_in_flight_after = 0;
  bool persistent_congestion = false;  // RFC 9002 section 7.6
};

// One of the packets of a LossEvent, told before it.
struct LostSample {
  Timestamp now;
  std::uint64_t packet_number = 0;
  std::uint64_t bytes = 0;
  std::uint64_t bytes_in_flight_at_send = 0;  // with this packet
  std::uint64_t lost_since_send = 0;          // octets lost between its sending and now, with this packet
  Timestamp sent_time{};
  bool app_limited = false;  // it was sent while the application was the limit
};

enum class CongestionPhase : std::uint8_t {
  kSlowStart,
  kConservativeSlowStart,  // HyStart++ (RFC 9406)
  kCongestionAvoidance,
  kRecovery,
  kStartup,  // BBR, from here on
  kDrain,
  kProbeBw,  // version 1, whose cycle has no named phases
  kProbeBwDown,
  kProbeBwCruise,
  kProbeBwRefill,
  kProbeBwUp,
  kProbeRtt,
  kReconnaissance,  // Careful Resume (RFC 9959), from here on
  kUnvalidated,
  kValidating,
  kSafeRetreat,
};

std::string_view to_string(CongestionPhase phase);

// What the event log shows of a controller.
struct CongestionSnapshot {
  std::uint64_t congestion_window = 0;
  std::uint64_t ssthresh = UINT64_MAX;  // UINT64_MAX: not set yet
  CongestionPhase phase = CongestionPhase::kSlowStart;
  std::uint64_t bytes_per_second = 0;  // what the path was seen to deliver; 0: it does not measure that
};

// What is known of a path when a controller begins in the middle of a connection: what its
// predecessor found, or what Careful Resume vouches for.
struct PathKnowledge {
  Timestamp now;
  std::uint64_t window = 0;             // octets that may be in flight from now on
  std::uint64_t ssthresh = UINT64_MAX;  // UINT64_MAX: the path may carry more
  std::uint64_t bytes_per_second = 0;   // what the path delivers; 0: not known
  Duration min_rtt{};                   // zero: not known
};

class CoupledController;  // coupling.h

class CongestionController {
 public:
  virtual ~CongestionController() = default;

  // After each packet; `bytes_in_flight` includes it. Packets not in flight are not told.
  virtual void on_packet_sent(std::uint64_t bytes, std::uint64_t bytes_in_flight, Timestamp now) = 0;
  // Once per ACK frame, after the losses that it reveals (RFC 9002 appendix A.7).
  virtual void on_ack(const AckEvent& event) = 0;
  virtual void on_loss(const LossEvent& event) = 0;
  // Each packet of the LossEvent that follows, oldest first.
  virtual void on_packet_lost(const LostSample&) {}
  // New CE marks; `sent_time` is that of the largest packet acknowledged (RFC 9002 section 7.1).
  virtual void on_ecn_ce(std::uint64_t ce_count, Timestamp sent_time, Timestamp now) = 0;
  // Every packet behind the latest congestion event turned out to have arrived: undo it.
  virtual void on_spurious_loss(Timestamp now) = 0;
  // Packets left the flight without being acknowledged or lost: keys were discarded.
  virtual void on_packets_discarded(std::uint64_t bytes) = 0;
  // `max_datagram_size`, in octets, changed by path MTU discovery.
  virtual void on_mtu_change(std::uint64_t max_datagram_size) = 0;
  // Begins from what is known instead of from what it came to itself. Called before any packet, or by
  // Careful Resume after a jump: nothing that was measured before has to be forgotten then, but no
  // reduction may be undone past it.
  virtual void adopt(const PathKnowledge& known) = 0;
  // A new network path: everything learnt is void (RFC 9000 section 9.4).
  virtual void reset(std::uint64_t max_datagram_size) = 0;

  [[nodiscard]] virtual std::uint64_t congestion_window() const = 0;
  // Octets per second; empty: the pacer derives it from window and RTT.
  [[nodiscard]] virtual std::optional<std::uint64_t> pacing_rate() const { return std::nullopt; }
  // Bursts of ten datagrams would be taken for a queue: send a quarter of a millisecond at a time.
  [[nodiscard]] virtual bool paces_smoothly() const { return false; }
  // Packets sent at or before this time belong to the congestion event now being handled.
  // Timestamp::min() outside recovery.
  [[nodiscard]] virtual Timestamp recovery_start_time() const = 0;
  [[nodiscard]] virtual CongestionSnapshot snapshot() const = 0;
  [[nodiscard]] virtual std::string_view name() const = 0;
  // The mark its packets carry: ECT(1) only if it answers CE as L4S asks (RFC 9331 section 4.3);
  // kNotEct if it does not answer CE at all.
  [[nodiscard]] virtual Ecn ecn_codepoint() const { return Ecn::kEct0; }
  // What can grow together with the controllers of other paths; nullptr: this one is always on its own.
  [[nodiscard]] virtual CoupledController* coupled() { return nullptr; }
  // Octets of this object and of what it holds on the heap.
  [[nodiscard]] virtual std::size_t memory() const = 0;
};

// `name` is one of congestion_controller_names(); the error lists them. `max_datagram_size` is
// in octets, at least 1,200.
std::expected<std::unique_ptr<CongestionController>, ConfigError> make_congestion_controller(
    std::string_view name, std::uint64_t max_datagram_size);

// The names, as "bbr, bbr2, ..., newreno": for help texts and errors.
std::string congestion_controller_names();

// Makes a controller of the application's own known to all connections of the process. `make` may be
// called on any thread that drives connections, with `context` as given, and returns a new object each
// time. The name, 1 to 31 octets, is copied. An error if it is taken, too long, or the table of
// kMaxAddedControllers is full. May be called from any thread.
using CongestionControllerFactory = std::unique_ptr<CongestionController> (*)(const void* context,
                                                                              std::uint64_t max_datagram_size);
inline constexpr std::size_t kMaxAddedControllers = 16;
std::expected<void, ConfigError> add_congestion_controller(std::string_view name, CongestionControllerFactory make,
                                                           const void* context);

}  // namespace hawser::quic
