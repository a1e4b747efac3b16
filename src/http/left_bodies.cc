// left_bodies.cc: offers, and the last word. A sink may send another request from its call, so the list is taken out
// while they are called.
#include "http/left_bodies.h"

#include <iterator>

namespace hawser::http {
namespace {

// True once the sink has heard the end.
bool offer_to_sink(LeftBody& body, Timestamp now) {
  const Bytes rest = Bytes(body.octets).subspan(body.taken);
  const std::size_t taken = rest.empty() ? 0 : body.sink->on_body({&rest, 1}, now);
  if (taken != ResponseSink::kNoMore) {
    body.taken += taken;
    if (taken < rest.size()) return false;
    if (body.failure) {
      body.sink->on_failure(*body.failure, now);
      return true;
    }
  }
  body.sink->on_end(now);
  return true;
}

}  // namespace

std::size_t LeftBody::append(std::span<const Bytes> views) {
  const std::size_t before = octets.size();
  for (const Bytes& view : views) octets.insert(octets.end(), view.begin(), view.end());
  return octets.size() - before;
}

void LeftBodies::offer(Timestamp now) {
  std::vector<LeftBody> bodies = std::exchange(bodies_, {});
  std::erase_if(bodies, [now](LeftBody& body) { return offer_to_sink(body, now); });
  bodies_.insert(bodies_.begin(), std::make_move_iterator(bodies.begin()), std::make_move_iterator(bodies.end()));
}

void LeftBodies::fail_all(const ClientFailure& failure, Timestamp now) {
  for (const LeftBody& body : std::exchange(bodies_, {})) body.sink->on_failure(body.failure.value_or(failure), now);
}

}  // namespace hawser::http
