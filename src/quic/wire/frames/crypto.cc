// crypto.cc: reads and writes CRYPTO frames.
#include "quic/wire/frames/crypto.h"

namespace hawser::quic {

Parsed<CryptoFrame> parse_crypto(FrameReader& in) {
  CryptoFrame frame;
  std::uint64_t length = 0;
  if (!in.varint(frame.offset) || !in.varint(length) || !in.bytes(length, frame.data)) return in.truncated();
  // rfc9000:19.6-offset
  if (length > kVarintMax - frame.offset) return in.encoding_error("CRYPTO data ends past 2^62 - 1");
  return frame;
}

std::size_t crypto_header_size(std::uint64_t offset, std::uint64_t length) {
  return 1 + varint_size(offset) + varint_size(length);
}

void write_crypto_header(PacketPayload& out, std::uint64_t offset, std::uint64_t length) {
  out.varint(code_point(FrameType::kCrypto));
  out.varint(offset);
  out.varint(length);
}

std::size_t crypto_size(const CryptoFrame& frame) {
  return crypto_header_size(frame.offset, frame.data.size()) + frame.data.size();
}

void write_crypto(PacketPayload& out, const CryptoFrame& frame) {
  write_crypto_header(out, frame.offset, frame.data.size());
  out.reference(frame.data);
}

}  // namespace hawser::quic
