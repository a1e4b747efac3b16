// paths.h: what an application learns of the Paths of a connection and may ask of them, where both ends
// speak the multipath extension (draft-ietf-quic-multipath-21). Part of the public face.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/address.h"
#include "base/time.h"
#include "quic/multipath/path_scheduler.h"
#include "quic/wire/types.h"

namespace hawser::quic {

// Paths open at once that an end may offer (ConnectionConfig::max_paths). Each takes some 4 KB, and the keys
// remember how far each has come with a key update (OneRttKeys::kTrackedPaths).
inline constexpr std::uint64_t kMaxPaths = 8;

// Why open_path(), abandon_path() or set_path_status() was refused. Nothing was sent then.
enum class PathRefusal : std::uint8_t {
  kServer,          // only clients open paths
  kClosed,          // the connection is closing
  kNotComplete,     // the handshake is not complete yet
  kNoMultipath,     // one of the ends has not offered the extension
  kDisabled,        // the server's disable_active_migration forbids other paths to the address of the handshake
  kLimit,           // one of the ends allows no further path now: the peer was told, try later
  kNoConnectionId,  // the server has not given a connection ID for the next path yet: it was told, try later
  kAddress,         // an open path has this 4-tuple, or its addresses are unset or of two families
  kUnknown,         // no such path is open
  kLast,            // no other path is validated: use close()
};

// For people: "the server allows no further path".
std::string_view describe(PathRefusal refusal);

// What the application says of a path to its own end's scheduler; nothing of it goes on the wire.
struct PathPreference {
  std::uint32_t weight = 1;  // its share beside the others' weights, for the scheduler "weighted"; not 0
  std::uint32_t cost = 0;    // data goes where it costs least while that is up; 0: free
};

// A path came to another state; told to ConnectionHandler::on_path.
struct PathEvent {
  PathId id;
  PathState before = PathState::kProbing;
  PathState state = PathState::kProbing;  // a new path begins as kProbing
  bool gone = false;                      // abandoned, by either end: it is never seen again
  std::uint64_t error_code = 0;           // of PATH_ABANDON, if it is gone
  FourTuple tuple;
};

// One Path that is open.
struct PathInfo {
  PathId id;
  PathState state = PathState::kProbing;
  PathStatus status = PathStatus::kAvailable;  // kBackup if either end wants it so
  FourTuple tuple;
  Duration smoothed_rtt{0};  // 0: no sample yet
  Duration min_rtt{0};
  std::uint64_t congestion_window = 0;
  std::uint64_t bytes_in_flight = 0;
  std::uint64_t bytes_sent = 0;      // octets of UDP payload, since it was opened
  std::uint64_t bytes_received = 0;  // likewise
  std::uint64_t packets_lost = 0;
  std::size_t max_datagram_size = 0;
  // Paths with the same number were found to share a bottleneck, and a coupled controller ("lia", "olia",
  // "balia") grows their windows together; empty: this one is on its own.
  std::optional<std::uint32_t> bottleneck{};
};

// Counters since the connection began.
struct MultipathStats {
  std::uint64_t paths_opened = 0;  // besides the first, by the client
  std::uint64_t paths_validated = 0;
  std::uint64_t paths_abandoned = 0;  // by either end
  std::uint64_t failures = 0;         // a path was taken out of use since nothing got through
  std::uint64_t recoveries = 0;       // and back, since something did
  std::uint64_t frames_moved = 0;     // that were in flight on a failing path, and went out again elsewhere
  std::uint64_t silences = 0;         // acknowledgements of a path in use stopped: its flight was moved
  std::uint64_t acks_repeated = 0;    // of a path that fell quiet, on another one
  // Octets of STREAM frames that went on another path as well: for the sake of redundancy (of DATAGRAM frames, too),
  // and since they were to arrive there sooner.
  std::uint64_t octets_copied = 0;
  std::uint64_t octets_reinjected = 0;
};

}  // namespace hawser::quic
