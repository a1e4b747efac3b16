// datapath_bench.cc: what a datagram of a bulk transfer costs in the protocol, without a kernel.
// room: endpoint
#include <benchmark/benchmark.h>
#include <time.h>

#include "../tests/alloc/memory_transfer.h"

namespace hawser::quic {
namespace {

constexpr std::uint64_t kWarmUp = 100'000;
constexpr std::uint64_t kPacketsPerIteration = 10'000;

// CPU time, so that other programs on the machine do not count.
std::int64_t cpu_clock() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

class StageTimes final : public StageMeter {
 public:
  void run(Stage stage, void (*work)(void*), void* argument) override {
    const std::int64_t begin = cpu_clock();
    work(argument);
    spent_[static_cast<std::size_t>(stage)] += cpu_clock() - begin;
  }
  [[nodiscard]] std::int64_t spent(Stage stage) const { return spent_[static_cast<std::size_t>(stage)]; }

 private:
  std::array<std::int64_t, 4> spent_{};
};

// Nanoseconds per datagram sent, by stage, and what the whole is in Gbit/s of payload per core.
void bulk_transfer(benchmark::State& state) {
  // Small windows: what is in flight stays in the cache, so that the protocol is measured and not the memory.
  Transfer transfer({.stream_receive_window_max = ByteCount{1u << 20},
                     .connection_receive_window_max = ByteCount{3u << 19},
                     .max_udp_payload = static_cast<std::size_t>(state.range(0))});
  HAWSER_CHECK(transfer.run_until_open());
  transfer.start_sending();
  HAWSER_CHECK(transfer.run_packets(kWarmUp));
  StageTimes times;
  transfer.set_meter(&times);
  const std::uint64_t sent = transfer.datagrams_sent();
  const std::uint64_t acks = transfer.ack_datagrams_sent();
  const std::uint64_t received = transfer.receiver.received;
  for (auto _ : state) HAWSER_CHECK(transfer.run_packets(kPacketsPerIteration));
  const auto datagrams = static_cast<double>(transfer.datagrams_sent() - sent);
  const auto per_datagram = [&](Stage stage) { return static_cast<double>(times.spent(stage)) / datagrams; };
  state.counters["send_ns"] = per_datagram(Stage::kSend);
  state.counters["receive_ns"] = per_datagram(Stage::kReceive);
  state.counters["send_acks_ns"] = per_datagram(Stage::kSendAcks);
  state.counters["receive_acks_ns"] = per_datagram(Stage::kReceiveAcks);
  state.counters["datagrams_per_ack"] = datagrams / static_cast<double>(transfer.ack_datagrams_sent() - acks);
  state.SetItemsProcessed(static_cast<std::int64_t>(transfer.datagrams_sent() - sent));
  state.SetBytesProcessed(static_cast<std::int64_t>(transfer.receiver.received - received));
}
BENCHMARK(bulk_transfer)->ArgName("udp_payload")->Arg(1'200)->Arg(1'452)->Arg(8'952)->Unit(benchmark::kMillisecond);

// DATAGRAM frames, from send_datagram() to on_datagram(), with a queue that is always full.
void datagrams(benchmark::State& state) {
  Transfer transfer({.max_datagram_frame_size = kAnyDatagramFrame});
  HAWSER_CHECK(transfer.run_until_open());
  transfer.start_datagrams(static_cast<std::size_t>(state.range(0)));
  HAWSER_CHECK(transfer.run_packets(kWarmUp / 10));
  StageTimes times;
  transfer.set_meter(&times);
  const std::uint64_t sent = transfer.datagrams_sent();
  const std::uint64_t begin = transfer.receiver.datagrams_received;
  const std::uint64_t octets = transfer.receiver.received;
  for (auto _ : state) HAWSER_CHECK(transfer.run_packets(kPacketsPerIteration));
  const std::uint64_t received = transfer.receiver.datagrams_received - begin;
  const auto each = [&](Stage stage) {
    return static_cast<double>(times.spent(stage)) / static_cast<double>(received);
  };
  state.counters["send_ns"] = each(Stage::kSend);
  state.counters["receive_ns"] = each(Stage::kReceive);
  state.counters["in_a_packet"] = static_cast<double>(received) / static_cast<double>(transfer.datagrams_sent() - sent);
  state.SetItemsProcessed(static_cast<std::int64_t>(received));
  state.SetBytesProcessed(static_cast<std::int64_t>(transfer.receiver.received - octets));
}
BENCHMARK(datagrams)->ArgName("size")->Arg(40)->Arg(200)->Arg(1'200)->Arg(1'400)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace hawser::quic
