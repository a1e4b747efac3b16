// worker_options.cc: --workers, --pin and --steering.
#include "worker_options.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>

namespace hawser::app {

void add_worker_options(CLI::App& command, std::size_t& workers, bool& pin) {
  command.add_option("--workers", workers, "Threads; 0: one for each CPU that the process may use")
      ->type_name("N")
      ->check(CLI::Range(std::size_t{0}, runtime::kWorkersMax))
      ->capture_default_str();
  command.add_flag("--pin", pin, "Keep each thread on a CPU of its own");
}

void add_steering_option(CLI::App& command, net::SteeringMethod& steering) {
  const auto read = [&steering](const std::string& name) {
    const auto method = net::parse_steering_method(name);
    if (!method) throw CLI::ValidationError("--steering", method.error().message);
    steering = *method;
  };
  command
      .add_option_function<std::string>(
          "--steering", read,
          "How datagrams find their thread: by connection ID in the kernel (ebpf, or cbpf, which needs no\n"
          "privilege), by the kernel's hash of addresses and then by passing them on (hash), or auto: what works")
      ->type_name("NAME")
      ->default_str("auto");
}

std::string describe_workers(const runtime::Runtime& runtime) {
  if (runtime.size() == 1) return "1 worker";
  return fmt::format("{} workers steered by {}", runtime.size(), net::to_string(runtime.steering()));
}

}  // namespace hawser::app
