// fec_encoder.h: the sender's side: adds each packet to its block's repair symbols as it leaves, so that no
// packet is kept; and hands the repair symbols out when the block ends.
#pragma once

#include <vector>

#include "quic/fec/fec_frames.h"

namespace hawser::quic {

// How much a block holds: `sources` 1 to kMaxFecSources, `repairs` 0 to kMaxFecRepairs (for XOR at most 1).
struct FecShape {
  std::size_t sources = kMaxFecSources;
  std::size_t repairs = 1;
};

class FecEncoder {
 public:
  // The scheme is available. `shape` is that of the first block.
  FecEncoder(FecScheme scheme, const FecShape& shape);

  // From the next block on.
  void set_shape(const FecShape& shape) { next_shape_ = clamped(shape); }
  // The ID that the next packet will have; it goes into the packet before the payload.
  [[nodiscard]] FecSource next_source() const { return {.block = block_, .index = static_cast<std::uint8_t>(count_)}; }
  // A payload of 1 to kMaxFecPayload octets left under that ID. No repair symbol may be pending.
  void add(Bytes payload);
  // Ends the block before it is full: nothing else waits to be sent.
  void flush() {
    if (count_ != 0) end_block();
  }

  [[nodiscard]] bool has_repair() const { return pending_ != 0; }
  // While has_repair(): a symbol to send. The view lives until the next call of add() or next_repair().
  [[nodiscard]] FecRepair next_repair();

  [[nodiscard]] std::uint64_t source_octets() const { return source_octets_; }
  [[nodiscard]] std::uint64_t repair_octets() const { return repair_octets_; }  // what it cost
  [[nodiscard]] std::size_t memory() const { return sizeof(*this) + symbols_.capacity(); }

 private:
  [[nodiscard]] FecShape clamped(const FecShape& shape) const;
  void end_block();
  void begin_block();
  [[nodiscard]] std::uint8_t* symbol(std::size_t row) { return symbols_.data() + row * kMaxFecSymbol; }

  FecScheme scheme_;
  FecShape shape_;
  FecShape next_shape_;
  std::vector<std::uint8_t> symbols_;  // kMaxFecSymbol octets for each row
  std::uint64_t block_ = 0;
  std::size_t count_ = 0;    // packets in the block
  std::size_t longest_ = 0;  // octets of its longest payload
  std::size_t pending_ = 0;  // repair symbols to send of the block that ended, and their block
  std::uint64_t ended_block_ = 0;
  std::size_t ended_count_ = 0;
  std::size_t ended_longest_ = 0;
  std::size_t ended_repairs_ = 0;
  std::uint64_t source_octets_ = 0;
  std::uint64_t repair_octets_ = 0;
};

}  // namespace hawser::quic
