// get_command.h: `hawser get`: fetches URLs over HTTP/3, with the options of curl.
#pragma once

namespace CLI {
class App;
}

namespace hawser::app {

// Adds the subcommand to `app`. When it was given, it runs during parsing and sets
// `exit_code` as curl does (docs/get.md). `exit_code` must outlive the parsing.
void add_get_command(CLI::App& app, int& exit_code);

}  // namespace hawser::app
