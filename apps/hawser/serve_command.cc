// serve_command.cc: options of `hawser serve`, start, and the orderly end.
#include "serve_command.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <time.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "careful_resume_option.h"
#include "engine_options.h"
#include "extension_options.h"
#include "http/server.h"
#include "metrics_option.h"
#include "net/address.h"
#include "path_options.h"
#include "qlog_options.h"
#include "quic/congestion/congestion_controller.h"
#include "runtime/clock.h"
#include "runtime/http_server.h"
#include "runtime/key_log.h"
#include "runtime/shutdown_signals.h"
#include "say.h"
#include "serve_certificate.h"
#include "serve_limits.h"
#include "time_option.h"
#include "version_option.h"
#include "worker_options.h"

namespace hawser::app {
namespace {

constexpr std::uint16_t kDefaultPort = 4'433;

struct ServeOptions {
  std::string address;  // empty: [::]:4433
  std::string root = ".";
  std::string certificate;
  std::string key;
  bool dev_certificate = false;
  std::size_t workers = 1;
  bool pin = false;
  net::SteeringMethod steering = net::SteeringMethod::kAuto;
  EngineArguments engine;
  LimitArguments limits;
  bool listing = false;
  bool hidden = false;
  std::string cache_control;
  runtime::QlogSettings qlog;
  std::string metrics;  // where collectors ask; empty: nowhere
  std::string congestion_control = "cubic";
  VersionArguments versions;
  ExtensionArguments extensions;
  ServerPathArguments paths;
  std::string access_log = "-";
  std::string early_data;  // empty: no 0-RTT
  CarefulResumeArguments careful_resume;
  std::vector<std::string> preferred_addresses;
  bool disable_migration = false;
  double grace_s = 5;
  double idle_timeout_s = 30;
  double handshake_timeout_s = 10;
};

int complain(const std::string& message, int code) {
  say("hawser serve: {}\n", message);
  return code;
}

constexpr std::string_view kExamples = R"(Examples:
  hawser serve --root ./site --dev-cert
      a certificate for this machine is made and kept; prints how to reach it
  hawser serve [::]:443 --root /srv/www --cert chain.pem --key key.pem --workers 0 --pin
      one thread for each CPU, which stays there
  hawser serve --root ./site --dev-cert --engine epoll --spin 1000
      without io_uring, and awake for a millisecond after each datagram
  hawser serve [::]:443 --root ./site --cert chain.pem --key key.pem --preferred-address 192.0.2.7
      an anycast address for handshakes, this machine's own for what follows
  hawser serve 127.0.0.1:0 --root . --dev-cert --qlog /tmp/qlog
      any free port; one qlog file per connection
  hawser serve --root ./site --dev-cert --metrics 127.0.0.1:9464
      Prometheus finds connections, paths and attacks at http://127.0.0.1:9464/metrics
  hawser serve --root ./site --dev-cert --early-data=safe,/account/=off
      returning visitors' GET, HEAD and OPTIONS are answered in their first round trip, but for
      /account/, where the answer is 425 Too Early and clients ask again
  hawser serve --root ./site --dev-cert --observe-addresses
      `hawser get -v` shows visitors at which address their NAT makes them appear
  hawser serve --root ./site --dev-cert --retry=always --source-initials 500
      no state before a client's address is proven, and little work for any one address

SSLKEYLOGFILE=FILE writes the TLS secrets for Wireshark.)";

// Where the certificate comes from, or the words for what is missing.
std::expected<quic::CertificateSource, ConfigError> certificate_source(const ServeOptions& options,
                                                                       const KeptCertificate* kept) {
  if (kept != nullptr) return quic::CertificateSource{.chain_file = kept->chain_file, .key_file = kept->key_file};
  if (options.certificate.empty() && options.key.empty()) {
    return std::unexpected(
        ConfigError{"which certificate? Give --cert FILE --key FILE, or --dev-cert to have one made for this machine"});
  }
  if (options.certificate.empty())
    return std::unexpected(ConfigError{"--key needs its certificate: give --cert FILE too"});
  if (options.key.empty()) return std::unexpected(ConfigError{"--cert needs its private key: give --key FILE too"});
  return quic::CertificateSource{.chain_file = options.certificate, .key_file = options.key};
}

std::expected<int, ConfigError> open_access_log(const std::string& name) {
  if (name == "-") return STDOUT_FILENO;
  if (name == "off") return -1;
  const int fd = ::open(name.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (fd >= 0) return fd;
  return std::unexpected(ConfigError{fmt::format("--access-log {}: {}", name, std::strerror(errno))});
}

std::expected<void, ConfigError> check(const ServeOptions& options) {
  if (options.dev_certificate && (!options.certificate.empty() || !options.key.empty())) {
    return std::unexpected(ConfigError{"--dev-cert makes a certificate, --cert gives one: leave one of them out"});
  }
  if (!quic::make_congestion_controller(options.congestion_control, 1'200)) {
    return std::unexpected(ConfigError{
        fmt::format("--cc {}: give one of {}", options.congestion_control, quic::congestion_controller_names())});
  }
  return {};
}

runtime::HttpServerOptions server_options(const ServeOptions& options) {
  runtime::HttpServerOptions server;
  server.connection.congestion_control = options.congestion_control;
  apply(options.versions, server.connection);
  apply(options.extensions, server.connection);
  server.connection.idle_timeout = seconds(options.idle_timeout_s);
  server.connection.handshake_timeout = seconds(options.handshake_timeout_s);
  server.connection.disable_active_migration = options.disable_migration;
  apply(options.careful_resume, server.connection);
  apply_limits(options.limits, server);
  server.files = {.root = options.root,
                  .listing = options.listing,
                  .hidden = options.hidden,
                  .cache_control = options.cache_control,
                  .body_memory_max = options.limits.body_memory_max};
  server.qlog = options.qlog;
  server.tls.early_data = !options.early_data.empty();
  return server;
}

std::expected<http::EarlyRequestRules, ConfigError> early_rules(const ServeOptions& options) {
  auto rules = http::parse_early_request_rules(options.early_data);
  if (!rules) return std::unexpected(ConfigError{"--early-data " + rules.error().message});
  return rules;
}

// Each in the parameter of its family. Without a port: the one that is listened on.
std::expected<void, ConfigError> read_preferred_addresses(const ServeOptions& options,
                                                          runtime::HttpServerOptions& server) {
  for (const std::string& text : options.preferred_addresses) {
    const auto wrong = [&text](std::string_view why) {
      return std::unexpected(ConfigError{fmt::format("--preferred-address {}: {}", text, why)});
    };
    // "::1" would look like a port behind a host.
    SocketAddress address = net::parse_ip(text);
    if (address.family == AddressFamily::kNone) {
      HAWSER_TRY(address, net::parse_address(text, server.udp.local.port));
    } else {
      address.port = server.udp.local.port;
    }
    if (net::is_unspecified(address)) return wrong("give one address of this machine");
    if (address.port == 0) return wrong("give its port too, since the other one is not known yet");
    SocketAddress& parameter =
        address.family == AddressFamily::kIpv4 ? server.connection.preferred_ipv4 : server.connection.preferred_ipv6;
    if (parameter.family != AddressFamily::kNone) return wrong("there is one of this family already");
    parameter = address;
  }
  return {};
}

// What a browser on this machine would put into the address bar.
std::string host_for_people(const SocketAddress& local) {
  if (net::is_unspecified(local)) return "localhost";
  std::string text = to_string(local);
  text.resize(text.rfind(':'));
  return text;
}

// Octets of this process that are in memory; 0 where /proc does not say.
std::size_t resident_octets() {
  std::size_t all_pages = 0;
  std::size_t resident_pages = 0;
  std::ifstream("/proc/self/statm") >> all_pages >> resident_pages;
  return resident_pages * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

// For whoever sizes a machine: what the connections that are open now cost, the program itself included.
void print_memory(std::size_t connections) {
  const std::size_t resident = resident_octets();
  fmt::print("{} connections open, {:.1f} MB resident", connections, static_cast<double>(resident) / 1e6);
  if (connections != 0) fmt::print(", {} octets each", resident / connections);
  fmt::print("\n");
  std::fflush(stdout);
}

// Waits for a signal, then lets requests under way complete for at most the time of grace.
void wait_for_end(runtime::ShutdownSignals& signals, runtime::HttpServer& server, Duration grace) {
  signals.wait();
  print_memory(server.connection_count());
  fmt::print("{}", describe_defence(server.stats(), server.http_stats()));
  std::fflush(stdout);
  const Timestamp deadline = runtime::current_time() + grace;
  server.shutdown();
  while (runtime::current_time() < deadline && server.connection_count() > 0) {
    if (signals.wait(50ms) != 0) return;
  }
}

// However serve() ends: the workers have before the server they work for goes.
struct EndOfWork {
  ~EndOfWork() {
    runtime.stop();
    runtime.join();
  }
  runtime::Runtime& runtime;
};

std::expected<void, ConfigError> serve(const ServeOptions& options) {
  HAWSER_TRY_VOID(check(options));
  runtime::HttpServerOptions server = server_options(options);
  HAWSER_TRY_VOID(apply(options.paths, server.connection));
  HAWSER_TRY(
      server.udp.local,
      net::parse_address(options.address.empty() ? fmt::format(":{}", kDefaultPort) : options.address, kDefaultPort));
  HAWSER_TRY_VOID(read_preferred_addresses(options, server));
  HAWSER_TRY(server.http.early, early_rules(options));
  std::optional<KeptCertificate> kept;
  if (options.dev_certificate) {
    timespec now{};
    clock_gettime(CLOCK_REALTIME, &now);
    HAWSER_TRY(const std::string folder, data_folder());
    HAWSER_TRY(kept, keep_dev_certificate(folder, now.tv_sec));
  }
  HAWSER_TRY(auto certificate, certificate_source(options, kept ? &*kept : nullptr));
  server.tls.certificates.push_back(std::move(certificate));
  HAWSER_TRY(const auto key_log, runtime::KeyLog::open_from_environment());
  if (key_log != nullptr) {
    server.tls.common.key_log = runtime::KeyLog::sink;
    server.tls.common.key_log_context = key_log.get();
  }
  HAWSER_TRY(server.access_log_fd, open_access_log(options.access_log));

  runtime::ShutdownSignals signals;
  HAWSER_TRY(auto runtime, runtime::Runtime::create({.workers = options.workers,
                                                     .pin = options.pin,
                                                     .spin = options.engine.spin,
                                                     .drain = 1s,
                                                     .engine = options.engine.engine,
                                                     .steering = options.steering}));
  server.files.open_files_max = open_files_for(runtime->size());
  HAWSER_TRY(auto http_server, runtime::HttpServer::start(*runtime, std::move(server)));
  const EndOfWork end_of_work{*runtime};
  const SocketAddress& local = http_server->local_address();
  fmt::print("serving {} on https://{}:{}/ ({}, {}, {})\n", options.root, host_for_people(local), local.port,
             to_string(local), describe_workers(*runtime), runtime->describe_engine());
  if (kept) fmt::print("{}", describe_dev_certificate(*kept, host_for_people(local), local.port));
  HAWSER_TRY(auto metrics, ServerMetrics::start(options.metrics, *http_server, *runtime));
  if (metrics != nullptr) fmt::print("metrics on http://{}/metrics\n", to_string(metrics->local_address()));
  std::fflush(stdout);
  wait_for_end(signals, *http_server, seconds(options.grace_s));
  return {};
}

}  // namespace

void add_serve_command(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<ServeOptions>();
  CLI::App* command = app.add_subcommand("serve", "Serve the files of a folder over HTTP/3");
  command->footer(std::string(kExamples));
  command
      ->add_option("address", options->address,
                   "Where to listen: PORT as :4433, ADDR:PORT or [V6]:PORT; port 0 takes a free one")
      ->type_name("ADDR:PORT")
      ->default_str("[::]:4433, IPv6 and IPv4");
  command->add_option("--root", options->root, "The folder")->type_name("DIR")->capture_default_str();
  command->add_option("--cert", options->certificate, "Certificate chain, leaf first")->type_name("FILE");
  command->add_option("--key", options->key, "Its private key")->type_name("FILE");
  command->add_flag("--dev-cert", options->dev_certificate,
                    "Make a certificate for this machine, keep it and use it again");
  add_worker_options(*command, options->workers, options->pin);
  add_steering_option(*command, options->steering);
  add_engine_options(*command, options->engine);
  command
      ->add_option("--preferred-address", options->preferred_addresses,
                   "Where clients go over to after the handshake, at most one address of IPv4 and one of IPv6; "
                   "listens there too")
      ->type_name("ADDR[:PORT]")
      ->allow_extra_args(false);
  command->add_flag("--disable-migration", options->disable_migration,
                    "Ask clients not to change their address (disable_active_migration)");
  add_limit_options(*command, options->limits);
  command->add_flag("--list", options->listing, "Show the names in folders without index.html");
  command->add_flag("--hidden", options->hidden, "Serve names that begin with '.' too");
  command->add_option("--cache-control", options->cache_control, "Cache-Control of files, e.g. \"max-age=60\"")
      ->type_name("TEXT");
  command->add_option("--access-log", options->access_log, "A file to append to; - is standard output, off none")
      ->type_name("FILE")
      ->capture_default_str();
  command
      ->add_flag("--early-data{safe}", options->early_data,
                 "Accept 0-RTT, for requests that do no harm when a recording repeats them: safe (GET, HEAD, OPTIONS; "
                 "as without a value), all or off, and for paths that begin so, /PREFIX=safe, /PREFIX=all or "
                 "/PREFIX=off, with commas between; other requests get 425 Too Early")
      ->type_name("RULES");
  add_careful_resume_option(*command, options->careful_resume,
                            "Tell clients in their tokens what their path carried, and begin with half of that when "
                            "they come again");
  add_qlog_options(*command, options->qlog);
  add_metrics_option(*command, options->metrics);
  command
      ->add_option("--cc", options->congestion_control, "Congestion controller: " + quic::congestion_controller_names())
      ->type_name("NAME")
      ->capture_default_str();
  add_server_version_option(*command, options->versions);
  add_observe_addresses_option(*command, options->extensions);
  add_spin_bit_option(*command, options->extensions);
  add_receive_timestamps_option(*command, options->extensions);
  add_fec_option(*command, options->extensions);
  add_server_path_options(*command, options->paths);
  command->add_option("--grace", options->grace_s, "Seconds that requests under way get after SIGINT or SIGTERM")
      ->check(is_seconds())
      ->type_name("S")
      ->capture_default_str();
  command->add_option("--idle-timeout", options->idle_timeout_s, "Seconds without a packet that end a connection")
      ->check(is_seconds())
      ->type_name("S")
      ->capture_default_str();
  command->add_option("--handshake-timeout", options->handshake_timeout_s, "Seconds that a handshake may take")
      ->check(is_seconds(0.001))
      ->type_name("S")
      ->capture_default_str();
  command->callback([options, &exit_code] {
    if (const auto served = serve(*options); !served) exit_code = complain(served.error().message, 2);
  });
}

}  // namespace hawser::app
