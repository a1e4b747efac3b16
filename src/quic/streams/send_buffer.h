// send_buffer.h: the octets of one stream that are written but not yet acknowledged. Large
// writes are referred to where they lie; small ones are gathered into pooled blocks. Packets
// are sealed straight from here, so a view handed out stays valid until it is acknowledged.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/bytes.h"
#include "base/range_set.h"
#include "base/shared_bytes.h"
#include "quic/streams/block_pool.h"

namespace hawser::quic {

// Block size of the pool behind send buffers: a dozen packets lie in one piece.
inline constexpr std::size_t kSendBlockSize = 16 * 1024;

class SendBuffer {
 public:
  // Shared memory shorter than this is copied: a chunk boundary costs a STREAM header and a
  // piece of the packet, which outweighs moving so few octets.
  static constexpr std::size_t kShareFrom = 1024;

  // `blocks` outlives the buffer; they are of kSendBlockSize octets.
  explicit SendBuffer(BlockAccount& blocks) : blocks_(&blocks) {}
  SendBuffer(const SendBuffer&) = delete;
  SendBuffer& operator=(const SendBuffer&) = delete;
  ~SendBuffer() { clear(); }

  void append_copy(Bytes bytes);
  // Keeps a share of the memory until its last octet is acknowledged.
  void append(SharedBytes bytes);

  // Octets from `offset`, at most `size_max`, as far as they lie in one piece; empty only if
  // nothing is buffered there. Valid until acknowledged or clear().
  [[nodiscard]] Bytes view(std::uint64_t offset, std::uint64_t size_max);

  // The octets [offset, offset + size) went into a packet: new ones from next() on, or part
  // of a lost range.
  void on_sent(std::uint64_t offset, std::uint64_t size);
  // Constant time for acknowledgements in order. The number of acknowledged ranges above the
  // first hole is at most the number of frames in flight, since each hole is one of them.
  void on_acked(std::uint64_t offset, std::uint64_t size);
  // Whatever of it is still unacknowledged will be sent again; of what is under way a second time only once that is
  // lost as well.
  void on_lost(std::uint64_t offset, std::uint64_t size);
  // Octets that were sent went into a second packet, and that packet was lost.
  void on_copied(std::uint64_t offset, std::uint64_t size);
  void on_copy_lost(std::uint64_t offset, std::uint64_t size);
  // Octets from `end` on are never sent (again): those in flight count as acknowledged, the unsent ones are
  // dropped as far as they lie above what was sent.
  void cut(std::uint64_t end);
  // All of it is to be sent as if for the first time (rejected 0-RTT), from the
  // lowest unacknowledged one on.
  void mark_unsent();
  // Drops everything and starts over at offset 0; capacity stays.
  void clear();
  // The same, with all octets below `offset` acknowledged.
  void start_at(std::uint64_t offset) {
    clear();
    acked_to_ = next_ = end_ = offset;
  }
  // Takes blocks from this account from now on; it holds none.
  void charge(BlockAccount& blocks) { blocks_ = &blocks; }
  // Gives capacity back that holds nothing.
  void rest();

  // The first part of [begin, end) that was sent and is not acknowledged; empty: there is none.
  [[nodiscard]] Range unacknowledged(std::uint64_t begin, std::uint64_t end) const {
    begin = std::max(begin, acked_to_);
    end = std::min(end, next_);
    return begin < end ? acked_.first_gap(begin, end) : Range{end, end};
  }
  [[nodiscard]] bool has_lost() const { return !lost_.empty(); }
  [[nodiscard]] Range lowest_lost() const { return lost_.lowest(); }
  // About how many octets are lost: of many ranges the first stand for all.
  [[nodiscard]] std::uint64_t lost_octets() const;
  [[nodiscard]] std::uint64_t next() const { return next_; }          // first octet never sent
  [[nodiscard]] std::uint64_t end() const { return end_; }            // one past the last written
  [[nodiscard]] std::uint64_t acked_to() const { return acked_to_; }  // all below is acknowledged
  [[nodiscard]] std::uint64_t buffered() const { return end_ - acked_to_; }
  [[nodiscard]] std::uint64_t chunks() const { return tail_ - head_; }
  [[nodiscard]] std::uint64_t in_flight() const { return next_ - acked_to_; }
  [[nodiscard]] std::size_t acked_ranges() const { return acked_.size(); }
  // Octets on the heap, without blocks and shares.
  [[nodiscard]] std::size_t memory() const {
    return ring_.capacity() * sizeof(Chunk) + acked_.memory() + lost_.memory() +
           (copies_ == nullptr ? 0 : sizeof(Copies) + copies_->under_way.memory() + copies_->awaited.memory());
  }

 private:
  struct Chunk {
    const std::uint8_t* data = nullptr;
    std::uint64_t begin = 0;  // stream offset of data[0]
    std::uint64_t size = 0;
    SharedBytes share;              // empty if the octets lie in `block`
    std::uint8_t* block = nullptr;  // from blocks_
    [[nodiscard]] std::uint64_t end() const { return begin + size; }
  };

  // Of octets in [acked_to_, next_) that are not acknowledged.
  struct Copies {
    RangeSet under_way;  // those in a second packet
    RangeSet awaited;    // and of these, those whose first was lost
  };

  Chunk& chunk(std::uint64_t number) { return ring_[number & (ring_.size() - 1)]; }
  Chunk& push_chunk();
  void pop_acked_chunks();
  void free_chunk(Chunk& chunk);
  void note_lost(Range octets);
  void forget_copies(std::uint64_t begin, std::uint64_t end);
  [[nodiscard]] std::uint64_t find_chunk(std::uint64_t offset);

  BlockAccount* blocks_;
  std::vector<Chunk> ring_;   // capacity a power of two; chunk n stands at n mod capacity
  std::uint64_t head_ = 0;    // number of the first chunk
  std::uint64_t tail_ = 0;    // one past the number of the last
  std::uint64_t cursor_ = 0;  // chunk that next_ is likely in
  std::uint64_t acked_to_ = 0;
  std::uint64_t next_ = 0;
  std::uint64_t end_ = 0;
  RangeSet acked_;                  // above acked_to_
  RangeSet lost_;                   // within [acked_to_, next_), disjoint from acked_
  std::unique_ptr<Copies> copies_;  // since there was one
};

}  // namespace hawser::quic
