// datagram.h: what crosses the line between drivers and protocol: trains of datagrams.
// A train is a run of datagrams of one 4-tuple, all of segment_size octets but for a
// shorter last one: what GRO delivers in one read and GSO sends with one call.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/address.h"
#include "base/bytes.h"

namespace hawser {

// The two ECN bits of the IP header (RFC 3168), by wire value.
enum class Ecn : std::uint8_t { kNotEct = 0, kEct1 = 1, kEct0 = 2, kCe = 3 };

// Datagrams received together. The driver owns the memory; the protocol opens packets in
// place (the octets change) and keeps no view of them once on_datagrams has returned.
struct ReceivedTrain {
  MutableBytes bytes;
  std::size_t segment_size = 0;  // == bytes.size() for a lone datagram; never 0
  FourTuple tuple;
  Ecn ecn = Ecn::kNotEct;
};

// Datagrams to send together with one system call. The driver lends `buffer`; the protocol
// fills the rest. `size` octets, in segments of `segment_size`, go out on `tuple`.
struct TransmitTrain {
  MutableBytes buffer;
  std::size_t size = 0;
  std::size_t segment_size = 0;
  FourTuple tuple;
  Ecn ecn = Ecn::kNotEct;
  // The largest number of segments the driver can hand to the kernel at once (1: no GSO).
  std::size_t max_segments = 64;

  [[nodiscard]] std::size_t segments() const {
    return segment_size == 0 ? 0 : (size + segment_size - 1) / segment_size;
  }
};

}  // namespace hawser
