// qlog_command.h: `hawser qlog`: what a qlog file says, in short, drawn or picked out.
#pragma once

namespace CLI {
class App;
}

namespace hawser::app {

void add_qlog_command(CLI::App& app, int& exit_code);

}  // namespace hawser::app
