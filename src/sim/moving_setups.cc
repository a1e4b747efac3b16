// moving_setups.cc: scenarios of clients that move, of addresses that change, and of links that go away.
#include "sim/moving_setups.h"

#include "quic/connection/paths.h"
#include "sim/draw.h"
#include "sim/setup_parts.h"

namespace hawser::sim {
namespace {

// Which addresses the client goes to, and when; by way of all of them, and back.
void add_moves(Random& random, Setup& setup, std::uint64_t moves, Duration from, Duration until) {
  for (std::uint64_t i = 0; i < moves; ++i) {
    const std::size_t address = random.below(setup.other_links.size() + 1);
    const Duration at = between(random, from, until);
    if (heads(random)) {
      const Duration ahead = between(random, Duration{0ms}, Duration{400ms});
      setup.commands.push_back({.kind = ScheduledCommand::Kind::kProbe, .at = at - ahead, .address = address});
    }
    setup.commands.push_back({.kind = ScheduledCommand::Kind::kMigrate, .at = at, .address = address});
  }
}

// A client with two or three networks; long enough that moves fall into the transfer.
Setup several_networks(Random& random) {
  Setup setup = basic(random);
  setup.transfer.bytes_max = between(random, 200'000, 400'000);
  // 300,000 octets take more than a second.
  const std::uint64_t slow = kbit(between(random, 500, 2'000));
  add(setup, rate(slow, between(random, 30'000, 200'000)));
  for (std::uint64_t i = between(random, 1, 2); i > 0; --i) {
    const Duration one_way = between(random, Duration{1ms}, Duration{80ms});
    const std::uint64_t speed = mbit(between(random, 1, 10));
    setup.other_links.push_back(link({delay(one_way), rate(speed, between(random, 30'000, 200'000))}));
  }
  return setup;
}

// Some time after the handshake is confirmed.
Duration once_confirmed(Random& random, const Setup& setup) {
  return 6 * setup.link.front().duration + between(random, Duration{100ms}, Duration{300ms});
}

}  // namespace

Setup migration(Random& random) {
  Setup setup = several_networks(random);
  setup.client_application.streams_bidi += 4;
  const Duration at = once_confirmed(random, setup);
  setup.commands.push_back({.kind = ScheduledCommand::Kind::kMigrate, .at = at, .address = 1});
  setup.must_move = heads(random);
  if (setup.must_move) {
    setup.transfer.bytes_min = 300'000;
    return setup;
  }
  add_moves(random, setup, between(random, 1, 6), at, at + 4s);
  return setup;
}

// The network that the client is on goes away for good, as it walks out of the house; it moves when
// it hears of it.
Setup network_lost(Random& random) {
  Setup setup = several_networks(random);
  setup.transfer.bytes_min = 300'000;
  const Duration at = once_confirmed(random, setup);
  add(setup, blackhole(at, 100'000s));
  setup.commands.push_back({.kind = ScheduledCommand::Kind::kMigrate,
                            .at = at + between(random, Duration{0ms}, Duration{2s}),
                            .address = 1});
  if (heads(random)) setup.other_links[0].push_back(drop(share(random, 0.001, 0.05)));
  // A challenge can be lost as often as it is sent; whoever moves tries again (docs/migration.md).
  for (int i = 1; i < 12; ++i)
    setup.commands.push_back({.kind = ScheduledCommand::Kind::kMigrate, .at = at + 2s + i * 4s, .address = 1});
  setup.must_move = true;
  return setup;
}

Setup preferred_address(Random& random) {
  Setup setup = several_networks(random);
  PreferredSetup preferred{.reachable = heads(random), .link = {}};
  preferred.link = link({delay(between(random, Duration{1ms}, Duration{60ms}))});
  if (heads(random)) preferred.link.push_back(drop(share(random, 0.01, 0.2)));
  setup.preferred = preferred;
  if (heads(random)) setup.server.disable_active_migration = true;
  if (heads(random)) setup.client.use_preferred_address = false;
  if (heads(random)) add_moves(random, setup, between(random, 1, 3), 100ms, 4s);
  setup.must_move =
      preferred.reachable && preferred.link.size() == 1 && setup.client.use_preferred_address && setup.commands.empty();
  if (setup.must_move) setup.transfer.bytes_min = 300'000;
  return setup;
}

Setup spoofed(Random& random) {
  Setup setup = basic(random);
  setup.transfer.bytes_max = 200'000;
  const double probability = share(random, 0.01, 0.5);
  add(setup, spoof(probability, heads(random) ? Duration{0} : between(random, Duration{1ms}, Duration{20ms})));
  // An attacker on the path can end the handshake, whoever it is that it claims to be.
  setup.may_rebind_early = true;
  return setup;
}

// Challenges and answers are lost as well, so that the attacker's address stays in doubt for long.
Setup spoofed_with_loss(Random& random) {
  Setup setup = spoofed(random);
  add(setup, drop(share(random, 0.01, 0.2)));
  if (heads(random)) add(setup, jitter(between(random, Duration{1ms}, Duration{15ms})));
  return setup;
}

// 50 rebindings at random times, of the port or of the address, while octets trickle.
Setup rebind_storm(Random& random) {
  Setup setup = basic(random);
  setup.transfer.bytes_max = setup.transfer.bytes_min = 500'000;
  add(setup, rate(kbit(between(random, 200, 500)), 60'000));
  NatOptions options;
  options.address_share = 0.5;
  const Duration confirmed = 6 * setup.link.front().duration + 300ms;
  for (int i = 0; i < 50; ++i) options.rebinds.push_back(confirmed + between(random, Duration{0ms}, Duration{20s}));
  setup.link.insert(setup.link.begin(), nat(options));
  keep_mappings_alive(random, setup);
  return setup;
}

// An hour in which the link goes down again and again, for up to 20 s each time.
Setup outages(Random& random) {
  Setup setup = basic(random);
  setup.client_application = {.streams_bidi = 1};
  setup.server_application = {};
  setup.transfer.bytes_max = setup.transfer.bytes_min = 2'500'000;
  add(setup, rate(kbit(256), 20'000));
  // Readers who take their time make it last, at the cost of few datagrams.
  for (ApplicationProfile* profile : {&setup.client_application, &setup.server_application}) {
    profile->reading = Reading::kSlow;
    profile->read_interval = 1s;
    profile->read_bytes = 800;
  }
  for (quic::ConnectionConfig* config : {&setup.client, &setup.server}) {
    config->stream_receive_window = config->stream_receive_window_max = ByteCount{6'000};
    config->connection_receive_window = config->connection_receive_window_max = ByteCount{8'000};
    // Probes that fall into one outage after the other double the wait each time: five are two minutes.
    config->idle_timeout = 1'200s;
  }
  Duration at = 2s;
  while (at < 4'500s) {
    const Duration until = at + between(random, Duration{100ms}, Duration{20s});
    add(setup, blackhole(at, until));
    at = until + between(random, Duration{1s}, Duration{120s});
  }
  setup.limit = 4h;
  return setup;
}

Setup heavy_loss(Random& random) {
  Setup setup = basic(random);
  setup.transfer.bytes_max = between(random, 1'000, 60'000);
  add(setup, drop(0.3));
  // A third of all probes and answers are in vain, and each doubles the wait for the next: eight in a
  // row are two minutes.
  for (quic::ConnectionConfig* config : {&setup.client, &setup.server})
    config->idle_timeout = config->handshake_timeout = 1'200s;
  setup.limit = 4h;
  return setup;
}

// Moves under everything else that can go wrong.
Setup migration_with_faults(Random& random) {
  Setup setup = several_networks(random);
  add_faults(random, setup);
  for (LinkSpec& other : setup.other_links) {
    if (heads(random)) other.push_back(drop(share(random, 0.001, 0.05)));
    if (heads(random)) other.push_back(jitter(between(random, Duration{1ms}, Duration{15ms})));
    if (heads(random)) other.push_back(duplicate(share(random, 0.01, 0.3), 100ms));
    if (heads(random)) other.push_back(corrupt(share(random, 0.01, 0.05)));
    if (heads(random)) other.push_back(mtu(between(random, 1'200, 1'452)));
  }
  if (heads(random)) setup.preferred = PreferredSetup{.reachable = heads(random), .link = link({delay(20ms)})};
  if (heads(random)) setup.client.key_update_packets = between(random, 20, 100);
  add_moves(random, setup, between(random, 1, 8), 100ms, 8s);
  return setup;
}

// Several networks at once: paths are opened, made backups, given up and opened again, by both ends.
Setup multipath(Random& random) {
  Setup setup = several_networks(random);
  setup.client_application.streams_bidi += 4;
  setup.client.max_paths = between(random, 2, quic::kMaxPaths);
  setup.server.max_paths = between(random, 2, quic::kMaxPaths);
  const Duration from = once_confirmed(random, setup);
  const auto command = [&](ScheduledCommand::Kind kind, std::size_t address) {
    const bool by_client = kind == ScheduledCommand::Kind::kOpenPath || kind == ScheduledCommand::Kind::kAbandonPath;
    const quic::Role side = by_client || heads(random) ? quic::Role::kClient : quic::Role::kServer;
    // Who gives up a path has to leave the other end time to validate the rest: two ends that give up two
    // paths at once have none.
    const Duration wait = kind == ScheduledCommand::Kind::kAbandonPath ? Duration{2s} : Duration{0};
    setup.commands.push_back(
        {.kind = kind, .side = side, .at = between(random, from + wait, from + 4s), .address = address});
  };
  // Early, and again for paths that were given up and connection IDs that came late.
  for (std::size_t address = 1; address <= setup.other_links.size(); ++address) {
    setup.commands.push_back({.kind = ScheduledCommand::Kind::kOpenPath, .at = from, .address = address});
    for (int i = 0; i < 6; ++i) command(ScheduledCommand::Kind::kOpenPath, address);
  }
  for (std::uint64_t i = between(random, 0, 6); i > 0; --i)
    command(heads(random) ? ScheduledCommand::Kind::kAbandonPath : ScheduledCommand::Kind::kBackUpPath,
            random.below(4));
  for (std::uint64_t i = between(random, 0, 3); i > 0; --i) command(ScheduledCommand::Kind::kKeyUpdate, 0);
  if (heads(random)) add(setup, drop(share(random, 0.001, 0.05)));
  for (LinkSpec& other : setup.other_links)
    if (heads(random)) other.push_back(drop(share(random, 0.001, 0.1)));
  return setup;
}

// The same, with links that come and go, sometimes all at once.
Setup multipath_outages(Random& random) {
  Setup setup = multipath(random);
  // In an outage one end gives up a path that the other counts on.
  std::erase_if(setup.commands,
                [](const ScheduledCommand& c) { return c.kind == ScheduledCommand::Kind::kAbandonPath; });
  const auto interrupt = [&](LinkSpec& link) {
    Duration at = once_confirmed(random, setup);
    for (std::uint64_t i = between(random, 1, 4); i > 0; --i) {
      const Duration down = between(random, Duration{50ms}, Duration{5s});
      link.push_back(blackhole(at, at + down));
      at += down + between(random, Duration{100ms}, Duration{3s});
    }
  };
  if (heads(random)) interrupt(setup.link);
  for (LinkSpec& other : setup.other_links) interrupt(other);
  return setup;
}

}  // namespace hawser::sim
