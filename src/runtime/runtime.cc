// runtime.cc: starting, sharing a port, stopping.
#include "runtime/runtime.h"

#include <fmt/format.h>
#include <sched.h>

namespace hawser::runtime {
namespace {

// The CPUs that this process may run on, in order; {0} if the kernel will not say.
std::vector<int> allowed_cpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  std::vector<int> cpus;
  if (sched_getaffinity(0, sizeof set, &set) == 0) {
    for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
      if (CPU_ISSET(cpu, &set)) cpus.push_back(cpu);
    }
  }
  if (cpus.empty()) cpus.push_back(0);
  return cpus;
}

}  // namespace

std::expected<std::unique_ptr<Runtime>, ConfigError> Runtime::create(const RuntimeOptions& options) {
  const std::vector<int> cpus = allowed_cpus();
  const std::size_t count = options.workers == 0 ? std::min(cpus.size(), kWorkersMax) : options.workers;
  if (count > kWorkersMax) {
    return std::unexpected(ConfigError{fmt::format("{} workers: give at most {}", count, kWorkersMax)});
  }
  std::unique_ptr<Runtime> runtime{new Runtime};
  runtime->wanted_steering_ = options.steering;
  std::vector<Worker*> peers;
  for (std::size_t i = 0; i < count; ++i) {
    net::EngineOptions engine_options = options.engine;
    engine_options.af_xdp.worker = i;
    engine_options.af_xdp.workers = count;
    HAWSER_TRY(auto engine, net::make_engine(engine_options));
    runtime->engine_ = engine->kind();
    const WorkerOptions worker_options{
        .index = i, .cpu = options.pin ? cpus[i % cpus.size()] : -1, .spin = options.spin, .drain = options.drain};
    HAWSER_TRY(auto worker, Worker::start(worker_options, std::move(engine)));
    peers.push_back(worker.get());
    runtime->workers_.push_back(std::move(worker));
  }
  for (Worker* worker : peers) {
    worker->post([peers](Worker& w) { w.set_peers(peers); });
  }
  return runtime;
}

Runtime::~Runtime() {
  // All threads end before any mailbox goes: they forward to each other.
  stop();
  join();
}

std::string Runtime::describe_engine() {
  const auto text = workers_.front()->call([](Worker& worker) { return worker.engine().describe(); });
  return text.value_or(std::string(net::to_string(engine_)));
}

void Runtime::stop() {
  for (const auto& worker : workers_) worker->stop();
}

void Runtime::join() {
  for (const auto& worker : workers_) worker->join();
}

std::expected<std::optional<net::SteeringGroup>, ConfigError> Runtime::share_port(net::UdpOptions& udp) const {
  if (workers_.size() <= 1) return std::nullopt;
  HAWSER_TRY(
      net::SteeringGroup group,
      net::SteeringGroup::create({.rule = kCidSteering, .sockets = workers_.size(), .method = wanted_steering_}));
  udp.reuse_port = true;
  return group;
}

std::expected<SocketAddress, ConfigError> Runtime::listen_on(Worker& worker, const net::UdpOptions& udp,
                                                             std::unique_ptr<DatagramProtocol> protocol,
                                                             Opened& opened) {
  DatagramProtocol& attached = worker.attach(std::move(protocol));
  opened.emplace_back(&worker, &attached);
  return worker.bind(attached, udp);
}

void Runtime::take_back(const Opened& opened) {
  for (const auto& [worker, protocol] : opened) {
    worker->call([protocol = protocol](Worker& w) {
      w.detach(*protocol);
      return true;
    });
  }
}

void Runtime::tell_steered(const Opened& opened) {
  for (const auto& [worker, protocol] : opened) {
    worker->call([protocol = protocol](Worker& w) {
      w.set_steered(*protocol);
      return true;
    });
  }
}

WorkerStats Runtime::stats() {
  WorkerStats sum;
  for (const auto& worker : workers_) sum += worker->stats();
  return sum;
}

}  // namespace hawser::runtime
