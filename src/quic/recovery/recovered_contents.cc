// recovered_contents.cc: what forward error correction brought across does not go again, and its loss still counts.
#include "quic/recovery/loss.h"

namespace hawser::quic {

// fec:4-congestion
Parsed<bool> LossDetector::on_contents_recovered(std::uint64_t pn, RecoveryFrames& frames) {
  SentPackets& sent = application_.sent;
  const auto never_sent = [] { return fail(TransportErrorCode::kProtocolViolation, "recovers a packet never sent"); };
  if (pn >= sent.end()) return never_sent();
  if (pn < sent.begin()) return false;
  const SentPacket& packet = sent[pn];
  if (packet.state == SentState::kSkipped) return never_sent();
  if (packet.state == SentState::kAcked) return false;
  const bool late = packet.state == SentState::kLost || packet.frames_reported;
  bool any = false;
  for (std::size_t i = 0; i < packet.frame_count; ++i) {
    SentFrame& frame = sent.frame(packet, i);
    if (frame.kind != SentFrameKind::kStream && frame.kind != SentFrameKind::kDatagram) continue;
    (late ? frames.late_acked : frames.acked).push_back(frame);
    // A PING asks for nothing, whatever becomes of the packet.
    frame = {.kind = SentFrameKind::kPing};
    any = true;
  }
  return any;
}

}  // namespace hawser::quic
