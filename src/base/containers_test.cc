// containers_test.cc: goal: FlatMap and HashIndex lose nothing.
// Method: random operations over seeds against std::map.
#include <gtest/gtest.h>

#include <map>

#include "base/flat_map.h"
#include "base/hash_index.h"
#include "base/random.h"

namespace hawser {
namespace {

struct CollidingHash {
  std::uint64_t operator()(std::uint64_t key) const { return key % 7; }  // long runs on purpose
};

TEST(flat_map, agrees_with_a_map_even_when_all_keys_collide) {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    SeededRandom random(seed);
    FlatMap<std::uint64_t, int, CollidingHash> map{CollidingHash{}};
    std::map<std::uint64_t, int> model;
    for (int step = 0; step < 500; ++step) {
      const std::uint64_t key = random.below(64);
      if (random.below(2) == 0) {
        ASSERT_EQ(map.insert(key, step), model.emplace(key, step).second);
      } else {
        ASSERT_EQ(map.erase(key), model.erase(key) == 1);
      }
      ASSERT_EQ(map.size(), model.size());
      for (std::uint64_t k = 0; k < 64; ++k) {
        const int* found = map.find(k);
        const auto expected = model.find(k);
        ASSERT_EQ(found != nullptr, expected != model.end()) << "seed " << seed << " key " << k;
        if (found != nullptr) ASSERT_EQ(*found, expected->second);
      }
    }
  }
}

TEST(flat_map, hash_depends_on_key_and_every_octet) {
  const std::uint64_t a[2] = {1, 2};
  const std::uint64_t b[2] = {1, 3};
  std::uint8_t data[9] = {1, 2, 3, 4, 5, 6, 7, 8, 9};
  const std::uint64_t first = siphash13(a, data, 9);
  EXPECT_NE(first, siphash13(b, data, 9));
  EXPECT_NE(first, siphash13(a, data, 8));
  for (std::uint8_t& octet : data) {
    octet ^= 1;
    EXPECT_NE(first, siphash13(a, data, 9));
    octet ^= 1;
  }
}

TEST(hash_index, agrees_with_a_map_while_it_grows_and_shrinks) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    SeededRandom random(seed);
    std::array<int, 3> objects{};
    HashIndex<int> index;
    std::map<std::uint64_t, int*> model;
    std::size_t memory_most = 0;
    for (int step = 0; step < 4'000; ++step) {
      // First mostly insertions, then mostly erasures; the low bits collide on purpose.
      const std::uint64_t hash = random.below(600) << 3 | random.below(2);
      int& object = objects[random.below(objects.size())];
      if (random.below(4) == 0 ? step >= 2'000 : step < 2'000) {
        ASSERT_EQ(index.insert(hash, object), model.emplace(hash, &object).second);
      } else {
        index.erase(hash, object);
        if (const auto found = model.find(hash); found != model.end() && found->second == &object) model.erase(found);
      }
      ASSERT_EQ(index.size(), model.size());
      const std::uint64_t asked = random.below(600) << 3;
      const auto expected = model.find(asked);
      ASSERT_EQ(index.find(asked), expected == model.end() ? nullptr : expected->second) << "seed " << seed;
      memory_most = std::max(memory_most, index.memory());
    }
    for (const auto& [hash, object] : std::map(model)) index.erase(hash, *object);
    EXPECT_EQ(index.size(), 0u);
    EXPECT_LT(index.memory(), memory_most / 8);
  }
}

}  // namespace
}  // namespace hawser
