// fec_code.h: the two erasure codes, over octets. Repair symbol `row` of a block is the sum over its source
// symbols of coefficient(row, index) times the source, in GF(2^8).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/bytes.h"
#include "quic/wire/frames/fec.h"

namespace hawser::quic {

// Whether this build has it: kReedSolomon needs ISA-L.
[[nodiscard]] bool is_available(FecScheme scheme);
// Of all schemes: bit i says whether FecScheme i is available, as the transport parameter has it.
[[nodiscard]] std::uint64_t available_fec_schemes();

// row < kMaxFecRepairs (for kXor: 0), index < kMaxFecSources. Any square of rows and indexes has an inverse.
[[nodiscard]] std::uint8_t fec_coefficient(FecScheme scheme, std::size_t row, std::size_t index);

// into[i] += factors[i] * from, for each row i; each row has at least from.size() octets. No more than
// kMaxFecRepairs rows.
void fec_add_scaled(std::span<std::uint8_t* const> into, std::span<const std::uint8_t> factors, Bytes from);

// Inverts a square matrix of n rows, n <= kMaxFecRepairs, in place. False if it has no inverse.
[[nodiscard]] bool fec_invert(std::span<std::uint8_t> matrix, std::size_t n);

}  // namespace hawser::quic
