// perf_options.cc: options shared by both sides of `hawser perf`.
#include "perf_options.h"

#include <fmt/format.h>
#include <sched.h>
#include <sys/resource.h>

#include <cctype>
#include <charconv>
#include <cstring>

#include "qlog_options.h"
#include "quic/congestion/congestion_controller.h"
#include "quic/connection/datagrams.h"
#include "worker_options.h"

namespace hawser::perf {
namespace {

constexpr std::uint64_t kStreamsMax = 10'000;

int suffix_shift(char suffix) {
  switch (std::tolower(static_cast<unsigned char>(suffix))) {
    case 'k':
      return 10;
    case 'm':
      return 20;
    case 'g':
      return 30;
    case 't':
      return 40;
    default:
      return -1;
  }
}

// Empty: this machine can do it.
std::string why_not_crypto(const std::string& name) {
  const auto backend = quic::crypto_backend_of(name);
  if (!backend) return "give auto, vaes512, vaes, ipsec-mb or openssl";
  if (!quic::is_available(*backend)) return fmt::format("{} works not on this CPU, or not in this build", name);
  return "";
}

// Empty: there is such a controller.
std::string why_not_controller(const std::string& name) {
  const auto made = quic::make_congestion_controller(name, 1'200);
  return made ? "" : made.error().message;
}

}  // namespace

std::expected<std::uint64_t, ConfigError> parse_size(const std::string& text) {
  std::uint64_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, value);
  // "k", "kb" and "kib" are the same, as for the limits of `serve`.
  const std::string_view unit(rest, static_cast<std::size_t>(end - rest));
  const std::string_view behind = unit.empty() ? unit : unit.substr(1);
  const bool is_plain = behind.empty() || behind == "b" || behind == "B" || behind == "ib" || behind == "iB";
  const int shift = unit.empty() ? 0 : is_plain ? suffix_shift(unit.front()) : -1;
  if (error != std::errc{} || shift < 0)
    return std::unexpected(ConfigError{fmt::format(
        "'{}' is no size: give octets, or a whole number with k, M or G, which are powers of 1,024", text)});
  // Stream offsets end at 2^62 - 1.
  if (value > (std::uint64_t{1} << 61 >> shift))
    return std::unexpected(ConfigError{fmt::format("'{}' is too large", text)});
  return value << shift;
}

CLI::Option* add_size_option(CLI::App& command, const std::string& name, std::uint64_t& value,
                             const std::string& help) {
  const auto read = [&value](const std::string& text) {
    const auto size = parse_size(text);
    if (!size) throw CLI::ValidationError(size.error().message);
    value = *size;
  };
  return command.add_option_function<std::string>(name, read, help)->type_name("SIZE");
}

void add_common_options(CLI::App& command, CommonOptions& options) {
  command.add_option("address", options.address, "ADDRESS:PORT")->required();
  app::add_worker_options(command, options.workers, options.pin);
  command.add_option("--cpu", options.cpus, "CPUs that the threads stay on, as 0,1")->delimiter(',');
  app::add_engine_options(command, options.engine);
  command
      .add_option("--cc", options.congestion_control, "congestion controller: " + quic::congestion_controller_names())
      ->check(CLI::Validator(why_not_controller, ""))
      ->capture_default_str();
  command
      .add_option("--crypto", options.crypto,
                  "who does AES-GCM: auto, vaes512, vaes, ipsec-mb, openssl; this side's business only")
      ->check(CLI::Validator(why_not_crypto, ""))
      ->capture_default_str();
  command.add_option("--max-udp-payload", options.max_udp_payload, "octets of the largest UDP payload")
      ->check(CLI::Range(1'200, 65'527))
      ->capture_default_str();
  app::add_careful_resume_option(command, options.careful_resume,
                                 "what the path carried on an earlier run is half of what this one begins with");
  command.add_flag("--json", options.json, "print one JSON object instead of text");
  app::add_spin_bit_option(command, options.extensions);
  app::add_receive_timestamps_option(command, options.extensions);
  app::add_fec_option(command, options.extensions);
  app::add_qlog_options(command, options.qlog);
}

quic::ConnectionConfig connection_config(const CommonOptions& options) {
  quic::ConnectionConfig config;
  config.congestion_control = options.congestion_control;
  app::apply(options.versions, config);
  app::apply(options.extensions, config);
  app::apply(options.careful_resume, config);
  config.max_udp_payload = options.max_udp_payload;
  config.crypto = quic::crypto_backend_of(options.crypto).value_or(quic::CryptoBackend::kAuto);
  config.max_streams_bidi = kStreamsMax;
  config.max_datagram_frame_size = quic::kAnyDatagramFrame;
  return config;
}

std::expected<std::unique_ptr<runtime::Runtime>, ConfigError> start_runtime(const CommonOptions& options,
                                                                            Duration drain) {
  if (!options.cpus.empty()) {
    cpu_set_t cpus;
    CPU_ZERO(&cpus);
    for (const int cpu : options.cpus)
      if (cpu >= 0 && cpu < CPU_SETSIZE) CPU_SET(cpu, &cpus);
    if (sched_setaffinity(0, sizeof cpus, &cpus) != 0) {
      return std::unexpected(
          ConfigError{fmt::format("--cpu: this process may not stay there: {}", std::strerror(errno))});
    }
  }
  return runtime::Runtime::create({.workers = options.workers,
                                   .pin = options.pin || !options.cpus.empty(),
                                   .spin = options.engine.spin,
                                   .drain = drain,
                                   .engine = options.engine.engine,
                                   .steering = options.steering});
}

CpuTime process_cpu_time() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto duration = [](const timeval& t) {
    return Duration{(std::int64_t{t.tv_sec} * 1'000'000 + t.tv_usec) * 1'000};
  };
  return {duration(usage.ru_utime), duration(usage.ru_stime)};
}

}  // namespace hawser::perf
