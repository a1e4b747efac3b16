// bulk_io.h: how applications of the simulator read all that is there, and write all that there is room for.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>

#include "base/shared_bytes.h"
#include "quic/connection/connection.h"

namespace hawser::sim {

// Octets of one write: of the tables that are written again and again, without a copy.
inline constexpr std::size_t kBulkChunk = 65'536;

// Reads what the stream has; `look(octets)` sees each piece in order. How many there were.
template <class Look>
std::uint64_t read_all(quic::Connection& connection, quic::StreamId id, Look&& look) {
  std::array<Bytes, 16> views;
  std::uint64_t octets = 0;
  for (std::size_t taken = 1; taken != 0; octets += taken) {
    const std::size_t count = connection.read_views(id, views);
    taken = 0;
    for (const Bytes view : std::span(views).first(count)) {
      look(view);
      taken += view.size();
    }
    connection.consume(id, taken);
  }
  return octets;
}

inline std::uint64_t read_all(quic::Connection& connection, quic::StreamId id) {
  return read_all(connection, id, [](Bytes) {});
}

// Writes from `written` on to `size`, where the stream ends, or until its buffer is full. `chunk_at(offset, octets)`:
// at most kBulkChunk octets of the stream, in memory that stays.
template <class ChunkAt>
void write_all(quic::Connection& connection, quic::StreamId id, std::uint64_t& written, std::uint64_t size,
               ChunkAt&& chunk_at) {
  while (written < size) {
    const Bytes chunk = chunk_at(written, std::min<std::uint64_t>(kBulkChunk, size - written));
    const bool last = written + chunk.size() == size;
    // A write that copies may fall short, which is what on_stream_writable comes after.
    std::size_t taken = chunk.size();
    if (connection.write_room(id) >= chunk.size()) {
      if (!connection.write(id, SharedBytes(chunk, nullptr), last).has_value()) return;
    } else {
      taken = connection.write(id, chunk, last).value_or(0);
    }
    written += taken;
    if (taken < chunk.size()) return;
  }
}

}  // namespace hawser::sim
