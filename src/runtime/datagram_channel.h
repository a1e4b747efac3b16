// datagram_channel.h: one QUIC connection for datagrams, on a worker, used from other threads: what goes out
// is handed over in batches, what comes in is kept until it is asked for.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "quic/connection/connection.h"
#include "quic/tls/tls_context.h"
#include "runtime/path_control.h"
#include "runtime/qlog_log.h"
#include "runtime/worker.h"

namespace hawser::runtime {

struct DatagramChannelOptions {
  std::vector<SocketAddress> remotes;  // tried in this order, as net/attempts.h says; not empty
  std::string server_name;
  quic::TlsClientOptions tls;
  quic::ConnectionConfig connection;
  QlogSettings qlog;
  std::optional<PathOptions> paths;  // several networks at once
  std::size_t receive_max = 1'024;   // datagrams kept for receive(); at least 1
  std::size_t reports_max = 65'536;  // reports kept for take_reports()
  std::size_t untaken_max = 4'096;   // calls that the worker has not yet taken
};

// Why the connection ended, or did not come about.
struct ChannelEnd {
  bool local = false;        // close() was called
  bool certificate = false;  // the server's was not accepted
  bool timeout = false;
  std::string message;
};

struct ChannelReport {
  quic::DatagramReport report;
  bool refused = false;  // it was not taken; report.fate says nothing
};

// From any thread but the worker's.
class DatagramChannel {
 public:
  // Starts to connect. `worker` outlives the channel.
  static std::expected<std::unique_ptr<DatagramChannel>, ConfigError> open(Worker& worker,
                                                                           DatagramChannelOptions options);
  // Leaves its protocols to the worker, whose end ends them.
  ~DatagramChannel();
  DatagramChannel(const DatagramChannel&) = delete;
  DatagramChannel& operator=(const DatagramChannel&) = delete;

  // True once the handshake is complete; false if the time is over or the connection has ended.
  bool wait_until_open(Duration timeout);
  void close();

  // False, also from send(): too much waits for the worker, or the connection has ended.
  bool set_flow(quic::DatagramFlowId id, const quic::DatagramFlow& flow);
  bool close_flow(quic::DatagramFlowId id);
  // Copies. False also for more than max_payload() octets.
  bool send(Bytes payload, const quic::SendDatagramOptions& options);
  std::optional<std::vector<std::uint8_t>> receive(Duration timeout);
  std::vector<ChannelReport> take_reports();
  [[nodiscard]] std::size_t max_payload() const;
  [[nodiscard]] std::optional<ChannelEnd> ended() const;
  // Used while this object lives.
  [[nodiscard]] std::unique_ptr<PathControl> paths();

  struct Stats {
    quic::DatagramStats datagrams;
    Duration smoothed_rtt{0};
    quic::FecStats fec{};
  };
  [[nodiscard]] Stats stats() const;

 private:
  struct Shared;  // between the threads
  class Link;     // the worker's half
  DatagramChannel(Worker& worker, std::shared_ptr<Shared> shared) : worker_(worker), shared_(std::move(shared)) {}

  struct Call;
  bool hand_over(const Call& call, Bytes payload);

  Worker& worker_;
  std::shared_ptr<Shared> shared_;
  Link* link_ = nullptr;  // the worker's
};

}  // namespace hawser::runtime
