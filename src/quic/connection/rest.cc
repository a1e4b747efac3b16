// rest.cc: what a connection gives back when nothing has moved on it for a while. All of it is made
// again by whatever moves first, at the cost of a few microseconds.
#include "quic/connection/core.h"
#include "quic/connection/fec.h"
#include "quic/connection/multipath.h"

namespace hawser::quic {
namespace {

// From the last datagram either way. Longer than the pauses within an exchange and than a round
// trip, so that busy connections never rest; short against any idle timeout, so that of many
// connections nearly all do: a keep-alive every 15 s wakes one of 15.
constexpr Duration kRestAfter = 1s;

}  // namespace

Timestamp ConnectionCore::rest_deadline() const {
  if (times_.resting || !handshake_.confirmed) return kNever;
  return times_.last_moved + kRestAfter;
}

void ConnectionCore::rest() {
  times_.resting = true;
  keys_.one_rtt().fold();
  if (multipath_ == nullptr) {
    path_->loss().rest();
  } else {
    multipath_->rest();
  }
  // Before the streams rest: to look for one wakes it.
  if (stream_wishes() != nullptr) {
    extras_->stream_wishes->keep([this](StreamId each) { return streams_.find(each) != nullptr; });
    if (extras_->stream_wishes->empty()) extras_->stream_wishes.reset();
  }
  streams_.rest();
  if (datagrams() != nullptr) datagrams()->rest();
  if (fec() != nullptr) fec()->rest();
  if (extras_ != nullptr && !extras_->attempt && datagrams() == nullptr && fec() == nullptr &&
      stream_wishes() == nullptr)
    extras_.reset();
  tell_.datagrams = std::vector<Bytes>();
  tell_.rest = true;
}

}  // namespace hawser::quic
