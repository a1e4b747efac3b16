// saved_path.h: what a sender remembers of a path for its next visit (RFC 9959 section 3.1: the set of
// saved congestion control parameters of one remote endpoint).
#pragma once

#include <cstdint>

#include "base/address.h"
#include "base/time.h"

namespace hawser::quic {

struct SavedPath {
  std::uint64_t cwnd = 0;  // saved_cwnd: octets of UDP payload that the path carried in one round trip
  Duration rtt{0};         // saved_rtt: the smallest round trip when that was observed
  Duration age{0};         // how long ago that was
  // Of the 4-tuple it was observed on; ports do not count. Family kNone: whatever it is.
  SocketAddress local;
  SocketAddress remote;

  bool operator==(const SavedPath&) const = default;
};

}  // namespace hawser::quic
