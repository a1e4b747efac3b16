// peer_cids.cc: connection IDs received from the peer, and their retirement
// (RFC 9000 sections 5.1.2 and 19.15).
#include <algorithm>

#include "base/check.h"
#include "quic/path/cid_sequence.h"

namespace hawser::quic {

void PeerCids::set_initial(const ConnectionId& cid) {
  zero_length_ = cid.empty();
  entries_.assign(1, {.sequence = 0, .cid = cid, .token = std::nullopt, .in_use = true});
  seen_.add(0, 1);
  tokens_changed_ = true;
}

void PeerCids::set_initial_token(const StatelessResetToken& token) {
  for (Entry& entry : entries_) {
    if (entry.sequence == 0) entry.token = token;
  }
  tokens_changed_ = true;
}

void PeerCids::add_preferred(const ConnectionId& cid, const StatelessResetToken& token) {
  HAWSER_CHECK(insert({.sequence = 1, .retire_prior_to = 0, .cid = cid, .token = token}));
  seen_.add(1, 2);
}

const PeerCids::Entry* PeerCids::find(std::uint64_t sequence) const {
  for (const Entry& entry : entries_) {
    if (entry.sequence == sequence) return &entry;
  }
  return nullptr;
}

bool PeerCids::insert(const NewCid& frame) {
  if (entries_.size() >= kMaxActiveCids) return false;
  entries_.push_back({.sequence = frame.sequence, .cid = frame.cid, .token = frame.token, .in_use = false});
  return true;
}

// A sequence number stands for one connection ID and token, and a connection ID for one number.
Parsed<void> PeerCids::check_reuse(const NewCid& frame) const {
  const auto reused = [&] {
    return fail(TransportErrorCode::kProtocolViolation, "sequence number or connection ID reused", new_cid_type());
  };
  for (const Entry& entry : entries_) {
    const bool same_sequence = entry.sequence == frame.sequence;
    const bool same_cid = entry.cid == frame.cid;
    if (same_sequence != same_cid) return reused();
    if (same_sequence && entry.token.has_value() && *entry.token != frame.token) return reused();
  }
  return {};
}

bool PeerCids::owe_retirement(std::uint64_t sequence) {
  for (const Retirement& retirement : retirements_) {
    if (retirement.sequence == sequence) return true;
  }
  if (retirements_.size() == kMaxPendingRetirements) return false;
  retirements_.push_back({.sequence = sequence, .sent = false});
  return true;
}

// rfc9000:5.1.2-retire-prior-to rfc9000:5.1.2-not-forgotten rfc9000:19.15-retire-not-lowered
Parsed<void> PeerCids::retire_below(std::uint64_t retire_prior_to) {
  retire_prior_to_ = std::max(retire_prior_to_, retire_prior_to);
  bool room = true;
  std::erase_if(entries_, [&](const Entry& entry) {
    if (entry.sequence >= retire_prior_to_) return false;
    room = room && owe_retirement(entry.sequence);
    tokens_changed_ = true;
    return true;
  });
  if (!room) return too_many_retirements();
  return {};
}

// rfc9000:5.1.2-bound-retired rfc9000:5.1.2-track-twice
std::unexpected<TransportError> PeerCids::too_many_retirements() const {
  return fail(TransportErrorCode::kConnectionIdLimitError, "too many connection IDs to retire at once", new_cid_type());
}

// rfc9000:19.15-late rfc9000:19.15-repeated
Parsed<void> PeerCids::on_new_connection_id(const NewCid& frame) {
  if (zero_length_) {
    // rfc9000:19.15-zero-received
    return fail(TransportErrorCode::kProtocolViolation, "NEW_CONNECTION_ID from a peer with zero-length connection IDs",
                new_cid_type());
  }
  if (frame.retire_prior_to > frame.sequence) {
    // rfc9000:19.15-retire-order-broken
    return fail(TransportErrorCode::kFrameEncodingError, "Retire Prior To exceeds Sequence Number", new_cid_type());
  }
  HAWSER_TRY_VOID(check_reuse(frame));
  const bool is_new = seen_.add(frame.sequence, frame.sequence + 1);
  if (seen_.size() > kMaxSeenCidRanges) {
    return fail(TransportErrorCode::kConnectionIdLimitError, "connection ID sequence numbers leave too many gaps",
                new_cid_type());
  }
  HAWSER_TRY_VOID(retire_below(frame.retire_prior_to));
  if (!is_new) return {};
  if (frame.sequence < retire_prior_to_) {
    // Overtaken by a frame that already asked for its retirement.
    if (!owe_retirement(frame.sequence)) return too_many_retirements();
    return {};
  }
  if (!insert(frame)) {
    // rfc9000:5.1.1-limit-exceeded
    return fail(TransportErrorCode::kConnectionIdLimitError, "more connection IDs than active_connection_id_limit",
                new_cid_type());
  }
  return {};
}

std::optional<std::uint64_t> PeerCids::take_unused() {
  Entry* lowest = nullptr;
  for (Entry& entry : entries_) {
    if (entry.in_use) continue;
    if (lowest == nullptr || entry.sequence < lowest->sequence) lowest = &entry;
  }
  if (lowest == nullptr) return std::nullopt;
  lowest->in_use = true;
  tokens_changed_ = true;
  return lowest->sequence;
}

void PeerCids::give_back(std::uint64_t sequence) {
  for (Entry& entry : entries_)
    if (entry.sequence == sequence) entry.in_use = false;
}

bool PeerCids::holds(const ConnectionId& cid) const {
  return std::any_of(entries_.begin(), entries_.end(), [&cid](const Entry& e) { return e.cid == cid; });
}

bool PeerCids::has_unused() const {
  return std::any_of(entries_.begin(), entries_.end(), [](const Entry& e) { return !e.in_use; });
}

void PeerCids::retire(std::uint64_t sequence) {
  if (std::erase_if(entries_, [sequence](const Entry& e) { return e.sequence == sequence; }) == 0) return;
  tokens_changed_ = true;
  // Our own pace is bounded by the connection IDs the peer gives us; at the limit the oldest
  // debt that is already under way gives its place.
  if (owe_retirement(sequence)) return;
  retirements_.erase(retirements_.begin());
  retirements_.push_back({.sequence = sequence, .sent = false});
}

// rfc9000:10.3.1-used-only rfc9000:10.3.1-constant-time
bool PeerCids::is_reset_token(Bytes token) const {
  bool found = false;
  for (const Entry& entry : entries_) {
    if (entry.in_use && entry.token.has_value()) found |= equal_constant_time(*entry.token, token);
  }
  return found;
}

bool PeerCids::has_frames() const {
  return std::any_of(retirements_.begin(), retirements_.end(), [](const Retirement& r) { return !r.sent; });
}

WriteResult PeerCids::write_retirements(PacketPayload& out) {
  const std::uint64_t type = path_id_.has_value() ? kFrameTypePathRetireConnectionId : kFrameTypeRetireConnectionId;
  for (Retirement& retirement : retirements_) {
    if (retirement.sent) continue;
    std::size_t size = out.path_type_size(type) + varint_size(retirement.sequence);
    if (path_id_.has_value()) size += varint_size(path_id_->value);
    if (size > out.room()) return WriteResult::kPacketFull;
    out.path_type(type);
    if (path_id_.has_value()) out.varint(path_id_->value);
    out.varint(retirement.sequence);
    out.mark_non_probing();
    out.record({.kind = SentFrameKind::kRetireConnectionId,
                .id = retirement.sequence,
                .offset = path_id_.value_or(PathId{}).value});
    retirement.sent = true;
  }
  return WriteResult::kDone;
}

void PeerCids::on_retirement_acked(std::uint64_t sequence) {
  std::erase_if(retirements_, [sequence](const Retirement& r) { return r.sequence == sequence; });
}

void PeerCids::on_retirement_lost(std::uint64_t sequence) {
  for (Retirement& retirement : retirements_) {
    if (retirement.sequence == sequence) retirement.sent = false;
  }
}

}  // namespace hawser::quic
