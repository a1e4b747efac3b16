// early_datagrams.h: 0-RTT packets whose client is not known yet, because the network let them
// overtake its Initial. Kept for a moment: a loss would cost the round trip that 0-RTT saves.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/datagram.h"
#include "base/time.h"

namespace hawser::quic {

struct EarlyDatagram {
  std::uint64_t cid = 0;  // hash of its Destination Connection ID
  Timestamp arrived;
  std::vector<std::uint8_t> octets;
  FourTuple tuple;
  Ecn ecn = Ecn::kNotEct;
};

class EarlyDatagrams {
 public:
  // Of all clients together: 64 datagrams of 1,500 octets are 96 KB, whoever sends them. The oldest
  // makes room, so that who floods us takes nothing but this hope of others.
  static constexpr std::size_t kMax = 64;
  static constexpr std::size_t kMaxOctets = 1'500;  // larger ones are not kept
  // Of one client: a first flight is 10 datagrams (RFC 9002 section 7.2).
  static constexpr std::size_t kMaxOfOne = 10;
  // Far more than the network reorders by; a client repeats its Initial after a second.
  static constexpr Duration kLifetime = 200ms;

  // False: not kept.
  bool keep(EarlyDatagram datagram) {
    const Timestamp expired = datagram.arrived - kLifetime;
    std::erase_if(kept_, [&](const EarlyDatagram& other) { return other.arrived < expired; });
    const auto of_one = std::count_if(kept_.begin(), kept_.end(),
                                      [&](const EarlyDatagram& other) { return other.cid == datagram.cid; });
    if (datagram.octets.size() > kMaxOctets || static_cast<std::size_t>(of_one) >= kMaxOfOne) return false;
    if (kept_.size() >= kMax) kept_.erase(kept_.begin());
    kept_.push_back(std::move(datagram));
    return true;
  }

  // Takes out those of a client, in order of arrival.
  std::vector<EarlyDatagram> take(std::uint64_t cid, Timestamp now) {
    std::vector<EarlyDatagram> taken;
    for (EarlyDatagram& datagram : kept_)
      if (datagram.cid == cid && datagram.arrived + kLifetime >= now) taken.push_back(std::move(datagram));
    std::erase_if(kept_, [cid](const EarlyDatagram& datagram) { return datagram.cid == cid; });
    return taken;
  }

  [[nodiscard]] bool empty() const { return kept_.empty(); }
  [[nodiscard]] std::size_t size() const { return kept_.size(); }

 private:
  std::vector<EarlyDatagram> kept_;
};

}  // namespace hawser::quic
