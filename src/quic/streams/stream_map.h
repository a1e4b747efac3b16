// stream_map.h: stream id -> Stream, and the memory of the Streams. Looking up hashes at
// most once per frame and not at all for the stream that was asked for last.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "quic/streams/stream.h"

namespace hawser::quic {

// Streams of one slab allocation.
inline constexpr std::size_t kStreamsPerSlab = 8;

class StreamMap {
 public:
  // The accounts outlive the map.
  StreamMap(BlockAccount& send_blocks, BlockAccount& receive_blocks)
      : send_blocks_(&send_blocks), receive_blocks_(&receive_blocks) {}
  StreamMap(const StreamMap&) = delete;
  StreamMap& operator=(const StreamMap&) = delete;
  ~StreamMap();

  [[nodiscard]] Stream* find(StreamId id) {
    if (last_ != nullptr && last_->id == id) return last_;
    return find_slow(id);
  }
  // A Stream whose address stays; the id must be absent. Its parts are yet to be started.
  Stream& insert(StreamId id);
  // The Stream must be on no list. Its memory is kept for the next insert().
  void erase(Stream& stream);

  [[nodiscard]] std::size_t size() const { return size_; }

  // Calls `visit(Stream&)` for each, in no particular order; it must not insert or erase.
  template <class Visit>
  void for_each(Visit visit) {
    for (Stream* stream : table_)
      if (stream != nullptr) visit(*stream);
  }

 private:
  struct Slab;
  Stream* find_slow(StreamId id);
  [[nodiscard]] std::size_t home(StreamId id) const;
  void place(Stream& stream);
  void grow_table();
  void add_slab();

  BlockAccount* send_blocks_;
  BlockAccount* receive_blocks_;
  std::vector<Stream*> table_;  // open addressing, a power of two, at most half full
  std::size_t size_ = 0;
  unsigned shift_ = 64;
  Stream* last_ = nullptr;
  std::vector<Slab*> slabs_;
  std::vector<Stream*> free_;
};

}  // namespace hawser::quic
