// fec_fuzz.cc: any packets and repair symbols: none makes the decoder read or keep more than it may.
// room: fec
#include <algorithm>
#include <cstdint>

#include "base/check.h"
#include "quic/fec/fec_decoder.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hawser;
  using namespace hawser::quic;
  FecDecoder decoder;
  FrameReader in(Bytes{data, size}, FrameType::kFecRepair);
  // An octet says what comes: a repair symbol, or the number of a packet and a payload of that length.
  std::uint8_t kind = 0;
  while (in.u8(kind)) {
    if (kind < 128) {
      const auto repair = parse_fec_repair(in);
      if (!repair) break;
      // What this build cannot compute it does not offer, and a connection takes no symbol of it.
      if (is_available(repair->scheme)) decoder.on_repair(*repair);
    } else {
      std::uint64_t number = 0;
      Bytes payload;
      if (!in.varint(number) || !in.bytes(std::min<std::size_t>(kind - 128, in.remaining()), payload)) break;
      decoder.on_packet(number, payload);
    }
    while (const auto recovered = decoder.next_recovered())
      HAWSER_CHECK(!recovered->payload.empty() && recovered->payload.size() <= kMaxFecPayload);
  }
  HAWSER_CHECK(decoder.memory() < 2 * (kFecWindow + kMaxFecBlocks * kMaxFecRepairs) * kMaxFecSymbol);
  return 0;
}
