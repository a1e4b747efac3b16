// application.cc: what the simulated application does, and what it holds against the
// connection: octets out of place, endings that nobody asked for, calls about nothing.
#include "sim/application.h"

#include <algorithm>
#include <array>

#include "base/shared_bytes.h"

namespace hawser::sim {
namespace {

constexpr std::size_t kChunk = 8'192;

const char* name_of(quic::Role role) {
  return role == quic::Role::kClient ? "client" : "server";
}

}  // namespace

void Application::on_handshake_complete(quic::Connection& connection) {
  if (handshake_complete_) o_.verdict->fail(std::string{name_of(o_.role)} + ": the handshake completed twice");
  handshake_complete_ = true;
  connection_ = &connection;
  if (connection.alpn() != "hawser-sim") o_.verdict->fail(std::string{name_of(o_.role)} + ": wrong ALPN");
  if (acts_at_times()) return;
  open_streams(true, UINT32_MAX);
  open_streams(false, UINT32_MAX);
  send_datagrams(UINT32_MAX);
}

void Application::on_streams_available(quic::Connection&, bool bidirectional) {
  if (!acts_at_times()) open_streams(bidirectional, UINT32_MAX);
}

void Application::open_streams(bool bidirectional, std::uint32_t most) {
  std::uint32_t& opened = bidirectional ? opened_bidi_ : opened_uni_;
  const std::uint32_t wanted = bidirectional ? o_.mine.streams_bidi : o_.mine.streams_uni;
  for (; opened < wanted && most > 0 && connection() != nullptr; --most) {
    const auto id = connection_->open_stream(bidirectional);
    if (!id.has_value()) {
      if (id.error() != quic::StreamError::kLimit && id.error() != quic::StreamError::kClosed)
        o_.verdict->fail(std::string{name_of(o_.role)} + ": open_stream was refused for no reason of its contract");
      return;
    }
    ++opened;
    start_stream(*id, true);
  }
}

void Application::on_stream_opened(quic::Connection&, quic::StreamId id) {
  if (id.initiator() == o_.role) return fail(id, "on_stream_opened for a stream of our own");
  if (receiving_.contains(id.value)) return fail(id, "opened twice");
  start_stream(id, false);
}

void Application::start_stream(quic::StreamId id, bool opened_here) {
  const bool sends = opened_here || id.is_bidirectional();
  const bool receives = !opened_here || id.is_bidirectional();
  if (sends) sending_[id.value] = {};
  if (receives) {
    Receiving& receiving = receiving_[id.value] = {};
    const DirectionPlan plan = o_.plan->direction(id, peer());
    if (plan.ending == Ending::kStop && plan.ending_at == 0) stop(id, receiving);
  }
  if (sends) push(id, acts_at_times() ? o_.mine.write_bytes : SIZE_MAX);
}

void Application::on_stream_writable(quic::Connection&, quic::StreamId id) {
  if (!sending_.contains(id.value)) return fail(id, "writable, but we send nothing on it");
  if (!acts_at_times()) push(id, SIZE_MAX);
}

// Writes `most` octets, or until the send buffer is full or the direction has come to its planned end.
void Application::push(quic::StreamId id, std::size_t most) {
  Sending& sending = sending_[id.value];
  const DirectionPlan plan = o_.plan->direction(id, o_.role);
  const std::uint64_t target = plan.ending == Ending::kReset ? plan.ending_at : plan.size;
  while (!sending.ended && connection() != nullptr) {
    const std::uint64_t left = target - sending.offset;
    if (left == 0 && plan.ending == Ending::kReset) {
      // Every other stream promises half of what was written, where the peer knows how.
      std::expected<void, quic::StreamError> promised = std::unexpected(quic::StreamError::kUnsupported);
      if (id.index() % 2 == 1) promised = connection_->reset_stream_at(id, kResetAtCode, plan.ending_at / 2);
      if (!promised.has_value() && promised.error() != quic::StreamError::kUnsupported)
        fail(id, "reset_stream_at was refused");
      if (!promised.has_value() && !connection_->reset_stream(id, kResetCode).has_value())
        fail(id, "reset_stream was refused");
      sending.ended = true;
      return;
    }
    if (most == 0 && left > 0) return;
    chunk_.resize(std::min({left, std::uint64_t{kChunk}, std::uint64_t{most}}));
    o_.plan->fill(id, o_.role, sending.offset, chunk_);
    const bool last = left == chunk_.size() && plan.ending != Ending::kReset;
    bool refused = false;
    const std::size_t taken = write_chunk(id, chunk_, last, refused);
    sending.offset += taken;
    most -= taken;
    if (refused || (last && taken == chunk_.size())) sending.ended = true;
    if (taken < chunk_.size()) return;
  }
}

// Returns the octets taken. `refused`: the peer stopped us, or the connection is closing.
std::size_t Application::write_chunk(quic::StreamId id, MutableBytes chunk, bool fin, bool& refused) {
  std::expected<std::size_t, quic::StreamError> taken = std::size_t{0};
  if (o_.mine.shared_writes && connection_->write_room(id) >= chunk.size()) {
    const auto done = connection_->write(id, SharedBytes::copy(chunk), fin);
    if (done.has_value()) return chunk.size();
    taken = std::unexpected(done.error());
  } else {
    taken = connection_->write(id, Bytes{chunk}, fin);
  }
  if (taken.has_value()) return *taken;
  refused = true;
  // After STOP_SENDING the stream has been reset for us, which on_stop_sending may only tell
  // when this call has returned.
  const bool stopped = o_.plan->direction(id, o_.role).ending == Ending::kStop;
  if (!stopped && taken.error() != quic::StreamError::kClosed)
    fail(id, "write was refused with StreamError " + std::to_string(static_cast<int>(taken.error())));
  return 0;
}

bool Application::reads_now() const {
  const Duration since = now_ - kWorldStart;
  return since < o_.mine.pause_from || since >= o_.mine.pause_until;
}

void Application::on_stream_readable(quic::Connection& connection, quic::StreamId id) {
  now_ = connection.now();
  const auto found = receiving_.find(id.value);
  if (found == receiving_.end()) return fail(id, "readable before it was opened");
  // What stop_sending cut off may still be announced by the call that is under way.
  if (found->second.stopped) return;
  if (found->second.ended) return fail(id, "readable after its end");
  if (!reads_now()) return;
  if (o_.mine.reading == Reading::kEager) pull(id, SIZE_MAX);
  if (o_.mine.reading == Reading::kPartly) pull(id, o_.mine.read_bytes);
}

// Reads and checks up to `limit` octets of a stream.
void Application::pull(quic::StreamId id, std::size_t limit) {
  Receiving& receiving = receiving_[id.value];
  while (!receiving.ended && connection() != nullptr) {
    std::array<Bytes, 8> views;
    const std::size_t count = connection_->read_views(id, views);
    std::size_t taken = 0;
    for (std::size_t i = 0; i < count && limit > 0; ++i) {
      const Bytes view = views[i].first(std::min(limit, views[i].size()));
      if (!o_.plan->matches(id, peer(), receiving.offset, view)) return fail(id, "octets differ from those sent");
      receiving.offset += view.size();
      bytes_received_ += view.size();
      taken += view.size();
      limit -= view.size();
    }
    if (taken > 0) connection_->consume(id, taken);
    check_end(id, receiving);
    if (taken == 0 || limit == 0) return;
  }
}

// Looks whether a direction that we receive has come to an end that was planned.
void Application::check_end(quic::StreamId id, Receiving& receiving) {
  const DirectionPlan plan = o_.plan->direction(id, peer());
  if (receiving.offset > plan.size) return fail(id, "more octets than were sent");
  if (receiving.ended || connection() == nullptr) return;
  if (plan.ending == Ending::kStop && receiving.offset >= plan.ending_at) return stop(id, receiving);
  if (!connection_->at_end(id)) return;
  receiving.ended = true;
  if (plan.ending == Ending::kReset) return fail(id, "ended with FIN although its sender reset it");
  if (receiving.offset != plan.size) fail(id, "ended before all octets had arrived");
}

void Application::stop(quic::StreamId id, Receiving& receiving) {
  receiving.ended = receiving.stopped = true;
  // The stream may be over already: then there is nothing to stop.
  (void)connection_->stop_sending(id, kStopCode);
}

void Application::on_stream_reset(quic::Connection&, quic::StreamId id, quic::ApplicationErrorCode code) {
  const auto found = receiving_.find(id.value);
  if (found == receiving_.end()) return fail(id, "reset before it was opened");
  const DirectionPlan plan = o_.plan->direction(id, peer());
  const bool planned = plan.ending == Ending::kReset && (code == kResetCode || code == kResetAtCode);
  const bool asked_for = found->second.stopped && code == kStopCode;
  if (!planned && !asked_for) return fail(id, "reset although nobody did so");
  if (code == kResetAtCode && !asked_for && found->second.offset < plan.ending_at / 2)
    return fail(id, "reset before the octets that were promised");
  found->second.ended = true;
}

void Application::on_stop_sending(quic::Connection&, quic::StreamId id, quic::ApplicationErrorCode code) {
  const auto found = sending_.find(id.value);
  if (found == sending_.end()) return fail(id, "stopped, but we send nothing on it");
  if (code != kStopCode || o_.plan->direction(id, o_.role).ending != Ending::kStop)
    fail(id, "stopped although nobody did so");
  found->second.ended = true;
}

void Application::on_stream_closed(quic::Connection&, quic::StreamId id) {
  const auto sending = sending_.find(id.value);
  const auto receiving = receiving_.find(id.value);
  if (sending != sending_.end() && !sending->second.ended) fail(id, "closed before we had sent all");
  // An end without octets can be told while we were not looking.
  if (receiving != receiving_.end() && !receiving->second.ended) check_end(id, receiving->second);
  if (receiving != receiving_.end() && !receiving->second.ended) fail(id, "closed before we had read all");
  ++streams_closed_;
}

void Application::on_closed(quic::Connection& connection, const quic::CloseReason& reason) {
  if (close_reason_.has_value()) o_.verdict->fail(std::string{name_of(o_.role)} + ": on_closed was called twice");
  close_reason_ = reason;
  was_confirmed_ = connection.handshake_confirmed();
  moves_ = connection.migration_stats().moves;
}

// What it does of itself: a burst of new streams, a piece of each of some streams, datagrams.
void Application::act() {
  open_streams(random_.below(2) == 0, static_cast<std::uint32_t>(random_.below(o_.mine.open_burst + 1)));
  std::vector<std::uint64_t> open;
  for (const auto& [id, sending] : sending_)
    if (!sending.ended) open.push_back(id);
  for (const std::uint64_t id : open) {
    if (connection() == nullptr) return;
    if (o_.mine.priorities && random_.below(4) == 0)
      connection_->set_priority(quic::StreamId{id}, static_cast<std::uint8_t>(random_.below(8)), random_.below(2) == 0);
    // At least one octet, so that it comes to an end.
    if (random_.below(2) == 0) push(quic::StreamId{id}, 1 + random_.below(o_.mine.write_bytes + 1));
  }
  send_datagrams(static_cast<std::uint32_t>(random_.below(4)));
}

// One action in eight is followed by a pause of eight times as long.
Timestamp Application::next_act() {
  const auto mean = static_cast<std::uint64_t>(o_.mine.act_interval.count());
  const std::uint64_t scale = random_.below(8) == 0 ? 8 : 1;
  return now_ + 1us + Duration{static_cast<std::int64_t>(random_.below(2 * mean * scale))};
}

Timestamp Application::on_time(Timestamp now) {
  now_ = now;
  if (close_reason_.has_value()) return kNever;
  if (acts_at_times() && handshake_complete_ && now >= act_at_) {
    act();
    act_at_ = next_act();
  }
  if (handshake_complete_ && reads_now()) {
    const std::size_t limit = o_.mine.reading == Reading::kEager ? SIZE_MAX : o_.mine.read_bytes;
    for (auto& [id, receiving] : receiving_)
      if (!receiving.ended) pull(quic::StreamId{id}, limit);
    if (!acts_at_times()) send_datagrams(UINT32_MAX);
  }
  if (handshake_complete_ && connection() != nullptr) o_.endpoint->wake(*connection_);
  const Timestamp reads_at = now + o_.mine.read_interval;
  return acts_at_times() && handshake_complete_ ? std::min(reads_at, std::max(act_at_, now + 1us)) : reads_at;
}

void Application::close(quic::ApplicationErrorCode code) {
  if (connection() == nullptr) return;
  quic::Connection& closing = *connection_;
  closing.close(code, "simulated");
  o_.endpoint->wake(closing);
}

void Application::run_command(const ScheduledCommand& command) {
  if (connection() == nullptr) return;
  switch (command.kind) {
    case ScheduledCommand::Kind::kClose:
      close(kEarlyCloseCode);
      return;
    case ScheduledCommand::Kind::kKeyUpdate:
      connection_->initiate_key_update();
      break;
    case ScheduledCommand::Kind::kPing:
      connection_->ping();
      break;
    // Refused where the handshake is not confirmed or the server's connection IDs are used up.
    case ScheduledCommand::Kind::kProbe:
      (void)connection_->probe(client_address(command.address));
      break;
    case ScheduledCommand::Kind::kMigrate:
      (void)connection_->migrate(client_address(command.address));
      break;
    case ScheduledCommand::Kind::kOpenPath:
      (void)connection_->open_path({.local = client_address(command.address), .remote = connection_->tuple().remote});
      break;
    case ScheduledCommand::Kind::kAbandonPath:
    case ScheduledCommand::Kind::kBackUpPath: {
      const std::vector<quic::PathInfo> paths = connection_->paths();
      const quic::PathId id = paths[command.address % paths.size()].id;
      if (command.kind == ScheduledCommand::Kind::kAbandonPath) {
        (void)connection_->abandon_path(id);
      } else {
        (void)connection_->set_path_status(id, quic::PathStatus::kBackup);
      }
      break;
    }
    case ScheduledCommand::Kind::kCongestionControl:
      if (!connection_->set_congestion_control(command.controller).has_value())
        o_.verdict->fail(std::string{name_of(o_.role)} + ": a known congestion controller was refused");
      break;
  }
  o_.endpoint->wake(*connection_);
}

bool Application::done() const {
  if (!handshake_complete_) return false;
  const std::uint64_t planned =
      std::uint64_t{o_.mine.streams_bidi} + o_.mine.streams_uni + o_.peers.streams_bidi + o_.peers.streams_uni;
  return streams_closed_ == planned;
}

std::string Application::unfinished() const {
  std::string text = std::string{name_of(o_.role)} + (handshake_complete_ ? "" : " (no handshake)") + ": opened " +
                     std::to_string(opened_bidi_) + " of " + std::to_string(o_.mine.streams_bidi) + " bidi, " +
                     std::to_string(opened_uni_) + " of " + std::to_string(o_.mine.streams_uni) + " uni; closed " +
                     std::to_string(streams_closed_);
  for (const auto& [id, sending] : sending_)
    if (!sending.ended) text += "; sending " + std::to_string(id) + " at " + std::to_string(sending.offset);
  for (const auto& [id, receiving] : receiving_)
    if (!receiving.ended) text += "; receiving " + std::to_string(id) + " at " + std::to_string(receiving.offset);
  return text;
}

std::string Application::name(quic::StreamId id) const {
  return std::string{name_of(o_.role)} + ", stream " + std::to_string(id.value);
}

void Application::fail(quic::StreamId id, const std::string& what) {
  o_.verdict->fail(name(id) + ": " + what);
}

}  // namespace hawser::sim
