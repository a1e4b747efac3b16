// local_cids.cc: connection IDs issued to the peer (RFC 9000 section 5.1.1).
#include <algorithm>

#include "base/check.h"
#include "quic/path/cid_sequence.h"

namespace hawser::quic {

namespace {

using State = LocalCids::Entry::State;

}  // namespace

std::uint64_t LocalCids::add(const ConnectionId& cid, const StatelessResetToken& token, State state) {
  HAWSER_CHECK(entries_.size() < kMaxLocalCids);
  entries_.push_back({.sequence = next_sequence_++, .cid = cid, .token = token, .state = State::kAcked});
  set_state(entries_.back(), state);
  return entries_.back().sequence;
}

void LocalCids::set_state(Entry& entry, State state) {
  to_send_ += state == State::kToSend;
  to_send_ -= entry.state == State::kToSend;
  entry.state = state;
}

std::uint64_t LocalCids::add_known(const ConnectionId& cid, const StatelessResetToken& token) {
  return add(cid, token, State::kAcked);
}

void LocalCids::set_peer_limit(std::uint64_t active_connection_id_limit) {
  peer_limit_ = static_cast<std::size_t>(std::clamp<std::uint64_t>(active_connection_id_limit, 2, kMaxActiveCids));
}

// rfc9000:5.1.1-limit-kept rfc9000:5.1.1-supply rfc9000:5.1.1-replace rfc9000:9.5-provide-cids
// rfc9000:5.1.1-pool-for-migration
std::size_t LocalCids::wanted() const {
  // Those we asked to retire no longer count against the peer's limit (section 5.1.1), but
  // they are kept until the peer has retired them.
  const auto counted = static_cast<std::size_t>(std::count_if(
      entries_.begin(), entries_.end(), [this](const Entry& e) { return e.sequence >= retire_prior_to_; }));
  return counted >= peer_limit_ ? 0 : std::min(kMaxLocalCids - entries_.size(), peer_limit_ - counted);
}

// rfc9000:5.1.1-sequence rfc9000:5.1-issued-once
std::uint64_t LocalCids::issue(const ConnectionId& cid, const StatelessResetToken& token) {
  HAWSER_CHECK(wanted() > 0 && !cid.empty());
  return add(cid, token, State::kToSend);
}

void LocalCids::retire_all_issued() {
  retire_prior_to_ = next_sequence_;
}

LocalCids::Entry* LocalCids::by_sequence(std::uint64_t sequence) {
  for (Entry& entry : entries_) {
    if (entry.sequence == sequence) return &entry;
  }
  return nullptr;
}

// rfc9000:5.1.1-accepted rfc9000:5.1.2-accept-until-retired
const LocalCids::Entry* LocalCids::find(const ConnectionId& cid) const {
  for (const Entry& entry : entries_) {
    if (entry.cid == cid) return &entry;
  }
  return nullptr;
}

Parsed<std::optional<ConnectionId>> LocalCids::on_retire_connection_id(std::uint64_t sequence,
                                                                       const ConnectionId& arrived_on) {
  const std::uint64_t type = path_id_.has_value() ? kFrameTypePathRetireConnectionId : kFrameTypeRetireConnectionId;
  if (sequence >= next_sequence_) {
    // rfc9000:19.16-never-sent
    return fail(TransportErrorCode::kProtocolViolation, "retires a connection ID never issued", type);
  }
  Entry* entry = by_sequence(sequence);
  if (entry == nullptr) return std::optional<ConnectionId>{};
  if (entry->cid == arrived_on) {
    // rfc9000:19.16-own-packet
    return fail(TransportErrorCode::kProtocolViolation, "retires the connection ID it is sent to", type);
  }
  set_state(*entry, State::kAcked);  // nothing is to be sent of it any more
  const ConnectionId retired = entry->cid;
  entries_.erase(entries_.begin() + (entry - entries_.data()));
  return std::optional<ConnectionId>{retired};
}

WriteResult LocalCids::write_new_connection_ids(PacketPayload& out) {
  const std::uint64_t type = path_id_.has_value() ? kFrameTypePathNewConnectionId : kFrameTypeNewConnectionId;
  for (Entry& entry : entries_) {
    if (entry.state != State::kToSend) continue;
    // rfc9000:19.15-retire-order
    const std::uint64_t retire_prior_to = std::min(retire_prior_to_, entry.sequence);
    std::size_t size = out.path_type_size(type) + varint_size(entry.sequence) + varint_size(retire_prior_to) + 1 +
                       entry.cid.length() + kStatelessResetTokenLength;
    if (path_id_.has_value()) size += varint_size(path_id_->value);
    if (size > out.room()) return WriteResult::kPacketFull;
    out.path_type(type);
    if (path_id_.has_value()) out.varint(path_id_->value);
    out.varint(entry.sequence);
    out.varint(retire_prior_to);
    out.u8(static_cast<std::uint8_t>(entry.cid.length()));
    out.bytes(entry.cid.view());
    out.bytes(entry.token);
    out.record(
        {.kind = SentFrameKind::kNewConnectionId, .id = entry.sequence, .offset = path_id_.value_or(PathId{}).value});
    set_state(entry, State::kSent);
  }
  return WriteResult::kDone;
}

void LocalCids::on_new_connection_id_acked(std::uint64_t sequence) {
  if (Entry* entry = by_sequence(sequence); entry != nullptr) set_state(*entry, State::kAcked);
}

void LocalCids::on_new_connection_id_lost(std::uint64_t sequence) {
  Entry* entry = by_sequence(sequence);
  if (entry != nullptr && entry->state == State::kSent) set_state(*entry, State::kToSend);
}

}  // namespace hawser::quic
