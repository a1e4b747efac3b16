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

// A slot is filled by one writer and read by anybody once it is ready; nothing is ever taken out. Meant for
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

  enum class Added { kDone, kTaken, kFull };

  // `name` has 1 to kAddedNameMax octets, none of them zero, and is copied. Of two threads that add one name at once
  // one has it.
  [[nodiscard]] Added add(std::string_view name, Factory make, const void* context) {
    while (adding_.test_and_set(std::memory_order_acquire)) adding_.wait(true, std::memory_order_relaxed);
    const Added result = find(name) != nullptr ? Added::kTaken : count_ == kSlots ? Added::kFull : Added::kDone;
    if (result == Added::kDone) {
      Entry& entry = entries_[count_++];
      std::memcpy(entry.name, name.data(), name.size());
      entry.make = make;
      entry.context = context;
      entry.ready.store(true, std::memory_order_release);
    }
    adding_.clear(std::memory_order_release);
    adding_.notify_one();
    return result;
  }

  template <class Visit>
  void for_each_name(Visit visit) const {
    for (const Entry& entry : entries_)
      if (entry.ready.load(std::memory_order_acquire)) visit(std::string_view(entry.name));
  }

 private:
  std::array<Entry, kSlots> entries_{};
  std::atomic_flag adding_;
  std::size_t count_ = 0;  // touched while adding_ is set
};

}  // namespace hawser
