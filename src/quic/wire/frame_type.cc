// frame_type.cc: names of frames, from the table of frame_legality.h.
#include "quic/wire/frame_type.h"

#include "quic/wire/frame_legality.h"

namespace hawser::quic {

std::string_view frame_name(std::uint64_t type) {
  const FrameRules& rules = rules_of(type);
  return rules.known() ? rules.name : std::string_view("unknown");
}

}  // namespace hawser::quic
