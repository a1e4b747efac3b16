// dynamic_table.h: the fields that both ends of a connection have learned, in order (RFC 9204
// section 3.2). The same machine serves the encoder and the decoder.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "http3/qpack/field.h"

namespace hawser::http3::qpack {

// Offsets in the table's ring of strings are 32 bits and the ring is three times the capacity.
inline constexpr std::size_t kTableCapacityMax = std::size_t{1} << 30;

// Entries stand in a ring by absolute index, their strings in a ring of octets. Both are made
// for as much as ever stood in the table at once, rounded up to a power of two: for S octets of
// table they are 3 S for strings and 12 for each of S / 32 entries, so 14 KB for all of 4,096, 0.9
// for one field of usual size, and nothing before the first.
class DynamicTable {
 public:
  // `capacity_max`: the bound that SETTINGS_QPACK_MAX_TABLE_CAPACITY puts on set_capacity().
  explicit DynamicTable(std::size_t capacity_max) : capacity_max_(capacity_max) {}

  // Evicts what no longer fits. capacity <= capacity_max().
  void set_capacity(std::size_t capacity);

  // Whether a field of these lengths can stand in the table at all.
  [[nodiscard]] bool fits(std::size_t name_size, std::size_t value_size) const {
    return name_size <= capacity_ && value_size <= capacity_ && name_size + value_size + kFieldOverhead <= capacity_;
  }

  // Adds a field that fits(), evicting from the oldest. The strings may be those of an entry
  // of this table, also of one that this call evicts. Returns its absolute index.
  std::uint64_t insert(std::string_view name, std::string_view value);

  // By absolute index, with dropped_count() <= index < insert_count(). The views live until
  // the entry is evicted.
  [[nodiscard]] Field at(std::uint64_t absolute) const;

  // How many oldest entries an insertion of `size` octets (with the overhead) would evict.
  [[nodiscard]] std::uint64_t evictions_for(std::size_t size) const;

  [[nodiscard]] std::uint64_t insert_count() const { return insert_count_; }
  [[nodiscard]] std::uint64_t dropped_count() const { return dropped_count_; }
  [[nodiscard]] std::size_t entries() const { return static_cast<std::size_t>(insert_count_ - dropped_count_); }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] std::size_t capacity() const { return capacity_; }
  [[nodiscard]] std::size_t capacity_max() const { return capacity_max_; }
  // RFC 9204 section 4.5.1.1: MaxEntries, from the largest capacity and not the current one.
  [[nodiscard]] std::uint64_t entries_max() const { return capacity_max_ / kFieldOverhead; }
  // Octets on the heap.
  [[nodiscard]] std::size_t memory() const { return entries_.capacity() * sizeof(Entry) + octets_.capacity(); }

 private:
  struct Entry {
    std::uint32_t offset = 0;  // of the name in octets_; the value follows it
    std::uint32_t name_size = 0;
    std::uint32_t value_size = 0;
  };

  std::vector<char> grow(std::size_t size_needed);
  void evict_until(std::size_t size_max);
  std::size_t place(std::size_t count);
  [[nodiscard]] const Entry& entry(std::uint64_t absolute) const { return entries_[absolute & entry_mask_]; }

  std::vector<Entry> entries_;  // a ring of a power of two
  std::uint64_t entry_mask_ = 0;
  std::vector<char> octets_;  // a ring of 3 * span_: see place()
  std::size_t span_ = 0;      // the size of table that both rings are made for
  std::size_t head_ = 0;      // where the next string goes
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
  std::size_t capacity_max_;
  std::uint64_t insert_count_ = 0;
  std::uint64_t dropped_count_ = 0;
};

}  // namespace hawser::http3::qpack
