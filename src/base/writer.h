// writer.h: a cursor over output memory of fixed size. Callers ask for room first
// (remaining()); writing past the end is our own bug and is checked.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "base/bytes.h"
#include "base/check.h"
#include "base/varint.h"

namespace hawser {

class Writer {
 public:
  explicit Writer(MutableBytes output)
      : begin_(output.data()), out_(output.data()), end_(output.data() + output.size()) {}

  void u8(std::uint8_t value) {
    HAWSER_CHECK(remaining() >= 1);
    *out_++ = value;
  }

  void u16(std::uint16_t value) {
    u8(static_cast<std::uint8_t>(value >> 8));
    u8(static_cast<std::uint8_t>(value));
  }

  void u32(std::uint32_t value) {
    u16(static_cast<std::uint16_t>(value >> 16));
    u16(static_cast<std::uint16_t>(value));
  }

  void varint(std::uint64_t value) {
    HAWSER_CHECK(value <= kVarintMax && remaining() >= varint_size(value));
    out_ = put_varint(out_, value);
  }

  // With a fixed size of 1, 2, 4 or 8 octets, at least varint_size(value).
  void varint(std::uint64_t value, std::size_t size) {
    HAWSER_CHECK(size >= varint_size(value) && remaining() >= size);
    out_ = put_varint(out_, value, size);
  }

  void bytes(Bytes value) {
    HAWSER_CHECK(remaining() >= value.size());
    if (!value.empty()) std::memcpy(out_, value.data(), value.size());
    out_ += value.size();
  }

  void zeros(std::size_t count) {
    HAWSER_CHECK(remaining() >= count);
    if (count != 0) std::memset(out_, 0, count);
    out_ += count;
  }

  // Leaves `count` octets to be filled later and returns where they start.
  std::uint8_t* skip(std::size_t count) {
    HAWSER_CHECK(remaining() >= count);
    std::uint8_t* at = out_;
    out_ += count;
    return at;
  }

  [[nodiscard]] std::size_t size() const { return static_cast<std::size_t>(out_ - begin_); }
  [[nodiscard]] std::size_t remaining() const { return static_cast<std::size_t>(end_ - out_); }
  [[nodiscard]] std::uint8_t* position() const { return out_; }
  [[nodiscard]] Bytes written() const { return {begin_, out_}; }

 private:
  std::uint8_t* begin_;
  std::uint8_t* out_;
  std::uint8_t* end_;
};

}  // namespace hawser
