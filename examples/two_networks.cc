// two_networks.cc: a client with two networks: it fetches a page again and again while it looks at its paths, makes one
// of them a backup by hand, and changes the scheduler while the connection runs.
//
//   two_networks example.net:443 wlan0 wwan0
//   two_networks --insecure localhost:4433 lo lo
#include <cstdio>
#include <cstring>

#include "hawser/http3_client.h"
#include "hawser/runtime.h"

namespace {

void show(const std::vector<hawser::PathInfo>& paths) {
  for (const hawser::PathInfo& path : paths)
    std::printf("path %llu over %s: %s, RTT %llu us, %llu octets received, %.1f Mbit/s\n",
                static_cast<unsigned long long>(path.id), path.interface.c_str(), to_string(path.state).c_str(),
                static_cast<unsigned long long>(path.smoothed_rtt_us),
                static_cast<unsigned long long>(path.octets_received), path.received_bps / 1e6);
}

bool fail(const hawser::Error& error) {
  std::fprintf(stderr, "%s\n", error.message.c_str());
  return false;
}

// True once as many paths are active.
bool fetch_until_active(hawser::http3::Client& client, std::size_t count) {
  for (int requests = 0; requests < 100'000; ++requests) {
    const auto response = client.get("/").wait();
    if (!response) return fail(response.error());
    std::size_t active = 0;
    for (const hawser::PathInfo& path : client.paths().list()) active += path.state == hawser::PathState::kActive;
    if (active >= count) return true;
  }
  return false;
}

bool run(const hawser::http3::ClientOptions& options) {
  const auto runtime = hawser::Runtime::create();
  if (!runtime) return fail(runtime.error());
  const auto connected = hawser::http3::Client::connect(**runtime, options);
  if (!connected) return fail(connected.error());
  hawser::http3::Client& client = **connected;
  const auto& interfaces = options.paths->interfaces;
  if (!fetch_until_active(client, interfaces.size())) return false;
  show(client.paths().list());

  if (const auto changed = client.paths().set_scheduler("round-robin"); !changed) return fail(changed.error());
  hawser::PathInterface backup = interfaces.back();
  backup.backup = true;
  if (const auto changed = client.paths().use(backup); !changed) return fail(changed.error());
  std::printf("%s is a backup now; the scheduler is %s\n", backup.name.c_str(), client.paths().scheduler().c_str());
  const auto response = client.get("/").wait();
  if (!response) return fail(response.error());
  show(client.paths().list());
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  int next = 1;
  hawser::http3::ClientOptions options;
  if (next < argc && std::strcmp(argv[next], "--insecure") == 0) {
    options.verify = false;
    ++next;
  }
  if (argc - next < 2) {
    std::fprintf(stderr, "two_networks [--insecure] HOST:PORT INTERFACE...\n");
    return 2;
  }
  options.authority = argv[next++];
  options.paths.emplace();
  for (; next < argc; ++next) options.paths->interfaces.push_back({.name = argv[next]});
  return run(options) ? 0 : 1;
}
