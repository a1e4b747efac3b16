// stream_events.cc: what becomes of streams, as events. Nothing here does anything unless someone
// listens.
#include "events/event_sink.h"
#include "quic/streams/stream_set.h"

namespace hawser::quic {
namespace {

// Streams looked through to say which limit holds data back.
constexpr std::size_t kLookThroughMax = 256;

LoggedStreamState logged(SendState state) {
  switch (state) {
    case SendState::kReady:
      return LoggedStreamState::kReady;
    case SendState::kSend:
      return LoggedStreamState::kSend;
    case SendState::kDataSent:
      return LoggedStreamState::kDataSent;
    case SendState::kResetSent:
      return LoggedStreamState::kResetSent;
    case SendState::kDataRecvd:
      return LoggedStreamState::kDataReceived;
    case SendState::kResetRecvd:
      return LoggedStreamState::kResetReceived;
  }
  return LoggedStreamState::kReady;
}

LoggedStreamState logged(RecvState state) {
  switch (state) {
    case RecvState::kRecv:
      return LoggedStreamState::kReceive;
    case RecvState::kSizeKnown:
      return LoggedStreamState::kSizeKnown;
    case RecvState::kDataRecvd:
      return LoggedStreamState::kDataReceived;
    case RecvState::kResetRecvd:
      return LoggedStreamState::kResetReceived;
    case RecvState::kDataRead:
      return LoggedStreamState::kDataRead;
    case RecvState::kResetRead:
      return LoggedStreamState::kResetRead;
  }
  return LoggedStreamState::kReceive;
}

LoggedStreamType logged_type(StreamId id) {
  return id.is_bidirectional() ? LoggedStreamType::kBidirectional : LoggedStreamType::kUnidirectional;
}

}  // namespace

void StreamSet::tell_sending(const Stream& stream, std::optional<SendState> before) {
  if (events_out_ == nullptr || !stream.send.exists()) return;
  StreamStateUpdated event{.stream_id = stream.id.value,
                           .type = logged_type(stream.id),
                           .new_state = logged(stream.send.state()),
                           .side = StreamSide::kSending};
  if (before) event.old_state = logged(*before);
  events_out_->emit(event);
}

void StreamSet::tell_receiving(const Stream& stream, std::optional<RecvState> before) {
  if (events_out_ == nullptr || !stream.recv.exists()) return;
  StreamStateUpdated event{.stream_id = stream.id.value,
                           .type = logged_type(stream.id),
                           .new_state = logged(stream.recv.state()),
                           .side = StreamSide::kReceiving};
  if (before) event.old_state = logged(*before);
  events_out_->emit(event);
}

void StreamSet::tell_created(const Stream& stream) {
  tell_sending(stream, std::nullopt);
  tell_receiving(stream, std::nullopt);
}

void StreamSet::tell_moved(const Stream& stream, bool to_transport, std::uint64_t offset, std::uint64_t octets) {
  if (events_out_ == nullptr || octets == 0) return;
  events_out_->emit(StreamDataMoved{.stream_id = stream.id.value,
                                    .offset = offset,
                                    .length = octets,
                                    .from = to_transport ? DataPlace::kApplication : DataPlace::kTransport,
                                    .to = to_transport ? DataPlace::kTransport : DataPlace::kApplication});
}

void StreamSet::tell_blocked(const Stream& stream, bool blocked) {
  if (events_out_ == nullptr) return;
  const auto state = [](bool b) { return b ? BlockedState::kBlocked : BlockedState::kUnblocked; };
  events_out_->emit(
      StreamDataBlockedUpdated{.old_state = state(!blocked),
                               .new_state = state(blocked),
                               .stream_id = stream.id.value,
                               .reason = blocked ? BlockedReason::kStreamFlowControl : BlockedReason::kNone});
}

BlockedReason StreamSet::blocked_reason() {
  if (!credit_waiters_.empty()) return BlockedReason::kConnectionFlowControl;
  if (streams_.size() > kLookThroughMax) return BlockedReason::kApplication;
  bool held_back = false;
  streams_.for_each([&held_back](const Stream& stream) { held_back |= stream.send.is_blocked(); });
  return held_back ? BlockedReason::kStreamFlowControl : BlockedReason::kApplication;
}

}  // namespace hawser::quic
