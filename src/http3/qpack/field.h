// field.h: HTTP fields as names and values, and the arena that decoded field sections live in.
// Names are lower-case octets; pseudo-header fields are fields whose name starts with ':'.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace hawser::http3 {

// One field line. The views belong to whoever made the Field; it never owns.
struct Field {
  std::string_view name;
  std::string_view value;
  // Must not enter any compression table, here or at a hop further on: the 'N' bit of
  // RFC 9204 section 4.5.4. For values whose length an attacker could use to guess them.
  bool sensitive = false;

  bool operator==(const Field&) const = default;
};

using FieldList = std::span<const Field>;

// A braced list as an argument: send_request(fields_of({{":method", "GET"}})). The list lives
// until the end of the full expression, so the result must not be stored.
inline FieldList fields_of(std::initializer_list<Field> list) {
  return {list.begin(), list.size()};
}

// What RFC 9114 section 4.2.2 adds to a field's name and value to count its size, and what
// RFC 9204 section 3.2.1 adds to an entry's.
inline constexpr std::size_t kFieldOverhead = 32;

constexpr std::size_t size_of(const Field& field) {
  return field.name.size() + field.value.size() + kFieldOverhead;
}

// Size of a list as SETTINGS_MAX_FIELD_SECTION_SIZE counts it, in octets.
std::size_t size_of(FieldList fields);

// A field section and the memory its strings stand in. clear() keeps the memory, so a
// section that is used again allocates nothing once it has seen the largest message.
class FieldSection {
 public:
  FieldSection() = default;
  FieldSection(FieldSection&&) noexcept = default;
  FieldSection& operator=(FieldSection&&) noexcept = default;
  FieldSection(const FieldSection&) = delete;
  FieldSection& operator=(const FieldSection&) = delete;

  // Forgets the fields; every view handed out before is void.
  void clear();

  // Adds a field by copying both strings.
  void append(std::string_view name, std::string_view value, bool sensitive = false);
  // Adds a field whose strings outlive this section (static storage) or stand in it already.
  void append_view(std::string_view name, std::string_view value, bool sensitive = false) {
    fields_.push_back({name, value, sensitive});
  }

  // Copies a string in without adding a field.
  std::string_view store(std::string_view text);
  // Room for up to `size` octets; take() then keeps the first `used` of them. No other call
  // may stand between the two.
  char* reserve(std::size_t size);
  std::string_view take(std::size_t used);

  [[nodiscard]] FieldList fields() const { return fields_; }
  [[nodiscard]] std::span<Field> mutable_fields() { return fields_; }
  // Keeps the first `count` fields.
  void truncate(std::size_t count) { fields_.resize(count); }
  [[nodiscard]] std::size_t size() const { return fields_.size(); }
  [[nodiscard]] bool empty() const { return fields_.empty(); }
  [[nodiscard]] const Field& operator[](std::size_t i) const { return fields_[i]; }
  [[nodiscard]] auto begin() const { return fields_.begin(); }
  [[nodiscard]] auto end() const { return fields_.end(); }

  // The value of the first field of that name.
  [[nodiscard]] std::optional<std::string_view> find(std::string_view name) const;
  // Octets of memory held, for tests and for memory accounts.
  [[nodiscard]] std::size_t memory() const;

 private:
  struct Chunk {
    std::unique_ptr<char[]> memory;
    std::size_t size = 0;
  };

  std::vector<Field> fields_;
  std::vector<Chunk> chunks_;
  std::size_t chunk_ = 0;  // the one being filled
  std::size_t used_ = 0;   // octets of it
};

}  // namespace hawser::http3
