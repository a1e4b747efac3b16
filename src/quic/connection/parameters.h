// parameters.h: what passes between an endpoint and each of its connections: what one is made of, and how
// datagrams find it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/address.h"
#include "events/event_sink.h"
#include "quic/connection/cid_generator.h"
#include "quic/connection/config.h"
#include "quic/connection/lending.h"
#include "quic/crypto/key_schedule.h"
#include "quic/tls/tls_context.h"
#include "quic/wire/early_data.h"
#include "quic/wire/transport_parameters.h"
#include "quic/wire/types.h"

namespace hawser::quic {

// What a connection is made of; see Endpoint for where each value comes from.
struct ConnectionParameters {
  Role role = Role::kClient;
  std::shared_ptr<const ConnectionConfig> config;  // most connections of an endpoint share one
  FourTuple tuple;
  Version version = Version::kV1;  // of the client's first packet
  ConnectionId original_dcid;      // Destination Connection ID of the client's first Initial
  ConnectionId local_cid;          // our Source Connection ID
  ConnectionId peer_cid;           // client: == original_dcid; server: the client's Source Connection ID
  // Server after a Retry: the Destination Connection ID that the client now uses, for keys,
  // and the Retry's Source Connection ID to confirm (the same octets).
  std::optional<ConnectionId> retry_scid;
  bool address_validated = false;   // server: by a token
  std::vector<std::uint8_t> token;  // client: from NEW_TOKEN
  // Client: makes the TLS session anew if the server wants another version. Not owned, may be null.
  const TlsClientContext* client_tls = nullptr;
  std::string server_name;
  CidGenerator* cids = nullptr;  // not owned
  Lending* lending = nullptr;    // not owned
  EventSink* events = nullptr;   // not owned, may be null
  std::uint64_t handle = 0;      // unique in the endpoint, for events
};

// A change in how the endpoint routes datagrams to this connection.
struct RoutingChange {
  bool add = true;  // false: no longer route this connection ID here
  ConnectionId cid;
};

// Facts of the handshake that outlive the TLS object.
struct HandshakeFacts {
  std::string alpn;
  std::string server_name;
  std::string group;
  std::vector<std::uint8_t> peer_certificate;
  std::optional<CipherSuite> cipher;
  bool resumed = false;
  EarlyDataStatus early_data = EarlyDataStatus::kNotOffered;
};

// The transport parameters that every connection of this configuration declares.
TransportParameters configured_parameters(const ConnectionConfig& config);
// What stands there as min_ack_delay.
Duration declared_min_ack_delay(const ConnectionConfig& config);

// Whether a client may use a session ticket in a connection that begins in `version` (RFC 9369
// section 5): it must come from a connection of that version.
bool ticket_is_of(Bytes ticket, Version version);

}  // namespace hawser::quic
