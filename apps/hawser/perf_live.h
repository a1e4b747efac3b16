// perf_live.h: the line that `hawser perf client` shows each second while it runs.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/time.h"
#include "perf_options.h"
#include "perf_protocol.h"
#include "quic/connection/connection.h"

namespace hawser::perf {

// One look at a run. Round trip, loss and window are of the first connection, and of the side
// that sends the bulk.
struct LiveSample {
  Duration since_begin{0};
  Duration since_last{0};
  std::uint64_t progress = 0;  // octets or exchanges since the last look
  std::optional<quic::ConnectionStats> client;
  std::optional<ServerReport> server;
  std::uint64_t lost_before = 0;  // packets, at the last look
};

// Packets lost by both sides of the first connection, as far as is known.
std::uint64_t packets_lost(const LiveSample& sample);
std::string live_line(Mode mode, const LiveSample& sample);

}  // namespace hawser::perf
