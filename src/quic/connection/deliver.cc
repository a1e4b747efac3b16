// deliver.cc: tells the application what a batch of datagrams or a timer brought, once the
// machines are at rest, so that it may call anything from its handler.
#include "quic/connection/core.h"

namespace hawser::quic {

void ConnectionCore::end_batch(Timestamp now) {
  begin(now);
  deliver_events();
  streams_.end_batch();
  tell_.datagrams.clear();
  tell_.rare.reset();
}

void ConnectionCore::deliver_events() {
  if (handler_ == nullptr || closing_.told) return;
  if (tell_.early_data) {
    tell_.early_data = false;
    handler_->on_early_data(*face_);
  }
  if (tell_.complete) {
    tell_.complete = false;
    handler_->on_handshake_complete(*face_);
  }
  for (const bool bidirectional : {true, false})
    if (streams_.take_streams_available(bidirectional)) handler_->on_streams_available(*face_, bidirectional);
  while (const std::optional<StreamEvent> event = streams_.next_event()) deliver_stream_event(*event);
  for (const Bytes& datagram : tell_.datagrams) {
    emitter_.emit(
        DatagramDataMoved{.from = DataPlace::kTransport, .to = DataPlace::kApplication, .length = datagram.size()});
    handler_->on_datagram(*face_, datagram);
  }
  if (tell_.rare != nullptr) {
    for (const std::vector<std::uint8_t>& token : tell_.rare->tokens) handler_->on_new_token(*face_, token);
    for (const std::vector<std::uint8_t>& ticket : tell_.rare->tickets) handler_->on_session_ticket(*face_, ticket);
    for (const NetworkPathEvent& event : tell_.rare->network_paths) handler_->on_network_path(*face_, event);
  }
  if (tell_.rest) {
    tell_.rest = false;
    handler_->on_rest(*face_);
  }
  if (phase_ != Phase::kOpen && !closing_.told) {
    closing_.told = true;
    handler_->on_closed(*face_, *closing_.reason);
  }
}

void ConnectionCore::deliver_stream_event(const StreamEvent& event) {
  if (event.has_all) tell_.ended = event.id;
  if ((event.what & kStreamOpened) != 0) handler_->on_stream_opened(*face_, event.id);
  if ((event.what & kStreamReadable) != 0) handler_->on_stream_readable(*face_, event.id);
  if ((event.what & kStreamReset) != 0) handler_->on_stream_reset(*face_, event.id, event.reset_code);
  if ((event.what & kStreamStopSending) != 0) handler_->on_stop_sending(*face_, event.id, event.stop_code);
  if ((event.what & kStreamWritable) != 0) handler_->on_stream_writable(*face_, event.id);
  if ((event.what & kStreamClosed) != 0) handler_->on_stream_closed(*face_, event.id);
  tell_.ended.reset();
}

}  // namespace hawser::quic
