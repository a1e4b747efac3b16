// ack_frequency.cc: what is asked for, and what the peer is known to do.
#include "quic/recovery/ack_frequency.h"

#include <algorithm>

#include "quic/congestion/pacer.h"
#include "quic/wire/frames/ack_frequency.h"

namespace hawser::quic {

namespace {

bool differs_by_half(std::uint64_t a, std::uint64_t b) {
  return a >= 2 * b || b >= 2 * a;
}

bool differs_by_a_quarter(std::uint64_t a, std::uint64_t b) {
  return 4 * a >= 5 * b || 4 * b >= 5 * a;
}

std::uint64_t packets_in_smooth_batch(std::uint64_t window_packets, Duration smoothed_rtt) {
  const double share = to_seconds(Pacer::kSmoothBatch) / std::max(to_seconds(smoothed_rtt), 1e-9);
  return static_cast<std::uint64_t>(static_cast<double>(window_packets) * std::min(share, 1.0));
}

}  // namespace

void AckFrequencySender::set_peer(std::optional<std::uint64_t> min_ack_delay_us, Duration max_ack_delay) {
  negotiated_ = min_ack_delay_us.has_value();
  declared_delay_ = delay_ = current_delay_ = max_ack_delay;
  // At most max_ack_delay, which was checked when it was parsed.
  if (negotiated_) least_delay_ = std::chrono::microseconds(static_cast<std::int64_t>(*min_ack_delay_us));
}

// ack-frequency:9-adaptive
void AckFrequencySender::update(std::uint64_t window_packets, Duration smoothed_rtt, std::uint64_t packet_threshold,
                                bool smooth) {
  // rfc9000:19.21-understood
  if (!negotiated_) return;
  std::uint64_t every = std::clamp<std::uint64_t>(window_packets / kAcksPerWindow, 2, kAckEveryMax);
  if (smooth) every = std::clamp<std::uint64_t>(packets_in_smooth_batch(window_packets, smoothed_rtt), 1, every);
  const Duration delay =
      std::clamp(smoothed_rtt / static_cast<std::int64_t>(kAcksPerWindow), least_delay_, declared_delay_);
  // As long as the default will do, nothing is said: most connections are short.
  const bool asked = next_sequence_ != 0;
  const bool other_every = asked ? differs_by_a_quarter(every, ack_every_) : differs_by_half(every, ack_every_);
  const bool other_delay =
      asked && differs_by_half(static_cast<std::uint64_t>(delay.count()), static_cast<std::uint64_t>(delay_.count()));
  const bool other_threshold = asked && packet_threshold != reordering_threshold_;
  if (!other_every && !other_delay && !other_threshold) return;
  ack_every_ = every;
  delay_ = delay;
  reordering_threshold_ = packet_threshold;
  owed_ = true;
}

WriteResult AckFrequencySender::write(PacketPayload& out) {
  const auto delay_us = static_cast<std::uint64_t>(to_us(delay_));
  const AckFrequencyFrame frame{.sequence_number = next_sequence_,
                                .ack_eliciting_threshold = ack_every_ - 1,
                                .requested_max_ack_delay_us = delay_us,
                                .reordering_threshold = reordering_threshold_};
  if (out.room() < ack_frequency_size(frame)) return WriteResult::kPacketFull;
  write_ack_frequency(out, frame);
  out.mark_non_probing();
  out.record({.kind = SentFrameKind::kAckFrequency, .id = next_sequence_, .offset = delay_us});
  // ack-frequency:4-sequence
  ++next_sequence_;
  owed_ = false;
  pending_delay_ = std::max(pending_delay_, delay_);
  return WriteResult::kDone;
}

void AckFrequencySender::on_frame_acked(const SentFrame& frame) {
  if (frame.id + 1 != next_sequence_) return;  // a newer one is on its way
  current_delay_ = std::chrono::microseconds(static_cast<std::int64_t>(frame.offset));
  pending_delay_ = Duration::zero();
}

void AckFrequencySender::on_frame_lost(const SentFrame& frame) {
  if (frame.id + 1 == next_sequence_) owed_ = true;
}

}  // namespace hawser::quic
