// careful_resume_option.cc: reads --careful-resume[=SECONDS].
#include "careful_resume_option.h"

#include <CLI/CLI.hpp>

namespace hawser::app {

void add_careful_resume_option(CLI::App& command, CarefulResumeArguments& arguments, const std::string& what) {
  command
      .add_flag("--careful-resume{3600}", arguments.lifetime_s,
                what + " (RFC 9959); what is older than so many seconds is not used")
      ->type_name("SECONDS")
      ->check(CLI::Range(1.0, 86'400.0));
}

void apply(const CarefulResumeArguments& arguments, quic::ConnectionConfig& connection) {
  connection.careful_resume = arguments.lifetime_s > 0;
  if (connection.careful_resume)
    connection.careful_resume_lifetime = Duration{static_cast<std::int64_t>(arguments.lifetime_s * 1e9)};
}

}  // namespace hawser::app
