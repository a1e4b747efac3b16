// any_frame.h: any frame as one value, for observers, tests and fuzz targets. The dispatcher
// of received packets calls the parsers one by one and never builds this.
#pragma once

#include <cstddef>
#include <variant>

#include "quic/wire/frames/all_frames.h"

namespace hawser::quic {

using AnyFrame =
    std::variant<PaddingFrame, PingFrame, AckFrame, ResetStreamFrame, StopSendingFrame, CryptoFrame, NewTokenFrame,
                 StreamFrame, MaxDataFrame, MaxStreamDataFrame, MaxStreamsFrame, DataBlockedFrame,
                 StreamDataBlockedFrame, StreamsBlockedFrame, NewConnectionIdFrame, RetireConnectionIdFrame,
                 PathChallengeFrame, PathResponseFrame, ConnectionCloseFrame, HandshakeDoneFrame, DatagramFrame,
                 AckFrequencyFrame, ImmediateAckFrame, ResetStreamAtFrame, PathAckFrame, PathAbandonFrame,
                 PathStatusFrame, PathNewConnectionIdFrame, PathRetireConnectionIdFrame, MaxPathIdFrame,
                 PathsBlockedFrame, PathCidsBlockedFrame, ObservedAddressFrame, FecRepairFrame, FecRecoveredFrame>;

// Takes the type and the frame. !in.empty(). FRAME_ENCODING_ERROR for an unknown type; which
// packets permit the frame is for check_frame of frame_legality.h.
Parsed<AnyFrame> parse_any_frame(FrameReader& in);

// Octets of the frame as write_any_frame writes it: in shortest encodings.
std::size_t any_frame_size(const AnyFrame& frame);
// out.room() >= any_frame_size(frame).
void write_any_frame(PacketPayload& out, const AnyFrame& frame);

}  // namespace hawser::quic
