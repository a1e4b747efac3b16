// careful_resume_option.cc: reads --careful-resume[=SECONDS].
#include "careful_resume_option.h"

#include <CLI/CLI.hpp>

#include "time_option.h"

namespace hawser::app {

void add_careful_resume_option(CLI::App& command, CarefulResumeArguments& arguments, const std::string& what) {
  command
      .add_flag("--careful-resume{3600}", arguments.lifetime_s,
                what + " (RFC 9959); what is older than so many seconds is not used")
      ->type_name("SECONDS")
      ->check(is_seconds(1.0, 86'400.0));
}

void apply(const CarefulResumeArguments& arguments, quic::ConnectionConfig& connection) {
  connection.careful_resume = arguments.lifetime_s > 0;
  if (connection.careful_resume) connection.careful_resume_lifetime = seconds(arguments.lifetime_s);
}

}  // namespace hawser::app
