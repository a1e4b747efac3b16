// decoder.cc: the peer's insertions and its field sections, both untrusted.
#include "http3/qpack/decoder.h"

#include <algorithm>
#include <array>

#include "base/check.h"
#include "base/result.h"
#include "http3/qpack/huffman.h"
#include "http3/qpack/prefix_integer.h"
#include "http3/qpack/static_table.h"

namespace hawser::http3::qpack {

namespace {

constexpr auto kSectionFault = ErrorCode::kDecompressionFailed;
constexpr auto kEncoderFault = ErrorCode::kEncoderStreamError;

// Takes a string whose length has a prefix of `bits` bits with the Huffman flag above them,
// and stores it in `arena`. Raw strings are copied too, as the input does not live on.
TakeStatus take_string(const std::uint8_t*& in, const std::uint8_t* end, unsigned bits, FieldSection& arena,
                       std::string_view& text) {
  if (in == end) return TakeStatus::kTruncated;
  const bool huffman = (*in >> bits & 1) != 0;
  const std::uint8_t* at = in;
  std::uint64_t length = 0;
  const TakeStatus status = take_prefix_integer(at, end, bits, length);
  if (status != TakeStatus::kTaken) return status;
  if (length > static_cast<std::uint64_t>(end - at)) return TakeStatus::kTruncated;
  const Bytes encoded{at, static_cast<std::size_t>(length)};
  if (huffman) {
    char* out = arena.reserve(huffman_decoded_max(encoded.size()));
    const auto decoded = huffman_decode(encoded, out);
    if (!decoded) return TakeStatus::kInvalid;
    text = arena.take(*decoded);
  } else {
    text = arena.store(as_text(encoded));
  }
  in = at + length;
  return TakeStatus::kTaken;
}

// One encoded field section being taken apart.
class SectionReader {
 public:
  SectionReader(const std::uint8_t* in, const std::uint8_t* end, std::uint64_t required_insert_count,
                std::uint64_t base, const DynamicTable& table, std::size_t size_max, FieldSection& out)
      : in_(in),
        end_(end),
        required_(required_insert_count),
        base_(base),
        table_(table),
        size_max_(size_max),
        out_(out) {}

  Result<void> run() {
    while (in_ != end_) HAWSER_TRY_VOID(line());
    return {};
  }
  [[nodiscard]] bool too_large() const { return size_ > size_max_; }

 private:
  Result<void> line();
  Result<void> indexed();
  Result<void> indexed_post_base();
  Result<void> literal(bool sensitive, std::string_view name, bool copy_name);
  Result<std::uint64_t> index(unsigned bits);
  Result<Field> static_entry(unsigned bits);
  Result<Field> relative_entry(unsigned bits);
  Result<Field> post_base_entry(unsigned bits);
  Result<Field> dynamic_entry(std::uint64_t absolute) const;
  Result<std::string_view> string(unsigned bits);
  bool count(std::size_t name_size, std::size_t value_size);

  const std::uint8_t* in_;
  const std::uint8_t* end_;
  std::uint64_t required_;
  std::uint64_t base_;
  const DynamicTable& table_;
  std::size_t size_max_;
  std::size_t size_ = 0;
  FieldSection& out_;
};

// RFC 9204 section 4.5: the high bits of its first octet say what a line is.
Result<void> SectionReader::line() {
  const std::uint8_t first = *in_;
  if ((first & 0x80) != 0) return indexed();
  if ((first & 0x40) != 0) {
    HAWSER_TRY(const Field entry, (first & 0x10) != 0 ? static_entry(4) : relative_entry(4));
    return literal((first & 0x20) != 0, entry.name, (first & 0x10) == 0);
  }
  if ((first & 0x20) != 0) {
    HAWSER_TRY(const std::string_view name, string(3));
    return literal((first & 0x10) != 0, name, false);
  }
  if ((first & 0x10) != 0) return indexed_post_base();
  HAWSER_TRY(const Field entry, post_base_entry(3));
  return literal((first & 0x08) != 0, entry.name, true);
}

Result<void> SectionReader::indexed() {
  if ((*in_ & 0x40) != 0) {
    HAWSER_TRY(const Field entry, static_entry(6));
    if (count(entry.name.size(), entry.value.size())) out_.append_view(entry.name, entry.value);
    return {};
  }
  HAWSER_TRY(const Field entry, relative_entry(6));
  if (count(entry.name.size(), entry.value.size())) out_.append(entry.name, entry.value);
  return {};
}

Result<void> SectionReader::indexed_post_base() {
  HAWSER_TRY(const Field entry, post_base_entry(4));
  if (count(entry.name.size(), entry.value.size())) out_.append(entry.name, entry.value);
  return {};
}

Result<void> SectionReader::literal(bool sensitive, std::string_view name, bool copy_name) {
  HAWSER_TRY(const std::string_view value, string(7));
  if (!count(name.size(), value.size())) return {};
  out_.append_view(copy_name ? out_.store(name) : name, value, sensitive);
  return {};
}

// Adds to the size; false once it is over the limit, after which lines are read for their
// syntax only and nothing more is stored.
bool SectionReader::count(std::size_t name_size, std::size_t value_size) {
  size_ += name_size + value_size + kFieldOverhead;
  return size_ <= size_max_;
}

Result<std::uint64_t> SectionReader::index(unsigned bits) {
  std::uint64_t value = 0;
  if (take_prefix_integer(in_, end_, bits, value) != TakeStatus::kTaken)
    return fail(kSectionFault, "broken index in field section");
  return value;
}

Result<Field> SectionReader::static_entry(unsigned bits) {
  HAWSER_TRY(const std::uint64_t at, index(bits));
  // rfc9204:3.1-field-line
  if (at >= kStaticTableSize) return fail(kSectionFault, "static table index out of range");
  return kStaticTable[at];
}

Result<Field> SectionReader::relative_entry(unsigned bits) {
  HAWSER_TRY(const std::uint64_t relative, index(bits));
  if (relative >= base_) return fail(kSectionFault, "relative index before the first entry");
  return dynamic_entry(base_ - 1 - relative);
}

Result<Field> SectionReader::post_base_entry(unsigned bits) {
  HAWSER_TRY(const std::uint64_t offset, index(bits));
  return dynamic_entry(base_ + offset);
}

// RFC 9204 section 2.2.3: evicted entries and those at or above the Required Insert Count.
Result<Field> SectionReader::dynamic_entry(std::uint64_t absolute) const {
  // rfc9204:2.2.3-field-line rfc9204:2.2.1-smaller
  if (absolute >= required_) return fail(kSectionFault, "reference at or above the required insert count");
  if (absolute < table_.dropped_count()) return fail(kSectionFault, "reference to an evicted entry");
  return table_.at(absolute);
}

Result<std::string_view> SectionReader::string(unsigned bits) {
  std::string_view text;
  // Past the size limit strings still have to be understood; they go where they are
  // overwritten, so that a section of any length stays within the arena it had.
  if (too_large()) out_.clear();
  if (take_string(in_, end_, bits, out_, text) != TakeStatus::kTaken) {
    // rfc9204:7.4-too-large
    return fail(kSectionFault, "broken string in field section");
  }
  return text;
}

// Octets that the strings of one entry have room for.
constexpr std::uint64_t string_room(std::size_t capacity) {
  return capacity > kFieldOverhead ? capacity - kFieldOverhead : 0;
}

}  // namespace

Decoder::Decoder(DecoderConfig config) : config_(config), table_(config.table_capacity_max) {
  HAWSER_CHECK(config.table_capacity_max <= kTableCapacityMax);
  if (config.table_capacity_initial > 0) table_.set_capacity(config.table_capacity_initial);
}

// The encoder stream. ------------------------------------------------------------------------

Result<void> Decoder::on_encoder_stream(Bytes data) {
  if (pending_.size() - pending_sent_ > kDecoderStreamBacklogMax)
    return fail(kEncoderFault, "too much is unacknowledged");
  if (partial_.empty()) {
    HAWSER_TRY(const std::size_t used, run_instructions(data));
    partial_.assign(data.begin() + static_cast<std::ptrdiff_t>(used), data.end());
    return {};
  }
  partial_.insert(partial_.end(), data.begin(), data.end());
  HAWSER_TRY(const std::size_t used, run_instructions(partial_));
  partial_.erase(partial_.begin(), partial_.begin() + static_cast<std::ptrdiff_t>(used));
  return {};
}

Result<std::size_t> Decoder::run_instructions(Bytes data) {
  const std::uint8_t* in = data.data();
  const std::uint8_t* const end = in + data.size();
  while (in != end) {
    HAWSER_TRY(const Step step, run_instruction(in, end));
    if (step == Step::kTruncated) break;
  }
  return static_cast<std::size_t>(in - data.data());
}

// RFC 9204 section 4.3. Each moves `in` on only when the instruction is whole.
Result<Decoder::Step> Decoder::run_instruction(const std::uint8_t*& in, const std::uint8_t* end) {
  scratch_.clear();
  const std::uint8_t first = *in;
  if ((first & 0x80) != 0) return insert_with_name_reference(in, end);
  if ((first & 0x40) != 0) return insert_with_literal_name(in, end);
  if ((first & 0x20) != 0) return set_capacity(in, end);
  return duplicate(in, end);
}

Result<Decoder::Step> Decoder::insert_with_name_reference(const std::uint8_t*& in, const std::uint8_t* end) {
  const bool is_static = (*in & 0x40) != 0;
  const std::uint8_t* at = in;
  std::uint64_t index = 0;
  const TakeStatus status = take_prefix_integer(at, end, 6, index);
  if (status == TakeStatus::kTruncated) return Step::kTruncated;
  if (status == TakeStatus::kInvalid) return fail(kEncoderFault, "broken name index in insertion");
  std::string_view name;
  if (is_static) {
    // rfc9204:3.1-instruction
    if (index >= kStaticTableSize) return fail(kEncoderFault, "static table index out of range in insertion");
    name = kStaticTable[index].name;
  } else {
    HAWSER_TRY(const std::uint64_t absolute, instruction_relative(index));
    name = table_.at(absolute).name;
  }
  std::uint64_t room = string_room(table_.capacity());
  room -= std::min<std::uint64_t>(room, name.size());
  const std::uint8_t* value_at = at;
  HAWSER_TRY(const Step step, pass_string(at, end, 7, room));
  if (step == Step::kTruncated) return step;
  HAWSER_TRY(const std::string_view value, take_whole_string(value_at, at, 7));
  in = at;
  return insert_and_finish(name, value);
}

Result<Decoder::Step> Decoder::insert_with_literal_name(const std::uint8_t*& in, const std::uint8_t* end) {
  std::uint64_t room = string_room(table_.capacity());
  const std::uint8_t* at = in;
  HAWSER_TRY(const Step name_step, pass_string(at, end, 5, room));
  if (name_step == Step::kTruncated) return name_step;
  const std::uint8_t* value_at = at;
  HAWSER_TRY(const Step value_step, pass_string(at, end, 7, room));
  if (value_step == Step::kTruncated) return value_step;
  const std::uint8_t* name_at = in;
  HAWSER_TRY(const std::string_view name, take_whole_string(name_at, value_at, 5));
  HAWSER_TRY(const std::string_view value, take_whole_string(value_at, at, 7));
  in = at;
  return insert_and_finish(name, value);
}

Result<Decoder::Step> Decoder::set_capacity(const std::uint8_t*& in, const std::uint8_t* end) {
  std::uint64_t capacity = 0;
  const TakeStatus status = take_prefix_integer(in, end, 5, capacity);
  if (status == TakeStatus::kTruncated) return Step::kTruncated;
  if (status == TakeStatus::kInvalid || capacity > table_.capacity_max()) {
    // rfc9204:4.3.1-exceeded
    return fail(kEncoderFault, "dynamic table capacity above what was offered");
  }
  table_.set_capacity(static_cast<std::size_t>(capacity));
  return Step::kDone;
}

Result<Decoder::Step> Decoder::duplicate(const std::uint8_t*& in, const std::uint8_t* end) {
  std::uint64_t relative = 0;
  const TakeStatus status = take_prefix_integer(in, end, 5, relative);
  if (status == TakeStatus::kTruncated) return Step::kTruncated;
  if (status == TakeStatus::kInvalid) return fail(kEncoderFault, "broken index in duplicate");
  HAWSER_TRY(const std::uint64_t absolute, instruction_relative(relative));
  const Field entry = table_.at(absolute);
  return insert_and_finish(entry.name, entry.value);
}

// Steps over a string by its length alone. Until an instruction is whole nothing of it is decoded: it may come an
// octet at a time, and would be decoded as often. What cannot fit fails before it comes; `room` is what the table has
// for the string, and afterwards for the next.
Result<Decoder::Step> Decoder::pass_string(const std::uint8_t*& in, const std::uint8_t* end, unsigned bits,
                                           std::uint64_t& room) const {
  if (in == end) return Step::kTruncated;
  const bool huffman = (*in >> bits & 1) != 0;
  const std::uint8_t* at = in;
  std::uint64_t length = 0;
  const TakeStatus status = take_prefix_integer(at, end, bits, length);
  if (status == TakeStatus::kTruncated) return Step::kTruncated;
  if (status == TakeStatus::kInvalid) return fail(kEncoderFault, "broken length in insertion");
  // The longest code has 30 bits, so that a symbol takes less than 4 octets.
  const std::uint64_t decoded_min = huffman ? length / 4 : length;
  // rfc9204:3.2.2-too-large
  if (decoded_min > room) return fail(kEncoderFault, "entry larger than the dynamic table");
  room -= decoded_min;
  if (length > static_cast<std::uint64_t>(end - at)) return Step::kTruncated;
  in = at + length;
  return Step::kDone;
}

// One that pass_string() has stepped over.
Result<std::string_view> Decoder::take_whole_string(const std::uint8_t* in, const std::uint8_t* end, unsigned bits) {
  std::string_view text;
  if (take_string(in, end, bits, scratch_, text) != TakeStatus::kTaken)
    return fail(kEncoderFault, "broken string in insertion");
  return text;
}

Result<Decoder::Step> Decoder::insert_and_finish(std::string_view name, std::string_view value) {
  // rfc9204:3.2.2-too-large rfc9204:3.2-duplicates
  if (!table_.fits(name.size(), value.size())) return fail(kEncoderFault, "entry larger than the dynamic table");
  table_.insert(name, value);
  return Step::kDone;
}

// RFC 9204 section 3.2.5: 0 is the entry inserted last.
Result<std::uint64_t> Decoder::instruction_relative(std::uint64_t relative) const {
  // rfc9204:2.2.3-instruction
  if (relative >= table_.entries()) return fail(kEncoderFault, "relative index to no entry in instruction");
  return table_.insert_count() - 1 - relative;
}

// Field sections. ------------------------------------------------------------------------------

// rfc9204:2.2-order
Result<DecodeStatus> Decoder::decode(std::uint64_t stream_id, Bytes section, FieldSection& out) {
  out.clear();
  if (pending_.size() - pending_sent_ > kDecoderStreamBacklogMax)
    return fail(kSectionFault, "too much is unacknowledged");
  const std::uint8_t* in = section.data();
  const std::uint8_t* const end = in + section.size();
  HAWSER_TRY(const Prefix prefix, take_prefix(in, end));
  if (prefix.required_insert_count > table_.insert_count()) {
    HAWSER_TRY_VOID(block(stream_id, prefix.required_insert_count));
    return DecodeStatus::kBlocked;
  }
  SectionReader reader(in, end, prefix.required_insert_count, prefix.base, table_, config_.field_section_size_max, out);
  HAWSER_TRY_VOID(reader.run());
  // A section that is too large has been processed all the same, so that the peer's encoder
  // may let go of what it refers to.
  acknowledge(stream_id, prefix.required_insert_count);
  if (!reader.too_large()) return DecodeStatus::kDecoded;
  out.clear();
  return DecodeStatus::kTooLarge;
}

// RFC 9204 section 4.5.1.
Result<Decoder::Prefix> Decoder::take_prefix(const std::uint8_t*& in, const std::uint8_t* end) const {
  std::uint64_t encoded = 0;
  std::uint64_t delta = 0;
  if (take_prefix_integer(in, end, 8, encoded) != TakeStatus::kTaken || in == end) {
    return fail(kSectionFault, "broken field section prefix");
  }
  const bool negative = (*in & 0x80) != 0;
  if (take_prefix_integer(in, end, 7, delta) != TakeStatus::kTaken)
    return fail(kSectionFault, "broken field section prefix");
  HAWSER_TRY(const std::uint64_t required, reconstruct_insert_count(encoded));
  if (!negative) return Prefix{required, required + delta};
  // rfc9204:4.5.1.2-negative rfc9204:4.5.1.2-base
  if (delta >= required) return fail(kSectionFault, "base below zero");
  return Prefix{required, required - delta - 1};
}

// RFC 9204 section 4.5.1.1.
Result<std::uint64_t> Decoder::reconstruct_insert_count(std::uint64_t encoded) const {
  if (encoded == 0) return 0;
  const std::uint64_t full_range = 2 * table_.entries_max();
  // rfc9204:4.5.1.1-impossible
  if (encoded > full_range) return fail(kSectionFault, "required insert count out of range");
  const std::uint64_t value_max = table_.insert_count() + table_.entries_max();
  const std::uint64_t wrapped_max = value_max / full_range * full_range;
  std::uint64_t required = wrapped_max + encoded - 1;
  if (required > value_max) {
    if (required <= full_range) return fail(kSectionFault, "required insert count out of range");
    required -= full_range;
  }
  if (required == 0) return fail(kSectionFault, "required insert count of zero, not encoded as zero");
  return required;
}

Result<void> Decoder::block(std::uint64_t stream_id, std::uint64_t required_insert_count) {
  const auto same = [stream_id](const Blocked& b) { return b.stream_id == stream_id; };
  const auto known = std::find_if(blocked_.begin(), blocked_.end(), same);
  if (known != blocked_.end()) {
    known->required_insert_count = required_insert_count;
    return {};
  }
  // rfc9204:2.1.2-exceeded
  if (blocked_.size() >= config_.blocked_streams_max) return fail(kSectionFault, "more blocked streams than offered");
  blocked_.push_back({stream_id, required_insert_count});
  return {};
}

bool Decoder::next_unblocked(std::uint64_t& stream_id) {
  const std::uint64_t have = table_.insert_count();
  const auto ready = std::find_if(blocked_.begin(), blocked_.end(),
                                  [have](const Blocked& b) { return b.required_insert_count <= have; });
  if (ready == blocked_.end()) return false;
  stream_id = ready->stream_id;
  blocked_.erase(ready);
  return true;
}

void Decoder::cancel_stream(std::uint64_t stream_id) {
  std::erase_if(blocked_, [stream_id](const Blocked& b) { return b.stream_id == stream_id; });
  // RFC 9204 section 2.2.2.2: needless where no dynamic table can exist.
  if (config_.table_capacity_max > 0) emit(0x40, stream_id, 6);
}

// The decoder stream. --------------------------------------------------------------------------

// rfc9204:2.2.2.1-acknowledge
void Decoder::acknowledge(std::uint64_t stream_id, std::uint64_t required_insert_count) {
  if (required_insert_count == 0) return;
  emit(0x80, stream_id, 7);
  known_received_count_ = std::max(known_received_count_, required_insert_count);
}

void Decoder::emit(std::uint8_t pattern, std::uint64_t value, unsigned bits) {
  std::array<std::uint8_t, kPrefixIntegerOctetsMax> octets;
  const std::uint8_t* end = put_prefix_integer(octets.data(), pattern, value, bits);
  pending_.insert(pending_.end(), static_cast<const std::uint8_t*>(octets.data()), end);
}

Bytes Decoder::pending_decoder_stream() {
  // Insertions that no acknowledgement has told of; once for all of a batch.
  if (table_.insert_count() > known_received_count_) {
    emit(0x00, table_.insert_count() - known_received_count_, 6);
    known_received_count_ = table_.insert_count();
  }
  return Bytes{pending_}.subspan(pending_sent_);
}

void Decoder::consume_decoder_stream(std::size_t count) {
  pending_sent_ += count;
  HAWSER_CHECK(pending_sent_ <= pending_.size());
  if (pending_sent_ < pending_.size()) return;
  pending_.clear();
  pending_sent_ = 0;
}

void Decoder::rest() {
  if (partial_.empty()) partial_ = std::vector<std::uint8_t>();
  if (pending_.empty()) pending_ = std::vector<std::uint8_t>();
  if (blocked_.empty()) blocked_ = std::vector<Blocked>();
  scratch_ = FieldSection{};
}

std::size_t Decoder::memory() const {
  return table_.memory() + partial_.capacity() + scratch_.memory() + blocked_.capacity() * sizeof(Blocked) +
         pending_.capacity();
}

}  // namespace hawser::http3::qpack
