// main.cc: `hawser`: one program, one subcommand per file.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <iostream>
#include <string>

#include "get_command.h"
#include "interop_command.h"
#include "load_command.h"
#include "perf_command.h"
#include "qlog_command.h"
#include "qlog_options.h"
#include "qpack_command.h"
#include "serve_command.h"
#include "sim_command.h"

namespace {

constexpr const char* kVersion = "hawser 0.1.0";

constexpr const char* kFooter = R"(Examples:
  hawser serve --root ./site --dev-cert       serve a folder over HTTP/3
  hawser get -O https://example.net/file.bin  fetch a file over HTTP/3
  hawser load -c 10 -m 100 -D 10 URL          how many requests a second a server answers
  hawser get --help                           the options of a command)";

// CLI11 ends parsing by exceptions; 2 is the exit code of wrong use everywhere in hawser.
int report(const CLI::App& app, const CLI::ParseError& error) {
  if (error.get_exit_code() == static_cast<int>(CLI::ExitCodes::Success)) return app.exit(error);
  const auto given = app.get_subcommands();
  const auto unknown = app.remaining();
  if (given.empty() && !unknown.empty()) {
    std::fprintf(stderr, "hawser: there is no command \"%s\"; hawser --help lists them\n", unknown.front().c_str());
    return 2;
  }
  const std::string command = given.empty() ? "hawser" : "hawser " + given.front()->get_name();
  std::fprintf(stderr, "%s: %s\nWrite: %s ...; %s --help says what\n", command.c_str(), error.what(),
               given.empty() ? "hawser COMMAND" : command.c_str(), command.c_str());
  return 2;
}

// What was printed is to have arrived: a full disk is no success.
int finish(int exit_code) {
  std::cout.flush();
  if (exit_code != 0 || (std::fflush(stdout) == 0 && std::ferror(stdout) == 0 && std::cout.good())) return exit_code;
  std::fputs("hawser: standard output could not be written\n", stderr);
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  int exit_code = 0;
  CLI::App app{"hawser moves bytes: HTTP/3 and QUIC from the command line.", "hawser"};
  app.footer(kFooter);
  app.set_version_flag("--version,-V", kVersion);
  app.require_subcommand(1);
  hawser::app::add_serve_command(app, exit_code);
  hawser::app::add_get_command(app, exit_code);
  hawser::app::add_load_command(app, exit_code);
  add_perf_command(app, exit_code);
  hawser::app::add_qpack_command(app, exit_code);
  hawser::app::add_qlog_command(app, exit_code);
  hawser::app::add_sim_command(app, exit_code);
  hawser::app::add_interop_command(app, exit_code);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return finish(report(app, error));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "hawser: %s\n", error.what());
    return 1;
  }
  hawser::app::report_qlog_loss();
  return finish(exit_code);
}
