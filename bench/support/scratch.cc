// scratch.cc: mkdtemp, and its opposite.
#include "scratch.h"

#include <cstdlib>
#include <filesystem>

#include "base/check.h"

namespace hawser::bench {

Scratch::Scratch() {
  std::string pattern = (std::filesystem::temp_directory_path() / "hawser-bench-XXXXXX").string();
  HAWSER_CHECK(::mkdtemp(pattern.data()) != nullptr);
  folder_ = pattern;
}

Scratch::~Scratch() {
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

}  // namespace hawser::bench
