// fec_code.cc: XOR by hand, everything else by ISA-L.
#include "quic/fec/fec_code.h"

#include <algorithm>
#include <array>

#include "base/check.h"

#ifdef HAWSER_HAVE_ISAL
#include <isa-l/erasure_code.h>
#endif

namespace hawser::quic {

namespace {

void add(std::uint8_t* into, Bytes from) {
  for (std::size_t i = 0; i < from.size(); ++i) into[i] ^= from[i];
}

}  // namespace

std::uint64_t available_fec_schemes() {
  std::uint64_t schemes = 0;
  for (std::size_t i = 0; i < kFecSchemes; ++i)
    if (is_available(static_cast<FecScheme>(i))) schemes |= std::uint64_t{1} << i;
  return schemes;
}

#ifdef HAWSER_HAVE_ISAL

bool is_available(FecScheme) {
  return true;
}

// A Cauchy matrix: 1 / (x + y) with all x and y different has only regular squares.
std::uint8_t fec_coefficient(FecScheme scheme, std::size_t row, std::size_t index) {
  static_assert(kMaxFecSources <= 128 && kMaxFecRepairs <= 128);
  if (scheme == FecScheme::kXor) return 1;
  return gf_inv(static_cast<unsigned char>((128 + row) ^ index));
}

void fec_add_scaled(std::span<std::uint8_t* const> into, std::span<const std::uint8_t> factors, Bytes from) {
  HAWSER_CHECK(into.size() == factors.size() && into.size() <= kMaxFecRepairs);
  if (from.empty()) return;
  if (into.size() == 1 && factors[0] == 1) return add(into[0], from);
  constexpr std::size_t kTableSize = 32;  // of one factor, as ISA-L lays it out
  std::array<unsigned char, kMaxFecRepairs> rows{};
  std::array<unsigned char, kMaxFecRepairs * kTableSize> tables;
  std::array<unsigned char*, kMaxFecRepairs> outputs{};
  std::copy(factors.begin(), factors.end(), rows.begin());
  std::copy(into.begin(), into.end(), outputs.begin());
  const int count = static_cast<int>(into.size());
  ec_init_tables(1, count, rows.data(), tables.data());
  ec_encode_data_update(static_cast<int>(from.size()), 1, count, 0, tables.data(),
                        const_cast<unsigned char*>(from.data()), outputs.data());
}

bool fec_invert(std::span<std::uint8_t> matrix, std::size_t n) {
  HAWSER_CHECK(n <= kMaxFecRepairs && matrix.size() >= n * n);
  std::array<unsigned char, kMaxFecRepairs * kMaxFecRepairs> inverse{};
  if (gf_invert_matrix(matrix.data(), inverse.data(), static_cast<int>(n)) != 0) return false;
  std::copy(inverse.begin(), inverse.begin() + static_cast<std::ptrdiff_t>(n * n), matrix.begin());
  return true;
}

#else

bool is_available(FecScheme scheme) {
  return scheme == FecScheme::kXor;
}

std::uint8_t fec_coefficient(FecScheme, std::size_t, std::size_t) {
  return 1;
}

void fec_add_scaled(std::span<std::uint8_t* const> into, std::span<const std::uint8_t> factors, Bytes from) {
  HAWSER_CHECK(into.size() == factors.size());
  for (std::size_t i = 0; i < into.size(); ++i) {
    HAWSER_CHECK(factors[i] == 1);
    add(into[i], from);
  }
}

bool fec_invert(std::span<std::uint8_t> matrix, std::size_t n) {
  return n == 1 && matrix[0] == 1;
}

#endif

}  // namespace hawser::quic
