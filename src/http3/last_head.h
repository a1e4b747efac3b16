// last_head.h: the head that came last, in its octets and as what they mean. Whoever asks for
// the same thing again, or answers in the same way, sends the same octets again; then they
// are compared and neither decoded nor checked anew.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "http3/message.h"
#include "http3/qpack/field.h"

namespace hawser::http3 {

// Octets of an encoded section that are remembered at most, one section a connection.
inline constexpr std::size_t kLastHeadMax = 512;

struct LastHead {
  MessageHead head;        // its views stand in `section`
  std::size_t in_use = 0;  // handlers that are looking at it

  [[nodiscard]] bool is(Bytes section_octets) const { return !octets_.empty() && equal(section_octets, octets_); }

  [[nodiscard]] FieldList fields() const { return section_.fields(); }

  // Takes the section over and leaves an old one in its place. False, and nothing is done, for
  // sections that mean something else at another time, since they refer to a dynamic table
  // (RFC 9204 section 4.5.1: a prefix other than two zeros), that are long, or while in use.
  bool keep(Bytes section_octets, FieldSection& section, const MessageHead& message_head) {
    if (in_use != 0 || section_octets.size() > kLastHeadMax) return false;
    if (section_octets.size() < 2 || section_octets[0] != 0 || section_octets[1] != 0) return false;
    octets_.assign(section_octets.begin(), section_octets.end());
    std::swap(section_, section);
    head = message_head;
    return true;
  }

 private:
  std::vector<std::uint8_t> octets_;  // empty: none
  FieldSection section_;
};

}  // namespace hawser::http3
