// send_buffer.cc: chunks of a stream's unacknowledged octets and what became of them.
#include "quic/streams/send_buffer.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace hawser::quic {

SendBuffer::Chunk& SendBuffer::push_chunk() {
  const std::uint64_t count = tail_ - head_;
  if (count == ring_.size()) {
    std::vector<Chunk> larger(ring_.empty() ? 4 : ring_.size() * 2);
    for (std::uint64_t n = head_; n != tail_; ++n) larger[n & (larger.size() - 1)] = std::move(chunk(n));
    ring_ = std::move(larger);
  }
  Chunk& added = chunk(tail_++);
  added.begin = end_;
  added.size = 0;
  return added;
}

void SendBuffer::append_copy(Bytes bytes) {
  while (!bytes.empty()) {
    Chunk* last = tail_ == head_ ? nullptr : &chunk(tail_ - 1);
    if (last == nullptr || last->block == nullptr || last->size == kSendBlockSize) {
      last = &push_chunk();
      last->block = blocks_->acquire();
      last->data = last->block;
    }
    const std::size_t count = std::min<std::size_t>(bytes.size(), kSendBlockSize - last->size);
    std::memcpy(last->block + last->size, bytes.data(), count);
    last->size += count;
    end_ += count;
    bytes = bytes.subspan(count);
  }
}

void SendBuffer::append(SharedBytes bytes) {
  if (bytes.size() < kShareFrom) {
    append_copy(bytes.view());
    return;
  }
  Chunk& added = push_chunk();
  added.data = bytes.data();
  added.size = bytes.size();
  end_ += bytes.size();
  added.share = std::move(bytes);
}

// The number of the chunk that holds `offset`, which is in [acked_to_, end_).
std::uint64_t SendBuffer::find_chunk(std::uint64_t offset) {
  cursor_ = std::max(cursor_, head_);
  if (cursor_ < tail_ && chunk(cursor_).begin <= offset) {
    if (offset < chunk(cursor_).end()) return cursor_;
    if (cursor_ + 1 < tail_ && offset < chunk(cursor_ + 1).end()) return ++cursor_;
  }
  std::uint64_t low = head_;
  std::uint64_t high = tail_ - 1;
  while (low < high) {
    const std::uint64_t middle = low + (high - low) / 2;
    if (offset < chunk(middle).end())
      high = middle;
    else
      low = middle + 1;
  }
  if (offset >= next_) cursor_ = low;
  return low;
}

Bytes SendBuffer::view(std::uint64_t offset, std::uint64_t size_max) {
  if (offset < acked_to_ || offset >= end_) return {};
  const Chunk& found = chunk(find_chunk(offset));
  const std::uint64_t skip = offset - found.begin;
  return {found.data + skip, static_cast<std::size_t>(std::min(size_max, found.size - skip))};
}

void SendBuffer::on_sent(std::uint64_t offset, std::uint64_t size) {
  if (offset == next_) {
    next_ += size;
  } else {
    lost_.remove(offset, offset + size);
  }
}

void SendBuffer::on_acked(std::uint64_t offset, std::uint64_t size) {
  const std::uint64_t begin = std::max(offset, acked_to_);
  const std::uint64_t end = std::min(offset + size, next_);
  if (begin >= end) return;
  if (!lost_.empty()) lost_.remove(begin, end);
  if (copies_ != nullptr) [[unlikely]]
    forget_copies(begin, end);
  if (begin > acked_to_) {
    acked_.add(begin, end);
    return;
  }
  acked_to_ = end;
  while (!acked_.empty() && acked_.lowest().begin <= acked_to_) {
    acked_to_ = std::max(acked_to_, acked_.lowest().end);
    acked_.drop_lowest();
  }
  pop_acked_chunks();
}

void SendBuffer::on_lost(std::uint64_t offset, std::uint64_t size) {
  std::uint64_t begin = std::max(offset, acked_to_);
  const std::uint64_t end = std::min(offset + size, next_);
  while (begin < end) {
    const Range gap = acked_.first_gap(begin, end);
    if (gap.begin >= gap.end) return;
    note_lost(gap);
    begin = gap.end;
  }
}

void SendBuffer::forget_copies(std::uint64_t begin, std::uint64_t end) {
  copies_->under_way.remove(begin, end);
  copies_->awaited.remove(begin, end);
}

void SendBuffer::note_lost(Range octets) {
  if (copies_ == nullptr) {
    lost_.add(octets.begin, octets.end);
    return;
  }
  while (octets.begin < octets.end) {
    const Range alone = copies_->under_way.first_gap(octets.begin, octets.end);
    if (octets.begin < alone.begin) copies_->awaited.add(octets.begin, alone.begin);
    if (alone.begin < alone.end) lost_.add(alone.begin, alone.end);
    octets.begin = alone.end;
  }
}

void SendBuffer::on_copied(std::uint64_t offset, std::uint64_t size) {
  if (size == 0) return;
  if (copies_ == nullptr) copies_ = std::make_unique<Copies>();
  copies_->under_way.add(offset, offset + size);
}

void SendBuffer::on_copy_lost(std::uint64_t offset, std::uint64_t size) {
  if (copies_ == nullptr) return;
  const Range lost{std::max(offset, acked_to_), offset + size};
  if (lost.begin >= lost.end) return;
  copies_->under_way.remove(lost.begin, lost.end);
  for (std::uint64_t from = lost.begin; from < lost.end;) {
    const Range other = copies_->awaited.first_gap(from, lost.end);
    if (from < other.begin) lost_.add(from, other.begin);
    from = other.end;
  }
  copies_->awaited.remove(lost.begin, lost.end);
}

std::uint64_t SendBuffer::lost_octets() const {
  constexpr std::size_t kCounted = 32;
  const std::size_t counted = std::min(lost_.size(), kCounted);
  std::uint64_t octets = 0;
  for (std::size_t i = 0; i < counted; ++i) octets += lost_[i].size();
  return lost_.size() == counted ? octets : octets * lost_.size() / counted;
}

void SendBuffer::cut(std::uint64_t end) {
  const std::uint64_t kept = std::max(end, next_);
  while (head_ != tail_ && chunk(tail_ - 1).begin >= kept) free_chunk(chunk(--tail_));
  if (head_ != tail_) chunk(tail_ - 1).size = std::min(chunk(tail_ - 1).size, kept - chunk(tail_ - 1).begin);
  end_ = std::min(end_, kept);
  cursor_ = std::min(cursor_, head_ == tail_ ? head_ : tail_ - 1);
  if (end < next_) on_acked(end, next_ - end);
  // All that was sent may be acknowledged already: then nothing else frees the piece that ended beyond it.
  pop_acked_chunks();
}

void SendBuffer::mark_unsent() {
  acked_.clear();
  next_ = acked_to_;
  cursor_ = head_;
  lost_.clear();
  copies_.reset();
}

void SendBuffer::pop_acked_chunks() {
  while (head_ != tail_ && chunk(head_).end() <= acked_to_) free_chunk(chunk(head_++));
}

void SendBuffer::free_chunk(Chunk& freed) {
  if (freed.block != nullptr) blocks_->release(freed.block);
  freed.block = nullptr;
  freed.share = {};
}

void SendBuffer::clear() {
  while (head_ != tail_) free_chunk(chunk(head_++));
  head_ = tail_ = cursor_ = 0;
  acked_to_ = next_ = end_ = 0;
  acked_.clear();
  lost_.clear();
  copies_.reset();
}

void SendBuffer::rest() {
  if (head_ == tail_) ring_ = std::vector<Chunk>();
  acked_.rest();
  lost_.rest();
  if (copies_ != nullptr && copies_->under_way.empty()) copies_.reset();  // none is awaited either
}

}  // namespace hawser::quic
