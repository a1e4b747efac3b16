// sim_command.h: `hawser sim`: runs scenarios of the simulator from the command line, most
// often to replay a failure that a test printed.
#pragma once

namespace CLI {
class App;
}

namespace hawser::app {

// Adds the subcommand to `app`. When it was given, it runs during parsing and sets
// `exit_code`: 0 if every run passed, 1 if one failed, 2 if the options made no sense.
// `exit_code` must outlive the parsing.
void add_sim_command(CLI::App& app, int& exit_code);

}  // namespace hawser::app
