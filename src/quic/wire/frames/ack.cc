// ack.cc: reads and writes ACK frames.
#include "quic/wire/frames/ack.h"

#include <algorithm>

namespace hawser::quic {

namespace {

Parsed<EcnCounts> parse_ecn_counts(FrameReader& in) {
  EcnCounts counts;
  if (!in.varint(counts.ect0) || !in.varint(counts.ect1) || !in.varint(counts.ce)) return in.truncated();
  return counts;
}

std::size_t ecn_counts_size(const EcnCounts& counts) {
  return varint_size(counts.ect0) + varint_size(counts.ect1) + varint_size(counts.ce);
}

void write_ecn_counts(PacketPayload& out, const EcnCounts& counts) {
  out.varint(counts.ect0);
  out.varint(counts.ect1);
  out.varint(counts.ce);
}

// Checks that `count` ranges follow and that none reaches below 0; `smallest` is the lowest
// packet number of the first range. Returns their octets.
Parsed<Bytes> take_further_ranges(FrameReader& in, std::uint64_t count, std::uint64_t smallest) {
  const std::uint8_t* const begin = in.position();
  for (; count != 0; --count) {
    std::uint64_t gap = 0;
    std::uint64_t length = 0;
    if (!in.varint(gap) || !in.varint(length)) return in.truncated();
    // A gap of 0 stands for one missing packet number; the sum cannot overflow 64 bits.
    if (gap + 2 + length > smallest) return in.encoding_error("ACK range below packet number 0");
    smallest -= gap + 2 + length;
  }
  return Bytes(begin, in.position());
}

// How much of AckToWrite goes into a frame.
struct AckPlan {
  std::size_t further_ranges = 0;
  std::size_t size = 0;  // octets of the frame
};

std::uint64_t gap_between(const Range& higher, const Range& lower) {
  return higher.begin - lower.end - 1;
}

// The newest ranges that fit into `room` octets; a size above `room` if not even one does.
AckPlan plan_ack(const AckToWrite& ack, std::size_t room) {
  static_assert(kMaxAckRangesWritten <= 64, "the count of further ranges is planned as one octet");
  const RangeSet& received = ack.received;
  const Range& first = received.highest();
  AckPlan plan;
  plan.size = 1 + varint_size(first.end - 1) + varint_size(ack.ack_delay) + 1 + varint_size(first.size() - 1) +
              (ack.ecn == nullptr ? 0 : ecn_counts_size(*ack.ecn));
  const std::size_t most = std::min(received.size(), kMaxAckRangesWritten) - 1;
  while (plan.further_ranges < most) {
    const std::size_t at = received.size() - 1 - plan.further_ranges;
    const std::size_t cost =
        varint_size(gap_between(received[at], received[at - 1])) + varint_size(received[at - 1].size() - 1);
    if (plan.size + cost > room) break;
    plan.size += cost;
    ++plan.further_ranges;
  }
  return plan;
}

}  // namespace

// rfc9000:19.3-both rfc9000:19.3.1-negative
Parsed<AckFrame> parse_ack(FrameReader& in) {
  AckFrame frame;
  std::uint64_t largest = 0;
  std::uint64_t further = 0;
  std::uint64_t first_length = 0;
  if (!in.varint(largest) || !in.varint(frame.ack_delay) || !in.varint(further) || !in.varint(first_length)) {
    return in.truncated();
  }
  if (first_length > largest) return in.encoding_error("ACK range below packet number 0");
  frame.first_range = {largest - first_length, largest + 1};
  HAWSER_TRY(frame.encoded_ranges, take_further_ranges(in, further, frame.first_range.begin));
  frame.range_count = further + 1;
  if ((in.frame_type() & 1) != 0) {
    HAWSER_TRY(frame.ecn, parse_ecn_counts(in));
  }
  if (in.ack_timestamps() && in.frame_type() <= code_point(FrameType::kAckEcn)) [[unlikely]] {
    HAWSER_TRY(frame.timestamps, parse_receive_timestamps(in, largest));
  }
  return frame;
}

std::size_t ack_size(const AckFrame& frame) {
  return 1 + varint_size(frame.first_range.end - 1) + varint_size(frame.ack_delay) +
         varint_size(frame.range_count - 1) + varint_size(frame.first_range.size() - 1) + frame.encoded_ranges.size() +
         (frame.ecn ? ecn_counts_size(*frame.ecn) : 0) +
         (frame.timestamps ? receive_timestamps_size(*frame.timestamps) : 0);
}

void write_ack(PacketPayload& out, const AckFrame& frame) {
  out.varint(code_point(frame.ecn ? FrameType::kAckEcn : FrameType::kAck));
  write_ack_body(out, frame);
}

void write_ack_body(PacketPayload& out, const AckFrame& frame) {
  out.varint(frame.first_range.end - 1);
  out.varint(frame.ack_delay);
  out.varint(frame.range_count - 1);
  out.varint(frame.first_range.size() - 1);
  out.bytes(frame.encoded_ranges);
  if (frame.ecn) write_ecn_counts(out, *frame.ecn);
  if (frame.timestamps) write_receive_timestamps(out, *frame.timestamps);
}

std::size_t ack_size(const AckToWrite& ack) {
  return plan_ack(ack, SIZE_MAX).size;
}

WriteResult write_ack(PacketPayload& out, const AckToWrite& ack) {
  HAWSER_CHECK(!ack.received.empty());
  const AckPlan plan = plan_ack(ack, out.room());
  if (plan.size > out.room()) return WriteResult::kPacketFull;
  const Range& first = ack.received.highest();
  out.varint(code_point(ack.ecn == nullptr ? FrameType::kAck : FrameType::kAckEcn));
  out.varint(first.end - 1);
  out.varint(ack.ack_delay);
  out.varint(plan.further_ranges);
  out.varint(first.size() - 1);
  for (std::size_t i = 0; i < plan.further_ranges; ++i) {
    const std::size_t at = ack.received.size() - 1 - i;
    out.varint(gap_between(ack.received[at], ack.received[at - 1]));
    out.varint(ack.received[at - 1].size() - 1);
  }
  if (ack.ecn != nullptr) write_ecn_counts(out, *ack.ecn);
  return WriteResult::kDone;
}

}  // namespace hawser::quic
