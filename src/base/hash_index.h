// hash_index.h: objects found by a hash of 64 bits that stands for their key: 16 octets a slot, and
// no key is kept. For keys that whoever is found can check again, hashed under a secret, so that
// two that are equal by chance or by design are not to be met: of a million keys, a new one
// equals another with a probability of 5e-14.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace hawser {

template <class T>
class HashIndex {
 public:
  [[nodiscard]] std::size_t size() const { return size_; }

  [[nodiscard]] T* find(std::uint64_t hash) const {
    if (size_ == 0) return nullptr;
    for (std::size_t i = home(hash); slots_[i].object != nullptr; i = next(i))
      if (slots_[i].hash == hash) return slots_[i].object;
    return nullptr;
  }

  // False if there is one of this hash; then nothing changes.
  bool insert(std::uint64_t hash, T& object) {
    if ((size_ + 1) * 4 > slots_.size() * 3) resize(slots_.empty() ? kFirstSlots : slots_.size() * 2);
    std::size_t i = home(hash);
    for (; slots_[i].object != nullptr; i = next(i))
      if (slots_[i].hash == hash) return false;
    slots_[i] = {hash, &object};
    ++size_;
    return true;
  }

  // Does nothing if the hash is not there or belongs to another object.
  void erase(std::uint64_t hash, const T& object) {
    if (size_ == 0) return;
    for (std::size_t i = home(hash); slots_[i].object != nullptr; i = next(i)) {
      if (slots_[i].hash != hash) continue;
      if (slots_[i].object != &object) return;
      close_hole(i);
      --size_;
      // At an eighth, so that a size that swings about a bound does not resize each time.
      if (slots_.size() > kFirstSlots && size_ * 8 < slots_.size()) resize(slots_.size() / 2);
      return;
    }
  }

  // Octets on the heap.
  [[nodiscard]] std::size_t memory() const { return slots_.capacity() * sizeof(Slot); }

 private:
  static constexpr std::size_t kFirstSlots = 16;
  struct Slot {
    std::uint64_t hash = 0;
    T* object = nullptr;
  };

  [[nodiscard]] std::size_t next(std::size_t i) const { return (i + 1) & (slots_.size() - 1); }
  [[nodiscard]] std::size_t home(std::uint64_t hash) const { return hash & (slots_.size() - 1); }

  // Moves later slots of the run back, so that no tombstone is needed.
  void close_hole(std::size_t hole) {
    for (std::size_t i = next(hole); slots_[i].object != nullptr; i = next(i)) {
      const std::size_t distance_home = (i - home(slots_[i].hash)) & (slots_.size() - 1);
      const std::size_t distance_hole = (i - hole) & (slots_.size() - 1);
      if (distance_home < distance_hole) continue;
      slots_[hole] = slots_[i];
      hole = i;
    }
    slots_[hole] = {};
  }

  void resize(std::size_t slots) {
    const std::vector<Slot> old = std::exchange(slots_, std::vector<Slot>(slots));
    for (const Slot& slot : old) {
      if (slot.object == nullptr) continue;
      std::size_t i = home(slot.hash);
      while (slots_[i].object != nullptr) i = next(i);
      slots_[i] = slot;
    }
  }

  std::vector<Slot> slots_;  // a power of two, at most three quarters full
  std::size_t size_ = 0;
};

}  // namespace hawser
