// fec_decoder.cc: packets by number, and a small system of equations for each block that lacks some.
#include "quic/fec/fec_decoder.h"

#include <algorithm>
#include <bit>

namespace hawser::quic {

const FecDecoder::Slot* FecDecoder::find(std::uint64_t number) const {
  if (slots_.empty()) return nullptr;
  const Slot& slot = slots_[number % kFecWindow];
  return slot.number == number ? &slot : nullptr;
}

void FecDecoder::on_packet(std::uint64_t number, Bytes payload) {
  if (payload.empty() || payload.size() > kMaxFecPayload) return;
  if (slots_.empty()) slots_.resize(kFecWindow);
  Slot& slot = slots_[number % kFecWindow];
  // A late one does not push out a newer one, and one that was computed is known.
  if (slot.number != UINT64_MAX && slot.number >= number) return;
  slot.number = number;
  slot.payload.assign(payload.begin(), payload.end());
  for (Block& block : blocks_)
    if (block.open && number >= block.packets.first && number <= block.packets.last()) (void)try_to_recover(block);
}

// The block with these packets; another one's place if there is none; nullptr if all others are newer.
FecDecoder::Block* FecDecoder::block_of(const FecRepairFrame& repair) {
  Block* oldest = nullptr;
  for (Block& block : blocks_) {
    if (block.known && block.packets == repair.packets && block.scheme == repair.scheme) return &block;
    if (oldest == nullptr || (oldest->known && (!block.known || block.packets.first < oldest->packets.first)))
      oldest = &block;
  }
  if (oldest->known && oldest->packets.first > repair.packets.first) return nullptr;
  if (oldest->open) ++stats_.given_up;
  oldest->packets = repair.packets;
  oldest->scheme = repair.scheme;
  oldest->symbol_size = repair.symbol.size();
  oldest->rows = 0;
  oldest->open = oldest->known = true;
  return oldest;
}

bool FecDecoder::on_repair(const FecRepairFrame& repair) {
  Block* const block = block_of(repair);
  if (block == nullptr) return false;
  if (!block->open || (block->rows >> repair.row & 1) != 0) {
    ++stats_.unused_repairs;
    return false;
  }
  if (block->symbol_size != repair.symbol.size()) {
    ++stats_.inconsistent;
    block->open = false;
    return true;
  }
  block->repairs[repair.row].assign(repair.symbol.begin(), repair.symbol.end());
  block->rows |= static_cast<std::uint16_t>(1u << repair.row);
  return try_to_recover(*block);
}

FecDecoder::Missing FecDecoder::missing_of(const Block& block) const {
  Missing missing;
  std::size_t index = 0;
  block.packets.for_each([&](std::uint64_t number) {
    if (find(number) == nullptr) {
      missing.numbers[missing.count] = number;
      missing.indexes[missing.count++] = index;
    }
    ++index;
  });
  return missing;
}

bool FecDecoder::try_to_recover(Block& block) {
  const Missing missing = missing_of(block);
  const auto known_rows = static_cast<std::size_t>(std::popcount(block.rows));
  if (missing.count > known_rows) return true;
  block.open = false;
  stats_.unused_repairs += known_rows - missing.count;
  if (missing.count == 0) return false;
  std::array<std::size_t, kMaxFecRepairs> rows{};
  std::size_t found = 0;
  for (std::size_t i = 0; i < kMaxFecRepairs && found < missing.count; ++i)
    if ((block.rows >> i & 1) != 0) rows[found++] = i;
  const std::size_t before = recovered_.size();
  if (!solve(block, missing, {rows.data(), missing.count})) {
    recovered_.resize(before);
    ++stats_.inconsistent;
    return true;
  }
  stats_.recovered += missing.count;
  return true;
}

// What is left of a repair symbol when the known packets are taken out is the sum of the missing ones. False: a
// packet is longer than its symbol.
bool FecDecoder::take_away_known(Block& block, std::span<const std::size_t> rows) {
  std::array<std::uint8_t*, kMaxFecRepairs> lengths{};
  std::array<std::uint8_t*, kMaxFecRepairs> bodies{};
  std::array<std::uint8_t, kMaxFecRepairs> factors{};
  for (std::size_t r = 0; r < rows.size(); ++r) {
    lengths[r] = block.repairs[rows[r]].data();
    bodies[r] = lengths[r] + kFecLengthSize;
  }
  std::size_t index = 0;
  bool fits = true;
  block.packets.for_each([&](std::uint64_t number) {
    const std::size_t i = index++;
    const Slot* const slot = find(number);
    if (slot == nullptr || !fits) return;
    const Bytes payload = slot->payload;
    fits = payload.size() + kFecLengthSize <= block.symbol_size;
    if (!fits) return;
    const std::array<std::uint8_t, kFecLengthSize> length{static_cast<std::uint8_t>(payload.size() >> 8),
                                                          static_cast<std::uint8_t>(payload.size())};
    for (std::size_t r = 0; r < rows.size(); ++r) factors[r] = fec_coefficient(block.scheme, rows[r], i);
    fec_add_scaled({lengths.data(), rows.size()}, {factors.data(), rows.size()}, length);
    fec_add_scaled({bodies.data(), rows.size()}, {factors.data(), rows.size()}, payload);
  });
  return fits;
}

bool FecDecoder::solve(Block& block, const Missing& missing, std::span<const std::size_t> rows) {
  const std::size_t n = missing.count;
  if (!take_away_known(block, rows)) return false;
  std::array<std::uint8_t, kMaxFecRepairs * kMaxFecRepairs> matrix{};
  for (std::size_t r = 0; r < n; ++r)
    for (std::size_t m = 0; m < n; ++m) matrix[r * n + m] = fec_coefficient(block.scheme, rows[r], missing.indexes[m]);
  if (!fec_invert({matrix.data(), n * n}, n)) return false;
  for (std::size_t m = 0; m < n; ++m) {
    std::vector<std::uint8_t> sum(block.symbol_size);
    std::uint8_t* const into = sum.data();
    for (std::size_t r = 0; r < n; ++r) fec_add_scaled({&into, 1}, {&matrix[m * n + r], 1}, block.repairs[rows[r]]);
    const std::size_t length = static_cast<std::size_t>(sum[0]) << 8 | sum[1];
    if (length == 0 || length + kFecLengthSize > block.symbol_size) return false;
    sum.erase(sum.begin(), sum.begin() + kFecLengthSize);
    sum.resize(length);
    recovered_.push_back({.number = missing.numbers[m], .payload = std::move(sum)});
  }
  return true;
}

std::optional<FecRecovered> FecDecoder::next_recovered() {
  if (recovered_.empty()) return std::nullopt;
  std::optional<FecRecovered> out(std::move(recovered_.front()));
  recovered_.erase(recovered_.begin());
  return out;
}

std::size_t FecDecoder::memory() const {
  std::size_t octets = slots_.capacity() * sizeof(Slot) + recovered_.capacity() * sizeof(FecRecovered);
  for (const Slot& slot : slots_) octets += slot.payload.capacity();
  for (const Block& block : blocks_)
    for (const auto& repair : block.repairs) octets += repair.capacity();
  return octets;
}

}  // namespace hawser::quic
