// path_response.cc: reads and writes PATH_RESPONSE frames.
#include "quic/wire/frames/path_response.h"

#include <algorithm>

namespace hawser::quic {

Parsed<PathResponseFrame> parse_path_response(FrameReader& in) {
  PathResponseFrame frame;
  Bytes data;
  if (!in.bytes(frame.data.size(), data)) return in.truncated();
  std::copy(data.begin(), data.end(), frame.data.begin());
  return frame;
}

std::size_t path_response_size(const PathResponseFrame& frame) {
  return 1 + frame.data.size();
}

void write_path_response(PacketPayload& out, const PathResponseFrame& frame) {
  out.varint(code_point(FrameType::kPathResponse));
  out.bytes(frame.data);
}

}  // namespace hawser::quic
