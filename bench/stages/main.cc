// main.cc: times the stages of a packet's way, counts their instructions, or compares the counts
// with the kept ones.
//   stages                          nanoseconds per unit
//   stages --count                  instructions per unit, under callgrind
//   stages --check baseline.toml    the same, and exit code 1 if a stage grew
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <fstream>

#include "baseline.h"
#include "counting.h"
#include "stage.h"
#include "timing.h"

namespace {

using namespace hawser::stages;

// What ctest takes for "skipped".
constexpr int kSkipped = 77;

struct Options {
  std::string filter;
  double seconds = 0.3;
  bool count = false;
  bool counted_run = false;
  std::string check;
  std::string update;
};

std::vector<const Stage*> chosen_stages(const std::string& filter) {
  std::vector<const Stage*> chosen;
  for (const auto& group :
       {crypto_stages(), wire_stages(), stream_stages(), recovery_stages(), transfer_stages(), http3_stages()}) {
    for (const Stage& stage : group)
      if (stage.name.find(filter) != std::string_view::npos) chosen.push_back(&stage);
  }
  return chosen;
}

int time_stages(const Options& options) {
  fmt::print("{:<40} {:>10} {:>10}\n", "nanoseconds", "least", "median");
  for (const Stage* const stage : chosen_stages(options.filter)) {
    const auto work = stage->make();
    if (work == nullptr) continue;
    const Timing timing = time_stage(*work, options.seconds);
    fmt::print("{:<40} {:>10.1f} {:>10.1f}  per {}\n", stage->name, timing.least_ns, timing.median_ns, stage->unit);
    std::fflush(stdout);
  }
  return 0;
}

int fail(const std::string& why) {
  fmt::print(stderr, "stages: {}\n", why);
  return 1;
}

int skip(const std::string& why) {
  fmt::print("skipped: {}\n", why);
  return kSkipped;
}

int print_counts(const Options& options) {
  const auto counts = count_stages(options.filter);
  if (!counts) return fail(counts.error());
  fmt::print("{:<40} {:>12}\n", "", "instructions");
  for (const Count& count : *counts)
    fmt::print("{:<40} {:>12.1f}  per {}\n", count.stage, count.instructions, count.unit);
  return 0;
}

int check(const Options& options) {
#if !defined(__x86_64__)
  return skip("the kept counts are those of x86-64");
#else
  // valgrind shows programs a CPU of its own making, with AVX2 where the machine has it.
  if (!__builtin_cpu_supports("avx2")) return skip("the kept counts are those of a CPU with AVX2");
  const auto baseline = read_baseline(options.check);
  if (!baseline) return fail(baseline.error());
  const auto kept = baseline->find(this_compiler());
  if (kept == baseline->end()) return skip("the baseline has no counts of " + this_compiler());
  const auto counts = count_stages(options.filter);
  if (!counts) return skip(counts.error());
  bool fails = false;
  fmt::print("{}", describe(compare(kept->second, *counts), fails));
  return fails ? 1 : 0;
#endif
}

int update(const Options& options) {
  auto baseline = read_baseline(options.update);
  if (!baseline) return fail(baseline.error());
  const auto counts = count_stages("");
  if (!counts) return fail(counts.error());
  StageCounts& kept = (*baseline)[this_compiler()];
  bool ignored = false;
  fmt::print("{}", describe(compare(kept, *counts), ignored));
  kept.clear();
  for (const Count& count : *counts) kept[count.stage] = count.instructions;
  std::ofstream(options.update) << format_baseline(*baseline);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app{"What each stage of a packet's way takes, in nanoseconds or in instructions."};
  app.add_option("--filter", options.filter, "only stages whose name contains this");
  app.add_option("--seconds", options.seconds, "CPU seconds of each stage's timing")->check(CLI::Range(0.0, 60.0));
  app.add_flag("--count", options.count, "count instructions, under valgrind's callgrind");
  app.add_option("--check", options.check, "count, and compare with this file")->check(CLI::ExistingFile);
  app.add_option("--update", options.update, "count, and write the counts of this compiler to this file");
  app.add_flag("--counted-run", options.counted_run, "what --count runs under callgrind")->group("");
  CLI11_PARSE(app, argc, argv);
  if (options.counted_run) {
    run_counted(chosen_stages(options.filter));
    return 0;
  }
  if (!options.update.empty()) return update(options);
  if (!options.check.empty()) return check(options);
  return options.count ? print_counts(options) : time_stages(options);
}
