// load_worker.h: the connections of `hawser load` on one thread: driven by it for their timers
// alone; the datagrams go to the endpoint beside it.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "load_connection.h"
#include "load_options.h"
#include "load_plan.h"
#include "load_stats.h"
#include "quic/tls/tls_context.h"
#include "runtime/endpoint_protocol.h"

namespace hawser::load {

// Which of the run's connections and threads this is.
struct WorkerPlace {
  std::size_t index = 0;
  std::size_t workers = 1;
  perf::Bell* bell = nullptr;  // of who waits for the run
};

class LoadWorker final : public runtime::DatagramProtocol, public LoadDriver {
 public:
  // `endpoint` is driven by the same worker and outlives this object.
  LoadWorker(const LoadOptions& options, const SocketAddress& remote, WorkerPlace place,
             runtime::EndpointProtocol& endpoint, quic::TlsClientContext tls);

  // Any thread.
  [[nodiscard]] const Progress& progress() const { return progress_; }

  // On the worker's thread. -----------------------------------------------------------------------
  [[nodiscard]] runtime::EndpointProtocol& endpoint() { return endpoint_; }
  // What a connection is made with that begins with what an earlier one left.
  [[nodiscard]] quic::ClientParameters parameters(const http::KeptSession& kept = {});
  // Where connections go from now on.
  void set_remote(const SocketAddress& remote) { remote_ = remote; }
  std::expected<void, ConfigError> connect_all();
  void start(const Window& window, Timestamp now);
  // Ends the connections and completes the statistics.
  void stop(Timestamp now);
  [[nodiscard]] const Stats& stats() const { return stats_; }

  void on_datagrams(std::span<ReceivedTrain>, Timestamp) override {}
  void on_timeout(Timestamp now) override;
  std::size_t next_transmits(Timestamp, std::span<TransmitTrain>) override { return 0; }
  [[nodiscard]] std::optional<Timestamp> next_timeout() const override;
  void close(Timestamp) override {}
  [[nodiscard]] bool idle() const override { return true; }

  std::expected<quic::Connection*, ConfigError> connect(http3::Session& session,
                                                        const http::KeptSession& kept) override;
  void bury(std::unique_ptr<http3::Session> session) override { buried_.push_back(std::move(session)); }
  void reconnect_soon(LoadConnection& connection) override { reconnecting_.push_back(&connection); }

 private:
  void send_due(Timestamp now);
  void give_up_late(Timestamp now);
  void wake(const LoadConnection& connection);
  [[nodiscard]] bool schedule_runs() const { return open_loop_ && schedule_.due(ticks_) < window_.end; }

  const LoadOptions& options_;
  SocketAddress remote_;
  WorkerPlace place_;
  runtime::EndpointProtocol& endpoint_;
  quic::TlsClientContext tls_;
  Progress progress_;
  Stats stats_;
  std::vector<std::unique_ptr<LoadConnection>> connections_;
  std::vector<std::unique_ptr<http3::Session>> buried_;
  std::vector<LoadConnection*> reconnecting_;
  Window window_;
  Schedule schedule_;        // of all connections of this worker, one after the other
  bool open_loop_ = false;   // and started
  std::uint64_t ticks_ = 0;  // requests of the schedule that have fallen due
  Timestamp look_for_late_ = kNever;
};

}  // namespace hawser::load
