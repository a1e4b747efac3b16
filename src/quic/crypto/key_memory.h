// key_memory.h: where expanded keys lie. A handshake makes a dozen of them and a connection at rest keeps none. Their
// alignment to cache lines keeps the allocator from using the gaps that they leave for the next ones, so that many
// connections at rest would stand between as many gaps: the blocks are kept and lent again instead.
#pragma once

#include <cstddef>
#include <new>

#include "base/bytes.h"
#include "quic/crypto/secret.h"

namespace hawser::quic {

// Blocks for objects of type Key, a trivial one; each thread has its own.
template <class Key>
class KeyMemory {
 public:
  // Unused blocks that a thread keeps: the keys of a hundred handshakes that are under way at a time.
  static constexpr std::size_t kKept = 1'024;

  // Uninitialized. Goes back through give_back(), on any thread.
  static Key* take() {
    if (unused.first == nullptr) return new (::operator new(sizeof(Block), kAlignment)) Key;
    Block* block = unused.first;
    unused.first = block->next;
    --unused.count;
    return new (block) Key;
  }

  // Wipes it.
  static void give_back(Key* key) {
    wipe({reinterpret_cast<std::uint8_t*>(key), sizeof(Key)});
    if (thread_ends || unused.count == kKept) return ::operator delete(key, kAlignment);
    unused.first = new (key) Block{unused.first};
    ++unused.count;
  }

  // Blocks that the calling thread keeps.
  static std::size_t unused_count() { return unused.count; }

 private:
  union Block {
    Block* next;
    alignas(Key) std::uint8_t octets[sizeof(Key)];
  };
  static constexpr std::align_val_t kAlignment{alignof(Key)};

  struct Unused {
    Block* first = nullptr;
    std::size_t count = 0;
    ~Unused() {
      thread_ends = true;  // keys of static objects go after those of the thread
      while (first != nullptr) {
        Block* next = first->next;
        ::operator delete(first, kAlignment);
        first = next;
      }
    }
  };
  static inline thread_local bool thread_ends = false;
  static inline thread_local Unused unused;
};

}  // namespace hawser::quic
