// field.cc: the arena behind a field section.
#include "http3/qpack/field.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"

namespace hawser::http3 {

namespace {
// A typical request has 600 octets of strings; one chunk holds it with room to spare.
constexpr std::size_t kFirstChunk = 2'048;
}  // namespace

std::size_t size_of(FieldList fields) {
  std::size_t size = 0;
  for (const Field& field : fields) size += size_of(field);
  return size;
}

void FieldSection::clear() {
  fields_.clear();
  chunk_ = 0;
  used_ = 0;
}

char* FieldSection::reserve(std::size_t size) {
  while (chunk_ < chunks_.size() && chunks_[chunk_].size - used_ < size) {
    ++chunk_;
    used_ = 0;
  }
  if (chunk_ == chunks_.size()) {
    const std::size_t doubled = chunks_.empty() ? kFirstChunk : chunks_.back().size * 2;
    const std::size_t chunk_size = std::max(doubled, size);
    chunks_.push_back({std::make_unique_for_overwrite<char[]>(chunk_size), chunk_size});
  }
  return chunks_[chunk_].memory.get() + used_;
}

std::string_view FieldSection::take(std::size_t used) {
  HAWSER_DCHECK(chunk_ < chunks_.size() && used_ + used <= chunks_[chunk_].size);
  const char* at = chunks_[chunk_].memory.get() + used_;
  used_ += used;
  return {at, used};
}

std::string_view FieldSection::store(std::string_view text) {
  if (text.empty()) return {};
  std::memcpy(reserve(text.size()), text.data(), text.size());
  return take(text.size());
}

void FieldSection::append(std::string_view name, std::string_view value, bool sensitive) {
  const std::string_view own_name = store(name);
  fields_.push_back({own_name, store(value), sensitive});
}

std::optional<std::string_view> FieldSection::find(std::string_view name) const {
  for (const Field& field : fields_) {
    if (field.name == name) return field.value;
  }
  return std::nullopt;
}

std::size_t FieldSection::memory() const {
  std::size_t size = fields_.capacity() * sizeof(Field);
  for (const Chunk& chunk : chunks_) size += chunk.size;
  return size;
}

}  // namespace hawser::http3
