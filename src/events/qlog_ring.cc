// qlog_ring.cc: records in a circle of octets; a record may be cut by the end of it.
#include "events/qlog_ring.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"

namespace hawser {

void QlogRing::add(std::string_view record) {
  if (!head_full_ && head_.size() + record.size() <= head_limit_) {
    head_ += record;
    return;
  }
  head_full_ = true;
  if (record.size() > limit_) {
    ++dropped_;
    return;
  }
  if (!wrapped_ && size_ + record.size() <= limit_) {
    text_ += record;
    size_ += record.size();
    return;
  }
  if (!wrapped_) {
    wrapped_ = true;
    text_.resize(limit_);
  }
  while (limit_ - size_ < record.size()) drop_oldest();
  put(record);
}

void QlogRing::put(std::string_view record) {
  const std::size_t at = (begin_ + size_) % limit_;
  const std::size_t first = std::min(record.size(), limit_ - at);
  std::memcpy(text_.data() + at, record.data(), first);
  std::memcpy(text_.data(), record.data() + first, record.size() - first);
  size_ += record.size();
}

void QlogRing::drop_oldest() {
  std::size_t length = text_.find('\n', begin_);
  length = length == std::string::npos ? limit_ - begin_ + text_.find('\n') + 1 : length - begin_ + 1;
  HAWSER_CHECK(length <= size_);
  begin_ = (begin_ + length) % limit_;
  size_ -= length;
  ++dropped_;
}

}  // namespace hawser
