// stream_map.h: stream id -> Stream. Looking up hashes at most once per frame and not at all for the
// stream that was asked for last. Streams are lent from a pool, and given back while they rest.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "quic/streams/resting_stream.h"
#include "quic/streams/stream.h"
#include "quic/streams/stream_pool.h"

namespace hawser::quic {

// Streams that a connection may have to rest: they are looked for one by one, 16 ids in 16 cache
// lines. The six critical streams of HTTP/3 and some sessions above are fewer.
inline constexpr std::size_t kRestingStreamsMax = 16;

class StreamMap {
 public:
  // What all streams of a connection may grow to, in octets.
  struct Caps {
    std::uint64_t send_buffer = 0;
    std::uint64_t receive_window = 0;
  };

  // The pool and the accounts outlive the map.
  StreamMap(StreamPool& pool, BlockAccount& send_blocks, BlockAccount& receive_blocks, const Caps& caps)
      : pool_(&pool), send_blocks_(&send_blocks), receive_blocks_(&receive_blocks), caps_(caps) {}
  StreamMap(const StreamMap&) = delete;
  StreamMap& operator=(const StreamMap&) = delete;
  ~StreamMap();

  [[nodiscard]] Stream* find(StreamId id) {
    if (last_ != nullptr && last_->id == id) return last_;
    return find_slow(id);
  }
  // A Stream whose address stays; the id must be absent. Its parts are yet to be started.
  Stream& insert(StreamId id);
  // The Stream must be on no list and hold no data.
  void erase(Stream& stream);
  // Nothing has moved for a while: gives back the memory of streams that hold nothing, and the
  // streams too where they are few. Their addresses change; find() makes them again.
  void rest();

  [[nodiscard]] std::size_t size() const { return size_ + resting_.size(); }
  // Octets on the heap, streams among them, without blocks and shares.
  [[nodiscard]] std::size_t memory() const;

  // Calls `visit(Stream&)` for each, in no particular order; it must not insert or erase.
  template <class Visit>
  void for_each(Visit visit) {
    while (!resting_.empty()) wake(resting_.back());
    for (Stream* stream : table_)
      if (stream != nullptr) visit(*stream);
  }

 private:
  Stream* find_slow(StreamId id);
  [[nodiscard]] std::size_t home(StreamId id) const;
  Stream* place(Stream& stream);
  void remove(Stream& stream);
  void resize_table(std::size_t slots);
  Stream* wake(RestingStream& resting);

  StreamPool* pool_;
  BlockAccount* send_blocks_;
  BlockAccount* receive_blocks_;
  Caps caps_;
  std::vector<Stream*> table_;  // open addressing, a power of two, at most half full
  std::size_t size_ = 0;        // of table_
  unsigned shift_ = 64;
  Stream* last_ = nullptr;
  std::vector<RestingStream> resting_;
};

}  // namespace hawser::quic
