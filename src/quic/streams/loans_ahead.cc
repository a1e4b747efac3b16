// loans_ahead.cc: where a view goes: behind the run that ends there, or as a run of its own.
#include "quic/streams/loans_ahead.h"

#include <algorithm>

namespace hawser::quic {

bool LoansAhead::add(std::uint64_t offset, Bytes data) {
  if (data.size() < kOctetsMin) return false;
  const std::uint64_t end = offset + data.size();
  // What comes is mostly next to what came last, at the end.
  auto next = runs_.end();
  while (next != runs_.begin() && std::prev(next)->begin > offset) --next;
  if (next != runs_.end() && end > next->begin) return false;
  Run* const before = next == runs_.begin() ? nullptr : &*std::prev(next);
  if (before != nullptr && before->end > offset) return false;
  const auto index = static_cast<std::uint32_t>(views_.size());
  if (before != nullptr && before->end == offset) {
    views_.push_back({.data = data});
    views_[before->last].next = index;
    before->last = index;
    before->end = end;
    return true;
  }
  if (runs_.size() == kRunsMax) return false;
  views_.push_back({.data = data});
  runs_.insert(next, {.begin = offset, .end = end, .first = index, .last = index});
  return true;
}

}  // namespace hawser::quic
