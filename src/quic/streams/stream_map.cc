// stream_map.cc: open addressing with linear probing, and slabs of streams.
#include "quic/streams/stream_map.h"

#include <bit>
#include <new>
#include <utility>

#include "base/check.h"

namespace hawser::quic {

static_assert(sizeof(Stream) <= 1024, "kConcurrentStreamsMax in stream_set.h counts on it");

struct StreamMap::Slab {
  alignas(Stream) unsigned char memory[kStreamsPerSlab * sizeof(Stream)];
  Stream* at(std::size_t i) { return std::launder(reinterpret_cast<Stream*>(memory + i * sizeof(Stream))); }
};

StreamMap::~StreamMap() {
  for (Slab* slab : slabs_) {
    for (std::size_t i = 0; i < kStreamsPerSlab; ++i) slab->at(i)->~Stream();
    delete slab;
  }
}

// Ids of one kind are 4 apart: multiplying by an odd constant spreads them over the table.
std::size_t StreamMap::home(StreamId id) const {
  return static_cast<std::size_t>((id.value * 0x9e37'79b9'7f4a'7c15u) >> shift_);
}

Stream* StreamMap::find_slow(StreamId id) {
  if (table_.empty()) return nullptr;
  const std::size_t mask = table_.size() - 1;
  for (std::size_t i = home(id); table_[i] != nullptr; i = (i + 1) & mask) {
    if (table_[i]->id != id) continue;
    last_ = table_[i];
    return last_;
  }
  return nullptr;
}

Stream& StreamMap::insert(StreamId id) {
  if ((size_ + 1) * 2 > table_.size()) grow_table();
  if (free_.empty()) add_slab();
  Stream& stream = *free_.back();
  free_.pop_back();
  stream.id = id;
  place(stream);
  ++size_;
  return stream;
}

void StreamMap::place(Stream& stream) {
  const std::size_t mask = table_.size() - 1;
  std::size_t i = home(stream.id);
  while (table_[i] != nullptr) i = (i + 1) & mask;
  table_[i] = &stream;
}

void StreamMap::erase(Stream& stream) {
  const std::size_t mask = table_.size() - 1;
  std::size_t hole = home(stream.id);
  while (table_[hole] != &stream) {
    HAWSER_CHECK(table_[hole] != nullptr);
    hole = (hole + 1) & mask;
  }
  // Moves later entries of the run back, so that no search ends at the hole too early.
  for (std::size_t i = (hole + 1) & mask; table_[i] != nullptr; i = (i + 1) & mask) {
    const std::size_t distance = (i - home(table_[i]->id)) & mask;
    if (distance < ((i - hole) & mask)) continue;
    table_[hole] = table_[i];
    hole = i;
  }
  table_[hole] = nullptr;
  if (last_ == &stream) last_ = nullptr;
  --size_;
  free_.push_back(&stream);
}

void StreamMap::grow_table() {
  std::vector<Stream*> old = std::exchange(table_, std::vector<Stream*>(table_.empty() ? 16 : table_.size() * 2));
  shift_ = 64 - static_cast<unsigned>(std::countr_zero(table_.size()));
  for (Stream* stream : old)
    if (stream != nullptr) place(*stream);
}

void StreamMap::add_slab() {
  Slab* slab = new Slab;
  slabs_.push_back(slab);
  free_.reserve(slabs_.size() * kStreamsPerSlab);
  for (std::size_t i = kStreamsPerSlab; i-- > 0;) {
    free_.push_back(new (slab->memory + i * sizeof(Stream)) Stream(*send_blocks_, *receive_blocks_));
  }
}

}  // namespace hawser::quic
