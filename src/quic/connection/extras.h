// extras.h: what few connections need, or all of them only for a while. Made on demand, so that an
// idle connection pays one pointer for all of it.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "quic/connection/datagram_queue.h"
#include "quic/connection/stream_wishes.h"
#include "quic/wire/types.h"

namespace hawser::quic {

class TlsClientContext;  // tls/tls_context.h
class Fec;               // connection/fec.h

struct FecDeleter {
  void operator()(Fec* fec) const;
};

// A client's attempt to connect, until the handshake is confirmed: what it takes to begin again in
// another version.
struct ClientAttempt {
  const TlsClientContext* tls = nullptr;  // not owned
  std::string server_name;
  Version original = Version::kV1;  // of the first packet; after a Version Negotiation packet, of its answer
  bool restarted = false;           // a Version Negotiation packet was followed
};

struct Extras {
  std::optional<ClientAttempt> attempt;
  std::unique_ptr<DatagramQueue> datagrams;     // from the first datagram or flow on
  std::unique_ptr<Fec, FecDeleter> fec;         // where both ends offered it
  std::unique_ptr<StreamWishes> stream_wishes;  // while a stream has one
  std::string path_scheduler;                   // chosen before the handshake was complete
};

}  // namespace hawser::quic
