// careful_resume_option.h: --careful-resume, the same for all commands.
#pragma once

#include <string>

#include "quic/connection/config.h"

namespace CLI {
class App;
}

namespace hawser::app {

struct CarefulResumeArguments {
  double lifetime_s = 0;  // 0: off
};

// `what`: the command's own sentence about it.
void add_careful_resume_option(CLI::App& command, CarefulResumeArguments& arguments, const std::string& what);
void apply(const CarefulResumeArguments& arguments, quic::ConnectionConfig& connection);

}  // namespace hawser::app
