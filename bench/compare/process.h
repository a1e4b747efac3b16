// process.h: programs run on a CPU of their own, with the CPU time that they used.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace hawser::compare {

struct Finished {
  bool ok = false;  // exit code 0
  double seconds = 0;
  double cpu_seconds = 0;  // user and system
  std::string output;      // standard output
};

// A started program; its standard output is kept, its standard error shown only if it fails.
class Process {
 public:
  // `cpu`: where it stays; -1: anywhere.
  Process(std::vector<std::string> command, int cpu);
  // Kills it if it still runs.
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  [[nodiscard]] pid_t pid() const { return pid_; }
  // Reads standard output until a line is complete or `seconds` have passed; "" then.
  std::string read_line(double seconds);
  // Sends SIGINT first if asked to; kills after `seconds`.
  Finished finish(double seconds, bool interrupt = false);

 private:
  bool read_some(int timeout_ms);

  pid_t pid_ = -1;
  int output_ = -1;
  double begin_ = 0;
  std::string read_;
};

double monotonic_seconds();
bool is_executable(const std::string& path);
// A UDP port of the loopback interface that is free now.
int free_port();

}  // namespace hawser::compare
