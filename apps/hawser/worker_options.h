// worker_options.h: the options of every command that runs on several threads: how many, where
// they stay, and how those that share a port share its datagrams.
#pragma once

#include <cstddef>
#include <string>

#include "net/steering.h"
#include "runtime/runtime.h"

namespace CLI {
class App;
}

namespace hawser::app {

// Adds --workers and --pin.
void add_worker_options(CLI::App& command, std::size_t& workers, bool& pin);
// Adds --steering, for those that listen.
void add_steering_option(CLI::App& command, net::SteeringMethod& steering);

// "1 worker", or "4 workers steered by ebpf".
std::string describe_workers(const runtime::Runtime& runtime);

}  // namespace hawser::app
