// fec.cc: reads and writes FEC_REPAIR and FEC_RECOVERED frames.
#include "quic/wire/frames/fec.h"

namespace hawser::quic {
namespace {

constexpr std::uint64_t kPacketNumberMax = kVarintMax;

// fec:3-numbers
Parsed<PacketGroup> parse_group(FrameReader& in) {
  PacketGroup group;
  if (!in.varint(group.first) || !in.varint(group.others)) return in.truncated();
  if (group.last() > kPacketNumberMax) return in.encoding_error("a packet number above 2^62 - 1");
  return group;
}

std::size_t group_size(const PacketGroup& group) {
  return varint_size(group.first) + varint_size(group.others);
}

void write_group(PacketPayload& out, const PacketGroup& group) {
  out.varint(group.first);
  out.varint(group.others);
}

}  // namespace

// fec:3-block fec:3-scheme fec:3-row fec:3-symbol
Parsed<FecRepairFrame> parse_fec_repair(FrameReader& in) {
  FecRepairFrame frame;
  std::uint64_t scheme = 0;
  std::uint64_t row = 0;
  std::uint64_t length = 0;
  HAWSER_TRY(frame.packets, parse_group(in));
  if (!in.varint(scheme) || !in.varint(row) || !in.varint(length) || !in.bytes(length, frame.symbol))
    return in.truncated();
  if (frame.packets.count() > kMaxFecSources) return in.encoding_error("FEC_REPAIR of more than 32 packets");
  if (scheme >= kFecSchemes) return in.encoding_error("FEC_REPAIR of an unknown scheme");
  frame.scheme = static_cast<FecScheme>(scheme);
  if (row >= kMaxFecRepairs || (frame.scheme == FecScheme::kXor && row != 0))
    return in.encoding_error("FEC_REPAIR with a row that its scheme has not");
  frame.row = static_cast<std::uint8_t>(row);
  if (length <= kFecLengthSize || length > kMaxFecSymbol)
    return in.encoding_error("FEC_REPAIR with a symbol of under 3 or over 1,502 octets");
  return frame;
}

std::size_t fec_repair_size(const FecRepairFrame& frame) {
  return varint_size(code_point(FrameType::kFecRepair)) + group_size(frame.packets) +
         varint_size(static_cast<std::uint64_t>(frame.scheme)) + varint_size(frame.row) +
         varint_size(frame.symbol.size()) + frame.symbol.size();
}

void write_fec_repair(PacketPayload& out, const FecRepairFrame& frame) {
  out.varint(code_point(FrameType::kFecRepair));
  write_group(out, frame.packets);
  out.varint(static_cast<std::uint64_t>(frame.scheme));
  out.varint(frame.row);
  out.varint(frame.symbol.size());
  out.bytes(frame.symbol);
}

Parsed<FecRecoveredFrame> parse_fec_recovered(FrameReader& in) {
  FecRecoveredFrame frame;
  HAWSER_TRY(frame.packets, parse_group(in));
  return frame;
}

std::size_t fec_recovered_size(const FecRecoveredFrame& frame) {
  return varint_size(code_point(FrameType::kFecRecovered)) + group_size(frame.packets);
}

void write_fec_recovered(PacketPayload& out, const FecRecoveredFrame& frame) {
  out.varint(code_point(FrameType::kFecRecovered));
  write_group(out, frame.packets);
}

}  // namespace hawser::quic
