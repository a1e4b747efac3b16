// interop_command.h: `hawser interop`: the endpoint of the public QUIC interop runner.
#pragma once

namespace CLI {
class App;
}

namespace hawser::app {

// Adds the subcommand to `app`. When it was given, it runs during parsing and sets `exit_code`: that of the
// first run that failed, 127 for a test case that is not supported, 2 for a wrong environment.
// `exit_code` must outlive the parsing.
void add_interop_command(CLI::App& app, int& exit_code);

}  // namespace hawser::app
