// early_packets.h: packets that arrived before the keys that open them, because the network
// reordered a flight of the handshake. Kept for a moment, since a loss costs a probe timeout.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/datagram.h"
#include "base/time.h"
#include "quic/wire/types.h"

namespace hawser::quic {

struct EarlyPacket {
  EncryptionLevel level = EncryptionLevel::kHandshake;
  std::vector<std::uint8_t> octets;
  FourTuple tuple;
  Ecn ecn = Ecn::kNotEct;
  Timestamp arrived{};
};

class EarlyPackets {
 public:
  // A server's first flight of three datagrams and the data behind it, up to the initial
  // window: 10 datagrams. More than that a peer has no right to send yet.
  static constexpr std::size_t kMaxPackets = 12;
  // 12 datagrams of 1,500 octets; larger ones are not worth the memory.
  static constexpr std::size_t kMaxOctets = 18'000;

  // False: no room, the packet is dropped.
  bool keep(EncryptionLevel level, Bytes packet, const FourTuple& tuple, Ecn ecn, Timestamp now) {
    if (packets_.size() >= kMaxPackets || octets_ + packet.size() > kMaxOctets) return false;
    octets_ += packet.size();
    packets_.push_back({level, {packet.begin(), packet.end()}, tuple, ecn, now});
    return true;
  }

  [[nodiscard]] bool empty() const { return packets_.empty(); }

  // Octets it holds, with its own.
  [[nodiscard]] std::size_t memory() const {
    return sizeof(EarlyPackets) + packets_.capacity() * sizeof(EarlyPacket) + octets_;
  }

  // Takes out the packets of a level, in order of arrival.
  std::vector<EarlyPacket> take(EncryptionLevel level) {
    std::vector<EarlyPacket> taken, left;
    for (EarlyPacket& packet : packets_) {
      if (packet.level == level) {
        octets_ -= packet.octets.size();
        taken.push_back(std::move(packet));
      } else {
        left.push_back(std::move(packet));
      }
    }
    packets_ = std::move(left);
    return taken;
  }

 private:
  std::vector<EarlyPacket> packets_;
  std::size_t octets_ = 0;
};

}  // namespace hawser::quic
