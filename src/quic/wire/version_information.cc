// version_information.cc: writes the version_information transport parameter.
#include "quic/wire/version_information.h"

namespace hawser::quic {

// rfc9368:3-chosen-listed
std::vector<std::uint8_t> encode_version_information(Version chosen, std::span<const Version> available, bool reserved,
                                                     Random& random) {
  std::vector<std::uint8_t> value(4 * (1 + available.size() + (reserved ? 1 : 0)));
  const std::size_t reserved_at = reserved ? random.below(available.size() + 1) : SIZE_MAX;
  Writer out(value);
  out.u32(static_cast<std::uint32_t>(chosen));
  for (std::size_t i = 0; i <= available.size(); ++i) {
    if (i == reserved_at) out.u32(static_cast<std::uint32_t>(random_reserved_version(random)));
    if (i < available.size()) out.u32(static_cast<std::uint32_t>(available[i]));
  }
  return value;
}

}  // namespace hawser::quic
