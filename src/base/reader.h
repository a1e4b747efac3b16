// reader.h: a cursor over untrusted input. Every take says whether the input was long
// enough; nothing is read past the end. Parsers above turn a false into their own error.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/bytes.h"
#include "base/varint.h"

namespace hawser {

class Reader {
 public:
  // The views it hands out live as long as `input`.
  explicit Reader(Bytes input) : in_(input.data()), end_(input.data() + input.size()) {}

  [[nodiscard]] bool u8(std::uint8_t& value) {
    if (in_ == end_) return false;
    value = *in_++;
    return true;
  }

  [[nodiscard]] bool u16(std::uint16_t& value) {
    if (remaining() < 2) return false;
    value = static_cast<std::uint16_t>(in_[0] << 8 | in_[1]);
    in_ += 2;
    return true;
  }

  [[nodiscard]] bool u32(std::uint32_t& value) {
    if (remaining() < 4) return false;
    value = std::uint32_t{in_[0]} << 24 | std::uint32_t{in_[1]} << 16 | std::uint32_t{in_[2]} << 8 | in_[3];
    in_ += 4;
    return true;
  }

  [[nodiscard]] bool varint(std::uint64_t& value) {
    const std::uint8_t* next = take_varint(in_, end_, value);
    if (next == nullptr) return false;
    in_ = next;
    return true;
  }

  [[nodiscard]] bool bytes(std::uint64_t size, Bytes& value) {
    if (size > remaining()) return false;
    value = Bytes{in_, static_cast<std::size_t>(size)};
    in_ += size;
    return true;
  }

  // The rest of the input, which is thereby taken.
  Bytes rest() {
    const Bytes all{in_, end_};
    in_ = end_;
    return all;
  }

  [[nodiscard]] std::uint8_t peek_u8() const { return in_ == end_ ? std::uint8_t{0} : *in_; }
  [[nodiscard]] std::size_t remaining() const { return static_cast<std::size_t>(end_ - in_); }
  [[nodiscard]] bool empty() const { return in_ == end_; }
  [[nodiscard]] const std::uint8_t* position() const { return in_; }

 private:
  const std::uint8_t* in_;
  const std::uint8_t* end_;
};

}  // namespace hawser
