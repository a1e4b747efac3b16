// encoded_head.h: the head of a message that is checked and encoded once and sent many times.
// Only the static table and literals are used, so it fits every connection at every moment
// and leaves nothing for the peer's decoder to acknowledge.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "http3/error.h"
#include "http3/qpack/field.h"

namespace hawser::http3 {

class EncodedHead {
 public:
  // A request that any server may get: pseudo-header fields first, no Extended CONNECT. The
  // fields may go afterwards. Errors: what Session::send_request() calls kMalformed.
  static Result<EncodedHead> request(FieldList fields);

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

  std::vector<std::uint8_t> frame_;
  std::size_t section_octets_ = 0;
  std::size_t field_section_size_ = 0;
  bool is_head_ = false;
  bool is_connect_ = false;
};

}  // namespace hawser::http3
