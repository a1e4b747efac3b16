// nat.h: the NAT of a link. It forgets its mappings at once when it is rebound, as a home
// router does after a pause: the client's UDP packets then leave from another port or address.
#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

#include "link_options.h"
#include "packet_edit.h"

namespace hawser::lab {

// The two directions of a link use it from two threads; every member may be called from any.
class Nat {
 public:
  Nat();

  void set_mode(NatMode mode) { mode_.store(mode, std::memory_order_relaxed); }

  // From now on the client is seen from another port or address, and what is sent to the
  // old one is lost.
  void rebind() { binding_.fetch_add(1, std::memory_order_relaxed); }

  // Rewrites the client's source.
  void translate_to_server(Packet packet);

  // Rewrites the destination back; false when no mapping exists, so that the packet is dropped.
  bool translate_to_client(Packet packet);

 private:
  std::atomic<NatMode> mode_{NatMode::kNone};
  std::atomic<std::uint32_t> binding_{0};
  // By the client's own port: the last binding under which it sent. 65,536 x 4 octets.
  std::vector<std::atomic<std::uint32_t>> sent_under_;
};

}  // namespace hawser::lab
