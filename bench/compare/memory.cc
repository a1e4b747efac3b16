// memory.cc: many idle HTTP/3 connections on one server.
#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "scenarios.h"

namespace hawser::compare {
namespace {

constexpr std::size_t kConnectionsMax = 100'000;
constexpr std::size_t kQuickConnections = 2'000;
// Both ends are on this machine, and a connection may keep this much on each; the rest of the
// memory is left to others.
constexpr std::size_t kKibPerConnection = 2 * 64;

std::size_t connections_that_fit() {
  std::ifstream info("/proc/meminfo");
  std::size_t kib = 0;
  for (std::string word; info >> word;)
    if (word == "MemAvailable:" && info >> kib) break;
  return std::clamp(kib / 2 / kKibPerConnection, std::size_t{1'000}, kConnectionsMax);
}

std::string text_of(const std::string& file) {
  std::ostringstream text;
  text << std::ifstream(file).rdbuf();
  return text.str();
}

}  // namespace

Scenario memory(const Session& session) {
  const std::size_t count = session.options().quick ? kQuickConnections : connections_that_fit();
  const std::string program = session.options().bench + "/memory/server_memory";
  Scenario scenario{
      .name = "memory",
      .title = fmt::format("{} idle HTTP/3 connections on one server", count),
      .metrics = {{.key = "server_resident_kb_per_connection", .title = "kB each", .less_is_better = true}},
      .runs_max = 1};
  const Session* const s = &session;
  scenario.add({"hawser", "hawser serve; anonymous memory of the whole process, kernel excluded", "", true},
               [s, count, program]() -> Measured {
                 const std::string file = s->folder() + "/memory.json";
                 const Options& o = s->options();
                 const auto finished =
                     run_client(*s, {},
                                {program, "-n", std::to_string(count), "--cycles", "1", "--hawser", o.hawser, "--cpus",
                                 fmt::format("{},{}", o.cpus[0], o.cpus[1]), "--json", file});
                 if (!finished) return std::unexpected(finished.error());
                 return Sample{json_value(text_of(file), "bytes_per_connection") / 1e3};
               });
  return scenario;
}

}  // namespace hawser::compare
