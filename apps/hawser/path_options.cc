// path_options.cc: --paths, --path-use, --scheduler, --multipath-draft, --max-paths.
#include "path_options.h"

#include <fmt/format.h>

#include <algorithm>

#include "quic/connection/paths.h"
#include "scheduler_option.h"

namespace hawser::app {
namespace {

constexpr std::string_view kAll = "all";

constexpr const char* kRedundantScheduler = "redundant";

std::expected<void, ConfigError> choose_scheduler(const std::string& name, quic::ConnectionConfig& config) {
  auto known = known_scheduler(name);
  if (!known) return std::unexpected(ConfigError{"--scheduler: " + known.error().message});
  config.path_scheduler = *std::move(known);
  return {};
}

}  // namespace

void add_path_options(CLI::App& command, PathArguments& arguments) {
  CLI::Option* const paths =
      command
          .add_option("--paths", arguments.interfaces,
                      "Use these network interfaces at once, where the server speaks multipath QUIC; the first that is "
                      "up begins, with get the next as well when it has not answered after 100 ms. all: every one that "
                      "is up. NAME:weight=N, NAME:cost=N (data goes where it costs "
                      "least), NAME:backup say more of one")
          ->delimiter(',')
          ->type_name("IF[,IF...]");
  // What moves a connection as a whole has nothing to do where paths come and go.
  for (const char* const name : {"--migrate", "--migrate-after"})
    if (CLI::Option* const moves = command.get_option_no_throw(name)) paths->excludes(moves);
  command
      .add_option("--path-use", arguments.use,
                  "What several paths are for: aggregate, all carry data; failover, the first one does and the others "
                  "wait; redundant, all carry the same octets of what this end sends (--scheduler redundant)")
      ->check(CLI::IsMember({"aggregate", "failover", "redundant"}))
      ->type_name("USE")
      ->capture_default_str()
      ->needs(paths);
  command.add_option("--scheduler", arguments.scheduler, scheduler_help())->type_name("NAME")->needs(paths);
  command
      .add_option(
          "--multipath-draft", arguments.draft,
          "Whose code points to speak: draft-ietf-quic-multipath-21, or 17 for servers of drafts 14 to 17; hawser's "
          "servers answer both")
      ->check(CLI::IsMember({21, 17}))
      ->type_name("N")
      ->capture_default_str()
      ->needs(paths);
}

std::expected<std::optional<runtime::PathOptions>, ConfigError> path_options(const PathArguments& arguments) {
  if (arguments.interfaces.empty()) return std::nullopt;
  runtime::PathOptions options;
  options.use = runtime::parse_path_use(arguments.use).value_or(runtime::PathUse::kAggregate);
  for (const std::string& text : arguments.interfaces) {
    if (text == kAll && arguments.interfaces.size() == 1) break;
    auto read = runtime::parse_path_interface(text);
    if (!read) return std::unexpected(ConfigError{"--paths: " + read.error().message});
    options.interfaces.push_back(*std::move(read));
  }
  if (options.interfaces.size() > quic::kMaxPaths)
    return std::unexpected(ConfigError{fmt::format("--paths: {} at most", quic::kMaxPaths)});
  if (const auto checked = runtime::check_copies(options); !checked)
    return std::unexpected(ConfigError{"--path-use " + checked.error().message});
  return options;
}

std::expected<void, ConfigError> apply(const PathArguments& arguments, quic::ConnectionConfig& config) {
  if (arguments.interfaces.empty()) return {};
  if (arguments.draft == 17) config.path_code_points = quic::PathCodePoints::kDraft17;
  // Room for one that is being given up beside those that are wanted.
  config.max_paths = arguments.interfaces.front() == kAll
                         ? quic::kMaxPaths
                         : std::clamp<std::uint64_t>(arguments.interfaces.size() + 1, 2, quic::kMaxPaths);
  const bool redundant = runtime::parse_path_use(arguments.use) == runtime::PathUse::kRedundant;
  if (redundant && !arguments.scheduler.empty() && arguments.scheduler != kRedundantScheduler)
    return std::unexpected(ConfigError{"--path-use redundant: leave --scheduler out, it would choose otherwise"});
  if (redundant) return choose_scheduler(kRedundantScheduler, config);
  if (arguments.scheduler.empty()) return {};
  return choose_scheduler(arguments.scheduler, config);
}

void add_server_path_options(CLI::App& command, ServerPathArguments& arguments) {
  command
      .add_option("--max-paths", arguments.max_paths,
                  "Paths that a client may have open at once (multipath QUIC); 0: none but the first, as with "
                  "--receive-timestamps")
      ->check(CLI::Range(std::uint64_t{0}, quic::kMaxPaths))
      ->type_name("N")
      ->capture_default_str();
  command.add_option("--scheduler", arguments.scheduler, scheduler_help())->type_name("NAME")->capture_default_str();
}

std::expected<void, ConfigError> apply(const ServerPathArguments& arguments, quic::ConnectionConfig& config) {
  // Acknowledgements of several paths have no place for times.
  config.max_paths = config.receive_timestamps == 0 ? arguments.max_paths : 0;
  return choose_scheduler(arguments.scheduler, config);
}

}  // namespace hawser::app
