// stream_map.cc: open addressing with linear probing, and streams at rest.
#include "quic/streams/stream_map.h"

#include <array>
#include <bit>
#include <utility>

#include "base/check.h"

namespace hawser::quic {

static_assert(sizeof(Stream) <= 1024, "kConcurrentStreamsMax in stream_set.h counts on it");

namespace {
constexpr std::size_t kFirstSlots = 16;
}  // namespace

// What is lost with the connection may still be queued, and hold data.
StreamMap::~StreamMap() {
  for (Stream* stream : table_) {
    if (stream == nullptr) continue;
    stream->send.release_buffers();
    stream->recv.release_buffers();
    stream->event_link = stream->control_link = stream->send_link = stream->borrowed_link = {};
    stream->scheduled = stream->waits_for_credit = false;
    pool_->release(stream);
  }
}

// Ids of one kind are 4 apart: multiplying by an odd constant spreads them over the table.
std::size_t StreamMap::home(StreamId id) const {
  return static_cast<std::size_t>((id.value * 0x9e37'79b9'7f4a'7c15u) >> shift_);
}

Stream* StreamMap::find_slow(StreamId id) {
  if (!table_.empty()) {
    const std::size_t mask = table_.size() - 1;
    for (std::size_t i = home(id); table_[i] != nullptr; i = (i + 1) & mask) {
      if (table_[i]->id != id) continue;
      last_ = table_[i];
      return last_;
    }
  }
  for (RestingStream& resting : resting_)
    if (resting.id == id) return last_ = wake(resting);
  return nullptr;
}

Stream& StreamMap::insert(StreamId id) {
  Stream& stream = *pool_->acquire(*send_blocks_, *receive_blocks_);
  stream.id = id;
  return *place(stream);
}

Stream* StreamMap::place(Stream& stream) {
  if ((size_ + 1) * 2 > table_.size()) resize_table(table_.empty() ? kFirstSlots : table_.size() * 2);
  const std::size_t mask = table_.size() - 1;
  std::size_t i = home(stream.id);
  while (table_[i] != nullptr) i = (i + 1) & mask;
  table_[i] = &stream;
  ++size_;
  return &stream;
}

void StreamMap::erase(Stream& stream) {
  remove(stream);
  pool_->release(&stream);
}

void StreamMap::remove(Stream& stream) {
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
}

void StreamMap::resize_table(std::size_t slots) {
  const std::vector<Stream*> old = std::exchange(table_, std::vector<Stream*>(slots));
  shift_ = 64 - static_cast<unsigned>(std::countr_zero(slots));
  size_ = 0;
  for (Stream* stream : old)
    if (stream != nullptr) place(*stream);
}

void StreamMap::rest() {
  for (Stream* stream : table_) {
    if (stream == nullptr) continue;
    stream->send.rest();
    stream->recv.rest();
  }
  if (size() <= kRestingStreamsMax) {
    std::array<Stream*, kRestingStreamsMax> going{};
    std::size_t count = 0;
    for (Stream* stream : table_)
      if (stream != nullptr && RestingStream::can_rest(*stream)) going[count++] = stream;
    resting_.reserve(resting_.size() + count);
    for (std::size_t i = 0; i < count; ++i) {
      resting_.push_back(RestingStream::of(*going[i]));
      erase(*going[i]);
    }
  }
  if (size_ == 0) table_ = std::vector<Stream*>();
}

// The last one takes its place.
Stream* StreamMap::wake(RestingStream& resting) {
  Stream& stream = insert(resting.id);
  stream.send.resume(resting.id, resting.sends, resting.send, caps_.send_buffer);
  stream.recv.resume(resting.id, resting.receives, resting.recv, caps_.receive_window);
  stream.priority = resting.priority;
  stream.events = stream.control = 0;
  stream.closed = false;
  stream.stop_code = 0;
  resting = resting_.back();
  resting_.pop_back();
  return &stream;
}

std::size_t StreamMap::memory() const {
  std::size_t octets = table_.capacity() * sizeof(Stream*) + resting_.capacity() * sizeof(RestingStream);
  for (const Stream* stream : table_)
    if (stream != nullptr) octets += sizeof(Stream) + stream->send.memory() + stream->recv.memory();
  return octets;
}

}  // namespace hawser::quic
