// path_options.h: several paths at once, as options of clients and servers.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "quic/connection/config.h"
#include "runtime/path_plan.h"

namespace hawser::app {

struct PathArguments {
  std::vector<std::string> interfaces;  // --paths; empty: one path
  std::string use = "aggregate";        // --path-use
  std::string scheduler;                // --scheduler; empty: the library's choice
  unsigned draft = 21;                  // --multipath-draft
};

void add_path_options(CLI::App& command, PathArguments& arguments);
// Nothing: without --paths. The error says which option to change.
std::expected<std::optional<runtime::PathOptions>, ConfigError> path_options(const PathArguments& arguments);
// Offers as many paths as were asked for.
std::expected<void, ConfigError> apply(const PathArguments& arguments, quic::ConnectionConfig& config);

// Servers: how many paths a client may open, and what carries the next packet of ours.
struct ServerPathArguments {
  std::uint64_t max_paths = 4;        // --max-paths; 0: the multipath extension is not offered
  std::string scheduler = "min-rtt";  // --scheduler
};

void add_server_path_options(CLI::App& command, ServerPathArguments& arguments);
std::expected<void, ConfigError> apply(const ServerPathArguments& arguments, quic::ConnectionConfig& config);

}  // namespace hawser::app
