// stream_wishes.cc: deadlines and forward error correction of single streams, as the application sets them.
// Before: the application. After: multipath_send.cc, fec_send.cc.
#include "quic/connection/stream_wishes.h"

#include "quic/connection/core.h"

namespace hawser::quic {

StreamWish ConnectionCore::stream_wish(StreamId stream) const {
  const StreamWishes* const wishes = stream_wishes();
  return wishes == nullptr ? StreamWish{} : wishes->of(stream);
}

std::expected<void, ConfigError> ConnectionCore::set_stream_wish(StreamId stream, const StreamWish& wish) {
  if (streams_.find(stream) == nullptr) return std::unexpected(ConfigError{"there is no such stream"});
  std::unique_ptr<StreamWishes>& wishes = provide_extras().stream_wishes;
  if (wishes == nullptr) wishes = std::make_unique<StreamWishes>();
  // Those of streams that are over have gone unnoticed so far.
  wishes->keep([this](StreamId each) { return streams_.find(each) != nullptr; });
  if (!wishes->set(stream, wish))
    return std::unexpected(ConfigError{"64 streams have a deadline or a protection of their own: give one back first"});
  if (wishes->empty()) wishes.reset();
  return {};
}

}  // namespace hawser::quic
