// network_path.cc: hands what happens on a 4-tuple to the machines it is made of.
#include "quic/path/network_path.h"

#include <algorithm>

namespace hawser::quic {

// rfc9000:14.2-per-path
NetworkPath::NetworkPath(const NetworkPathConfig& config)
    : tuple_(config.tuple),
      peer_cid_sequence_(config.peer_cid_sequence),
      mtu_(config.mtu),
      anti_amplification_(config.validated),
      ecn_(config.ecn),
      validated_(config.validated) {}

void NetworkPath::on_datagram_sent(std::uint64_t bytes, Ecn mark, Timestamp now, Duration pto) {
  anti_amplification_.on_sent(bytes);
  ecn_.on_packet_sent(mark, now, pto);
}

// What it took is told to the application and is no RTT sample.
// rfc9002:6.2.2-challenge
std::optional<PathProof> NetworkPath::on_path_response(const PathChallengeData& data, Timestamp now) {
  const std::optional<PathProof> proof = validator_.on_path_response(data, now);
  if (proof) on_validated();
  return proof;
}

bool NetworkPath::on_recovery(const RecoveryOutcome& outcome, Timestamp now) {
  bool changed = false;
  if (outcome.mtu_probe_acked != 0) changed |= mtu_.on_probe_acked(outcome.mtu_probe_acked, now);
  if (outcome.mtu_probe_lost != 0) mtu_.on_probe_lost(outcome.mtu_probe_lost, now);
  if (outcome.acked_size_max != 0) mtu_.on_packets_acked(outcome.acked_size_max);
  // A batch in which something large also arrived speaks of congestion, not of size.
  if (outcome.lost_size_min != 0 && outcome.acked_size_max <= kBaseMtu)
    changed |= mtu_.on_packets_lost(outcome.lost_size_min, now);
  if (outcome.lost_marked != 0) ecn_.on_packets_lost(outcome.lost_marked);
  return changed;
}

Timestamp NetworkPath::validation_timeout() const {
  // Short of credit for a challenge, time does not help: what arrives brings credit and has
  // the challenge sent. Header, largest connection ID, frame and tag make 50 octets.
  constexpr std::uint64_t kChallengeCredit = 64;
  const bool can_ask = anti_amplification_.credit() >= kChallengeCredit;
  return can_ask ? validator_.next_timeout() : validator_.deadline();
}

}  // namespace hawser::quic
