// process.h: programs run on CPUs of their own, with the CPU time that they used.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace hawser::bench {

struct ProcessOptions {
  std::vector<int> cpus;   // where it stays; empty: anywhere
  std::string error_file;  // where its standard error goes; empty: nowhere
};

struct Finished {
  bool ok = false;  // exit code 0
  double seconds = 0;
  double cpu_seconds = 0;  // user and system, of children that it waited for too
  std::string output;      // standard output
};

// A started program; its standard output is kept.
class Process {
 public:
  Process(std::vector<std::string> command, const ProcessOptions& options);
  // Kills it if it still runs.
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  [[nodiscard]] pid_t pid() const { return pid_; }
  // Reads standard output until a line is complete or `seconds` have passed; "" then.
  std::string read_line(double seconds);
  // Sends SIGINT first if asked to; kills after `seconds`.
  Finished finish(double seconds, bool interrupt = false);

  // CPU time so far of all its threads, user and system; 0 once it has ended.
  [[nodiscard]] double cpu_seconds() const;
  [[nodiscard]] bool running() const;

 private:
  bool read_some(int timeout_ms);

  pid_t pid_ = -1;
  int output_ = -1;
  double begin_ = 0;
  std::string read_;
};

double monotonic_seconds();
// A port of the IPv4 loopback address that neither UDP nor TCP uses now.
int free_port();
bool is_executable(const std::string& path);
// The path of a program of this name: in PATH, or where Debian keeps servers; "" if there is none.
std::string find_program(const std::string& name);

}  // namespace hawser::bench
