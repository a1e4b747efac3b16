// load_command.cc: the options of `hawser load`, named as h2load names them.
#include "load_command.h"

#include <fmt/format.h>

#include <memory>
#include <string>

#include "count_option.h"
#include "engine_options.h"
#include "load_options.h"
#include "load_run.h"
#include "qlog_options.h"
#include "quic/congestion/congestion_controller.h"
#include "say.h"

namespace hawser::app {
namespace {

using load::LoadArguments;

constexpr std::string_view kExamples = R"(Examples:
  hawser load -c 10 -m 100 -D 10 https://example.net/1k
      how many requests a second: 10 connections, 100 requests at a time on each
  hawser load -c 10 -m 100 -D 30 --rate 50000 --warm-up-time 3 https://example.net/1k
      how long they take at 50,000 a second, counted from when each was due
  hawser load -c 10 -D 10 --requests-per-connection 1 --early-data https://example.net/1k
      how many visits a second, with a request in 0-RTT in each; without --early-data: with a whole handshake
  hawser load -n 1000 -c 4 -k -d form.txt -H "content-type: text/plain" https://localhost:4433/submit
  hawser load -D 10 -c 8 -t 2 -i urls.txt --connect-to 192.0.2.7 --json

Ends with 0, with 1 if a request or a connection failed, with 2 if the words are wrong.
SSLKEYLOGFILE=FILE writes the TLS secrets for Wireshark.)";

void add_amount_options(CLI::App& command, LoadArguments& a) {
  command.add_option("-n,--requests", a.requests, "Requests in all; 1 without -D")->check(is_count(1))->type_name("N");
  command.add_option("-D,--duration", a.duration, "Send for so long instead: 10, 500ms, 2m")->type_name("TIME");
  command.add_option("--warm-up-time", a.warm_up, "Send for so long before it counts; with -D")
      ->type_name("TIME")
      ->capture_default_str();
  command.add_option("-c,--clients", a.connections, "Connections")
      ->check(is_count(1))
      ->type_name("N")
      ->capture_default_str();
  command.add_option("-m,--max-concurrent-streams", a.streams, "Requests at a time on each connection")
      ->check(is_count(1))
      ->type_name("N")
      ->capture_default_str();
  command
      .add_option("--requests-per-connection", a.requests_per_connection,
                  "Make a connection anew after so many requests; without it never")
      ->check(is_count(1))
      ->type_name("N");
  command.add_flag("--early-data", a.early_data,
                   "Resume the session of the connection before, and send the first requests in 0-RTT");
  command.add_option("-t,--threads", a.common.workers, "Threads, which share the connections")
      ->check(CLI::Range(1, 256))
      ->capture_default_str();
  command
      .add_option("--rate", a.rate,
                  "Open loop: requests a second in all, sent when due whether or not others are answered")
      ->check(is_above_zero())
      ->type_name("N");
  command.add_option("--rps", a.rate_per_client, "The same for each connection")
      ->check(is_above_zero())
      ->type_name("N");
  command.add_option("--timeout", a.timeout, "How long connecting, and then a request, may take")
      ->type_name("TIME")
      ->capture_default_str();
}

void add_request_options(CLI::App& command, LoadArguments& a) {
  command.add_option("url", a.urls, "https://HOST[:PORT]/PATH, or several of one host, asked for in turns")
      ->type_name("URL");
  command.add_option("-i,--input-file", a.uri_file, "More URLs, one a line")->type_name("FILE");
  command.add_option("-X,--method", a.method, "The method; GET, or POST with -d")->type_name("METHOD");
  command.add_option("-H,--header", a.headers, "A field to send: \"Name: value\"")
      ->type_name("FIELD")
      ->allow_extra_args(false);
  command.add_option("-d,--data", a.data_file, "Send this file's content with each request")->type_name("FILE");
}

void add_connection_options(CLI::App& command, LoadArguments& a) {
  command.add_option("--connect-to", a.connect_to, "Connect there instead of to the URL's host")
      ->type_name("HOST[:PORT]");
  command.add_flag("-k,--insecure", a.insecure, "Accept any certificate");
  command.add_option("--ca,--cacert", a.ca_file, "Trust the certificates of this PEM file too")->type_name("FILE");
  command.add_option("--header-table-size", a.header_table_size, "Octets of QPACK dynamic table offered to the server")
      ->check(CLI::Range(0, 1 << 20))
      ->capture_default_str();
  command.add_option("--cpu", a.common.cpus, "CPUs that the threads stay on, as 0,1")
      ->delimiter(',')
      ->allow_extra_args(false);  // what follows is the address
  add_engine_options(command, a.common.engine);
  add_qlog_options(command, a.common.qlog);
  add_client_version_options(command, a.common.versions);
  command
      .add_option("--cc", a.common.congestion_control, "Congestion controller: " + quic::congestion_controller_names())
      ->type_name("NAME")
      ->capture_default_str();
  command.add_option("--max-udp-payload", a.common.max_udp_payload, "Octets of the largest UDP payload")
      ->check(CLI::Range(1'200, 65'527))
      ->capture_default_str();
  command.add_flag("--json", a.common.json, "Print one JSON object instead of text");
}

}  // namespace

void add_load_command(CLI::App& app, int& exit_code) {
  auto arguments = std::make_shared<LoadArguments>();
  CLI::App* const command = app.add_subcommand("load", "Load an HTTP/3 server and measure how it answers");
  command->footer(std::string(kExamples));
  add_amount_options(*command, *arguments);
  add_request_options(*command, *arguments);
  add_connection_options(*command, *arguments);
  command->callback([arguments, &exit_code] {
    const auto options = load::read_load_options(*arguments);
    if (!options) {
      say("hawser load: {}\n", options.error().message);
      exit_code = 2;
      return;
    }
    exit_code = load::run_load(*options);
  });
}

}  // namespace hawser::app
