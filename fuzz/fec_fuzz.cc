// fec_fuzz.cc: any frames of forward error correction: none makes the decoder read or keep more than it may.
// room: fec
#include <algorithm>
#include <array>
#include <cstdint>

#include "base/check.h"
#include "quic/fec/fec_decoder.h"

namespace {

// What a frame that was read writes is read again alike.
void check_round_trip(const hawser::quic::FecRepair& repair) {
  using namespace hawser;
  using namespace hawser::quic;
  std::array<std::uint8_t, kMaxFecSymbol + 32> buffer;
  const std::size_t size = write_fec_repair(buffer, repair);
  HAWSER_CHECK(size == fec_repair_size(repair));
  Bytes again = Bytes(buffer).first(size).subspan(4);
  const auto read = parse_fec_repair(again);
  HAWSER_CHECK(read.has_value() && read->block == repair.block && read->row == repair.row);
  HAWSER_CHECK(equal(read->symbol, repair.symbol) && again.empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hawser;
  using namespace hawser::quic;
  if (size == 0) return 0;
  const FecScheme scheme =
      (data[0] & 1) != 0 && is_available(FecScheme::kReedSolomon) ? FecScheme::kReedSolomon : FecScheme::kXor;
  (void)parse_fec_parameter({data, size});
  FecDecoder decoder(scheme);
  Bytes in{data + 1, size - 1};
  // An octet says what comes: a repair symbol, or a packet of that length and its ID.
  while (!in.empty()) {
    const std::uint8_t kind = in[0];
    in = in.subspan(1);
    if (kind < 128) {
      const auto repair = parse_fec_repair(in);
      if (!repair) break;
      check_round_trip(*repair);
      decoder.on_repair(*repair);
    } else {
      const auto source = parse_fec_source(in);
      if (!source) break;
      const std::size_t length = std::min<std::size_t>(kind - 128, in.size());
      decoder.on_source(*source, in.first(length));
      in = in.subspan(length);
    }
    FecRecovered recovered;
    while (decoder.next_recovered(recovered))
      HAWSER_CHECK(!recovered.payload.empty() && recovered.payload.size() <= kMaxFecPayload);
  }
  HAWSER_CHECK(decoder.memory() < 2 * kMaxFecBlocks * (kMaxFecSources + kMaxFecRepairs) * kMaxFecSymbol);
  return 0;
}
