// attempts.h: from where and whither a client tries to reach its server, and in which order: one attempt after another,
// each begun before the one in front has given up, so that a network or an address that is silent costs a moment
// (RFC 8305). Decisions alone: no sockets, no time.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "base/address.h"
#include "base/time.h"

namespace hawser::net {

// Where an attempt may leave from.
struct StartingPlace {
  SocketAddress local;  // port 0: of a socket that is still to be opened; family kNone: the system's choice
  Duration after{0};    // how long the place in front is tried alone; of no use in the first one
};

class Attempts {
 public:
  // What leads to `remote`, from each of `places` (not empty), in that order, behind all that was added before. The
  // first of them is tried when the one in front has been for `after`.
  void add(const SocketAddress& remote, std::span<const StartingPlace> places, Duration after);
  // The next attempt; nothing: all were made.
  std::optional<FourTuple> next();
  // How long the latest attempt is to be alone before next() is due; nothing: nothing is left.
  [[nodiscard]] std::optional<Duration> head_start() const;
  // No further ones.
  void stop() { next_ = all_.size(); }

 private:
  struct Attempt {
    FourTuple tuple;
    Duration after;
  };
  std::vector<Attempt> all_;
  std::size_t next_ = 0;
};

}  // namespace hawser::net
