// main.cc: hawser-ledger ROOT checks the ledger against the sources: unknown ids, requirements
// that no code or no test cites, and the page docs/conformance.md. --write writes the page,
// --list names what is missing, SHOULDs included.
#include <algorithm>
#include <cstdio>
#include <cstring>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>

#include <toml++/toml.h>

#include "ledger.h"

namespace hawser::ledger {
namespace {

namespace fs = std::filesystem;

std::string read_text(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) throw std::runtime_error("cannot read " + file.string());
  return std::string(std::istreambuf_iterator<char>(in), {});
}

std::vector<fs::path> files_below(const fs::path& folder, std::initializer_list<std::string_view> extensions) {
  std::vector<fs::path> files;
  if (!fs::is_directory(folder)) return files;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    const std::string extension = entry.path().extension().string();
    if (entry.is_regular_file() && std::find(extensions.begin(), extensions.end(), extension) != extensions.end())
      files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

Ledger read_ledger(const fs::path& root) {
  std::vector<Specification> specifications;
  for (const fs::path& file : files_below(root / "specs", {".toml"}))
    specifications.push_back(Specification::parse(file.stem().string(), read_text(file)));
  Ledger ledger(std::move(specifications));
  for (const char* folder : {"src", "include", "apps", "lab", "tests", "fuzz"})
    for (const fs::path& file : files_below(root / folder, {".h", ".cc", ".sh"}))
      ledger.read_source(fs::relative(file, root).generic_string(), read_text(file));
  return ledger;
}

int print(const std::vector<Finding>& findings) {
  for (const Finding& f : findings) std::printf("%s:%d: %s\n", f.place.path.c_str(), f.place.line, f.what.c_str());
  return static_cast<int>(findings.size());
}

// At most this share of the MUSTs may go without a test, each with its reason.
constexpr int kUntestedMustsPerMille = 30;

// What is still missing, while the ledger is young: numbers that may only shrink.
struct Missing {
  int code = 0;   // MUSTs that no code cites
  int tests = 0;  // MUSTs that no test cites and no reason excuses

  friend bool operator==(const Missing&, const Missing&) = default;
};

Missing read_allowed(const fs::path& root) {
  const toml::table table = toml::parse(read_text(root / "tools/ledger/missing.toml"));
  return {table["musts_without_code"].value_or(0), table["musts_without_test"].value_or(0)};
}

int check(const Ledger& ledger, const fs::path& root) {
  int wrong = print(ledger.unknown());
  int musts = 0;
  int untested = 0;
  Missing missing;
  for (const Specification& specification : ledger.specifications()) {
    const Counts counts = count(specification, true);
    musts += counts.all;
    untested += counts.without_test;
    missing.code += counts.without_code;
    missing.tests += counts.unexplained_test;
  }
  const Missing allowed = read_allowed(root);
  std::printf("%d requirements that MUST be kept; %d without code, %d without test, %d with a reason for that\n", musts,
              missing.code, untested, untested - missing.tests);
  if (missing.code > allowed.code || missing.tests > allowed.tests) {
    print(ledger.findings(false));
    ++wrong;
  }
  // Once nothing is missing any more, reasons must not outlive what they say.
  if (allowed == Missing{} && missing == allowed) wrong += print(ledger.findings(false));
  if (allowed == Missing{} && untested * 1000 > musts * kUntestedMustsPerMille) {
    std::printf("more than %d of 1000 MUSTs have no test\n", kUntestedMustsPerMille);
    ++wrong;
  }
  if (read_text(root / "docs/conformance.md") != to_markdown(ledger)) {
    std::printf("docs/conformance.md:1: is not what the ledger says; write it with: hawser-ledger --write\n");
    ++wrong;
  }
  return wrong == 0 ? 0 : 1;
}

int run(int argc, char** argv) {
  bool write = false;
  bool list = false;
  fs::path root = ".";
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "--write") == 0) {
      write = true;
    } else if (std::strcmp(argv[i], "--list") == 0) {
      list = true;
    } else if (argv[i][0] == '-') {
      throw std::runtime_error(std::string("unknown option ") + argv[i] + "; there are --write and --list");
    } else {
      root = argv[i];
    }
  }
  const Ledger ledger = read_ledger(root);
  if (list) return print(ledger.findings(true)) == 0 ? 0 : 1;
  if (!write) return check(ledger, root);
  std::ofstream page(root / "docs/conformance.md", std::ios::binary);
  page << to_markdown(ledger);
  page.close();
  if (!page) throw std::runtime_error("cannot write " + (root / "docs/conformance.md").string());
  return print(ledger.unknown()) == 0 ? 0 : 1;
}

}  // namespace
}  // namespace hawser::ledger

int main(int argc, char** argv) try { return hawser::ledger::run(argc, argv); } catch (const std::exception& error) {
  std::fprintf(stderr, "hawser-ledger: %s\n", error.what());
  return 2;
}
