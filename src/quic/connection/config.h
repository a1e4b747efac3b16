// config.h: what an application may choose for a connection. Part of the public face.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/address.h"
#include "base/time.h"
#include "base/units.h"
#include "quic/crypto/backend.h"
#include "quic/fec/fec_config.h"
#include "quic/wire/types.h"
#include "quic/wire/version_preference.h"

namespace hawser::quic {

// What the spin bit of our 1-RTT packets shows.
enum class SpinBitPolicy : std::uint8_t {
  kOff,     // nothing: it is 0
  kOn,      // the round trip, to anybody on the way; one connection in eight shows nothing all the same
  kRandom,  // nothing: a value that is drawn anew for each connection
};

// What is done about addresses as the other side sees them (draft-ietf-quic-address-discovery-00).
enum class AddressDiscovery : std::uint8_t {
  kOff,      // nothing
  kProvide,  // the peer is told the address it is seen at, if it asks; the peer's answers are not wanted
  kReceive,  // the peer is asked, and told nothing
  kBoth,
};

// The values a connection runs with. Defaults serve both a file server and a client on the
// public internet; each comment gives unit, range and the transport parameter it becomes.
struct ConnectionConfig {
  // QUIC versions to speak, the preferred one first. A client lists them in its first flight
  // (version_information, RFC 9368), and the server may take another than the first packet's. A
  // server answers packets of other versions with Version Negotiation.
  VersionPreference versions{Version::kV1, Version::kV2};  // rfc9369:4-several
  // Clients: the version of the first packet, one of `versions`; kNegotiation: see
  // VersionPreference::first_flight().
  Version first_version = Version::kNegotiation;
  // Servers: of the versions that a client can change to without a round trip, takes the one that
  // stands first in `versions`; otherwise the one that the client prefers.
  bool own_version_order = false;

  // Closes silently after this long without a packet (max_idle_timeout); 0 turns it off.
  Duration idle_timeout = 30s;
  // Sends a PING when nothing was received for this long; 0 turns keep-alive off.
  Duration keep_alive = Duration{0};  // rfc9114:5.1-not-kept
  // Gives up on a handshake that takes longer.
  Duration handshake_timeout = 10s;

  // Receive windows in octets: where they start and how far tuning may raise them. 32 MB are what
  // 1 Gbit/s over 40 ms takes at a loss of 5 %: the path's 5 MB, and four more round trips of them while
  // what was lost is repeated and lost again.
  // (initial_max_data, initial_max_stream_data_*; at most 2^62 - 1.)
  ByteCount stream_receive_window{1 << 20};  // rfc9000:7.4.1-non-zero rfc9114:6.2-credit
  ByteCount stream_receive_window_max{32 << 20};
  ByteCount connection_receive_window{3 << 19};  // rfc9114:6.2.1-credit
  ByteCount connection_receive_window_max{48 << 20};
  // Octets a stream accepts from the application ahead of acknowledgement, at most: it begins with 512 KB and
  // grows while half of it is in flight, beyond 4 MB only as far as the round trip asks for.
  ByteCount stream_send_buffer{32 << 20};

  // Streams the peer may have open at once (initial_max_streams_*; at most 2^60).
  std::uint64_t max_streams_bidi = 100;  // rfc9114:6.1-permit rfc9114:6.1-hundred
  std::uint64_t max_streams_uni = 100;

  // Largest DATAGRAM frame accepted, in octets with its header; 0: none (RFC 9221). kAnyDatagramFrame
  // unless there is a reason for less.
  std::uint64_t max_datagram_frame_size = 0;
  // Datagrams, and octets of their payloads, that may wait to be sent in all flows together; at least 1.
  std::size_t datagram_queue_max = 1'024;
  std::size_t datagram_queue_octets_max = std::size_t{1} << 20;

  // Paths of the multipath extension that may be open at once, 1 to kMaxPaths of connection/paths.h
  // (initial_max_path_id, one less; a path that is gone makes room for another). 0: the extension is not
  // offered. A server offers it to clients that do.
  std::uint64_t max_paths = 0;
  // Of a client: the drafts that it speaks. A server answers in those of its client.
  PathCodePoints path_code_points = PathCodePoints::kDraft21;
  // Which of several paths the next packet takes: a name known to make_path_scheduler().
  std::string path_scheduler = "min-rtt";

  // Forward error correction (docs/fec.md), with peers that offer it too: packets carry repair symbols for each other,
  // so that what is lost within their redundancy arrives without a round trip more. Off: not offered.
  FecConfig fec;

  // Lets the peer abandon a stream's end and still have its beginning delivered (RESET_STREAM_AT,
  // draft-ietf-quic-reliable-stream-reset; reset_stream_at, of both code points).
  bool reset_stream_at = true;

  // Receive timestamps that an ACK frame of the peer may have, 0 to 63 (max_receive_timestamps_per_ack,
  // draft-smith-quic-receive-ts-03). With 1 or more the peer is asked when our packets arrive, and told when
  // its own did, if it declares the extension too. 0: off.
  std::uint64_t receive_timestamps = 0;
  // The peer's times come in units of 2^this microseconds, 0 to 20 (receive_timestamps_exponent).
  std::uint64_t receive_timestamps_exponent = 0;

  // address-discovery:6.2-inside
  // Off by default: behind a load balancer a server sees addresses of its own network, which are nobody
  // else's affair, and a client believes what it is told (draft section 7).
  AddressDiscovery address_discovery = AddressDiscovery::kOff;

  // Longest time an acknowledgement is held back (max_ack_delay; under 2^14 ms).
  Duration max_ack_delay = 25ms;

  // Largest UDP payload to send and to accept, in octets, 1,200 to 65,527. Path MTU
  // discovery searches between 1,200 and this.
  std::size_t max_udp_payload = 1'452;
  bool mtu_discovery = true;

  // A name known to make_congestion_controller(), such as "cubic" or "bbr"; docs/congestion.md says
  // which suits what.
  std::string congestion_control = "cubic";
  // Careful Resume (RFC 9959): remembers how much a path carried, and lets the next connection over it jump
  // to half of that; needs `pacing`. Clients: what Connection::saved_path() says is for
  // ClientParameters::saved_path of the next visit. Servers: it goes into address tokens, and clients
  // bring it back with them.
  bool careful_resume = false;
  // What is older is not used (RFC 9959 section 4.4: minutes where paths vary, hours where they do not).
  Duration careful_resume_lifetime = 1h;
  // Octets of window that a jump never passes (max_jump); at most half of what was remembered in any case.
  ByteCount careful_resume_jump_max{16 << 20};
  // Initial and minimum RTT guess before a sample (RFC 9002 section 6.2.2).
  Duration initial_rtt = 333ms;
  bool pacing = true;
  bool ecn = true;
  // Sends reserved values where the peer must ignore them (RFC 9000 sections 15, 18.1, 22), and announces
  // grease_quic_bit: packets without the QUIC bit are read, and towards peers that announce it too the bit
  // is random (RFC 9287).
  bool grease = true;
  // What the spin bit shows to those on the way (RFC 9000 section 17.4).
  SpinBitPolicy spin_bit = SpinBitPolicy::kOff;
  // Packets after which keys are updated by ourselves; 0: only when the AEAD limit nears.
  std::uint64_t key_update_packets = 0;
  // Keys older than this are updated with the next packet; 0: whatever their age. Never more often than
  // every three PTOs and a round trip (RFC 9001 sections 6.1 and 6.5).
  Duration key_update_interval = Duration{0};

  // Who does AES-GCM; the fastest here by itself.
  CryptoBackend crypto = CryptoBackend::kAuto;

  // Server: asks clients not to change their address on purpose (disable_active_migration). One whose
  // NAT does so is followed all the same.
  bool disable_active_migration = false;
  // Server: the address, for each family, that clients go over to once the handshake is confirmed
  // (preferred_address); family kNone: none. The endpoint's driver has to serve them too.
  SocketAddress preferred_ipv4;
  SocketAddress preferred_ipv6;
  // Client: go over to the server's preferred address, if it answers there. One of the family in use comes first; one
  // of the other is taken where it is alone and the endpoint has a local address for it.
  bool use_preferred_address = true;

  bool operator==(const ConnectionConfig&) const = default;
};

}  // namespace hawser::quic
