// path.h: a Path: what one Path ID names. It owns the packet numbers, loss recovery,
// congestion control, pacing and connection IDs of that ID, and holds the NetworkPaths (4-tuples) it
// runs over: the active one and, while somebody moves, those being tried or left.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "quic/congestion/careful_resume.h"
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
  Duration max_ack_delay = kMaxAckDelay;  // ours, as the peer is told
};

// Network paths of a Path beside the active one: one that is being left and a few under probing. With
// the active one they take five of the kMaxActiveCids connection IDs that the peer may give us.
inline constexpr std::size_t kMaxOtherNetworkPaths = 4;
static_assert(kMaxOtherNetworkPaths + 1 < kMaxActiveCids);

// What congestion control and RTT were on a network path that may be returned to.
struct LearntBefore {
  std::unique_ptr<CongestionController> controller;
  NetworkPathLearning recovery;
};

// A 4-tuple that is not in use, or not any more.
struct OtherNetworkPath {
  enum class Role : std::uint8_t {
    // Validated, before the peer seemed to move: it is challenged too, and returned to if the move
    // was none (RFC 9000 section 9.3.3) or fails (section 9.3.2).
    kPrevious,
    kProbed,  // being validated, or validated and ready to be used (section 9.1)
    kLeft,    // we moved away: what still comes there is answered
  };
  NetworkPath network_path;
  Role role = Role::kProbed;
  bool move_when_validated = false;  // we want to go there
  Duration round_trip{0};            // of the challenge that validated it; 0: not yet
  Timestamp forget_at = kNever;
  std::unique_ptr<LearntBefore> learnt;  // kPrevious of another host than the active one's
};

class Path {
 public:
  Path(const PathConfig& config, std::unique_ptr<CongestionController> controller)
      : id_(config.id),
        initial_rtt_(config.loss.initial_rtt),
        pacing_(config.pacing),
        controller_(std::move(controller)),
        loss_(config.loss, *controller_),
        pacer_(config.network_path.mtu.initial),
        acks_({.max_ack_delay = config.max_ack_delay}),
        active_(config.network_path) {
    active_.ecn().set_codepoint(controller_->ecn_codepoint());
  }
  Path(const Path&) = delete;
  Path& operator=(const Path&) = delete;

  [[nodiscard]] PathId id() const { return id_; }
  [[nodiscard]] LossDetector& loss() { return loss_; }
  [[nodiscard]] const LossDetector& loss() const { return loss_; }
  [[nodiscard]] CongestionController& controller() { return *controller_; }
  [[nodiscard]] const CongestionController& controller() const { return *controller_; }
  // Another algorithm takes over, from where this one has come (path_controller.cc).
  void set_controller(std::unique_ptr<CongestionController> controller, Timestamp now);
  // Careful Resume around the controller, until it ends or the path changes (path_controller.cc). `max_jump`:
  // octets; the observer is not owned.
  void begin_careful_resume(const SavedPath& saved, std::uint64_t max_jump, CarefulResumeObserver& observer);
  [[nodiscard]] CarefulResume* careful_resume() { return careful_resume_; }
  void end_careful_resume();
  [[nodiscard]] Pacer& pacer() { return pacer_; }
  [[nodiscard]] const Pacer& pacer() const { return pacer_; }
  [[nodiscard]] LocalCids& local_cids() { return local_cids_; }
  [[nodiscard]] const LocalCids& local_cids() const { return local_cids_; }
  [[nodiscard]] PeerCids& peer_cids() { return peer_cids_; }
  [[nodiscard]] const PeerCids& peer_cids() const { return peer_cids_; }
  // The first Path alone has the spaces of the handshake, while that lasts.
  [[nodiscard]] bool has_space(PacketNumberSpace space) const {
    return space == PacketNumberSpace::kApplication || handshake_acks_ != nullptr;
  }
  // Of a space that it has.
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

  // Other 4-tuples. path.cc -----------------------------------------------------------------------

  // All of them, the oldest first; mostly none. References end with the next call that adds,
  // forgets or moves.
  [[nodiscard]] std::span<OtherNetworkPath> others() {
    return others_ == nullptr ? std::span<OtherNetworkPath>{} : std::span<OtherNetworkPath>{*others_};
  }
  [[nodiscard]] std::span<const OtherNetworkPath> others() const {
    return others_ == nullptr ? std::span<const OtherNetworkPath>{} : std::span<const OtherNetworkPath>{*others_};
  }
  // The last validated 4-tuple before the peer seemed to move; nullptr if the active one is proven.
  [[nodiscard]] OtherNetworkPath* previous();
  // The one with this 4-tuple, or nullptr.
  [[nodiscard]] OtherNetworkPath* find_other(const FourTuple& tuple);
  [[nodiscard]] NetworkPath* find(const FourTuple& tuple) {
    if (active_.tuple() == tuple) return &active_;
    if (others_ == nullptr) return nullptr;
    OtherNetworkPath* other = find_other(tuple);
    return other == nullptr ? nullptr : &other->network_path;
  }
  // True if datagrams from this address may come: the active path or another one has it.
  [[nodiscard]] bool knows_remote(const SocketAddress& remote) const;
  // Adds one. Where there are kMaxOtherNetworkPaths, the oldest that is not `previous` gives way.
  OtherNetworkPath& add_other(OtherNetworkPath other);
  // Takes it out, with its connection ID.
  NetworkPath take(OtherNetworkPath& other);
  // Gives it up, and its connection ID unless another network path uses the same.
  void forget(OtherNetworkPath& other);

  // Which connection ID a network path to a new 4-tuple sends with: an unused one (RFC 9000 section
  // 9.5: never one of another local or remote address). Empty: none is spare.
  [[nodiscard]] std::optional<std::uint64_t> take_cid() { return peer_cids_.take_unused(); }
  // The peer retired connection IDs: network paths that used them take others.
  void replace_retired_cids();

  // The peer is now at another 4-tuple. Unless only the port changed, which a NAT does under a path
  // that stays the same, congestion control and RTT start afresh (RFC 9000 section 9.4); what they
  // were is kept with the previous 4-tuple until this one is validated.
  void follow_peer(NetworkPath to, Timestamp now);
  // The active 4-tuple is validated: the previous one is forgotten at `keep_until`, unless the peer
  // comes from there again, and what was learnt there at once.
  void settle(Timestamp keep_until);
  // Back to previous(), with all that was learnt there. The one that is left stays known until
  // `keep_until`, so that the peer finds the same connection ID when it comes again.
  void return_to_previous(Timestamp now, Timestamp keep_until);
  // We go over to one of others(), which is validated. The one that is left answers until
  // `keep_until`. Congestion control and RTT start afresh, as above.
  void move_to(OtherNetworkPath& other, Timestamp now, Timestamp keep_until);

  // When one of others() has something to ask, to give up or to be forgotten.
  [[nodiscard]] Timestamp next_others_timeout() const;
  // Of a network path of this one: without a connection ID, which the peer may have retired, nothing can be asked
  // there, and only the deadline is left.
  [[nodiscard]] Timestamp validation_timeout(const NetworkPath& network_path) const;

  // The connection ID for packets sent on `network_path`.
  [[nodiscard]] const ConnectionId& peer_cid(const NetworkPath& network_path) const {
    static const ConnectionId kNone;
    const PeerCids::Entry* entry = peer_cids_.find(network_path.peer_cid_sequence());
    return entry == nullptr ? kNone : entry->cid;
  }

  // Octets that congestion control and pacing allow now; 0: wait.
  [[nodiscard]] bool may_send(Timestamp now) const {
    return loss_.window_open() && (!pacing_ || pacer_.budget(now) > 0);
  }
  [[nodiscard]] bool blocked_by_pacing(Timestamp now) const {
    return pacing_ && loss_.window_open() && pacer_.budget(now) == 0;
  }

  // Data waits for the pacer: see connection/timers.cc.
  [[nodiscard]] bool waits_for_pacing() const { return waits_for_pacing_; }
  // Before packets are built, and after: whether the pacer, and nothing else, ended it.
  void begin_sending() { waits_for_pacing_ = false; }
  void end_sending(Timestamp now) {
    waits_for_pacing_ = blocked_by_pacing(now);
    if (waits_for_pacing_) {
      pacer_.await_release(now);
    } else {
      pacer_.stop_waiting();
    }
  }

  // RTT or window changed: so does the rate.
  void update_pacing_rate() {
    pacer_.set_smooth(controller_->paces_smoothly());
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
           (handshake_acks_ != nullptr ? sizeof(HandshakeAcks) : 0) + active_.validator().memory() + others_memory();
  }

 private:
  using HandshakeAcks = std::array<AckTracker, 2>;

  void start_afresh(Duration initial_rtt, Timestamp now, LearntBefore* keep);
  [[nodiscard]] bool uses_cid(std::uint64_t sequence) const;
  [[nodiscard]] std::size_t others_memory() const;

  PathId id_;
  Duration initial_rtt_;
  bool pacing_;
  bool waits_for_pacing_ = false;
  std::unique_ptr<CongestionController> controller_;
  CarefulResume* careful_resume_ = nullptr;  // the controller, while it is one
  LossDetector loss_;
  Pacer pacer_;
  LocalCids local_cids_;
  PeerCids peer_cids_;
  AckTracker acks_;
  std::unique_ptr<HandshakeAcks> handshake_acks_ = std::make_unique<HandshakeAcks>(HandshakeAcks{
      AckTracker::for_space(PacketNumberSpace::kInitial), AckTracker::for_space(PacketNumberSpace::kHandshake)});
  NetworkPath active_;
  std::unique_ptr<std::vector<OtherNetworkPath>> others_;  // while there are any
};

}  // namespace hawser::quic
