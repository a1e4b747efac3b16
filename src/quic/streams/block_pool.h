// block_pool.h: blocks of one size on a free list, so that buffering in steady state takes and
// gives back memory without the allocator. One pool serves all connections of an endpoint: blocks
// are lent while data moves, and a connection on which nothing moves holds none.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>

#include "base/check.h"

namespace hawser::quic {

class BlockPool {
 public:
  // Blocks of `block_size` octets (at least a pointer); at most `free_max` unused ones are
  // kept, the rest goes back to the allocator.
  BlockPool(std::size_t block_size, std::size_t free_max) : block_size_(block_size), free_max_(free_max) {
    HAWSER_CHECK(block_size >= sizeof(void*));
  }
  BlockPool(const BlockPool&) = delete;
  BlockPool& operator=(const BlockPool&) = delete;
  ~BlockPool() { release_idle(); }

  // Uninitialised memory, aligned for any scalar. Goes back through release().
  std::uint8_t* acquire() {
    ++in_use_;
    if (free_ == nullptr) return static_cast<std::uint8_t*>(::operator new(block_size_));
    std::uint8_t* block = free_;
    std::memcpy(&free_, block, sizeof free_);
    --free_count_;
    return block;
  }

  void release(std::uint8_t* block) {
    HAWSER_DCHECK(in_use_ > 0);
    --in_use_;
    if (free_count_ >= free_max_) {
      ::operator delete(block);
      return;
    }
    std::memcpy(block, &free_, sizeof free_);
    free_ = block;
    ++free_count_;
  }

  // Gives every unused block back to the allocator.
  void release_idle() {
    while (free_ != nullptr) {
      std::uint8_t* block = free_;
      std::memcpy(&free_, block, sizeof free_);
      ::operator delete(block);
    }
    free_count_ = 0;
  }

  [[nodiscard]] std::size_t block_size() const { return block_size_; }
  [[nodiscard]] std::size_t in_use() const { return in_use_; }
  [[nodiscard]] std::size_t octets_in_use() const { return in_use_ * block_size_; }
  [[nodiscard]] std::size_t unused() const { return free_count_; }

 private:
  std::size_t block_size_;
  std::size_t free_max_;
  std::uint8_t* free_ = nullptr;  // each free block starts with a pointer to the next
  std::size_t free_count_ = 0;
  std::size_t in_use_ = 0;
};

// What one connection holds of a pool.
class BlockAccount {
 public:
  // The pool outlives the account.
  explicit BlockAccount(BlockPool& pool) : pool_(&pool) {}
  BlockAccount(const BlockAccount&) = delete;
  BlockAccount& operator=(const BlockAccount&) = delete;

  std::uint8_t* acquire() {
    ++held_;
    return pool_->acquire();
  }
  void release(std::uint8_t* block) {
    HAWSER_DCHECK(held_ > 0);
    --held_;
    pool_->release(block);
  }
  [[nodiscard]] std::size_t held() const { return held_; }
  [[nodiscard]] std::size_t octets() const { return held_ * pool_->block_size(); }

 private:
  BlockPool* pool_;
  std::size_t held_ = 0;
};

}  // namespace hawser::quic
