// time_option.h: options in seconds: the ones that are times, and how they become durations.
#pragma once

#include "base/time.h"

namespace CLI {
class Validator;
}

namespace hawser::app {

// The longest time that an option takes: a year. Added to any point in time it is still one.
inline constexpr double kSecondsMax = 365 * 86'400.0;

// Whether a word is such a number of seconds, with decimals or without; says what is if not. 0 <= least <= most <=
// kSecondsMax.
CLI::Validator is_seconds(double least = 0, double most = kSecondsMax);

// `count`: what is_seconds() let through.
Duration seconds(double count);

}  // namespace hawser::app
