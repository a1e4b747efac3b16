// fec_encoder.cc: sums as they grow.
#include "quic/fec/fec_encoder.h"

#include <algorithm>
#include <array>

#include "base/check.h"

namespace hawser::quic {

FecEncoder::FecEncoder(FecScheme scheme) : scheme_(scheme) {
  HAWSER_CHECK(is_available(scheme));
}

void FecEncoder::begin(const FecShape& shape) {
  HAWSER_DCHECK(count_ == 0);
  shape_ = {.sources = std::clamp<std::size_t>(shape.sources, 1, kMaxFecSources),
            .repairs = std::min(shape.repairs, scheme_ == FecScheme::kXor ? 1 : kMaxFecRepairs)};
  pending_ = 0;
  longest_ = 0;
  symbols_.assign(shape_.repairs * kMaxFecSymbol, std::uint8_t{0});
}

void FecEncoder::add_at(std::size_t at, Bytes octets, std::size_t index) {
  std::array<std::uint8_t, kMaxFecRepairs> factors{};
  std::array<std::uint8_t*, kMaxFecRepairs> rows{};
  for (std::size_t row = 0; row < shape_.repairs; ++row) {
    factors[row] = fec_coefficient(scheme_, row, index);
    rows[row] = symbols_.data() + row * kMaxFecSymbol + at;
  }
  fec_add_scaled({rows.data(), shape_.repairs}, {factors.data(), shape_.repairs}, octets);
}

void FecEncoder::add(std::uint64_t number, std::span<const Bytes> pieces) {
  std::size_t size = 0;
  for (const Bytes piece : pieces) size += piece.size();
  HAWSER_CHECK(size != 0 && size <= kMaxFecPayload && (count_ == 0 ? shape_.sources != 0 : can_take(number)));
  if (count_ == 0) {
    packets_ = {.first = number};
  } else {
    packets_.take(number);
  }
  const std::size_t index = count_++;
  longest_ = std::max(longest_, size);
  if (shape_.repairs == 0) return;
  const std::array<std::uint8_t, kFecLengthSize> length{static_cast<std::uint8_t>(size >> 8),
                                                        static_cast<std::uint8_t>(size)};
  add_at(0, length, index);
  std::size_t at = kFecLengthSize;
  for (const Bytes piece : pieces) {
    add_at(at, piece, index);
    at += piece.size();
  }
}

void FecEncoder::end(std::size_t repairs) {
  HAWSER_DCHECK(count_ != 0);
  pending_ = repairs_ = std::min(repairs, shape_.repairs);
  count_ = 0;
}

FecRepairFrame FecEncoder::next_repair() const {
  HAWSER_DCHECK(pending_ != 0);
  const std::size_t row = repairs_ - pending_;
  return {.packets = packets_,
          .scheme = scheme_,
          .row = static_cast<std::uint8_t>(row),
          .symbol = {symbols_.data() + row * kMaxFecSymbol, kFecLengthSize + longest_}};
}

void FecEncoder::rest() {
  if (count_ == 0 && pending_ == 0) symbols_ = std::vector<std::uint8_t>();
}

}  // namespace hawser::quic
