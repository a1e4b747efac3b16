// encoded_head.cc: one run of an encoder that knows no dynamic table.
#include "http3/encoded_head.h"

#include <array>

#include "base/result.h"
#include "http3/frames.h"
#include "http3/message.h"
#include "http3/qpack/encoder.h"

namespace hawser::http3 {
namespace {

// Without on_peer_settings() an encoder uses the static table alone, and its section begins
// with a prefix of two zeros (RFC 9204 section 4.5.1).
constexpr std::size_t kPrefixSize = 2;

void append_section(std::vector<std::uint8_t>& out, FieldList fields, bool huffman) {
  qpack::Encoder encoder({.table_capacity_max = 0, .blocked_streams_max = 0, .huffman = huffman});
  encoder.encode(0, fields, out);
}

}  // namespace

Result<EncodedHead> EncodedHead::request(FieldList fields) {
  HAWSER_TRY(const MessageHead head, check_outgoing_request(fields, false));
  EncodedHead encoded;
  encoded.is_head_ = head.method == "HEAD";
  encoded.is_connect_ = head.is_connect();
  std::vector<std::uint8_t> section;
  append_section(section, fields, true);
  encoded.set_frame(section, size_of(fields));
  return encoded;
}

Result<EncodedHead> EncodedHead::response(std::uint16_t status, FieldList fields, const Field& last) {
  if (status < 200 || status > 999) return malformed("a status outside 200 to 999");
  const std::array<char, 3> digits{static_cast<char>('0' + status / 100), static_cast<char>('0' + status / 10 % 10),
                                   static_cast<char>('0' + status % 10)};
  std::vector<Field> list{{":status", {digits.data(), digits.size()}}};
  list.insert(list.end(), fields.begin(), fields.end());
  HAWSER_TRY_VOID(check_outgoing_response(list));
  if (!is_field_name(last.name)) return malformed("a field name has a character that is not allowed");
  std::vector<std::uint8_t> section;
  append_section(section, list, true);
  std::vector<std::uint8_t> tail;
  append_section(tail, {&last, 1}, false);
  section.insert(section.end(), tail.begin() + kPrefixSize, tail.end());
  EncodedHead encoded;
  encoded.set_frame(section, size_of(list) + size_of(last));
  return encoded;
}

void EncodedHead::set_frame(Bytes section, std::size_t field_section_size) {
  section_octets_ = section.size();
  field_section_size_ = field_section_size;
  append_frame(frame_, static_cast<std::uint64_t>(FrameType::kHeaders), section);
}

}  // namespace hawser::http3
