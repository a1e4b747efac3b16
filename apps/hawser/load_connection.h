// load_connection.h: one connection of `hawser load`: sends its share of the requests, in a
// closed loop as answers come or in an open one as they fall due, and accounts for each.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "http/session_store.h"
#include "http3/session.h"
#include "load_options.h"
#include "load_plan.h"
#include "load_stats.h"
#include "quic/connection/connection.h"

namespace hawser::load {

class LoadConnection;

// What a connection is lent by the worker that drives it.
class LoadDriver {
 public:
  virtual ~LoadDriver() = default;
  // Starts a connection for `session`, with the ticket and token of `kept`; the error says what to change.
  virtual std::expected<quic::Connection*, ConfigError> connect(http3::Session& session,
                                                                const http::KeptSession& kept) = 0;
  // Frees it later, since it is still being called.
  virtual void bury(std::unique_ptr<http3::Session> session) = 0;
  // `connection` wants to be told of on_reconnect() soon.
  virtual void reconnect_soon(LoadConnection& connection) = 0;
};

// The share of a run that one connection has.
struct Share {
  std::uint64_t requests = UINT64_MAX;  // to start in all
  std::size_t first_head = 0;           // where in the list of heads it begins
  // Open loop: its k-th request is number `position + k * stride` of the schedule.
  bool open_loop = false;
  std::uint64_t position = 0;
  std::uint64_t stride = 1;
};

class LoadConnection final : public http3::SessionHandler {
 public:
  LoadConnection(const LoadOptions& options, const Share& share, LoadDriver& driver, Progress& progress, Stats& stats);

  std::expected<void, ConfigError> connect();
  // Begins to send. `schedule` matters in the open loop only.
  void start(const Window& window, const Schedule& schedule, Timestamp now);
  // Sends what is due and has room. True if that was anything: the endpoint is to be woken.
  bool send_more(Timestamp now);
  // Requests that have been under way for longer than --timeout are given up, and a ticket that does not come.
  bool give_up_late(Timestamp now);
  void on_reconnect();
  // Closes. In the open loop, requests that fell due and were not answered are counted.
  void stop(Timestamp now);

  [[nodiscard]] quic::Connection* connection() const { return connection_; }
  // When its next request falls due; in the closed loop long ago.
  [[nodiscard]] Timestamp next_due() const;
  [[nodiscard]] std::size_t under_way() const { return options_.arguments.streams - free_.size(); }
  [[nodiscard]] const ConnectionShare& share() const { return done_; }

  void on_ready(http3::Session& session) override;
  void on_handshake_complete(http3::Session& session) override;
  void on_session_ticket(http3::Session& session, Bytes ticket) override;
  void on_new_token(http3::Session& session, Bytes token) override;
  void on_headers(http3::Session& session, quic::StreamId id, const http3::MessageHead& head, bool fin) override;
  void on_body_readable(http3::Session& session, quic::StreamId id) override;
  void on_message_complete(http3::Session& session, quic::StreamId id) override;
  void on_stream_reset(http3::Session& session, quic::StreamId id, http3::ErrorCode code,
                       std::string_view reason) override;
  void on_requests_available(http3::Session& session) override;
  void on_goaway(http3::Session& session, std::uint64_t id) override;
  void on_closed(http3::Session& session, const quic::CloseReason& reason) override;

 private:
  // A request under way; free ones stand in free_.
  struct Exchange {
    quic::StreamId id;
    Timestamp due{};  // closed loop: when it was sent
    std::uint16_t status = 0;
    bool open = false;
  };
  enum class End : std::uint8_t { kAnswered, kErrored, kTimedOut };

  [[nodiscard]] Exchange* find(quic::StreamId id) const { return static_cast<Exchange*>(session_->user_data(id)); }
  [[nodiscard]] bool may_start(Timestamp now) const;
  [[nodiscard]] bool has_had_its_share() const;
  bool start_request(Timestamp now);
  void end_exchange(Exchange& exchange, End end, Timestamp now);
  void count(const Exchange& exchange, End end, Timestamp now);
  void settle(Timestamp now);
  void renew(Timestamp now);
  void fail_open_exchanges(Timestamp now);
  void give_up(std::string reason);

  const LoadOptions& options_;
  Share share_;
  LoadDriver& driver_;
  Progress& progress_;
  Stats& stats_;
  std::unique_ptr<http3::Session> session_;
  quic::Connection* connection_ = nullptr;  // null before connect() and once closed
  std::vector<Exchange> exchanges_;
  std::vector<Exchange*> free_;
  Window window_;
  Schedule schedule_;
  std::size_t next_head_ = 0;
  std::uint64_t begun_ = 0;
  std::uint64_t answered_here_ = 0;  // this and the next two: by the connection that stands now
  std::uint64_t begun_here_ = 0;
  std::uint64_t early_here_ = 0;
  http::KeptSession kept_;                     // for the next connection
  Timestamp waits_for_ticket_since_ = kNever;  // with nothing else to do
  bool renewing_ = false;                      // we ended it
  bool started_ = false;
  bool stopped_ = false;
  bool was_ready_ = false;
  bool given_up_ = false;
  bool told_idle_ = false;
  ConnectionShare done_;
};

}  // namespace hawser::load
