// handshake_bench.cc: what a new connection costs each side in the protocol and TLS, without a kernel.
// room: endpoint
#include <benchmark/benchmark.h>
#include <time.h>

#include "../tests/alloc/memory_handshakes.h"

namespace hawser::quic {
namespace {

constexpr int kWarmUp = 20;

// CPU time, so that other programs on the machine do not count.
std::int64_t cpu_clock() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

// Microseconds per connection on each side: from the first packet until the connection is forgotten.
void connections(benchmark::State& state, const HandshakeOptions& options) {
  Handshakes handshakes(options);
  for (int i = 0; i < kWarmUp; ++i) handshakes.run_one();
  handshakes.set_meter(&cpu_clock);
  const std::uint64_t before = handshakes.count();
  for (auto _ : state) handshakes.run_one();
  const auto count = static_cast<double>(handshakes.count() - before);
  const auto each = [count](std::int64_t spent) {
    return benchmark::Counter(static_cast<double>(spent) / count / 1'000, benchmark::Counter::kAvgThreads);
  };
  state.counters["server_us"] = each(handshakes.server_spent());
  state.counters["client_us"] = each(handshakes.client_spent());
  state.SetItemsProcessed(static_cast<std::int64_t>(handshakes.count() - before));
}
BENCHMARK_CAPTURE(connections, x25519, HandshakeOptions{.groups = "X25519"})->Unit(benchmark::kMicrosecond);
// What the threads get in each other's way: OpenSSL has locks that they share.
BENCHMARK_CAPTURE(connections, x25519_two_threads, HandshakeOptions{.groups = "X25519"})
    ->Threads(2)
    ->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(connections, x25519mlkem768, HandshakeOptions{.groups = "X25519MLKEM768"})
    ->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(connections, x25519_resumed, HandshakeOptions{.groups = "X25519", .resume = true})
    ->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace hawser::quic
