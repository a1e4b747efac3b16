// interop_plan.h: what the QUIC interop runner's environment asks for, as command lines of `hawser serve` and
// `hawser get`. Nothing runs here.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "net/local_addresses.h"

namespace hawser::app {

// Where the runner puts things; a test on one machine puts them elsewhere.
struct InteropFolders {
  std::string www = "/www";                               // server: files to serve
  std::string certificates = "/certs";                    // server: cert.pem and priv.key
  std::string downloads = "/downloads";                   // client: where files go
  std::string listen = "[::]:443";                        // server: address and port
  std::vector<std::string> preferred;                     // server of connectionmigration: addresses with ports
  std::string sessions = "/tmp/hawser-interop-sessions";  // client: a file for what one run leaves the next
};

struct InteropPlan {
  // Words of `hawser`, one list for each run, in this order.
  std::vector<std::vector<std::string>> runs;
};

struct InteropRefusal {
  int exit_code = 2;    // 127: not a case that this endpoint has, as the runner wants it
  std::string message;  // what to change
};

// The value of an environment variable; nothing when it is not set.
using Environment = std::function<std::optional<std::string>(std::string_view name)>;

// Where the server of connectionmigration asks its clients to go: an address of this machine of each family that
// others can reach, at another port than the one of the runner's URLs.
std::vector<std::string> preferred_addresses(const net::LocalNetworks& networks);

// Reads ROLE (client, server), TESTCASE, REQUESTS (client: URLs with spaces between) and QLOGDIR. SSLKEYLOGFILE is
// read by the commands themselves.
std::expected<InteropPlan, InteropRefusal> plan_interop(const Environment& environment, const InteropFolders& folders);

}  // namespace hawser::app
