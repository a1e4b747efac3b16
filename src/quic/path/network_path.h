// network_path.h: a 4-tuple in use by a Path: what RFC 9000 section 9 migrates. It knows
// whether the peer is reachable there, how large a datagram may be, and how ECN fares.
#pragma once

#include <cstdint>
#include <optional>

#include "base/address.h"
#include "quic/path/anti_amplification.h"
#include "quic/path/mtu_prober.h"
#include "quic/path/path_validator.h"
#include "quic/recovery/ecn.h"
#include "quic/recovery/loss.h"

namespace hawser::quic {

struct NetworkPathConfig {
  FourTuple tuple;
  bool validated = false;  // a client's path to its server, or a valid token
  std::uint64_t peer_cid_sequence = 0;
  MtuConfig mtu;
  bool ecn = true;
};

class NetworkPath {
 public:
  explicit NetworkPath(const NetworkPathConfig& config);

  [[nodiscard]] const FourTuple& tuple() const { return tuple_; }
  // The remote address as first seen on the wire may complete the local one.
  void set_tuple(const FourTuple& tuple) { tuple_ = tuple; }

  // The sequence number, in the Path's PeerCids, of the connection ID used on this 4-tuple.
  [[nodiscard]] std::uint64_t peer_cid_sequence() const { return peer_cid_sequence_; }
  void set_peer_cid_sequence(std::uint64_t sequence) {
    peer_cid_sequence_ = sequence;
    spin_ = false;  // RFC 9000 section 17.4: nobody shall recognize the connection by it
  }

  // The spin bit of packets that leave here.
  [[nodiscard]] bool spin() const { return spin_; }
  void set_spin(bool spin) { spin_ = spin; }

  // The peer was not told yet at which address it is seen here (draft-ietf-quic-address-discovery-00).
  [[nodiscard]] bool owes_address_report() const { return owes_address_report_; }
  void set_owes_address_report(bool owes) { owes_address_report_ = owes; }

  // The same in its LocalCids of the one that the peer used when it first came from here: on another
  // 4-tuple it shows that a NAT moved, not the peer.
  [[nodiscard]] std::uint64_t local_cid_sequence() const { return local_cid_sequence_; }
  void set_local_cid_sequence(std::uint64_t sequence) { local_cid_sequence_ = sequence; }

  [[nodiscard]] PathValidator& validator() { return validator_; }
  [[nodiscard]] const PathValidator& validator() const { return validator_; }
  [[nodiscard]] MtuProber& mtu_prober() { return mtu_; }
  [[nodiscard]] const MtuProber& mtu_prober() const { return mtu_; }
  [[nodiscard]] AntiAmplification& anti_amplification() { return anti_amplification_; }
  [[nodiscard]] const AntiAmplification& anti_amplification() const { return anti_amplification_; }
  [[nodiscard]] EcnValidator& ecn() { return ecn_; }
  [[nodiscard]] const EcnValidator& ecn() const { return ecn_; }

  void on_datagram_received(std::uint64_t bytes) { anti_amplification_.on_received(bytes); }
  // `pto` ends the ECN testing period.
  void on_datagram_sent(std::uint64_t bytes, Ecn mark, Timestamp now, Duration pto);
  // The peer proved to receive here, by PATH_RESPONSE, a Handshake packet or a token.
  void on_validated() {
    validated_ = true;
    anti_amplification_.on_validated();
  }
  // A client owes no credit to its server's addresses; whether it is reachable there is still open.
  void exempt_from_amplification() { anti_amplification_.on_validated(); }
  // What it proves if the challenge matched, which validates the path.
  std::optional<PathProof> on_path_response(const PathChallengeData& data, Timestamp now);
  [[nodiscard]] bool validated() const { return validated_; }

  // What an ACK, a loss or a PTO on this path means for its MTU: true if mtu() changed.
  bool on_recovery(const RecoveryOutcome& outcome, Timestamp now);
  bool on_pto(Timestamp now) { return mtu_.on_pto(now); }
  // Octets of UDP payload that a datagram may have.
  [[nodiscard]] std::uint16_t mtu() const { return mtu_.mtu(); }

  // When the validation has something to ask or fails; kNever when there is none.
  [[nodiscard]] Timestamp validation_timeout() const;

 private:
  FourTuple tuple_;
  std::uint64_t peer_cid_sequence_;
  std::uint64_t local_cid_sequence_ = 0;
  PathValidator validator_;
  MtuProber mtu_;
  AntiAmplification anti_amplification_;
  EcnValidator ecn_;
  bool validated_;
  bool spin_ = false;
  bool owes_address_report_ = true;
};

}  // namespace hawser::quic
