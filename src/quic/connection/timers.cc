// timers.cc: when a connection must be looked at again, and what is due when that time comes.
#include "quic/connection/core.h"
#include "quic/connection/fec.h"
#include "quic/connection/multipath.h"

namespace hawser::quic {
namespace {

// Most NATs and firewalls let a UDP flow through that shows a packet this often (RFC 9000 section 10.1.2).
constexpr Duration kMiddleboxesForget = 30s;

// The smaller of both sides' idle timeouts; zero means that a side has none.
Duration effective_idle_timeout(Duration ours, std::uint64_t peer_ms) {
  const Duration theirs =
      std::chrono::milliseconds(static_cast<std::int64_t>(std::min<std::uint64_t>(peer_ms, UINT64_C(1) << 40)));
  if (ours == Duration{0}) return theirs;
  if (theirs == Duration{0}) return ours;
  return std::min(ours, theirs);
}

}  // namespace

// RFC 9000 section 10.1: never shorter than three PTOs. Zero: there is none.
// rfc9000:10.1-three-pto
Duration ConnectionCore::idle_timeout() const {
  const Duration timeout = effective_idle_timeout(config_.idle_timeout, peer_.max_idle_timeout_ms);
  return timeout == Duration{0} ? timeout : std::max(timeout, 3 * largest_pto());
}

Timestamp ConnectionCore::idle_deadline() const {
  const Duration timeout = idle_timeout();
  return timeout == Duration{0} ? kNever : times_.last_activity + timeout;
}

// A PING that waits for the window is enough: more of them would wake us for nothing.
Timestamp ConnectionCore::keep_alive_deadline() const {
  if (!handshake_.complete || owed_.ping) return kNever;
  Duration interval = config_.keep_alive;
  if (times_.kept_alive) {
    const Duration timeout = idle_timeout();
    const Duration needed = timeout == Duration{0} ? kMiddleboxesForget : std::min(timeout / 3, kMiddleboxesForget);
    interval = interval == Duration{0} ? needed : std::min(interval, needed);
  }
  return interval == Duration{0} ? kNever : times_.last_received + interval;
}

Timestamp ConnectionCore::open_deadline() const {
  Timestamp deadline = std::min(multipath_ == nullptr ? path_deadline() : multipath_->next_timeout(), idle_deadline());
  if (!handshake_.complete) deadline = std::min(deadline, times_.started + config_.handshake_timeout);
  deadline = std::min(deadline, keep_alive_deadline());
  if (early_data_ != nullptr) deadline = std::min(deadline, early_data_->discard_at);
  if (datagrams() != nullptr) deadline = std::min(deadline, datagrams()->next_expiry());
  if (fec() != nullptr) deadline = std::min(deadline, fec()->next_timeout());
  return std::min(deadline, rest_deadline());
}

// What the path at hand waits for.
Timestamp ConnectionCore::path_deadline() const {
  Timestamp deadline = path_->loss().next_timeout();
  for (const PacketNumberSpace space :
       {PacketNumberSpace::kInitial, PacketNumberSpace::kHandshake, PacketNumberSpace::kApplication}) {
    const EncryptionLevel level = space == PacketNumberSpace::kInitial     ? EncryptionLevel::kInitial
                                  : space == PacketNumberSpace::kHandshake ? EncryptionLevel::kHandshake
                                                                           : EncryptionLevel::kOneRtt;
    // Without credit no acknowledgement can go; the datagram that brings credit wakes us.
    if (can_seal_here(level) && path_->active().anti_amplification().allows(path_->active().mtu()))
      deadline = std::min(deadline, path_->acks(space).next_timeout());
  }
  deadline = std::min(deadline, path_->validation_timeout(path_->active()));
  // A probe waits for the window like any packet; what opens it has us look again.
  const Timestamp raise = path_->active().mtu_prober().next_timeout();
  if (raise < deadline && path_->may_send(now_)) deadline = raise;
  if (!std::as_const(*path_).others().empty()) deadline = std::min(deadline, path_->next_others_timeout());
  if (path_->waits_for_pacing()) deadline = std::min(deadline, path_->pacer().next_release(now_));
  return deadline;
}

Timestamp ConnectionCore::next_timeout() const {
  if (phase_ == Phase::kOpen) return open_deadline();
  return phase_ == Phase::kTerminated ? Timestamp::min() : closing_.deadline;
}

void ConnectionCore::on_timeout(Timestamp now) {
  begin(now);
  if (phase_ == Phase::kClosing || phase_ == Phase::kDraining) {
    if (now >= closing_.deadline) {
      phase_ = Phase::kTerminated;
      log_end();
    }
    return;
  }
  if (phase_ != Phase::kOpen) return;
  if (!handshake_.complete && now >= times_.started + config_.handshake_timeout) {
    finish({.kind = CloseReason::Kind::kHandshakeTimeout, .reason = "handshake timeout"});
    return;
  }
  if (now >= idle_deadline()) {
    // Section 10.1: silently, for both sides' timers have run out.
    finish({.kind = CloseReason::Kind::kIdleTimeout, .reason = "idle timeout"});
    return;
  }
  if (now >= keep_alive_deadline()) {
    owed_.ping = true;
    times_.last_received = now;
  }
  if (multipath_ == nullptr) {
    on_path_timer();
  } else {
    multipath_->on_timeout();
  }
  if (phase_ != Phase::kOpen) return;
  on_early_data_timeout();
  if (datagrams() != nullptr && now >= datagrams()->next_expiry()) {
    datagrams()->begin(now);
    datagrams()->on_expiry();
  }
  if (fec() != nullptr) fec()->on_timeout();
  if (now >= rest_deadline()) rest();
}

// Of the path at hand.
void ConnectionCore::on_path_timer() {
  if (now_ >= path_->loss().next_timeout()) on_loss_timeout();
  on_path_timeouts();
}

void ConnectionCore::on_loss_timeout() {
  recovery_.clear();
  const TimeoutOutcome outcome = path_->loss().on_timeout(now_, recovery_);
  if (outcome.kind == TimeoutKind::kLoss) {
    apply_recovery(outcome.losses);
  } else if (outcome.kind == TimeoutKind::kPto) {
    ++stats_.pto_count;
    // Silence after small packets alone says nothing of large ones.
    if (path_->loss().has_in_flight_above(kBaseMtu) && path_->active().on_pto(now_)) path_->on_mtu_changed();
    // Of the handshake the peer may be unable to say anything.
    if (multipath_ != nullptr && outcome.space == PacketNumberSpace::kApplication) multipath_->on_pto();
    // Nothing is acknowledged since we moved. A peer without a spare connection ID cannot follow, and what it retires
    // it tells the address that we left: with all of ours asked back it has new ones. rfc9000:9.5-provide-cids
    if (!is_server() && multipath_ == nullptr && migration_ != nullptr && migration_->stats.moves != 0 &&
        path_->loss().pto_count() == 2 && !path_->loss().rtt().has_sample()) {
      path_->local_cids().retire_all_issued();
      issue_connection_ids();
    }
    if (emitter_.wants(EventGroup::kRecovery)) log_recovery_metrics();
  }
  on_frames_recovered(outcome.space);
  if (emitter_.wants(EventGroup::kTimers)) log_loss_timer(true);
}

void ConnectionCore::on_path_timeouts() {
  if (!path_->others().empty()) on_other_path_timeouts();
  PathValidator& validator = path_->active().validator();
  if (now_ >= validator.next_timeout() && validator.on_timeout(now_)) on_validation_failed();
}

}  // namespace hawser::quic
