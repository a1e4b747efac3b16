// transport_parameters.h: what each end declares about itself inside the TLS handshake
// (RFC 9000 section 18). A TransportParameters that was parsed is legal.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/address.h"
#include "base/random.h"
#include "quic/wire/errors.h"
#include "quic/wire/types.h"

namespace hawser::quic {

enum class TransportParameterId : std::uint64_t {
  kOriginalDestinationConnectionId = 0x00,
  kMaxIdleTimeout = 0x01,
  kStatelessResetToken = 0x02,
  kMaxUdpPayloadSize = 0x03,
  kInitialMaxData = 0x04,
  kInitialMaxStreamDataBidiLocal = 0x05,
  kInitialMaxStreamDataBidiRemote = 0x06,
  kInitialMaxStreamDataUni = 0x07,
  kInitialMaxStreamsBidi = 0x08,
  kInitialMaxStreamsUni = 0x09,
  kAckDelayExponent = 0x0a,
  kMaxAckDelay = 0x0b,
  kDisableActiveMigration = 0x0c,
  kPreferredAddress = 0x0d,
  kActiveConnectionIdLimit = 0x0e,
  kInitialSourceConnectionId = 0x0f,
  kRetrySourceConnectionId = 0x10,
  kVersionInformation = 0x11,                     // RFC 9368
  kVersionInformationDraft = 0xff73db,            // of its drafts, where Version::kV2Draft is spoken
  kResetStreamAt = 0x1d,                          // draft-ietf-quic-reliable-stream-reset-10
  kMaxDatagramFrameSize = 0x20,                   // RFC 9221
  kInitialMaxPathId = 0x3e,                       // draft-ietf-quic-multipath-21
  kGreaseQuicBit = 0x2ab2,                        // RFC 9287
  kMinAckDelay = 0xff04de1b,                      // draft-ietf-quic-ack-frequency-12
  kMaxReceiveTimestampsPerAck = 0xff0a002,        // draft-smith-quic-receive-ts-03
  kReceiveTimestampsExponent = 0xff0a003,         // the same
  kAddressDiscovery = 0x9f81a176,                 // draft-ietf-quic-address-discovery-00
  kFec = 0x3afec700,                              // ours: docs/fec.md
  kInitialMaxPathIdDraft17 = 0x0f739bbc1b666d0d,  // draft-ietf-quic-multipath-14 to 17
  kResetStreamAtDraft05 = 0x17f7586d2cb571,       // of drafts 05 to 07, still spoken
};

// A server's other address (RFC 9000 section 18.2). An address family that the server does
// not offer is AddressFamily::kNone.
struct PreferredAddress {
  SocketAddress ipv4{};
  SocketAddress ipv6{};
  ConnectionId connection_id{};  // 1..20 octets, sequence number 1
  StatelessResetToken stateless_reset_token{};
  bool operator==(const PreferredAddress&) const = default;
};

// Initial values are what RFC 9000 section 18.2 prescribes for an absent parameter.
struct TransportParameters {
  // Connection IDs that authenticate the handshake (RFC 9000 section 7.3).
  std::optional<ConnectionId> original_destination_connection_id;  // server only
  std::optional<ConnectionId> initial_source_connection_id;
  std::optional<ConnectionId> retry_source_connection_id;  // server only

  std::uint64_t max_idle_timeout_ms = 0;        // 0: none
  std::uint64_t max_udp_payload_size = 65'527;  // octets, >= 1200

  // Flow control credit, in octets. "local" and "remote" are seen from the end that sent
  // the parameters: "local" are the streams that it opens.
  std::uint64_t initial_max_data = 0;
  std::uint64_t initial_max_stream_data_bidi_local = 0;
  std::uint64_t initial_max_stream_data_bidi_remote = 0;
  std::uint64_t initial_max_stream_data_uni = 0;
  std::uint64_t initial_max_streams_bidi = 0;  // streams, <= 2^60
  std::uint64_t initial_max_streams_uni = 0;   // streams, <= 2^60

  std::uint64_t ack_delay_exponent = 3;          // <= 20
  std::uint64_t max_ack_delay_ms = 25;           // < 2^14
  std::uint64_t active_connection_id_limit = 2;  // >= 2
  bool disable_active_migration = false;
  std::optional<StatelessResetToken> stateless_reset_token;  // server only
  std::optional<PreferredAddress> preferred_address;         // server only

  std::uint64_t max_datagram_frame_size = 0;  // octets of a whole frame; 0: none accepted
  bool grease_quic_bit = false;
  bool reset_stream_at = false;                   // either code point was there; both are sent
  std::optional<std::uint64_t> min_ack_delay_us;  // <= max_ack_delay
  // Receive timestamps that an ACK frame to the sender of the parameters may have; absent: no ACK frame has any.
  std::optional<std::uint64_t> max_receive_timestamps_per_ack;
  std::uint64_t receive_timestamps_exponent = 0;  // <= 20
  // 0: tells its peer the address it sees it at; 1: wants to be told; 2: both.
  std::optional<std::uint64_t> address_discovery;
  std::optional<std::uint64_t> initial_max_path_id_draft17;  // the same, in its older code point
  std::optional<std::uint64_t> initial_max_path_id;          // <= 2^32 - 1; present: multipath
  // Forward error correction: bit i is set if the sender can decode FecScheme i; bits past those mean nothing yet.
  std::optional<std::uint64_t> fec_schemes;

  // The value of version_information as it came: Chosen Version, then Available Versions,
  // 4 octets each. Empty: absent, since the parameter has 4 octets or more.
  std::vector<std::uint8_t> version_information;
  // Sent under the drafts' code point as well, for peers that know only that one.
  bool version_information_draft = false;

  bool operator==(const TransportParameters&) const = default;
};

// A peer may send at most this many parameters, known and unknown. The registry defines some
// 40; every one takes 2 octets or more, and the duplicate check compares each with each.
inline constexpr std::size_t kMaxTransportParameters = 128;

// Longer version_information is refused: 256 versions of 4 octets, while no peer speaks more
// than some ten.
inline constexpr std::size_t kMaxVersionInformationLength = 4 * 256;

// Reads what the end in role `sender` sent. TRANSPORT_PARAMETER_ERROR for a value outside the
// bounds above, a duplicate, a cut or over-long value, or a parameter that only a server may
// send coming from a client (RFC 9000 sections 7.4 and 18.2). Unknown ones are passed over.
//
// Whether connection IDs match those of the packets is for the handshake to check, as is the
// presence of initial_source_connection_id and original_destination_connection_id.
Parsed<TransportParameters> parse_transport_parameters(Bytes encoded, Role sender);

// Encodes what this end, in role `sender`, sends: a parameter at its initial value is left
// out. The order is drawn from `random`, and one reserved parameter (31 * N + 27, RFC 9000
// section 18.1) with up to 16 octets is put among them.
std::vector<std::uint8_t> encode_transport_parameters(const TransportParameters& parameters, Role sender,
                                                      Random& random);

// What a server must keep at least as large when it accepts 0-RTT (RFC 9000 section 7.4.1):
// true if `now` reduces no limit that `remembered` gave.
bool permits_zero_rtt(const TransportParameters& remembered, const TransportParameters& now);

}  // namespace hawser::quic
