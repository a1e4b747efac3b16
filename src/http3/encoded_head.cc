// encoded_head.cc: one run of an encoder that knows no dynamic table.
#include "http3/encoded_head.h"

#include "base/result.h"
#include "http3/frames.h"
#include "http3/message.h"
#include "http3/qpack/encoder.h"

namespace hawser::http3 {

Result<EncodedHead> EncodedHead::request(FieldList fields) {
  HAWSER_TRY(const MessageHead head, check_outgoing_request(fields, false));
  EncodedHead encoded;
  encoded.is_head_ = head.method == "HEAD";
  encoded.is_connect_ = head.is_connect();
  encoded.field_section_size_ = size_of(fields);
  // Without on_peer_settings() an encoder uses the static table alone.
  qpack::Encoder encoder({.table_capacity_max = 0, .blocked_streams_max = 0});
  std::vector<std::uint8_t> section;
  encoder.encode(0, fields, section);
  encoded.section_octets_ = section.size();
  append_frame(encoded.frame_, static_cast<std::uint64_t>(FrameType::kHeaders), section);
  return encoded;
}

}  // namespace hawser::http3
