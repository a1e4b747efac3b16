// affairs.h: what a connection keeps, each group of one affair: who the ends are, what the peer allows, the
// handshake, single frames that are owed, the end, times, and what the application is to be told.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "base/time.h"
#include "quic/connection/address_reports.h"
#include "quic/connection/connection.h"
#include "quic/connection/early_packets.h"
#include "quic/connection/network_paths.h"
#include "quic/connection/parameters.h"
#include "quic/connection/paths.h"
#include "quic/path/path.h"

namespace hawser::quic {

// The names of the groups, for ConnectionCore alone.
struct ConnectionAffairs {
  struct Ids {
    ConnectionId original_dcid;              // Destination Connection ID of the client's first packet
    ConnectionId local;                      // Source Connection ID of our long headers
    ConnectionId first_peer;                 // Source Connection ID of the peer's first packet
    std::optional<ConnectionId> retry_scid;  // of the Retry, if there was one
  };
  // What matters of the peer's transport parameters after they took effect.
  struct Peer {
    std::uint64_t max_idle_timeout_ms = 0;
    std::uint64_t max_datagram_frame_size = 0;
    std::uint32_t max_udp_payload_size = kMaxMtu;
    std::uint8_t ack_delay_exponent = 3;
    bool disable_active_migration = false;
    bool reset_stream_at = false;
    bool multipath = false;  // initial_max_path_id was there
    std::uint32_t initial_max_path_id = 0;
    PathCodePoints path_code_points = PathCodePoints::kDraft21;  // in which it was there
  };
  struct Handshake {
    HandshakeFacts facts;
    std::vector<std::uint8_t> token;      // client: in every Initial
    std::vector<std::uint8_t> new_token;  // server: owed to the client
    std::uint8_t new_token_number = 0;    // so that the acknowledgement of one is not taken for another's
    bool peer_cid_fixed = false;          // the peer's Source Connection ID is known for good
    bool retried = false;
    bool begun = false;  // a packet of the peer was opened
    bool complete = false;
    bool confirmed = false;
  };
  // Single frames that wait to be written.
  struct Owed {
    bool handshake_done = false;
    bool new_token = false;
    bool of_endpoint = false;  // a server's token, or a client's local address of the other family
    bool key_update = false;
    bool ping = false;
    bool streams_turn = false;     // datagrams of the streams' urgency went last
    bool turn_after_send = false;  // see wants_another_turn()
    bool sent_since_told = false;  // a train left since the application was told of things
  };
  struct Closing {
    std::unique_ptr<CloseReason> reason;  // once it is not open
    Timestamp deadline = kNever;          // the end of closing or draining
    std::uint32_t packets_received = 0;
    std::uint32_t packets_until_reply = 1;
    bool packet_owed = false;
    bool told = false;  // the application knows
  };
  struct Times {
    Timestamp started{};
    Timestamp last_activity{};
    Timestamp last_received{};
    Timestamp last_moved{};  // a datagram came or went
    Timestamp keys_since{};  // the 1-RTT keys that we write with came into use
    Timestamp path_memory_due = kNever;
    bool sent_since_activity = false;
    bool resting = false;     // since then, memory was given back
    bool kept_alive = false;  // see Connection::keep_alive
  };
  // What the application is told at the end of the batch.
  struct Tell {
    bool complete = false;
    bool early_data = false;
    bool rest = false;
    std::uint32_t charged = 0;      // octets that the handler counts its work as, beside those it wrote
    std::optional<StreamId> ended;  // the stream whose end is being told
    std::vector<Bytes> datagrams;
    // Of the handshake and shortly after it.
    struct Rare {
      // Views in `datagrams` and in streams may lie in these two.
      std::vector<EarlyPacket> replayed;
      std::vector<std::vector<std::uint8_t>> recovered;
      std::vector<std::vector<std::uint8_t>> tokens;
      std::vector<std::vector<std::uint8_t>> tickets;
      std::vector<NetworkPathEvent> network_paths;
      std::vector<PathEvent> paths;
      std::vector<ObservedAddress> observed_addresses;
    };
    std::unique_ptr<Rare> rare;
    Rare& provide_rare() {
      if (rare == nullptr) rare = std::make_unique<Rare>();
      return *rare;
    }
  };

  // Of a connection that moves, or might, or asks where it is: most do neither.
  struct Migration {
    std::optional<SocketAddress> preferred;  // client: where the server would rather be reached
    MigrationStats stats;
    AddressReports addresses;
  };
};

}  // namespace hawser::quic
