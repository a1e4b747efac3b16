// machine.cc: what the figures were measured on.
#include <fmt/format.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <fstream>

#include "report.h"

namespace hawser::compare {

Machine this_machine() {
  Machine machine{.cpus = static_cast<std::size_t>(std::max(1L, ::sysconf(_SC_NPROCESSORS_ONLN)))};
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; machine.cpu.empty() && std::getline(info, line);)
    if (line.starts_with("model name")) machine.cpu = line.substr(std::min(line.find(": ") + 2, line.size()));
  utsname kernel{};
  if (::uname(&kernel) == 0) machine.kernel = kernel.release;
#if defined(__clang__)
  machine.compiler = fmt::format("clang {}.{}", __clang_major__, __clang_minor__);
#else
  machine.compiler = fmt::format("GCC {}.{}", __GNUC__, __GNUC_MINOR__);
#endif
  return machine;
}

}  // namespace hawser::compare
