// stream.h: one stream as StreamSet keeps it: its two parts, its priority, and its places
// on the queues of the connection.
#pragma once

#include <cstdint>

#include "quic/streams/intrusive_list.h"
#include "quic/streams/recv_stream.h"
#include "quic/streams/send_stream.h"
#include "quic/wire/types.h"

namespace hawser::quic {

// RFC 9218 section 4: lower urgency first; among equals, one after the other in the order of
// their ids, or in turns if incremental.
struct Priority {
  std::uint8_t urgency = 3;  // 0..7
  bool incremental = false;
  bool operator==(const Priority&) const = default;
};

// What may have happened to a stream since the last drain; bits of StreamEvent::what.
enum StreamEventBit : std::uint8_t {
  kStreamOpened = 1,        // the peer opened it
  kStreamReadable = 2,      // data or the end arrived
  kStreamWritable = 4,      // room again after write() was cut short
  kStreamReset = 8,         // the peer abandoned sending: StreamEvent::reset_code
  kStreamStopSending = 16,  // the peer wants no more: StreamEvent::stop_code; the stream was reset
  kStreamClosed = 32,       // both parts are done: the id is unknown from now on
};

// Frames that a stream has yet to write; bits of Stream::control.
enum StreamControlBit : std::uint8_t {
  kControlResetStream = 1,
  kControlStopSending = 2,
  kControlTuneWindow = 4,  // no frame by itself; before the frame that tells of it
  kControlMaxStreamData = 8,
  kControlStreamDataBlocked = 16,
};

struct Stream {
  Stream(BlockAccount& send_blocks, BlockAccount& receive_blocks) : send(send_blocks), recv(receive_blocks) {}

  StreamId id;
  SendStream send;
  RecvStream recv;
  Priority priority;
  std::uint8_t events = 0;
  std::uint8_t control = 0;
  bool closed = false;  // kStreamClosed is queued or was delivered
  ApplicationErrorCode stop_code = 0;

  ListLink<Stream> event_link;     // StreamSet's events, each stream at most once
  ListLink<Stream> control_link;   // control frames to write
  ListLink<Stream> send_link;      // StreamScheduler, or waiting for connection credit
  ListLink<Stream> borrowed_link;  // holds views of the batch that is being received
  bool waits_for_credit = false;   // send_link is on StreamSet's credit list
  bool scheduled = false;          // send_link is in StreamScheduler
};

}  // namespace hawser::quic
