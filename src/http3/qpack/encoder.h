// encoder.h: turns fields into encoded field sections, and teaches the peer's decoder the fields
// that are worth it (RFC 9204 sections 2.1 and 4).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "http3/qpack/dynamic_table.h"
#include "http3/qpack/error.h"
#include "http3/qpack/field.h"

namespace hawser::http3::qpack {

struct EncoderConfig {
  // Octets of dynamic table used at most, whatever the peer offers; our own memory.
  std::size_t table_capacity_max = 16 * 1'024;
  // Streams that may be at risk of blocking at most, whatever the peer allows.
  std::size_t blocked_streams_max = 100;
  bool huffman = true;
};

// Field sections sent but not acknowledged that refer to the dynamic table. Each costs 24
// octets here, 24 KB in all; past the limit sections are encoded without references.
inline constexpr std::size_t kOutstandingSectionsMax = 1'024;

class Encoder {
 public:
  explicit Encoder(EncoderConfig config = {});

  // What the peer's decoder offers; before it is known, only the static table is used. Call
  // at most once (RFC 9114 section 7.2.4: SETTINGS come once).
  void on_peer_settings(std::uint64_t table_capacity_max, std::uint64_t blocked_streams_max);

  // Appends the encoded section to `out`; insertions go to pending_encoder_stream(), which
  // has to be sent before or with it. A field marked sensitive is never indexed.
  void encode(std::uint64_t stream_id, FieldList fields, std::vector<std::uint8_t>& out);

  // Octets of the peer's decoder stream, cut anywhere. QPACK_DECODER_STREAM_ERROR otherwise.
  Result<void> on_decoder_stream(Bytes data);

  // What to send on our encoder stream. Valid until the next encode().
  [[nodiscard]] Bytes pending_encoder_stream() const;
  void consume_encoder_stream(std::size_t count);

  // Changes the table's size within what the peer offers (RFC 9204 section 3.2.3). False, and
  // nothing is done, while entries that would be evicted are still referred to.
  bool set_table_capacity(std::size_t capacity);

  [[nodiscard]] const DynamicTable& table() const { return table_; }
  [[nodiscard]] std::uint64_t known_received_count() const { return known_received_count_; }
  // Gives back what it works in; what the peer knows of stays.
  void rest();
  // Octets on the heap.
  [[nodiscard]] std::size_t memory() const;
  [[nodiscard]] std::size_t outstanding_sections() const { return sections_.size(); }
  // Streams with a section that the peer may be unable to decode yet.
  [[nodiscard]] std::size_t blocked_streams() const;

 private:
  static constexpr std::uint64_t kNoEntry = ~std::uint64_t{0};

  // A section that the peer has not acknowledged.
  struct Section {
    std::uint64_t stream_id;
    std::uint64_t required_insert_count;
    std::uint64_t oldest_reference;
  };
  struct Hashed {
    std::uint32_t name = 0;
    std::uint32_t field = 0;
  };
  // Links from an entry to the next older one in its bucket. Entries leave oldest first, so
  // a chain ends where its index is below dropped_count() and nothing is ever unlinked.
  struct Link {
    std::uint64_t older_field = 0;
    std::uint64_t older_name = 0;
    Hashed hash;
  };
  // The references one section makes while it is being encoded.
  struct Draft {
    std::uint64_t base = 0;
    std::uint64_t required_insert_count = 0;
    std::uint64_t oldest_reference = kNoEntry;
    bool may_refer = false;  // to the dynamic table at all
    bool may_block = false;  // to entries that the peer may lack
  };
  struct DynamicMatch {
    std::uint64_t field = kNoEntry;  // a usable entry with this name and value
    std::uint64_t name = kNoEntry;   // a usable entry with this name
    bool field_known = false;        // there is one, usable or not
  };

  void encode_field(const Field& field, Draft& draft);
  void encode_indexed(std::uint64_t absolute, Draft& draft);
  void encode_literal(const Field& field, bool secret, std::uint8_t static_name, std::uint64_t dynamic_name,
                      Draft& draft);
  void put_string(std::vector<std::uint8_t>& out, std::uint8_t pattern, unsigned bits, std::string_view text);
  void put_section_prefix(std::vector<std::uint8_t>& out, const Draft& draft) const;
  void refer(std::uint64_t absolute, Draft& draft);

  [[nodiscard]] DynamicMatch find_dynamic(const Field& field, Hashed hash, const Draft& draft) const;
  [[nodiscard]] bool usable(std::uint64_t absolute, const Draft& draft) const;
  [[nodiscard]] bool draining(std::uint64_t absolute) const;
  [[nodiscard]] bool room_for(std::size_t size, const Draft& draft) const;
  [[nodiscard]] bool worth_inserting(const Field& field, Hashed hash, const Draft& draft);
  std::uint64_t try_insert(const Field& field, Hashed hash, std::uint8_t static_name, std::uint64_t dynamic_name,
                           Draft& draft);
  std::uint64_t refreshed(std::uint64_t absolute, Hashed hash, Draft& draft);
  std::uint64_t insert(const Field& field, Hashed hash);
  void link(std::uint64_t absolute, Hashed hash);
  void grow_index();

  [[nodiscard]] bool stream_may_block(std::uint64_t stream_id) const;
  [[nodiscard]] bool at_risk(std::uint64_t stream_id) const;
  void recount_sections();

  Result<void> on_section_acknowledgment(std::uint64_t stream_id);
  void on_stream_cancellation(std::uint64_t stream_id);
  Result<void> on_insert_count_increment(std::uint64_t increment);

  EncoderConfig config_;
  DynamicTable table_;
  std::uint64_t peer_capacity_max_ = 0;  // MaxEntries comes from it, whatever we use
  std::size_t blocked_streams_max_ = 0;
  std::uint64_t known_received_count_ = 0;
  std::uint64_t oldest_reference_ = kNoEntry;  // over all outstanding sections
  bool starved_ = false;                       // an insertion failed because of references
  std::size_t sections_at_risk_ = 0;           // those that the peer may be unable to decode yet
  std::vector<Section> sections_;              // in the order they were sent
  std::vector<Link> links_;                    // by absolute index, in a ring at least as long as the table
  std::vector<std::uint64_t> field_buckets_;   // newest entry + 1, or 0
  std::vector<std::uint64_t> name_buckets_;
  std::vector<std::uint32_t> seen_;  // hashes of fields met lately
  std::vector<std::uint8_t> lines_;  // field lines of the section being encoded
  std::vector<std::uint8_t> pending_;
  std::size_t pending_sent_ = 0;
  std::array<std::uint8_t, 16> partial_{};  // a decoder instruction that was cut
  std::size_t partial_size_ = 0;
};

}  // namespace hawser::http3::qpack
