// request_bench.cc: what a small HTTP/3 request costs on both sides, without a kernel.
// room: app
#include <benchmark/benchmark.h>
#include <time.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include "../tests/http/memory_http.h"
#include "http/static_files.h"

namespace hawser::load {
namespace {

constexpr std::size_t kConnections = 10;
constexpr std::size_t kStreams = 100;
constexpr std::uint64_t kWarmUp = 20'000;
constexpr std::uint64_t kRequestsPerIteration = 10'000;

// CPU time, so that other programs on the machine do not count.
std::int64_t cpu_clock() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

// A folder with one file of 1,024 octets.
struct Site {
  Site() {
    char name[] = "/tmp/hawser-bench-XXXXXX";
    folder = ::mkdtemp(name);
    std::ofstream(folder + "/1k") << std::string(1'024, 'x');
    // The server keeps only what has not changed lately.
    std::this_thread::sleep_for(std::chrono::seconds(http::kUnchangedFor + 1));
  }
  ~Site() { std::filesystem::remove_all(folder); }
  std::string folder;
};

// Nanoseconds per request, by side and stage.
void requests(benchmark::State& state) {
  const Site site;
  http::StaticFiles files = http::StaticFiles::create({.root = site.folder}).value();
  LoadArguments arguments;
  arguments.urls = {"https://localhost/1k"};
  arguments.streams = kStreams;
  arguments.connections = kConnections;
  arguments.requests = kConnections;
  const LoadOptions options = read_load_options(std::move(arguments)).value();
  MemoryHttp http(options, files);
  for (std::size_t i = 0; i < kConnections; ++i) http.add_connection({});
  const auto run_requests = [&](std::uint64_t count) {
    const std::uint64_t end = http.progress.requests_done.value() + count;
    HAWSER_CHECK(http.run([&] { return http.progress.requests_done.value() >= end; }));
  };
  HAWSER_CHECK(http.run([&] { return http.progress.connections_ready.value() == kConnections; }));
  http.start({.begin = http.now, .measure_from = http.now}, 0);
  run_requests(kWarmUp);
  http.set_clock(&cpu_clock);
  const std::uint64_t before = http.progress.requests_done.value();
  for (auto _ : state) run_requests(kRequestsPerIteration);
  const auto done = static_cast<double>(http.progress.requests_done.value() - before);
  HAWSER_CHECK(http.stats.requests_failed() == 0);
  state.counters["server_receive_ns"] = static_cast<double>(http.spent(HttpStage::kServerReceive)) / done;
  state.counters["server_send_ns"] = static_cast<double>(http.spent(HttpStage::kServerSend)) / done;
  state.counters["client_receive_ns"] = static_cast<double>(http.spent(HttpStage::kClientReceive)) / done;
  state.counters["client_send_ns"] = static_cast<double>(http.spent(HttpStage::kClientSend)) / done;
  state.SetItemsProcessed(static_cast<std::int64_t>(done));
}
BENCHMARK(requests)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace hawser::load
