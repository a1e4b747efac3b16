// new_connection_id.cc: reads and writes NEW_CONNECTION_ID frames.
#include "quic/wire/frames/new_connection_id.h"

#include <algorithm>

namespace hawser::quic {

Parsed<NewConnectionIdFrame> parse_new_connection_id(FrameReader& in) {
  NewConnectionIdFrame frame;
  std::uint8_t length = 0;
  if (!in.varint(frame.sequence_number) || !in.varint(frame.retire_prior_to) || !in.u8(length)) return in.truncated();
  // The length is judged first: past it nothing of the frame can be trusted to be framed.
  // rfc9000:19.15-length
  if (length < 1 || length > kMaxConnectionIdLength) {
    return in.encoding_error("NEW_CONNECTION_ID with a connection ID of 0 or more than 20 octets");
  }
  Bytes id;
  Bytes token;
  if (!in.bytes(length, id) || !in.bytes(kStatelessResetTokenLength, token)) return in.truncated();
  if (frame.retire_prior_to > frame.sequence_number) {
    return in.encoding_error("NEW_CONNECTION_ID with Retire Prior To above its sequence number");
  }
  frame.connection_id = ConnectionId(id);
  std::copy(token.begin(), token.end(), frame.stateless_reset_token.begin());
  return frame;
}

std::size_t new_connection_id_size(const NewConnectionIdFrame& frame) {
  return 1 + varint_size(frame.sequence_number) + varint_size(frame.retire_prior_to) + 1 +
         frame.connection_id.length() + kStatelessResetTokenLength;
}

void write_new_connection_id(PacketPayload& out, const NewConnectionIdFrame& frame) {
  out.varint(code_point(FrameType::kNewConnectionId));
  write_new_connection_id_body(out, frame);
}

void write_new_connection_id_body(PacketPayload& out, const NewConnectionIdFrame& frame) {
  HAWSER_DCHECK(!frame.connection_id.empty() && frame.retire_prior_to <= frame.sequence_number);
  out.varint(frame.sequence_number);
  out.varint(frame.retire_prior_to);
  out.u8(static_cast<std::uint8_t>(frame.connection_id.length()));
  out.bytes(frame.connection_id.view());
  out.bytes(frame.stateless_reset_token);
}

}  // namespace hawser::quic
