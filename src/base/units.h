// units.h: integers that know what they count. A ByteCount does not mix with a PacketNumber.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>

namespace hawser {

// An unsigned count of one kind of thing. Explicit to build, cheap to copy; adding and
// subtracting counts of the same kind gives that kind. Subtraction below zero is the
// caller's bug; use saturating_sub where a negative difference is legal.
template <class Tag>
struct Quantity {
  std::uint64_t value = 0;

  constexpr Quantity() = default;
  constexpr explicit Quantity(std::uint64_t v) : value(v) {}

  constexpr auto operator<=>(const Quantity&) const = default;

  constexpr Quantity& operator+=(Quantity o) {
    value += o.value;
    return *this;
  }
  constexpr Quantity& operator-=(Quantity o) {
    value -= o.value;
    return *this;
  }
  constexpr Quantity& operator++() {
    ++value;
    return *this;
  }
  constexpr Quantity operator++(int) {
    Quantity old = *this;
    ++value;
    return old;
  }
  constexpr Quantity& operator--() {
    --value;
    return *this;
  }

  friend constexpr Quantity operator+(Quantity a, Quantity b) { return Quantity{a.value + b.value}; }
  friend constexpr Quantity operator-(Quantity a, Quantity b) { return Quantity{a.value - b.value}; }
  friend constexpr Quantity operator+(Quantity a, std::uint64_t b) { return Quantity{a.value + b}; }
  friend constexpr Quantity operator-(Quantity a, std::uint64_t b) { return Quantity{a.value - b}; }
  friend constexpr Quantity operator*(Quantity a, std::uint64_t b) { return Quantity{a.value * b}; }
  friend constexpr Quantity operator/(Quantity a, std::uint64_t b) { return Quantity{a.value / b}; }
};

template <class Tag>
constexpr Quantity<Tag> saturating_sub(Quantity<Tag> a, Quantity<Tag> b) {
  return a.value > b.value ? Quantity<Tag>{a.value - b.value} : Quantity<Tag>{};
}

using ByteCount = Quantity<struct ByteCountTag>;
using PacketNumber = Quantity<struct PacketNumberTag>;

constexpr ByteCount bytes_of(std::size_t n) {
  return ByteCount{n};
}

}  // namespace hawser
