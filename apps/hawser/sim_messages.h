// sim_messages.h: `hawser sim messages`: a table of how long messages take over a lossy path with each kind of
// forward error correction, and what that costs.
#pragma once

namespace CLI {
class App;
}

namespace hawser::app {

// Adds the subcommand; sets `exit_code` when it has run.
void add_sim_messages_command(CLI::App& sim, int& exit_code);

}  // namespace hawser::app
