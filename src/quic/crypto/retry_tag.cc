// retry_tag.cc: an AEAD over nothing, with the Retry Pseudo-Packet as associated data.
#include "quic/crypto/retry_tag.h"

#include <vector>

#include "quic/crypto/aead.h"

namespace hawser::quic {

RetryTag retry_integrity_tag(const VersionKeyTable& table, const ConnectionId& original_dcid, Bytes retry_without_tag) {
  std::vector<std::uint8_t> pseudo_packet;
  pseudo_packet.reserve(1 + original_dcid.length() + retry_without_tag.size());
  pseudo_packet.push_back(static_cast<std::uint8_t>(original_dcid.length()));
  pseudo_packet.insert(pseudo_packet.end(), original_dcid.view().begin(), original_dcid.view().end());
  pseudo_packet.insert(pseudo_packet.end(), retry_without_tag.begin(), retry_without_tag.end());

  // With path 0 and packet number 0 the nonce is the version's retry nonce itself.
  PacketKey key(CipherSuite::kAes128GcmSha256, table.retry_key, table.retry_nonce);
  RetryTag tag;
  key.seal(kInitialPathId, PacketNumber{0}, pseudo_packet, {}, tag.data());
  return tag;
}

bool verify_retry_integrity_tag(const VersionKeyTable& table, const ConnectionId& original_dcid, Bytes retry) {
  if (retry.size() < kAeadTagLength) return false;
  const std::size_t length = retry.size() - kAeadTagLength;
  return equal_constant_time(retry_integrity_tag(table, original_dcid, retry.first(length)), retry.subspan(length));
}

}  // namespace hawser::quic
