// ack_frequency.h: both sides of draft-ietf-quic-ack-frequency-12: when to ask the peer for
// fewer acknowledgements, and which of its own requests is the newest.
//
// A bulk receiver that acknowledges every second packet makes both sides work for nothing: a
// sender needs a few ACKs in a round trip, to keep its window open and to see losses.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/time.h"
#include "quic/wire/packet_payload.h"
#include "quic/wire/sent_frame.h"

namespace hawser::quic {

// What we declare as min_ack_delay: drivers' timers are this coarse.
inline constexpr Duration kMinAckDelay = 1ms;
// ACKs that are wanted in a round trip and in a window at least.
inline constexpr std::uint64_t kAcksPerWindow = 4;
// Packets that one ACK may stand for at most: a GSO train of the largest UDP payload and half of
// another. Past that an ACK costs next to nothing, and each releases a burst as large.
inline constexpr std::uint64_t kAckEveryMax = 64;

class AckFrequencySender {
 public:
  // From the peer's transport parameters. Without min_ack_delay it must not be asked.
  void set_peer(std::optional<std::uint64_t> min_ack_delay_us, Duration max_ack_delay);
  [[nodiscard]] bool is_negotiated() const { return negotiated_; }

  // Once per acknowledgement: asks once few ACKs will do, and anew when the packets to each are to be a quarter more or
  // fewer, or the delay twice or half. With more slack than that, what a flow's window was makes its bursts larger or
  // smaller than its neighbour's for minutes, and a full queue drops bursts: two of one kind did not come to even
  // shares.
  void update(std::uint64_t window_packets, Duration smoothed_rtt, std::uint64_t packet_threshold, bool smooth);
  [[nodiscard]] bool owes_frame() const { return owed_; }
  // kPacketFull if it does not fit.
  WriteResult write(PacketPayload& out);
  void on_frame_acked(const SentFrame& frame);
  // Said again, with what is wanted then, unless there is a newer one.
  void on_frame_lost(const SentFrame& frame);

  // The longest that the peer may hold an ACK back: what it does now, or will once it reads
  // what is in flight.
  // ack-frequency:7-greater ack-frequency:7-in-flight
  [[nodiscard]] Duration peer_max_ack_delay() const { return std::max(current_delay_, pending_delay_); }

 private:
  bool negotiated_ = false;
  bool owed_ = false;
  std::uint64_t next_sequence_ = 0;
  std::uint64_t ack_every_ = 2;  // as asked for last
  std::uint64_t reordering_threshold_ = 1;
  Duration delay_{};  // as asked for last
  Duration least_delay_{};
  Duration declared_delay_{};  // the peer's max_ack_delay: never asked for more
  Duration current_delay_{};
  Duration pending_delay_{};  // largest of the frames in flight
};

// Frames may be reordered: only a newer one counts.
class AckFrequencyReceiver {
 public:
  // ack-frequency:4-outdated
  bool accept(std::uint64_t sequence_number) {
    if (sequence_number < next_) return false;
    next_ = sequence_number + 1;
    return true;
  }

 private:
  std::uint64_t next_ = 0;
};

}  // namespace hawser::quic
