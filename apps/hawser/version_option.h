// version_option.h: --quic-version of every command that makes or takes connections.
#pragma once

#include <optional>

#include "quic/connection/config.h"

namespace CLI {
class App;
}

namespace hawser::app {

// As the command line has them; what is not given stays as ConnectionConfig has it.
struct VersionArguments {
  std::optional<quic::VersionPreference> versions;
  std::optional<quic::Version> first;  // clients
};

// Adds --quic-version and --quic-first-version.
void add_client_version_options(CLI::App& command, VersionArguments& arguments);
// Adds --quic-version.
void add_server_version_option(CLI::App& command, VersionArguments& arguments);
// A server that was given an order keeps to it.
void apply(const VersionArguments& arguments, quic::ConnectionConfig& config);

}  // namespace hawser::app
