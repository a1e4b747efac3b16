// replay_main.cc: runs a fuzz target without libFuzzer: over every file of the corpus folders
// and files it is given, then over mutations of them. The mutations come from a fixed seed
// (HAWSER_FUZZ_SEED), so that a crash repeats; the last input is kept in a file named like
// the program with `.last` behind it.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <fcntl.h>
#include <unistd.h>
#include <csignal>
#include <ctime>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

using Input = std::vector<std::uint8_t>;

// Enough to find what a few thousand random flips find, and short enough for every test run. Time of the CPU: on a
// busy machine as many run as on an idle one.
constexpr std::clock_t kTimeForMutations = 2 * CLOCKS_PER_SEC;
constexpr int kMutationsMax = 200'000;
constexpr std::size_t kInputSizeMax = 8192;  // several of the largest datagrams

Input g_current;
std::string g_crash_file;

// Runs inside a dying process, so it only uses calls that are safe there.
void keep_input_and_die(int signal) {
  const int file = ::open(g_crash_file.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
  if (file >= 0) {
    [[maybe_unused]] const auto written = ::write(file, g_current.data(), g_current.size());
    ::close(file);
  }
  static constexpr char kText[] = "the input that failed is kept beside the program, in its file .last\n";
  [[maybe_unused]] const auto written = ::write(2, kText, sizeof(kText) - 1);
  ::signal(signal, SIG_DFL);
  ::raise(signal);
}

class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  // splitmix64, in [0, bound).
  std::size_t below(std::size_t bound) {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return static_cast<std::size_t>((z ^ (z >> 31)) % bound);
  }

 private:
  std::uint64_t state_;
};

Input read_input(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return Input(std::istreambuf_iterator<char>(file), {});
}

// Sorted, so that the order of a folder's entries on disk does not change a run.
std::vector<Input> read_corpus(int argc, char** argv) {
  std::vector<std::filesystem::path> files;
  for (int i = 1; i < argc; ++i) {
    if (std::filesystem::is_directory(argv[i])) {
      for (const auto& entry : std::filesystem::recursive_directory_iterator(argv[i]))
        if (entry.is_regular_file()) files.push_back(entry.path());
    } else if (std::filesystem::is_regular_file(argv[i])) {
      files.emplace_back(argv[i]);
    }
  }
  std::sort(files.begin(), files.end());
  std::vector<Input> corpus;
  for (const auto& file : files) corpus.push_back(read_input(file));
  return corpus;
}

void mutate_once(Input& input, const std::vector<Input>& corpus, Random& random) {
  static constexpr std::uint8_t kEdgeValues[] = {0x00, 0x01, 0x3f, 0x40, 0x7f, 0x80, 0xbf, 0xc0, 0xff};
  const std::size_t position = input.empty() ? 0 : random.below(input.size());
  const auto at = input.begin() + static_cast<std::ptrdiff_t>(position);
  switch (random.below(6)) {
    case 0:
      if (!input.empty()) *at = static_cast<std::uint8_t>(*at ^ (1u << random.below(8)));
      break;
    case 1:
      if (!input.empty()) *at = kEdgeValues[random.below(std::size(kEdgeValues))];
      break;
    case 2:
      input.insert(at, static_cast<std::uint8_t>(random.below(256)));
      break;
    case 3:
      if (!input.empty()) input.erase(at);
      break;
    case 4:
      input.resize(position);
      break;
    default: {
      const Input& other = corpus[random.below(corpus.size())];
      if (!other.empty())
        input.insert(input.end(), other.begin() + static_cast<std::ptrdiff_t>(random.below(other.size())), other.end());
    }
  }
}

void run(const Input& input) {
  g_current = input;
  LLVMFuzzerTestOneInput(g_current.data(), g_current.size());
}

}  // namespace

int main(int argc, char** argv) {
  g_crash_file = std::string(argv[0]) + ".last";
  for (const int signal : {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP}) ::signal(signal, keep_input_and_die);
  std::vector<Input> corpus = read_corpus(argc, argv);
  const std::size_t files = corpus.size();
  corpus.emplace_back();  // The empty input is always worth a try.
  for (const Input& input : corpus) run(input);

  const char* seed_text = std::getenv("HAWSER_FUZZ_SEED");
  Random random(seed_text != nullptr ? std::strtoull(seed_text, nullptr, 0) : 1);
  const std::clock_t end = std::clock() + kTimeForMutations;
  int mutations = 0;
  for (; mutations < kMutationsMax && std::clock() < end; ++mutations) {
    Input input = corpus[random.below(corpus.size())];
    for (std::size_t rounds = 1 + random.below(4); rounds > 0; --rounds) mutate_once(input, corpus, random);
    if (input.size() > kInputSizeMax) input.resize(kInputSizeMax);
    run(input);
  }
  std::printf("%zu corpus files and %d mutations ran\n", files, mutations);
  return 0;
}
