// copies.h: octets of streams that are in flight on other paths and go out on this one as well: because the
// scheduler wants them on both, or since they arrive sooner here (reinjection). What is copied stays where it
// was sent first: its loss is found there, and repaired unless a copy that the scheduler wanted stands in for it
// (SendBuffer::on_copied); then it is repaired once that is lost as well.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "quic/connection/paths.h"
#include "quic/recovery/loss.h"
#include "quic/streams/stream_set.h"
#include "quic/wire/packet_payload.h"
#include "quic/wire/types.h"

namespace hawser::quic {

// Why something goes twice.
enum class CopyReason : std::uint8_t { kRedundant, kSooner };

// What one path is to copy. Nothing but positions in what recovery remembers of the other paths anyway: whatever
// was acknowledged in the meantime is passed over, so that a path which cannot keep up copies what is oldest and
// still on its way, and never falls behind by more than the other path's flight.
class CopyList {
 public:
  // Packets [begin, end) of `source`; those that were copied or passed over are not copied again.
  void want(PathId source, std::uint64_t begin, std::uint64_t end, CopyReason reason);
  // The first packet number of `source` that was never asked for.
  [[nodiscard]] std::uint64_t wanted_to(PathId source) const;
  [[nodiscard]] bool empty() const;
  // Copies that go before anything new; others are for when there is nothing new.
  [[nodiscard]] bool has_urgent() const;
  // Packets of which those are, with what was acknowledged since and will be passed over.
  [[nodiscard]] std::uint64_t urgent_packets() const;
  // The path is gone, or nothing of it is under way any more.
  void forget(PathId source);

  // Octets of stream data that went into a packet.
  struct Written {
    std::uint64_t redundant = 0;
    std::uint64_t sooner = 0;
  };
  // Fills a packet with what is the oldest of each. `loss_of(source)`: what recovery knows of a path, or nullptr.
  // `round_trip`: of the path that it goes on.
  template <class LossOf>
  Written write(PacketPayload& out, StreamSet& streams, Duration round_trip, LossOf&& loss_of) {
    Written written;
    for (std::size_t i = 0; i < count_; ++i) {
      const LossDetector* const loss = loss_of(list_[i].source);
      if (loss == nullptr) {
        list_[i].next = list_[i].end;
        continue;
      }
      std::uint64_t& octets = list_[i].reason == CopyReason::kSooner ? written.sooner : written.redundant;
      const bool stands_in = list_[i].reason == CopyReason::kRedundant && round_trip <= repair_time(*loss);
      if (!write_from(list_[i], *loss, out, streams, stands_in, octets)) break;
    }
    return written;
  }

 private:
  struct Work {
    PathId source;
    std::uint64_t next = 0;   // the packet to copy next
    std::uint64_t end = 0;    // and behind the last one
    std::uint32_t frame = 0;  // of the next packet, those before it are copied
    std::uint32_t done = 0;   // octets of that frame
    CopyReason reason = CopyReason::kRedundant;
  };
  // From sending a packet until what it lost was sent again on its own path and is acknowledged. A copy that comes
  // later is of no use to a loss.
  static Duration repair_time(const LossDetector& loss) { return 2 * loss.rtt().smoothed(); }
  // False: the packet is full.
  static bool write_from(Work& work, const LossDetector& loss, PacketPayload& out, StreamSet& streams, bool stands_in,
                         std::uint64_t& octets);
  static bool write_frame(Work& work, SentFrame frame, PacketPayload& out, StreamSet& streams, bool stands_in,
                          std::uint64_t& octets);
  Work* find(PathId source);

  std::array<Work, kMaxPaths> list_{};
  std::size_t count_ = 0;
};

}  // namespace hawser::quic
