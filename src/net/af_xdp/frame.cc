// frame.cc: header fields by their offsets (RFC 791, RFC 8200, RFC 768).
#include "net/af_xdp/frame.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "base/check.h"

namespace hawser::net {
namespace {

constexpr std::uint16_t kEtherTypeIpv4 = 0x0800;
constexpr std::uint16_t kEtherTypeIpv6 = 0x86dd;
constexpr std::uint8_t kProtocolUdp = 17;
constexpr std::uint8_t kVersion4FiveWords = 0x45;
constexpr std::uint8_t kVersion6 = 0x60;
constexpr std::uint16_t kDontFragment = 0x4000;
constexpr std::uint16_t kFragmentBits = 0x3fff;  // More Fragments, and the offset

// Where the parts of an IP header stand, counted from its start.
namespace v4 {
constexpr std::size_t kTos = 1;
constexpr std::size_t kTotalLength = 2;
constexpr std::size_t kIdentification = 4;
constexpr std::size_t kFragment = 6;
constexpr std::size_t kTtl = 8;
constexpr std::size_t kProtocol = 9;
constexpr std::size_t kChecksum = 10;
constexpr std::size_t kAddresses = 12;
}  // namespace v4
namespace v6 {
constexpr std::size_t kTrafficClassLow = 1;
constexpr std::size_t kPayloadLength = 4;
constexpr std::size_t kNextHeader = 6;
constexpr std::size_t kHopLimit = 7;
constexpr std::size_t kAddresses = 8;
}  // namespace v6
// In a UDP header, behind the ports.
constexpr std::size_t kPortsSize = 4;
constexpr std::size_t kUdpLength = 4;
constexpr std::size_t kUdpChecksum = 6;

std::uint16_t read_u16(const std::uint8_t* at) {
  return static_cast<std::uint16_t>(at[0] << 8 | at[1]);
}

void put_u16(std::uint8_t* at, std::uint16_t value) {
  at[0] = static_cast<std::uint8_t>(value >> 8);
  at[1] = static_cast<std::uint8_t>(value);
}

// A 16-bit number as it adds to a checksum once it stands in a header.
ChecksumSum as_sum(std::size_t value) {
  const auto number = static_cast<std::uint16_t>(value);
  return std::endian::native == std::endian::little ? static_cast<std::uint16_t>(number << 8 | number >> 8) : number;
}

bool is_unicast_source(Bytes ip) {
  if (ip.size() == 4) {
    // 0/8 is "this network", 127/8 never on a link, 224/4 multicast, 240/4 reserved and broadcast.
    return ip[0] != 0 && ip[0] != 127 && ip[0] < 224;
  }
  const bool zero_but_last = std::all_of(ip.begin(), ip.end() - 1, [](std::uint8_t octet) { return octet == 0; });
  return ip[0] != 0xff && !(zero_but_last && ip[15] <= 1);  // multicast; unspecified and loopback
}

// The UDP datagram at the front of `ip_payload`, which follows the addresses at `addresses`.
bool read_udp(MutableBytes ip_payload, std::size_t address_size, UdpFrame& out) {
  if (ip_payload.size() < kUdpHeaderSize) return false;
  const std::uint8_t* const header = ip_payload.data();
  const std::size_t length = read_u16(header + kUdpLength);
  // Octets behind the UDP length are allowed and ignored, as the kernel does.
  if (length <= kUdpHeaderSize || length > ip_payload.size()) return false;
  if (out.family == AddressFamily::kIpv6 && read_u16(header + kUdpChecksum) == 0) return false;  // RFC 8200 section 8.1
  const std::uint8_t* const addresses = header - 2 * address_size;
  if (read_u16(header) == 0 || !is_unicast_source({addresses, address_size})) return false;
  out.addresses = {addresses, 2 * address_size + kPortsSize};
  out.payload = ip_payload.subspan(kUdpHeaderSize, length - kUdpHeaderSize);
  return true;
}

bool read_ipv4(MutableBytes packet, UdpFrame& out) {
  if (packet.size() < kIpv4HeaderSize) return false;
  const std::uint8_t* const header = packet.data();
  const std::size_t length = read_u16(header + v4::kTotalLength);
  if (header[0] != kVersion4FiveWords || header[v4::kProtocol] != kProtocolUdp) return false;
  if ((read_u16(header + v4::kFragment) & kFragmentBits) != 0) return false;
  if (length < kIpv4HeaderSize || length > packet.size()) return false;
  if (finish_checksum(add_to_checksum(0, packet.first(kIpv4HeaderSize))) != 0) return false;
  out.family = AddressFamily::kIpv4;
  out.ecn = static_cast<Ecn>(header[v4::kTos] & 0x03);
  return read_udp(packet.subspan(kIpv4HeaderSize, length - kIpv4HeaderSize), 4, out);
}

bool read_ipv6(MutableBytes packet, UdpFrame& out) {
  if (packet.size() < kIpv6HeaderSize) return false;
  const std::uint8_t* const header = packet.data();
  const std::size_t length = read_u16(header + v6::kPayloadLength);
  if ((header[0] & 0xf0) != kVersion6 || header[v6::kNextHeader] != kProtocolUdp) return false;
  if (length > packet.size() - kIpv6HeaderSize) return false;
  out.family = AddressFamily::kIpv6;
  out.ecn = static_cast<Ecn>(header[v6::kTrafficClassLow] >> 4 & 0x03);
  return read_udp(packet.subspan(kIpv6HeaderSize, length), 16, out);
}

SocketAddress read_address(AddressFamily family, Bytes ip, const std::uint8_t* port, std::uint32_t interface_index) {
  SocketAddress address;
  address.family = family;
  address.port = read_u16(port);
  std::ranges::copy(ip, address.ip.begin());
  const bool link_local = family == AddressFamily::kIpv6 && ip[0] == 0xfe && (ip[1] & 0xc0) == 0x80;
  if (link_local) address.scope_id = interface_index;
  return address;
}

}  // namespace

std::optional<UdpFrame> parse_udp_frame(MutableBytes frame) {
  if (frame.size() < kEthernetHeaderSize) return std::nullopt;
  const std::uint16_t type = read_u16(frame.data() + kEthernetHeaderSize - 2);
  const MutableBytes packet = frame.subspan(kEthernetHeaderSize);
  UdpFrame out;
  if (type == kEtherTypeIpv4 ? read_ipv4(packet, out) : type == kEtherTypeIpv6 && read_ipv6(packet, out)) return out;
  return std::nullopt;
}

FourTuple tuple_of(const UdpFrame& frame, std::uint32_t interface_index) {
  const std::size_t size = frame.family == AddressFamily::kIpv4 ? 4 : 16;
  const std::uint8_t* const ports = frame.addresses.data() + 2 * size;
  return {.local = read_address(frame.family, frame.addresses.subspan(size, size), ports + 2, interface_index),
          .remote = read_address(frame.family, frame.addresses.first(size), ports, interface_index)};
}

FrameHeaders::FrameHeaders(const LinkHop& hop, const FourTuple& tuple, Ecn ecn, bool dont_fragment)
    : ipv4_(tuple.remote.family == AddressFamily::kIpv4), dont_fragment_(dont_fragment) {
  HAWSER_DCHECK(tuple.local.family == tuple.remote.family && tuple.remote.family != AddressFamily::kNone);
  const std::size_t ip_size = ipv4_ ? kIpv4HeaderSize : kIpv6HeaderSize;
  size_ = kEthernetHeaderSize + ip_size + kUdpHeaderSize;
  std::ranges::copy(hop.destination, octets_.begin());
  std::ranges::copy(hop.source, octets_.begin() + hop.destination.size());
  put_u16(octets_.data() + kEthernetHeaderSize - 2, ipv4_ ? kEtherTypeIpv4 : kEtherTypeIpv6);

  std::uint8_t* const ip = octets_.data() + kEthernetHeaderSize;
  const auto mark = static_cast<std::uint8_t>(ecn);
  if (ipv4_) {
    ip[0] = kVersion4FiveWords;
    ip[v4::kTos] = mark;
    put_u16(ip + v4::kFragment, dont_fragment ? kDontFragment : std::uint16_t{0});
    ip[v4::kTtl] = hop.hop_limit;
    ip[v4::kProtocol] = kProtocolUdp;
  } else {
    // rfc9000:9.7-flow-label-unlinkable
    ip[0] = kVersion6;
    ip[v6::kTrafficClassLow] = static_cast<std::uint8_t>(mark << 4);
    ip[v6::kNextHeader] = kProtocolUdp;
    ip[v6::kHopLimit] = hop.hop_limit;
  }
  std::uint8_t* const addresses = ip + (ipv4_ ? v4::kAddresses : v6::kAddresses);
  const Bytes local = tuple.local.ip_bytes();
  std::ranges::copy(local, addresses);
  std::ranges::copy(tuple.remote.ip_bytes(), addresses + local.size());
  put_u16(ip + ip_size, tuple.local.port);
  put_u16(ip + ip_size + 2, tuple.remote.port);

  if (ipv4_) ip_sum_ = add_to_checksum(0, {ip, kIpv4HeaderSize});
  // The pseudo header: both addresses, the protocol, and the length, which write() adds. The
  // ports stand right behind the addresses.
  udp_sum_ = add_to_checksum(as_sum(kProtocolUdp), {addresses, 2 * local.size() + kPortsSize});
}

std::size_t FrameHeaders::write(std::uint8_t* out, Bytes payload, std::uint16_t identification) const {
  const std::size_t udp_length = kUdpHeaderSize + payload.size();
  std::memcpy(out, octets_.data(), size_);
  std::memcpy(out + size_, payload.data(), payload.size());

  std::uint8_t* const ip = out + kEthernetHeaderSize;
  if (ipv4_) {
    const std::size_t total = kIpv4HeaderSize + udp_length;
    const std::uint16_t id = dont_fragment_ ? std::uint16_t{0} : identification;
    put_u16(ip + v4::kTotalLength, static_cast<std::uint16_t>(total));
    put_u16(ip + v4::kIdentification, id);
    const std::uint16_t checksum = finish_checksum(ip_sum_ + as_sum(total) + as_sum(id));
    std::memcpy(ip + v4::kChecksum, &checksum, sizeof checksum);
  } else {
    put_u16(ip + v6::kPayloadLength, static_cast<std::uint16_t>(udp_length));
  }
  std::uint8_t* const udp = out + size_ - kUdpHeaderSize;
  put_u16(udp + kUdpLength, static_cast<std::uint16_t>(udp_length));
  // The length counts twice: in the pseudo header and in the UDP header.
  std::uint16_t checksum = finish_checksum(add_to_checksum(udp_sum_ + 2 * as_sum(udp_length), payload));
  if (checksum == 0) checksum = 0xffff;  // 0 would mean that there is none
  std::memcpy(udp + kUdpChecksum, &checksum, sizeof checksum);
  return size_ + payload.size();
}

}  // namespace hawser::net
