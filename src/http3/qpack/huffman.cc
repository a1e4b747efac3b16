// huffman.cc: table-driven coding. The code is canonical (codes of one length are consecutive and
// rise with the symbol), so the lengths below determine all of RFC 7541 appendix B.
#include "http3/qpack/huffman.h"

#include <array>
#include <bit>
#include <cstring>

#include "base/varint.h"

namespace hawser::http3::qpack {

namespace {

constexpr std::size_t kSymbols = 257;
constexpr std::size_t kEos = 256;
constexpr unsigned kLengthMax = 30;

// Bits of each symbol's code, 16 symbols a line.
constexpr std::array<std::uint8_t, kSymbols> kLengths{
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28,
    28, 28, 28, 6,  10, 10, 12, 13, 6,  8,  11, 10, 10, 8,  11, 8,  6,  6,  6,  5,  5,  5,  6,  6,  6,  6,  6,  6,  6,
    7,  8,  15, 6,  12, 10, 13, 6,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,
    7,  8,  7,  8,  13, 19, 13, 14, 6,  15, 5,  6,  5,  6,  5,  6,  6,  6,  5,  7,  7,  6,  6,  6,  5,  6,  7,  6,  5,
    5,  6,  7,  7,  7,  7,  7,  15, 11, 14, 13, 28, 20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23, 24,
    24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24, 22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22,
    23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23, 26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26,
    27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27, 20, 24, 20, 21, 22, 21, 21, 23,
    22, 22, 25, 25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26, 30};

struct CanonicalCode {
  std::array<std::uint32_t, kSymbols> code{};
  std::array<std::uint16_t, kSymbols> by_code{};            // symbols in the order of their codes
  std::array<std::uint32_t, kLengthMax + 1> first_code{};   // of each length
  std::array<std::uint16_t, kLengthMax + 1> first_rank{};   // where that length begins in by_code
  std::array<std::uint64_t, kLengthMax + 1> end_aligned{};  // first code after that length, as 32 bits
  bool complete = false;                                    // every bit string is a prefix of codes
};

constexpr CanonicalCode make_code() {
  CanonicalCode c;
  std::uint32_t next = 0;
  std::uint16_t rank = 0;
  for (unsigned length = 1; length <= kLengthMax; ++length) {
    next <<= 1;
    c.first_code[length] = next;
    c.first_rank[length] = rank;
    for (std::size_t symbol = 0; symbol < kSymbols; ++symbol) {
      if (kLengths[symbol] != length) continue;
      c.code[symbol] = next++;
      c.by_code[rank++] = static_cast<std::uint16_t>(symbol);
    }
    c.end_aligned[length] = std::uint64_t{next} << (32 - length);
  }
  c.complete = next == std::uint32_t{1} << kLengthMax;
  return c;
}

constexpr CanonicalCode kCode = make_code();
static_assert(kCode.complete, "the lengths do not fill the code space");
static_assert(kCode.code['0'] == 0 && kCode.code[kEos] == 0x3fffffff);

// One look at kPeekBits bits gives up to two symbols: most characters of fields have 5 to 7.
constexpr unsigned kPeekBits = 11;

struct Peek {
  std::uint8_t first = 0;
  std::uint8_t second = 0;
  std::uint8_t count = 0;  // 0: the code is longer than kPeekBits
  std::uint8_t bits = 0;   // of all its symbols together
};

// The symbol whose code begins the `bits` bits of `window`, or kSymbols if it is longer.
constexpr std::size_t symbol_in(std::uint32_t window, unsigned bits) {
  for (unsigned length = 5; length <= bits; ++length) {
    const std::uint32_t code = window >> (bits - length);
    const std::uint64_t end = kCode.end_aligned[length] >> (32 - length);
    if (code < end) return kCode.by_code[kCode.first_rank[length] + code - kCode.first_code[length]];
  }
  return kSymbols;
}

constexpr std::array<Peek, 1 << kPeekBits> make_peeks() {
  std::array<Peek, 1 << kPeekBits> peeks{};
  for (std::uint32_t window = 0; window < peeks.size(); ++window) {
    Peek& peek = peeks[window];
    const std::size_t first = symbol_in(window, kPeekBits);
    if (first == kSymbols) continue;
    peek = {static_cast<std::uint8_t>(first), 0, 1, kLengths[first]};
    const unsigned left = kPeekBits - peek.bits;
    const std::size_t second = symbol_in(window & ((1u << left) - 1), left);
    if (second == kSymbols) continue;
    peek.second = static_cast<std::uint8_t>(second);
    peek.count = 2;
    peek.bits = static_cast<std::uint8_t>(peek.bits + kLengths[second]);
  }
  return peeks;
}

constexpr std::array<Peek, 1 << kPeekBits> kPeeks = make_peeks();

// Octets of the input as a run of bits, left-aligned.
class BitQueue {
 public:
  explicit BitQueue(Bytes in) : in_(in.data()), end_(in.data() + in.size()) {}

  // Afterwards at least 56 bits are there, unless the input has ended.
  void refill() {
    if (end_ - in_ >= 8) {
      std::uint64_t wire = 0;
      std::memcpy(&wire, in_, 8);
      bits_ |= detail::big_endian(wire) >> count_;
      const unsigned octets = (63 - count_) >> 3;
      in_ += octets;
      count_ += octets * 8;
      // The bits beyond count_ came along; they are loaded again and must be clear till then.
      bits_ &= ~std::uint64_t{0} << (64 - count_);
      return;
    }
    while (count_ <= 56 && in_ != end_) {
      bits_ |= std::uint64_t{*in_++} << (56 - count_);
      count_ += 8;
    }
  }
  void drop(unsigned bits) {
    bits_ <<= bits;
    count_ -= bits;
  }
  [[nodiscard]] unsigned count() const { return count_; }
  // With ones after the end, as padding has them.
  [[nodiscard]] std::uint64_t window() const {
    return count_ == 0 ? ~std::uint64_t{0} : count_ >= 64 ? bits_ : bits_ | (~std::uint64_t{0} >> count_);
  }
  [[nodiscard]] std::size_t peek() const { return static_cast<std::size_t>(bits_ >> (64 - kPeekBits)); }

 private:
  const std::uint8_t* in_;
  const std::uint8_t* end_;
  std::uint64_t bits_ = 0;
  unsigned count_ = 0;
};

// A code of more than kPeekBits bits, or the last symbol before the padding. False: what is
// left is padding or broken.
bool decode_rare(BitQueue& queue, char*& out) {
  const std::uint64_t window = queue.window() >> 32;
  for (unsigned length = 5; length <= kLengthMax; ++length) {
    if (window >= kCode.end_aligned[length]) continue;
    const std::size_t rank =
        kCode.first_rank[length] + static_cast<std::size_t>((window >> (32 - length)) - kCode.first_code[length]);
    const std::size_t symbol = kCode.by_code[rank];
    if (symbol == kEos || length > queue.count()) return false;
    *out++ = static_cast<char>(symbol);
    queue.drop(length);
    return true;
  }
  return false;
}

}  // namespace

std::size_t huffman_size(std::string_view text) {
  std::size_t bits = 0;
  for (const char c : text) bits += kLengths[static_cast<unsigned char>(c)];
  return (bits + 7) / 8;
}

std::uint8_t* huffman_encode(std::string_view text, std::uint8_t* out) {
  std::uint64_t bits = 0;  // the low `count` are to be written
  unsigned count = 0;
  for (const char c : text) {
    const auto symbol = static_cast<unsigned char>(c);
    bits = bits << kLengths[symbol] | kCode.code[symbol];
    count += kLengths[symbol];
    if (count >= 32) {
      count -= 32;
      const std::uint32_t wire = __builtin_bswap32(static_cast<std::uint32_t>(bits >> count));
      std::memcpy(out, &wire, 4);
      out += 4;
    }
  }
  for (; count >= 8; count -= 8) *out++ = static_cast<std::uint8_t>(bits >> (count - 8));
  // RFC 7541 section 5.2: the padding is the first bits of EOS, which are ones.
  if (count > 0) *out++ = static_cast<std::uint8_t>(bits << (8 - count) | 0xffu >> count);
  return out;
}

std::optional<std::size_t> huffman_decode(Bytes in, char* const out) {
  BitQueue queue(in);
  char* at = out;
  for (;;) {
    queue.refill();
    bool rare = false;
    while (queue.count() >= kPeekBits) {
      const Peek peek = kPeeks[queue.peek()];
      if (peek.count == 0) {
        rare = true;
        break;
      }
      at[0] = static_cast<char>(peek.first);
      at[1] = static_cast<char>(peek.second);
      at += peek.count;
      queue.drop(peek.bits);
    }
    if (!rare) {
      queue.refill();
      if (queue.count() >= kPeekBits) continue;
    } else if (queue.count() < kLengthMax) {
      queue.refill();
    }
    if (!decode_rare(queue, at)) break;
  }
  if (queue.count() >= 8 || queue.window() != ~std::uint64_t{0}) return std::nullopt;
  return static_cast<std::size_t>(at - out);
}

}  // namespace hawser::http3::qpack
