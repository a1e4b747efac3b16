// baseline.h: the instructions that each stage is known to take, by compiler, and what a new
// count says beside them.
#pragma once

#include <expected>
#include <map>
#include <string>
#include <vector>

#include "counting.h"

namespace hawser::stages {

// Instructions per unit by stage.
using StageCounts = std::map<std::string, double>;
// By compiler: "gcc-12".
using Baseline = std::map<std::string, StageCounts>;

// The compiler that this program is built with, as a key of the baseline.
std::string this_compiler();

std::expected<Baseline, std::string> read_baseline(const std::string& file);
// The whole file, with the text in front that says what it is.
std::string format_baseline(const Baseline& baseline);

// A stage may grow by this share, or by this many instructions if that is more: libraries of
// the distribution differ by as much.
inline constexpr double kToleratedShare = 0.05;
inline constexpr double kToleratedInstructions = 3;

enum class Verdict : std::uint8_t { kSame, kGrew, kShrank, kNew };

struct Comparison {
  Count count;
  double before = 0;  // kNew: 0
  Verdict verdict = Verdict::kSame;
};

std::vector<Comparison> compare(const StageCounts& before, const std::vector<Count>& now);
// A table of all, then what is to be done about those that changed; `fails` is set if a stage
// grew or has no baseline.
std::string describe(const std::vector<Comparison>& comparisons, bool& fails);

}  // namespace hawser::stages
