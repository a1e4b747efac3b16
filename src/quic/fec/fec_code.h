// fec_code.h: the two erasure codes, over octets. Repair symbol `row` of a block is the sum over its source
// symbols of coefficient(row, index) times the source, in GF(2^8).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/bytes.h"

namespace hawser::quic {

enum class FecScheme : std::uint8_t {
  kXor,          // one repair symbol: the sum of all; mends one loss of a block
  kReedSolomon,  // any number of repair symbols mends as many losses; by ISA-L
};
inline constexpr std::size_t kFecSchemes = 2;

// Whether this build has it: kReedSolomon needs ISA-L.
[[nodiscard]] bool is_available(FecScheme scheme);

// Of one block. A round trip of 100 ms at 3 Mbit/s has 32 packets; half as many again mend a loss of a third.
inline constexpr std::size_t kMaxFecSources = 32;
inline constexpr std::size_t kMaxFecRepairs = 16;
// Octets protected of one packet, and before them in the symbol their count: packets differ in length.
inline constexpr std::size_t kMaxFecPayload = 1'500;
inline constexpr std::size_t kFecLengthSize = 2;
inline constexpr std::size_t kMaxFecSymbol = kFecLengthSize + kMaxFecPayload;

// row < kMaxFecRepairs (for kXor: 0), index < kMaxFecSources. Any square of rows and indexes has an inverse.
[[nodiscard]] std::uint8_t fec_coefficient(FecScheme scheme, std::size_t row, std::size_t index);

// into[i] += factors[i] * from, for each row i; each row has at least from.size() octets. No more than
// kMaxFecRepairs rows.
void fec_add_scaled(std::span<std::uint8_t* const> into, std::span<const std::uint8_t> factors, Bytes from);

// Inverts a square matrix of n rows, n <= kMaxFecRepairs, in place. False if it has no inverse.
[[nodiscard]] bool fec_invert(std::span<std::uint8_t> matrix, std::size_t n);

}  // namespace hawser::quic
