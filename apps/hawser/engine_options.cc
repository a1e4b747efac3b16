// engine_options.cc: --engine and --spin.
#include "engine_options.h"

#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>

namespace hawser::app {
namespace {

constexpr std::int64_t kSpinUsMax = 1'000'000;

}  // namespace

void add_engine_options(CLI::App& command, EngineArguments& arguments) {
  const auto read_engine = [&arguments](const std::string& name) {
    const auto kind = net::parse_engine_kind(name);
    if (!kind) throw CLI::ValidationError("--engine", kind.error().message);
    arguments.engine.kind = *kind;
  };
  command
      .add_option_function<std::string>("--engine", read_engine,
                                        "How datagrams reach the kernel: auto, epoll, io_uring, af_xdp")
      ->type_name("NAME")
      ->default_str("auto");
  const auto read_spin = [&arguments](std::int64_t us) { arguments.spin = std::chrono::microseconds(us); };
  command
      .add_option_function<std::int64_t>("--spin", read_spin,
                                         "Microseconds that a thread looks for work before it sleeps; costs CPU time")
      ->type_name("US")
      ->check(CLI::Range(std::int64_t{0}, kSpinUsMax))
      ->default_str("0");
}

}  // namespace hawser::app
