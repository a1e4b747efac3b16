// network_paths.h: what an application learns of a connection's 4-tuples and may ask of them. Part
// of the public face; RFC 9000 section 9.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/address.h"
#include "base/time.h"

namespace hawser::quic {

// Why probe() or migrate() was refused. Nothing was sent then.
enum class MigrationRefusal : std::uint8_t {
  kServer,          // only clients migrate
  kClosed,          // the connection is closing
  kNotConfirmed,    // the handshake is not confirmed yet (section 9)
  kDisabled,        // the server's disable_active_migration forbids it (section 18.2)
  kNoConnectionId,  // the peer gave us no spare connection ID, or uses none (section 9.5): try later
  kAddress,         // the address is in use already, unset, or of another family than the server's
};

// For people: "the server forbids migration".
std::string_view describe(MigrationRefusal refusal);

// A step of a move, told to ConnectionHandler::on_network_path.
struct NetworkPathEvent {
  enum class Kind : std::uint8_t {
    kValidated,  // the peer answered there; it is not in use yet
    kFailed,     // no answer in time: given up
    kMoved,      // the connection uses it from now on
    kReturned,   // it failed or was no move at all: the connection uses this earlier one again
  };
  Kind kind = Kind::kValidated;
  FourTuple tuple;         // that it is about
  Duration round_trip{0};  // kValidated: what the challenge took
};

// What the peer says of our address (draft-ietf-quic-address-discovery-00), told to
// ConnectionHandler::on_observed_address. Nothing proves that it tells the truth.
struct ObservedAddress {
  SocketAddress address;  // from where it sees our packets come: ours behind all NATs
  FourTuple tuple;        // on which it said so
};

// One 4-tuple that a connection knows.
struct NetworkPathInfo {
  FourTuple tuple;
  bool active = false;
  bool validated = false;
  Duration round_trip{0};  // smoothed if active, else of its validation; 0: unknown
  SocketAddress observed;  // our address there as the peer says; family kNone: it has not
};

// Counters since the connection began.
struct MigrationStats {
  std::uint64_t moves = 0;                 // of ours or of the peer, also those that came to nothing
  std::uint64_t returns = 0;               // to the 4-tuple before, without a new validation
  std::uint64_t paths_probed = 0;          // by us or by the peer, before any move
  std::uint64_t paths_validated = 0;       // 4-tuples that answered
  std::uint64_t validations_failed = 0;    // 4-tuples that did not
  std::uint64_t challenges_received = 0;   // PATH_CHALLENGE frames
  std::uint64_t address_reports_sent = 0;  // OBSERVED_ADDRESS frames, also those sent again
  std::uint64_t address_reports_received = 0;
};

}  // namespace hawser::quic
