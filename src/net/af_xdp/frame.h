// frame.h: Ethernet frames of UDP over IPv4 and IPv6, taken apart and put together. Nothing
// here knows the kernel: octets in, octets out.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/address.h"
#include "base/bytes.h"
#include "base/datagram.h"
#include "net/af_xdp/checksum.h"

namespace hawser::net {

using MacAddress = std::array<std::uint8_t, 6>;

inline constexpr std::size_t kEthernetHeaderSize = 14;
inline constexpr std::size_t kIpv4HeaderSize = 20;  // without options: frames with them are left to the kernel
inline constexpr std::size_t kIpv6HeaderSize = 40;  // without extension headers: likewise
inline constexpr std::size_t kUdpHeaderSize = 8;
inline constexpr std::size_t kFrameHeadersMax = kEthernetHeaderSize + kIpv6HeaderSize + kUdpHeaderSize;

// Octets that a UDP datagram adds to its payload below Ethernet.
constexpr std::size_t ip_overhead(AddressFamily family) {
  return (family == AddressFamily::kIpv4 ? kIpv4HeaderSize : kIpv6HeaderSize) + kUdpHeaderSize;
}

// A received datagram in its frame; views of the frame's memory.
struct UdpFrame {
  AddressFamily family = AddressFamily::kNone;
  Ecn ecn = Ecn::kNotEct;
  Bytes addresses;  // source and destination address, source and destination port, as they stand
  MutableBytes payload;
};

// Nothing if this is no whole UDP datagram that a socket could be given: truncated,
// fragmented, with IP options, with a bad IPv4 header checksum, without payload, from an
// address that nobody can have. The UDP checksum is not looked at: between virtual interfaces
// it is never filled in, and the program that steers frames here cannot see which these are.
std::optional<UdpFrame> parse_udp_frame(MutableBytes frame);

// The 4-tuple seen from this end. `interface_index` becomes the scope of link-local addresses.
FourTuple tuple_of(const UdpFrame& frame, std::uint32_t interface_index);

// The last step of a route: between which stations of the link, and how far.
struct LinkHop {
  MacAddress source{};
  MacAddress destination{};
  std::uint8_t hop_limit = 64;  // the default of net.ipv4.ip_default_ttl
};

// The headers that the datagrams of one train share. Both addresses of the tuple are set.
class FrameHeaders {
 public:
  FrameHeaders(const LinkHop& hop, const FourTuple& tuple, Ecn ecn, bool dont_fragment);

  // Octets before the payload.
  [[nodiscard]] std::size_t size() const { return size_; }
  // Writes the frame of `payload` to `out`, which has size() + payload.size() octets, and
  // returns that number. `identification` tells apart datagrams that may be fragmented; with
  // dont_fragment it is not used (RFC 6864).
  std::size_t write(std::uint8_t* out, Bytes payload, std::uint16_t identification) const;

 private:
  std::array<std::uint8_t, kFrameHeadersMax> octets_{};
  std::size_t size_ = 0;
  bool ipv4_ = false;
  bool dont_fragment_ = false;
  ChecksumSum ip_sum_ = 0;   // of the IPv4 header without length and identification
  ChecksumSum udp_sum_ = 0;  // of pseudo header and UDP header without lengths
};

}  // namespace hawser::net
