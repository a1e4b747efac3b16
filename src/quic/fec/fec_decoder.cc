// fec_decoder.cc: blocks by number, and a small system of equations for each that lacks packets.
#include "quic/fec/fec_decoder.h"

#include <algorithm>
#include <bit>

namespace hawser::quic {

FecDecoder::Block* FecDecoder::find(std::uint64_t number) {
  std::unique_ptr<Block>& slot = blocks_[number % kMaxFecBlocks];
  if (slot == nullptr) slot = std::make_unique<Block>();
  Block& block = *slot;
  if (block.open && block.number == number) return &block;
  if (block.open && block.number > number) return nullptr;
  if (block.open && !block.done && block.sources != 0 && missing_of(block) != 0) ++stats_.given_up;
  block.number = number;
  block.sources = block.symbol_size = 0;
  block.have = block.computed = 0;
  block.rows = 0;
  block.open = true;
  block.done = false;
  return &block;
}

std::size_t FecDecoder::missing_of(const Block& block) const {
  return block.sources - static_cast<std::size_t>(std::popcount(block.have));
}

void FecDecoder::on_source(const FecSource& id, Bytes payload) {
  latest_ = nullptr;
  if (payload.empty() || payload.size() > kMaxFecPayload || id.index >= kMaxFecSources) return;
  Block* block = find(id.block);
  if (block == nullptr || block->done || (block->have >> id.index & 1) != 0) return;
  if (block->sources != 0 && (id.index >= block->sources || payload.size() + kFecLengthSize > block->symbol_size)) {
    ++stats_.inconsistent;
    block->done = true;
    return;
  }
  block->payloads[id.index].assign(payload.begin(), payload.end());
  block->have |= std::uint32_t{1} << id.index;
  try_to_recover(*block);
}

void FecDecoder::on_repair(const FecRepair& repair) {
  latest_ = nullptr;
  if (scheme_ == FecScheme::kXor && repair.row != 0) return;
  Block* block = find(repair.block);
  if (block == nullptr) return;
  if (block->done || (block->rows >> repair.row & 1) != 0) {
    ++stats_.unused_repairs;
    return;
  }
  if (block->sources == 0) {
    block->sources = repair.sources;
    block->symbol_size = repair.symbol.size();
    const bool above = block->sources < kMaxFecSources && (block->have >> block->sources) != 0;
    const bool too_long = std::any_of(block->payloads.begin(), block->payloads.end(), [&](const auto& payload) {
      const auto index = static_cast<std::size_t>(&payload - block->payloads.data());
      return (block->have >> index & 1) != 0 && payload.size() + kFecLengthSize > block->symbol_size;
    });
    block->done = above || too_long;
  } else {
    block->done = block->sources != repair.sources || block->symbol_size != repair.symbol.size();
  }
  if (block->done) {
    ++stats_.inconsistent;
    return;
  }
  block->repairs[repair.row].assign(repair.symbol.begin(), repair.symbol.end());
  block->rows |= static_cast<std::uint16_t>(1u << repair.row);
  try_to_recover(*block);
}

void FecDecoder::try_to_recover(Block& block) {
  if (block.sources == 0) return;
  const std::size_t count = missing_of(block);
  const auto known_rows = static_cast<std::size_t>(std::popcount(block.rows));
  if (count == 0) {
    stats_.unused_repairs += known_rows;
    block.done = true;
    return;
  }
  if (count > known_rows) return;
  block.done = true;
  std::array<std::size_t, kMaxFecRepairs> missing{};
  std::array<std::size_t, kMaxFecRepairs> rows{};
  std::size_t found = 0;
  for (std::size_t i = 0; i < block.sources; ++i)
    if ((block.have >> i & 1) == 0) missing[found++] = i;
  found = 0;
  for (std::size_t i = 0; i < kMaxFecRepairs && found < count; ++i)
    if ((block.rows >> i & 1) != 0) rows[found++] = i;
  stats_.unused_repairs += known_rows - count;
  if (!solve(block, {missing.data(), count}, {rows.data(), count})) {
    block.computed = 0;
    ++stats_.inconsistent;
    return;
  }
  stats_.recovered += count;
  latest_ = &block;
}

// What is left of a repair symbol when the known packets are taken out is the sum of the missing ones.
void FecDecoder::take_away_known(Block& block, std::span<const std::size_t> rows) {
  std::array<std::uint8_t*, kMaxFecRepairs> lengths{};
  std::array<std::uint8_t*, kMaxFecRepairs> bodies{};
  std::array<std::uint8_t, kMaxFecRepairs> factors{};
  for (std::size_t r = 0; r < rows.size(); ++r) {
    lengths[r] = block.repairs[rows[r]].data();
    bodies[r] = lengths[r] + kFecLengthSize;
  }
  for (std::size_t i = 0; i < block.sources; ++i) {
    if ((block.have >> i & 1) == 0) continue;
    const Bytes payload = block.payloads[i];
    const std::array<std::uint8_t, kFecLengthSize> length{static_cast<std::uint8_t>(payload.size() >> 8),
                                                          static_cast<std::uint8_t>(payload.size())};
    for (std::size_t r = 0; r < rows.size(); ++r) factors[r] = fec_coefficient(scheme_, rows[r], i);
    fec_add_scaled({lengths.data(), rows.size()}, {factors.data(), rows.size()}, length);
    fec_add_scaled({bodies.data(), rows.size()}, {factors.data(), rows.size()}, payload);
  }
}

bool FecDecoder::solve(Block& block, std::span<const std::size_t> missing, std::span<const std::size_t> rows) {
  const std::size_t n = missing.size();
  take_away_known(block, rows);
  std::array<std::uint8_t, kMaxFecRepairs * kMaxFecRepairs> matrix{};
  for (std::size_t r = 0; r < n; ++r)
    for (std::size_t m = 0; m < n; ++m) matrix[r * n + m] = fec_coefficient(scheme_, rows[r], missing[m]);
  if (!fec_invert({matrix.data(), n * n}, n)) return false;
  sum_.resize(kMaxFecSymbol);
  for (std::size_t m = 0; m < n; ++m) {
    std::fill(sum_.begin(), sum_.end(), std::uint8_t{0});
    std::uint8_t* const into = sum_.data();
    for (std::size_t r = 0; r < n; ++r) fec_add_scaled({&into, 1}, {&matrix[m * n + r], 1}, block.repairs[rows[r]]);
    const std::size_t length = static_cast<std::size_t>(sum_[0]) << 8 | sum_[1];
    if (length == 0 || length + kFecLengthSize > block.symbol_size) return false;
    block.payloads[missing[m]].assign(sum_.begin() + kFecLengthSize,
                                      sum_.begin() + static_cast<std::ptrdiff_t>(kFecLengthSize + length));
    block.computed |= std::uint32_t{1} << missing[m];
  }
  return true;
}

bool FecDecoder::next_recovered(FecRecovered& out) {
  if (latest_ == nullptr || latest_->computed == 0) return false;
  const auto index = static_cast<std::size_t>(std::countr_zero(latest_->computed));
  latest_->computed &= latest_->computed - 1;
  out = {.id = {.block = latest_->number, .index = static_cast<std::uint8_t>(index)},
         .payload = latest_->payloads[index]};
  return true;
}

std::size_t FecDecoder::memory() const {
  std::size_t octets = sizeof(*this) + sum_.capacity();
  for (const auto& block : blocks_) {
    if (block == nullptr) continue;
    octets += sizeof(Block);
    for (const auto& payload : block->payloads) octets += payload.capacity();
    for (const auto& repair : block->repairs) octets += repair.capacity();
  }
  return octets;
}

}  // namespace hawser::quic
