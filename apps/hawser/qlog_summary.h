// qlog_summary.h: what a person wants to know of a connection, out of its events.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include "qlog_reader.h"
#include "qlog_stalls.h"

namespace hawser::app {

class QlogSummary {
 public:
  void add(const QlogEvent& event);
  // Lines with two spaces before each. Call once, after the last event.
  std::string text();

 private:
  // Round trips kept for the percentiles; past it each is kept with falling probability, evenly spread.
  static constexpr std::size_t kRttSamplesMax = 65'536;
  // Congestion states of which times are kept; controllers have under a dozen.
  static constexpr std::size_t kStatesMax = 64;

  void add_recovery(const QlogEvent& event);
  void add_connection(const QlogEvent& event);
  void add_rtt(double rtt);
  void end_state(double now_ms);
  void write_traffic(std::string& out, double duration_ms) const;
  void write_stalls(std::string& out, double duration_ms) const;

  double first_ = std::numeric_limits<double>::infinity();
  double last_ = 0;
  double handshake_ = -1;
  std::uint64_t sent_ = 0, received_ = 0, lost_ = 0, sent_octets_ = 0, received_octets_ = 0;
  std::uint64_t stream_sent_ = 0, stream_received_ = 0, resent_octets_ = 0;
  std::uint64_t streams_blocked_ = 0;  // times that a stream ran into its limit
  std::string version_, alpn_, close_;
  std::vector<double> rtts_;
  std::uint64_t rtt_count_ = 0;
  std::string state_;
  double state_since_ = 0;
  std::map<std::string, double> states_;
  StallClock stall_;
  StallSums stalls_;
};

}  // namespace hawser::app
