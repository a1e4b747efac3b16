// engine_options.cc: --engine and --spin, and what may be said about io_uring and AF_XDP.
#include "engine_options.h"

#include <CLI/CLI.hpp>
#include <cstdint>
#include <map>
#include <string>

namespace hawser::app {
namespace {

constexpr std::int64_t kSpinUsMax = 1'000'000;

const std::map<std::string, net::XdpMode> kXdpModes{
    {"auto", net::XdpMode::kAuto}, {"native", net::XdpMode::kNative}, {"generic", net::XdpMode::kGeneric}};
const std::map<std::string, net::XdpZeroCopy> kXdpCopies{
    {"auto", net::XdpZeroCopy::kAuto}, {"copy", net::XdpZeroCopy::kCopy}, {"zero-copy", net::XdpZeroCopy::kZeroCopy}};

void add_af_xdp_options(CLI::App& command, net::AfXdpOptions& options) {
  const std::string group = "For --engine af_xdp";
  command
      .add_option("--xdp-interface", options.interfaces,
                  "The interface to take datagrams from, once for each; else the one that has the address")
      ->type_name("NAME")
      ->allow_extra_args(false)
      ->group(group);
  command
      .add_option("--xdp-queue", options.queues,
                  "The receive queue to serve, once for each; else all, shared out among the workers")
      ->type_name("N")
      ->allow_extra_args(false)
      ->group(group);
  command
      .add_option("--xdp-mode", options.mode,
                  "Who runs the program that picks our datagrams: the driver (native), the kernel (generic), or auto")
      ->transform(CLI::CheckedTransformer(kXdpModes))
      ->type_name("MODE")
      ->default_str("auto")
      ->group(group);
  command
      .add_option("--xdp-copy", options.zero_copy,
                  "Share memory with the network card: zero-copy; have the kernel copy: copy; or auto")
      ->transform(CLI::CheckedTransformer(kXdpCopies))
      ->type_name("HOW")
      ->default_str("auto")
      ->group(group);
  command
      .add_option("--xdp-frames", options.frames,
                  "Frames for each direction of a queue, a power of two; 2 KB each, 4 KB at large MTUs")
      ->type_name("N")
      ->default_str(std::to_string(net::kXdpFramesDefault))
      ->group(group);
}

const std::map<std::string, net::UringZeroCopy> kUringCopies{{"auto", net::UringZeroCopy::kAuto},
                                                             {"copy", net::UringZeroCopy::kCopy},
                                                             {"zero-copy", net::UringZeroCopy::kZeroCopy}};

void add_io_uring_options(CLI::App& command, net::IoUringOptions& options) {
  command
      .add_option("--uring-copy", options.zero_copy,
                  "Have the network card read large trains where they are: zero-copy; the kernel copy them: copy; or "
                  "find out: auto")
      ->transform(CLI::CheckedTransformer(kUringCopies))
      ->type_name("HOW")
      ->default_str("auto")
      ->group("For --engine io_uring");
}

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
  add_af_xdp_options(command, arguments.engine.af_xdp);
  add_io_uring_options(command, arguments.engine.io_uring);
}

}  // namespace hawser::app
