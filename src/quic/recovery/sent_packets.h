// sent_packets.h: the packets of one packet number space that are neither acknowledged nor
// forgotten, in a ring indexed by packet number, and their frames in a second ring.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/datagram.h"
#include "base/time.h"
#include "base/units.h"
#include "quic/wire/sent_frame.h"

namespace hawser::quic {

// Packets remembered per space with which a sender fills its own window. 27 Gbit/s over 400 ms is 1.35 GB, or 930,000
// packets of 1,452 octets: 2^20 holds them. At 48 octets and one frame of 24 that is 72 MiB, reached only by a sender
// whose own window asks for it.
inline constexpr std::size_t kMaxSentPackets = std::size_t{1} << 20;
// Frames remembered per space: two per packet at the limit above, 48 MiB.
inline constexpr std::size_t kMaxSentFrames = kMaxSentPackets * 2;
// What goes whatever the window says, ACKs and answers to the peer, needs room beside a full window.
// The connection ends long before that is used up: LossDetector::peer_is_deaf().
inline constexpr std::size_t kSentPacketsReserve = kMaxSentPackets;

enum class SentState : std::uint8_t {
  kOutstanding,
  kAcked,
  kLost,     // kept for a while to notice that it was acknowledged after all
  kSkipped,  // never sent: its acknowledgement exposes a lying peer
};

// A time before the sending of a packet, in 64 ns: 32 bits span 274 s, past any flight; what is longer
// stays at that, which makes a rate too high by nothing that a filter would keep.
struct TimeBefore {
  static constexpr int kShift = 6;
  std::uint32_t units = 0;

  static TimeBefore of(Timestamp earlier, Timestamp sent) {
    const auto units = static_cast<std::uint64_t>((sent - earlier).count()) >> kShift;
    return {static_cast<std::uint32_t>(units < UINT32_MAX ? units : UINT32_MAX)};
  }
  [[nodiscard]] Timestamp from(Timestamp sent) const {
    return sent - Duration{static_cast<std::int64_t>(std::uint64_t{units} << kShift)};
  }
};

struct SentPacket {
  Timestamp time_sent{};
  std::uint64_t delivered_bytes = 0;  // DeliverySnapshot, field by field
  TimeBefore delivered_time{};
  TimeBefore first_sent_time{};
  std::uint32_t bytes_in_flight = 0;  // once kLost: the loss epoch it belongs to
  std::uint32_t lost_bytes = 0;
  std::uint32_t first_frame = 0;  // position in the ring of frames, modulo 2^32
  std::uint16_t size = 0;         // octets of UDP payload
  std::uint16_t generation = 0;   // of the network path it left on
  std::uint8_t frame_count = 0;
  SentState state = SentState::kOutstanding;
  Ecn ecn = Ecn::kNotEct;
  bool ack_eliciting : 1 = false;
  bool in_flight : 1 = false;  // counted in bytes_in_flight while kOutstanding
  bool mtu_probe : 1 = false;  // its loss says nothing about congestion
  bool app_limited : 1 = false;
  bool frames_reported : 1 = false;  // handed out as lost by a probe timeout
};
static_assert(sizeof(SentPacket) <= 48, "one per packet in flight: a cache line holds more than one");

class SentPackets {
 public:
  // Packet numbers of the ring: [begin(), end()). Numbers below begin() are settled.
  [[nodiscard]] std::uint64_t begin() const { return begin_; }
  [[nodiscard]] std::uint64_t end() const { return end_; }
  [[nodiscard]] std::size_t size() const { return static_cast<std::size_t>(end_ - begin_); }
  [[nodiscard]] bool empty() const { return begin_ == end_; }
  // No room for more of a window, a packet with `frames` frames: wait for acknowledgements.
  [[nodiscard]] bool full(std::size_t frames) const {
    return size() >= kMaxSentPackets || frame_end_ - frame_begin_ + frames > kMaxSentFrames;
  }

  // Appends the packet with number end(), into the reserve if it is full(). first_frame and frame_count
  // are filled in here.
  void push(const SentPacket& packet, std::span<const SentFrame> frames);
  // Appends a number that is never sent.
  void push_skipped();

  // begin() <= pn < end().
  [[nodiscard]] SentPacket& operator[](std::uint64_t pn) { return packets_[pn & (packets_.size() - 1)]; }
  [[nodiscard]] const SentPacket& operator[](std::uint64_t pn) const { return packets_[pn & (packets_.size() - 1)]; }
  [[nodiscard]] SentFrame& frame(const SentPacket& packet, std::size_t i) {
    return frames_[(packet.first_frame + i) & (frames_.size() - 1)];
  }
  [[nodiscard]] const SentFrame& frame(const SentPacket& packet, std::size_t i) const {
    return frames_[(packet.first_frame + i) & (frames_.size() - 1)];
  }

  // Forgets the lowest packet; !empty().
  void pop_front();
  // Forgets everything and gives the memory back.
  void clear();
  // Octets on the heap.
  [[nodiscard]] std::size_t memory() const {
    return packets_.capacity() * sizeof(SentPacket) + frames_.capacity() * sizeof(SentFrame);
  }

 private:
  void grow_packets();
  void grow_frames(std::size_t needed);

  std::vector<SentPacket> packets_;  // size: 0 or a power of two
  std::vector<SentFrame> frames_;    // likewise
  std::uint64_t begin_ = 0;
  std::uint64_t end_ = 0;
  std::uint32_t frame_begin_ = 0;  // differences modulo 2^32 are right: 2^21 at most, or 2^29 with the reserve
  std::uint32_t frame_end_ = 0;
};

}  // namespace hawser::quic
