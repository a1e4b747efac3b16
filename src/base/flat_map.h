// flat_map.h: an open-addressing hash map for the core, which speaks no Boost: keys are
// small values, hashes are keyed by the caller (a peer chooses connection IDs, so an unkeyed
// hash could be attacked), and lookups touch one or two cache lines.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "base/check.h"

namespace hawser {

// Hash: a callable `std::uint64_t operator()(const Key&) const`. Value should be cheap to
// move and to default-construct. Pointers to values are good until the next insert or erase.
template <class Key, class Value, class Hash>
class FlatMap {
 public:
  explicit FlatMap(Hash hash) : hash_(std::move(hash)) {}

  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] bool empty() const { return size_ == 0; }

  [[nodiscard]] Value* find(const Key& key) {
    if (size_ == 0) return nullptr;
    for (std::size_t i = home(key);; i = next(i)) {
      if (!slots_[i].used) return nullptr;
      if (slots_[i].key == key) return &slots_[i].value;
    }
  }

  // False if the key was there; then nothing changes.
  bool insert(const Key& key, Value value) {
    if ((size_ + 1) * 4 > slots_.size() * 3) grow();
    std::size_t i = home(key);
    for (; slots_[i].used; i = next(i))
      if (slots_[i].key == key) return false;
    slots_[i].used = true;
    slots_[i].key = key;
    slots_[i].value = std::move(value);
    ++size_;
    return true;
  }

  bool erase(const Key& key) {
    if (size_ == 0) return false;
    std::size_t i = home(key);
    for (; slots_[i].used; i = next(i)) {
      if (slots_[i].key == key) {
        close_hole(i);
        --size_;
        return true;
      }
    }
    return false;
  }

  // Forgets every entry and keeps the memory.
  void clear() {
    for (Slot& slot : slots_) slot = Slot{};
    size_ = 0;
  }

  // Calls visit(key, value) for each entry; the map must not change meanwhile.
  template <class Visit>
  void for_each(Visit&& visit) {
    for (Slot& slot : slots_)
      if (slot.used) visit(slot.key, slot.value);
  }

 private:
  struct Slot {
    Key key{};
    Value value{};
    bool used = false;
  };

  [[nodiscard]] std::size_t next(std::size_t i) const { return (i + 1) & (slots_.size() - 1); }
  [[nodiscard]] std::size_t home(const Key& key) const { return hash_(key) & (slots_.size() - 1); }

  // Moves later entries of the run back, so that no tombstone is needed.
  void close_hole(std::size_t hole) {
    for (std::size_t i = next(hole); slots_[i].used; i = next(i)) {
      const std::size_t distance_home = (i - home(slots_[i].key)) & (slots_.size() - 1);
      const std::size_t distance_hole = (i - hole) & (slots_.size() - 1);
      if (distance_home >= distance_hole) {
        slots_[hole] = std::move(slots_[i]);
        hole = i;
      }
    }
    slots_[hole] = Slot{};
  }

  void grow() {
    std::vector<Slot> old(slots_.empty() ? 16 : slots_.size() * 2);
    old.swap(slots_);
    size_ = 0;
    for (Slot& slot : old)
      if (slot.used) insert(slot.key, std::move(slot.value));
  }

  std::vector<Slot> slots_;
  std::size_t size_ = 0;
  Hash hash_;
};

// SipHash-1-3 of a short octet string under a 128-bit key.
std::uint64_t siphash13(const std::uint64_t (&key)[2], const std::uint8_t* data, std::size_t size);

}  // namespace hawser
