// stream.h: what a session remembers of one stream, and the table that finds it by its ID.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "http3/frames.h"
#include "quic/wire/types.h"

namespace hawser::http3 {

enum class StreamKind : std::uint8_t {
  kUndecided,  // the peer's, its type has not arrived
  kRequest,
  kControl,
  kQpackEncoder,
  kQpackDecoder,
  kForeign,  // claimed by the application
  kRefused,  // no longer read
};

// How far the peer's message on a request stream has come.
enum class ReceiveState : std::uint8_t {
  kHead,  // a request, or informational and final responses
  kBody,  // DATA, or trailers
  kAfterTrailers,
  kComplete,
  kAbandoned,  // reset by either side, or malformed
};

// How far ours has.
enum class SendState : std::uint8_t {
  kHead,
  kBody,
  kFinished,
  kAbandoned,
};

struct Stream {
  quic::StreamId id;
  StreamKind kind = StreamKind::kUndecided;
  ReceiveState receive = ReceiveState::kHead;
  SendState send = SendState::kHead;
  bool tunnel = false;           // CONNECT: DATA frames only
  bool head_request = false;     // the method was HEAD: the response has no content
  bool connect_request = false;  // client: a 2xx makes it a tunnel
  bool has_content_length = false;
  bool blocked = false;              // `section` waits for insertions
  bool reading = false;              // the application reads: it needs no on_body_readable
  bool transport_closed = false;     // the transport has forgotten it
  bool counted = false;              // as a reset, by the limit on them
  bool stopped_unprocessed = false;  // client: by the server, with H3_REQUEST_REJECTED
  std::uint64_t content_left = 0;    // of content-length
  std::uint64_t data_left = 0;       // of the current DATA frame
  std::size_t head_memory = 0;       // octets held of a section that is not whole or waits, as last counted
  FrameReader reader;
  std::vector<std::uint8_t> section;
  void* user_data = nullptr;

  // What stood in `section` is used up.
  void drop_section();
  // As if new, with memory kept.
  void reset(quic::StreamId new_id);
};

// Open addressing with linear probing; erased slots are closed up, so it never needs to be
// rebuilt. Streams keep their place in memory until they are erased, and are used again.
class StreamTable {
 public:
  StreamTable() = default;
  StreamTable(const StreamTable&) = delete;
  StreamTable& operator=(const StreamTable&) = delete;
  ~StreamTable();

  [[nodiscard]] Stream* find(quic::StreamId id) const;
  // id must not be there.
  Stream& insert(quic::StreamId id);
  void erase(quic::StreamId id);
  [[nodiscard]] std::size_t size() const { return size_; }
  // IDs of all streams, in no order.
  void list(std::vector<quic::StreamId>& out) const;
  // Gives the memory of erased streams back.
  void rest();
  // Octets on the heap.
  [[nodiscard]] std::size_t memory() const;

 private:
  [[nodiscard]] std::size_t home(quic::StreamId id) const;
  void grow();

  std::vector<Stream*> slots_;  // a power of two, at most half full; owns its streams
  std::size_t size_ = 0;
  std::vector<std::unique_ptr<Stream>> free_;
};

}  // namespace hawser::http3
