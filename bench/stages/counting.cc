// counting.cc: callgrind is told by function names what to collect and when to write it down,
// so that nothing of valgrind has to be there when this is compiled.
#include "counting.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "../support/process.h"
#include "../support/scratch.h"

extern "C" {
// What callgrind collected so far is forgotten before the first of these and written to a
// file of its own after the second.
__attribute__((noinline)) void hawser_stage_begin() {
  asm volatile("" : : : "memory");
}
__attribute__((noinline)) void hawser_stage_end() {
  asm volatile("" : : : "memory");
}
}

namespace hawser::stages {
namespace {

constexpr int kWarmUpRounds = 3;
constexpr int kCountedRounds = 2;
constexpr double kTimeoutSeconds = 600;

std::string read_file(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

// The functions whose cost is left out of stages that are not about them.
constexpr std::string_view kAeadFunctions[] = {"hawser::quic::PacketKey::seal(", "hawser::quic::PacketKey::open(",
                                               "hawser::quic::PacketKey::seal_run(",
                                               "hawser::quic::PacketKey::open_run("};

std::vector<std::string> valgrind_command(const std::string& valgrind, const std::string& out,
                                          const std::string& filter) {
  std::vector<std::string> command{valgrind,
                                   "--tool=callgrind",
                                   "--dump-line=no",
                                   "--callgrind-out-file=" + out,
                                   "--toggle-collect=hawser_stage_counted",
                                   "--zero-before=hawser_stage_begin",
                                   "--dump-after=hawser_stage_end",
                                   std::filesystem::read_symlink("/proc/self/exe").string(),
                                   "--counted-run"};
  if (!filter.empty()) command.insert(command.end(), {"--filter", filter});
  return command;
}

double number_after(std::string_view line, std::size_t at) {
  double number = 0;
  std::from_chars(line.data() + at, line.data() + line.size(), number);
  return number;
}

// "fn=(12) name" and "cfn=(12) name" say what 12 stands for where it comes first.
class FunctionNames {
 public:
  // `line` from the bracket on. True if it names a function of the AEAD.
  bool is_aead(std::string_view line) {
    const std::size_t id_end = std::min(line.find(')'), line.size() - 1) + 1;
    const std::string_view id = line.substr(0, id_end);
    if (id_end < line.size()) {
      const std::string_view name = line.substr(id_end + 1);
      const auto named = [&](std::string_view function) { return name.starts_with(function); };
      if (std::ranges::any_of(kAeadFunctions, named)) aead_ids_.insert(id);
    }
    return aead_ids_.contains(id);
  }

 private:
  std::set<std::string_view> aead_ids_;
};

}  // namespace

// A call is three lines: "cfn=" with whom, "calls=COUNT POSITION", "POSITION INSTRUCTIONS" of all
// that the callee did. The sum of everything is "totals: N".
std::optional<DumpCost> parse_dump(std::string_view dump) {
  std::optional<DumpCost> cost;
  double aead = 0;
  FunctionNames names;
  bool into_aead = false;
  bool cost_is_next = false;
  while (!dump.empty()) {
    const std::string_view line = dump.substr(0, dump.find('\n'));
    dump.remove_prefix(std::min(line.size() + 1, dump.size()));
    if (line.starts_with("fn=")) {
      names.is_aead(line.substr(3));
    } else if (line.starts_with("cfn=")) {
      into_aead = names.is_aead(line.substr(4));
    } else if (line.starts_with("calls=")) {
      cost_is_next = into_aead;
    } else if (cost_is_next) {
      aead += number_after(line, line.rfind(' ') + 1);
      cost_is_next = false;
    } else if (line.starts_with("totals: ")) {
      cost = {number_after(line, 8), aead};
    }
  }
  return cost;
}

void run_counted(std::span<const Stage* const> stages) {
  for (const Stage* const stage : stages) {
    const std::unique_ptr<Work> work = stage->make();
    if (work == nullptr) continue;
    Meter warm_up(MeterMode::kWarmUp);
    for (int i = 0; i < kWarmUpRounds; ++i) work->round(warm_up);
    Meter meter(MeterMode::kCount);
    std::uint64_t units = 0;
    hawser_stage_begin();
    for (int i = 0; i < kCountedRounds; ++i) units += work->round(meter);
    hawser_stage_end();
    fmt::print("{}\t{}\t{}\t{}\n", units, stage->is_aead ? "aead" : "", stage->unit, stage->name);
    std::fflush(stdout);
  }
}

std::expected<std::vector<Count>, std::string> count_stages(const std::string& filter) {
  const std::string valgrind = bench::find_program("valgrind");
  if (valgrind.empty()) return std::unexpected("valgrind is not installed");
  const bench::Scratch scratch;
  const std::string out = scratch.folder() + "/callgrind";
  const std::string errors = scratch.folder() + "/errors";
  bench::Process child(valgrind_command(valgrind, out, filter), {.error_file = errors});
  const bench::Finished finished = child.finish(kTimeoutSeconds);
  if (!finished.ok) return std::unexpected("callgrind failed:\n" + read_file(errors));
  std::vector<Count> counts;
  std::istringstream lines(finished.output);
  std::string units;
  std::string about;
  std::string unit;
  std::string name;
  while (std::getline(lines, units, '\t') && std::getline(lines, about, '\t') && std::getline(lines, unit, '\t') &&
         std::getline(lines, name)) {
    const auto cost = parse_dump(read_file(fmt::format("{}.{}", out, counts.size() + 1)));
    if (!cost) return std::unexpected(fmt::format("callgrind wrote nothing for '{}'", name));
    const double instructions = cost->total - (about == "aead" ? 0 : cost->aead);
    counts.push_back({name, unit, instructions / std::strtod(units.c_str(), nullptr)});
  }
  return counts;
}

}  // namespace hawser::stages
