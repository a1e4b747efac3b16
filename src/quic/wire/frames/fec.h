// fec.h: the two frames of forward error correction: FEC_REPAIR carries a repair symbol and says which packets it
// protects, FEC_RECOVERED says which packets were computed from such symbols. They are hawser's own, for its own
// ends: no document assigns the code points. docs/fec.md has their layout.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#include "quic/wire/frames/frame_reader.h"
#include "quic/wire/packet_payload.h"

namespace hawser::quic {

enum class FecScheme : std::uint8_t {
  kXor,          // one repair symbol: the sum of all; mends one loss of a block
  kReedSolomon,  // any number of repair symbols mends as many losses; by ISA-L
};
inline constexpr std::size_t kFecSchemes = 2;

// Of one block. A round trip of 100 ms at 3 Mbit/s has 32 packets; half as many again mend a loss of a third.
inline constexpr std::size_t kMaxFecSources = 32;
inline constexpr std::size_t kMaxFecRepairs = 16;
// Octets protected of one packet, and before them in the symbol their count: packets differ in length.
inline constexpr std::size_t kMaxFecPayload = 1'500;
inline constexpr std::size_t kFecLengthSize = 2;
inline constexpr std::size_t kMaxFecSymbol = kFecLengthSize + kMaxFecPayload;

// Packets of one Path, close together: `first`, and first + 1 + i for each bit i of `others`. An integer of 62 bits
// is what a varint holds, so that no frame can speak of a wider run.
struct PacketGroup {
  static constexpr std::uint64_t kSpan = 63;  // from the first to the last that it can name
  std::uint64_t first = 0;
  std::uint64_t others = 0;

  [[nodiscard]] std::size_t count() const { return 1 + static_cast<std::size_t>(std::popcount(others)); }
  [[nodiscard]] std::uint64_t last() const { return first + static_cast<std::uint64_t>(std::bit_width(others)); }
  [[nodiscard]] bool can_take(std::uint64_t number) const { return number > first && number - first < kSpan; }
  // can_take(number).
  void take(std::uint64_t number) { others |= std::uint64_t{1} << (number - first - 1); }
  // Calls visit(number) in ascending order.
  template <class Visit>
  void for_each(Visit&& visit) const {
    visit(first);
    for (std::uint64_t left = others; left != 0; left &= left - 1)
      visit(first + 1 + static_cast<std::uint64_t>(std::countr_zero(left)));
  }
  bool operator==(const PacketGroup&) const = default;
};

struct FecRepairFrame {
  PacketGroup packets;  // of the block, at most kMaxFecSources; all of them were sent before this frame
  FecScheme scheme = FecScheme::kXor;
  std::uint8_t row = 0;  // < kMaxFecRepairs; for kXor: 0
  Bytes symbol{};        // more than kFecLengthSize, at most kMaxFecSymbol octets; a view into the packet
};

struct FecRecoveredFrame {
  PacketGroup packets;
};

// Octets of a FEC_REPAIR frame besides its symbol: type, two integers of 8, scheme, row, length.
inline constexpr std::size_t kFecRepairOverhead = 4 + 8 + 8 + 1 + 1 + 2;

Parsed<FecRepairFrame> parse_fec_repair(FrameReader& in);
std::size_t fec_repair_size(const FecRepairFrame& frame);
// out.room() >= fec_repair_size(frame).
void write_fec_repair(PacketPayload& out, const FecRepairFrame& frame);

Parsed<FecRecoveredFrame> parse_fec_recovered(FrameReader& in);
std::size_t fec_recovered_size(const FecRecoveredFrame& frame);
// out.room() >= fec_recovered_size(frame).
void write_fec_recovered(PacketPayload& out, const FecRecoveredFrame& frame);

}  // namespace hawser::quic
