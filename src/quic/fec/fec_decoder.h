// fec_decoder.h: the receiver's side: keeps the packets that came last, and repair symbols until enough came to
// compute the packets of their block that did not arrive.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "quic/fec/fec_code.h"

namespace hawser::quic {

// Packets that are kept: two blocks, each spread over as many numbers as a block can be.
inline constexpr std::size_t kFecWindow = 128;
// Blocks whose repair symbols are kept at a time: those of a train, and late ones of the train before. With all
// packets and symbols that is (128 + 4 * 16) * 1,502 = 288 kB at most, taken as they come.
inline constexpr std::size_t kMaxFecBlocks = 4;

struct FecRecovered {
  std::uint64_t number = 0;
  std::vector<std::uint8_t> payload;
};

struct FecDecoderStats {
  std::uint64_t recovered = 0;       // packets that were computed
  std::uint64_t unused_repairs = 0;  // symbols of blocks that were whole without them
  std::uint64_t given_up = 0;        // blocks that made room with packets missing
  std::uint64_t inconsistent = 0;    // blocks whose symbols contradict what came
};

class FecDecoder {
 public:
  // A packet came that may be protected; its payload is copied. Longer ones than kMaxFecPayload are passed over.
  void on_packet(std::uint64_t number, Bytes payload);
  // True: packets of its block are missing, or it contradicts what came.
  bool on_repair(const FecRepairFrame& repair);
  // After either: what could be computed by it, one by one.
  [[nodiscard]] std::optional<FecRecovered> next_recovered();

  [[nodiscard]] const FecDecoderStats& stats() const { return stats_; }
  // Octets on the heap.
  [[nodiscard]] std::size_t memory() const;

 private:
  struct Slot {
    std::uint64_t number = UINT64_MAX;
    std::vector<std::uint8_t> payload;
  };
  struct Block {
    PacketGroup packets;
    FecScheme scheme = FecScheme::kXor;
    std::size_t symbol_size = 0;
    std::uint16_t rows = 0;  // bit i: repair symbol i is here
    bool open = false;       // some of its packets may still be computed
    bool known = false;      // its symbols are no news
    std::array<std::vector<std::uint8_t>, kMaxFecRepairs> repairs;
  };
  static_assert(kMaxFecRepairs <= 16);
  // One block on its way to be solved: which of its packets are missing.
  struct Missing {
    std::array<std::uint64_t, kMaxFecSources> numbers;
    std::array<std::size_t, kMaxFecSources> indexes;
    std::size_t count = 0;
  };

  [[nodiscard]] const Slot* find(std::uint64_t number) const;
  Block* block_of(const FecRepairFrame& repair);
  bool try_to_recover(Block& block);  // whether packets of it were missing
  [[nodiscard]] Missing missing_of(const Block& block) const;
  [[nodiscard]] bool solve(Block& block, const Missing& missing, std::span<const std::size_t> rows);
  [[nodiscard]] bool take_away_known(Block& block, std::span<const std::size_t> rows);

  std::vector<Slot> slots_;  // kFecWindow by number, once a packet came
  std::array<Block, kMaxFecBlocks> blocks_;
  std::vector<FecRecovered> recovered_;
  FecDecoderStats stats_;
};

}  // namespace hawser::quic
