// interop_command.cc: runs what the interop runner's environment asks for.
#include "interop_command.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "get_command.h"
#include "interop_plan.h"
#include "serve_command.h"

namespace hawser::app {
namespace {

constexpr const char* kFooter =
    R"(The environment says what to do: ROLE (client, server), TESTCASE, REQUESTS (client: URLs with
spaces between), QLOGDIR, SSLKEYLOGFILE. A test case that is not supported ends with 127.
Examples:
  ROLE=server TESTCASE=transfer hawser interop
  ROLE=client TESTCASE=transfer REQUESTS="https://server:443/a https://server:443/b" hawser interop)";

std::optional<std::string> variable(std::string_view name) {
  const char* const value = std::getenv(std::string(name).c_str());
  return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

int run_words(std::vector<std::string> words) {
  CLI::App app{"", "hawser"};
  int exit_code = 0;
  add_serve_command(app, exit_code);
  add_get_command(app, exit_code);
  std::ranges::reverse(words);  // as CLI11 wants a vector
  try {
    app.parse(words);
  } catch (const CLI::ParseError& error) {
    return app.exit(error);
  }
  return exit_code;
}

int run_plan(InteropFolders folders) {
  // Without netlink, --preferred has to say it.
  const auto addresses = net::LocalAddresses::open();
  if (folders.preferred.empty() && addresses) folders.preferred = preferred_addresses(addresses->networks());
  const auto plan = plan_interop(variable, folders);
  if (!plan) {
    std::fprintf(stderr, "hawser interop: %s\n", plan.error().message.c_str());
    return plan.error().exit_code;
  }
  for (const std::vector<std::string>& words : plan->runs)
    if (const int exit_code = run_words(words); exit_code != 0) return exit_code;
  return 0;
}

}  // namespace

void add_interop_command(CLI::App& app, int& exit_code) {
  CLI::App& command = *app.add_subcommand("interop", "The endpoint of the public QUIC interop runner");
  command.footer(kFooter);
  const auto folders = std::make_shared<InteropFolders>();
  command.add_option("--www", folders->www, "Server: the files")->type_name("DIR")->capture_default_str();
  command.add_option("--certs", folders->certificates, "Server: cert.pem and priv.key")
      ->type_name("DIR")
      ->capture_default_str();
  command.add_option("--downloads", folders->downloads, "Client: where files go")
      ->type_name("DIR")
      ->capture_default_str();
  command.add_option("--listen", folders->listen, "Server: where to listen")
      ->type_name("ADDR:PORT")
      ->capture_default_str();
  command
      .add_option("--preferred", folders->preferred,
                  "Server of connectionmigration: where clients are asked to go, one of each family.\n"
                  "Without this option an address of this machine of each family, port 4443")
      ->type_name("ADDR:PORT");
  command.callback([folders, &exit_code] { exit_code = run_plan(*folders); });
}

}  // namespace hawser::app
