// ack_frequency.h: the frames with which a sender asks for fewer acknowledgements, or for one
// at once (draft-ietf-quic-ack-frequency-12 sections 4 and 5).
#pragma once

#include <cstddef>
#include <cstdint>

#include "quic/wire/frames/frame_reader.h"
#include "quic/wire/packet_payload.h"

namespace hawser::quic {

// A requested delay is below this, as max_ack_delay is (RFC 9000 section 18.2).
inline constexpr std::uint64_t kRequestedMaxAckDelayEndUs = (std::uint64_t{1} << 14) * 1'000;

struct AckFrequencyFrame {
  std::uint64_t sequence_number = 0;
  std::uint64_t ack_eliciting_threshold = 1;     // packets that may come without an ACK
  std::uint64_t requested_max_ack_delay_us = 0;  // < kRequestedMaxAckDelayEndUs
  std::uint64_t reordering_threshold = 1;        // 0: gaps never force an ACK
};

// PROTOCOL_VIOLATION for a delay of 2^14 ms or more.
Parsed<AckFrequencyFrame> parse_ack_frequency(FrameReader& in);
std::size_t ack_frequency_size(const AckFrequencyFrame& frame);
// out.room() >= ack_frequency_size(frame).
void write_ack_frequency(PacketPayload& out, const AckFrequencyFrame& frame);

struct ImmediateAckFrame {};

Parsed<ImmediateAckFrame> parse_immediate_ack(FrameReader& in);
std::size_t immediate_ack_size(const ImmediateAckFrame& frame);
// out.room() >= immediate_ack_size(frame).
void write_immediate_ack(PacketPayload& out, const ImmediateAckFrame& frame);

}  // namespace hawser::quic
