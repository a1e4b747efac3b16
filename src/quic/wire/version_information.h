// version_information.h: the transport parameter by which both ends agree on a version inside the
// handshake (RFC 9368 section 3): Chosen Version, then Available Versions.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/random.h"
#include "base/writer.h"
#include "quic/wire/types.h"
#include "quic/wire/version_negotiation.h"

namespace hawser::quic {

// The parameter's value. `available` keeps its order, which is the sender's preference; with
// `reserved`, a version that nobody speaks stands at a random place among them.
std::vector<std::uint8_t> encode_version_information(Version chosen, std::span<const Version> available, bool reserved,
                                                     Random& random);

// A value that parse_transport_parameters() has let through. A view into it.
class VersionInformationView {
 public:
  // `value` has a multiple of 4 octets, at least 4.
  explicit VersionInformationView(Bytes value) : all_(value), available_(value.subspan(4)) {}
  [[nodiscard]] Version chosen() const { return all_[0]; }
  [[nodiscard]] const VersionList& available() const { return available_; }

 private:
  VersionList all_;
  VersionList available_;
};

}  // namespace hawser::quic
