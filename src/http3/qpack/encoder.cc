// encoder.cc: what to refer to, what to insert, and what must not be evicted yet.
#include "http3/qpack/encoder.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "base/check.h"
#include "base/result.h"
#include "http3/qpack/huffman.h"
#include "http3/qpack/prefix_integer.h"
#include "http3/qpack/static_table.h"

namespace hawser::http3::qpack {

namespace {

constexpr auto kDecoderFault = ErrorCode::kDecoderStreamError;

std::uint32_t hash_of(std::string_view text, std::uint64_t seed) {
  constexpr std::uint64_t kMultiplier = 0x9e3779b97f4a7c15;
  std::uint64_t hash = (seed ^ text.size()) * kMultiplier;
  const char* in = text.data();
  std::size_t left = text.size();
  for (; left >= 8; in += 8, left -= 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, in, 8);
    hash = (hash ^ word) * kMultiplier;
    hash ^= hash >> 29;
  }
  if (left > 0) {
    std::uint64_t word = 0;
    std::memcpy(&word, in, left);
    hash = (hash ^ word) * kMultiplier;
    hash ^= hash >> 29;
  }
  return static_cast<std::uint32_t>(hash >> 32);
}

// Fields whose value seldom comes twice. They are inserted when it does.
bool is_changing(std::string_view name) {
  static constexpr std::string_view kChanging[] = {":path",          "age",
                                                   "content-length", "content-range",
                                                   "date",           "etag",
                                                   "expires",        "if-modified-since",
                                                   "if-none-match",  "last-modified",
                                                   "link",           "location",
                                                   "range",          "referer",
                                                   "set-cookie",     "x-request-id",
                                                   "traceparent",    "content-disposition"};
  return std::find(std::begin(kChanging), std::end(kChanging), name) != std::end(kChanging);
}

// RFC 9204 section 7.1.3: secrets that are short enough to be guessed octet by octet.
constexpr std::size_t kGuessableCookie = 20;
// rfc9204:7.1.3-qpack rfc9204:4.5.4-forward rfc9204:7.1.3-intermediary rfc9114:10.6-separate
// rfc9114:10.6-undetermined
bool is_secret(const Field& field) {
  if (field.sensitive) return true;
  if (field.name == "authorization" || field.name == "proxy-authorization") return true;
  return field.name == "cookie" && field.value.size() < kGuessableCookie;
}

// How many fields are remembered to notice when one comes again, per entry the table can have.
constexpr std::size_t kSeenPerEntry = 8;
constexpr std::size_t kSeenMax = 4'096;
// Entries that the index has room for at first.
constexpr std::size_t kFirstEntries = 8;

void append_integer(std::vector<std::uint8_t>& out, std::uint8_t pattern, std::uint64_t value, unsigned bits) {
  std::array<std::uint8_t, kPrefixIntegerOctetsMax> octets;
  const std::uint8_t* end = put_prefix_integer(octets.data(), pattern, value, bits);
  out.insert(out.end(), static_cast<const std::uint8_t*>(octets.data()), end);
}

}  // namespace

Encoder::Encoder(EncoderConfig config)
    : config_(config), table_(std::min(config.table_capacity_max, kTableCapacityMax)) {}

// rfc9204:3.2.3-capacity rfc9204:4.3.1-limit rfc9204:3.2.3-zero
void Encoder::on_peer_settings(std::uint64_t table_capacity_max, std::uint64_t blocked_streams_max) {
  peer_capacity_max_ = std::min<std::uint64_t>(table_capacity_max, kPrefixIntegerMax);
  blocked_streams_max_ =
      static_cast<std::size_t>(std::min<std::uint64_t>(config_.blocked_streams_max, blocked_streams_max));
  const std::uint64_t capacity = std::min<std::uint64_t>(table_.capacity_max(), peer_capacity_max_);
  // Below one entry of an empty name and value, a table is of no use.
  if (capacity > kFieldOverhead) set_table_capacity(static_cast<std::size_t>(capacity));
}

// rfc9204:4.3.1-evictable
bool Encoder::set_table_capacity(std::size_t capacity) {
  if (capacity > table_.capacity_max() || capacity > peer_capacity_max_) return false;
  const std::size_t shrink_by = table_.size() > capacity ? table_.capacity() - capacity : 0;
  if (shrink_by > 0 && !room_for(shrink_by, Draft{})) return false;
  append_integer(pending_, 0x20, capacity, 5);
  table_.set_capacity(capacity);
  return true;
}

// Twice the room in the index of what stands in the table, and in the memory of what came.
void Encoder::grow_index() {
  const std::vector<Link> links = std::exchange(links_, std::vector<Link>(std::max(kFirstEntries, links_.size() * 2)));
  field_buckets_.assign(links_.size() * 2, 0);
  name_buckets_.assign(links_.size() * 2, 0);
  const std::vector<std::uint32_t> seen =
      std::exchange(seen_, std::vector<std::uint32_t>(std::min(links_.size() * kSeenPerEntry, kSeenMax)));
  for (const std::uint32_t hash : seen) seen_[hash & (seen_.size() - 1)] = hash;
  if (links.empty()) return;
  for (std::uint64_t absolute = table_.dropped_count(); absolute != table_.insert_count(); ++absolute)
    link(absolute, links[absolute & (links.size() - 1)].hash);
}

void Encoder::rest() {
  lines_ = std::vector<std::uint8_t>();
  if (pending_.empty()) pending_ = std::vector<std::uint8_t>();
  if (sections_.empty()) sections_ = std::vector<Section>();
}

std::size_t Encoder::memory() const {
  return table_.memory() + sections_.capacity() * sizeof(Section) + links_.capacity() * sizeof(Link) +
         (field_buckets_.capacity() + name_buckets_.capacity()) * sizeof(std::uint64_t) +
         seen_.capacity() * sizeof(std::uint32_t) + lines_.capacity() + pending_.capacity();
}

// Encoding. ------------------------------------------------------------------------------------

// rfc9204:2.1-order
void Encoder::encode(std::uint64_t stream_id, FieldList fields, std::vector<std::uint8_t>& out) {
  Draft draft;
  draft.base = table_.insert_count();
  draft.may_refer = table_.capacity() > 0 && sections_.size() < kOutstandingSectionsMax;
  draft.may_block = draft.may_refer && stream_may_block(stream_id);
  if (draft.may_refer && links_.empty()) grow_index();
  lines_.clear();
  for (const Field& field : fields) encode_field(field, draft);
  put_section_prefix(out, draft);
  out.insert(out.end(), lines_.begin(), lines_.end());
  if (draft.required_insert_count == 0) return;
  sections_.push_back({stream_id, draft.required_insert_count, draft.oldest_reference});
  oldest_reference_ = std::min(oldest_reference_, draft.oldest_reference);
  if (draft.required_insert_count > known_received_count_) ++sections_at_risk_;
}

// RFC 9204 section 4.5.1.
void Encoder::put_section_prefix(std::vector<std::uint8_t>& out, const Draft& draft) const {
  const std::uint64_t required = draft.required_insert_count;
  if (required == 0) {
    out.insert(out.end(), 2, 0);
    return;
  }
  const std::uint64_t full_range = 2 * (peer_capacity_max_ / kFieldOverhead);
  append_integer(out, 0x00, required % full_range + 1, 8);
  if (draft.base >= required) {
    append_integer(out, 0x00, draft.base - required, 7);
  } else {
    append_integer(out, 0x80, required - draft.base - 1, 7);
  }
}

void Encoder::encode_field(const Field& field, Draft& draft) {
  const StaticMatch in_static = find_static(field.name, field.value);
  const bool secret = is_secret(field);
  if (in_static.exact != StaticMatch::kNone && !secret) {
    append_integer(lines_, 0xc0, in_static.exact, 6);
    return;
  }
  if (!draft.may_refer || secret) {
    encode_literal(field, secret, in_static.name, kNoEntry, draft);
    return;
  }
  const std::uint32_t name_hash = hash_of(field.name, 0);
  const Hashed hash{name_hash, hash_of(field.value, name_hash)};
  DynamicMatch match = find_dynamic(field, hash, draft);
  std::uint64_t entry = match.field;
  if (entry != kNoEntry) {
    entry = refreshed(entry, hash, draft);
  } else if (!match.field_known && worth_inserting(field, hash, draft)) {
    entry = try_insert(field, hash, in_static.name, match.name, draft);
    // The insertion may have pushed out the very entry that lent its name.
    if (match.name != kNoEntry && match.name < table_.dropped_count()) match.name = kNoEntry;
  }
  if (entry == kNoEntry) {
    encode_literal(field, secret, in_static.name, match.name, draft);
  } else {
    encode_indexed(entry, draft);
  }
}

void Encoder::refer(std::uint64_t absolute, Draft& draft) {
  draft.required_insert_count = std::max(draft.required_insert_count, absolute + 1);
  draft.oldest_reference = std::min(draft.oldest_reference, absolute);
}

void Encoder::encode_indexed(std::uint64_t absolute, Draft& draft) {
  refer(absolute, draft);
  if (absolute < draft.base) {
    append_integer(lines_, 0x80, draft.base - 1 - absolute, 6);
  } else {
    append_integer(lines_, 0x10, absolute - draft.base, 4);
  }
}

void Encoder::encode_literal(const Field& field, bool secret, std::uint8_t static_name, std::uint64_t dynamic_name,
                             Draft& draft) {
  if (static_name != StaticMatch::kNone) {
    // rfc9204:4.5.4-literal
    append_integer(lines_, secret ? 0x70 : 0x50, static_name, 4);
  } else if (dynamic_name == kNoEntry) {
    put_string(lines_, secret ? 0x30 : 0x20, 3, field.name);
  } else {
    refer(dynamic_name, draft);
    if (dynamic_name < draft.base) {
      append_integer(lines_, 0x40, draft.base - 1 - dynamic_name, 4);
    } else {
      append_integer(lines_, 0x00, dynamic_name - draft.base, 3);
    }
  }
  put_string(lines_, 0x00, 7, field.value);
}

// The Huffman flag stands above the `bits` bits of the length's prefix.
void Encoder::put_string(std::vector<std::uint8_t>& out, std::uint8_t pattern, unsigned bits, std::string_view text) {
  const std::size_t coded = config_.huffman ? huffman_size(text) : text.size();
  if (coded < text.size()) {
    append_integer(out, static_cast<std::uint8_t>(pattern | 1u << bits), coded, bits);
    const std::size_t at = out.size();
    out.resize(at + coded);
    huffman_encode(text, out.data() + at);
    return;
  }
  append_integer(out, pattern, text.size(), bits);
  const Bytes octets = as_bytes(text);
  out.insert(out.end(), octets.begin(), octets.end());
}

// The dynamic table. ---------------------------------------------------------------------------

// An entry that the peer may lack can be referred to only by a stream that may block.
bool Encoder::usable(std::uint64_t absolute, const Draft& draft) const {
  return draft.may_block || absolute < known_received_count_;
}

Encoder::DynamicMatch Encoder::find_dynamic(const Field& field, Hashed hash, const Draft& draft) const {
  DynamicMatch match;
  const std::uint64_t mask = links_.size() - 1;
  const std::uint64_t dropped = table_.dropped_count();
  for (std::uint64_t next = field_buckets_[hash.field & (field_buckets_.size() - 1)]; next > dropped;
       next = links_[(next - 1) & mask].older_field) {
    const std::uint64_t absolute = next - 1;
    if (links_[absolute & mask].hash.field != hash.field) continue;
    const Field entry = table_.at(absolute);
    if (entry.value != field.value || entry.name != field.name) continue;
    match.field_known = true;
    if (!usable(absolute, draft)) continue;
    match.field = absolute;
    return match;
  }
  for (std::uint64_t next = name_buckets_[hash.name & (name_buckets_.size() - 1)]; next > dropped;
       next = links_[(next - 1) & mask].older_name) {
    const std::uint64_t absolute = next - 1;
    if (links_[absolute & mask].hash.name != hash.name || !usable(absolute, draft)) continue;
    if (table_.at(absolute).name != field.name) continue;
    match.name = absolute;
    return match;
  }
  return match;
}

std::uint64_t Encoder::insert(const Field& field, Hashed hash) {
  if (table_.entries() == links_.size()) grow_index();
  const std::uint64_t absolute = table_.insert(field.name, field.value);
  link(absolute, hash);
  return absolute;
}

void Encoder::link(std::uint64_t absolute, Hashed hash) {
  std::uint64_t& by_field = field_buckets_[hash.field & (field_buckets_.size() - 1)];
  std::uint64_t& by_name = name_buckets_[hash.name & (name_buckets_.size() - 1)];
  links_[absolute & (links_.size() - 1)] = {by_field, by_name, hash};
  by_field = absolute + 1;
  by_name = absolute + 1;
}

// Whether entries may make room for `size` octets: RFC 9204 section 2.1.1 lets go only of
// those that the peer has confirmed and that no section under way refers to.
// rfc9204:2.1.1-not-evictable rfc9204:3.2.2-evictable
bool Encoder::room_for(std::size_t size, const Draft& draft) const {
  if (size > table_.capacity()) return false;
  const std::uint64_t first_kept = table_.dropped_count() + table_.evictions_for(size);
  if (first_kept == table_.dropped_count()) return true;
  return first_kept <= known_received_count_ && first_kept <= oldest_reference_ && first_kept <= draft.oldest_reference;
}

bool Encoder::worth_inserting(const Field& field, Hashed hash, const Draft& draft) {
  const std::size_t size = size_of(field);
  std::uint32_t& slot = seen_[hash.field & (seen_.size() - 1)];
  const bool seen = slot == hash.field;
  slot = hash.field;
  if (size > table_.capacity() / 4 * 3) return false;
  // What comes again earns its place whatever it pushes out.
  if (seen) return true;
  // The first time, an insertion is a bet: only for fields that tend to stay the same, while
  // there is room that costs nobody else, and if this very section can already use it.
  const bool free_room = table_.size() + size <= table_.capacity();
  return free_room && draft.may_block && size <= table_.capacity() / 2 && !is_changing(field.name);
}

std::uint64_t Encoder::try_insert(const Field& field, Hashed hash, std::uint8_t static_name, std::uint64_t dynamic_name,
                                  Draft& draft) {
  if (!room_for(size_of(field), draft)) {
    // Worth having and without place: if only references stand in the way, let them run dry.
    starved_ = table_.dropped_count() + table_.evictions_for(size_of(field)) <= known_received_count_;
    return kNoEntry;
  }
  starved_ = false;
  if (static_name != StaticMatch::kNone) {
    append_integer(pending_, 0xc0, static_name, 6);
  } else if (dynamic_name != kNoEntry) {
    append_integer(pending_, 0x80, table_.insert_count() - 1 - dynamic_name, 6);
  } else {
    put_string(pending_, 0x40, 5, field.name);
  }
  put_string(pending_, 0x00, 7, field.value);
  const std::uint64_t absolute = insert(field, hash);
  return draft.may_block ? absolute : kNoEntry;
}

// RFC 9204 section 2.1.1.1: an entry that is about to be evicted is inserted again rather
// than referred to, for a reference would hold the eviction up. When that cannot be done and
// others wait for room, the field goes as a literal until the references are acknowledged.
std::uint64_t Encoder::refreshed(std::uint64_t absolute, Hashed hash, Draft& draft) {
  if (!draining(absolute) || !draft.may_block) return absolute;
  const Field entry = table_.at(absolute);
  if (!room_for(size_of(entry), draft)) return starved_ ? kNoEntry : absolute;
  append_integer(pending_, 0x00, table_.insert_count() - 1 - absolute, 5);
  return insert(entry, hash);
}

// The oldest eighth of the entries of a table that has no room for one more of usual size.
bool Encoder::draining(std::uint64_t absolute) const {
  const std::size_t free_room = table_.capacity() - table_.size();
  if (free_room * table_.entries() >= table_.size()) return false;
  return absolute - table_.dropped_count() < std::max<std::size_t>(1, table_.entries() / 8);
}

// rfc9204:2.1.2-limit
bool Encoder::stream_may_block(std::uint64_t stream_id) const {
  // Sections at risk are at least as many as the streams they belong to.
  if (sections_at_risk_ < blocked_streams_max_) return true;
  if (blocked_streams_max_ == 0) return false;
  return blocked_streams() < blocked_streams_max_ || at_risk(stream_id);
}

bool Encoder::at_risk(std::uint64_t stream_id) const {
  return std::any_of(sections_.begin(), sections_.end(), [&](const Section& s) {
    return s.stream_id == stream_id && s.required_insert_count > known_received_count_;
  });
}

std::size_t Encoder::blocked_streams() const {
  std::size_t count = 0;
  for (auto section = sections_.begin(); section != sections_.end(); ++section) {
    if (section->required_insert_count <= known_received_count_) continue;
    const bool counted = std::any_of(sections_.begin(), section, [&](const Section& s) {
      return s.stream_id == section->stream_id && s.required_insert_count > known_received_count_;
    });
    if (!counted) ++count;
  }
  return count;
}

// The peer's decoder stream. -------------------------------------------------------------------

Result<void> Encoder::on_decoder_stream(Bytes data) {
  for (const std::uint8_t octet : data) {
    partial_[partial_size_++] = octet;
    const std::uint8_t first = partial_[0];
    const unsigned bits = (first & 0x80) != 0 ? 7 : 6;
    const std::uint8_t* in = partial_.data();
    std::uint64_t value = 0;
    const TakeStatus status = take_prefix_integer(in, in + partial_size_, bits, value);
    if (status == TakeStatus::kInvalid) return fail(kDecoderFault, "broken integer on the decoder stream");
    if (status == TakeStatus::kTruncated) continue;
    partial_size_ = 0;
    if ((first & 0x80) != 0) {
      HAWSER_TRY_VOID(on_section_acknowledgment(value));
    } else if ((first & 0x40) != 0) {
      on_stream_cancellation(value);
    } else {
      HAWSER_TRY_VOID(on_insert_count_increment(value));
    }
  }
  return {};
}

// RFC 9204 section 4.4.1: it is for the oldest section of the stream.
Result<void> Encoder::on_section_acknowledgment(std::uint64_t stream_id) {
  const auto section =
      std::find_if(sections_.begin(), sections_.end(), [&](const Section& s) { return s.stream_id == stream_id; });
  // rfc9204:4.4.1-unexpected
  if (section == sections_.end()) return fail(kDecoderFault, "acknowledgment of no section");
  known_received_count_ = std::max(known_received_count_, section->required_insert_count);
  sections_.erase(section);
  recount_sections();
  return {};
}

void Encoder::on_stream_cancellation(std::uint64_t stream_id) {
  std::erase_if(sections_, [&](const Section& s) { return s.stream_id == stream_id; });
  recount_sections();
}

Result<void> Encoder::on_insert_count_increment(std::uint64_t increment) {
  // rfc9204:4.4.3-wrong
  if (increment == 0) return fail(kDecoderFault, "insert count increment of zero");
  if (increment > table_.insert_count() - known_received_count_)
    return fail(kDecoderFault, "insert count increment beyond what was sent");
  known_received_count_ += increment;
  recount_sections();
  return {};
}

void Encoder::recount_sections() {
  oldest_reference_ = kNoEntry;
  sections_at_risk_ = 0;
  for (const Section& section : sections_) {
    oldest_reference_ = std::min(oldest_reference_, section.oldest_reference);
    if (section.required_insert_count > known_received_count_) ++sections_at_risk_;
  }
}

Bytes Encoder::pending_encoder_stream() const {
  return Bytes{pending_}.subspan(pending_sent_);
}

void Encoder::consume_encoder_stream(std::size_t count) {
  pending_sent_ += count;
  HAWSER_CHECK(pending_sent_ <= pending_.size());
  if (pending_sent_ < pending_.size()) return;
  pending_.clear();
  pending_sent_ = 0;
}

}  // namespace hawser::http3::qpack
