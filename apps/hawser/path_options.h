// path_options.h: several paths at once, as options of the client commands.
#pragma once

#include <CLI/CLI.hpp>
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
};

void add_path_options(CLI::App& command, PathArguments& arguments);
// Nothing: without --paths. The error says which option to change.
std::expected<std::optional<runtime::PathOptions>, ConfigError> path_options(const PathArguments& arguments);
// Offers as many paths as were asked for.
std::expected<void, ConfigError> apply(const PathArguments& arguments, quic::ConnectionConfig& config);

}  // namespace hawser::app
