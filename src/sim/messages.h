// messages.h: messages over a lossy path, one after the other on streams of their own, and how long each takes to
// arrive whole: what forward error correction is for, and what it costs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "quic/connection/fec_stats.h"
#include "quic/fec/fec_config.h"

namespace hawser::sim {

struct MessagesSetup {
  std::string controller = "bbr";
  Duration rtt = 100ms;
  double loss = 0;  // of datagrams, in each direction
  std::uint64_t bits_per_second = 100'000'000;
  std::size_t message_bytes = 20'000;
  std::size_t messages = 1'000;  // that count
  // Before them, until window, round trip and loss are known.
  std::size_t warmup_messages = 200;
  Duration interval = 250ms;  // from one message to the next
  // A stream that never ends, of urgency 3, goes beside them; the messages have urgency 1 then.
  bool bulk = false;
  quic::FecConfig fec;  // of both ends
  std::uint64_t seed = 1;
};

struct MessagesResult {
  std::string failure;               // empty: all arrived
  std::vector<Duration> completion;  // from writing to the last octet, ascending
  // Octets of UDP payload that the sender's repair symbols took of all it sent; and packets that it sent again.
  double overhead = 0;
  std::uint64_t bytes_sent = 0;
  std::uint64_t packets_lost = 0;
  double bulk_mbit_per_second = 0;
  quic::FecStats sender;
  quic::FecStats receiver;

  // share 0 to 1; of no messages: 0.
  [[nodiscard]] Duration percentile(double share) const;
};

// Runs it to its end; an unknown controller is the caller's mistake.
std::expected<MessagesResult, ConfigError> run_messages(const MessagesSetup& setup);

}  // namespace hawser::sim
