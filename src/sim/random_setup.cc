// random_setup.cc: draws network, faults, configurations, behaviour and commands. Each choice
// is small or absent most of the time, so that faults meet in all combinations and a run still
// gets through.
#include "sim/random_setup.h"

#include <algorithm>

#include <initializer_list>

#include "quic/congestion/controller_table.h"
#include "sim/draw.h"

namespace hawser::sim {
namespace {

using quic::Role;

void add(Random& random, Setup& setup, ElementSpec element) {
  const std::uint64_t side = random.below(6);
  if (side == 0) element = up(element);
  if (side == 1) element = down(element);
  setup.link.push_back(std::move(element));
}

void draw_loss(Random& random, Setup& setup) {
  if (one_in(random, 3)) add(random, setup, drop(share(random, 0.0005, 0.1)));
  if (one_in(random, 12)) add(random, setup, drop(share(random, 0.1, 0.3)));
  if (one_in(random, 6)) add(random, setup, burst_drop(share(random, 0.001, 0.01), 0.3));
  if (one_in(random, 6)) add(random, setup, corrupt(share(random, 0.001, 0.05)));
  if (one_in(random, 10)) add(random, setup, truncate(share(random, 0.001, 0.03)));
}

void draw_order(Random& random, Setup& setup) {
  if (one_in(random, 4)) add(random, setup, jitter(between(random, Duration{100us}, Duration{30ms})));
  const double probability = share(random, 0.01, 0.3);
  if (one_in(random, 5)) add(random, setup, reorder(probability, between(random, Duration{1ms}, Duration{50ms})));
  if (one_in(random, 6)) add(random, setup, duplicate(probability, between(random, Duration{1ms}, Duration{200ms})));
}

void draw_bottleneck(Random& random, Setup& setup) {
  if (!one_in(random, 3)) return;
  constexpr QueueKind kKinds[] = {QueueKind::kDropTail, QueueKind::kCodel, QueueKind::kDualPi2};
  QueueSpec queue{.kind = kKinds[random.below(3)]};
  queue.bytes_max = between(random, 10'000, 300'000);
  add(random, setup, bottleneck(kbit(between(random, 500, 50'000)), queue));
  if (one_in(random, 4)) add(random, setup, bottleneck(kbit(between(random, 500, 50'000)), queue));
}

void draw_route(Random& random, Setup& setup) {
  if (one_in(random, 6)) add(random, setup, mtu(between(random, 1'200, 1'452)));
  if (one_in(random, 6)) add(random, setup, ecn_mark(share(random, 0.001, 0.2)));
  if (one_in(random, 12)) add(random, setup, ecn_bleach());
  for (std::uint64_t outages = random.below(6); outages > 3; --outages) {
    const Duration from = between(random, Duration{0ms}, Duration{20s});
    add(random, setup, blackhole(from, from + between(random, Duration{20ms}, Duration{20s})));
  }
}

void draw_nat(Random& random, Setup& setup) {
  if (!one_in(random, 4)) return;
  NatOptions options;
  const std::uint64_t shape = random.below(3);
  // A mapping that does not last for a challenge and its response can never be validated (RFC 9000 section 8.2).
  if (shape == 0)
    options.rebind_period = between(random, Duration{500ms}, Duration{10s}) + 8 * setup.link.front().duration;
  if (shape == 1)
    for (std::uint64_t count = between(random, 1, 20); count > 0; --count)
      options.rebinds.push_back(between(random, Duration{10ms}, Duration{30s}));
  if (shape == 2) options.mapping_timeout = between(random, Duration{2s}, Duration{20s});
  options.rebind_address = heads(random);
  setup.link.insert(setup.link.begin(), nat(options));
  // Someone behind a NAT has to send from time to time, or nobody learns that it moved.
  setup.client.keep_alive = between(random, Duration{300ms}, Duration{1s});
  setup.may_rebind_early = true;
}

void draw_config(Random& random, quic::ConnectionConfig& config) {
  // Probes that are lost one after the other double the wait each time, from minutes to half an hour.
  config.idle_timeout = 1'800s;
  config.handshake_timeout = 300s;
  const auto controllers = quic::controller_table();
  config.congestion_control = controllers[random.below(controllers.size())].name;
  config.pacing = !one_in(random, 4);
  config.ecn = heads(random);
  config.mtu_discovery = heads(random);
  config.grease = heads(random);
  config.max_datagram_frame_size = one_in(random, 3) ? between(random, 1, 1'400) : 0;
  if (one_in(random, 4)) config.max_ack_delay = between(random, Duration{1ms}, Duration{400ms});
  if (one_in(random, 4)) config.initial_rtt = between(random, Duration{10ms}, Duration{1s});
  if (one_in(random, 4)) config.max_udp_payload = between(random, 1'200, 9'000);
  if (one_in(random, 3)) config.key_update_packets = between(random, 10, 500);
  if (one_in(random, 4)) {
    config.stream_receive_window = ByteCount{between(random, 200, 20'000)};
    config.stream_receive_window_max = ByteCount{config.stream_receive_window.value * between(random, 1, 4)};
    config.connection_receive_window = ByteCount{config.stream_receive_window.value * between(random, 1, 3)};
    config.connection_receive_window_max = ByteCount{config.connection_receive_window.value * between(random, 1, 4)};
    config.stream_send_buffer = ByteCount{between(random, 500, 50'000)};
  }
  if (one_in(random, 3)) {
    config.max_streams_bidi = between(random, 1, 5);
    config.max_streams_uni = between(random, 1, 5);
  }
}

// `bytes_max`: of a stream; no application takes more than some forty turns to write one.
void draw_application(Random& random, ApplicationProfile& profile, std::uint64_t bytes_max) {
  const std::uint64_t most = one_in(random, 6) ? 60 : 8;
  profile.streams_bidi = static_cast<std::uint32_t>(random.below(most));
  profile.streams_uni = static_cast<std::uint32_t>(random.below(most));
  profile.datagrams = static_cast<std::uint32_t>(one_in(random, 2) ? random.below(100) : 0);
  if (profile.datagrams != 0 && heads(random)) profile.datagram_flows = static_cast<std::uint32_t>(random.below(5));
  profile.shared_writes = heads(random);
  constexpr Reading kReadings[] = {Reading::kEager, Reading::kPartly, Reading::kSlow};
  profile.reading = kReadings[one_in(random, 2) ? random.below(3) : 0];
  profile.read_interval = between(random, Duration{2ms}, Duration{60ms});
  profile.read_bytes = between(random, 500, 40'000);
  if (one_in(random, 4)) {
    profile.pause_from = between(random, Duration{0ms}, Duration{2s});
    profile.pause_until = profile.pause_from + between(random, Duration{10ms}, Duration{30s});
  }
  if (heads(random)) {
    profile.act_interval = between(random, Duration{1ms}, Duration{200ms});
    // One in sixteen lives for a long time.
    if (one_in(random, 16)) profile.act_interval = between(random, Duration{1s}, Duration{10s});
    profile.open_burst = static_cast<std::uint32_t>(between(random, 1, 6));
    profile.write_bytes = 100 + between(random, bytes_max / 20, bytes_max);
    profile.priorities = heads(random);
  }
}

void draw_commands(Random& random, Setup& setup) {
  for (std::uint64_t count = random.below(6); count > 2; --count) {
    ScheduledCommand command;
    command.kind = heads(random) ? ScheduledCommand::Kind::kKeyUpdate : ScheduledCommand::Kind::kPing;
    if (one_in(random, 16)) command.kind = ScheduledCommand::Kind::kClose;
    command.side = heads(random) ? Role::kClient : Role::kServer;
    command.at = between(random, Duration{0ms}, Duration{5s});
    setup.commands.push_back(command);
  }
}

// A client with more networks, between which it moves as it comes.
void draw_moves(Random& random, Setup& setup) {
  if (!one_in(random, 6)) return;
  for (std::uint64_t count = between(random, 1, 3); count > 0; --count) {
    LinkSpec other = link({delay(between(random, Duration{100us}, Duration{100ms}))});
    if (heads(random)) other.push_back(drop(share(random, 0.001, 0.1)));
    if (one_in(random, 4)) other.push_back(jitter(between(random, Duration{1ms}, Duration{20ms})));
    if (one_in(random, 6)) other.push_back(mtu(between(random, 1'200, 1'452)));
    setup.other_links.push_back(std::move(other));
  }
  for (std::uint64_t count = between(random, 1, 8); count > 0; --count)
    setup.commands.push_back(
        {.kind = one_in(random, 3) ? ScheduledCommand::Kind::kProbe : ScheduledCommand::Kind::kMigrate,
         .at = between(random, Duration{50ms}, Duration{20s}),
         .address = random.below(setup.other_links.size() + 1)});
}

}  // namespace

Setup random_setup(Random& random) {
  Setup setup;
  const Duration longest = one_in(random, 8) ? Duration{600ms} : Duration{80ms};
  setup.link = link({delay(between(random, Duration{50us}, longest))});
  draw_bottleneck(random, setup);
  draw_loss(random, setup);
  draw_order(random, setup);
  draw_route(random, setup);
  draw_config(random, setup.client);
  draw_config(random, setup.server);
  draw_nat(random, setup);
  setup.transfer.bytes_max = one_in(random, 8) ? between(random, 100'000, 300'000) : between(random, 50, 30'000);
  draw_application(random, setup.client_application, setup.transfer.bytes_max);
  draw_application(random, setup.server_application, setup.transfer.bytes_max);
  setup.client_application.streams_bidi += 1;
  // An application that acts now and then is done before the day is over.
  if (std::max(setup.client_application.act_interval, setup.server_application.act_interval) >= 1s)
    setup.transfer.bytes_max = std::min<std::uint64_t>(setup.transfer.bytes_max, 20'000);
  draw_commands(random, setup);
  setup.transfer.reset_share = heads(random) ? share(random, 0, 0.3) : 0;
  setup.transfer.stop_share = heads(random) ? share(random, 0, 0.3) : 0;
  if (one_in(random, 4)) setup.retry = quic::RetryPolicy::kAlways;
  setup.classic_groups = heads(random);
  setup.closer = heads(random) ? Role::kClient : Role::kServer;
  constexpr std::size_t kSegments[] = {1, 2, 16, 64};
  setup.max_segments = kSegments[random.below(4)];
  setup.limit = 24h;
  draw_moves(random, setup);
  return setup;
}

}  // namespace hawser::sim
