// fec_encoder.h: the sender's side: adds each packet to its block's repair symbols as it leaves, so that no
// packet is kept; and hands the repair symbols out when the block ends.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "quic/fec/fec_code.h"

namespace hawser::quic {

// How much a block holds: `sources` 1 to kMaxFecSources, `repairs` 0 to kMaxFecRepairs (for XOR at most 1).
struct FecShape {
  std::size_t sources = kMaxFecSources;
  std::size_t repairs = 1;
};

class FecEncoder {
 public:
  // The scheme is available.
  explicit FecEncoder(FecScheme scheme);

  // Packets in the open block; 0: none is open.
  [[nodiscard]] std::size_t count() const { return count_; }
  // How many the open block still takes.
  [[nodiscard]] std::size_t room() const { return shape_.sources - count_; }
  [[nodiscard]] const FecShape& shape() const { return shape_; }
  // Whether the open block can take a packet of this number: a block has room for few, and they are close together.
  [[nodiscard]] bool can_take(std::uint64_t number) const {
    return count_ != 0 && count_ < shape_.sources && packets_.can_take(number);
  }
  // count() == 0. Symbols that are pending are given up.
  void begin(const FecShape& shape);
  // A packet left: its payload in pieces, 1 to kMaxFecPayload octets together. The block is begun, and empty or
  // can_take(number).
  void add(std::uint64_t number, std::span<const Bytes> pieces);
  // count() != 0. The block is complete with so many of its repair symbols, at most those of its shape.
  void end(std::size_t repairs);

  [[nodiscard]] std::size_t pending() const { return pending_; }  // repair symbols to send
  // While pending(): the next one. The view lives until the next call of begin().
  [[nodiscard]] FecRepairFrame next_repair() const;
  void pop_repair() { --pending_; }

  // Nothing is open or pending: gives the symbols' memory back.
  void rest();
  [[nodiscard]] std::size_t memory() const { return symbols_.capacity(); }

 private:
  void add_at(std::size_t at, Bytes octets, std::size_t index);

  FecScheme scheme_;
  FecShape shape_{.sources = 0, .repairs = 0};
  std::vector<std::uint8_t> symbols_;  // kMaxFecSymbol octets for each row
  PacketGroup packets_;
  std::size_t count_ = 0;    // packets in the block
  std::size_t longest_ = 0;  // octets of its longest payload
  std::size_t pending_ = 0;
  std::size_t repairs_ = 0;  // of the block that ended
};

}  // namespace hawser::quic
