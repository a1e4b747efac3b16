// frame_log.cc: packets' frames as events show them. They are read back from the plaintext, so that
// what is logged is what was on the wire.
#include <algorithm>

#include "quic/connection/event_log.h"
#include "quic/wire/errors.h"
#include "quic/wire/frames/all_frames.h"

namespace hawser::quic {
namespace {

// Of what was taken since `before`: `length` octets, with `behind` more after them.
Bytes taken_of(FrameReader before, const FrameReader& in, std::size_t length, std::size_t behind) {
  const Bytes rest = before.rest();
  return rest.subspan(rest.size() - in.remaining() - length - behind, length);
}

// Fills `summary` from a parsed frame; false if it did not parse.
template <class Frame, class Fill>
bool filled(const Parsed<Frame>& frame, Fill&& fill) {
  if (!frame) return false;
  fill(*frame);
  return true;
}

}  // namespace

bool FrameLog::add_stream_frame(FrameReader& in, FrameSummary& s) {
  switch (s.type) {
    case 0x04:
      return filled(parse_reset_stream(in), [&s](const auto& f) {
        s.id = f.stream_id.value;
        s.value = f.error_code;
        s.extra = f.final_size;
      });
    case 0x24:
      return filled(parse_reset_stream_at(in), [&s](const auto& f) {
        s.id = f.stream_id.value;
        s.value = f.error_code;
        s.extra = f.final_size;
        s.offset = f.reliable_size;
      });
    case 0x05:
      return filled(parse_stop_sending(in), [&s](const auto& f) {
        s.id = f.stream_id.value;
        s.value = f.error_code;
      });
    case 0x11:
      return filled(parse_max_stream_data(in), [&s](const auto& f) {
        s.id = f.stream_id.value;
        s.value = f.maximum;
      });
    case 0x15:
      return filled(parse_stream_data_blocked(in), [&s](const auto& f) {
        s.id = f.stream_id.value;
        s.value = f.limit;
      });
    default:
      return filled(parse_stream(in), [&s](const auto& f) {
        s.id = f.stream_id.value;
        s.offset = f.offset;
        s.length = f.data.size();
        s.fin = f.fin;
      });
  }
}

bool FrameLog::add_limit_frame(FrameReader& in, FrameSummary& s) {
  switch (s.type) {
    case 0x10:
      return filled(parse_max_data(in), [&s](const auto& f) { s.value = f.maximum; });
    case 0x12:
    case 0x13:
      return filled(parse_max_streams(in), [&s](const auto& f) { s.value = f.maximum; });
    case 0x14:
      return filled(parse_data_blocked(in), [&s](const auto& f) { s.value = f.limit; });
    default:
      return filled(parse_streams_blocked(in), [&s](const auto& f) { s.value = f.limit; });
  }
}

bool FrameLog::add_connection_frame(FrameReader& in, FrameSummary& s) {
  const FrameReader before = in;
  switch (s.type) {
    case 0x06:
      return filled(parse_crypto(in), [&s](const auto& f) {
        s.offset = f.offset;
        s.length = f.data.size();
      });
    case 0x07:
      return filled(parse_new_token(in), [&s](const auto& f) { s.length = f.token.size(); });
    case 0x18:
      return filled(parse_new_connection_id(in), [&](const NewConnectionIdFrame& f) {
        s.id = f.sequence_number;
        s.extra = f.retire_prior_to;
        s.data = taken_of(before, in, f.connection_id.length(), kStatelessResetTokenLength);
      });
    case 0x19:
      return filled(parse_retire_connection_id(in), [&s](const auto& f) { s.id = f.sequence_number; });
    case 0x1a:
      return filled(parse_path_challenge(in), [&](const auto&) { s.data = taken_of(before, in, 8, 0); });
    case 0x1b:
      return filled(parse_path_response(in), [&](const auto&) { s.data = taken_of(before, in, 8, 0); });
    case 0x1c:
    case 0x1d:
      return filled(parse_connection_close(in), [&s](const auto& f) {
        s.value = f.error_code;
        s.extra = f.frame_type;
        s.reason = as_text(f.reason_phrase);
      });
    case 0x30:
    case 0x31:
      return filled(parse_datagram(in), [&s](const auto& f) { s.length = f.data.size(); });
    case 0xaf:
      return filled(parse_ack_frequency(in), [&s](const auto& f) {
        s.id = f.sequence_number;
        s.value = f.ack_eliciting_threshold;
        s.extra = f.requested_max_ack_delay_us;
        s.offset = f.reordering_threshold;
      });
    case 0x9f81a6:
    case 0x9f81a7:
      return filled(parse_observed_address(in), [&s](const ObservedAddressFrame& f) {
        s.id = f.sequence_number;
        s.address = f.address;
      });
    case 0x3afec701:
      return filled(parse_fec_repair(in), [&s](const FecRepairFrame& f) {
        s.id = f.packets.first;
        s.value = f.packets.count();
        s.extra = f.row;
        s.length = f.symbol.size();
      });
    case 0x3afec702:
      return filled(parse_fec_recovered(in), [&s](const FecRecoveredFrame& f) {
        s.id = f.packets.first;
        s.value = f.packets.count();
      });
    default:
      return s.type == 0x01 || s.type == 0x1e || s.type == 0x1f;
  }
}

bool FrameLog::add_path_frame(FrameReader& in, FrameSummary& s) {
  const FrameReader before = in;
  switch (s.type) {
    case 0x3e75:
      return filled(parse_path_abandon(in), [&s](const auto& f) {
        s.path_id = f.path_id.value;
        s.value = f.error_code;
      });
    case 0x3e76:
    case 0x3e77:
      return filled(parse_path_status(in), [&s](const auto& f) {
        s.path_id = f.path_id.value;
        s.id = f.sequence_number;
      });
    case 0x3e78:
      return filled(parse_path_new_connection_id(in), [&](const PathNewConnectionIdFrame& f) {
        s.path_id = f.path_id.value;
        s.id = f.cid.sequence_number;
        s.extra = f.cid.retire_prior_to;
        s.data = taken_of(before, in, f.cid.connection_id.length(), kStatelessResetTokenLength);
      });
    case 0x3e79:
      return filled(parse_path_retire_connection_id(in), [&s](const auto& f) {
        s.path_id = f.path_id.value;
        s.id = f.sequence_number;
      });
    case 0x3e7a:
      return filled(parse_max_path_id(in), [&s](const auto& f) { s.value = f.maximum; });
    case 0x3e7b:
      return filled(parse_paths_blocked(in), [&s](const auto& f) { s.value = f.maximum; });
    default:
      return filled(parse_path_cids_blocked(in), [&s](const auto& f) {
        s.path_id = f.path_id.value;
        s.id = f.next_sequence_number;
      });
  }
}

namespace {

bool is_ack(std::uint64_t type) {
  return type == 0x02 || type == 0x03 || type == 0x3e || type == 0x3f;
}

Parsed<AckFrame> parse_any_ack(FrameReader& in, FrameSummary& summary) {
  if (summary.type < 0x3e) return parse_ack(in);
  HAWSER_TRY(const PathAckFrame frame, parse_path_ack(in));
  summary.path_id = frame.path_id.value;
  return frame.ack;
}

}  // namespace

bool FrameLog::add_ack(FrameReader& in, FrameSummary& summary) {
  return filled(parse_any_ack(in, summary), [&](const AckFrame& f) {
    summary.value = f.ack_delay << ack_delay_exponent_;
    if (f.ecn) {
      summary.has_ecn = true;
      summary.ect0 = f.ecn->ect0;
      summary.ect1 = f.ecn->ect1;
      summary.ce = f.ecn->ce;
    }
    if (f.timestamps) summary.extra = f.timestamps->timestamp_count;
    const std::size_t begin = ranges_.size();
    for (auto at = f.begin(); at != f.end(); ++at) ranges_.push_back(*at);
    std::reverse(ranges_.begin() + static_cast<std::ptrdiff_t>(begin), ranges_.end());
    range_counts_.push_back(ranges_.size() - begin);
  });
}

bool FrameLog::add(FrameReader& in, std::uint64_t type) {
  FrameSummary& summary = frames_.emplace_back(FrameSummary{.type = type});
  if (type == 0x00) return filled(parse_padding(in), [&summary](const auto& f) { summary.length = f.count; });
  if (is_ack(type)) return add_ack(in, summary);
  if (type == 0x04 || type == 0x05 || is_stream_frame(type) || type == 0x11 || type == 0x15 || type == 0x24)
    return add_stream_frame(in, summary);
  if (type >= 0x10 && type <= 0x17) return add_limit_frame(in, summary);
  if (type >= 0x3e75 && type <= 0x3e7c) return add_path_frame(in, summary);
  return add_connection_frame(in, summary);
}

// A frame that does not parse, or of a type that is not known here, is the last one shown.
void FrameLog::read(Bytes payload, std::uint64_t ack_delay_exponent, bool ack_timestamps, PathCodePoints path_frames) {
  ack_delay_exponent_ = ack_delay_exponent;
  frames_.clear();
  ranges_.clear();
  range_counts_.clear();
  FrameReader in(payload);
  if (ack_timestamps) in.expect_ack_timestamps();
  in.expect_path_code_points(path_frames);
  while (!in.empty()) {
    const auto type = in.next_type();
    if (!type || !add(in, *type)) break;
  }
  // Only now do the ranges no longer move.
  std::size_t ack = 0;
  std::size_t at = 0;
  for (FrameSummary& frame : frames_) {
    if (!is_ack(frame.type) || ack == range_counts_.size()) continue;
    frame.ranges = std::span<const Range>{ranges_}.subspan(at, range_counts_[ack]);
    at += range_counts_[ack++];
  }
}

namespace {

// The frame type that a kind is sent as, and UINT64_MAX for what is never sent again.
std::uint64_t type_of(const SentFrame& frame) {
  switch (frame.kind) {
    case SentFrameKind::kCrypto:
      return 0x06;
    case SentFrameKind::kStream:
      return 0x0a;
    case SentFrameKind::kResetStream:
      return 0x04;
    case SentFrameKind::kResetStreamAt:
      return 0x24;
    case SentFrameKind::kStopSending:
      return 0x05;
    case SentFrameKind::kMaxData:
      return 0x10;
    case SentFrameKind::kMaxStreamData:
      return 0x11;
    case SentFrameKind::kMaxStreamsBidi:
      return 0x12;
    case SentFrameKind::kMaxStreamsUni:
      return 0x13;
    case SentFrameKind::kNewToken:
      return 0x07;
    case SentFrameKind::kRetireConnectionId:
      return 0x19;
    case SentFrameKind::kHandshakeDone:
      return 0x1e;
    default:
      return UINT64_MAX;
  }
}

}  // namespace

void FrameLog::remember(std::span<const SentFrame> sent) {
  frames_.clear();
  for (const SentFrame& frame : sent) {
    const std::uint64_t type = type_of(frame);
    if (type == UINT64_MAX) continue;
    const bool is_limit = type >= 0x10 && type <= 0x13;
    frames_.push_back({.type = type,
                       .id = frame.id,
                       .offset = is_limit ? 0 : frame.offset,
                       .length = frame.length,
                       .value = is_limit ? frame.offset : 0,
                       .fin = frame.fin});
  }
}

}  // namespace hawser::quic
