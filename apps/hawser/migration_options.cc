// migration_options.cc: --migrate, --no-migrate, --migrate-after.
#include "migration_options.h"

#include "time_option.h"

namespace hawser::app {

void add_migration_options(CLI::App& command, MigrationArguments& arguments) {
  CLI::Option* const policy =
      command
          .add_option("--migrate", arguments.policy,
                      "When to change the network: loss, once the local address or its interface is gone; routes, "
                      "also when the system would take another one, as back home; never")
          ->check(CLI::IsMember({"never", "loss", "routes"}))
          ->type_name("WHEN")
          ->capture_default_str();
  CLI::Option* const none =
      command.add_flag("--no-migrate", arguments.never, "The same as --migrate never, and no preferred address either")
          ->excludes(policy);
  command
      .add_option("--migrate-after", arguments.after_s,
                  "Change to another local port after this many seconds, to see that it works")
      ->check(is_seconds(0.001, 86'400.0))
      ->excludes(none)
      ->type_name("S");
}

runtime::MigrationOptions migration_options(const MigrationArguments& arguments) {
  const auto policy = runtime::parse_migration_policy(arguments.policy);
  return {
      .policy = arguments.never ? runtime::MigrationPolicy::kNever : policy.value_or(runtime::MigrationPolicy::kOnLoss),
      .move_after = seconds(arguments.after_s)};
}

}  // namespace hawser::app
