// version_option.cc: --quic-version and --quic-first-version.
#include "version_option.h"

#include <CLI/CLI.hpp>
#include <string>

namespace hawser::app {
namespace {

void add_versions(CLI::App& command, VersionArguments& arguments, const std::string& help) {
  const auto read = [&arguments](const std::string& text) {
    const auto versions = quic::VersionPreference::parse(text);
    if (!versions) throw CLI::ValidationError("--quic-version", versions.error().message);
    arguments.versions = *versions;
  };
  command.add_option_function<std::string>("--quic-version", read, help)->type_name("LIST")->default_str("1,2");
}

}  // namespace

void add_client_version_options(CLI::App& command, VersionArguments& arguments) {
  add_versions(command, arguments,
               "QUIC versions to speak, the preferred first, as 2,1: begins in 1 and changes to 2 without a round\n"
               "trip if the server can; 2 alone begins in 2. 2-draft is what version 2 was before RFC 9369");
  const auto read = [&arguments](const std::string& text) {
    const auto version = quic::parse_version(text);
    if (!version) throw CLI::ValidationError("--quic-first-version", version.error().message);
    arguments.first = *version;
  };
  command
      .add_option_function<std::string>(
          "--quic-first-version", read,
          "Version of the first packet, one of --quic-version; a server that cannot costs a round trip")
      ->type_name("V")
      ->default_str("1 if it is spoken");
}

void add_server_version_option(CLI::App& command, VersionArguments& arguments) {
  add_versions(command, arguments,
               "QUIC versions to speak: 1, 2 or 2-draft, the preferred first. Without this option the client's\n"
               "preference decides");
}

void apply(const VersionArguments& arguments, quic::ConnectionConfig& config) {
  if (arguments.versions) {
    config.versions = *arguments.versions;
    config.own_version_order = true;
  }
  if (arguments.first) config.first_version = *arguments.first;
}

}  // namespace hawser::app
