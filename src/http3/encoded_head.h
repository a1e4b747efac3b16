// encoded_head.h: the head of a message that is checked and encoded once and sent many times.
// Only the static table and literals are used, so it fits every connection at every moment
// and leaves nothing for the peer's decoder to acknowledge.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "base/shared_bytes.h"
#include "http3/error.h"
#include "http3/qpack/field.h"

namespace hawser::http3 {

class EncodedHead {
 public:
  // A request that any server may get: pseudo-header fields first, no Extended CONNECT. The
  // fields may go afterwards. Errors: what Session::send_request() calls kMalformed.
  static Result<EncodedHead> request(FieldList fields);
  // A final response's head. `last` comes last and as it is, without Huffman coding: its value
  // is the end of the frame, where a caller may put another one of the same length.
  static Result<EncodedHead> response(std::uint16_t status, FieldList fields, const Field& last);

  // The HEADERS frame.
  [[nodiscard]] Bytes frame() const { return frame_; }
  // Octets of it that are the encoded field section.
  [[nodiscard]] std::size_t section_octets() const { return section_octets_; }
  // As SETTINGS_MAX_FIELD_SECTION_SIZE counts.
  [[nodiscard]] std::size_t field_section_size() const { return field_section_size_; }
  [[nodiscard]] bool is_head() const { return is_head_; }
  [[nodiscard]] bool is_connect() const { return is_connect_; }

 private:
  EncodedHead() = default;
  void set_frame(Bytes section, std::size_t field_section_size);

  std::vector<std::uint8_t> frame_;
  std::size_t section_octets_ = 0;
  std::size_t field_section_size_ = 0;
  bool is_head_ = false;
  bool is_connect_ = false;
};

// A whole response: its head, and a DATA frame with the body if there is one.
struct EncodedMessage {
  SharedBytes octets;
  std::size_t head_size = 0;           // octets of the HEADERS frame
  std::size_t section_size = 0;        // of it, the encoded field section
  std::size_t field_section_size = 0;  // as SETTINGS_MAX_FIELD_SECTION_SIZE counts
  std::size_t body_size = 0;           // octets of the content
};

}  // namespace hawser::http3
