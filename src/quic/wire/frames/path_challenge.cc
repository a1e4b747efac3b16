// path_challenge.cc: reads and writes PATH_CHALLENGE frames.
#include "quic/wire/frames/path_challenge.h"

#include <algorithm>

namespace hawser::quic {

Parsed<PathChallengeFrame> parse_path_challenge(FrameReader& in) {
  PathChallengeFrame frame;
  Bytes data;
  if (!in.bytes(frame.data.size(), data)) return in.truncated();
  std::copy(data.begin(), data.end(), frame.data.begin());
  return frame;
}

std::size_t path_challenge_size(const PathChallengeFrame& frame) {
  return 1 + frame.data.size();
}

void write_path_challenge(PacketPayload& out, const PathChallengeFrame& frame) {
  out.varint(code_point(FrameType::kPathChallenge));
  out.bytes(frame.data);
}

}  // namespace hawser::quic
