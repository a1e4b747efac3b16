// runtime.h: the workers of a process. Nothing is shared between them but mailboxes: each
// has its sockets, its protocols, its randomness.
#pragma once

#include <atomic>
#include <cstddef>
#include <expected>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "net/make_engine.h"
#include "net/steering.h"
#include "runtime/cid_steering.h"
#include "runtime/worker.h"

namespace hawser::runtime {

struct RuntimeOptions {
  std::size_t workers = 1;      // 0: one per CPU that this process may use; at most kWorkersMax
  bool pin = false;             // worker i stays on the i-th of those CPUs, counted around
  Duration spin{0};             // as in WorkerOptions
  Duration drain{0};            // as in WorkerOptions
  net::EngineOptions engine{};  // every worker has one of its own
  // How a shared port's datagrams find their worker. What the kernel gets wrong, and with
  // kHash that is most, is passed on between the workers.
  net::SteeringMethod steering = net::SteeringMethod::kAuto;
};

class Runtime {
 public:
  // Starts the workers. The error says which option to change.
  static std::expected<std::unique_ptr<Runtime>, ConfigError> create(const RuntimeOptions& options = {});
  // Stops and joins.
  ~Runtime();
  Runtime(const Runtime&) = delete;
  Runtime& operator=(const Runtime&) = delete;

  [[nodiscard]] std::size_t size() const { return workers_.size(); }
  // Which engine moves the datagrams, once kAuto was decided.
  [[nodiscard]] net::EngineKind engine() const { return engine_; }
  // How the port that was listened on last is shared, once kAuto was decided.
  [[nodiscard]] net::SteeringMethod steering() const { return steering_; }
  // The same for people, with what the first worker's engine found for its sockets.
  [[nodiscard]] std::string describe_engine();
  [[nodiscard]] Worker& worker(std::size_t index) { return *workers_.at(index); }
  // Another worker at each call, for clients. Any thread.
  Worker& next_worker() { return *workers_[next_worker_.fetch_add(1, std::memory_order_relaxed) % workers_.size()]; }

  // Has every worker drive a protocol of its own on the same port: `make(Worker&)` gives it,
  // as std::unique_ptr<DatagramProtocol>, on that worker's thread. Returns the bound address
  // (port 0 was replaced). On failure no worker keeps anything. Not from a worker's thread.
  template <class Make>
  std::expected<SocketAddress, ConfigError> listen(net::UdpOptions udp, Make make);

  // Opens one more port for protocols that listen already: `protocol_of(Worker&)` names each worker's,
  // on its thread. Not from a worker's thread. On failure some workers may serve it.
  template <class Of>
  std::expected<void, ConfigError> listen_too(net::UdpOptions udp, Of protocol_of);

  // Ends all workers; see Worker::stop and join. Any thread, and the owner's thread.
  void stop();
  void join();

  [[nodiscard]] WorkerStats stats();  // sums over all workers

 private:
  using Opened = std::vector<std::pair<Worker*, DatagramProtocol*>>;

  Runtime() = default;
  std::expected<SocketAddress, ConfigError> listen_on(Worker& worker, const net::UdpOptions& udp,
                                                      std::unique_ptr<DatagramProtocol> protocol, Opened& opened);
  // Sets `udp` up for a port of all workers; nothing if there is one worker.
  std::expected<std::optional<net::SteeringGroup>, ConfigError> share_port(net::UdpOptions& udp) const;
  static void take_back(const Opened& opened);
  static void tell_steered(const Opened& opened);

  std::vector<std::unique_ptr<Worker>> workers_;
  std::atomic<std::size_t> next_worker_{0};
  net::EngineKind engine_ = net::EngineKind::kAuto;
  net::SteeringMethod wanted_steering_ = net::SteeringMethod::kAuto;
  net::SteeringMethod steering_ = net::SteeringMethod::kHash;
};

template <class Make>
std::expected<SocketAddress, ConfigError> Runtime::listen(net::UdpOptions udp, Make make) {
  HAWSER_TRY(std::optional<net::SteeringGroup> group, share_port(udp));
  if (group) udp.steering = &*group;
  Opened opened;
  for (const auto& worker : workers_) {
    auto result = worker->call([&](Worker& w) { return listen_on(w, udp, make(w), opened); });
    if (!result) result = std::unexpected(ConfigError{"the runtime has been stopped"});
    if (!*result) {
      take_back(opened);
      return *result;
    }
    udp.local.port = (*result)->port;
  }
  if (group) steering_ = group->method();
  if (steering_ != net::SteeringMethod::kHash) tell_steered(opened);
  return udp.local;
}

template <class Of>
std::expected<void, ConfigError> Runtime::listen_too(net::UdpOptions udp, Of protocol_of) {
  HAWSER_TRY(std::optional<net::SteeringGroup> group, share_port(udp));
  if (group) udp.steering = &*group;
  for (const auto& worker : workers_) {
    const auto bound = worker->call([&](Worker& w) -> std::expected<SocketAddress, ConfigError> {
      DatagramProtocol& protocol = protocol_of(w);
      HAWSER_TRY(const SocketAddress address, w.bind(protocol, udp));
      if (steering_ != net::SteeringMethod::kHash) w.set_steered(protocol);
      return address;
    });
    if (!bound) return std::unexpected(ConfigError{"the runtime has been stopped"});
    if (!*bound) return std::unexpected(bound->error());
  }
  return {};
}

}  // namespace hawser::runtime
