// interop_plan.cc: the runner's test cases and what each asks of either side.
#include "interop_plan.h"

#include <algorithm>
#include <array>
#include <sstream>

namespace hawser::app {
namespace {

constexpr std::uint16_t kPreferredPort = 4'443;  // the runner's URLs have 443

// The runner names some cases for the endpoints otherwise than for people: transferloss is `transfer`,
// handshakeloss `multiconnect`. Both names are known here.
struct Case {
  std::string_view name;
  bool http3 = false;                // HTTP/3 instead of HTTP/0.9
  bool connection_for_each = false;  // client: not all requests over one connection
  bool second_visit = false;         // client: the first request, then the others with what it left
  bool preferred_address = false;    // server: asks its clients to come to another address
  std::vector<std::string> server = {};
  std::vector<std::string> client = {};
};

const std::vector<Case>& cases() {
  static const std::vector<Case> all = {
      {.name = "handshake"},
      {.name = "transfer"},
      {.name = "longrtt"},
      {.name = "chacha20", .client = {"--tls-cipher", "chacha20"}},
      {.name = "multiplexing"},
      {.name = "retry", .server = {"--retry"}},
      {.name = "http3", .http3 = true},
      {.name = "resumption", .second_visit = true},
      {.name = "zerortt", .second_visit = true, .server = {"--early-data"}, .client = {"--early-data"}},
      {.name = "blackhole"},
      // A receiver sends few packets: each acknowledges many datagrams.
      {.name = "keyupdate", .client = {"--key-update", "25"}},
      {.name = "ecn"},
      {.name = "amplificationlimit"},
      {.name = "multiconnect", .connection_for_each = true},
      {.name = "handshakeloss", .connection_for_each = true},
      {.name = "handshakecorruption", .connection_for_each = true},
      {.name = "transferloss"},
      {.name = "transfercorruption"},
      {.name = "ipv6"},
      {.name = "rebind-port"},
      {.name = "rebind-addr"},
      // The runner's client does a transfer from server46 then, and need not be told.
      {.name = "connectionmigration", .preferred_address = true},
      {.name = "v2", .server = {"--quic-version", "2,1"}, .client = {"--quic-version", "2,1"}},
      {.name = "goodput"},
      {.name = "crosstraffic"},
  };
  return all;
}

InteropRefusal wrong(std::string message) {
  return {.exit_code = 2, .message = std::move(message)};
}

bool is_local_to_link_or_host(const SocketAddress& address) {
  const auto& ip = address.ip;
  if (address.family == AddressFamily::kIpv4) return ip[0] == 127 || (ip[0] == 169 && ip[1] == 254);
  const bool loopback = std::all_of(ip.begin(), ip.end() - 1, [](std::uint8_t octet) { return octet == 0; });
  return loopback || (ip[0] == 0xfe && (ip[1] & 0xc0) == 0x80);
}

void append(std::vector<std::string>& to, const std::vector<std::string>& words) {
  to.insert(to.end(), words.begin(), words.end());
}

InteropPlan plan_server(const Case& test, const std::optional<std::string>& qlog, const InteropFolders& folders) {
  std::vector<std::string> words = {"serve",
                                    folders.listen,
                                    "--root",
                                    folders.www,
                                    "--cert",
                                    folders.certificates + "/cert.pem",
                                    "--key",
                                    folders.certificates + "/priv.key",
                                    "--handshake-timeout",
                                    "60",
                                    "--access-log",
                                    "off"};
  if (qlog) append(words, {"--qlog", *qlog});
  append(words, test.server);
  if (test.preferred_address)
    for (const std::string& address : folders.preferred) append(words, {"--preferred-address", address});
  return {{std::move(words)}};
}

InteropPlan plan_client(const Case& test, const std::vector<std::string>& urls, const std::optional<std::string>& qlog,
                        const InteropFolders& folders) {
  // The runner's certificates are made for each run and name no host that a client could check.
  std::vector<std::string> words = {
      "get", "-k", "-sS", "-v", "--connect-timeout", "60", "--output-dir", folders.downloads};
  if (!test.http3) words.emplace_back("--hq");
  if (qlog) append(words, {"--qlog", *qlog});
  append(words, test.client);
  if (test.second_visit) append(words, {"--session-file", folders.sessions});
  words.emplace_back("-O");
  InteropPlan plan;
  if (test.second_visit) {
    plan.runs = {words, words};
    plan.runs[0].push_back(urls.front());
    plan.runs[1].insert(plan.runs[1].end(), urls.begin() + 1, urls.end());
    if (urls.size() == 1) plan.runs.pop_back();
    return plan;
  }
  if (!test.connection_for_each) {
    append(words, urls);
    plan.runs.push_back(std::move(words));
    return plan;
  }
  for (const std::string& url : urls) {
    plan.runs.push_back(words);
    plan.runs.back().push_back(url);
  }
  return plan;
}

}  // namespace

std::vector<std::string> preferred_addresses(const net::LocalNetworks& networks) {
  std::vector<std::string> found;
  for (const AddressFamily family : {AddressFamily::kIpv4, AddressFamily::kIpv6}) {
    const auto at = std::ranges::find_if(networks.addresses, [&](const net::LocalAddress& local) {
      return local.address.family == family && networks.usable(local.address) &&
             !is_local_to_link_or_host(local.address);
    });
    if (at == networks.addresses.end()) continue;
    SocketAddress address = at->address;
    address.port = kPreferredPort;
    found.push_back(to_string(address));
  }
  return found;
}

std::expected<InteropPlan, InteropRefusal> plan_interop(const Environment& environment, const InteropFolders& folders) {
  const auto role = environment("ROLE");
  if (!role || (*role != "client" && *role != "server"))
    return std::unexpected(
        wrong("ROLE is " + (role ? "\"" + *role + "\"" : "not set") + "; set ROLE=client or ROLE=server"));
  const auto name = environment("TESTCASE");
  if (!name || name->empty()) return std::unexpected(wrong("TESTCASE is not set; for example TESTCASE=handshake"));
  const auto test = std::ranges::find(cases(), *name, &Case::name);
  if (test == cases().end())
    return std::unexpected(
        InteropRefusal{.exit_code = 127, .message = "the test case \"" + *name + "\" is not supported"});
  const auto qlog = environment("QLOGDIR");
  if (*role == "server" && test->preferred_address && folders.preferred.empty())
    return std::unexpected(wrong("no address to prefer is known; set --preferred ADDR:PORT"));
  if (*role == "server") return plan_server(*test, qlog, folders);
  std::istringstream requests(environment("REQUESTS").value_or(""));
  std::vector<std::string> urls;
  for (std::string url; requests >> url;) urls.push_back(url);
  if (urls.empty()) return std::unexpected(wrong("REQUESTS is empty; set it to URLs with spaces between"));
  return plan_client(*test, urls, qlog, folders);
}

}  // namespace hawser::app
