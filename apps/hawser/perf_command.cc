// perf_command.cc: the options of `hawser perf`.
#include "perf_command.h"

#include <fmt/format.h>

#include <memory>
#include <vector>

#include "net/address.h"
#include "perf_client.h"
#include "perf_options.h"
#include "perf_protocol.h"
#include "perf_server.h"
#include "time_option.h"
#include "worker_options.h"

namespace {

using namespace hawser::perf;

// As large as a UDP datagram on the largest path can carry; the path's own limit is known once it is measured.
constexpr std::uint64_t kDatagramSizeMax = 65'000;

void add_server(CLI::App& perf, int& exit_code) {
  CLI::App* const command = perf.add_subcommand("server", "answer clients until Ctrl-C");
  const auto options = std::make_shared<ServerOptions>();
  add_common_options(*command, options->common);
  hawser::app::add_steering_option(*command, options->common.steering);
  hawser::app::add_server_version_option(*command, options->common.versions);
  hawser::app::add_server_path_options(*command, options->paths);
  CLI::Option* const certificate =
      command->add_option("--cert", options->certificate, "certificate chain, PEM; default: one made for this run")
          ->check(CLI::ExistingFile);
  CLI::Option* const key =
      command->add_option("--key", options->key, "its private key, PEM")->check(CLI::ExistingFile)->needs(certificate);
  certificate->needs(key);
  command->add_flag("--early-data", options->early_data, "answer requests that come in 0-RTT packets");
  command->callback([options, &exit_code] {
    if (const auto address = hawser::net::parse_address(options->common.address); !address)
      throw CLI::ValidationError(address.error().message);
    exit_code = run_server(*options);
  });
}

// Without a mode: a download for ten seconds.
void choose_mode(ClientOptions& options, const CLI::App& command) {
  if (command.count("--upload") != 0) options.mode = Mode::kUpload;
  if (command.count("--requests") != 0) options.mode = Mode::kRequests;
  if (command.count("--latency") != 0) options.mode = Mode::kLatency;
  if (command.count("--handshakes") != 0) options.mode = Mode::kHandshakes;
  if (command.count("--datagrams") != 0) options.mode = Mode::kDatagrams;
  const bool bulk = options.mode == Mode::kDownload || options.mode == Mode::kUpload;
  const bool endless = bulk                               ? options.octets == 0
                       : options.mode == Mode::kDatagrams ? options.datagrams.count == 0
                                                          : options.requests == 0;
  constexpr double kDefaultSeconds = 10;
  if (endless && options.duration_s == 0) options.duration_s = kDefaultSeconds;
}

// Without sizes, a round trip carries 100 octets each way.
void choose_sizes(ClientOptions& options, const CLI::App& command) {
  const bool given = command.count("--request-size") != 0 || command.count("--response-size") != 0;
  if (given && options.mode != Mode::kRequests && options.mode != Mode::kLatency)
    throw CLI::ValidationError("--request-size and --response-size are for --requests and --latency");
  const bool datagrams = options.mode == Mode::kDatagrams;
  if (command.count("--rate") != 0 && options.mode != Mode::kLatency && !datagrams)
    throw CLI::ValidationError("--rate is for --latency and --datagrams");
  if (options.rate == 0 && !datagrams) throw CLI::ValidationError("--rate 0 is for --datagrams");
  if (datagrams && (options.datagrams.size < kDatagramHeaderSize || options.datagrams.size > kDatagramSizeMax))
    throw CLI::ValidationError(fmt::format("--datagram-size: {} to {} octets", kDatagramHeaderSize, kDatagramSizeMax));
  constexpr std::uint64_t kDefaultSize = 100;
  if (options.mode != Mode::kLatency) return;
  if (command.count("--request-size") == 0) options.request_size = kDefaultSize;
  if (command.count("--response-size") == 0) options.response_size = kDefaultSize;
}

void add_datagram_options(CLI::App& command, DatagramOptions& options, const std::vector<CLI::Option*>& other_modes) {
  CLI::Option* const datagrams =
      command.add_option("--datagrams", options.count,
                         "DATAGRAM frames to send in all (RFC 9221), that the server sends back; 0: until "
                         "--duration ends");
  for (CLI::Option* const other : other_modes) datagrams->excludes(other);
  add_size_option(command, "--datagram-size", options.size, "octets of each datagram; default: 1000")->needs(datagrams);
  command.add_flag("--one-way", options.one_way, "the server counts the datagrams and sends none back")
      ->needs(datagrams);
  command
      .add_option("--lifetime", options.lifetime_ms,
                  "milliseconds after which a datagram that still waits is dropped unsent; 0: none")
      ->check(CLI::Range(0.0, 1e6))
      ->needs(datagrams);
  command.add_option("--queue", options.queue_max, "datagrams that wait at most; default: 256")
      ->check(CLI::Range(1, 1'024))
      ->needs(datagrams);
  command
      .add_flag("--drop-newest", options.drop_newest, "a full queue refuses the newest instead of dropping the oldest")
      ->needs(datagrams);
  command
      .add_option("--in-order", options.in_order_ms,
                  "put what comes back in order: milliseconds that a datagram is held for those before it, at most")
      ->check(CLI::Range(0.001, 1e4))
      ->needs(datagrams);
}

constexpr const char* kClientExamples =
    "Examples:\n"
    "  hawser perf client HOST:4433 -k --download 2G\n"
    "  hawser perf client HOST:4433 -k --requests 100000 --streams 50 --response-size 1k\n"
    "  hawser perf client HOST:4433 -k --latency --rate 1000 --duration 5\n"
    "  hawser perf client HOST:4433 -k --handshakes --connections 8 --json\n"
    "  hawser perf client HOST:4433 -k --datagrams 0 --rate 500 --datagram-size 200 --lifetime 50\n"
    "  hawser perf client HOST:4433 -k --datagrams 0 --rate 0 --datagram-size 1200 --one-way\n"
    "  hawser perf client HOST:4433 -k --datagrams 0 --rate 1000 --paths eth0,wlan0 --in-order 50\n"
    "  hawser perf client HOST:443 -k --handshakes --alpn h3\n"
    "  hawser perf client HOST:4433 -k --handshakes --resume --early-data\n"
    "  hawser perf client HOST:4433 -k --download 100M --careful-resume --session-file sessions\n"
    "  hawser perf client HOST:4433 -k --duration 10 --migrate-after 5\n"
    "  hawser perf client HOST:4433 -k --quic-version 2 --download 2G\n"
    "  hawser perf client HOST:4433 -k --upload 200M --paths eth0,wlan0 --scheduler blest\n"
    "  hawser perf client HOST:4433 -k --download 200M --paths eth0,wlan0 --paths-alone --live\n"
    "On a terminal a line each second shows the rate and the first connection's path, with --paths one for each.";

void add_handshake_options(CLI::App& command, ClientOptions& options, CLI::Option* handshakes) {
  command.add_option("--groups", options.groups, "key exchanges to offer, joined by ':'; X25519 alone is the cheapest")
      ->capture_default_str();
  CLI::Option* const resume =
      command.add_flag("--resume", options.resume, "resume the session of the connection before")->needs(handshakes);
  command
      .add_flag(
          "--early-data", options.early_data,
          "make the request of each connection in 0-RTT packets; times are then from the first packet to the answer")
      ->needs(resume);
  command
      .add_option(
          "--session-file", options.session_file,
          "with --careful-resume: keep what the first connection was given and saw in this file, and begin with "
          "what is in it")
      ->type_name("FILE")
      ->excludes(handshakes);
  command.add_option("--alpn", options.alpn, "protocol of a server that is not hawser perf, as h3: handshakes alone")
      ->needs(handshakes)
      ->excludes(resume);
}

void add_client(CLI::App& perf, int& exit_code) {
  CLI::App* const command =
      perf.add_subcommand("client", "measure against a server: throughput, requests, latency, handshakes or datagrams");
  const auto options = std::make_shared<ClientOptions>();
  add_common_options(*command, options->common);
  hawser::app::add_client_version_options(*command, options->common.versions);
  command->add_flag("-k,--insecure", options->insecure, "accept any certificate");
  command->add_option("--cacert", options->ca_file, "trust the certificates of this PEM file too")
      ->check(CLI::ExistingFile);
  CLI::Option* const download =
      add_size_option(*command, "--download", options->octets, "octets to fetch in all; 0: until --duration ends");
  CLI::Option* const upload =
      add_size_option(*command, "--upload", options->octets, "octets to send in all; 0: until --duration ends");
  CLI::Option* const requests =
      command->add_option("--requests", options->requests, "exchanges to make in all; 0: until --duration ends");
  CLI::Option* const handshakes =
      command->add_flag("--handshakes")->description("connect, finish the handshake, close, and again");
  download->excludes(upload, requests, handshakes);
  upload->excludes(requests, handshakes);
  requests->excludes(handshakes);
  command->add_flag("--latency")
      ->description("one request at a time, at a rate that leaves the connection idle between two")
      ->excludes(download, upload, requests, handshakes);
  add_datagram_options(*command, options->datagrams, {download, upload, requests, handshakes});
  command
      ->add_option("--rate", options->rate,
                   "with --latency or --datagrams: requests or datagrams a second on each connection; 0: datagrams as "
                   "fast as congestion control allows")
      ->check(CLI::Range(0.0, 1e7))
      ->capture_default_str();
  add_size_option(*command, "--request-size", options->request_size, "octets of each request; --latency: 100");
  add_size_option(*command, "--response-size", options->response_size, "octets of each response; --latency: 100");
  command->add_option("--duration", options->duration_s, "seconds; default: 10, unless a size or count ends the run")
      ->check(hawser::app::is_seconds(0.001, 86'400.0));
  command->add_option("--streams", options->streams, "streams at a time on each connection")
      ->check(CLI::Range(1, 10'000))
      ->capture_default_str();
  command->add_option("--connections", options->connections, "connections at a time")
      ->check(CLI::Range(1, 100'000))
      ->capture_default_str();
  add_handshake_options(*command, *options, handshakes);
  hawser::app::add_migration_options(*command, options->migration);
  hawser::app::add_path_options(*command, options->paths);
  command
      ->add_flag("--paths-alone", options->paths_alone,
                 "first make the same transfer over each of --paths by itself, and say what share of their sum all "
                 "together reach")
      ->needs("--paths");
  command->add_flag("--live", options->live, "print the lines of each second also where there is no terminal");
  command->footer(kClientExamples);
  command->callback([options, command, &exit_code] {
    choose_mode(*options, *command);
    choose_sizes(*options, *command);
    if (options->paths_alone && options->mode != Mode::kDownload && options->mode != Mode::kUpload)
      throw CLI::ValidationError("--paths-alone is for --download and --upload");
    if (options->paths_alone && options->paths.interfaces.front() == "all")
      throw CLI::ValidationError("--paths-alone: name the interfaces in --paths");
    if (const auto target = hawser::net::parse_host_port(options->common.address); !target)
      throw CLI::ValidationError(target.error().message);
    exit_code = run_client(*options);
  });
}

}  // namespace

void add_perf_command(CLI::App& app, int& exit_code) {
  CLI::App* const perf = app.add_subcommand("perf", "measure the transport between two machines, or two cores");
  perf->require_subcommand(1);
  add_server(*perf, exit_code);
  add_client(*perf, exit_code);
}
