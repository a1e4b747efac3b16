// new_token.cc: reads and writes NEW_TOKEN frames.
#include "quic/wire/frames/new_token.h"

namespace hawser::quic {

Parsed<NewTokenFrame> parse_new_token(FrameReader& in) {
  NewTokenFrame frame;
  std::uint64_t length = 0;
  if (!in.varint(length) || !in.bytes(length, frame.token)) return in.truncated();
  // rfc9000:19.7-empty
  if (frame.token.empty()) return in.encoding_error("NEW_TOKEN with an empty token");
  return frame;
}

std::size_t new_token_size(const NewTokenFrame& frame) {
  return 1 + varint_size(frame.token.size()) + frame.token.size();
}

void write_new_token(PacketPayload& out, const NewTokenFrame& frame) {
  out.varint(code_point(FrameType::kNewToken));
  out.varint(frame.token.size());
  out.bytes(frame.token);
}

}  // namespace hawser::quic
