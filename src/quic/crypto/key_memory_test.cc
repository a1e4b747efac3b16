// Goal: the memory of expanded keys is lent again, and nothing of a key is left in it. Method: a type of the size of
// such keys, whose blocks are followed by address.
#include "quic/crypto/key_memory.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <thread>
#include <vector>

namespace hawser::quic {
namespace {

struct alignas(64) Key {
  std::uint8_t octets[192];
};

TEST(key_memory, lends_again_what_was_given_back) {
  Key* first = KeyMemory<Key>::take();
  Key* second = KeyMemory<Key>::take();
  EXPECT_NE(first, second);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(first) % alignof(Key), 0U);
  KeyMemory<Key>::give_back(first);
  EXPECT_EQ(KeyMemory<Key>::take(), first);
  KeyMemory<Key>::give_back(second);
  KeyMemory<Key>::give_back(first);
}

TEST(key_memory, leaves_nothing_of_a_key) {
  constexpr std::uint8_t kMark = 0x5a;
  Key* key = KeyMemory<Key>::take();
  std::ranges::fill(key->octets, kMark);
  KeyMemory<Key>::give_back(key);
  Key* again = KeyMemory<Key>::take();
  ASSERT_EQ(again, key);
  EXPECT_EQ(std::ranges::count(again->octets, kMark), 0);
  KeyMemory<Key>::give_back(again);
}

TEST(key_memory, takes_back_what_another_thread_lent) {
  Key* key = nullptr;
  std::thread lender([&] { key = KeyMemory<Key>::take(); });
  lender.join();
  KeyMemory<Key>::give_back(key);
  EXPECT_EQ(KeyMemory<Key>::take(), key);
  KeyMemory<Key>::give_back(key);
}

TEST(key_memory, gives_what_is_too_much_to_the_allocator) {
  std::vector<Key*> keys(KeyMemory<Key>::kKept + 8);
  for (Key*& key : keys) key = KeyMemory<Key>::take();
  for (Key* key : keys) KeyMemory<Key>::give_back(key);
  EXPECT_EQ(KeyMemory<Key>::unused_count(), KeyMemory<Key>::kKept);
}

}  // namespace
}  // namespace hawser::quic
