// fec_decoder.h: the receiver's side: keeps the packets of the latest blocks until they are whole, or until
// enough repair symbols came to compute those that did not arrive.
#pragma once

#include <array>
#include <memory>
#include <vector>

#include "quic/fec/fec_frames.h"

namespace hawser::quic {

// Blocks that are open at a time. With all symbols that is 8 * (32 + 16) * 1,502 = 577 kB at most, taken as
// symbols come; a peer that jumps among block numbers only drops its own blocks.
inline constexpr std::size_t kMaxFecBlocks = 8;

struct FecRecovered {
  FecSource id;
  Bytes payload;  // lives until the next call of on_source() or on_repair()
};

struct FecDecoderStats {
  std::uint64_t recovered = 0;       // packets that need not be sent again
  std::uint64_t unused_repairs = 0;  // symbols of blocks that were whole without them
  std::uint64_t given_up = 0;        // blocks that made room with packets missing, as far as that is known
  std::uint64_t inconsistent = 0;    // symbols that contradict others of their block
};

class FecDecoder {
 public:
  explicit FecDecoder(FecScheme scheme) : scheme_(scheme) {}

  // A packet with this ID arrived; its payload is copied. Longer ones than kMaxFecPayload are passed over.
  void on_source(const FecSource& id, Bytes payload);
  void on_repair(const FecRepair& repair);
  // After either: what could be computed by it, one by one.
  [[nodiscard]] bool next_recovered(FecRecovered& out);

  [[nodiscard]] const FecDecoderStats& stats() const { return stats_; }
  [[nodiscard]] std::size_t memory() const;

 private:
  struct Block {
    std::uint64_t number = 0;
    std::size_t sources = 0;      // 0: no repair symbol told yet
    std::size_t symbol_size = 0;  // of its repair symbols
    std::uint32_t have = 0;       // bit i: source i is here, by itself or computed
    std::uint32_t computed = 0;   // not yet handed out
    std::uint16_t rows = 0;       // bit i: repair symbol i is here
    bool open = false;
    bool done = false;
    std::array<std::vector<std::uint8_t>, kMaxFecSources> payloads;
    std::array<std::vector<std::uint8_t>, kMaxFecRepairs> repairs;
  };
  static_assert(kMaxFecSources <= 32 && kMaxFecRepairs <= 16);

  // The slot of a block; nullptr if a newer one has it.
  Block* find(std::uint64_t number);
  void try_to_recover(Block& block);
  [[nodiscard]] bool solve(Block& block, std::span<const std::size_t> missing, std::span<const std::size_t> rows);
  void take_away_known(Block& block, std::span<const std::size_t> rows);
  [[nodiscard]] std::size_t missing_of(const Block& block) const;

  FecScheme scheme_;
  std::array<std::unique_ptr<Block>, kMaxFecBlocks> blocks_;
  Block* latest_ = nullptr;  // where next_recovered() looks
  std::vector<std::uint8_t> sum_;
  FecDecoderStats stats_;
};

}  // namespace hawser::quic
