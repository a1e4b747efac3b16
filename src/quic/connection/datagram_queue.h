// datagram_queue.h: DATAGRAM payloads waiting to be sent (RFC 9221), oldest first. A full
// queue drops its oldest entry: what is late is worth least.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "base/bytes.h"
#include "quic/wire/frames/datagram.h"
#include "quic/wire/packet_payload.h"

namespace hawser::quic {

class DatagramQueue {
 public:
  // 256 datagrams of at most 1,452 octets are 363 KiB, or 30 ms at 100 Mbit/s.
  static constexpr std::size_t kMaxQueued = 256;

  // Returns false if an older datagram had to go.
  bool push(Bytes payload) {
    if (queue_ == nullptr) queue_ = std::make_unique<Queue>();
    const bool room = queue_->size() < kMaxQueued;
    if (!room) queue_->pop_front();
    queue_->emplace_back(payload.begin(), payload.end());
    return room;
  }

  // Gives memory back if nothing waits.
  void rest() {
    if (empty()) queue_.reset();
  }

  // What waits is dropped.
  void clear() { queue_.reset(); }

  [[nodiscard]] bool empty() const { return queue_ == nullptr || queue_->empty(); }
  // Octets on the heap.
  [[nodiscard]] std::size_t memory() const {
    if (queue_ == nullptr) return 0;
    std::size_t octets = sizeof(Queue);
    for (const std::vector<std::uint8_t>& payload : *queue_) octets += sizeof payload + payload.capacity();
    return octets;
  }

  // Writes as many as fit. One that does not fit into an empty packet of `packet_room` octets,
  // because the path's MTU shrank, is dropped.
  WriteResult write(PacketPayload& out, std::size_t packet_room) {
    while (!empty()) {
      const std::vector<std::uint8_t>& payload = queue_->front();
      const std::size_t size = datagram_header_size(payload.size(), true) + payload.size();
      if (size > out.room()) {
        if (size <= packet_room) return WriteResult::kPacketFull;
        queue_->pop_front();
        continue;
      }
      write_datagram_header(out, payload.size(), true);
      out.bytes(payload);
      out.record({.kind = SentFrameKind::kDatagram, .length = static_cast<std::uint32_t>(payload.size())});
      out.mark_non_probing();
      queue_->pop_front();
    }
    return WriteResult::kDone;
  }

 private:
  using Queue = std::deque<std::vector<std::uint8_t>>;
  std::unique_ptr<Queue> queue_;  // made for the first datagram: most connections have none
};

}  // namespace hawser::quic
