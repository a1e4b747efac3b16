// attempts.cc: the order of attempts.
#include "net/attempts.h"

namespace hawser::net {

void Attempts::add(const SocketAddress& remote, std::span<const StartingPlace> places, Duration after) {
  for (std::size_t i = 0; i < places.size(); ++i)
    all_.push_back({.tuple = {.local = places[i].local, .remote = remote}, .after = i == 0 ? after : places[i].after});
}

std::optional<FourTuple> Attempts::next() {
  if (next_ == all_.size()) return std::nullopt;
  return all_[next_++].tuple;
}

std::optional<Duration> Attempts::head_start() const {
  if (next_ == all_.size()) return std::nullopt;
  return all_[next_].after;
}

}  // namespace hawser::net
