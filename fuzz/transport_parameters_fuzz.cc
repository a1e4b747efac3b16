// transport_parameters_fuzz.cc: attacks transport parameters; the first octet is the sender's role.
// room: wire
#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "quic/wire/transport_parameters.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hawser;
  using namespace hawser::quic;
  if (size == 0) return 0;
  const Role sender = (data[0] & 1) == 0 ? Role::kClient : Role::kServer;
  const auto parsed = parse_transport_parameters(Bytes(data + 1, size - 1), sender);
  if (!parsed) {
    HAWSER_CHECK(parsed.error().code == TransportErrorCode::kTransportParameterError);
    HAWSER_CHECK(!parsed.error().reason.empty());
    return 0;
  }
  SeededRandom random(size);
  const auto encoded = encode_transport_parameters(*parsed, sender, random);
  const auto again = parse_transport_parameters(encoded, sender);
  HAWSER_CHECK(again && *again == *parsed);
  return 0;
}
