// scenarios.h: what `./dev bench` measures, a file for each.
#pragma once

#include <string>
#include <vector>

#include "programs.h"
#include "scenario.h"

namespace hawser::compare {

// The session outlives the scenario.
Scenario bulk(const Session& session);
Scenario requests(const Session& session);
Scenario handshakes(const Session& session);
Scenario memory(const Session& session);
Scenario latency(const Session& session);
Scenario engines(const Session& session);
Scenario workers(const Session& session);
Scenario paths(const Session& session);

struct NamedScenario {
  const char* name;
  const char* about;  // a line for --help
  Scenario (*make)(const Session& session);
};
inline constexpr NamedScenario kScenarios[] = {
    {"bulk", "one stream, as fast as it goes: raw, over HTTP/3, ngtcp2, nginx to curl, the bare kernel", &bulk},
    {"requests", "small HTTP requests on one server core, and their latency at half of that", &requests},
    {"handshakes", "what a new connection costs a server", &handshakes},
    {"memory", "what an idle connection keeps resident on a server", &memory},
    {"latency", "round trips of 100 octets on an idle connection, beside a bare echo", &latency},
    {"engines", "one stream through each way into the kernel", &engines},
    {"workers", "requests with one server thread and with two", &workers},
    {"paths", "one stream over two paths of the loopback device, by every scheduler, beside one path", &paths},
};

// A transfer of `octets`: the client's time from start to end, handshake and all, and the CPU
// time of both programs from start to end.
Sample transfer_sample(const bench::Finished& server, const bench::Finished& client, double octets);
std::vector<Metric> transfer_metrics();
// A download by `hawser perf`, and what it took.
Measured perf_download(const Session& session, const Arguments& server_options, const Arguments& client_options);

}  // namespace hawser::compare
