// multipath_stage.h: for tests of the multipath extension: a liar in the place of a client, and a server that allows
// two paths.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <string>

#include "quic/connection/multipath.h"
#include "wire_tap.h"

namespace hawser::quic {

inline constexpr Role kC = Role::kClient;
inline const SocketAddress kSecond = ipv4_address({10, 9, 0, 1}, 5'555);
inline const std::string kToken = "000102030405060708090a0b0c0d0e0f";

inline Theatre::Options two_paths() {
  Theatre::Options options;
  options.client.max_paths = options.server.max_paths = 2;
  return options;
}

// A server that allows Path IDs 0 and 1, and a liar in the place of its client, which allows the same.
struct Stage : Theatre {
  explicit Stage(const Options& options = two_paths()) : Theatre(options), tap(*this) {
    open();
    pass(1s);
    // The first connection ID that the server gave for path 1.
    for (const SeenPacket& packet : tap.packets())
      for (const AnyFrame& frame : packet.frames) note(packet, frame);
    silence(kC);
  }
  // The honest client ends sooner or later, for what the liar said is acknowledged to it: its version is given.
  void say(const std::string& frames_hex) { lie(kC, {.frames_hex = frames_hex, .version = Version::kV1}); }
  // On path 1, from an address of its own.
  void say_on_path_1(const std::string& frames_hex) {
    inject_on(kC, forge(kC, {.frames_hex = frames_hex, .version = Version::kV1, .dcid = path_1_cid, .path = PathId{1}}),
              {ipv4_address({10, 0, 0, 2}, 443), kSecond});
  }
  void note(const SeenPacket& packet, const AnyFrame& frame) {
    const auto* cid = std::get_if<PathNewConnectionIdFrame>(&frame);
    if (packet.to_server || cid == nullptr || cid->path_id != PathId{1} || cid->cid.sequence_number != 0) return;
    path_1_cid = cid->cid.connection_id;
  }
  template <class Frame>
  std::size_t sent_by_server() {
    return tap.where([](const SeenPacket& p) { return !p.to_server && p.has<Frame>(); }).size();
  }
  std::optional<std::uint64_t> error() const {
    return verdict(kC) ? std::optional(verdict(kC)->error_code) : std::nullopt;
  }

  WireTap tap;
  ConnectionId path_1_cid;
};

inline std::string new_cid(const std::string& path, const std::string& sequence, const std::string& cid) {
  return "7e78" + path + sequence + "00" + "04" + cid + kToken;
}

}  // namespace hawser::quic
