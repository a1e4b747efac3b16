// receive_timestamps.cc: one-way delays, and the way of a frame's times to them.
#include "quic/connection/receive_timestamps.h"

#include <algorithm>

#include "quic/connection/core.h"
#include "quic/wire/frames/ack.h"

namespace hawser::quic {

void OneWayDelay::on_arrival(Timestamp sent, Duration arrived) {
  const Duration delay = arrived - sent.time_since_epoch();
  least_ = stats_.packets == 0 ? delay : std::min(least_, delay);
  // As RFC 3550 section 6.4.1 smoothes the jitter of media: a sixteenth of each new difference.
  if (last_) stats_.delay_variation += (std::max(delay - *last_, *last_ - delay) - stats_.delay_variation) / 16;
  last_ = delay;
  ++stats_.packets;
  stats_.delay_above_least = delay - least_;
  stats_.delay_above_least_max = std::max(stats_.delay_above_least_max, stats_.delay_above_least);
}

// Where one side declared nothing, neither has the block: the other could not tell whether it is there.
// receive-ts:4-both
void ConnectionCore::negotiate_receive_timestamps(const TransportParameters& peer) {
  const bool ours = config_.receive_timestamps != 0 && config_.max_paths == 0;
  if (!ours || !peer.max_receive_timestamps_per_ack) return;
  // A whole unit before the first arrival, so that none has a time of 0 or less.
  constexpr Duration kBeforeAll = 1s;
  receive_timestamps_ = std::make_unique<ReceiveTimestampState>(ReceiveTimestampState{
      .arrivals = {*peer.max_receive_timestamps_per_ack, peer.receive_timestamps_exponent, times_.started - kBeforeAll},
      .most = config_.receive_timestamps,
      .exponent = config_.receive_timestamps_exponent,
      .delay = {},
      .reported = {}});
}

// Before recovery hears of the frame, which forgets what is acknowledged. Of packets that were acknowledged
// before nothing new is learnt, and whether others were sent at all is for recovery to say.
// receive-ts:3.1-too-many receive-ts:6.1-best-effort
Parsed<void> ConnectionCore::on_receive_timestamps(FrameReader& in, const AckFrame& frame) {
  ReceiveTimestampState& state = *receive_timestamps_;
  if (frame.timestamps->timestamp_count > state.most)
    return in.fault(TransportErrorCode::kProtocolViolation, "more receive timestamps than were asked for");
  state.reported.clear();
  const std::uint64_t largest = frame.largest_acknowledged().value;
  for_each_receive_time(*frame.timestamps, largest, state.exponent, [&](std::uint64_t number, std::uint64_t us) {
    state.reported.push_back({number, std::chrono::microseconds(static_cast<std::int64_t>(us))});
  });
  std::ranges::reverse(state.reported);
  for (const ReceivedAt& packet : state.reported) {
    const auto sent = path_->loss().unacknowledged_since(PacketNumberSpace::kApplication, packet.packet_number);
    if (sent) state.delay.on_arrival(*sent, packet.since_basis);
  }
  const ReceiveTimeStats& stats = state.delay.stats();
  if (!state.reported.empty())
    emitter_.emit(ReceiveTimesReported{.packets = state.reported,
                                       .delay_variation = stats.delay_variation,
                                       .delay_above_least = stats.delay_above_least});
  return {};
}

}  // namespace hawser::quic
