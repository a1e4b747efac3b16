// bbr2.cc: version 2 is version 3 with other rules.
#include "quic/congestion/bbr2.h"

namespace hawser::quic {

Bbr2::Bbr2(std::uint64_t max_datagram_size) : Bbr3(max_datagram_size, kRules) {}

}  // namespace hawser::quic
