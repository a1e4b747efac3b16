// request_allocation_test.cc: goal: small HTTP/3 requests in steady state allocate nothing, from
// the datagram through QPACK and the file that is kept to the acknowledgement, on both sides.
// Method: `hawser load` and the server of `hawser serve` joined in memory; the heap is counted.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <time.h>
#include <unistd.h>

#include <bit>

#include "../http/memory_http.h"
#include "counted_heap.h"
#include "http/access_log.h"
#include "http/static_files.h"
#include "quic/recovery/ack_tracker.h"

namespace hawser::load {
namespace {

constexpr std::uint64_t kRequests = 10'000;
constexpr int kRuns = 20;
constexpr std::size_t kConnections = 4;
// Each side of a connection keeps the gaps among received packets and among acknowledged ones in arrays
// that double when they have to, AckTracker's up to its limit. That may happen late, for peers skip
// packet numbers at random. Nothing else may allocate in 200,000 requests over 200 streams.
constexpr std::size_t kStreams = 50;
constexpr std::uint64_t kGrowthsMax = 2 * 2 * kConnections * std::bit_width(quic::kMaxAckRanges);
// Of wall-clock time, each of which has its own date: two lots of octets take turns.
constexpr std::int64_t kWarmUpSeconds = 3;

std::uint64_t allocations_of_requests(http::AccessLog* log) {
  // A file that was not made just now, or it would not be kept.
  http::StaticFiles files = http::StaticFiles::create({.root = HAWSER_SERVED_FOLDER, .server_name = "hawser"}).value();
  LoadArguments arguments;
  arguments.urls = {"https://localhost/CMakeLists.txt"};
  arguments.streams = kStreams;
  arguments.connections = kConnections;
  arguments.requests = kConnections;
  const LoadOptions options = read_load_options(std::move(arguments)).value();
  MemoryHttp http(options, files, log);
  for (std::size_t i = 0; i < kConnections; ++i) http.add_connection({});
  const auto run_requests = [&](std::uint64_t count) {
    const std::uint64_t end = http.progress.requests_done.value() + count;
    return http.run([&] { return http.progress.requests_done.value() >= end; });
  };
  EXPECT_TRUE(http.run([&] { return http.progress.connections_ready.value() == kConnections; }));
  http.start({.begin = http.now, .measure_from = http.now}, 0);
  for (const std::int64_t begin = ::time(nullptr); ::time(nullptr) < begin + kWarmUpSeconds;)
    EXPECT_TRUE(run_requests(kRequests));
  heap::Account account;
  for (int i = 0; i < kRuns; ++i) {
    const heap::Charge charge(account);
    EXPECT_TRUE(run_requests(kRequests));
  }
  EXPECT_EQ(http.stats.requests_failed(), 0u);
  return account.allocations;
}

TEST(alloc, requests_allocate_nothing_on_either_side_but_room_for_gaps) {
  EXPECT_LE(allocations_of_requests(nullptr), kGrowthsMax);
}

TEST(alloc, an_access_log_allocates_nothing_either) {
  const int fd = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
  http::AccessLog log(fd);
  EXPECT_LE(allocations_of_requests(&log), kGrowthsMax);
  log.flush();
  ::close(fd);
}

}  // namespace
}  // namespace hawser::load
