// count_option.h: options that are whole numbers. CLI11 takes "-1" for 2^64 - 1, and more digits than fit.
#pragma once

#include <cstdint>

namespace CLI {
class Validator;
}

namespace hawser::app {

// Whether a word is a number above 0, with decimals or without.
CLI::Validator is_above_zero();

// Whether a word is a whole number, in figures or as 0x...; says what is if not. least <= most.
CLI::Validator is_count(std::uint64_t least = 0, std::uint64_t most = UINT64_MAX);

}  // namespace hawser::app
