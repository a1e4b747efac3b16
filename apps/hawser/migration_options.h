// migration_options.h: when a client's connections change their network, as options of its commands.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "runtime/client_migration.h"

namespace hawser::app {

struct MigrationArguments {
  std::string policy = "loss";
  bool never = false;  // --no-migrate
  double after_s = 0;  // --migrate-after
};

void add_migration_options(CLI::App& command, MigrationArguments& arguments);
runtime::MigrationOptions migration_options(const MigrationArguments& arguments);

}  // namespace hawser::app
