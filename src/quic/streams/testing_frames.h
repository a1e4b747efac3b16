// testing_frames.h: for this room's tests and benchmark: reads the frames that StreamSet
// writes back from the octets of a payload and hands them on as values. It is
// written from RFC 9000 section 19 alone, so that it checks the writers independently.
#pragma once

#include <cstring>

#include "base/check.h"
#include "base/reader.h"
#include "quic/streams/stream_set.h"

namespace hawser::quic::testing_frames {

// Puts the payload's pieces one behind the other; returns the octets written.
inline std::size_t flatten(PacketPayload& payload, MutableBytes out) {
  std::size_t size = 0;
  for (const Bytes piece : payload.pieces()) {
    HAWSER_CHECK(size + piece.size() <= out.size());
    std::memcpy(out.data() + size, piece.data(), piece.size());
    size += piece.size();
  }
  HAWSER_CHECK(size == payload.size());
  return size;
}

inline std::uint64_t number(Reader& in) {
  std::uint64_t value = 0;
  HAWSER_CHECK(in.varint(value));
  return value;
}

inline Parsed<void> deliver_stream(std::uint64_t type, Reader& in, StreamSet& to) {
  const StreamId id{number(in)};
  const std::uint64_t offset = (type & 4) != 0 ? number(in) : 0;
  Bytes data;
  if ((type & 2) != 0) {
    HAWSER_CHECK(in.bytes(number(in), data));
  } else {
    data = in.rest();
  }
  return to.on_stream(id, offset, data, (type & 1) != 0);
}

inline Parsed<void> deliver_frame(Reader& in, StreamSet& to) {
  const std::uint64_t type = number(in);
  if (type >= 0x08 && type <= 0x0f) return deliver_stream(type, in, to);
  const std::uint64_t first = number(in);
  const bool two = type == 0x04 || type == 0x24 || type == 0x05 || type == 0x11 || type == 0x15;
  const std::uint64_t second = two ? number(in) : 0;
  switch (type) {
    case 0x04:
      return to.on_reset_stream(StreamId{first}, second, number(in));
    case 0x24: {
      const std::uint64_t final_size = number(in);
      return to.on_reset_stream_at(StreamId{first}, second, final_size, number(in));
    }
    case 0x05:
      return to.on_stop_sending(StreamId{first}, second);
    case 0x10:
      to.on_max_data(first);
      return {};
    case 0x11:
      return to.on_max_stream_data(StreamId{first}, second);
    case 0x12:
    case 0x13:
      return to.on_max_streams(type == 0x12, first);
    case 0x14:
      to.on_data_blocked(first);
      return {};
    case 0x15:
      return to.on_stream_data_blocked(StreamId{first}, second);
    case 0x16:
    case 0x17:
      return to.on_streams_blocked(type == 0x16, first);
    default:
      HAWSER_CHECK(false);
      return {};
  }
}

// Hands every frame of a packet's plaintext to `to`; the first error ends it. The octets must
// stay until to.end_batch().
inline Parsed<void> deliver(Bytes plaintext, StreamSet& to) {
  Reader in(plaintext);
  while (!in.empty()) {
    if (auto result = deliver_frame(in, to); !result) return result;
  }
  return {};
}

}  // namespace hawser::quic::testing_frames
