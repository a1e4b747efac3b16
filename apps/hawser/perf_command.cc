// perf_command.cc: the options of `hawser perf`.
#include "perf_command.h"

#include <memory>

#include "perf_client.h"
#include "perf_options.h"
#include "perf_server.h"
#include "worker_options.h"

namespace {

using namespace hawser::perf;

void add_server(CLI::App& perf, int& exit_code) {
  CLI::App* const command = perf.add_subcommand("server", "answer clients until Ctrl-C");
  const auto options = std::make_shared<ServerOptions>();
  add_common_options(*command, options->common);
  hawser::app::add_steering_option(*command, options->common.steering);
  command->add_option("--cert", options->certificate, "certificate chain, PEM; default: one made for this run")
      ->check(CLI::ExistingFile);
  command->add_option("--key", options->key, "its private key, PEM")->check(CLI::ExistingFile);
  command->callback([options, &exit_code] { exit_code = run_server(*options); });
}

// Without a mode: a download for ten seconds.
void choose_mode(ClientOptions& options, const CLI::App& command) {
  if (command.count("--upload") != 0) options.mode = Mode::kUpload;
  if (command.count("--requests") != 0) options.mode = Mode::kRequests;
  if (command.count("--handshakes") != 0) options.mode = Mode::kHandshakes;
  const bool bulk = options.mode == Mode::kDownload || options.mode == Mode::kUpload;
  const bool endless = bulk ? options.octets == 0 : options.requests == 0;
  constexpr double kDefaultSeconds = 10;
  if (endless && options.duration_s == 0) options.duration_s = kDefaultSeconds;
}

void add_client(CLI::App& perf, int& exit_code) {
  CLI::App* const command =
      perf.add_subcommand("client", "measure against a server: throughput, requests or handshakes");
  const auto options = std::make_shared<ClientOptions>();
  add_common_options(*command, options->common);
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
  add_size_option(*command, "--request-size", options->request_size, "octets of each request")->needs(requests);
  add_size_option(*command, "--response-size", options->response_size, "octets of each response")->needs(requests);
  command->add_option("--duration", options->duration_s, "seconds; default: 10, unless a size or count ends the run")
      ->check(CLI::Range(0.0, 86'400.0));
  command->add_option("--streams", options->streams, "streams at a time on each connection")
      ->check(CLI::Range(1, 10'000))
      ->capture_default_str();
  command->add_option("--connections", options->connections, "connections at a time")
      ->check(CLI::Range(1, 100'000))
      ->capture_default_str();
  command
      ->add_option("--groups", options->groups, "key exchanges to offer, joined by ':'; X25519 alone is the cheapest")
      ->capture_default_str();
  command->add_flag("--resume", options->resume, "resume the session of the connection before")->needs(handshakes);
  command->callback([options, command, &exit_code] {
    choose_mode(*options, *command);
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
