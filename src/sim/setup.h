// setup.h: what a scenario is made of before it runs: the link, both ends' configurations
// and what the applications at both ends do. scenario_table.cc fills it from a seed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "base/time.h"
#include "quic/connection/config.h"
#include "quic/endpoint/endpoint.h"
#include "quic/wire/types.h"
#include "sim/link.h"

namespace hawser::sim {

enum class Reading : std::uint8_t {
  kEager,   // everything, inside the handler call, without copying
  kPartly,  // a part inside the handler call, the rest on the reading clock
  kSlow,    // only on the reading clock
};

// What the application at one end does. Content, sizes and endings of its streams follow
// from TransferPlan.
struct ApplicationProfile {
  std::uint32_t streams_bidi = 0;  // that this end opens
  std::uint32_t streams_uni = 0;
  std::uint32_t datagrams = 0;  // DATAGRAM frames that this end tries to send
  // Flows beside the first, each with an urgency, lifetime, bound and drop policy at random.
  std::uint32_t datagram_flows = 0;
  bool shared_writes = false;  // writes without copying
  Reading reading = Reading::kEager;
  Duration read_interval = 5ms;    // of the reading clock
  std::size_t read_bytes = 4'096;  // for each stream at each tick
  // No reading at all in [pause_from, pause_until), since kWorldStart.
  Duration pause_from{0};
  Duration pause_until{0};
  // 0: streams are opened and written as fast as the transport takes it. Else the application
  // acts at random times this far apart on average: opens up to open_burst streams, writes up to
  // write_bytes on each, sends a few datagrams, and pauses now and then.
  Duration act_interval{0};
  std::uint32_t open_burst = 1;
  std::size_t write_bytes = 4'096;
  bool priorities = false;  // changes priorities of streams at random
};

// Sizes and endings of all stream directions. Both ends compute them from the same seed.
struct TransferOptions {
  std::uint64_t bytes_max = 100'000;  // of one direction of one stream
  std::uint64_t bytes_min = 0;
  double reset_share = 0;  // directions that the sender resets
  double stop_share = 0;   // directions that the receiver stops
};

struct ScheduledCommand {
  enum class Kind : std::uint8_t {
    kClose,
    kKeyUpdate,
    kPing,
    kProbe,
    kMigrate,
    kCongestionControl,
    kOpenPath,
    kAbandonPath,
    kBackUpPath
  };
  Kind kind = Kind::kPing;
  quic::Role side = quic::Role::kClient;
  Duration at{0};  // since kWorldStart
  // kProbe, kMigrate, kOpenPath: of the client; 0 is the one that it begins with. kAbandonPath, kBackUpPath:
  // which of the open paths.
  std::size_t address = 0;
  std::string controller{};  // kCongestionControl: the one that takes over
};

// A server that would rather be reached elsewhere.
struct PreferredSetup {
  bool reachable = true;
  LinkSpec link;
};

struct Setup {
  LinkSpec link;
  std::vector<LinkSpec> other_links;  // of further addresses of the client, each with its own way
  std::optional<PreferredSetup> preferred;
  bool must_move = false;  // the client has changed its network path when all is done
  quic::ConnectionConfig client;
  quic::ConnectionConfig server;
  quic::RetryPolicy retry = quic::RetryPolicy::kNever;
  ApplicationProfile client_application;
  ApplicationProfile server_application;
  TransferOptions transfer;
  std::vector<ScheduledCommand> commands;
  bool classic_groups = false;   // X25519 alone, so that the ClientHello fits one datagram
  bool nothing_is_lost = false;  // the link delivers everything in order: no packet may be declared lost
  bool may_time_out = false;     // idle and handshake timeouts are no failure
  // A NAT may rebind before the handshake is confirmed, which RFC 9000 section 9 does not
  // support: a server has no keys left for the Handshake packets that come from the new
  // address, and a token for the old one is invalid there (section 8.1.3). The connection may
  // then end before it was confirmed at the client.
  bool may_rebind_early = false;
  quic::Role closer = quic::Role::kClient;  // who closes once all is done
  std::size_t max_segments = 16;            // of a train
  Duration limit = 600s;                    // unfinished after this much virtual time: a deadlock
};

struct ScenarioDefinition {
  std::string_view name;
  std::string_view description;
  Setup (*build)(Random& random);
};

// scenario_table.cc
std::span<const ScenarioDefinition> scenario_definitions();

}  // namespace hawser::sim
