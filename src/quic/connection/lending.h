// lending.h: what the connections of one endpoint lend from it: blocks while data moves, and
// memory to work in for the length of a call. A connection on which nothing moves holds none of it.
#pragma once

#include "quic/recovery/loss.h"
#include "quic/streams/buffer_pools.h"

namespace hawser::quic {

struct Lending {
  BufferPools buffers;
  RecoveryFrames recovery;  // of the acknowledgement or timer at hand
};

}  // namespace hawser::quic
