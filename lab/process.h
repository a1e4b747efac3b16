// process.h: programs that run inside a lab's namespaces.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include <sys/types.h>

namespace hawser::lab {

using Variables = std::vector<std::pair<std::string, std::string>>;

// Starts `words` in the namespace, as the leader of a process group of its own when
// `own_group` (so that the whole family can be ended, from the moment this returns). Throws std::runtime_error.
pid_t start_in(const std::string& name_space, const std::vector<std::string>& words, const Variables& variables,
               bool own_group);

// Waits; the exit code as a shell reports it (128 + signal).
int wait_for(pid_t child);

// Ends a process group: SIGTERM, and SIGKILL when it has not gone after two seconds.
void end_group(pid_t leader);

}  // namespace hawser::lab
