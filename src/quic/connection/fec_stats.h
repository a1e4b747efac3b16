// fec_stats.h: what forward error correction did for a connection and what it cost. Part of the public face.
#pragma once

#include <cstdint>

namespace hawser::quic {

// Counters of all paths since the connection began.
struct FecStats {
  bool sends = false;     // what we send is protected: we want it, and the peer can decode it
  bool receives = false;  // what the peer protects is recovered
  // Sent.
  std::uint64_t packets_protected = 0;
  std::uint64_t protected_bytes = 0;    // octets of their payloads
  std::uint64_t repairs_sent = 0;       // packets with a repair symbol: the cost
  std::uint64_t repair_bytes_sent = 0;  // octets of UDP payload of these
  std::uint64_t repairs_given_up = 0;   // symbols for which there was no room before the next block
  std::uint64_t peer_recovered = 0;     // packets of ours that the peer computed: the gain
  double loss = 0;                      // what redundancy is chosen by: of the path that lost most
  // Received.
  std::uint64_t packets_recovered = 0;
  std::uint64_t bytes_recovered = 0;  // octets of their payloads
  std::uint64_t repairs_received = 0;
  std::uint64_t repair_bytes_received = 0;  // octets of the symbols
  std::uint64_t repairs_unused = 0;         // nothing was missing
  std::uint64_t blocks_given_up = 0;        // too much was
};

}  // namespace hawser::quic
