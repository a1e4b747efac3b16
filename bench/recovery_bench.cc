// recovery_bench.cc: what a packet costs loss recovery: sending, acknowledging, reporting.
// room: recovery
#include <benchmark/benchmark.h>

#include <array>

#include "base/random.h"
#include "quic/congestion/cubic.h"
#include "quic/recovery/ack_tracker.h"
#include "quic/recovery/loss.h"

namespace hawser::quic {
namespace {

struct AckRange {
  std::uint64_t smallest;
  std::uint64_t largest;
};

// A bulk sender with `window` packets in flight; each ACK covers 16 new packets.
void send_and_ack(benchmark::State& state) {
  const auto window = static_cast<std::uint64_t>(state.range(0));
  const bool lossy = state.range(1) != 0;
  constexpr std::uint64_t kTrain = 16;
  Cubic controller(1'452);
  LossDetector loss({.skip_packet_numbers = false}, controller);
  SeededRandom random(1);
  RecoveryFrames frames;
  Timestamp now{1s};
  loss.on_handshake_confirmed(now);
  std::uint64_t offset = 0;
  const auto send = [&](std::uint64_t count) {
    for (; count != 0; --count, offset += 1'400) {
      const SentFrame frame{.kind = SentFrameKind::kStream, .length = 1'400, .offset = offset};
      const PacketNumber pn = loss.next_packet_number(PacketNumberSpace::kApplication, random);
      loss.on_packet_sent(
          {.packet_number = pn, .size = 1'452, .ack_eliciting = true, .in_flight = true, .frames = {&frame, 1}}, now);
    }
  };
  send(window);
  std::uint64_t acked = 0;
  for (auto _ : state) {
    send(kTrain);
    now += 5us;
    acked += kTrain;
    // Lossy: the first packet of each train of acknowledgements never arrived.
    const std::array<AckRange, 2> ranges{
        {{acked - kTrain + 1, acked - 1}, {acked - 2 * kTrain + 1, acked - kTrain - 1}}};
    const std::array<AckRange, 1> all{{{0, acked - 1}}};
    const AckReceived ack{.largest_acknowledged = PacketNumber{acked - 1}, .now = now};
    frames.clear();
    const auto outcome =
        lossy && acked > kTrain ? loss.on_ack_received(ack, ranges, frames) : loss.on_ack_received(ack, all, frames);
    if (!outcome.has_value()) state.SkipWithError("the ACK was refused");
    benchmark::DoNotOptimize(frames.acked.data());
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations() * kTrain));
}
BENCHMARK(send_and_ack)
    ->ArgNames({"window", "lossy"})
    ->Args({64, 0})
    ->Args({10'000, 0})
    ->Args({200'000, 0})
    ->Args({10'000, 1});

// A bulk receiver: an ACK per 16 packets.
void receive_and_report(benchmark::State& state) {
  AckTracker tracker({.ack_every = 16});
  std::array<std::uint8_t, 1'200> area;
  Timestamp now{1s};
  std::uint64_t pn = 0;
  for (auto _ : state) {
    for (int i = 0; i < 16; ++i, ++pn) {
      benchmark::DoNotOptimize(tracker.is_duplicate(PacketNumber{pn}));
      tracker.on_packet_received(PacketNumber{pn}, true, Ecn::kNotEct, now);
    }
    now += 5us;
    PacketPayload out{area};
    benchmark::DoNotOptimize(tracker.write_ack(out, now));
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()) * 16);
}
BENCHMARK(receive_and_report);

}  // namespace
}  // namespace hawser::quic
