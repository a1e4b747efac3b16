// qpack_encoder_roundtrip_fuzz.cc: any fields in, the same fields out, under any acknowledgement.
// room: qpack
#include <vector>

#include "base/check.h"
#include "base/reader.h"
#include "http3/qpack/decoder.h"
#include "http3/qpack/encoder.h"

using namespace hawser;

// Input: capacity in units of 32, blocked streams, then sections: {flags, field count, fields
// of {name length, value length, octets}}. Flag 1: acknowledge, 2: cancel, 4: sensitive.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Reader in({data, size});
  std::uint8_t capacity = 0;
  std::uint8_t blocked = 0;
  if (!in.u8(capacity) || !in.u8(blocked)) return 0;
  const std::size_t table = capacity * std::size_t{32};
  http3::qpack::Encoder encoder({.table_capacity_max = table, .blocked_streams_max = blocked});
  encoder.on_peer_settings(table, blocked);
  http3::qpack::Decoder decoder({.table_capacity_max = table, .blocked_streams_max = blocked});
  http3::FieldSection out;
  std::vector<http3::Field> fields;
  std::vector<std::uint8_t> section;
  std::uint8_t flags = 0;
  std::uint8_t count = 0;
  for (std::uint64_t stream_id = 0; in.u8(flags) && in.u8(count); stream_id += 4) {
    fields.clear();
    for (; count > 0; --count) {
      std::uint8_t name = 0;
      std::uint8_t value = 0;
      Bytes name_octets;
      Bytes value_octets;
      if (!in.u8(name) || !in.u8(value) || !in.bytes(name, name_octets) || !in.bytes(value, value_octets)) break;
      fields.push_back({as_text(name_octets), as_text(value_octets), (flags & 4) != 0});
    }
    section.clear();
    encoder.encode(stream_id, fields, section);
    HAWSER_CHECK(encoder.blocked_streams() <= blocked);
    const Bytes insertions = encoder.pending_encoder_stream();
    HAWSER_CHECK(decoder.on_encoder_stream(insertions).has_value());
    encoder.consume_encoder_stream(insertions.size());
    if ((flags & 2) != 0) {
      decoder.cancel_stream(stream_id);
    } else {
      const auto status = decoder.decode(stream_id, section, out);
      HAWSER_CHECK(status.has_value() && *status == http3::qpack::DecodeStatus::kDecoded);
      HAWSER_CHECK(out.size() == fields.size());
      for (std::size_t i = 0; i < fields.size(); ++i) {
        HAWSER_CHECK(out[i].name == fields[i].name && out[i].value == fields[i].value);
        HAWSER_CHECK(!fields[i].sensitive || out[i].sensitive);
      }
    }
    if ((flags & 1) == 0) continue;
    const Bytes answer = decoder.pending_decoder_stream();
    HAWSER_CHECK(encoder.on_decoder_stream(answer).has_value());
    decoder.consume_decoder_stream(answer.size());
  }
  return 0;
}
