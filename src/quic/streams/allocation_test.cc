// Goal: once warm, moving data allocates nothing: not in bulk, not with losses, not when
// streams come and go. Method: operator new of this program counts.
#include <gtest/gtest.h>

#include <array>
#include <cstdlib>
#include <new>

#include "quic/streams/testing_frames.h"

namespace {
std::size_t allocations = 0;
}

[[gnu::noinline]] void* operator new(std::size_t size) {
  ++allocations;
  if (void* memory = std::malloc(size)) return memory;
  std::abort();
}
[[gnu::noinline]] void operator delete(void* memory) noexcept {
  std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}

namespace hawser::quic {
namespace {

constexpr PeerStreamLimits kLimits{3 * 512 * 1024, 1 << 20, 1 << 20, 1 << 20, 100, 100};

// Two sets and a wire without memory of its own; every packet is acknowledged or declared
// lost once `kDelay` later ones are on their way.
struct Pair {
  static constexpr std::size_t kDelay = 32;
  struct Slot {
    std::array<std::uint8_t, 1200> octets;
    std::size_t size = 0;
    std::array<SentFrame, PacketPayload::kMaxFrames> frames;
    std::size_t frame_count = 0;
    bool lost = false;
  };

  Pair() : client(Role::kClient, {}, pools), server(Role::kServer, {}, pools) {
    client.set_peer_limits(kLimits);
    server.set_peer_limits(kLimits);
  }

  void transfer(StreamSet& from, StreamSet& to, std::array<Slot, kDelay>& ring, std::size_t& next, bool lossy) {
    Slot& slot = ring[next++ % kDelay];
    for (std::size_t i = 0; i < slot.frame_count; ++i)
      slot.lost ? from.on_frame_lost(slot.frames[i]) : from.on_frame_acked(slot.frames[i]);
    std::array<std::uint8_t, 1200> area;
    PacketPayload payload(area);
    if (from.write_control_frames(payload, now) == WriteResult::kDone) (void)from.write_stream_frames(payload, now);
    slot.size = testing_frames::flatten(payload, slot.octets);
    slot.frame_count = payload.frames().size();
    std::copy(payload.frames().begin(), payload.frames().end(), slot.frames.begin());
    slot.lost = lossy && next % 17 == 0;
    if (!slot.lost) HAWSER_CHECK(testing_frames::deliver({slot.octets.data(), slot.size}, to).has_value());
    drain(to);
    now += 20us;
  }

  void drain(StreamSet& set) {
    while (const auto event = set.next_event()) {
      if ((event->what & kStreamClosed) != 0) continue;
      if ((event->what & kStreamOpened) != 0 && event->id.is_bidirectional()) (void)set.finish(event->id);
      for (;;) {
        std::size_t octets = 0;
        std::array<Bytes, 16> pieces;
        for (const Bytes piece : set.readable(event->id, pieces)) octets += piece.size();
        if (octets == 0) break;
        received += octets;
        set.consume(event->id, octets);
      }
    }
    set.end_batch();
  }

  void step(bool lossy) {
    transfer(client, server, to_server, next_to_server, lossy);
    transfer(server, client, to_client, next_to_client, lossy);
  }

  BufferPools pools;
  StreamSet client;
  StreamSet server;
  std::array<Slot, kDelay> to_server, to_client;
  std::size_t next_to_server = 0, next_to_client = 0;
  std::uint64_t received = 0;
  Timestamp now{};
};

std::size_t allocations_in_bulk(bool lossy, std::uint64_t& received) {
  static std::array<std::uint8_t, 5000> source{};
  Pair pair;
  const StreamId id = *pair.client.open(false);
  std::size_t before = 0;
  for (int packet = 0; packet < 30'000; ++packet) {
    if (packet == 20'000) {
      before = allocations;
      pair.received = 0;
    }
    (void)pair.client.write(id, packet % 2 == 0 ? Bytes{source} : Bytes{source}.first(37));
    pair.step(lossy);
  }
  received = pair.received;
  return allocations - before;
}

TEST(allocation, bulk_over_10000_packets_allocates_nothing) {
  std::uint64_t received = 0;
  EXPECT_EQ(0u, allocations_in_bulk(false, received));
  EXPECT_GT(received, 10'000'000u);
}

TEST(allocation, bulk_with_losses_allocates_nothing) {
  std::uint64_t received = 0;
  EXPECT_EQ(0u, allocations_in_bulk(true, received));
  EXPECT_GT(received, 8'000'000u);
}

TEST(allocation, streams_that_come_and_go_allocate_nothing) {
  static std::array<std::uint8_t, 900> source{};
  Pair pair;
  std::size_t before = 0;
  std::size_t opened = 0;
  for (int packet = 0; packet < 30'000; ++packet) {
    if (packet == 20'000) {
      before = allocations;
      opened = 0;
    }
    if (const auto id = pair.client.open(true)) {
      ++opened;
      (void)pair.client.write(*id, Bytes{source});
      (void)pair.client.finish(*id);
    }
    pair.step(packet % 3 == 0);
  }
  EXPECT_EQ(before, allocations);
  EXPECT_GT(opened, 5'000u);
}

}  // namespace
}  // namespace hawser::quic
