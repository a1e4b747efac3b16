// streams_bench.cc: octets through send buffer, STREAM frames and reassembly, without crypto.
// room: streams
#include <benchmark/benchmark.h>

#include <array>
#include <vector>

#include "quic/streams/recv_buffer.h"
#include "quic/streams/stream_set.h"
#include "quic/streams/testing_frames.h"

namespace hawser::quic {
namespace {

constexpr std::size_t kPacketRoom = 1420;
constexpr PeerStreamLimits kUnlimited{kVarintMax, kVarintMax, kVarintMax, kVarintMax, 1000, 1000};

void take_all(StreamSet& set, StreamId id) {
  for (;;) {
    std::size_t octets = 0;
    std::array<Bytes, 16> pieces;
    for (const Bytes piece : set.readable(id, pieces)) octets += piece.size();
    if (octets == 0) return;
    set.consume(id, octets);
  }
}

// Writing frames into packets and acknowledging them; `shared` refers to the memory of the
// application instead of copying it.
void chunking(benchmark::State& state) {
  const bool shared = state.range(0) != 0;
  static std::vector<std::uint8_t> source(64 * 1024, 7);
  BufferPools pools;
  StreamSet set(Role::kClient, {}, pools);
  set.set_peer_limits(kUnlimited);
  const StreamId id = *set.open(false);
  std::array<std::uint8_t, kPacketRoom> area;
  for (auto _ : state) {
    if (set.send_buffered() < source.size()) {
      if (shared)
        (void)set.write(id, SharedBytes(source, nullptr));
      else
        (void)set.write(id, Bytes{source});
    }
    PacketPayload payload(area);
    benchmark::DoNotOptimize(set.write_stream_frames(payload, Timestamp{}));
    benchmark::DoNotOptimize(payload.pieces().data());
    for (const SentFrame& frame : payload.frames()) set.on_frame_acked(frame);
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * kPacketRoom));
}
BENCHMARK(chunking)->ArgName("shared")->Arg(0)->Arg(1);

// One packet each round through the receiving set, read at once.
void receiving_in_order(benchmark::State& state) {
  BufferPools pools;
  StreamSet set(Role::kServer, {}, pools);
  set.set_peer_limits(kUnlimited);
  std::array<std::uint8_t, kPacketRoom> data{};
  std::array<std::uint8_t, 64> area;
  const StreamId id = StreamId::of(Role::kClient, false, 0);
  std::uint64_t offset = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(set.on_stream(id, offset, data, false).has_value());
    offset += data.size();
    while (const auto event = set.next_event()) take_all(set, event->id);
    set.end_batch();
    if (set.wants_to_send_control()) {
      PacketPayload payload(area);
      (void)set.write_control_frames(payload, Timestamp{});
    }
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(offset));
}
BENCHMARK(receiving_in_order);

// Every group of packets arrives last first, so that all but one are reassembled.
void reassembling_reversed(benchmark::State& state) {
  const std::uint64_t group = static_cast<std::uint64_t>(state.range(0));
  BlockPool pool(sizeof(ReceiveBlock), kReceiveBlocksFreeMax);
  BlockAccount blocks(pool);
  RecvBuffer buffer(blocks);
  std::array<std::uint8_t, kPacketRoom> data{};
  std::array<Bytes, 16> pieces;
  std::uint64_t base = 0;
  for (auto _ : state) {
    for (std::uint64_t i = group; i-- > 0;) buffer.add(base + i * kPacketRoom, data);
    base += group * kPacketRoom;
    while (buffer.readable_octets() > 0) {
      std::size_t octets = 0;
      for (const Bytes piece : buffer.readable(pieces)) octets += piece.size();
      buffer.consume(octets);
    }
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(base));
}
BENCHMARK(reassembling_reversed)->Arg(2)->Arg(64)->Arg(4096);

// The worst a peer can do: one octet in each frame, every second one first.
void reassembling_single_octets(benchmark::State& state) {
  BlockPool pool(sizeof(ReceiveBlock), kReceiveBlocksFreeMax);
  BlockAccount blocks(pool);
  RecvBuffer buffer(blocks);
  const std::uint8_t octet = 1;
  constexpr std::uint64_t kOctets = 64 * 1024;
  std::uint64_t base = 0;
  for (auto _ : state) {
    for (std::uint64_t i = 1; i < kOctets; i += 2) buffer.add(base + i, {&octet, 1});
    for (std::uint64_t i = 0; i < kOctets; i += 2) buffer.add(base + i, {&octet, 1});
    base += kOctets;
    buffer.consume(buffer.readable_octets());
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(base));
}
BENCHMARK(reassembling_single_octets);

// Streams in turns: picking the next one must not depend on how many there are.
void many_incremental_streams(benchmark::State& state) {
  static std::vector<std::uint8_t> source(64 * 1024, 7);
  BufferPools pools;
  StreamSet set(Role::kClient, {}, pools);
  set.set_peer_limits(kUnlimited);
  std::vector<StreamId> ids;
  for (std::int64_t i = 0; i < state.range(0); ++i) {
    ids.push_back(*set.open(false));
    (void)set.set_priority(ids.back(), {.incremental = true});
  }
  std::array<std::uint8_t, kPacketRoom> area;
  for (auto _ : state) {
    PacketPayload payload(area);
    benchmark::DoNotOptimize(set.write_stream_frames(payload, Timestamp{}));
    for (const SentFrame& frame : payload.frames()) set.on_frame_acked(frame);
    if (!set.wants_to_send_data()) {
      for (const StreamId id : ids) (void)set.write(id, SharedBytes(source, nullptr));
    }
  }
}
BENCHMARK(many_incremental_streams)->Arg(1)->Arg(32)->Arg(1000);

}  // namespace
}  // namespace hawser::quic
