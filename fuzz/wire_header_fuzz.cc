// wire_header_fuzz.cc: attacks packet headers; the first octet chooses options, the rest is a datagram.
// room: wire
#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "quic/wire/packet_header.h"
#include "quic/wire/retry.h"
#include "quic/wire/version_negotiation.h"

namespace {

using namespace hawser;
using namespace hawser::quic;

void check_inside(Bytes view, Bytes datagram) {
  if (view.empty()) return;
  HAWSER_CHECK(view.data() >= datagram.data());
  HAWSER_CHECK(view.data() + view.size() <= datagram.data() + datagram.size());
}

// What one parsed header promises to its reader.
void check_header(const PacketHeader& header, Bytes datagram) {
  HAWSER_CHECK(header.packet_size > 0 && header.packet_size <= datagram.size());
  HAWSER_CHECK(header.pn_offset <= header.packet_size);
  check_inside(header.dcid, datagram);
  check_inside(header.scid, datagram);
  check_inside(header.token, datagram);
  if (header.is_protected()) {
    HAWSER_CHECK(header.length >= kMinProtectedLength);
    HAWSER_CHECK(header.pn_offset + header.length == header.packet_size);
    HAWSER_CHECK(header.dcid.size() <= kMaxConnectionIdLength && header.scid.size() <= kMaxConnectionIdLength);
  }
  if (header.type == PacketType::kRetry) {
    if (const auto retry = parse_retry(header, datagram)) {
      HAWSER_CHECK(retry->without_tag.size() + retry->tag.size() == header.packet_size);
    }
  }
  if (header.type == PacketType::kVersionNegotiation) {
    if (const auto versions = parse_version_negotiation(header, datagram)) {
      HAWSER_CHECK(versions->contains((*versions)[versions->size() - 1]));
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::size_t local_cid_length = data[0] % (kMaxConnectionIdLength + 1);
  const bool fixed_bit_may_be_clear = (data[0] & 0x80) != 0;
  Bytes rest(data + 1, size - 1);
  while (!rest.empty()) {
    const auto routed = peek_destination_cid(rest, local_cid_length);
    const auto header = parse_packet_header(rest, local_cid_length, fixed_bit_may_be_clear);
    if (!header) break;
    check_header(*header, rest);
    HAWSER_CHECK(routed && equal(*routed, header->dcid));
    rest = rest.subspan(header->packet_size);
  }
  return 0;
}
