// path.h: a Path: what one Path ID names. It owns the packet numbers, loss recovery,
// congestion control, pacing and connection IDs of that ID, and holds the NetworkPaths (4-tuples) it
// runs over: the active one and, while the peer moves, the one being tried or left.
#pragma once

#include <array>
#include <memory>

#include "quic/congestion/pacer.h"
#include "quic/path/cid_sequence.h"
#include "quic/path/network_path.h"
#include "quic/recovery/ack_tracker.h"
#include "quic/recovery/loss.h"
#include "quic/wire/types.h"

namespace hawser::quic {

struct PathConfig {
  PathId id = kInitialPathId;
  LossConfig loss;
  NetworkPathConfig network_path;
  bool pacing = true;
};

class Path {
 public:
  Path(const PathConfig& config, std::unique_ptr<CongestionController> controller)
      : id_(config.id),
        pacing_(config.pacing),
        controller_(std::move(controller)),
        loss_(config.loss, *controller_),
        pacer_(config.network_path.mtu.initial),
        active_(config.network_path) {}
  Path(const Path&) = delete;
  Path& operator=(const Path&) = delete;

  [[nodiscard]] PathId id() const { return id_; }
  [[nodiscard]] LossDetector& loss() { return loss_; }
  [[nodiscard]] const LossDetector& loss() const { return loss_; }
  [[nodiscard]] CongestionController& controller() { return *controller_; }
  [[nodiscard]] const CongestionController& controller() const { return *controller_; }
  [[nodiscard]] Pacer& pacer() { return pacer_; }
  [[nodiscard]] const Pacer& pacer() const { return pacer_; }
  [[nodiscard]] LocalCids& local_cids() { return local_cids_; }
  [[nodiscard]] const LocalCids& local_cids() const { return local_cids_; }
  [[nodiscard]] PeerCids& peer_cids() { return peer_cids_; }
  [[nodiscard]] const PeerCids& peer_cids() const { return peer_cids_; }
  // Of a space whose keys exist.
  [[nodiscard]] AckTracker& acks(PacketNumberSpace space) {
    return space == PacketNumberSpace::kApplication ? acks_ : (*handshake_acks_)[static_cast<std::size_t>(space)];
  }
  [[nodiscard]] const AckTracker& acks(PacketNumberSpace space) const {
    return space == PacketNumberSpace::kApplication ? acks_ : (*handshake_acks_)[static_cast<std::size_t>(space)];
  }
  // The keys of Initial and Handshake packets are gone, and all that was received in those spaces.
  void discard_handshake_acks() { handshake_acks_.reset(); }

  [[nodiscard]] NetworkPath& active() { return active_; }
  [[nodiscard]] const NetworkPath& active() const { return active_; }
  // The last validated 4-tuple before a migration, kept until the new one is validated: it is
  // challenged too and returned to if the new one fails (RFC 9000 section 9.3.2).
  [[nodiscard]] NetworkPath* previous() { return previous_.get(); }
  [[nodiscard]] const NetworkPath* previous() const { return previous_.get(); }
  void forget_previous() { previous_.reset(); }

  // A 4-tuple from which the peer only probes so far: it gets answers, nothing else, until
  // the peer moves there or goes silent (RFC 9000 section 9.1).
  [[nodiscard]] NetworkPath* candidate() { return candidate_.get(); }
  void set_candidate(NetworkPath candidate) { candidate_ = std::make_unique<NetworkPath>(std::move(candidate)); }
  void forget_candidate() { candidate_.reset(); }

  // The network path with this 4-tuple, or nullptr.
  [[nodiscard]] NetworkPath* find(const FourTuple& tuple) {
    if (active_.tuple() == tuple) return &active_;
    if (previous_ && previous_->tuple() == tuple) return previous_.get();
    if (candidate_ && candidate_->tuple() == tuple) return candidate_.get();
    return nullptr;
  }

  // The connection ID for packets sent on `network_path`.
  [[nodiscard]] const ConnectionId& peer_cid(const NetworkPath& network_path) const {
    static const ConnectionId kNone;
    const PeerCids::Entry* entry = peer_cids_.find(network_path.peer_cid_sequence());
    return entry == nullptr ? kNone : entry->cid;
  }

  // The peer is now at another 4-tuple. Congestion state and RTT start afresh unless only the
  // port changed, which a NAT does under a path that stays the same (RFC 9000 section 9.4).
  void migrate_to(NetworkPath to, Timestamp now) {
    const bool same_host = active_.tuple().remote.same_ip(to.tuple().remote);
    to.ecn().inherit_counts(active_.ecn());
    if (active_.validated()) previous_ = std::make_unique<NetworkPath>(std::move(active_));
    active_ = std::move(to);
    if (!same_host) {
      loss_.on_network_path_changed(active_.mtu(), now);
      pacer_.reset(active_.mtu());
    }
  }

  // The new 4-tuple could not be validated: back to the one before.
  void return_to_previous(Timestamp now) {
    previous_->ecn().inherit_counts(active_.ecn());
    active_ = std::move(*previous_);
    previous_.reset();
    loss_.on_network_path_changed(active_.mtu(), now);
    pacer_.reset(active_.mtu());
  }

  // Octets that congestion control and pacing allow now; 0: wait.
  [[nodiscard]] bool may_send(Timestamp now) const {
    return loss_.window_open() && (!pacing_ || pacer_.budget(now) > 0);
  }
  [[nodiscard]] bool blocked_by_pacing(Timestamp now) const {
    return pacing_ && loss_.window_open() && pacer_.budget(now) == 0;
  }

  // RTT or window changed: so does the rate.
  void update_pacing_rate() {
    pacer_.set_rate(controller_->congestion_window(), loss_.rtt().smoothed(),
                    controller_->snapshot().phase == CongestionPhase::kSlowStart, controller_->pacing_rate());
  }

  void on_mtu_changed() {
    controller_->on_mtu_change(active_.mtu());
    pacer_.on_mtu_change(active_.mtu());
  }

  // Octets on the heap.
  [[nodiscard]] std::size_t memory() const {
    return controller_->memory() + loss_.memory() + local_cids_.memory() + peer_cids_.memory() + acks_.memory() +
           (handshake_acks_ != nullptr ? sizeof(HandshakeAcks) : 0) + (previous_ != nullptr ? sizeof(NetworkPath) : 0) +
           (candidate_ != nullptr ? sizeof(NetworkPath) : 0);
  }

 private:
  using HandshakeAcks = std::array<AckTracker, 2>;

  PathId id_;
  bool pacing_;
  std::unique_ptr<CongestionController> controller_;
  LossDetector loss_;
  Pacer pacer_;
  LocalCids local_cids_;
  PeerCids peer_cids_;
  AckTracker acks_ = AckTracker::for_space(PacketNumberSpace::kApplication);
  std::unique_ptr<HandshakeAcks> handshake_acks_ = std::make_unique<HandshakeAcks>(HandshakeAcks{
      AckTracker::for_space(PacketNumberSpace::kInitial), AckTracker::for_space(PacketNumberSpace::kHandshake)});
  NetworkPath active_;
  std::unique_ptr<NetworkPath> previous_;
  std::unique_ptr<NetworkPath> candidate_;
};

}  // namespace hawser::quic
