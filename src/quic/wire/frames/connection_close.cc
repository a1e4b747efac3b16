// connection_close.cc: reads and writes CONNECTION_CLOSE frames.
#include "quic/wire/frames/connection_close.h"

namespace hawser::quic {

Parsed<ConnectionCloseFrame> parse_connection_close(FrameReader& in) {
  ConnectionCloseFrame frame;
  frame.application = in.frame_type() == code_point(FrameType::kConnectionCloseApplication);
  if (!in.varint(frame.error_code)) return in.truncated();
  if (!frame.application && !in.varint(frame.frame_type)) return in.truncated();
  std::uint64_t length = 0;
  if (!in.varint(length) || !in.bytes(length, frame.reason_phrase)) return in.truncated();
  return frame;
}

std::size_t connection_close_size(const ConnectionCloseFrame& frame) {
  return 1 + varint_size(frame.error_code) + (frame.application ? 0 : varint_size(frame.frame_type)) +
         varint_size(frame.reason_phrase.size()) + frame.reason_phrase.size();
}

void write_connection_close(PacketPayload& out, const ConnectionCloseFrame& frame) {
  out.varint(code_point(frame.application ? FrameType::kConnectionCloseApplication : FrameType::kConnectionClose));
  out.varint(frame.error_code);
  if (!frame.application) out.varint(frame.frame_type);
  out.varint(frame.reason_phrase.size());
  out.bytes(frame.reason_phrase);
}

std::optional<ConnectionCloseFrame> fit_connection_close(ConnectionCloseFrame frame, std::size_t room) {
  const std::size_t whole = connection_close_size(frame);
  if (whole <= room) return frame;
  const std::size_t excess = whole - room;
  if (excess > frame.reason_phrase.size()) {
    // Dropping the phrase may still shorten its length field.
    frame.reason_phrase = {};
    if (connection_close_size(frame) > room) return std::nullopt;
    return frame;
  }
  // rfc9000:19.19-utf8
  // Not inside a character: its further octets are 10xxxxxx.
  std::size_t kept = frame.reason_phrase.size() - excess;
  while (kept != 0 && (frame.reason_phrase[kept] & 0xc0) == 0x80) --kept;
  frame.reason_phrase = frame.reason_phrase.first(kept);
  return frame;
}

}  // namespace hawser::quic
