// static_table.h: the 99 fields every QPACK peer knows (RFC 9204 appendix A) and how to find one.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "http3/qpack/field.h"

namespace hawser::http3::qpack {

inline constexpr std::size_t kStaticTableSize = 99;

// By index, from 0.
extern const std::array<Field, kStaticTableSize> kStaticTable;

struct StaticMatch {
  static constexpr std::uint8_t kNone = 0xff;
  std::uint8_t exact = kNone;  // index of an entry with this name and value
  std::uint8_t name = kNone;   // lowest index of an entry with this name
};

// Allocates nothing; compares at most one name and the values that stand under it.
StaticMatch find_static(std::string_view name, std::string_view value);

}  // namespace hawser::http3::qpack
