// stream_wishes.h: what an application asks of single streams besides their priority: a deadline, forward error
// correction. Few streams have such a thing, so it is kept beside them and looked up by walking.
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

#include "base/time.h"
#include "quic/fec/flow_fec.h"
#include "quic/wire/types.h"

namespace hawser::quic {

struct StreamWish {
  Timestamp deadline = kNever;  // after which it is of no use that what the stream sends arrives
  FlowFec fec = FlowFec::kByUrgency;
  bool operator==(const StreamWish&) const = default;
};

class StreamWishes {
 public:
  // Streams at a time that have one: 24 octets each, and a walk for each packet.
  static constexpr std::size_t kMax = 64;

  [[nodiscard]] StreamWish of(StreamId stream) const {
    for (const Entry& entry : entries_)
      if (entry.stream == stream) return entry.wish;
    return {};
  }
  // False: kMax others have one.
  bool set(StreamId stream, const StreamWish& wish) {
    const auto entry = std::ranges::find(entries_, stream, &Entry::stream);
    const bool is_default = wish == StreamWish{};
    if (entry != entries_.end()) {
      entry->wish = wish;
      if (is_default) entries_.erase(entry);
      return true;
    }
    if (is_default) return true;
    if (entries_.size() >= kMax) return false;
    entries_.push_back({.stream = stream, .wish = wish});
    return true;
  }
  // Keeps the streams for which `there(stream)` is true.
  template <class There>
  void keep(There there) {
    std::erase_if(entries_, [&](const Entry& entry) { return !there(entry.stream); });
  }
  [[nodiscard]] bool empty() const { return entries_.empty(); }
  [[nodiscard]] std::size_t memory() const { return sizeof(*this) + entries_.capacity() * sizeof(Entry); }

 private:
  struct Entry {
    StreamId stream;
    StreamWish wish;
  };
  std::vector<Entry> entries_;
};

}  // namespace hawser::quic
