// server.cc: keeps the connections, and chooses their protocol by ALPN.
#include "http/server.h"

#include <time.h>

#include "base/check.h"
#include "http/server_h3.h"
#include "http/server_hq.h"
#include "quic/connection/connection.h"

namespace hawser::http {
namespace {

// Waits for the handshake to tell the protocol, then passes every event on.
class AlpnSwitch final : public ServerConnection {
 public:
  AlpnSwitch(Server& server, quic::Connection& connection) : server_(server), connection_(&connection) {}

  void shutdown() override {
    if (h3_) return h3_->shutdown();
    // HTTP/0.9 has no GOAWAY: its clients close when they have everything.
    if (!hq_ && connection_ != nullptr)
      connection_->close(static_cast<std::uint64_t>(http3::ErrorCode::kNoError), "the server is shutting down");
  }
  [[nodiscard]] quic::Connection* connection() const override { return connection_; }
  [[nodiscard]] std::size_t requests_open() const override {
    return h3_ ? h3_->requests_open() : hq_ ? hq_->requests_open() : 0;
  }

  void on_early_data(quic::Connection& c) override { inner(c).on_early_data(c); }
  void on_handshake_complete(quic::Connection& c) override { inner(c).on_handshake_complete(c); }
  void on_stream_opened(quic::Connection& c, quic::StreamId id) override { inner(c).on_stream_opened(c, id); }
  void on_stream_readable(quic::Connection& c, quic::StreamId id) override { inner(c).on_stream_readable(c, id); }
  void on_stream_writable(quic::Connection& c, quic::StreamId id) override { inner(c).on_stream_writable(c, id); }
  void on_stream_reset(quic::Connection& c, quic::StreamId id, quic::ApplicationErrorCode code) override {
    inner(c).on_stream_reset(c, id, code);
  }
  void on_stop_sending(quic::Connection& c, quic::StreamId id, quic::ApplicationErrorCode code) override {
    inner(c).on_stop_sending(c, id, code);
  }
  void on_stream_closed(quic::Connection& c, quic::StreamId id) override { inner(c).on_stream_closed(c, id); }
  void on_streams_available(quic::Connection& c, bool bidirectional) override {
    inner(c).on_streams_available(c, bidirectional);
  }
  void on_datagram(quic::Connection& c, Bytes payload) override { inner(c).on_datagram(c, payload); }
  void on_rest(quic::Connection& c) override { inner(c).on_rest(c); }
  void on_closed(quic::Connection& c, const quic::CloseReason& reason) override {
    if (h3_ || hq_) inner(c).on_closed(c, reason);
    connection_ = nullptr;
    server_.on_over(*this, c.now());
  }

 private:
  // The first event of a server comes with its handshake or with 0-RTT, when the ALPN is known.
  quic::ConnectionHandler& inner(quic::Connection& connection) {
    if (h3_) return h3_->session();
    if (hq_) return *hq_;
    if (connection.alpn() == kHqAlpn) return *(hq_ = std::make_unique<HqServerConnection>(server_, connection));
    h3_ = std::make_unique<H3ServerConnection>(server_, connection);
    return h3_->session();
  }

  Server& server_;
  quic::Connection* connection_;
  std::unique_ptr<H3ServerConnection> h3_;
  std::unique_ptr<HqServerConnection> hq_;
};

// How long what is over is kept: it is still on the stack when on_over() hears of it.
constexpr Duration kBuryAfter = 100ms;
// All connections are looked at so often in a stall_timeout, in pieces of so many: some 0.1 ms.
constexpr int kLooksPerTimeout = 4;
constexpr std::size_t kLookSize = 1'024;
constexpr int kShortOfMemory = 30;

}  // namespace

Server::Server(ServerOptions options, RequestHandler& handler, AccessLog* log)
    : options_(std::move(options)), handler_(handler), log_(log) {}
Server::~Server() = default;

quic::ConnectionHandler* Server::accept(quic::Connection& connection) {
  if (shutting_down_) return nullptr;
  connections_.push_back(std::make_unique<AlpnSwitch>(*this, connection));
  connections_.back()->place = connections_.size() - 1;
  if (!look_at_ && options_.stall_timeout > Duration{0})
    look_at_ = connection.now() + options_.stall_timeout / kLooksPerTimeout;
  return connections_.back().get();
}

void Server::shutdown() {
  shutting_down_ = true;
  for (std::size_t i = 0; i < connections_.size(); ++i) connections_[i]->shutdown();
}

std::vector<quic::Connection*> Server::open_connections() const {
  std::vector<quic::Connection*> open;
  for (const auto& connection : connections_) {
    if (connection->connection() != nullptr) open.push_back(connection->connection());
  }
  return open;
}

void Server::on_over(ServerConnection& connection, Timestamp now) {
  const std::size_t place = connection.place;
  HAWSER_CHECK(place < connections_.size() && connections_[place].get() == &connection);
  over_.push_back(std::move(connections_[place]));
  if (place + 1 < connections_.size()) {
    connections_[place] = std::move(connections_.back());
    connections_[place]->place = place;
  }
  connections_.pop_back();
  if (!bury_at_) bury_at_ = now + kBuryAfter;
}

void Server::on_timeout(Timestamp now) {
  stalled_.clear();
  if (bury_at_ && now >= *bury_at_) {
    over_.clear();
    bury_at_.reset();
  }
  if (look_at_ && now >= *look_at_) look_for_stalled(now);
}

std::optional<Timestamp> Server::next_timeout() const {
  if (!bury_at_ || !look_at_) return bury_at_ ? bury_at_ : look_at_;
  return std::min(*bury_at_, *look_at_);
}

bool Server::is_stalled(ServerConnection& connection, Timestamp now) const {
  if (connection.requests_open() == 0) {
    connection.moving_since = kNever;
    return false;
  }
  const quic::ConnectionStats stats = connection.connection()->stats();
  const std::uint64_t moved = stats.stream_bytes_sent + stats.stream_bytes_received;
  if (connection.moving_since == kNever || moved - connection.moved_before >= options_.stall_octets) {
    connection.moving_since = now;
    connection.moved_before = moved;
    return false;
  }
  return now - connection.moving_since >= patience();
}

Duration Server::patience() const {
  return handler_.is_short_of_memory() ? options_.stall_timeout / kShortOfMemory : options_.stall_timeout;
}

std::optional<std::size_t> Server::buffer_for_new(std::size_t responses, Timestamp now) {
  const bool is_short = handler_.is_short_of_memory();
  if (is_short) note_memory_short(now);
  if (responses > kResponsesReadAhead) return kBufferBehindOthers;
  return is_short ? std::optional(kBufferWhenShort) : std::nullopt;
}

// Whoever holds on to memory is to be found soon after it has become short.
void Server::note_memory_short(Timestamp now) {
  if (!look_at_) return;
  look_at_ = std::min(*look_at_, now + options_.stall_timeout / (kShortOfMemory * kLooksPerTimeout));
}

void Server::look_for_stalled(Timestamp now) {
  if (next_look_ >= connections_.size()) next_look_ = 0;
  const std::size_t end = std::min(next_look_ + kLookSize, connections_.size());
  for (; next_look_ < end; ++next_look_) {
    ServerConnection& connection = *connections_[next_look_];
    if (connection.connection() == nullptr || !is_stalled(connection, now)) continue;
    connection.moving_since = kNever;
    ++stats_.connections_stalled;
    stalled_.push_back(connection.connection());
    connection.connection()->close(static_cast<std::uint64_t>(http3::ErrorCode::kExcessiveLoad),
                                   "requests under way and nothing moves");
  }
  look_at_.reset();
  if (connections_.empty()) return;
  const auto pieces = static_cast<std::int64_t>((connections_.size() + kLookSize - 1) / kLookSize);
  look_at_ = now + patience() / (kLooksPerTimeout * pieces);
}

// Read once a batch; the text of a date is made once a second.
const WallClock& Server::wall_clock(Timestamp now) {
  if (now == clock_read_at_) return clock_;
  clock_read_at_ = now;
  timespec time{};
  clock_gettime(CLOCK_REALTIME_COARSE, &time);
  if (time.tv_sec != clock_.second) {
    write_http_date(time.tv_sec, date_);
    clock_ = {.second = time.tv_sec, .date = {date_.data(), date_.size()}};
  }
  return clock_;
}

}  // namespace hawser::http
