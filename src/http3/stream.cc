// stream.cc: the table of streams.
#include "http3/stream.h"

#include "base/check.h"

namespace hawser::http3 {

namespace {
constexpr std::size_t kFirstSlots = 16;
}  // namespace

void Stream::drop_section() {
  section.clear();
  if (section.capacity() > kPayloadMemoryKept) section = std::vector<std::uint8_t>();
}

void Stream::reset(quic::StreamId new_id) {
  drop_section();
  std::vector<std::uint8_t> kept = std::move(section);
  FrameReader kept_reader = std::move(reader);
  *this = Stream{};
  id = new_id;
  section = std::move(kept);
  reader = std::move(kept_reader);
}

std::size_t StreamTable::home(quic::StreamId id) const {
  const std::uint64_t hash = id.value * 0x9e3779b97f4a7c15;
  return static_cast<std::size_t>(hash >> 32) & (slots_.size() - 1);
}

Stream* StreamTable::find(quic::StreamId id) const {
  if (size_ == 0) return nullptr;
  for (std::size_t at = home(id); slots_[at] != nullptr; at = (at + 1) & (slots_.size() - 1)) {
    if (slots_[at]->id == id) return slots_[at];
  }
  return nullptr;
}

Stream& StreamTable::insert(quic::StreamId id) {
  if ((size_ + 1) * 2 > slots_.size()) grow();
  Stream* stream = free_.empty() ? new Stream : free_.back().release();
  if (!free_.empty()) free_.pop_back();
  stream->reset(id);
  std::size_t at = home(id);
  while (slots_[at] != nullptr) at = (at + 1) & (slots_.size() - 1);
  slots_[at] = stream;
  ++size_;
  return *stream;
}

void StreamTable::grow() {
  std::vector<Stream*> old(slots_.empty() ? kFirstSlots : slots_.size() * 2, nullptr);
  old.swap(slots_);
  for (Stream* stream : old) {
    if (stream == nullptr) continue;
    std::size_t at = home(stream->id);
    while (slots_[at] != nullptr) at = (at + 1) & (slots_.size() - 1);
    slots_[at] = stream;
  }
}

void StreamTable::erase(quic::StreamId id) {
  const std::size_t mask = slots_.size() - 1;
  std::size_t hole = home(id);
  while (slots_[hole] != nullptr && slots_[hole]->id != id) hole = (hole + 1) & mask;
  HAWSER_CHECK(slots_[hole] != nullptr);
  free_.emplace_back(slots_[hole]);
  slots_[hole] = nullptr;
  --size_;
  // Whoever was pushed past the hole by it moves back.
  for (std::size_t at = (hole + 1) & mask; slots_[at] != nullptr; at = (at + 1) & mask) {
    const std::size_t wanted = home(slots_[at]->id);
    if (((at - wanted) & mask) < ((at - hole) & mask)) continue;
    slots_[hole] = slots_[at];
    slots_[at] = nullptr;
    hole = at;
  }
}

StreamTable::~StreamTable() {
  for (Stream* stream : slots_) delete stream;
}

void StreamTable::rest() {
  free_ = std::vector<std::unique_ptr<Stream>>();
  if (size_ == 0) slots_ = std::vector<Stream*>();
  for (Stream* stream : slots_)
    if (stream != nullptr) stream->reader.rest();
}

std::size_t StreamTable::memory() const {
  std::size_t octets = slots_.capacity() * sizeof(Stream*) + free_.capacity() * sizeof(Stream*) +
                       (size_ + free_.size()) * sizeof(Stream);
  for (const Stream* stream : slots_)
    if (stream != nullptr) octets += stream->section.capacity() + stream->reader.memory();
  for (const auto& stream : free_) octets += stream->section.capacity() + stream->reader.memory();
  return octets;
}

void StreamTable::list(std::vector<quic::StreamId>& out) const {
  out.clear();
  for (const Stream* stream : slots_) {
    if (stream != nullptr) out.push_back(stream->id);
  }
}

}  // namespace hawser::http3
