// qpack_decoder_fuzz.cc: a peer's encoder stream and field sections, in any order and cut anywhere.
// room: qpack
#include "base/check.h"
#include "base/reader.h"
#include "http3/qpack/decoder.h"

using namespace hawser;

// Input: capacity in units of 64, blocked streams, then {kind, length, octets}: even kinds are
// encoder stream, odd ones a section of stream kind / 2.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Reader in({data, size});
  std::uint8_t capacity = 0;
  std::uint8_t blocked = 0;
  if (!in.u8(capacity) || !in.u8(blocked)) return 0;
  http3::qpack::Decoder decoder({.table_capacity_max = capacity * std::size_t{64},
                                 .blocked_streams_max = blocked % 8u,
                                 .field_section_size_max = 4'096});
  http3::FieldSection out;
  std::uint8_t kind = 0;
  std::uint8_t length = 0;
  while (in.u8(kind) && in.u8(length)) {
    Bytes octets;
    if (!in.bytes(length, octets)) octets = in.rest();
    if (kind % 2 == 0) {
      if (!decoder.on_encoder_stream(octets)) return 0;
      std::uint64_t unblocked = 0;
      while (decoder.next_unblocked(unblocked)) {
      }
    } else {
      const auto status = decoder.decode(kind / 2u, octets, out);
      if (!status) return 0;
      if (*status == http3::qpack::DecodeStatus::kDecoded) HAWSER_CHECK(size_of(out.fields()) <= 4'096);
      if (kind == 255) decoder.cancel_stream(kind / 2u);
    }
    HAWSER_CHECK(decoder.table().size() <= decoder.table().capacity());
    HAWSER_CHECK(decoder.blocked_streams() <= blocked % 8u);
    // Section strings and one table's worth at most: what the limits promise.
    HAWSER_CHECK(out.memory() < 64 * 1'024);
    decoder.consume_decoder_stream(decoder.pending_decoder_stream().size());
  }
  return 0;
}
