// baseline.cc: the kept counts in TOML, and the comparison with them.
#include "baseline.h"

#include <fmt/format.h>

#include <toml++/toml.h>
#include <algorithm>
#include <string_view>

namespace hawser::stages {
namespace {

constexpr std::string_view kPreface =
    "# baseline.toml: instructions per unit of each stage, by compiler, as `./dev bench stages --update` counts\n"
    "# them. A test fails when a stage takes more than 5 % more. If that is what a change is worth, update this file\n"
    "# in the same commit and say why in its body.\n";

Comparison compare_one(const StageCounts& before, const Count& count) {
  const auto kept = before.find(count.stage);
  if (kept == before.end()) return {count, 0, Verdict::kNew};
  const double change = count.instructions - kept->second;
  const double tolerated = std::max(kept->second * kToleratedShare, kToleratedInstructions);
  const Verdict verdict = change > tolerated ? Verdict::kGrew : change < -tolerated ? Verdict::kShrank : Verdict::kSame;
  return {count, kept->second, verdict};
}

std::string_view note(Verdict verdict) {
  switch (verdict) {
    case Verdict::kSame:
      return "";
    case Verdict::kGrew:
      return "  GREW";
    case Verdict::kShrank:
      return "  shrank";
    case Verdict::kNew:
      return "  NEW";
  }
  return "";
}

}  // namespace

std::string this_compiler() {
#if defined(__clang__)
  return fmt::format("clang-{}", __clang_major__);
#else
  return fmt::format("gcc-{}", __GNUC__);
#endif
}

std::expected<Baseline, std::string> read_baseline(const std::string& file) {
  try {
    Baseline baseline;
    for (const auto& [compiler, counts] : toml::parse_file(file)) {
      const toml::table* const stages = counts.as_table();
      if (stages == nullptr) return std::unexpected(fmt::format("{}: {} is no table", file, compiler.str()));
      for (const auto& [stage, count] : *stages)
        baseline[std::string(compiler.str())][std::string(stage.str())] = count.value_or(0.0);
    }
    return baseline;
  } catch (const toml::parse_error& error) {
    return std::unexpected(fmt::format("{}:{}: {}", file, error.source().begin.line, error.description()));
  }
}

std::string format_baseline(const Baseline& baseline) {
  std::string text(kPreface);
  for (const auto& [compiler, counts] : baseline) {
    text += fmt::format("\n[{}]\n", compiler);
    for (const auto& [stage, instructions] : counts) text += fmt::format("\"{}\" = {:.1f}\n", stage, instructions);
  }
  return text;
}

std::vector<Comparison> compare(const StageCounts& before, const std::vector<Count>& now) {
  std::vector<Comparison> comparisons;
  for (const Count& count : now) comparisons.push_back(compare_one(before, count));
  return comparisons;
}

std::string describe(const std::vector<Comparison>& comparisons, bool& fails) {
  std::string text = fmt::format("{:<40} {:>10} {:>10} {:>8}\n", "instructions", "now", "baseline", "change");
  std::string orders;
  fails = false;
  bool shrank = false;
  for (const Comparison& c : comparisons) {
    const double change = c.before > 0 ? 100 * (c.count.instructions / c.before - 1) : 0;
    text += fmt::format("{:<40} {:>10.1f} {:>10.1f} {:>+7.1f}%{}\n", c.count.stage, c.count.instructions, c.before,
                        change, note(c.verdict));
    if (c.verdict == Verdict::kGrew) {
      orders += fmt::format("'{}' takes {:.1f} instructions per {}, {:.1f} ({:.1f} %) more than the baseline\n",
                            c.count.stage, c.count.instructions, c.count.unit, c.count.instructions - c.before, change);
    } else if (c.verdict == Verdict::kNew) {
      orders += fmt::format("'{}' has no baseline\n", c.count.stage);
    }
    shrank |= c.verdict == Verdict::kShrank;
  }
  fails = !orders.empty();
  if (fails) orders += "if that is meant: ./dev bench stages --update, commit bench/stages/baseline.toml, say why\n";
  if (shrank) orders += "some stages shrank: ./dev bench stages --update lowers the baseline\n";
  return text + orders;
}

}  // namespace hawser::stages
