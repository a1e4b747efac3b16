// serve_command.h: `hawser serve`: the files of a folder over HTTP/3.
#pragma once

namespace CLI {
class App;
}

namespace hawser::app {

// Adds the subcommand to `app`. When it was given, it runs during parsing until SIGINT or
// SIGTERM and sets `exit_code`: 0, 1 if it could not start, 2 if the options made no sense.
// `exit_code` must outlive the parsing.
void add_serve_command(CLI::App& app, int& exit_code);

}  // namespace hawser::app
