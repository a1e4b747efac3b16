// event_log.h: what a connection keeps so as to tell its events: the values told last, the numbers
// of its 4-tuples, and the frames of the packet at hand. Made only if someone listens.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/datagram.h"
#include "base/time.h"
#include "events/event_types.h"
#include "quic/congestion/congestion_controller.h"
#include "quic/wire/frames/frame_reader.h"
#include "quic/wire/sent_frame.h"
#include "quic/wire/types.h"

namespace hawser::quic {

// The frames of one packet, read back from its plaintext. Its memory is used again for the next.
class FrameLog {
 public:
  // What frames() refers to must outlive it. `ack_delay_exponent` is the one that the sender of
  // the frames declared, `ack_timestamps`: both sides declared receive timestamps.
  void read(Bytes payload, std::uint64_t ack_delay_exponent, bool ack_timestamps, PathCodePoints path_frames);
  // What is remembered of frames that were sent, as far as it goes.
  void remember(std::span<const SentFrame> sent);
  [[nodiscard]] std::span<const FrameSummary> frames() const { return frames_; }
  // Room to put the pieces of a payload together.
  std::vector<std::uint8_t>& plain() { return plain_; }

 private:
  bool add(FrameReader& in, std::uint64_t type);
  bool add_ack(FrameReader& in, FrameSummary& summary);
  bool add_stream_frame(FrameReader& in, FrameSummary& summary);
  bool add_limit_frame(FrameReader& in, FrameSummary& summary);
  bool add_connection_frame(FrameReader& in, FrameSummary& summary);
  bool add_path_frame(FrameReader& in, FrameSummary& summary);

  std::uint64_t ack_delay_exponent_ = 0;
  std::vector<FrameSummary> frames_;
  // Of all ACK frames one after the other, and how many each has.
  std::vector<Range> ranges_;
  std::vector<std::size_t> range_counts_;
  std::vector<std::uint8_t> plain_;
};

struct EventLog {
  FrameLog frames;
  std::vector<Range> acked;  // newly acknowledged numbers, ascending
  // Index: the tuple's number. A peer that moves about gets the last number again and again.
  static constexpr std::size_t kTuplesMax = 64;
  std::vector<FourTuple> tuples;

  std::optional<LoggedConnectionState> state;
  std::optional<std::string_view> congestion_state;
  std::optional<std::uint64_t> mtu;
  std::optional<BlockedReason> blocked;
  Timestamp loss_deadline = kNever;
  bool loss_timer_is_pto = false;
  bool replaying = false;  // the packet at hand was buffered
};

}  // namespace hawser::quic
