// buffer_pools.h: the memory behind the streams of all connections of an endpoint.
#pragma once

#include "quic/streams/block_pool.h"
#include "quic/streams/recv_buffer.h"
#include "quic/streams/send_buffer.h"
#include "quic/streams/stream_pool.h"

namespace hawser::quic {

// Unused blocks that an endpoint keeps: 256 * 16 KiB = 4 MiB to send from, and
// 1,024 * 4.5 KiB = 4.5 MiB to receive into.
inline constexpr std::size_t kSendBlocksFreeMax = 256;
inline constexpr std::size_t kReceiveBlocksFreeMax = 1024;

struct BufferPools {
  BlockPool send{kSendBlockSize, kSendBlocksFreeMax};
  BlockPool receive{sizeof(ReceiveBlock), kReceiveBlocksFreeMax};
  StreamPool streams;
};

}  // namespace hawser::quic
