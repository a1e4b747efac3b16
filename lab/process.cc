// process.cc: fork, enter the namespace, exec. What fails in the child is told on standard
// error, with exit code 126 or 127 as in a shell.
#include "process.h"

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <thread>

#include <sys/wait.h>
#include <unistd.h>

#include "lab.h"

namespace hawser::lab {
namespace {

// A child in which this program's handlers of signals are no more; what is sent to it from its first
// moment on reaches it.
pid_t fork_for_program() {
  sigset_t ends;
  sigset_t before;
  ::sigemptyset(&ends);
  for (const int signal : {SIGINT, SIGTERM}) ::sigaddset(&ends, signal);
  ::pthread_sigmask(SIG_BLOCK, &ends, &before);
  const pid_t child = ::fork();
  if (child == 0) {
    for (const int signal : {SIGINT, SIGTERM})
      if (std::signal(signal, SIG_DFL) == SIG_IGN) std::signal(signal, SIG_IGN);
  }
  const int error = errno;
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  errno = error;
  return child;
}

}  // namespace

pid_t start_in(const std::string& name_space, const std::vector<std::string>& words, const Variables& variables,
               bool own_group) {
  std::vector<char*> arguments;
  for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  const pid_t child = fork_for_program();
  if (child < 0) throw std::runtime_error(std::string("cannot fork: ") + std::strerror(errno));
  // Both do it: the group is there when this returns, and before the child goes on.
  if (own_group) ::setpgid(child, child);
  if (child > 0) return child;
  try {
    enter_namespace(name_space);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "hawser-lab: %s\n", error.what());
    ::_exit(126);
  }
  for (const auto& [name, value] : variables) ::setenv(name.c_str(), value.c_str(), 1);
  ::execvp(arguments[0], arguments.data());
  std::fprintf(stderr, "hawser-lab: cannot run %s: %s\n", arguments[0], std::strerror(errno));
  ::_exit(127);
}

int wait_for(pid_t child) {
  int status = 0;
  while (::waitpid(child, &status, 0) < 0)
    if (errno != EINTR) return 127;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void end_group(pid_t leader) {
  ::kill(-leader, SIGTERM);
  for (int i = 0; i < 40; ++i) {
    if (::waitpid(leader, nullptr, WNOHANG) != 0) break;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  ::kill(-leader, SIGKILL);
  ::waitpid(leader, nullptr, 0);
}

}  // namespace hawser::lab
