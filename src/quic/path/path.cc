// path.cc: how a Path changes its network path: others are tried, moved to, returned to and
// forgotten, each with a connection ID of its own (RFC 9000 section 9). Who wants that, and why, is
// the connection's affair (connection/migration.cc).
#include "quic/path/path.h"

#include <algorithm>

#include "base/check.h"
#include "quic/congestion/coupling.h"

namespace hawser::quic {
namespace {

// RFC 9000 section 9.4: a change of the port alone is a NAT's doing, and the path the same.
bool same_hosts(const FourTuple& a, const FourTuple& b) {
  return a.remote.same_ip(b.remote) && a.local.same_ip(b.local);
}

}  // namespace

OtherNetworkPath* Path::previous() {
  for (OtherNetworkPath& other : others())
    if (other.role == OtherNetworkPath::Role::kPrevious) return &other;
  return nullptr;
}

OtherNetworkPath* Path::find_other(const FourTuple& tuple) {
  for (OtherNetworkPath& other : others())
    if (other.network_path.tuple() == tuple) return &other;
  return nullptr;
}

bool Path::knows_remote(const SocketAddress& remote) const {
  return active_.tuple().remote == remote || std::ranges::any_of(others(), [&](const OtherNetworkPath& other) {
           return other.network_path.tuple().remote == remote;
         });
}

OtherNetworkPath& Path::add_other(OtherNetworkPath other) {
  if (others_ == nullptr) {
    others_ = std::make_unique<std::vector<OtherNetworkPath>>();
    others_->reserve(kMaxOtherNetworkPaths);
  }
  if (others_->size() == kMaxOtherNetworkPaths) {
    const bool first_is_previous = others_->front().role == OtherNetworkPath::Role::kPrevious;
    const std::uint64_t sequence = take((*others_)[first_is_previous ? 1 : 0]).peer_cid_sequence();
    // The new one is of none of the lists yet.
    if (sequence != other.network_path.peer_cid_sequence() && !uses_cid(sequence)) peer_cids_.retire(sequence);
  }
  others_->push_back(std::move(other));
  return others_->back();
}

NetworkPath Path::take(OtherNetworkPath& other) {
  NetworkPath taken = std::move(other.network_path);
  others_->erase(others_->begin() + (&other - others_->data()));
  if (others_->empty()) others_.reset();
  return taken;
}

// rfc9000:5.1.2-retire-unused
void Path::forget(OtherNetworkPath& other) {
  const std::uint64_t sequence = take(other).peer_cid_sequence();
  if (!uses_cid(sequence)) peer_cids_.retire(sequence);
}

bool Path::uses_cid(std::uint64_t sequence) const {
  return active_.peer_cid_sequence() == sequence ||
         std::ranges::any_of(others(), [sequence](const OtherNetworkPath& other) {
           return other.network_path.peer_cid_sequence() == sequence;
         });
}

void Path::replace_retired_cids() {
  const auto replace = [this](NetworkPath& network_path) {
    if (peer_cids_.is_active(network_path.peer_cid_sequence())) return;
    if (const auto next = peer_cids_.take_unused()) network_path.set_peer_cid_sequence(*next);
  };
  replace(active_);
  for (OtherNetworkPath& other : others()) replace(other.network_path);
}

// Another host, another path: nothing that was learnt holds (RFC 9000 section 9.4).
void Path::start_afresh(Duration initial_rtt, Timestamp now, LearntBefore* keep) {
  if (careful_resume_ != nullptr) {
    careful_resume_->give_up(now);
    end_careful_resume();
  }
  auto fresh = make_congestion_controller(controller_->name(), active_.mtu());
  HAWSER_CHECK(fresh.has_value());
  pass_on_coupling(*controller_, **fresh);
  NetworkPathLearning learnt = loss_.on_network_path_changed(**fresh, initial_rtt, now);
  std::swap(controller_, *fresh);
  if (keep != nullptr) *keep = {.controller = std::move(*fresh), .recovery = learnt};
  pacer_.reset(active_.mtu());
}

void Path::follow_peer(NetworkPath to, Timestamp now) {
  const bool same = same_hosts(active_.tuple(), to.tuple());
  to.ecn().inherit_counts(active_.ecn());
  std::swap(active_, to);  // now `to` is the one that is left
  active_.mtu_prober().forget_probe();
  if (to.validated()) {
    if (OtherNetworkPath* old = previous()) forget(*old);
    to.validator().stop();
    add_other({.network_path = std::move(to), .role = OtherNetworkPath::Role::kPrevious});
  } else if (!uses_cid(to.peer_cid_sequence())) {
    peer_cids_.retire(to.peer_cid_sequence());
  }
  if (same) {
    on_mtu_changed();
    return;
  }
  // An address that was never proven taught nothing worth keeping; `previous` may already hold what
  // was learnt before it.
  OtherNetworkPath* const before = previous();
  const bool keep = before != nullptr && before->learnt == nullptr;
  if (keep) before->learnt = std::make_unique<LearntBefore>();
  start_afresh(initial_rtt_, now, keep ? before->learnt.get() : nullptr);
}

void Path::settle(Timestamp keep_until) {
  OtherNetworkPath* const before = previous();
  if (before == nullptr) return;
  before->role = OtherNetworkPath::Role::kLeft;
  before->forget_at = keep_until;
  before->learnt.reset();
}

void Path::return_to_previous(Timestamp now, Timestamp keep_until) {
  OtherNetworkPath* const before = previous();
  HAWSER_CHECK(before != nullptr);
  before->network_path.ecn().inherit_counts(active_.ecn());
  std::swap(active_, before->network_path);
  active_.validator().stop();
  active_.mtu_prober().forget_probe();
  const std::unique_ptr<LearntBefore> learnt = std::move(before->learnt);
  before->role = OtherNetworkPath::Role::kProbed;
  before->forget_at = keep_until;
  before->network_path.validator().stop();
  if (learnt == nullptr) {
    on_mtu_changed();
    return;
  }
  loss_.on_network_path_returned(learnt->recovery, *learnt->controller, now);
  pass_on_coupling(*controller_, *learnt->controller);
  controller_ = std::move(learnt->controller);
  // The choice may have changed meanwhile, to one that marks otherwise.
  active_.ecn().set_codepoint(controller_->ecn_codepoint());
  for (OtherNetworkPath& other : others()) other.network_path.ecn().set_codepoint(controller_->ecn_codepoint());
  pacer_.reset(active_.mtu());
  on_mtu_changed();
  update_pacing_rate();
}

void Path::move_to(OtherNetworkPath& other, Timestamp now, Timestamp keep_until) {
  const bool same = same_hosts(active_.tuple(), other.network_path.tuple());
  other.network_path.ecn().inherit_counts(active_.ecn());
  std::swap(active_, other.network_path);
  active_.mtu_prober().forget_probe();
  other.role = OtherNetworkPath::Role::kLeft;
  other.move_when_validated = false;
  other.forget_at = keep_until;
  other.network_path.validator().stop();
  // RFC 9002 section 6.2.2: what the challenge took is a fair first guess.
  const Duration guess = other.round_trip > Duration{0} ? std::max(other.round_trip, kGranularity) : initial_rtt_;
  if (!same) start_afresh(guess, now, nullptr);
  on_mtu_changed();
}

Timestamp Path::next_others_timeout() const {
  Timestamp next = kNever;
  for (const OtherNetworkPath& other : others())
    next = std::min({next, other.forget_at, validation_timeout(other.network_path)});
  return next;
}

Timestamp Path::validation_timeout(const NetworkPath& network_path) const {
  const Timestamp next = network_path.validation_timeout();
  if (next == kNever || peer_cids_.is_active(network_path.peer_cid_sequence())) [[likely]]
    return next;
  return network_path.validator().deadline();
}

std::size_t Path::others_memory() const {
  std::size_t octets = others_ == nullptr ? 0 : sizeof(*others_) + others_->capacity() * sizeof(OtherNetworkPath);
  for (const OtherNetworkPath& other : others())
    octets += other.network_path.validator().memory() +
              (other.learnt == nullptr ? 0 : sizeof(LearntBefore) + other.learnt->controller->memory());
  return octets;
}

}  // namespace hawser::quic
