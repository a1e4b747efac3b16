// copies.cc: which packets' frames go out again on another path, and how far that has come.
#include "quic/connection/copies.h"

#include <algorithm>

namespace hawser::quic {

CopyList::Work* CopyList::find(PathId source) {
  for (std::size_t i = 0; i < count_; ++i)
    if (list_[i].source == source) return &list_[i];
  return nullptr;
}

void CopyList::want(PathId source, std::uint64_t begin, std::uint64_t end, CopyReason reason) {
  Work* work = find(source);
  if (work == nullptr) {
    if (count_ == list_.size()) return;  // as many paths as can be open have their places
    work = &list_[count_++];
    *work = {.source = source, .next = begin, .end = begin};
  }
  if (work->next >= work->end) {
    if (begin > work->next) work->frame = work->done = 0;
    work->next = std::max(work->next, begin);
    work->reason = reason;
  }
  // What is redundant goes before anything new, and takes along what waits.
  if (reason == CopyReason::kRedundant) work->reason = reason;
  work->end = std::max(work->end, end);
}

std::uint64_t CopyList::wanted_to(PathId source) const {
  for (std::size_t i = 0; i < count_; ++i)
    if (list_[i].source == source) return list_[i].end;
  return 0;
}

bool CopyList::empty() const {
  return std::none_of(list_.begin(), list_.begin() + static_cast<std::ptrdiff_t>(count_),
                      [](const Work& work) { return work.next < work.end; });
}

bool CopyList::has_urgent() const {
  return std::any_of(list_.begin(), list_.begin() + static_cast<std::ptrdiff_t>(count_),
                     [](const Work& work) { return work.next < work.end && work.reason == CopyReason::kRedundant; });
}

std::uint64_t CopyList::urgent_packets() const {
  std::uint64_t packets = 0;
  for (std::size_t i = 0; i < count_; ++i)
    if (list_[i].reason == CopyReason::kRedundant) packets += list_[i].end - list_[i].next;
  return packets;
}

void CopyList::forget(PathId source) {
  Work* const work = find(source);
  if (work == nullptr) return;
  *work = list_[--count_];
}

// rfc9000:2.2-same-data
bool CopyList::write_from(Work& work, const LossDetector& loss, PacketPayload& out, StreamSet& streams, bool stands_in,
                          std::uint64_t& octets) {
  while (work.next < work.end) {
    const auto packet = loss.first_in_flight(work.next);
    if (!packet || packet->number >= work.end) {
      work.next = work.end;
      work.frame = work.done = 0;
      return true;
    }
    if (packet->number != work.next) work.frame = work.done = 0;
    work.next = packet->number;
    for (; work.frame < packet->frames; ++work.frame, work.done = 0)
      if (!write_frame(work, loss.frame_in_flight(work.next, work.frame), out, streams, stands_in, octets))
        return false;
    ++work.next;
    work.frame = work.done = 0;
  }
  return true;
}

bool CopyList::write_frame(Work& work, SentFrame frame, PacketPayload& out, StreamSet& streams, bool stands_in,
                           std::uint64_t& octets) {
  if (frame.kind != SentFrameKind::kStream) return true;
  const std::uint32_t whole = frame.length;
  frame.offset += work.done;
  frame.length -= work.done;
  const std::size_t before = out.size();
  const WriteResult result = streams.write_copy(out, frame, stands_in);
  octets += out.size() - before;
  work.done = whole - frame.length;
  return result == WriteResult::kDone;
}

}  // namespace hawser::quic
