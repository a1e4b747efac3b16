// observed_address.cc: reads and writes OBSERVED_ADDRESS frames.
#include "quic/wire/frames/observed_address.h"

#include <algorithm>

namespace hawser::quic {
namespace {

std::uint64_t type_for(AddressFamily family) {
  return code_point(family == AddressFamily::kIpv4 ? FrameType::kObservedAddressIpv4 : FrameType::kObservedAddressIpv6);
}

}  // namespace

// Any address and port is legal: what to believe of it is for the application.
Parsed<ObservedAddressFrame> parse_observed_address(FrameReader& in) {
  ObservedAddressFrame frame;
  const bool ipv4 = in.frame_type() == code_point(FrameType::kObservedAddressIpv4);
  Bytes ip;
  if (!in.varint(frame.sequence_number) || !in.bytes(ipv4 ? 4 : 16, ip) || !in.u16(frame.address.port))
    return in.truncated();
  std::copy(ip.begin(), ip.end(), frame.address.ip.begin());
  frame.address.family = ipv4 ? AddressFamily::kIpv4 : AddressFamily::kIpv6;
  return frame;
}

std::size_t observed_address_size(const ObservedAddressFrame& frame) {
  return varint_size(type_for(frame.address.family)) + varint_size(frame.sequence_number) +
         frame.address.ip_bytes().size() + sizeof(frame.address.port);
}

void write_observed_address(PacketPayload& out, const ObservedAddressFrame& frame) {
  HAWSER_DCHECK(frame.address.family != AddressFamily::kNone);
  out.varint(type_for(frame.address.family));
  out.varint(frame.sequence_number);
  out.bytes(frame.address.ip_bytes());
  out.u8(static_cast<std::uint8_t>(frame.address.port >> 8));
  out.u8(static_cast<std::uint8_t>(frame.address.port));
}

}  // namespace hawser::quic
