// Goal: `hawser get -m S` ends in time though the system's resolver does not answer. Method: a resolver of our own
// takes the place of the system's in this program; names under .slow take until they are let go.
#include <dlfcn.h>
#include <gtest/gtest.h>
#include <netdb.h>

#include <CLI/CLI.hpp>
#include <latch>
#include <string_view>

#include "get_command.h"
#include "get_report.h"
#include "runtime/clock.h"

namespace {

std::latch let_go(1);
std::latch slow_ended(1);

}  // namespace

extern "C" int getaddrinfo(const char* name, const char* service, const addrinfo* hints, addrinfo** found) {
  if (std::string_view(name).ends_with(".slow")) {
    let_go.wait();
    slow_ended.count_down();
    return EAI_AGAIN;
  }
  static const auto systems = reinterpret_cast<decltype(&::getaddrinfo)>(dlsym(RTLD_NEXT, "getaddrinfo"));
  return systems(name, service, hints, found);
}

namespace hawser::app {
namespace {

TEST(get_time, a_resolver_that_does_not_answer_is_not_waited_for) {
  CLI::App app;
  int exit_code = 0;
  add_get_command(app, exit_code);
  const Timestamp began = runtime::current_time();
  testing::internal::CaptureStderr();
  app.parse("get -sS -m 0.2 https://name.slow/");
  const std::string complaint = testing::internal::GetCapturedStderr();
  EXPECT_LT(to_ms(runtime::current_time() - began), 5'000);
  EXPECT_EQ(exit_code, 28);
  EXPECT_NE(complaint.find("name.slow was not resolved within 0.2 s"), std::string::npos) << complaint;
  let_go.count_down();
  slow_ended.wait();
}

}  // namespace
}  // namespace hawser::app
