// link_options.h: what an emulated link does to packets, and the words people write for it:
// "rate=50mbit,delay=20ms,loss=1%". docs/lab.md lists every word.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"

namespace hawser::lab {

// One direction of a link. All shares are in [0, 1].
struct LaneOptions {
  std::uint64_t rate_bps = 0;         // 0: as fast as the machine
  Duration delay{};                   // one way
  Duration jitter{};                  // added to the delay, uniform in [0, jitter]; order is kept
  double loss = 0;                    // each packet for itself
  double burst_start = 0;             // share of packets that begin a burst of losses
  double burst_length = 1;            // its mean length in packets
  double reorder = 0;                 // share of packets that later ones overtake
  Duration reorder_delay{5'000'000};  // how much later an overtaken packet comes
  double duplicate = 0;
  double corrupt = 0;                                // one bit of the UDP payload, checksum mended so that it arrives
  std::optional<std::uint64_t> queue_bytes;          // waiting for the rate; all given limits hold
  std::optional<std::uint64_t> queue_packets{1000};  //
  std::optional<Duration> queue_time;                //
  std::optional<Duration> ecn_threshold;             // ECT packets that would wait longer are marked CE
  std::uint32_t mtu = 1500;                          // larger packets vanish; the devices start with the same value
  bool up = true;
};

enum class NatMode { kNone, kPort, kAddress, kBoth };

struct LinkOptions {
  std::string name;  // also the device's name, so at most 15 octets
  LaneOptions to_server;
  LaneOptions to_client;
  NatMode nat = NatMode::kNone;  // what a rebinding changes of the client's UDP packets
  Duration rebind_every{};       // 0: only on command
};

// Applies words such as "delay=20ms,loss=1%,to-client.rate=10mbit" or "down" to `options`.
// Throws std::invalid_argument that names the word and what it may be; `options` is then unchanged.
void apply_words(LinkOptions& options, std::string_view words);

// Throw std::invalid_argument with the forms they take.
std::uint64_t parse_rate(std::string_view text);  // "50mbit", "1gbit", "8000bit"
Duration parse_duration(std::string_view text);   // "20ms", "500us", "2s"
double parse_share(std::string_view text);        // "1%", "0.01"

}  // namespace hawser::lab
