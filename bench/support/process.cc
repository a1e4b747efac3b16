// process.cc: fork, exec, wait4.
#include "process.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cstdlib>
#include <sstream>

#include "base/check.h"

namespace hawser::bench {
namespace {

double seconds_of(clockid_t clock) {
  timespec time{};
  if (clock_gettime(clock, &time) != 0) return 0;
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

// The port that was bound, which is `port` unless that is 0; -1: it is taken.
int bound_port(int fd, int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  socklen_t length = sizeof address;
  if (::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) return -1;
  HAWSER_CHECK(::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length) == 0);
  return ntohs(address.sin_port);
}

// In the child: never returns.
[[noreturn]] void become(std::vector<std::string>& command, const ProcessOptions& options, int output) {
  std::vector<char*> arguments;
  for (std::string& word : command) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  if (!options.cpus.empty()) {
    cpu_set_t cpus;
    CPU_ZERO(&cpus);
    for (const int cpu : options.cpus) CPU_SET(cpu, &cpus);
    (void)sched_setaffinity(0, sizeof cpus, &cpus);
  }
  const int nowhere = ::open("/dev/null", O_RDWR);
  const int errors = options.error_file.empty()
                         ? nowhere
                         : ::open(options.error_file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  ::dup2(nowhere, STDIN_FILENO);
  ::dup2(output, STDOUT_FILENO);
  ::dup2(errors, STDERR_FILENO);
  ::execv(arguments[0], arguments.data());
  ::_exit(127);
}

}  // namespace

double monotonic_seconds() {
  return seconds_of(CLOCK_MONOTONIC);
}

int free_port() {
  for (;;) {
    const int udp = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    const int tcp = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    HAWSER_CHECK(udp >= 0 && tcp >= 0);
    const int port = bound_port(udp, 0);
    const bool free = port > 0 && bound_port(tcp, port) == port;
    ::close(udp);
    ::close(tcp);
    if (free) return port;
  }
}

bool is_executable(const std::string& path) {
  return ::access(path.c_str(), X_OK) == 0;
}

std::string find_program(const std::string& name) {
  const char* const path = std::getenv("PATH");
  std::istringstream folders(std::string(path == nullptr ? "" : path) + ":/usr/sbin:/usr/bin");
  for (std::string folder; std::getline(folders, folder, ':');)
    if (const std::string file = folder + "/" + name; is_executable(file)) return file;
  return "";
}

Process::Process(std::vector<std::string> command, const ProcessOptions& options) : begin_(monotonic_seconds()) {
  int ends[2];
  HAWSER_CHECK(::pipe2(ends, O_CLOEXEC) == 0);
  pid_ = ::fork();
  HAWSER_CHECK(pid_ >= 0);
  if (pid_ == 0) become(command, options, ends[1]);
  ::close(ends[1]);
  output_ = ends[0];
}

Process::~Process() {
  if (pid_ > 0) {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  if (output_ >= 0) ::close(output_);
}

// False at the end of the output, or if nothing came in time.
bool Process::read_some(int timeout_ms) {
  pollfd waited{.fd = output_, .events = POLLIN, .revents = 0};
  if (::poll(&waited, 1, timeout_ms) <= 0) return false;
  char buffer[4'096];
  const ssize_t count = ::read(output_, buffer, sizeof buffer);
  if (count <= 0) return false;
  read_.append(buffer, static_cast<std::size_t>(count));
  return true;
}

std::string Process::read_line(double seconds) {
  const double end = monotonic_seconds() + seconds;
  while (read_.find('\n') == std::string::npos) {
    const int left_ms = static_cast<int>((end - monotonic_seconds()) * 1'000);
    if (left_ms <= 0 || !read_some(left_ms)) return {};
  }
  const std::size_t line_end = read_.find('\n');
  std::string line = read_.substr(0, line_end);
  read_.erase(0, line_end + 1);
  return line;
}

Finished Process::finish(double seconds, bool interrupt) {
  if (interrupt) ::kill(pid_, SIGINT);
  const double end = monotonic_seconds() + seconds;
  while (monotonic_seconds() < end && read_some(static_cast<int>((end - monotonic_seconds()) * 1'000) + 1)) continue;
  int status = 0;
  rusage usage{};
  // The output has ended, so the program has, or hangs.
  for (pid_t waited = 0; waited != pid_;) {
    waited = ::wait4(pid_, &status, WNOHANG, &usage);
    if (waited == 0 && monotonic_seconds() >= end) ::kill(pid_, SIGKILL);
    if (waited == 0) ::usleep(500);
  }
  pid_ = -1;
  const auto total = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return {.ok = WIFEXITED(status) && WEXITSTATUS(status) == 0,
          .seconds = monotonic_seconds() - begin_,
          .cpu_seconds = total(usage.ru_utime) + total(usage.ru_stime),
          .output = read_};
}

double Process::cpu_seconds() const {
  clockid_t clock{};
  return pid_ > 0 && clock_getcpuclockid(pid_, &clock) == 0 ? seconds_of(clock) : 0;
}

bool Process::running() const {
  siginfo_t info{};
  return pid_ > 0 && ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
         info.si_pid == 0;
}

}  // namespace hawser::bench
