// engine_options.h: the options of every command that moves datagrams: which engine, and how
// long its threads look for work before they sleep.
#pragma once

#include "base/time.h"
#include "net/make_engine.h"

namespace CLI {
class App;
}

namespace hawser::app {

struct EngineArguments {
  net::EngineOptions engine;
  Duration spin{0};
};

// Adds --engine, --spin, --uring-copy and the --xdp-... options, which write into `arguments`.
void add_engine_options(CLI::App& command, EngineArguments& arguments);

}  // namespace hawser::app
