// multipath_frames.cc: the frames of the multipath extension, as they come, as they go, and when they were
// acknowledged or lost. Before: frames.cc, send.cc, ack.cc. After: path/, ack.cc.
#include <algorithm>

#include "quic/connection/multipath.h"
#include "quic/wire/frames/all_frames.h"

namespace hawser::quic {

Parsed<PathSlot*> Multipath::slot_for(PathId id, FrameReader& in) {
  // multipath:4-above-limit
  if (id.value > local_max_)
    return in.fault(TransportErrorCode::kProtocolViolation, "a Path ID above the limit that was given");
  // multipath:4-closed-ignored
  return find(id);
}

Parsed<void> Multipath::on_frame(FrameReader& in, ConnectionCore::ReceivedPacket& packet) {
  const auto type = static_cast<FrameType>(in.frame_type());
  if (type == FrameType::kPathAck || type == FrameType::kPathAckEcn) return on_path_ack(in);
  HAWSER_TRY_VOID(core_.charge(in, FloodGuard::kPath));
  switch (type) {
    case FrameType::kPathAbandon:
      return on_abandon(in);
    case FrameType::kPathStatusBackup:
    case FrameType::kPathStatusAvailable:
      return on_status(in);
    case FrameType::kPathNewConnectionId: {
      HAWSER_TRY(const PathNewConnectionIdFrame frame, parse_path_new_connection_id(in));
      return on_new_cid(frame.path_id, frame.cid, in);
    }
    case FrameType::kPathRetireConnectionId: {
      HAWSER_TRY(const PathRetireConnectionIdFrame frame, parse_path_retire_connection_id(in));
      HAWSER_TRY_VOID(slot_for(frame.path_id, in));
      return on_retire_cid(frame.path_id, frame.sequence_number, packet);
    }
    case FrameType::kMaxPathId:
      return on_max_path_id(in);
    case FrameType::kPathsBlocked:
      return on_paths_blocked(in);
    default:
      return on_cids_blocked(in);
  }
}

Parsed<void> Multipath::on_path_ack(FrameReader& in) {
  HAWSER_TRY(const PathAckFrame frame, parse_path_ack(in));
  HAWSER_TRY(PathSlot* const slot, slot_for(frame.path_id, in));
  // Of a path that is over it may come late, but not for ever.
  if (slot == nullptr) return core_.charge(in, FloodGuard::kCheap);
  // multipath:4.1-never-sent
  if (slot->path == nullptr) {
    if (slot->abandoned) return core_.charge(in, FloodGuard::kCheap);
    return in.fault(TransportErrorCode::kProtocolViolation, "acknowledges packets of a path that was never used");
  }
  return take_ack_of(*slot, frame.ack, in);
}

// multipath:4-initial-path
Parsed<void> Multipath::on_initial_path_ack(const AckFrame& frame, FrameReader& in) {
  PathSlot* const slot = find(kInitialPathId);
  if (slot == nullptr) return core_.charge(in, FloodGuard::kCheap);
  return take_ack_of(*slot, frame, in);
}

Parsed<void> Multipath::on_new_cid(PathId id, const NewConnectionIdFrame& frame, FrameReader& in) {
  HAWSER_TRY(PathSlot* const slot, slot_for(id, in));
  if (slot == nullptr || slot->abandoned) return {};
  // multipath:4.4-unique
  for (const auto& other : slots_)
    if (other.get() != slot && other->peer_cids().holds(frame.connection_id))
      return in.fault(TransportErrorCode::kProtocolViolation, "a connection ID of another path");
  HAWSER_TRY_VOID(slot->peer_cids().on_new_connection_id({.sequence = frame.sequence_number,
                                                          .retire_prior_to = frame.retire_prior_to,
                                                          .cid = frame.connection_id,
                                                          .token = frame.stateless_reset_token}));
  // RFC 9000 section 5.1.2: what was retired is no longer used from now on.
  if (slot->path != nullptr) slot->path->replace_retired_cids();
  return {};
}

Parsed<void> Multipath::on_retire_cid(PathId id, std::uint64_t sequence, ConnectionCore::ReceivedPacket& packet) {
  PathSlot* const slot = find(id);
  if (slot == nullptr) return {};
  HAWSER_TRY(const std::optional<ConnectionId> retired,
             slot->local_cids().on_retire_connection_id(sequence, packet.dcid));
  if (!retired) return {};
  if (slot->path != nullptr) {
    NetworkPath& active = slot->path->active();
    // Packets to another one may show from now on that only a NAT moved them.
    const LocalCids::Entry* used = slot->local_cids().find(packet.dcid);
    if (sequence == active.local_cid_sequence() && *packet.tuple == active.tuple() && used != nullptr)
      active.set_local_cid_sequence(used->sequence);
  }
  core_.routing_changes_.push_back({.add = false, .cid = *retired});
  issue_connection_ids();
  return {};
}

// multipath:3.4-answer multipath:3.4-only-path
Parsed<void> Multipath::on_abandon(FrameReader& in) {
  HAWSER_TRY(const PathAbandonFrame frame, parse_path_abandon(in));
  HAWSER_TRY(PathSlot* const slot, slot_for(frame.path_id, in));
  if (slot == nullptr) return {};
  const bool was_open = slot->open();
  abandon(*slot, frame.error_code);
  if (!was_open) return {};
  bool any = false;
  for_each_open([&any](PathSlot&) { any = true; });
  if (any) return {};
  if (survives_crossing(slot->path->active().tuple())) return {};
  core_.close_for({TransportErrorCode::kNoViablePath, in.frame_type(), "the last path was abandoned"});
  return {};
}

// Both ends gave up another path at once, each counting on the one that the other gave up. The client opens a new
// one where the last one was; the server waits for it.
bool Multipath::survives_crossing(const FourTuple& tuple) {
  const bool crossed = std::ranges::count_if(slots_, [](const std::unique_ptr<PathSlot>& slot) {
                         return slot->abandoned && slot->path != nullptr && slot->forget_at == kNever;
                       }) > 1;
  if (!crossed) return false;
  if (!core_.is_server()) return open_path(tuple).has_value();
  alone_until_ = core_.now_ + 3 * largest_pto();
  return true;
}

// multipath:3.3-latest
Parsed<void> Multipath::on_status(FrameReader& in) {
  HAWSER_TRY(const PathStatusFrame frame, parse_path_status(in));
  HAWSER_TRY(PathSlot* const slot, slot_for(frame.path_id, in));
  if (slot == nullptr || slot->abandoned) return {};
  if (slot->peers.said && frame.sequence_number <= slot->peers.sequence) return {};
  slot->peers = {.said = true, .backup = !frame.available, .sequence = frame.sequence_number};
  note_state(*slot);
  return {};
}

Parsed<void> Multipath::on_max_path_id(FrameReader& in) {
  HAWSER_TRY(const MaxPathIdFrame frame, parse_max_path_id(in));
  // multipath:4.6-below-initial
  if (frame.maximum < core_.peer_.initial_max_path_id)
    return in.fault(TransportErrorCode::kProtocolViolation, "MAX_PATH_ID below initial_max_path_id");
  // multipath:4.6-not-increased
  if (frame.maximum <= peer_max_) return {};
  peer_max_ = frame.maximum;
  issue_connection_ids();
  return {};
}

// The next MAX_PATH_ID comes when a path is gone; until then there is nothing to give.
Parsed<void> Multipath::on_paths_blocked(FrameReader& in) {
  HAWSER_TRY(const PathsBlockedFrame frame, parse_paths_blocked(in));
  // multipath:4.7-above-limit
  if (frame.maximum > local_max_)
    return in.fault(TransportErrorCode::kProtocolViolation, "PATHS_BLOCKED above the limit that was given");
  return {};
}

Parsed<void> Multipath::on_cids_blocked(FrameReader& in) {
  HAWSER_TRY(const PathCidsBlockedFrame frame, parse_path_cids_blocked(in));
  HAWSER_TRY(PathSlot* const slot, slot_for(frame.path_id, in));
  if (slot == nullptr || slot->abandoned) return {};
  // multipath:4.8-next-sequence
  if (frame.next_sequence_number > slot->local_cids().next_sequence())
    return in.fault(TransportErrorCode::kProtocolViolation, "PATH_CIDS_BLOCKED beyond the connection IDs issued");
  issue_connection_ids();
  return {};
}

// Writing. -----------------------------------------------------------------------------------------------

bool Multipath::has_frames() const {
  return copying_ != nullptr || max_path_id_owed_ || paths_blocked_owed_ ||
         std::ranges::any_of(slots_, [](const auto& slot) {
           return slot->abandon_owed || slot->ours.owed || slot->cids_blocked_owed ||
                  (!slot->abandoned && (slot->local_cids().has_frames() || slot->peer_cids().has_frames()));
         });
}

namespace {

// Writes a frame of a few octets and remembers it; false if it does not fit.
template <class Frame, class Size, class Write>
bool put(PacketPayload& out, const Frame& frame, Size size, Write write, const SentFrame& sent) {
  // All of them have types of two octets in draft 21, and sizes are those.
  const std::size_t type_size = out.path_type_size(code_point(FrameType::kPathAbandon));
  if (size(frame) + type_size - 2 > out.room()) return false;
  write(out, frame);
  out.record(sent);
  return true;
}

}  // namespace

WriteResult Multipath::write_slot_frames(PathSlot& slot, PacketPayload& out) {
  if (slot.abandon_owed) {
    const PathAbandonFrame frame{slot.id, slot.error_code};
    if (!put(out, frame, path_abandon_size, write_path_abandon,
             {.kind = SentFrameKind::kPathAbandon, .id = slot.id.value}))
      return WriteResult::kPacketFull;
    slot.abandon_owed = false;
  }
  if (slot.abandoned) return WriteResult::kDone;
  if (slot.peer_cids().has_frames() && slot.peer_cids().write_retirements(out) == WriteResult::kPacketFull)
    return WriteResult::kPacketFull;
  if (slot.local_cids().has_frames() && slot.local_cids().write_new_connection_ids(out) == WriteResult::kPacketFull)
    return WriteResult::kPacketFull;
  if (slot.ours.owed) {
    const PathStatusFrame frame{!slot.ours.backup, slot.id, slot.ours.sequence};
    if (!put(out, frame, path_status_size, write_path_status,
             {.kind = SentFrameKind::kPathStatus, .id = slot.id.value, .offset = slot.ours.sequence}))
      return WriteResult::kPacketFull;
    slot.ours.owed = false;
  }
  if (slot.cids_blocked_owed) {
    const PathCidsBlockedFrame frame{slot.id, slot.peer_cids().next_expected()};
    if (!put(out, frame, path_cids_blocked_size, write_path_cids_blocked,
             {.kind = SentFrameKind::kPathCidsBlocked, .id = slot.id.value}))
      return WriteResult::kPacketFull;
    slot.cids_blocked_owed = false;
  }
  return WriteResult::kDone;
}

WriteResult Multipath::write_frames(PacketPayload& out) {
  for (const auto& slot : slots_)
    if (write_slot_frames(*slot, out) == WriteResult::kPacketFull) return WriteResult::kPacketFull;
  if (max_path_id_owed_) {
    if (!put(out, MaxPathIdFrame{local_max_}, max_path_id_size, write_max_path_id,
             {.kind = SentFrameKind::kMaxPathId, .offset = local_max_}))
      return WriteResult::kPacketFull;
    max_path_id_owed_ = false;
  }
  if (paths_blocked_owed_) {
    if (!put(out, PathsBlockedFrame{peer_max_}, paths_blocked_size, write_paths_blocked,
             {.kind = SentFrameKind::kPathsBlocked, .offset = peer_max_}))
      return WriteResult::kPacketFull;
    paths_blocked_owed_ = false;
  }
  return WriteResult::kDone;
}

void Multipath::on_frame_acked(const SentFrame& frame) {
  const bool of_cid = frame.kind == SentFrameKind::kNewConnectionId || frame.kind == SentFrameKind::kRetireConnectionId;
  PathSlot* const slot = find(PathId{of_cid ? frame.offset : frame.id});
  if (slot == nullptr) return;
  if (frame.kind == SentFrameKind::kNewConnectionId) slot->local_cids().on_new_connection_id_acked(frame.id);
  if (frame.kind == SentFrameKind::kRetireConnectionId) slot->peer_cids().on_retirement_acked(frame.id);
  // The peer knows; what it sent before may be on its way for a while.
  if (frame.kind == SentFrameKind::kPathAbandon && slot->forget_at == kNever)
    slot->forget_at = core_.now_ + 3 * largest_pto();
}

void Multipath::on_frame_lost(const SentFrame& frame) {
  const bool of_cid = frame.kind == SentFrameKind::kNewConnectionId || frame.kind == SentFrameKind::kRetireConnectionId;
  if (frame.kind == SentFrameKind::kMaxPathId) max_path_id_owed_ |= frame.offset == local_max_;
  if (frame.kind == SentFrameKind::kPathsBlocked) paths_blocked_owed_ |= frame.offset == peer_max_;
  PathSlot* const slot = find(PathId{of_cid ? frame.offset : frame.id});
  if (slot == nullptr) return;
  switch (frame.kind) {
    case SentFrameKind::kNewConnectionId:
      return slot->local_cids().on_new_connection_id_lost(frame.id);
    case SentFrameKind::kRetireConnectionId:
      return slot->peer_cids().on_retirement_lost(frame.id);
    case SentFrameKind::kPathAbandon:
      slot->abandon_owed = slot->forget_at == kNever;
      return;
    case SentFrameKind::kPathStatus:
      // A later one that waits to be written is owed as before.
      slot->ours.owed |= !slot->abandoned && slot->ours.sequence == frame.offset;
      return;
    case SentFrameKind::kPathCidsBlocked:
      slot->cids_blocked_owed = !slot->abandoned && !slot->peer_cids().has_unused();
      return;
    default:
      return;
  }
}

}  // namespace hawser::quic
