// Goal: moving datagrams allocates nothing once sockets are open. Method: this program's
// operator new counts; two engines exchange trains of several shapes.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <new>

#include "net/make_engine.h"

// GCC inlines one of the pair below and then finds free() beside the other's name.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

namespace {
std::atomic<std::uint64_t> allocations{0};
}  // namespace

void* operator new(std::size_t size) {
  ++allocations;
  if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}

namespace hawser::net {
namespace {

class NetAllocation : public testing::TestWithParam<EngineKind> {};

INSTANTIATE_TEST_SUITE_P(each, NetAllocation, testing::Values(EngineKind::kEpoll, EngineKind::kIoUring),
                         [](const auto& test) { return std::string(to_string(test.param)); });

TEST_P(NetAllocation, trains_move_without_allocating) {
  if (const auto reason = why_not(GetParam(), {})) GTEST_SKIP() << reason->message;
  auto sender = make_engine({.kind = GetParam()}).value();
  auto receiver = make_engine({.kind = GetParam()}).value();
  const UdpOptions options{.local = ipv4_address({127, 0, 0, 1}, 0)};
  const SocketAddress from = sender->local_address(sender->open(options).value());
  const SocketAddress to = receiver->local_address(receiver->open(options).value());
  std::array<TransmitTrain, 3> trains;
  std::array<ReceivedTrain, 8> received;
  std::uint64_t octets = 0;
  const std::uint64_t before = allocations;
  for (int round = 0; round < 1'000; ++round) {
    ASSERT_EQ(sender->lend(trains), trains.size());
    for (std::size_t i = 0; i < trains.size(); ++i) {
      trains[i].size = 6'000 * (i + 1);
      trains[i].segment_size = 1'350;
      trains[i].tuple = {from, to};
      trains[i].ecn = Ecn::kEct0;
    }
    ASSERT_EQ(sender->send(trains), trains.size());
    for (std::size_t left = 36'000; left != 0;) {
      const std::size_t count = receiver->receive(received);
      if (count == 0 && !receiver->poll(5s).readable) break;
      for (std::size_t i = 0; i < count; ++i) {
        left -= received[i].bytes.size();
        octets += received[i].bytes.size();
      }
    }
  }
  EXPECT_EQ(allocations - before, 0u);
  EXPECT_EQ(octets, 36'000'000u);
}

}  // namespace
}  // namespace hawser::net
