// handshake_allocation_test.cc: goal: a new connection takes few blocks from the heap on the
// server's side, TLS and all, and gives all of them back. Method: connections one after the
// other between two endpoints in memory; operator new and OpenSSL's allocations are counted.
#include <gtest/gtest.h>

#include "counted_heap.h"
#include "memory_handshakes.h"

namespace hawser::quic {
namespace {

// 371 and 355 with OpenSSL 3.5.7, and a tenth for other releases of it: most are OpenSSL's.
constexpr std::int64_t kMaxForFull = 410;
constexpr std::int64_t kMaxForResumed = 390;

constexpr int kWarmUp = 5;
constexpr int kConnections = 20;

heap::Account account;

std::int64_t allocations_so_far() {
  return static_cast<std::int64_t>(account.allocations);
}

std::int64_t allocations_of_server(const HandshakeOptions& options) {
  Handshakes handshakes(options);
  for (int i = 0; i < kWarmUp; ++i) handshakes.run_one();
  account = {};
  const heap::Charge charge(account);
  handshakes.set_meter(&allocations_so_far);
  for (int i = 0; i < kConnections; ++i) handshakes.run_one();
  return handshakes.server_spent() / kConnections;
}

TEST(alloc, a_full_handshake_takes_few_blocks_on_the_server) {
  EXPECT_LE(allocations_of_server({.groups = "X25519"}), kMaxForFull);
}

TEST(alloc, a_resumed_handshake_takes_few_blocks_on_the_server) {
  EXPECT_LE(allocations_of_server({.groups = "X25519", .resume = true}), kMaxForResumed);
}

TEST(alloc, connections_that_are_gone_hold_nothing) {
  Handshakes handshakes({.groups = "X25519"});
  for (int i = 0; i < kWarmUp; ++i) handshakes.run_one();
  account = {};
  const heap::Charge charge(account);
  for (int i = 0; i < kConnections; ++i) handshakes.run_one();
  EXPECT_EQ(account.blocks, 0);
  EXPECT_EQ(account.octets, 0);
}

}  // namespace
}  // namespace hawser::quic
