// udp_echo.cc: one thread sends a datagram over loopback, another sends it back, through the same
// engines and in the same order of calls as a worker, with no protocol between: the least that a
// request and its response can take. Prints one JSON object.
//   udp_echo --seconds 5 --size 100 --rate 1000 --cpus 0,1
#include <fmt/format.h>
#include <pthread.h>
#include <sched.h>
#include <sys/prctl.h>
#include <time.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <atomic>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/check.h"
#include "net/address.h"
#include "net/make_engine.h"

namespace {

using namespace hawser;

struct Options {
  double seconds = 3;
  std::size_t size = 100;  // octets of the UDP payload, each way
  double rate = 1'000;     // exchanges a second; 0: the next as soon as one is over
  std::string engine = "auto";
  double spin_us = 0;
  std::vector<int> cpus{0, 1};  // of the side that answers and of the side that asks
};

struct Side {
  std::unique_ptr<net::Engine> engine;
  SocketAddress address;
};

Duration since_boot() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return Duration{std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec};
}

double thread_cpu_seconds() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

// As runtime/worker.cc does: on its CPU, without the default slack of timers.
void prepare_thread(int cpu) {
  cpu_set_t cpus;
  CPU_ZERO(&cpus);
  CPU_SET(cpu, &cpus);
  if (pthread_setaffinity_np(pthread_self(), sizeof cpus, &cpus) != 0)
    fmt::print(stderr, "udp_echo: cannot stay on CPU {}\n", cpu);
  prctl(PR_SET_TIMERSLACK, 1UL);
}

Side make_side(const Options& options) {
  const auto kind = net::parse_engine_kind(options.engine);
  auto engine = kind ? net::make_engine({.kind = *kind}) : std::unexpected(kind.error());
  if (!engine) {
    fmt::print(stderr, "udp_echo: {}\n", engine.error().message);
    std::exit(1);
  }
  const auto socket = (*engine)->open({.local = *net::parse_address("127.0.0.1:0")});
  if (!socket) {
    fmt::print(stderr, "udp_echo: {}\n", socket.error().message);
    std::exit(1);
  }
  const SocketAddress address = (*engine)->local_address(*socket);
  return {std::move(*engine), address};
}

void send(net::Engine& engine, const FourTuple& tuple, Bytes octets) {
  std::array<TransmitTrain, 1> trains;
  HAWSER_CHECK(engine.lend(trains) == 1);
  std::memcpy(trains[0].buffer.data(), octets.data(), octets.size());
  trains[0].size = trains[0].segment_size = octets.size();
  trains[0].tuple = tuple;
  HAWSER_CHECK(engine.send(trains) == 1);
}

// Sleeps, or looks again and again while something happened lately.
void wait(net::Engine& engine, Duration last, Duration spin, Duration timeout) {
  engine.poll(since_boot() - last < spin ? Duration::zero() : timeout);
}

void answer(const Options& options, Side& side, const std::atomic<bool>& stop) {
  prepare_thread(options.cpus[0]);
  const Duration spin{static_cast<std::int64_t>(options.spin_us * 1e3)};
  Duration last{0};
  std::array<ReceivedTrain, 32> trains;
  while (!stop.load(std::memory_order_relaxed)) {
    const std::size_t count = side.engine->receive(trains);
    for (const ReceivedTrain& train : std::span(trains).first(count))
      send(*side.engine, {train.tuple.local, train.tuple.remote}, train.bytes);
    if (count != 0) {
      last = since_boot();
    } else {
      wait(*side.engine, last, spin, 100ms);
    }
  }
}

// The round trips, sorted.
std::vector<Duration> ask(const Options& options, Side& side, const SocketAddress& server) {
  prepare_thread(options.cpus[1]);
  const std::vector<std::uint8_t> request(options.size, 0x5a);
  const Duration spin{static_cast<std::int64_t>(options.spin_us * 1e3)};
  const Duration period{options.rate > 0 ? static_cast<std::int64_t>(1e9 / options.rate) : 0};
  std::vector<Duration> trips;
  std::array<ReceivedTrain, 32> trains;
  const Duration end = since_boot() + Duration{static_cast<std::int64_t>(options.seconds * 1e9)};
  Duration due = since_boot();
  Duration last_end{0};
  while (due < end) {
    for (Duration now = since_boot(); now < due; now = since_boot()) side.engine->poll(due - now);
    // As `hawser perf --latency` counts: what fell due while another was under way has waited since.
    const Duration begin = period != Duration::zero() && due <= last_end ? due : since_boot();
    send(*side.engine, {side.address, server}, request);
    while (side.engine->receive(trains) == 0) wait(*side.engine, begin, spin, 100ms);
    last_end = since_boot();
    trips.push_back(last_end - begin);
    HAWSER_CHECK(side.engine->receive(trains) == 0);
    due = period == Duration::zero() ? last_end : due + period;
  }
  std::ranges::sort(trips);
  return trips;
}

double us_at(const std::vector<Duration>& sorted, double share) {
  if (sorted.empty()) return 0;
  const auto index = static_cast<std::size_t>(share * static_cast<double>(sorted.size()));
  return static_cast<double>(sorted[std::min(index, sorted.size() - 1)].count()) / 1e3;
}

int run(const Options& options) {
  Side server = make_side(options);
  Side client = make_side(options);
  std::atomic<bool> stop{false};
  double server_cpu_s = 0;
  double client_cpu_s = 0;
  std::vector<Duration> trips;
  std::thread answers([&] {
    answer(options, server, stop);
    server_cpu_s = thread_cpu_seconds();
  });
  std::thread asks([&] {
    trips = ask(options, client, server.address);
    client_cpu_s = thread_cpu_seconds();
  });
  asks.join();
  stop = true;
  server.engine->wake();
  answers.join();
  const auto count = static_cast<double>(std::max<std::size_t>(trips.size(), 1));
  fmt::print(
      "{{\"engine\": \"{}\", \"size_bytes\": {}, \"rate_per_second\": {:.6g}, \"exchanges\": {}, "
      "\"latency_us_p50\": {:.2f}, \"latency_us_p90\": {:.2f}, \"latency_us_p99\": {:.2f}, \"latency_us_max\": {:.2f}, "
      "\"server_cpu_us_per_exchange\": {:.2f}, \"client_cpu_us_per_exchange\": {:.2f}}}\n",
      net::to_string(server.engine->kind()), options.size, options.rate, trips.size(), us_at(trips, 0.5),
      us_at(trips, 0.9), us_at(trips, 0.99), us_at(trips, 1), server_cpu_s * 1e6 / count, client_cpu_s * 1e6 / count);
  return trips.empty() ? 1 : 0;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app{"Sends datagrams over loopback and back, as a worker would without a protocol, and prints JSON."};
  app.add_option("--seconds", options.seconds, "how long")->check(CLI::Range(0.1, 3'600.0));
  app.add_option("--size", options.size, "octets of each datagram")->check(CLI::Range(1, 1'452));
  app.add_option("--rate", options.rate, "exchanges a second; 0: one after the other")->check(CLI::Range(0.0, 1e6));
  app.add_option("--engine", options.engine, "auto, epoll, io_uring, af_xdp");
  app.add_option("--spin", options.spin_us, "microseconds to look for work before sleeping")
      ->check(CLI::Range(0.0, 1e6));
  app.add_option("--cpus", options.cpus, "CPUs of who answers and who asks, as 0,1")->delimiter(',')->expected(2);
  CLI11_PARSE(app, argc, argv);
  return run(options);
}
