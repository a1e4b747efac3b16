// deliver.cc: tells the application what a batch of datagrams or a timer brought, once the
// machines are at rest, so that it may call anything from its handler.
#include <algorithm>
#include <utility>

#include "quic/connection/core.h"

namespace hawser::quic {
namespace {

// What the application may do for one connection before others have their turn: octets that it writes, some
// 0.1 ms of reading files, and for each event what a small answer costs.
constexpr std::uint64_t kTurn = 256 * 1'024;
constexpr std::uint64_t kTurnPerEvent = 2 * 1'024;

}  // namespace

void ConnectionCore::end_batch(Timestamp now, Turn turn) {
  begin(now);
  deliver_events(turn);
  owed_.sent_since_told = false;
  streams_.end_batch();
  tell_.datagrams.clear();
  tell_.rare.reset();
}

bool ConnectionCore::is_behind() const {
  return streams_.has_events() && handler_ != nullptr && !closing_.told;
}

void ConnectionCore::deliver_events(Turn turn) {
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
  // What is terminated has no other turn.
  if (turn == Turn::kNow || phase_ == Phase::kTerminated) deliver_stream_events();
  if (datagrams() != nullptr) [[unlikely]]
    deliver_datagrams();
  deliver_rare_events();
  if (tell_.rest) {
    tell_.rest = false;
    handler_->on_rest(*face_);
    deliver_rare_events();
  }
  if (phase_ != Phase::kOpen && !streams_.has_events()) {
    closing_.told = true;
    handler_->on_closed(*face_, *closing_.reason);
  }
}

// What a handler does may bring about more of them.
void ConnectionCore::deliver_rare_events() {
  if (tell_.rare == nullptr) return;
  Tell::Rare& rare = *tell_.rare;
  while (!rare.tokens.empty() || !rare.tickets.empty() || !rare.network_paths.empty() || !rare.paths.empty() ||
         !rare.observed_addresses.empty()) {
    for (const auto& token : std::exchange(rare.tokens, {})) handler_->on_new_token(*face_, token);
    for (const auto& ticket : std::exchange(rare.tickets, {})) handler_->on_session_ticket(*face_, ticket);
    for (const auto& event : std::exchange(rare.network_paths, {})) handler_->on_network_path(*face_, event);
    for (const auto& event : std::exchange(rare.paths, {})) handler_->on_path(*face_, event);
    for (const auto& told : std::exchange(rare.observed_addresses, {})) handler_->on_observed_address(*face_, told);
  }
}

// Requests of a hundred streams come in one datagram, and each may ask for a file: those of one client must not
// hold up others for as long as all of them take.
void ConnectionCore::deliver_stream_events() {
  const std::uint64_t before = streams_.send_buffered();
  const bool in_turns = is_server() && phase_ != Phase::kTerminated;
  std::uint64_t used = 0;
  tell_.charged = 0;  // by whoever called from elsewhere
  while (const std::optional<StreamEvent> event = streams_.next_event()) {
    deliver_stream_event(*event);
    used += kTurnPerEvent + std::exchange(tell_.charged, 0);
    if (in_turns && used + std::max(streams_.send_buffered(), before) - before >= kTurn) return;
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
