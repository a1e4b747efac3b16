// added_factories.h: factories that an application adds by name while the process runs, and that any thread
// may look up without a lock.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstring>
#include <string_view>

namespace hawser {

inline constexpr std::size_t kAddedNameMax = 31;  // octets

// A slot is claimed by one writer and read by anybody once it is ready; nothing is ever taken out. Meant for
// static storage: `constinit AddedFactories<F, N> added;`.
template <class Factory, std::size_t kSlots>
class AddedFactories {
 public:
  struct Entry {
    std::atomic<bool> ready{false};
    char name[kAddedNameMax + 1] = {};
    Factory make = nullptr;
    const void* context = nullptr;
  };

  [[nodiscard]] const Entry* find(std::string_view name) const {
    for (const Entry& entry : entries_)
      if (entry.ready.load(std::memory_order_acquire) && name == entry.name) return &entry;
    return nullptr;
  }

  // False if the table is full. `name` has 1 to kAddedNameMax octets and is copied.
  [[nodiscard]] bool add(std::string_view name, Factory make, const void* context) {
    const std::size_t index = claimed_.fetch_add(1, std::memory_order_relaxed);
    if (index >= kSlots) return false;
    Entry& entry = entries_[index];
    std::memcpy(entry.name, name.data(), name.size());
    entry.make = make;
    entry.context = context;
    entry.ready.store(true, std::memory_order_release);
    return true;
  }

  template <class Visit>
  void for_each_name(Visit visit) const {
    for (const Entry& entry : entries_)
      if (entry.ready.load(std::memory_order_acquire)) visit(std::string_view(entry.name));
  }

 private:
  std::array<Entry, kSlots> entries_{};
  std::atomic<std::size_t> claimed_{0};
};

}  // namespace hawser
