// flood_options.h: what hawser-flood was asked for.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "base/time.h"

namespace hawser::flood {

using WallClock = std::chrono::steady_clock;

struct Options {
  std::string kind;
  std::uint64_t rate = 50'000;  // packets a second
  std::string target = "127.0.0.1";
  std::uint16_t port = 4'433;
  double seconds = 10;
  std::uint32_t sources = 1;   // addresses 127.77.x.y
  std::uint32_t ports = 64;    // of all sources together, at least one each
  bool spoofed = false;        // each packet from another address of 127.0.0.0/8
  std::string path = "/file";  // what is asked for inside connections
};

// What became of it.
struct Outcome {
  std::uint64_t packets = 0;
  std::uint64_t packets_after_end = 0;  // more, to connections that the server had ended
  std::uint64_t connections = 0;        // begun by the attacker
};

inline Timestamp now() {
  return Timestamp{std::chrono::duration_cast<Duration>(WallClock::now().time_since_epoch())};
}

}  // namespace hawser::flood
