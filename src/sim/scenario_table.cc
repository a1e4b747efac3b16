// scenario_table.cc: the scenarios. Each builds its setup from a seed: one fault, of random
// strength, under a transfer of random shape; `everything` mixes them all.
#include <algorithm>

#include "quic/congestion/controller_table.h"
#include "sim/draw.h"
#include "sim/moving_setups.h"
#include "sim/random_setup.h"
#include "sim/setup_parts.h"

namespace hawser::sim {
namespace {

using quic::Role;

Setup transfer(Random& random) {
  return basic(random);
}

Setup loss(Random& random) {
  Setup setup = basic(random);
  add(setup, drop(share(random, 0.001, 0.15)));
  return setup;
}

Setup one_way_loss(Random& random) {
  Setup setup = basic(random);
  const ElementSpec element = drop(share(random, 0.05, 0.3));
  add(setup, heads(random) ? up(element) : down(element));
  return setup;
}

Setup burst_loss(Random& random) {
  Setup setup = basic(random);
  const double enter = share(random, 0.002, 0.02);
  add(setup, burst_drop(enter, share(random, 0.1, 0.5)));
  return setup;
}

Setup reordering(Random& random) {
  Setup setup = basic(random);
  const double probability = share(random, 0.01, 0.5);
  const Duration hold = between(random, Duration{1ms}, Duration{40ms});
  add(setup, heads(random) ? jitter(hold) : reorder(probability, hold));
  return setup;
}

Setup duplication(Random& random) {
  Setup setup = basic(random);
  const double probability = share(random, 0.05, 1.0);
  add(setup, duplicate(probability, between(random, Duration{1ms}, Duration{300ms})));
  return setup;
}

Setup corruption(Random& random) {
  Setup setup = basic(random);
  add(setup, corrupt(share(random, 0.01, 0.2)));
  add(setup, truncate(share(random, 0.0, 0.05)));
  return setup;
}

Setup nat_rebind(Random& random) {
  Setup setup = basic(random);
  setup.transfer.bytes_max = 300'000;
  // RFC 9000 section 9: paths change only once the handshake is confirmed, two round trips
  // after the start at the earliest.
  const Duration confirmed = 6 * setup.link.front().duration + 50ms;
  NatOptions options = rebind_after(confirmed + between(random, Duration{0ms}, Duration{400ms}));
  if (heads(random)) options.rebinds.push_back(confirmed + between(random, Duration{400ms}, Duration{3s}));
  setup.link.insert(setup.link.begin(), nat(options));
  add(setup, rate(mbit(between(random, 2, 20))));
  keep_mappings_alive(random, setup);
  return setup;
}

Setup nat_new_address(Random& random) {
  Setup setup = nat_rebind(random);
  setup.link.front().nat.rebind_address = true;
  return setup;
}

// The rebinding falls between the server's confirmation of the handshake and the client's: the
// server has no Handshake keys left, and HANDSHAKE_DONE went to the old port.
Setup nat_rebind_unconfirmed(Random& random) {
  Setup setup = basic(random);
  setup.transfer.bytes_max = 300'000;
  const Duration one_way = between(random, Duration{10ms}, Duration{100ms});
  setup.link.front() = delay(one_way);
  NatOptions options = rebind_after(3 * one_way + between(random, Duration{1ms}, one_way));
  options.rebind_address = heads(random);
  setup.link.insert(setup.link.begin(), nat(options));
  keep_mappings_alive(random, setup);
  return setup;
}

Setup nat_rebind_often(Random& random) {
  Setup setup = nat_rebind(random);
  setup.link.front().nat = rebind_every(between(random, Duration{1s}, Duration{4s}));
  setup.link.front().nat.rebind_address = heads(random);
  return setup;
}

Setup short_blackhole(Random& random) {
  Setup setup = basic(random);
  const Duration from = between(random, Duration{0ms}, Duration{400ms});
  add(setup, blackhole(from, from + between(random, Duration{50ms}, Duration{5s})));
  return setup;
}

Setup long_blackhole(Random& random) {
  Setup setup = basic(random);
  const Duration from = between(random, Duration{0ms}, Duration{400ms});
  ElementSpec element = blackhole(from, from + between(random, Duration{5s}, Duration{60s}));
  const std::uint64_t side = random.below(3);
  if (side == 1) element = up(element);
  if (side == 2) element = down(element);
  add(setup, element);
  for (quic::ConnectionConfig* config : {&setup.client, &setup.server}) {
    config->idle_timeout = between(random, Duration{3s}, Duration{30s});
    config->handshake_timeout = 10s;
  }
  setup.may_time_out = true;
  return setup;
}

Setup small_mtu(Random& random) {
  Setup setup = basic(random);
  setup.client.mtu_discovery = setup.server.mtu_discovery = true;
  add(setup, mtu(between(random, 1'200, 1'452)));
  return setup;
}

void shrink_windows(Random& random, quic::ConnectionConfig& config) {
  config.stream_receive_window = ByteCount{between(random, 200, 8'000)};
  config.stream_receive_window_max = ByteCount{config.stream_receive_window.value * between(random, 1, 4)};
  config.connection_receive_window = ByteCount{between(random, 300, 16'000)};
  config.connection_receive_window_max = ByteCount{config.connection_receive_window.value * between(random, 1, 4)};
  config.stream_send_buffer = ByteCount{between(random, 1'000, 20'000)};
  config.max_streams_bidi = between(random, 1, 3);
  config.max_streams_uni = between(random, 1, 3);
}

Setup tiny_windows(Random& random) {
  Setup setup = basic(random);
  setup.transfer.bytes_max = between(random, 1'000, 30'000);
  shrink_windows(random, setup.client);
  shrink_windows(random, setup.server);
  if (heads(random)) add(setup, drop(share(random, 0.01, 0.1)));
  return setup;
}

Setup slow_link(Random& random) {
  Setup setup = basic(random);
  setup.transfer.bytes_max = between(random, 1'000, 40'000);
  const std::uint64_t speed = kbit(between(random, 100, 2'000));
  add(setup, rate(speed, between(random, 6'000, 40'000)));
  return setup;
}

Setup ecn(Random& random) {
  Setup setup = basic(random);
  setup.client.ecn = setup.server.ecn = true;
  switch (random.below(3)) {
    case 0:
      add(setup, ecn_mark(share(random, 0.01, 0.3)));
      break;
    case 1:
      add(setup, heads(random) ? up(ecn_bleach()) : down(ecn_bleach()));
      break;
    default:
      add(setup, rate(mbit(5), 100'000, 20'000));
      break;
  }
  return setup;
}

Setup retry(Random& random) {
  Setup setup = basic(random);
  setup.retry = quic::RetryPolicy::kAlways;
  if (heads(random)) add(setup, drop(share(random, 0.01, 0.2)));
  if (heads(random)) add(setup, duplicate(0.3, 100ms));
  return setup;
}

Setup key_updates(Random& random) {
  Setup setup = basic(random);
  setup.transfer.bytes_max = 200'000;
  if (heads(random)) setup.client.key_update_packets = between(random, 20, 200);
  if (heads(random)) setup.server.key_update_packets = between(random, 20, 200);
  for (std::uint64_t i = random.below(6); i > 0; --i)
    setup.commands.push_back({.kind = ScheduledCommand::Kind::kKeyUpdate,
                              .side = heads(random) ? Role::kClient : Role::kServer,
                              .at = between(random, Duration{50ms}, Duration{2s})});
  if (heads(random)) add(setup, drop(share(random, 0.01, 0.1)));
  if (heads(random)) add(setup, jitter(20ms));
  return setup;
}

std::string_view any_controller(Random& random) {
  const auto table = quic::controller_table();
  return table[random.below(table.size())].name;
}

// Each end begins with any controller and exchanges it again and again.
Setup controllers(Random& random) {
  Setup setup = basic(random);
  setup.transfer.bytes_max = 400'000;
  setup.client.congestion_control = any_controller(random);
  setup.server.congestion_control = any_controller(random);
  add(setup, rate(mbit(between(random, 2, 50)), between(random, 8'000, 200'000), between(random, 4'000, 100'000)));
  for (std::uint64_t i = between(random, 0, 8); i > 0; --i) {
    ScheduledCommand command{.kind = ScheduledCommand::Kind::kCongestionControl};
    command.side = heads(random) ? Role::kClient : Role::kServer;
    command.at = between(random, Duration{10ms}, Duration{2s});
    command.controller = any_controller(random);
    setup.commands.push_back(command);
  }
  if (heads(random)) add(setup, drop(share(random, 0.001, 0.1)));
  if (heads(random)) add(setup, jitter(5ms));
  return setup;
}

Setup long_rtt(Random& random) {
  Setup setup = basic(random);
  setup.link = link({delay(between(random, Duration{300ms}, Duration{2s}))});
  setup.nothing_is_lost = heads(random);
  if (!setup.nothing_is_lost) add(setup, drop(share(random, 0.001, 0.05)));
  return setup;
}

Setup random_close(Random& random) {
  Setup setup = basic(random);
  for (std::uint64_t i = between(random, 1, 3); i > 0; --i)
    setup.commands.push_back({.kind = ScheduledCommand::Kind::kClose,
                              .side = heads(random) ? Role::kClient : Role::kServer,
                              .at = between(random, Duration{0ms}, Duration{600ms})});
  if (heads(random)) add(setup, drop(share(random, 0.01, 0.3)));
  return setup;
}

void add_reading(Random& random, ApplicationProfile& profile) {
  constexpr Reading kReadings[] = {Reading::kEager, Reading::kPartly, Reading::kSlow};
  profile.reading = kReadings[random.below(3)];
  profile.read_interval = between(random, Duration{1ms}, Duration{30ms});
  profile.read_bytes = between(random, 500, 20'000);
  if (heads(random)) {
    profile.pause_from = between(random, Duration{0ms}, Duration{500ms});
    profile.pause_until = profile.pause_from + between(random, Duration{10ms}, Duration{3s});
  }
}

Setup slow_readers(Random& random) {
  Setup setup = basic(random);
  add_reading(random, setup.client_application);
  add_reading(random, setup.server_application);
  if (heads(random)) shrink_windows(random, setup.server);
  if (heads(random)) shrink_windows(random, setup.client);
  setup.nothing_is_lost = true;
  return setup;
}

Setup resets(Random& random) {
  Setup setup = basic(random);
  setup.transfer.reset_share = share(random, 0.0, 0.5);
  setup.transfer.stop_share = share(random, 0.0, 0.5);
  setup.client_application.streams_bidi += 6;
  setup.server_application.streams_uni += 6;
  if (heads(random)) add_reading(random, setup.client_application);
  if (heads(random)) add_reading(random, setup.server_application);
  if (heads(random)) add(setup, drop(share(random, 0.01, 0.15)));
  if (heads(random)) shrink_windows(random, setup.server);
  return setup;
}

Setup many_streams(Random& random) {
  Setup setup = basic(random);
  setup.transfer.bytes_max = 500;
  setup.client_application.streams_bidi = static_cast<std::uint32_t>(between(random, 150, 400));
  setup.server_application.streams_uni = static_cast<std::uint32_t>(between(random, 0, 300));
  setup.server.max_streams_bidi = between(random, 1, 100);
  setup.client.max_streams_uni = between(random, 1, 100);
  if (heads(random)) add(setup, drop(share(random, 0.01, 0.1)));
  return setup;
}

Setup datagrams(Random& random) {
  Setup setup = basic(random);
  setup.client.max_datagram_frame_size = between(random, 0, 1'200);
  setup.server.max_datagram_frame_size = between(random, 0, 1'200);
  setup.client_application.datagrams = static_cast<std::uint32_t>(random.below(300));
  setup.server_application.datagrams = static_cast<std::uint32_t>(random.below(300));
  if (heads(random)) add(setup, drop(share(random, 0.01, 0.1)));
  return setup;
}

// More than the path takes, in flows that differ in urgency, lifetime, bounds and policy.
Setup datagram_flows(Random& random) {
  Setup setup = basic(random);
  for (quic::ConnectionConfig* config : {&setup.client, &setup.server}) {
    config->max_datagram_frame_size = quic::kAnyDatagramFrame;
    config->datagram_queue_max = between(random, 1, 100);
    config->datagram_queue_octets_max = between(random, 1, 50'000);
  }
  for (ApplicationProfile* profile : {&setup.client_application, &setup.server_application}) {
    profile->datagrams = static_cast<std::uint32_t>(between(random, 100, 1'500));
    profile->datagram_flows = static_cast<std::uint32_t>(between(random, 0, 8));
    if (heads(random)) profile->act_interval = between(random, Duration{1ms}, Duration{20ms});
    profile->open_burst = 3;
    profile->priorities = heads(random);
  }
  if (heads(random)) add(setup, rate(mbit(between(random, 2, 20)), between(random, 8'000, 100'000)));
  if (heads(random)) add(setup, drop(share(random, 0.01, 0.2)));
  if (heads(random)) add(setup, duplicate(share(random, 0.01, 0.2), 50ms));
  if (heads(random)) add(setup, jitter(5ms));
  return setup;
}

quic::VersionPreference preference(Random& random) {
  using quic::Version;
  constexpr Version kAll[] = {Version::kV1, Version::kV2, Version::kV2Draft};
  const std::uint64_t first = random.below(3);
  const std::uint64_t second = (first + between(random, 1, 2)) % 3;
  const std::uint64_t count = between(random, 1, 3);
  if (count == 1) return {kAll[first]};
  if (count == 2) return {kAll[first], kAll[second]};
  return {kAll[first], kAll[second], kAll[3 - first - second]};
}

// Both ends prefer and begin as they like; there is always one version that both speak.
void add_versions(Random& random, Setup& setup) {
  do {
    setup.client.versions = preference(random);
    setup.server.versions = preference(random);
  } while (std::ranges::none_of(setup.client.versions.view(),
                                [&](quic::Version version) { return setup.server.versions.contains(version); }));
  const auto ours = setup.client.versions.view();
  const std::uint64_t first = random.below(ours.size() + 1);
  if (first < ours.size()) setup.client.first_version = ours[first];
  setup.server.own_version_order = heads(random);
}

Setup versions(Random& random) {
  Setup setup = basic(random);
  add_versions(random, setup);
  if (heads(random)) setup.retry = quic::RetryPolicy::kAlways;
  if (heads(random)) add(setup, drop(share(random, 0.01, 0.2)));
  if (heads(random)) add(setup, jitter(20ms));
  if (heads(random)) add(setup, duplicate(0.3, 100ms));
  if (heads(random)) setup.client.key_update_packets = between(random, 20, 100);
  return setup;
}

// Address discovery, receive timestamps and the spin bit, as both ends happen to want them, under any faults and
// moves.
Setup extensions(Random& random) {
  using Discovery = quic::AddressDiscovery;
  constexpr Discovery kDiscoveries[] = {Discovery::kOff, Discovery::kProvide, Discovery::kReceive, Discovery::kBoth};
  const bool moves = heads(random);
  Setup setup = moves ? migration_with_faults(random) : basic(random);
  if (!moves) add_faults(random, setup);
  for (quic::ConnectionConfig* config : {&setup.client, &setup.server}) {
    config->address_discovery = kDiscoveries[random.below(4)];
    config->receive_timestamps = heads(random) ? between(random, 1, 63) : 0;
    config->receive_timestamps_exponent = random.below(21);
    if (heads(random)) config->spin_bit = quic::SpinBitPolicy::kOn;
  }
  return setup;
}

// Forward error correction of any kind, as each end happens to want it, under loss, reordering, duplication and
// corruption, beside datagrams, and at times over several paths.
Setup fec(Random& random) {
  const bool many_paths = random.below(4) == 0;
  Setup setup = many_paths ? multipath(random) : basic(random);
  const bool has_codes = quic::parse_fec_config("rs").has_value();
  for (quic::ConnectionConfig* config : {&setup.client, &setup.server}) {
    quic::FecConfig& fec = config->fec;
    fec.enabled = random.below(8) != 0;
    fec.scheme = has_codes && heads(random) ? quic::FecScheme::kReedSolomon : quic::FecScheme::kXor;
    fec.sources = between(random, 1, quic::kMaxFecSources);
    if (heads(random)) {
      fec.repairs = fec.scheme == quic::FecScheme::kXor ? 1 : between(random, 1, quic::kMaxFecRepairs);
    } else if (heads(random)) {
      fec.share_min = 0.05;
      fec.share_max = 0.3;
    }
    config->max_datagram_frame_size = heads(random) ? quic::kAnyDatagramFrame : 0;
  }
  setup.client_application.datagrams = static_cast<std::uint32_t>(random.below(200));
  setup.server_application.datagrams = static_cast<std::uint32_t>(random.below(200));
  if (many_paths) return setup;
  add(setup, drop(share(random, 0.005, 0.15)));
  if (heads(random)) add(setup, burst_drop(0.01, 0.3));
  if (heads(random)) add(setup, reorder(share(random, 0.01, 0.3), between(random, Duration{1ms}, Duration{40ms})));
  if (heads(random)) add(setup, duplicate(share(random, 0.01, 0.5), between(random, Duration{1ms}, Duration{200ms})));
  if (heads(random)) add(setup, corrupt(share(random, 0.01, 0.1)));
  if (heads(random)) add(setup, rate(mbit(between(random, 1, 50)), between(random, 20'000, 200'000)));
  return setup;
}

Setup everything(Random& random) {
  Setup setup = basic(random);
  add_faults(random, setup);
  if (heads(random)) setup.retry = quic::RetryPolicy::kAlways;
  if (random.below(4) == 0) shrink_windows(random, setup.client);
  if (random.below(4) == 0) shrink_windows(random, setup.server);
  if (heads(random)) add_reading(random, setup.client_application);
  if (heads(random)) add_reading(random, setup.server_application);
  if (heads(random)) setup.client.key_update_packets = between(random, 20, 100);
  setup.transfer.reset_share = heads(random) ? 0.1 : 0;
  setup.transfer.stop_share = heads(random) ? 0.1 : 0;
  setup.transfer.bytes_max = between(random, 100, 60'000);
  for (quic::ConnectionConfig* config : {&setup.client, &setup.server}) config->max_datagram_frame_size = 1'200;
  setup.client_application.datagrams = setup.server_application.datagrams = 20;
  add_versions(random, setup);
  if (random.below(8) == 0)
    setup.commands.push_back({.kind = ScheduledCommand::Kind::kClose,
                              .side = heads(random) ? Role::kClient : Role::kServer,
                              .at = between(random, Duration{0ms}, Duration{2s})});
  return setup;
}

constexpr ScenarioDefinition kScenarios[] = {
    {"transfer", "Several streams both ways over a clean link.", transfer},
    {"loss", "Independent loss of up to 15 %.", loss},
    {"one_way_loss", "Loss of 5 to 30 % in one direction only.", one_way_loss},
    {"burst_loss", "Loss in bursts (Gilbert-Elliott).", burst_loss},
    {"reordering", "Jitter or held-back datagrams.", reordering},
    {"duplication", "Datagrams that arrive twice.", duplication},
    {"corruption", "Flipped bits and cut datagrams.", corruption},
    {"nat_rebind", "A NAT that changes the client's port once or twice.", nat_rebind},
    {"nat_new_address", "A NAT that changes the client's address as well.", nat_new_address},
    {"nat_rebind_unconfirmed", "A NAT that rebinds while only the server has confirmed the handshake.",
     nat_rebind_unconfirmed},
    {"nat_rebind_often", "A NAT that rebinds again and again.", nat_rebind_often},
    {"short_blackhole", "Nothing passes for up to five seconds.", short_blackhole},
    {"long_blackhole", "Nothing passes for so long that the connection may time out.", long_blackhole},
    {"small_mtu", "A router that drops large datagrams silently.", small_mtu},
    {"tiny_windows", "Flow-control windows of a few hundred octets and few streams at once.", tiny_windows},
    {"slow_link", "A bottleneck of 100 kbit/s to 2 Mbit/s with a small queue.", slow_link},
    {"ecn", "Congestion marks, or routers that clear the ECN field.", ecn},
    {"retry", "A server that answers every first Initial with Retry.", retry},
    {"key_updates", "Key updates by either side, under reordering and loss.", key_updates},
    {"controllers", "Congestion controllers of every kind, exchanged while data moves.", controllers},
    {"long_rtt", "Round trips of 0.6 to 4 seconds.", long_rtt},
    {"random_close", "Either application closes at a random time.", random_close},
    {"slow_readers", "Applications that read slowly or pause.", slow_readers},
    {"resets", "Streams that are reset or stopped half-way.", resets},
    {"many_streams", "Hundreds of short streams under a low limit.", many_streams},
    {"datagrams", "DATAGRAM frames beside streams.", datagrams},
    {"datagram_flows", "Flows of DATAGRAM frames that compete for a path, with urgencies, lifetimes and bounds.",
     datagram_flows},
    {"migration", "A client that moves between its networks in the middle of a transfer.", migration},
    {"network_lost", "The client's network goes away, and it moves to another one.", network_lost},
    {"preferred_address", "A server with a preferred address, within reach or not.", preferred_address},
    {"spoofed", "An attacker who sends copies of the client's datagrams from its own address.", spoofed},
    {"spoofed_with_loss", "The same attacker, under loss of up to 20 %.", spoofed_with_loss},
    {"rebind_storm", "50 rebindings of port and address at random times.", rebind_storm},
    {"outages", "An hour in which the link goes down again and again, for up to 20 s.", outages},
    {"heavy_loss", "Loss of 30 % in both directions.", heavy_loss},
    {"migration_with_faults", "Moves between networks under all faults.", migration_with_faults},
    {"multipath", "Several networks at once: paths are opened, given up, made backups and opened again.", multipath},
    {"multipath_outages", "Several networks at once whose links come and go.", multipath_outages},
    {"versions", "Versions of QUIC that each end prefers differently.", versions},
    {"extensions", "Address discovery, receive timestamps and the spin bit, under faults and moves.", extensions},
    {"fec", "Forward error correction, under loss, reordering, duplication and corruption.", fec},
    {"everything", "All of it together.", everything},
    {"random", "Everything is drawn: network, faults, configurations, behaviour.", random_setup},
};

}  // namespace

std::span<const ScenarioDefinition> scenario_definitions() {
  return kScenarios;
}

}  // namespace hawser::sim
