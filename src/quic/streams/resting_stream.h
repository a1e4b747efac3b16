// resting_stream.h: what is left of an open stream on which nothing moves: an eighth of a Stream.
#pragma once

#include <cstdint>

#include "quic/streams/stream.h"
#include "quic/wire/types.h"

namespace hawser::quic {

struct RestingStream {
  StreamId id;
  Priority priority;
  bool sends = false;  // the part exists
  bool receives = false;
  SendStream::Resting send;
  RecvStream::Resting recv;

  // Open, all that was written is acknowledged, all that arrived is read, and nobody waits for it.
  static bool can_rest(const Stream& stream) {
    return stream.events == 0 && stream.control == 0 && stream.stop_code == 0 && !stream.closed && !stream.scheduled &&
           !stream.waits_for_credit && !stream.event_link.linked && !stream.control_link.linked &&
           !stream.borrowed_link.linked && stream.send.can_rest() && stream.recv.can_rest();
  }

  static RestingStream of(const Stream& stream) {
    return {.id = stream.id,
            .priority = stream.priority,
            .sends = stream.send.exists(),
            .receives = stream.recv.exists(),
            .send = stream.send.resting(),
            .recv = stream.recv.resting()};
  }
};
static_assert(sizeof(RestingStream) == 64, "stream_map.h counts on it");

}  // namespace hawser::quic
