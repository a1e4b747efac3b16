// padding.cc: reads and writes PADDING frames.
#include "quic/wire/frames/padding.h"

namespace hawser::quic {

Parsed<PaddingFrame> parse_padding(FrameReader& in) {
  PaddingFrame frame;
  const std::uint8_t* at = in.position();
  const std::uint8_t* end = at + in.remaining();
  while (at != end && *at == 0) ++at;
  const auto more = static_cast<std::size_t>(at - in.position());
  Bytes run;
  if (!in.bytes(more, run)) return in.truncated();
  frame.count += more;
  return frame;
}

std::size_t padding_size(const PaddingFrame& frame) {
  return frame.count;
}

void write_padding(PacketPayload& out, const PaddingFrame& frame) {
  out.pad(frame.count);
}

}  // namespace hawser::quic
