// nat.cc: a mapping that needs no table: binding n shifts every client port by an amount
// that depends on n alone, and takes one of two hundred host addresses of the link.
#include "nat.h"

namespace hawser::lab {
namespace {

constexpr std::uint32_t kFirstPort = 1024;
constexpr std::uint32_t kPorts = 65536 - kFirstPort;
constexpr std::uint32_t kNever = 0xffffffff;
constexpr std::uint8_t kClientHost = 1;

// Binding 0 changes nothing. 7919 is prime to kPorts, so bindings repeat only after kPorts.
std::uint32_t port_shift(std::uint32_t binding) {
  return static_cast<std::uint32_t>(std::uint64_t{binding} * 7919 % kPorts);
}

std::uint16_t shifted(std::uint16_t port, std::uint32_t shift) {
  if (port < kFirstPort) return port;
  return static_cast<std::uint16_t>(kFirstPort + (port - kFirstPort + shift) % kPorts);
}

std::uint8_t outer_host(std::uint32_t binding) {
  return binding == 0 ? kClientHost : static_cast<std::uint8_t>(10 + (binding - 1) % 200);
}

bool changes_ports(NatMode mode) {
  return mode == NatMode::kPort || mode == NatMode::kBoth;
}
bool changes_address(NatMode mode) {
  return mode == NatMode::kAddress || mode == NatMode::kBoth;
}

}  // namespace

Nat::Nat() : sent_under_(65536) {
  for (auto& entry : sent_under_) entry.store(kNever, std::memory_order_relaxed);
}

void Nat::translate_to_server(Packet packet) {
  const NatMode mode = mode_.load(std::memory_order_relaxed);
  if (mode == NatMode::kNone || !udp_offset(packet)) return;
  const std::uint32_t binding = binding_.load(std::memory_order_relaxed);
  const std::uint16_t port = udp_port(packet, Side::kSource);
  sent_under_[port].store(binding, std::memory_order_relaxed);
  if (changes_ports(mode)) set_udp_port(packet, Side::kSource, shifted(port, port_shift(binding)));
  if (changes_address(mode)) set_host_octet(packet, Side::kSource, outer_host(binding));
}

bool Nat::translate_to_client(Packet packet) {
  const NatMode mode = mode_.load(std::memory_order_relaxed);
  if (mode == NatMode::kNone || !udp_offset(packet)) return true;
  const std::uint32_t binding = binding_.load(std::memory_order_relaxed);
  if (changes_address(mode)) {
    if (host_octet(packet, Side::kDestination) != outer_host(binding)) return false;
    set_host_octet(packet, Side::kDestination, kClientHost);
  }
  std::uint16_t port = udp_port(packet, Side::kDestination);
  if (changes_ports(mode)) {
    port = shifted(port, kPorts - port_shift(binding));
    set_udp_port(packet, Side::kDestination, port);
  }
  return sent_under_[port].load(std::memory_order_relaxed) == binding;
}

}  // namespace hawser::lab
