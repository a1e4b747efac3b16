// decoder.h: turns encoded field sections back into fields, and keeps the dynamic table that the
// peer's encoder fills (RFC 9204 sections 2.2 and 4).
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "http3/qpack/dynamic_table.h"
#include "http3/qpack/error.h"
#include "http3/qpack/field.h"

namespace hawser::http3::qpack {

struct DecoderConfig {
  // Octets of dynamic table offered to the peer (SETTINGS_QPACK_MAX_TABLE_CAPACITY); at most
  // kTableCapacityMax.
  std::size_t table_capacity_max = 4'096;
  // Capacity before the first Set Dynamic Table Capacity. RFC 9204 section 3.2.3 has 0; the
  // files of the interop corpus and 0-RTT with remembered settings start higher.
  std::size_t table_capacity_initial = 0;
  // Streams that may wait for the encoder stream (SETTINGS_QPACK_BLOCKED_STREAMS).
  std::size_t blocked_streams_max = 100;
  // Decoded size of a field section, counted as RFC 9114 section 4.2.2 does
  // (SETTINGS_MAX_FIELD_SECTION_SIZE). This bounds what a small section can be blown up to.
  std::size_t field_section_size_max = 64 * 1'024;
};

// Instructions waiting for the decoder stream. One acknowledgement has up to 10 octets, so
// this holds 6,500 of them; a peer that lets more pile up makes on_* and decode() fail.
inline constexpr std::size_t kDecoderStreamBacklogMax = 64 * 1'024;

enum class DecodeStatus : std::uint8_t {
  kDecoded,
  kBlocked,   // insertions are missing: keep the section and decode() it again once
              // next_unblocked() names the stream
  kTooLarge,  // over field_section_size_max; the dynamic table is unharmed
};

class Decoder {
 public:
  explicit Decoder(DecoderConfig config = {});

  // Octets of the peer's encoder stream, cut anywhere. QPACK_ENCODER_STREAM_ERROR otherwise.
  Result<void> on_encoder_stream(Bytes data);

  // Decodes one whole field section of a stream. `out` is cleared first; its views are good
  // until it is cleared again. QPACK_DECOMPRESSION_FAILED when it makes no sense or would
  // block one stream too many.
  Result<DecodeStatus> decode(std::uint64_t stream_id, Bytes section, FieldSection& out);

  // The stream was reset or is no longer read: forgets that it is blocked, and tells the peer
  // that sections of it will not be acknowledged (RFC 9204 section 2.2.2.2).
  void cancel_stream(std::uint64_t stream_id);

  // A stream whose insertions have all arrived. Names each once.
  bool next_unblocked(std::uint64_t& stream_id);

  // What to send on our decoder stream, acknowledgements first. Valid until the next call of
  // a non-const method; then say how much of it was taken.
  Bytes pending_decoder_stream();
  void consume_decoder_stream(std::size_t count);

  // Gives back what it works in; what the peer taught it stays.
  void rest();
  // Octets on the heap.
  [[nodiscard]] std::size_t memory() const;
  [[nodiscard]] const DynamicTable& table() const { return table_; }
  [[nodiscard]] std::size_t blocked_streams() const { return blocked_.size(); }
  [[nodiscard]] const DecoderConfig& config() const { return config_; }

 private:
  struct Blocked {
    std::uint64_t stream_id;
    std::uint64_t required_insert_count;
  };
  struct Prefix {
    std::uint64_t required_insert_count = 0;
    std::uint64_t base = 0;
  };
  enum class Step : std::uint8_t { kDone, kTruncated };

  Result<std::size_t> run_instructions(Bytes data);
  Result<Step> run_instruction(const std::uint8_t*& in, const std::uint8_t* end);
  Result<Step> insert_with_name_reference(const std::uint8_t*& in, const std::uint8_t* end);
  Result<Step> insert_with_literal_name(const std::uint8_t*& in, const std::uint8_t* end);
  Result<Step> set_capacity(const std::uint8_t*& in, const std::uint8_t* end);
  Result<Step> duplicate(const std::uint8_t*& in, const std::uint8_t* end);
  Result<Step> pass_string(const std::uint8_t*& in, const std::uint8_t* end, unsigned bits, std::uint64_t& room) const;
  Result<std::string_view> take_whole_string(const std::uint8_t* in, const std::uint8_t* end, unsigned bits);
  Result<Step> insert_and_finish(std::string_view name, std::string_view value);
  Result<std::uint64_t> instruction_relative(std::uint64_t relative) const;

  Result<Prefix> take_prefix(const std::uint8_t*& in, const std::uint8_t* end) const;
  Result<std::uint64_t> reconstruct_insert_count(std::uint64_t encoded) const;
  Result<void> block(std::uint64_t stream_id, std::uint64_t required_insert_count);
  void acknowledge(std::uint64_t stream_id, std::uint64_t required_insert_count);
  void emit(std::uint8_t pattern, std::uint64_t value, unsigned bits);

  DecoderConfig config_;
  DynamicTable table_;
  std::vector<std::uint8_t> partial_;  // an instruction that has not arrived whole
  FieldSection scratch_;               // strings of the instruction being run
  std::vector<Blocked> blocked_;
  std::vector<std::uint8_t> pending_;
  std::size_t pending_sent_ = 0;
  std::uint64_t known_received_count_ = 0;  // what the peer has been told
};

}  // namespace hawser::http3::qpack
