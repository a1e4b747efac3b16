// packet_edit.cc: edits in place. Checksums are updated from the 16-bit words that change
// (RFC 1624), never computed anew, so a packet that was damaged stays recognisably damaged.
#include "packet_edit.h"

namespace hawser::lab {
namespace {

constexpr std::uint8_t kUdp = 17;
constexpr std::size_t kUdpHeaderSize = 8;
constexpr std::size_t kIpv6HeaderSize = 40;

int version(Packet packet) {
  return packet.empty() ? 0 : packet[0] >> 4;
}

std::uint16_t read_u16(Packet packet, std::size_t at) {
  return static_cast<std::uint16_t>(packet[at] << 8 | packet[at + 1]);
}

void write_u16(Packet packet, std::size_t at, std::uint16_t value) {
  packet[at] = static_cast<std::uint8_t>(value >> 8);
  packet[at + 1] = static_cast<std::uint8_t>(value);
}

// HC' = ~(~HC + ~m + m'), RFC 1624 section 3.
void mend_checksum(Packet packet, std::size_t at, std::uint16_t before, std::uint16_t after) {
  std::uint32_t sum = static_cast<std::uint16_t>(~read_u16(packet, at));
  sum += static_cast<std::uint16_t>(~before);
  sum += after;
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  write_u16(packet, at, static_cast<std::uint16_t>(~sum));
}

void mend_udp_checksum(Packet packet, std::size_t udp, std::uint16_t before, std::uint16_t after) {
  const std::size_t at = udp + 6;
  if (read_u16(packet, at) == 0) return;  // IPv4 without a UDP checksum
  mend_checksum(packet, at, before, after);
  if (read_u16(packet, at) == 0) write_u16(packet, at, 0xffff);  // RFC 768: zero is sent as its other form
}

// The last two octets of an address.
std::size_t host_word_at(Packet packet, Side side) {
  if (version(packet) == 4) return side == Side::kSource ? 14 : 18;
  return side == Side::kSource ? 22 : 38;
}

}  // namespace

std::optional<std::size_t> udp_offset(Packet packet) {
  std::size_t offset = 0;
  if (version(packet) == 4 && packet.size() >= 20) {
    offset = static_cast<std::size_t>(packet[0] & 0x0f) * 4;
    const bool later_fragment = (read_u16(packet, 6) & 0x1fff) != 0;
    if (offset < 20 || packet[9] != kUdp || later_fragment) return std::nullopt;
  } else if (version(packet) == 6 && packet.size() >= kIpv6HeaderSize) {
    offset = kIpv6HeaderSize;
    if (packet[6] != kUdp) return std::nullopt;
  } else {
    return std::nullopt;
  }
  if (packet.size() < offset + kUdpHeaderSize) return std::nullopt;
  return offset;
}

bool mark_congestion(Packet packet) {
  if (version(packet) == 4 && packet.size() >= 20) {
    if ((packet[1] & 3) == 0) return false;
    const std::uint16_t before = read_u16(packet, 0);
    packet[1] |= 3;
    mend_checksum(packet, 10, before, read_u16(packet, 0));
    return true;
  }
  // The traffic class straddles two octets; its lowest two bits are bits 4 and 5 of the second.
  if (version(packet) == 6 && packet.size() >= kIpv6HeaderSize && (packet[1] & 0x30) != 0) {
    packet[1] |= 0x30;
    return true;
  }
  return false;
}

bool flip_payload_bit(Packet packet, std::uint64_t bit) {
  const auto udp = udp_offset(packet);
  if (!udp || packet.size() <= *udp + kUdpHeaderSize) return false;
  const std::size_t payload = *udp + kUdpHeaderSize;
  const std::size_t at = payload + bit / 8 % (packet.size() - payload);
  // Both headers are of even size, so the checksum's words start at even offsets; an odd
  // last octet is summed as if a zero followed.
  const std::size_t word = at & ~std::size_t{1};
  const auto word_value = [&] {
    return static_cast<std::uint16_t>(packet[word] << 8 | (word + 1 < packet.size() ? packet[word + 1] : 0));
  };
  const std::uint16_t before = word_value();
  packet[at] = static_cast<std::uint8_t>(packet[at] ^ (1u << (bit % 8)));
  mend_udp_checksum(packet, *udp, before, word_value());
  return true;
}

std::uint16_t udp_port(Packet packet, Side side) {
  return read_u16(packet, *udp_offset(packet) + (side == Side::kSource ? 0 : 2));
}

void set_udp_port(Packet packet, Side side, std::uint16_t port) {
  const std::size_t udp = *udp_offset(packet);
  const std::size_t at = udp + (side == Side::kSource ? 0 : 2);
  const std::uint16_t before = read_u16(packet, at);
  write_u16(packet, at, port);
  mend_udp_checksum(packet, udp, before, port);
}

std::uint8_t host_octet(Packet packet, Side side) {
  return packet[host_word_at(packet, side) + 1];
}

void set_host_octet(Packet packet, Side side, std::uint8_t octet) {
  const std::size_t at = host_word_at(packet, side);
  const std::uint16_t before = read_u16(packet, at);
  packet[at + 1] = octet;
  const std::uint16_t after = read_u16(packet, at);
  if (version(packet) == 4) mend_checksum(packet, 10, before, after);
  if (const auto udp = udp_offset(packet)) mend_udp_checksum(packet, *udp, before, after);
}

}  // namespace hawser::lab
