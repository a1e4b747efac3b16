// stream_pool.h: the streams that the connections of an endpoint are not using. Streams are lent
// like blocks are: a connection on which nothing moves holds none (stream_map.h), and one that
// moves takes and gives them back without the allocator.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "base/check.h"
#include "quic/streams/stream.h"

namespace hawser::quic {

// Unused streams that an endpoint keeps, below 1.5 KiB each with what they keep: 6 MiB.
inline constexpr std::size_t kStreamsFreeMax = 4'096;
// Octets on the heap that an unused stream keeps for its next use.
inline constexpr std::size_t kStreamBuffersKept = 512;

class StreamPool {
 public:
  StreamPool() = default;
  StreamPool(const StreamPool&) = delete;
  StreamPool& operator=(const StreamPool&) = delete;

  // A stream whose parts are yet to be started. It takes its blocks from these accounts, which
  // outlive it or its return.
  Stream* acquire(BlockAccount& send_blocks, BlockAccount& receive_blocks) {
    if (free_.empty()) return new Stream(send_blocks, receive_blocks);
    Stream* stream = free_.back().release();
    free_.pop_back();
    stream->send.charge(send_blocks);
    stream->recv.charge(receive_blocks);
    return stream;
  }

  // The stream is on no list and holds no block.
  void release(Stream* stream) {
    std::unique_ptr<Stream> owned(stream);
    // Else its blocks would go back to a connection that is gone.
    HAWSER_CHECK(stream->send.chunks() == 0 && stream->recv.blocks() == 0);
    if (free_.size() >= kStreamsFreeMax) return;
    if (stream->send.memory() + stream->recv.memory() > kStreamBuffersKept) {
      stream->send.rest();
      stream->recv.rest();
    }
    free_.push_back(std::move(owned));
  }

  [[nodiscard]] std::size_t unused() const { return free_.size(); }

 private:
  std::vector<std::unique_ptr<Stream>> free_;
};

}  // namespace hawser::quic
