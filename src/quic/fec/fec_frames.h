// fec_frames.h: how the ends agree on forward error correction, and the two frames of it. No document
// assigns code points (draft-michel-quic-fec-01 names the parts): these are hawser's own, for experiments
// between its own ends.
#pragma once

#include <cstdint>
#include <expected>

#include "base/bytes.h"
#include "quic/fec/fec_code.h"
#include "quic/wire/errors.h"

namespace hawser::quic {

// Transport parameter: what its sender can decode. Absent: nothing.
inline constexpr std::uint64_t kFecParameterId = 0x3afec700;
// FEC_SOURCE { Type, Block, Index }: what follows in the packet is that source symbol.
inline constexpr std::uint64_t kFecSourceFrame = 0x3afec701;
// FEC_REPAIR { Type, Block, Sources, Row, Length, Symbol }
inline constexpr std::uint64_t kFecRepairFrame = 0x3afec702;

struct FecParameter {
  std::uint64_t schemes = 0;  // bit of each FecScheme
  [[nodiscard]] bool has(FecScheme scheme) const { return (schemes >> static_cast<unsigned>(scheme) & 1) != 0; }
};

struct FecSource {
  std::uint64_t block = 0;
  std::uint8_t index = 0;  // < kMaxFecSources
};

struct FecRepair {
  std::uint64_t block = 0;
  std::uint8_t sources = 1;  // of the block, 1 to kMaxFecSources
  std::uint8_t row = 0;      // < kMaxFecRepairs
  Bytes symbol{};            // kFecLengthSize to kMaxFecSymbol octets; a view into the packet
};

// `body` is the value of the parameter. TRANSPORT_PARAMETER_ERROR if it is cut short or has octets after it.
Parsed<FecParameter> parse_fec_parameter(Bytes body);
// `in` begins after the type and is moved behind the frame. FRAME_ENCODING_ERROR if it is cut short or a
// number is out of its range.
Parsed<FecSource> parse_fec_source(Bytes& in);
Parsed<FecRepair> parse_fec_repair(Bytes& in);

// Octets, with the type.
std::size_t fec_source_size(const FecSource& frame);
std::size_t fec_repair_size(const FecRepair& frame);
// Write the type too; the output has room for the size. Return how many octets were written.
std::size_t write_fec_parameter(MutableBytes out, const FecParameter& parameter);
std::size_t write_fec_source(MutableBytes out, const FecSource& frame);
std::size_t write_fec_repair(MutableBytes out, const FecRepair& frame);

}  // namespace hawser::quic
