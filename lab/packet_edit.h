// packet_edit.h: the changes a network makes to IP packets under way: congestion marks,
// damage, and the addresses a NAT writes. Checksums are mended, so that the packet arrives.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace hawser::lab {

using Packet = std::span<std::uint8_t>;

// Where the UDP header of an IPv4 or IPv6 packet starts; nothing for another protocol, a
// later fragment, IPv6 extension headers, or a packet that is cut short.
std::optional<std::size_t> udp_offset(Packet packet);

// Marks the packet "congestion experienced" (RFC 3168); false when it is not ECN-capable.
bool mark_congestion(Packet packet);

// Flips bit `bit` of the UDP payload (modulo its size); false when there is none.
bool flip_payload_bit(Packet packet, std::uint64_t bit);

enum class Side { kSource, kDestination };

// Of a packet for which udp_offset() has a value.
std::uint16_t udp_port(Packet packet, Side side);
void set_udp_port(Packet packet, Side side, std::uint16_t port);
// The last octet of an address: the lab's hosts differ only there.
std::uint8_t host_octet(Packet packet, Side side);
void set_host_octet(Packet packet, Side side, std::uint8_t octet);

}  // namespace hawser::lab
