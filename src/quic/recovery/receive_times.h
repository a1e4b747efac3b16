// receive_times.h: when packets of the peer arrived, until an ACK frame tells it
// (draft-smith-quic-receive-ts-03). Bounded: what was not told in time is not told.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/time.h"
#include "base/units.h"
#include "quic/wire/packet_payload.h"

namespace hawser::quic {

class ReceiveTimes {
 public:
  // Arrivals kept and told in one frame. A count below 64 takes one octet; 63 are more than two ACKs of a fast
  // connection acknowledge together, and the object stays near 1 KiB.
  static constexpr std::size_t kMax = 63;
  // Octets of the block that says nothing.
  static constexpr std::size_t kLeastSize = 1;

  // `most`: what the peer accepts in a frame; `exponent`: its receive_timestamps_exponent. `basis` is before
  // every arrival and never told.
  ReceiveTimes(std::uint64_t most, std::uint64_t exponent, Timestamp basis);

  // The packet was processed; calls come in the order of time.
  void on_packet_received(PacketNumber pn, Timestamp now);
  // Appends the block to an ACK frame up to `largest`, the latest arrivals first and as many as there is room
  // for, and forgets them all. out.room() >= kLeastSize.
  void write(PacketPayload& out, std::uint64_t largest);

  [[nodiscard]] std::size_t size() const { return count_; }

 private:
  struct Arrival {
    std::uint64_t number = 0;
    std::uint64_t units = 0;  // since the basis, microseconds divided by 2^exponent
  };
  // 0: the latest.
  [[nodiscard]] const Arrival& latest(std::size_t i) const { return arrivals_[(next_ + kMax - 1 - i) % kMax]; }

  std::size_t most_;
  std::uint64_t exponent_;
  Timestamp basis_;
  std::size_t next_ = 0;
  std::size_t count_ = 0;
  std::array<Arrival, kMax> arrivals_;
};

}  // namespace hawser::quic
