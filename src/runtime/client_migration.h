// client_migration.h: moves the client connections of an endpoint when their network goes away, or
// when the system's routes lead elsewhere (RFC 9000 section 9.2). Driven by the worker for its timers
// alone; the datagrams go to the endpoint beside it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "runtime/datagram_protocol.h"
#include "runtime/endpoint_protocol.h"
#include "runtime/network_watch.h"

namespace hawser::runtime {

enum class MigrationPolicy : std::uint8_t {
  kNever,   // stays where it is, come what may
  kOnLoss,  // moves when its local address goes away or its interface goes down
  kRoutes,  // and also when the system would now take another source address, such as back home
};

// Reads "never", "loss", "routes".
std::optional<MigrationPolicy> parse_migration_policy(std::string_view name);

struct MigrationOptions {
  MigrationPolicy policy = MigrationPolicy::kOnLoss;
  // Moves every connection to another port once, this long after the first one's handshake was
  // confirmed: for tests. 0: not.
  Duration move_after{0};
};

class ClientMigration final : public DatagramProtocol, public NetworkListener {
 public:
  // Makes one for the connections of `endpoint`, which is the worker's; on its thread. Null: there is nothing to do.
  static ClientMigration* attach(Worker& worker, EndpointProtocol& endpoint, const MigrationOptions& options);
  ClientMigration(EndpointProtocol& endpoint, const MigrationOptions& options)
      : endpoint_(endpoint), options_(options) {}
  ~ClientMigration() override;

  void on_networks(const net::LocalNetworks& networks, Timestamp now) override;

  void on_datagrams(std::span<ReceivedTrain>, Timestamp) override {}
  void on_timeout(Timestamp now) override;
  std::size_t next_transmits(Timestamp, std::span<TransmitTrain>) override { return 0; }
  [[nodiscard]] std::optional<Timestamp> next_timeout() const override;
  void close(Timestamp) override { options_ = {.policy = MigrationPolicy::kNever}; }
  [[nodiscard]] bool idle() const override { return true; }

 private:
  // While a connection is without a network it is tried again, ever more rarely: a new address may
  // need time until it works, and challenges get lost.
  static constexpr Duration kRetryFirst = 1s;
  static constexpr Duration kRetryMax = 16s;
  static constexpr Duration kClockStep = 10ms;

  void look(Timestamp now);
  [[nodiscard]] bool is_lost(const SocketAddress& local) const;
  bool consider(quic::Connection& connection);
  void move_by_clock(Timestamp now);

  EndpointProtocol& endpoint_;
  MigrationOptions options_;
  std::shared_ptr<NetworkWatch> watch_;
  Worker* worker_ = nullptr;
  net::LocalNetworks networks_;
  std::vector<SocketAddress> seen_;  // that were usable at some time; others cannot be lost
  std::optional<Timestamp> retry_at_;
  Duration retry_after_ = kRetryFirst;
  std::optional<Timestamp> move_at_;  // by the clock
  Timestamp clock_look_{};            // when it is looked at next
};

}  // namespace hawser::runtime
