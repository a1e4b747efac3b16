// observed_address.h: the OBSERVED_ADDRESS frame (draft-ietf-quic-address-discovery-00): from where the
// sender sees the receiver's packets come.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/address.h"
#include "quic/wire/frames/frame_reader.h"
#include "quic/wire/packet_payload.h"

namespace hawser::quic {

struct ObservedAddressFrame {
  std::uint64_t sequence_number = 0;  // the larger it is, the later the observation
  SocketAddress address;              // its family is that of the frame's type
};

Parsed<ObservedAddressFrame> parse_observed_address(FrameReader& in);
std::size_t observed_address_size(const ObservedAddressFrame& frame);
// out.room() >= observed_address_size(frame), and the address has a family.
void write_observed_address(PacketPayload& out, const ObservedAddressFrame& frame);

}  // namespace hawser::quic
