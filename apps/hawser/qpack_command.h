// qpack_command.h: `hawser qpack`: encodes and decodes the files of the public QPACK interop corpus,
// and measures what header lists cost.
#pragma once

namespace CLI {
class App;
}

namespace hawser::app {

// Adds the subcommand with its encode, decode and measure to `app`. When one of them was
// given, it runs during parsing and sets `exit_code`: 0 if it did its work, 1 if a file could
// not be read, understood or written, 2 if the options made no sense. `exit_code` must
// outlive the parsing.
void add_qpack_command(CLI::App& app, int& exit_code);

}  // namespace hawser::app
