// dynamic_table.cc: insertion and eviction.
#include "http3/qpack/dynamic_table.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#include "base/check.h"

namespace hawser::http3::qpack {

namespace {
// Rings are made for this much at first: three or four fields of usual size.
constexpr std::size_t kFirstSpan = 256;
}  // namespace

// Makes rings for `size_needed` octets of table and moves what stands in the table to their
// start. Returns the strings' old memory, which the caller may still have to read from.
std::vector<char> DynamicTable::grow(std::size_t size_needed) {
  span_ = std::min(capacity_max_, std::max(kFirstSpan, std::bit_ceil(size_needed)));
  std::vector<Entry> entries(std::bit_ceil(std::max<std::size_t>(1, span_ / kFieldOverhead)));
  std::vector<char> octets(3 * span_);
  std::size_t head = 0;
  for (std::uint64_t absolute = dropped_count_; absolute != insert_count_; ++absolute) {
    Entry moved = entry(absolute);
    std::memcpy(octets.data() + head, octets_.data() + moved.offset, moved.name_size + moved.value_size);
    moved.offset = static_cast<std::uint32_t>(head);
    head += moved.name_size + moved.value_size;
    entries[absolute & (entries.size() - 1)] = moved;
  }
  entries_ = std::move(entries);
  entry_mask_ = entries_.size() - 1;
  head_ = head;
  return std::exchange(octets_, std::move(octets));
}

void DynamicTable::set_capacity(std::size_t capacity) {
  HAWSER_CHECK(capacity <= capacity_max_);
  capacity_ = capacity;
  evict_until(capacity);
}

void DynamicTable::evict_until(std::size_t size_max) {
  while (size_ > size_max) {
    const Entry& oldest = entry(dropped_count_++);
    size_ -= oldest.name_size + oldest.value_size + kFieldOverhead;
  }
}

// Where `count` octets can be written in one piece. With L octets of strings standing and
// L, count <= S, a ring of 3 S has them apart: after a jump to 0 the oldest string starts
// above 3 S - count - L, and until the next jump the head stays below 2 S. So not even the
// strings that this insertion evicts are overwritten, and they may be its source.
std::size_t DynamicTable::place(std::size_t count) {
  if (head_ + count > octets_.size()) head_ = 0;
  const std::size_t at = head_;
  head_ += count;
  return at;
}

std::uint64_t DynamicTable::insert(std::string_view name, std::string_view value) {
  HAWSER_CHECK(fits(name.size(), value.size()));
  const std::size_t size = name.size() + value.size() + kFieldOverhead;
  evict_until(capacity_ - size);
  std::vector<char> outgrown;
  if (size_ + size > span_) outgrown = grow(size_ + size);
  const std::size_t at = place(name.size() + value.size());
  if (!name.empty()) std::memcpy(octets_.data() + at, name.data(), name.size());
  if (!value.empty()) std::memcpy(octets_.data() + at + name.size(), value.data(), value.size());
  entries_[insert_count_ & entry_mask_] = {static_cast<std::uint32_t>(at), static_cast<std::uint32_t>(name.size()),
                                           static_cast<std::uint32_t>(value.size())};
  size_ += size;
  return insert_count_++;
}

Field DynamicTable::at(std::uint64_t absolute) const {
  HAWSER_DCHECK(absolute >= dropped_count_ && absolute < insert_count_);
  const Entry& e = entry(absolute);
  const char* name = octets_.data() + e.offset;
  return {{name, e.name_size}, {name + e.name_size, e.value_size}};
}

std::uint64_t DynamicTable::evictions_for(std::size_t size) const {
  std::size_t left = size_;
  std::uint64_t oldest = dropped_count_;
  while (left + size > capacity_ && oldest < insert_count_) {
    const Entry& e = entry(oldest++);
    left -= e.name_size + e.value_size + kFieldOverhead;
  }
  return oldest - dropped_count_;
}

}  // namespace hawser::http3::qpack
