// mtu_prober.h: finds the largest datagram a network path carries (DPLPMTUD, RFC 8899 and
// RFC 9000 section 14.3), the most likely answer first, and notices when it shrinks.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/time.h"

namespace hawser::quic {

inline constexpr std::uint16_t kBaseMtu = 1'200;          // RFC 9000 section 14: every path carries it
inline constexpr std::uint16_t kEthernetMtuIpv6 = 1'452;  // 1,500 - 40 (IPv6) - 8 (UDP)
inline constexpr std::uint16_t kEthernetMtuIpv4 = 1'472;  // 1,500 - 20 (IPv4) - 8 (UDP)
inline constexpr std::uint16_t kMaxMtu = 65'527;          // RFC 9000 section 18.2: max_udp_payload_size

struct MtuConfig {
  // Octets of UDP payload. Sent from the start; at least 1,200.
  std::uint16_t initial = kBaseMtu;
  // Never probed above; 65,527 suits loopback. Equal to `initial`: no probing.
  std::uint16_t max = kEthernetMtuIpv6;
};

class MtuProber {
 public:
  static constexpr std::uint32_t kMaxProbes =
      3;  // RFC 8899 section 5.1.2: losses of one size before it counts as too large
  static constexpr std::uint16_t kResolution = 16;      // octets; the search ends below this gap
  static constexpr Duration kRaiseInterval = 600s;      // RFC 8899 section 5.1.1: PMTU_RAISE_TIMER
  static constexpr std::uint32_t kBlackHoleEvents = 3;  // loss events of large packets only

  explicit MtuProber(const MtuConfig& config = {});

  // The peer's max_udp_payload_size: neither datagrams nor probes exceed it.
  void set_peer_limit(std::uint64_t max_udp_payload_size);
  // Call when the handshake is confirmed and this network path is validated: search begins.
  void start(Timestamp now);

  // Octets of the next probe to send: PING and PADDING in a datagram of its own, flagged
  // mtu_probe; 0 if none is due. At most one is in flight.
  [[nodiscard]] std::uint16_t next_probe(Timestamp now) const;
  void on_probe_sent(std::uint16_t size, Timestamp now);
  // What became of a probe will not be told: its packet counts for nothing any more.
  void forget_probe() { in_flight_ = false; }
  // True if mtu() changed.
  bool on_probe_acked(std::uint16_t size, Timestamp now);
  void on_probe_lost(std::uint16_t size, Timestamp now);

  // Packets other than probes, from RecoveryOutcome: the largest acknowledged, the smallest
  // of a batch of losses. Losses or a PTO that hit only packets above 1,200 octets, several
  // times in a row, mean a black hole (RFC 8899 section 4.3): true if mtu() fell to the base.
  void on_packets_acked(std::uint16_t largest_size);
  bool on_packets_lost(std::uint16_t smallest_size, Timestamp now);
  // With such packets in flight.
  bool on_pto(Timestamp now) { return on_packets_lost(mtu_, now); }

  // When the search resumes; kNever if it is under way or off.
  [[nodiscard]] Timestamp next_timeout() const;

  // Octets of UDP payload that may be sent.
  [[nodiscard]] std::uint16_t mtu() const { return mtu_; }
  [[nodiscard]] bool search_complete() const { return !searching_; }

 private:
  void begin_search();
  void choose_next(Timestamp now);
  bool fall_to_base(std::uint16_t failed_size, Timestamp now);
  void finish(Timestamp now);

  MtuConfig config_;
  std::uint16_t limit_;      // of config and peer
  std::uint16_t mtu_;        // proved, or assumed at the start
  std::uint16_t too_large_;  // the smallest size that failed, or limit_ + 1
  std::uint16_t probe_ = 0;  // size under test; 0: none
  std::uint32_t probe_losses_ = 0;
  std::uint32_t suspicious_losses_ = 0;
  bool in_flight_ = false;
  bool started_ = false;
  bool searching_ = false;
  Timestamp resume_at_ = kNever;
};

}  // namespace hawser::quic
