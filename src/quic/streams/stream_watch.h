// stream_watch.h: tells of a stream's states when a call is over, if they changed in it. States
// change a few times in a stream's life, so this is two comparisons for most calls.
#pragma once

#include "quic/streams/stream_set.h"

namespace hawser::quic {

class StreamSet::Watch {
 public:
  Watch(StreamSet& set, const Stream& stream)
      : set_(set), stream_(stream), sending_(stream.send.state()), receiving_(stream.recv.state()) {}
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;
  ~Watch() {
    if (stream_.send.state() != sending_) [[unlikely]]
      set_.tell_sending(stream_, sending_);
    if (stream_.recv.state() != receiving_) [[unlikely]]
      set_.tell_receiving(stream_, receiving_);
  }

 private:
  StreamSet& set_;
  const Stream& stream_;
  SendState sending_;
  RecvState receiving_;
};

}  // namespace hawser::quic
