// idle_allocation_test.cc: goal: an HTTP/3 connection on which nothing moves takes little of the
// server's heap. Method: many connections between two endpoints in memory, left alone until they
// rest; the heap is counted. `connection_heap --sites 40` (bench/memory) names who took it.
#include <gtest/gtest.h>

#include "counted_heap.h"
#include "idle_connections.h"

namespace hawser::quic {
namespace {

// 5,838 octets in 13.7 blocks, whose headers and rounding, with the tables of 100,000
// connections, make 6.9 KB resident: 8 KB are the bar.
constexpr std::int64_t kOctetsMax = 6'300;
constexpr std::int64_t kBlocksMax = 16;

TEST(alloc, an_idle_connection_takes_six_kilobytes_of_the_server) {
  constexpr std::int64_t kConnections = 256;
  IdleConnections idle;
  idle.open(64);  // tables and pools take their share before counting
  const heap::Account before = idle.server_heap();
  idle.open(kConnections);
  idle.pass(5s);
  const heap::Account& now = idle.server_heap();
  EXPECT_GT(now.octets - before.octets, kConnections * 1'000);
  EXPECT_LE(static_cast<std::int64_t>(now.octets - before.octets), kConnections * kOctetsMax);
  EXPECT_LE(static_cast<std::int64_t>(now.blocks - before.blocks), kConnections * kBlocksMax);
}

}  // namespace
}  // namespace hawser::quic
