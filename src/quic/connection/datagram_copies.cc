// datagram_copies.cc: which datagrams go on a second path, and which grew too old for it.
#include "quic/connection/datagram_copies.h"

#include <utility>

#include "quic/wire/frames/datagram.h"

namespace hawser::quic {

void DatagramCopies::want(SharedBytes payload, Timestamp until) {
  if (waiting_.size() == kCountMax) waiting_.pop_front();
  waiting_.push_back({.payload = std::move(payload), .until = until});
}

std::uint64_t DatagramCopies::write(PacketPayload& out, std::size_t packet_room, Timestamp now) {
  std::uint64_t written = 0;
  while (!waiting_.empty()) {
    const Waiting& next = waiting_.front();
    const auto size = static_cast<std::uint32_t>(next.payload.size());
    if (next.until > now) {
      if (datagram_header_size(size, true) + size > out.room()) {
        if (datagram_header_size(size, true) + size <= packet_room) break;
        waiting_.pop_front();  // too large for any path
        continue;
      }
      write_datagram_header(out, size, true);
      out.bytes(next.payload.view());
      out.record({.kind = SentFrameKind::kDatagramCopy, .length = size});
      out.mark_non_probing();
      written += size;
    }
    waiting_.pop_front();
  }
  return written;
}

std::size_t DatagramCopies::memory() const {
  std::size_t octets = waiting_.size() * sizeof(Waiting);
  for (const Waiting& each : waiting_) octets += each.payload.size();
  return octets;
}

}  // namespace hawser::quic
