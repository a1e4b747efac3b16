// fec_encoder.cc: sums as they grow.
#include "quic/fec/fec_encoder.h"

#include <algorithm>
#include <array>

#include "base/check.h"

namespace hawser::quic {

FecEncoder::FecEncoder(FecScheme scheme, const FecShape& shape) : scheme_(scheme) {
  HAWSER_CHECK(is_available(scheme));
  symbols_.resize((scheme == FecScheme::kXor ? 1 : kMaxFecRepairs) * kMaxFecSymbol);
  next_shape_ = clamped(shape);
  begin_block();
}

FecShape FecEncoder::clamped(const FecShape& shape) const {
  return {.sources = std::clamp<std::size_t>(shape.sources, 1, kMaxFecSources),
          .repairs = std::min(shape.repairs, scheme_ == FecScheme::kXor ? 1 : kMaxFecRepairs)};
}

void FecEncoder::begin_block() {
  shape_ = next_shape_;
  count_ = longest_ = 0;
}

void FecEncoder::add(Bytes payload) {
  HAWSER_CHECK(pending_ == 0 && !payload.empty() && payload.size() <= kMaxFecPayload);
  if (count_ == 0) std::fill_n(symbols_.begin(), shape_.repairs * kMaxFecSymbol, std::uint8_t{0});
  std::array<std::uint8_t, kMaxFecRepairs> factors{};
  std::array<std::uint8_t*, kMaxFecRepairs> lengths{};
  std::array<std::uint8_t*, kMaxFecRepairs> bodies{};
  for (std::size_t row = 0; row < shape_.repairs; ++row) {
    factors[row] = fec_coefficient(scheme_, row, count_);
    lengths[row] = symbol(row);
    bodies[row] = symbol(row) + kFecLengthSize;
  }
  const std::array<std::uint8_t, kFecLengthSize> length{static_cast<std::uint8_t>(payload.size() >> 8),
                                                        static_cast<std::uint8_t>(payload.size())};
  if (shape_.repairs != 0) {
    fec_add_scaled({lengths.data(), shape_.repairs}, {factors.data(), shape_.repairs}, length);
    fec_add_scaled({bodies.data(), shape_.repairs}, {factors.data(), shape_.repairs}, payload);
  }
  longest_ = std::max(longest_, payload.size());
  source_octets_ += payload.size();
  if (++count_ >= shape_.sources) end_block();
}

void FecEncoder::end_block() {
  ended_block_ = block_++;
  ended_count_ = count_;
  ended_longest_ = longest_;
  pending_ = ended_repairs_ = shape_.repairs;
  begin_block();
}

FecRepair FecEncoder::next_repair() {
  HAWSER_CHECK(pending_ != 0);
  const std::size_t row = ended_repairs_ - pending_--;
  const std::size_t size = kFecLengthSize + ended_longest_;
  repair_octets_ += size;
  return {.block = ended_block_,
          .sources = static_cast<std::uint8_t>(ended_count_),
          .row = static_cast<std::uint8_t>(row),
          .symbol = {symbol(row), size}};
}

}  // namespace hawser::quic
