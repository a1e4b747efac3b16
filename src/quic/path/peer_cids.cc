// peer_cids.cc: connection IDs received from the peer, and their retirement
// (RFC 9000 sections 5.1.2 and 19.15).
#include <algorithm>

#include "base/check.h"
#include "quic/path/cid_sequence.h"

namespace hawser::quic {

void PeerCids::set_initial(const ConnectionId& cid) {
  zero_length_ = cid.empty();
  entries_[0] = {.sequence = 0, .cid = cid, .token = std::nullopt, .active = true, .in_use = true};
  seen_.add(0, 1);
}

void PeerCids::set_initial_token(const StatelessResetToken& token) {
  for (Entry& entry : entries_) {
    if (entry.active && entry.sequence == 0) entry.token = token;
  }
}

void PeerCids::add_preferred(const ConnectionId& cid, const StatelessResetToken& token) {
  HAWSER_CHECK(insert({.sequence = 1, .retire_prior_to = 0, .cid = cid, .token = token}));
  seen_.add(1, 2);
}

const PeerCids::Entry* PeerCids::find(std::uint64_t sequence) const {
  for (const Entry& entry : entries_) {
    if (entry.active && entry.sequence == sequence) return &entry;
  }
  return nullptr;
}

std::size_t PeerCids::active() const {
  return static_cast<std::size_t>(
      std::count_if(entries_.begin(), entries_.end(), [](const Entry& e) { return e.active; }));
}

bool PeerCids::insert(const NewCid& frame) {
  for (Entry& entry : entries_) {
    if (entry.active) continue;
    entry = {.sequence = frame.sequence, .cid = frame.cid, .token = frame.token, .active = true, .in_use = false};
    return true;
  }
  return false;
}

// A sequence number stands for one connection ID and token, and a connection ID for one number.
Parsed<void> PeerCids::check_reuse(const NewCid& frame) const {
  const auto reused = [&] {
    return fail(TransportErrorCode::kProtocolViolation, "sequence number or connection ID reused", new_cid_type());
  };
  for (const Entry& entry : entries_) {
    if (!entry.active) continue;
    const bool same_sequence = entry.sequence == frame.sequence;
    const bool same_cid = entry.cid == frame.cid;
    if (same_sequence != same_cid) return reused();
    if (same_sequence && entry.token.has_value() && *entry.token != frame.token) return reused();
  }
  return {};
}

bool PeerCids::owe_retirement(std::uint64_t sequence) {
  for (std::size_t i = 0; i < retirement_count_; ++i) {
    if (retirements_[i].sequence == sequence) return true;
  }
  if (retirement_count_ == kMaxPendingRetirements) return false;
  retirements_[retirement_count_++] = {.sequence = sequence, .sent = false};
  return true;
}

Parsed<void> PeerCids::retire_below(std::uint64_t retire_prior_to) {
  retire_prior_to_ = std::max(retire_prior_to_, retire_prior_to);
  for (Entry& entry : entries_) {
    if (!entry.active || entry.sequence >= retire_prior_to_) continue;
    entry.active = false;
    if (!owe_retirement(entry.sequence)) return too_many_retirements();
  }
  return {};
}

std::unexpected<TransportError> PeerCids::too_many_retirements() const {
  return fail(TransportErrorCode::kConnectionIdLimitError, "too many connection IDs to retire at once", new_cid_type());
}

Parsed<void> PeerCids::on_new_connection_id(const NewCid& frame) {
  if (zero_length_) {
    return fail(TransportErrorCode::kProtocolViolation, "NEW_CONNECTION_ID from a peer with zero-length connection IDs",
                new_cid_type());
  }
  if (frame.retire_prior_to > frame.sequence) {
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
    return fail(TransportErrorCode::kConnectionIdLimitError, "more connection IDs than active_connection_id_limit",
                new_cid_type());
  }
  return {};
}

std::optional<std::uint64_t> PeerCids::take_unused() {
  Entry* lowest = nullptr;
  for (Entry& entry : entries_) {
    if (!entry.active || entry.in_use) continue;
    if (lowest == nullptr || entry.sequence < lowest->sequence) lowest = &entry;
  }
  if (lowest == nullptr) return std::nullopt;
  lowest->in_use = true;
  return lowest->sequence;
}

bool PeerCids::has_unused() const {
  return std::any_of(entries_.begin(), entries_.end(), [](const Entry& e) { return e.active && !e.in_use; });
}

void PeerCids::retire(std::uint64_t sequence) {
  for (Entry& entry : entries_) {
    if (!entry.active || entry.sequence != sequence) continue;
    entry.active = false;
    // Our own pace is bounded by the connection IDs the peer gives us; at the limit the oldest
    // debt that is already under way gives its place.
    if (owe_retirement(sequence)) return;
    std::move(retirements_.begin() + 1, retirements_.end(), retirements_.begin());
    retirements_.back() = {.sequence = sequence, .sent = false};
    return;
  }
}

bool PeerCids::is_reset_token(Bytes token) const {
  bool found = false;
  for (const Entry& entry : entries_) {
    if (entry.active && entry.token.has_value()) found |= equal_constant_time(*entry.token, token);
  }
  return found;
}

bool PeerCids::has_frames() const {
  for (std::size_t i = 0; i < retirement_count_; ++i) {
    if (!retirements_[i].sent) return true;
  }
  return false;
}

WriteResult PeerCids::write_retirements(PacketPayload& out) {
  const std::uint64_t type = path_id_.has_value() ? kFrameTypePathRetireConnectionId : kFrameTypeRetireConnectionId;
  for (std::size_t i = 0; i < retirement_count_; ++i) {
    Retirement& retirement = retirements_[i];
    if (retirement.sent) continue;
    std::size_t size = varint_size(type) + varint_size(retirement.sequence);
    if (path_id_.has_value()) size += varint_size(path_id_->value);
    if (size > out.room()) return WriteResult::kPacketFull;
    out.varint(type);
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
  for (std::size_t i = 0; i < retirement_count_; ++i) {
    if (retirements_[i].sequence != sequence) continue;
    retirements_[i] = retirements_[--retirement_count_];
    return;
  }
}

void PeerCids::on_retirement_lost(std::uint64_t sequence) {
  for (std::size_t i = 0; i < retirement_count_; ++i) {
    if (retirements_[i].sequence == sequence) retirements_[i].sent = false;
  }
}

}  // namespace hawser::quic
