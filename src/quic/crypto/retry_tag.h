// retry_tag.h: the Retry Integrity Tag (RFC 9001 section 5.8), which shows that the sender
// of a Retry saw the client's Initial packet.
#pragma once

#include <array>
#include <cstdint>

#include "base/bytes.h"
#include "quic/crypto/key_schedule.h"
#include "quic/wire/types.h"

namespace hawser::quic {

using RetryTag = std::array<std::uint8_t, kAeadTagLength>;

// `retry_without_tag` is the Retry packet up to and including the Retry Token;
// `original_dcid` the Destination Connection ID of the client's first Initial.
RetryTag retry_integrity_tag(const VersionKeyTable& table, const ConnectionId& original_dcid, Bytes retry_without_tag);

// `retry` is the whole datagram, tag included. False if it is too short or the tag differs.
[[nodiscard]] bool verify_retry_integrity_tag(const VersionKeyTable& table, const ConnectionId& original_dcid,
                                              Bytes retry);

}  // namespace hawser::quic
