// sent_packets.cc: two rings that double when they are full and shrink by clear() only.
#include "quic/recovery/sent_packets.h"

#include "base/check.h"

namespace hawser::quic {

namespace {
// 16 packets hold an initial window, and a connection that asks and answers now and then.
constexpr std::size_t kFirstCapacity = 16;
}  // namespace

void SentPackets::grow_packets() {
  std::vector<SentPacket> bigger(packets_.empty() ? kFirstCapacity : packets_.size() * 2);
  for (std::uint64_t pn = begin_; pn != end_; ++pn) bigger[pn & (bigger.size() - 1)] = (*this)[pn];
  packets_ = std::move(bigger);
}

void SentPackets::grow_frames(std::size_t needed) {
  std::size_t capacity = frames_.empty() ? kFirstCapacity : frames_.size() * 2;
  while (capacity < needed) capacity *= 2;
  std::vector<SentFrame> bigger(capacity);
  for (std::uint32_t i = frame_begin_; i != frame_end_; ++i)
    bigger[i & (capacity - 1)] = frames_[i & (frames_.size() - 1)];
  frames_ = std::move(bigger);
}

void SentPackets::push(const SentPacket& packet, std::span<const SentFrame> frames) {
  HAWSER_CHECK(size() < kMaxSentPackets + kSentPacketsReserve && frames.size() <= UINT8_MAX);
  if (size() == packets_.size()) grow_packets();
  const std::size_t frames_after = frame_end_ - frame_begin_ + frames.size();
  if (frames_after > frames_.size()) grow_frames(frames_after);
  SentPacket& slot = packets_[end_ & (packets_.size() - 1)];
  slot = packet;
  slot.first_frame = frame_end_;
  slot.frame_count = static_cast<std::uint8_t>(frames.size());
  for (const SentFrame& frame : frames) frames_[frame_end_++ & (frames_.size() - 1)] = frame;
  ++end_;
}

void SentPackets::push_skipped() {
  SentPacket packet;
  packet.state = SentState::kSkipped;
  push(packet, {});
}

void SentPackets::pop_front() {
  HAWSER_DCHECK(!empty());
  frame_begin_ += (*this)[begin_].frame_count;
  ++begin_;
}

void SentPackets::clear() {
  packets_ = std::vector<SentPacket>();
  frames_ = std::vector<SentFrame>();
  begin_ = end_;
  frame_begin_ = frame_end_;
}

}  // namespace hawser::quic
