// qlog_ring.h: the last records of a log, kept in bounded memory until something makes them worth
// writing. The first records of a connection say the most about it, so a part of the memory is
// theirs; the rest goes around, the oldest records giving way to new ones.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace hawser {

class QlogRing {
 public:
  // A quarter of the memory is for the beginning: with 64 KiB that is some 60 records, a
  // handshake of two round trips.
  static constexpr std::size_t kHeadShare = 4;

  // `octets`: memory for records. It is taken as records come, not at once.
  explicit QlogRing(std::size_t octets) : head_limit_(octets / kHeadShare), limit_(octets - octets / kHeadShare) {}

  // Adds one record that ends in '\n' and has no other '\n'.
  void add(std::string_view record);
  // Records that had to give way.
  [[nodiscard]] std::uint64_t dropped() const { return dropped_; }
  [[nodiscard]] std::size_t memory() const { return head_.capacity() + text_.capacity(); }

  // Calls write(records) for the beginning, gap(dropped) if records are missing after it, and
  // write(records) for the rest, whole records each time but for the last two calls, which
  // together hold whole records.
  template <class Write, class Gap>
  void drain(Write&& write, Gap&& gap) const {
    if (!head_.empty()) write(std::string_view{head_});
    if (dropped_ > 0) gap(dropped_);
    const std::string_view text{text_};
    if (!wrapped_) {
      if (size_ > 0) write(text.substr(0, size_));
      return;
    }
    const std::size_t first = std::min(size_, text.size() - begin_);
    write(text.substr(begin_, first));
    if (size_ > first) write(text.substr(0, size_ - first));
  }

 private:
  void put(std::string_view record);
  void drop_oldest();

  std::size_t head_limit_;
  std::size_t limit_;
  std::string head_;
  bool head_full_ = false;
  // Grows up to limit_, then records go around in it.
  std::string text_;
  bool wrapped_ = false;
  std::size_t begin_ = 0;  // of the oldest record
  std::size_t size_ = 0;   // octets of records
  std::uint64_t dropped_ = 0;
};

}  // namespace hawser
