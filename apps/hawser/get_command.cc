// get_command.cc: the options of `hawser get`.
#include "get_command.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <vector>

#include "careful_resume_option.h"
#include "count_option.h"
#include "get_options.h"
#include "get_report.h"
#include "get_run.h"
#include "qlog_options.h"
#include "quic/congestion/congestion_controller.h"
#include "say.h"
#include "time_option.h"

namespace hawser::app {
namespace {

constexpr std::string_view kExamples = R"(Examples:
  hawser get https://example.net/                     to standard output
  hawser get -O -C - https://example.net/big.iso      go on where it stopped
  hawser get -O https://a.example/1 -O https://a.example/2
      both over one connection
  hawser get -k -o /dev/null -w '%{speed_download}\n' https://localhost:4433/1G
  hawser get --migrate routes -O https://example.net/big.iso
      goes over to another network when this one is lost, and back
  hawser get --paths eth0,wlan0,wwan0:cost=1 -O https://example.net/big.iso
      over two networks at once, and the third while neither works
  hawser get --session-file ~/.hawser-sessions --early-data https://example.net/
      the second time the request is in the first packets
  hawser get --resolve example.net:443:192.0.2.7 -I https://example.net/

Exit codes are curl's: 6 name, 7 connect, 22 status with -f, 23 output, 28 time,
33 range, 56 receive, 60 certificate. SSLKEYLOGFILE=FILE writes the TLS secrets.
Names for -w: )";

void add_request_options(CLI::App& command, GetArguments& a) {
  command.add_flag("-I,--head", a.head, "Ask for the head only and show it");
  command.add_flag("-i,--include", a.include_head, "Show the head before the body");
  command.add_option("-X,--request", a.method, "The method; GET, or POST with -d")->type_name("METHOD");
  command.add_option("-H,--header", a.headers, "A field to send; \"Name:\" leaves one out")
      ->type_name("FIELD")
      ->allow_extra_args(false);
  command.add_option("-d,--data", a.data, "A body to send; @FILE reads it, without line ends")
      ->type_name("TEXT")
      ->allow_extra_args(false);
  command.add_option("--data-binary", a.binary, "The same with @FILE as it is")
      ->type_name("TEXT")
      ->allow_extra_args(false);
  command.add_option("-r,--range", a.range, "Octets to ask for: 0-99, 500-, -100")->type_name("RANGE");
  command.add_option("-A,--user-agent", a.user_agent, "The User-Agent field")->type_name("TEXT")->capture_default_str();
  command.add_flag("-L,--location", a.location, "Follow redirects");
  command.add_option("--max-redirs", a.redirects_max, "As many at most")
      ->check(is_count())
      ->type_name("N")
      ->capture_default_str();
  command.add_flag("-f,--fail", a.fail, "A status of 400 or above is a failure (22), and its page is dropped");
}

void add_output_options(CLI::App& command, GetArguments& a) {
  command.add_option("-o,--output", a.outputs, "Where the body goes, one for each URL")
      ->type_name("FILE")
      ->allow_extra_args(false);
  command.add_flag("-O,--remote-name", a.remote_names, "Into a file named as the URL ends");
  command.add_option("--output-dir", a.output_folder, "The folder of those files")->type_name("DIR");
  command.add_option("-C,--continue-at", a.continue_at, "Go on at this octet; - at the end of the file")
      ->type_name("OFFSET");
  command.add_option("-w,--write-out", a.write_out, "Show this at the end, with %{http_code} and others replaced")
      ->type_name("FORMAT");
  command.add_flag("-v,--verbose", a.verbose,
                   "Show what is sent and received, and at which address the server sees this end");
  command.add_flag("-s,--silent", a.silent, "Show no progress and no errors");
  command.add_flag("-S,--show-error", a.show_error, "Show errors all the same");
  command.add_flag("-#,--progress-bar", a.progress_bar, "Show progress even if standard error is no terminal");
}

void add_connection_options(CLI::App& command, GetArguments& a) {
  command.add_flag("-k,--insecure", a.insecure, "Accept any certificate");
  command.add_option("--cacert", a.ca_file, "Trust the CAs of this file instead of the system's")->type_name("FILE");
  command.add_option("-E,--cert", a.certificate, "A certificate to show to the server")->type_name("FILE");
  command.add_option("--key", a.key, "Its private key")->type_name("FILE");
  command.add_option("--tls-cipher", a.tls_cipher, "Offer this one only: aes128, aes256, chacha20")->type_name("NAME");
  command.add_option("--resolve", a.pinned, "Use these addresses: HOST:PORT:ADDR[,ADDR]")
      ->type_name("PIN")
      ->allow_extra_args(false);
  command.add_flag("-4,--ipv4", a.ipv4, "IPv4 addresses only");
  command.add_flag("-6,--ipv6", a.ipv6, "IPv6 addresses only");
  command
      .add_option("--session-file", a.session_file,
                  "Keep what servers give for the next visit in this file, and begin with what is in it")
      ->type_name("FILE");
  command.add_flag(
      "--early-data", a.early_data,
      "Send GET, HEAD and OPTIONS without a body before the handshake is complete (0-RTT), where a session "
      "in that file allows it; whoever records them can have the server get them twice");
  add_careful_resume_option(command, a.careful_resume,
                            "Keep in that file what the path carried, and begin with half of that in the next upload; "
                            "open the receive windows for a server that does so with downloads");
  command
      .add_option("--connect-timeout", a.connect_timeout_s,
                  "Seconds that connecting may take, once the name is resolved")
      ->check(is_seconds())
      ->type_name("S");
  command.add_option("-m,--max-time", a.time_max_s, "Seconds that everything may take")
      ->check(is_seconds())
      ->type_name("S");
  add_qlog_options(command, a.qlog);
  command.add_option("--cc", a.congestion_control, "Congestion controller: " + quic::congestion_controller_names())
      ->type_name("NAME")
      ->capture_default_str();
  command.add_option("--key-update", a.key_update_packets, "Change the keys each time this many packets were sent")
      ->check(is_count())
      ->type_name("N");
  add_migration_options(command, a.migration);
  add_path_options(command, a.paths);
  add_client_version_options(command, a.versions);
  add_spin_bit_option(command, a.extensions);
  add_fec_option(command, a.extensions);
  add_engine_options(command, a.engine);
  command.add_flag("--hq", a.hq, "HTTP/0.9 instead of HTTP/3, for interoperability tests")->group("");
}

}  // namespace

void add_get_command(CLI::App& app, int& exit_code) {
  auto arguments = std::make_shared<GetArguments>();
  CLI::App* command = app.add_subcommand("get", "Fetch URLs over HTTP/3");
  command->footer(std::string(kExamples) + write_out_names());
  command->add_option("url", arguments->urls, "https://HOST[:PORT]/PATH, any number of them")->type_name("URL");
  add_request_options(*command, *arguments);
  add_output_options(*command, *arguments);
  add_connection_options(*command, *arguments);
  command->callback([arguments, &exit_code] {
    const auto options = read_get_options(*arguments);
    if (!options) {
      say("hawser get: {}\n", options.error().message);
      exit_code = options.error().exit_code;
      return;
    }
    exit_code = run_get(*options);
  });
}

}  // namespace hawser::app
