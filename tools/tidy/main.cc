// main.cc: hawser-tidy ROOT reads the project's sources and prints what breaks its rules, as
// "file:line: what; allowed: ...". Silence and exit status 0 mean that nothing does.
#include <algorithm>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>

#include "rules.h"

namespace hawser::tidy {
namespace {

namespace fs = std::filesystem;

std::string read_text(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) throw std::runtime_error("cannot read " + file.string());
  return std::string(std::istreambuf_iterator<char>(in), {});
}

std::vector<SourceText> read_sources(const fs::path& root, const std::vector<std::string>& folders) {
  std::vector<fs::path> files;
  for (const std::string& folder : folders) {
    if (!fs::is_directory(root / folder)) continue;
    for (const auto& entry : fs::recursive_directory_iterator(root / folder)) {
      const auto extension = entry.path().extension();
      if (entry.is_regular_file() && (extension == ".h" || extension == ".cc")) files.push_back(entry.path());
    }
  }
  std::sort(files.begin(), files.end());
  std::vector<SourceText> sources;
  for (const fs::path& file : files) sources.push_back(read_source(root, file));
  return sources;
}

int run(const fs::path& root) {
  const FloorPlan plan = FloorPlan::parse(read_text(root / "tools/tidy/layers.toml"));
  const Limits limits = Limits::parse(read_text(root / "tools/tidy/tidy.toml"));
  const Findings findings = check_all(read_sources(root, limits.folders), plan, limits);
  for (const Finding& finding : findings)
    std::printf("%s:%d: %s\n", finding.path.c_str(), finding.line, finding.what.c_str());
  return findings.empty() ? 0 : 1;
}

}  // namespace
}  // namespace hawser::tidy

int main(int argc, char** argv) try {
  return hawser::tidy::run(argc > 1 ? argv[1] : ".");
} catch (const std::exception& error) {
  std::fprintf(stderr, "hawser-tidy: %s\n", error.what());
  return 2;
}
