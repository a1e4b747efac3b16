// setup_parts.cc: what scenarios are put together from.
#include "sim/setup_parts.h"

#include "sim/draw.h"

namespace hawser::sim {

using quic::Role;

// A transfer both ways over a clean link: what every scenario starts from.
Setup basic(Random& random) {
  Setup setup;
  setup.link = link({delay(between(random, Duration{1ms}, Duration{60ms}))});
  for (ApplicationProfile* profile : {&setup.client_application, &setup.server_application}) {
    profile->streams_bidi = static_cast<std::uint32_t>(random.below(6));
    profile->streams_uni = static_cast<std::uint32_t>(random.below(4));
    profile->shared_writes = heads(random);
  }
  setup.client_application.streams_bidi += 1;
  setup.transfer.bytes_max = between(random, 1'000, 120'000);
  // Slow networks must not end a connection that would get there in the end.
  for (quic::ConnectionConfig* config : {&setup.client, &setup.server}) {
    config->idle_timeout = 120s;
    config->handshake_timeout = 120s;
    config->congestion_control = heads(random) ? "cubic" : "newreno";
    config->pacing = random.below(4) != 0;
    config->ecn = heads(random);
    config->mtu_discovery = heads(random);
  }
  setup.classic_groups = heads(random);
  setup.closer = heads(random) ? Role::kClient : Role::kServer;
  constexpr std::size_t kSegments[] = {1, 2, 16, 64};
  setup.max_segments = kSegments[random.below(4)];
  return setup;
}

void add(Setup& setup, ElementSpec element) {
  setup.link.push_back(std::move(element));
}

// A client that only receives does not learn that its mapping is gone, and its server cannot
// tell it: someone behind a NAT has to send from time to time.
void keep_mappings_alive(Random& random, Setup& setup) {
  setup.client.keep_alive = between(random, Duration{300ms}, Duration{1s});
}

// Every fault with even odds, each milder than alone, so that the transfer gets through.
void add_faults(Random& random, Setup& setup) {
  if (heads(random)) {
    setup.link.insert(setup.link.begin(), nat(rebind_every(between(random, Duration{1s}, Duration{5s}))));
    keep_mappings_alive(random, setup);
    setup.may_rebind_early = true;
  }
  if (heads(random)) add(setup, drop(share(random, 0.001, 0.05)));
  if (heads(random)) add(setup, burst_drop(0.003, share(random, 0.2, 0.6)));
  if (heads(random)) add(setup, jitter(between(random, Duration{1ms}, Duration{15ms})));
  if (heads(random)) add(setup, reorder(share(random, 0.01, 0.2), 30ms));
  if (heads(random)) add(setup, duplicate(share(random, 0.01, 0.3), 100ms));
  if (heads(random)) add(setup, corrupt(share(random, 0.01, 0.05)));
  if (heads(random)) add(setup, truncate(0.01));
  if (heads(random)) add(setup, mtu(between(random, 1'200, 1'452)));
  if (heads(random)) add(setup, ecn_mark(0.05));
  const std::uint64_t speed = mbit(between(random, 1, 20));
  const std::size_t queue = between(random, 20'000, 200'000);
  if (heads(random)) add(setup, rate(speed, queue));
  const Duration from = between(random, Duration{0ms}, Duration{1s});
  if (heads(random)) add(setup, blackhole(from, from + between(random, Duration{50ms}, Duration{2s})));
}

}  // namespace hawser::sim
