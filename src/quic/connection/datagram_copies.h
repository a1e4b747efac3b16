// datagram_copies.h: datagrams that left on one path and are to leave on another as well, because the scheduler wants
// them on both and their flow allows it (DatagramFlow::copies). Nobody waits for them: what grew old before there was
// room, or is too many, goes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>

#include "base/shared_bytes.h"
#include "base/time.h"
#include "quic/wire/packet_payload.h"

namespace hawser::quic {

// One that goes on other paths as well, and when it is worth nothing any more; kNever: its flow does not say.
struct DatagramToCopy {
  SharedBytes payload;
  Timestamp deadline = kNever;
};

// Of one path.
class DatagramCopies {
 public:
  // What waits at most; the oldest gives way.
  static constexpr std::size_t kCountMax = 256;

  // `until`: when it is worth nothing any more.
  void want(SharedBytes payload, Timestamp until);
  [[nodiscard]] bool empty() const { return waiting_.empty(); }
  // Those that fit; what would not fit an empty packet of `packet_room` octets goes. Returns their octets of payload.
  std::uint64_t write(PacketPayload& out, std::size_t packet_room, Timestamp now);
  // Octets on the heap, payloads at their full size although paths share them.
  [[nodiscard]] std::size_t memory() const;

 private:
  struct Waiting {
    SharedBytes payload;
    Timestamp until;
  };
  std::deque<Waiting> waiting_;
};

}  // namespace hawser::quic
