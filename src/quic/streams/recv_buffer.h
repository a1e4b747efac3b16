// recv_buffer.h: received octets on their way to a reader. What arrives is kept as a borrowed view and
// copied, to its place in a block, only if the reader has not got it when the loan ends: in order, or behind a
// gap that the same batch may close, as where a batch has what came over several paths.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "quic/streams/block_pool.h"
#include "quic/streams/loans_ahead.h"

namespace hawser::quic {

// Stream octets in one block. Small, because a peer may leave one octet in each.
inline constexpr std::size_t kReceiveBlockOctets = 4096;

// Which octets of a block have arrived is kept as a bit each, not as a set of ranges: a peer
// that sends every second octet makes as many ranges as octets, while the bits cost an
// eighth of the window whatever it sends. Memory of a stream is therefore at most
// (window / 4096 + 2) blocks of 4096 + 512 octets, and no count of gaps needs a limit.
struct ReceiveBlock {
  std::uint8_t octets[kReceiveBlockOctets];
  std::uint64_t present[kReceiveBlockOctets / 64];
};

class RecvBuffer {  // rfc9000:21.7-fragmentation
 public:
  // `blocks` outlives the buffer; they are of sizeof(ReceiveBlock).
  explicit RecvBuffer(BlockAccount& blocks) : blocks_(&blocks) {}
  RecvBuffer(const RecvBuffer&) = delete;
  RecvBuffer& operator=(const RecvBuffer&) = delete;
  ~RecvBuffer() { clear(); }

  // Takes octets at any offset; the caller has checked the window. Borrows `data` if it is next in order, or
  // behind a gap and worth it, else copies. What was there before is dropped. `data` stays valid until retain(),
  // consume() of it, or clear().
  void add(std::uint64_t offset, Bytes data);
  // The same without ever borrowing.
  void add_copy(std::uint64_t offset, Bytes data);
  // Ends the loan: copies the borrowed octets that are still unread.
  void retain();

  // Fills `out` with the next octets in order; returns the filled part. Valid until the next
  // call of a non-const method.
  std::span<const Bytes> readable(std::span<Bytes> out) const;
  // Takes `octets` <= readable_octets() off the front.
  void consume(std::uint64_t octets);
  // Drops everything and starts over at offset 0; capacity stays.
  void clear();
  // The same, with all octets below `offset` read.
  void start_at(std::uint64_t offset) {
    clear();
    read_to_ = owned_to_ = contiguous_to_ = highest_ = offset;
  }
  // Takes blocks from this account from now on; it holds none.
  void charge(BlockAccount& blocks) { blocks_ = &blocks; }
  // Gives capacity back that holds nothing.
  void rest();

  [[nodiscard]] std::uint64_t read_to() const { return read_to_; }
  [[nodiscard]] std::uint64_t contiguous_to() const { return contiguous_to_; }  // all below has arrived
  [[nodiscard]] std::uint64_t highest() const { return highest_; }              // one past the highest octet held
  [[nodiscard]] std::uint64_t readable_octets() const { return contiguous_to_ - read_to_; }
  [[nodiscard]] bool has_borrowed() const {
    return borrowed_first_ < borrowed_.size() || (ahead_ != nullptr && !ahead_->empty());
  }
  [[nodiscard]] std::size_t blocks() const { return block_count_; }
  // Octets on the heap, without blocks.
  [[nodiscard]] std::size_t memory() const {
    return slots_.capacity() * sizeof(ReceiveBlock*) + borrowed_.capacity() * sizeof(Bytes) +
           (ahead_ != nullptr ? sizeof(LoansAhead) + ahead_->memory() : 0);
  }

 private:
  ReceiveBlock*& slot(std::uint64_t block_number) { return slots_[block_number & (slots_.size() - 1)]; }
  ReceiveBlock* block_at(std::uint64_t block_number) const {
    return slots_.empty() ? nullptr : slots_[block_number & (slots_.size() - 1)];
  }
  ReceiveBlock& provide_block(std::uint64_t block_number);
  void grow_slots(std::uint64_t block_number);
  void store(std::uint64_t offset, Bytes data, bool mark);
  void advance_contiguous();
  void borrow_what_follows();
  [[nodiscard]] std::size_t present_run() const;
  void release_blocks(std::uint64_t from, std::uint64_t to);

  BlockAccount* blocks_;
  // Blocks from the reader's on, by number modulo the capacity, which is a power of two.
  std::vector<ReceiveBlock*> slots_;
  std::size_t block_count_ = 0;
  std::uint64_t read_to_ = 0;
  std::uint64_t owned_to_ = 0;  // [read_to_, owned_to_) lies in blocks, the rest to contiguous_to_ in borrowed_
  std::uint64_t contiguous_to_ = 0;
  std::uint64_t highest_ = 0;
  // From borrowed_first_ on, in order. What had come before its turn may lie in blocks among the others.
  std::vector<Bytes> borrowed_;
  std::size_t borrowed_first_ = 0;
  std::unique_ptr<LoansAhead> ahead_;  // borrowed behind a gap; made when that first happens
};

}  // namespace hawser::quic
