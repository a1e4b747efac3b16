// recv_buffer.cc: blocks by offset, arrival bits, and the loan of data in order.
#include "quic/streams/recv_buffer.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#include "base/check.h"

namespace hawser::quic {

namespace {
// Room for views that a stream keeps for the next batch: 64 KB. A batch of 2 MB has some 1,500 datagrams; a peer that
// sends octets one by one makes some hundred thousand views of it, on one stream after the other.
constexpr std::size_t kViewsKept = 4'096;

// Sets `count` bits from `first` on.
void set_bits(std::uint64_t* words, std::size_t first, std::size_t count) {
  while (count > 0) {
    const std::size_t shift = first % 64;
    const std::size_t here = std::min<std::size_t>(count, 64 - shift);
    const std::uint64_t ones = here == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << here) - 1;
    words[first / 64] |= ones << shift;
    first += here;
    count -= here;
  }
}

// How many bits from `first` on are set without a gap, up to the block's end.
std::size_t run_of_bits(const std::uint64_t* words, std::size_t first) {
  std::size_t at = first;
  while (at < kReceiveBlockOctets) {
    const std::size_t shift = at % 64;
    const std::size_t ones = static_cast<std::size_t>(std::countr_one(words[at / 64] >> shift));
    at += ones;
    if (ones < 64 - shift) break;
  }
  return at - first;
}
}  // namespace

void RecvBuffer::add(std::uint64_t offset, Bytes data) {
  const std::uint64_t end = offset + data.size();
  if (end <= contiguous_to_) return;
  if (offset > contiguous_to_) {
    if (ahead_ == nullptr) ahead_ = std::make_unique<LoansAhead>();
    if (!ahead_->add(offset, data)) store(offset, data, true);
    highest_ = std::max(highest_, end);
    return;
  }
  const bool others_wait = highest_ > contiguous_to_;
  // Octets one by one into the gaps of others would make a view of each of those.
  if (others_wait && data.size() < LoansAhead::kOctetsMin) return add_copy(offset, data);
  borrowed_.push_back(data.subspan(static_cast<std::size_t>(contiguous_to_ - offset)));
  contiguous_to_ = end;
  highest_ = std::max(highest_, end);
  if (others_wait) borrow_what_follows();
}

// A gap was closed: what waited behind it follows, from the loans and from blocks.
void RecvBuffer::borrow_what_follows() {
  while (contiguous_to_ < highest_) {
    if (ahead_ != nullptr && !ahead_->empty() && ahead_->begin() <= contiguous_to_) {
      std::uint64_t known = contiguous_to_ - ahead_->begin();  // octets that came a second time
      const std::uint64_t end = ahead_->take_first([&](Bytes view) {
        const std::size_t skipped = static_cast<std::size_t>(std::min<std::uint64_t>(known, view.size()));
        known -= skipped;
        if (skipped < view.size()) borrowed_.push_back(view.subspan(skipped));
      });
      contiguous_to_ = std::max(contiguous_to_, end);
      continue;
    }
    const std::size_t run = present_run();
    if (run == 0) return;
    const std::size_t inside = static_cast<std::size_t>(contiguous_to_ % kReceiveBlockOctets);
    borrowed_.push_back(Bytes{block_at(contiguous_to_ / kReceiveBlockOctets)->octets + inside, run});
    contiguous_to_ += run;
  }
  // What is left was there a second time.
  if (ahead_ != nullptr) ahead_->clear();
}

void RecvBuffer::add_copy(std::uint64_t offset, Bytes data) {
  const std::uint64_t end = offset + data.size();
  if (end <= contiguous_to_) return;
  if (offset < contiguous_to_) {
    data = data.subspan(static_cast<std::size_t>(contiguous_to_ - offset));
    offset = contiguous_to_;
  }
  // Blocks hold a prefix of what is readable and borrowed views the rest; octets that join
  // the readable part behind borrowed ones would break that order.
  if (offset == contiguous_to_) retain();
  store(offset, data, true);
  highest_ = std::max(highest_, end);
  if (offset == contiguous_to_) {
    advance_contiguous();
    owned_to_ = contiguous_to_;
  }
}

void RecvBuffer::retain() {
  for (; borrowed_first_ < borrowed_.size(); ++borrowed_first_) {
    const Bytes piece = borrowed_[borrowed_first_];
    store(owned_to_, piece, false);
    owned_to_ += piece.size();
  }
  borrowed_.clear();
  borrowed_first_ = 0;
  if (borrowed_.capacity() > kViewsKept) borrowed_ = std::vector<Bytes>();
  HAWSER_DCHECK(owned_to_ == contiguous_to_);
  while (ahead_ != nullptr && !ahead_->empty()) {
    std::uint64_t offset = ahead_->begin();
    ahead_->take_first([&](Bytes view) {
      store(offset, view, true);
      offset += view.size();
    });
  }
  if (ahead_ != nullptr && ahead_->memory() > kViewsKept * sizeof(Bytes)) ahead_.reset();
}

std::span<const Bytes> RecvBuffer::readable(std::span<Bytes> out) const {
  std::size_t count = 0;
  std::uint64_t at = read_to_;
  while (at < owned_to_ && count < out.size()) {
    const std::size_t inside = static_cast<std::size_t>(at % kReceiveBlockOctets);
    const std::size_t size =
        static_cast<std::size_t>(std::min<std::uint64_t>(kReceiveBlockOctets - inside, owned_to_ - at));
    out[count++] = Bytes{block_at(at / kReceiveBlockOctets)->octets + inside, size};
    at += size;
  }
  for (std::size_t i = borrowed_first_; i < borrowed_.size() && count < out.size(); ++i) out[count++] = borrowed_[i];
  return out.first(count);
}

void RecvBuffer::consume(std::uint64_t octets) {
  HAWSER_CHECK(octets <= readable_octets());
  const std::uint64_t from = read_to_;
  const std::uint64_t owned = std::min(octets, owned_to_ - read_to_);
  read_to_ += octets;
  octets -= owned;
  while (octets > 0) {
    Bytes& piece = borrowed_[borrowed_first_];
    const std::size_t taken = static_cast<std::size_t>(std::min<std::uint64_t>(octets, piece.size()));
    piece = piece.subspan(taken);
    octets -= taken;
    if (piece.empty()) ++borrowed_first_;
  }
  if (borrowed_first_ == borrowed_.size()) {
    borrowed_.clear();
    borrowed_first_ = 0;
  }
  owned_to_ = std::max(owned_to_, read_to_);
  // With nothing held at all, the block under the reader goes too.
  const bool empty = read_to_ == highest_;
  release_blocks(from / kReceiveBlockOctets, read_to_ / kReceiveBlockOctets + (empty ? 1 : 0));
}

void RecvBuffer::clear() {
  if (!slots_.empty() && block_count_ > 0) {
    for (ReceiveBlock*& held : slots_) {
      if (held != nullptr) blocks_->release(reinterpret_cast<std::uint8_t*>(held));
      held = nullptr;
    }
  }
  block_count_ = 0;
  read_to_ = owned_to_ = contiguous_to_ = highest_ = 0;
  borrowed_.clear();
  borrowed_first_ = 0;
  if (ahead_ != nullptr) ahead_->clear();
}

void RecvBuffer::rest() {
  if (block_count_ == 0) slots_ = std::vector<ReceiveBlock*>();
  if (!has_borrowed()) {
    ahead_.reset();
    borrowed_ = std::vector<Bytes>();
    borrowed_first_ = 0;
  }
}

ReceiveBlock& RecvBuffer::provide_block(std::uint64_t block_number) {
  if (block_number - read_to_ / kReceiveBlockOctets >= slots_.size()) grow_slots(block_number);
  ReceiveBlock*& held = slot(block_number);
  if (held == nullptr) {
    held = reinterpret_cast<ReceiveBlock*>(blocks_->acquire());
    std::memset(held->present, 0, sizeof held->present);
    ++block_count_;
  }
  return *held;
}

void RecvBuffer::grow_slots(std::uint64_t block_number) {
  const std::uint64_t first = read_to_ / kReceiveBlockOctets;
  std::vector<ReceiveBlock*> larger(std::bit_ceil(std::max<std::uint64_t>(block_number - first + 1, 8)));
  for (std::uint64_t n = first; n < first + slots_.size(); ++n) larger[n & (larger.size() - 1)] = slot(n);
  slots_ = std::move(larger);
}

// Copies to where the octets belong; `mark` notes them as arrived, which octets below
// contiguous_to_ do not need.
void RecvBuffer::store(std::uint64_t offset, Bytes data, bool mark) {
  while (!data.empty()) {
    const std::size_t inside = static_cast<std::size_t>(offset % kReceiveBlockOctets);
    const std::size_t count = std::min(data.size(), kReceiveBlockOctets - inside);
    ReceiveBlock& block = provide_block(offset / kReceiveBlockOctets);
    // A borrowed view may be of this very place.
    if (block.octets + inside != data.data()) std::memcpy(block.octets + inside, data.data(), count);
    if (mark) set_bits(block.present, inside, count);
    offset += count;
    data = data.subspan(count);
  }
}

// Octets of one block that follow contiguous_to_. Behind borrowed data that may be beyond all blocks, where the place
// of its number is an older one's.
std::size_t RecvBuffer::present_run() const {
  const std::uint64_t number = contiguous_to_ / kReceiveBlockOctets;
  if (number - read_to_ / kReceiveBlockOctets >= slots_.size()) return 0;
  const ReceiveBlock* const block = block_at(number);
  if (block == nullptr) return 0;
  return run_of_bits(block->present, static_cast<std::size_t>(contiguous_to_ % kReceiveBlockOctets));
}

void RecvBuffer::advance_contiguous() {
  while (contiguous_to_ < highest_) {
    const std::size_t run = present_run();
    if (run == 0) return;
    contiguous_to_ += run;
  }
}

// Gives back the blocks [from, to) by number.
void RecvBuffer::release_blocks(std::uint64_t from, std::uint64_t to) {
  if (block_count_ == 0) return;
  to = std::min<std::uint64_t>(to, from + slots_.size());
  for (std::uint64_t n = from; n < to; ++n) {
    ReceiveBlock*& held = slot(n);
    if (held == nullptr) continue;
    blocks_->release(reinterpret_cast<std::uint8_t*>(held));
    held = nullptr;
    --block_count_;
  }
}

}  // namespace hawser::quic
