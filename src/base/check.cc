// check.cc: how hawser dies of its own fault: one line that names the broken invariant.
#include "base/check.h"

#include <cstdio>
#include <cstdlib>

namespace hawser {

void check_failed(const char* file, int line, const char* condition) {
  std::fprintf(stderr, "%s:%d: invariant broken: %s\n", file, line, condition);
  std::abort();
}

}  // namespace hawser
