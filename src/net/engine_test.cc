// Goal: every engine keeps the contract of engine.h: it wakes for datagrams, for room, for other
// threads and for time, and sends each train through the right socket. Method: each test with every
// engine that this machine and this build have: those over sockets on loopback, all of them between
// two namespaces joined by a veth pair, where that is allowed.
#include "net/engine.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <stdexcept>
#include <thread>
#include <vector>

#include "net/af_xdp/testing_veth.h"
#include "net/make_engine.h"

namespace hawser::net {
namespace {

// One end of what engines talk over: addresses of its own, in its own namespace or in ours.
struct End {
  const NameSpace* place = nullptr;
  std::string_view v4 = "127.0.0.1:0";
  std::string_view v6 = "[::1]:0";

  template <class Work>
  auto in(Work&& work) const {
    return place == nullptr ? work() : place->in(work);
  }
  [[nodiscard]] SocketId open(Engine& engine, std::string_view address) const {
    auto socket = in([&] { return engine.open({.local = *parse_address(address)}); });
    if (!socket) throw std::runtime_error(socket.error().message);
    return *socket;
  }
  [[nodiscard]] SocketAddress bind(Engine& engine) const { return engine.local_address(open(engine, v4)); }
  [[nodiscard]] SocketAddress bind_v6(Engine& engine) const { return engine.local_address(open(engine, v6)); }
};

struct Ground {
  EngineKind kind;
  bool veth = false;
};

class NetEngine : public testing::TestWithParam<Ground> {
 protected:
  void SetUp() override {
    if (GetParam().veth) {
      if (const std::string reason = Veth::why_not(); !reason.empty()) GTEST_SKIP() << reason;
      veth_.emplace();
      here_ = {.place = &veth_->a, .v4 = "10.9.0.1:0", .v6 = "[fd00:9::1]:0"};
      there_ = {.place = &veth_->b, .v4 = "10.9.0.2:0", .v6 = "[fd00:9::2]:0"};
      get_acquainted();
    }
    const auto reason = here_.in([] { return why_not(GetParam().kind, {}); });
    if (reason) GTEST_SKIP() << reason->message;
  }
  [[nodiscard]] std::unique_ptr<Engine> make(EngineOptions options = {}) const {
    return make_at(here_, GetParam().kind, options);
  }
  [[nodiscard]] std::unique_ptr<Engine> make_peer() const { return make_at(there_, GetParam().kind); }

  End here_;
  End there_;

 private:
  // So that no kernel has to ask for the other's station first, for which datagrams wait or are lost.
  void get_acquainted() const {
    for (const bool v6 : {false, true}) {
      auto a = make_at(here_, EngineKind::kEpoll);
      auto b = make_at(there_, EngineKind::kEpoll);
      const FourTuple way{v6 ? here_.bind_v6(*a) : here_.bind(*a), v6 ? there_.bind_v6(*b) : there_.bind(*b)};
      greet(*a, way, *b);
      greet(*b, {way.remote, way.local}, *a);
    }
  }
  static void greet(Engine& from, const FourTuple& way, Engine& to);
  static std::unique_ptr<Engine> make_at(const End& end, EngineKind kind, EngineOptions options = {}) {
    options.kind = kind;
    auto engine = end.in([&] { return make_engine(options); });
    if (!engine) throw std::runtime_error(engine.error().message);
    return std::move(*engine);
  }

  std::optional<Veth> veth_;
};

INSTANTIATE_TEST_SUITE_P(each, NetEngine,
                         testing::Values(Ground{EngineKind::kEpoll}, Ground{EngineKind::kIoUring},
                                         Ground{EngineKind::kEpoll, true}, Ground{EngineKind::kIoUring, true},
                                         Ground{EngineKind::kAfXdp, true}),
                         [](const auto& test) {
                           return std::string(to_string(test.param.kind)) + (test.param.veth ? "_over_veth" : "");
                         });

// Fills a lent train with `size` octets of `value`.
void fill(TransmitTrain& train, std::uint8_t value, std::size_t size, std::size_t segment_size,
          const FourTuple& tuple) {
  std::memset(train.buffer.data(), value, size);
  train.size = size;
  train.segment_size = segment_size;
  train.tuple = tuple;
  train.ecn = Ecn::kNotEct;
}

// Polls and reads until `octets` have come; returns how many octets of each value.
std::array<std::size_t, 256> receive_values(Engine& engine, std::size_t octets) {
  std::array<std::size_t, 256> values{};
  std::size_t sum = 0;
  std::array<ReceivedTrain, 8> trains;
  while (sum < octets) {
    const std::size_t count = engine.receive(trains);
    if (count == 0 && !engine.poll(5s).readable) break;
    for (const ReceivedTrain& train : std::span(trains).first(count)) {
      for (const std::uint8_t octet : train.bytes) ++values[octet];
      sum += train.bytes.size();
    }
  }
  return values;
}

void NetEngine::greet(Engine& from, const FourTuple& way, Engine& to) {
  std::array<TransmitTrain, 1> trains;
  from.lend(trains);
  fill(trains[0], 1, 100, 100, way);
  if (from.send(trains) != 1 || receive_values(to, 100)[1] != 100) throw std::runtime_error("the veth pair is dead");
}

TEST_P(NetEngine, passes_trains_between_two_engines) {
  auto a = make();
  auto b = make_peer();
  const SocketAddress from = here_.bind(*a);
  const SocketAddress to = there_.bind(*b);
  std::array<TransmitTrain, 4> trains;
  ASSERT_EQ(a->lend(trains), 4u);
  for (std::uint8_t i = 0; i < 4; ++i) fill(trains[i], i, 40'000, 1'350, {from, to});
  ASSERT_EQ(a->send(trains), trains.size());
  const auto values = receive_values(*b, 160'000);
  for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ(values[i], 40'000u);
  EXPECT_EQ(b->counters().octets_received, 160'000u);
  EXPECT_EQ(a->counters().octets_sent, 160'000u);
}

TEST_P(NetEngine, local_address_chooses_the_socket) {
  auto engine = make();
  auto peer = make_peer();
  const SocketAddress first = here_.bind(*engine);
  const SocketAddress second = here_.bind(*engine);
  const SocketAddress sixth = here_.bind_v6(*engine);
  const SocketAddress to_v4 = there_.bind(*peer);
  const SocketAddress to_v6 = there_.bind_v6(*peer);
  std::array<TransmitTrain, 4> trains;
  ASSERT_EQ(engine->lend(trains), 4u);
  fill(trains[0], 1, 100, 100, {second, to_v4});
  fill(trains[1], 2, 100, 100, {sixth, to_v6});
  fill(trains[2], 3, 100, 100, {first, to_v4});
  fill(trains[3], 4, 100, 100, {{}, to_v6});  // the driver's choice
  ASSERT_EQ(engine->send(trains), trains.size());

  std::array<SocketAddress, 5> sources;
  std::array<ReceivedTrain, 8> received;
  for (std::size_t seen = 0; seen < 4;) {
    const std::size_t count = peer->receive(received);
    if (count == 0) {
      ASSERT_TRUE(peer->poll(5s).readable);
    }
    for (const ReceivedTrain& train : std::span(received).first(count)) {
      for (std::size_t at = 0; at < train.bytes.size(); at += train.segment_size, ++seen)
        sources[train.bytes[at]] = train.tuple.remote;
    }
  }
  EXPECT_EQ(sources[1], second);
  EXPECT_EQ(sources[2], sixth);
  EXPECT_EQ(sources[3], first);
  EXPECT_EQ(sources[4], sixth);
}

TEST_P(NetEngine, train_without_a_socket_is_dropped_and_counted) {
  auto engine = make();
  const SocketId socket = here_.open(*engine, here_.v4);
  const SocketAddress local = engine->local_address(socket);
  engine->close(socket);
  std::array<TransmitTrain, 1> trains;
  ASSERT_EQ(engine->lend(trains), 1u);
  fill(trains[0], 1, 2'500, 1'000, {local, ipv4_address({127, 0, 0, 1}, 9)});
  EXPECT_EQ(engine->send(trains), 1u);
  EXPECT_EQ(engine->counters().send_unreachable, 3u);
}

TEST_P(NetEngine, sleeps_no_shorter_than_asked) {
  for (const bool precise : {true, false}) {
    auto engine = make({.epoll = {.precise_timeout = precise}});
    for (const Duration timeout : {Duration{300us}, Duration{0ns}, Duration{5ms}}) {
      Duration slept{0};
      // The ends of earlier tests' rings are signals, and each may end a sleep.
      for (int attempt = 0; attempt < 1'000 && slept < timeout; ++attempt) {
        const auto before = std::chrono::steady_clock::now();
        const PollResult result = engine->poll(timeout);
        slept = std::chrono::steady_clock::now() - before;
        EXPECT_FALSE(result.readable || result.writable || result.woken);
      }
      EXPECT_GE(slept, timeout);
    }
  }
}

TEST_P(NetEngine, another_thread_wakes_an_endless_sleep) {
  for (const bool precise : {true, false}) {
    auto engine = make({.epoll = {.precise_timeout = precise}});
    std::atomic<int> round = 0;
    std::thread waker([&] {
      for (int i = 1; i <= 100; ++i) {
        round.store(i, std::memory_order_relaxed);
        engine->wake();
        engine->wake();
        while (round.load(std::memory_order_relaxed) == i) std::this_thread::yield();
      }
    });
    for (int i = 1; i <= 100; ++i) {
      do {
        while (!engine->poll(Duration{-1}).woken) {
        }
      } while (round.load(std::memory_order_relaxed) != i);
      round.store(-i, std::memory_order_relaxed);
    }
    waker.join();
  }
}

TEST_P(NetEngine, wake_before_poll_is_not_lost) {
  auto engine = make();
  engine->wake();
  EXPECT_TRUE(engine->poll(5s).woken);
  EXPECT_FALSE(engine->poll(0ns).woken);
}

// Takes one message a call, and none on every other call, as a full socket buffer would.
unsigned narrow_calls = 0;
int narrow_kernel(int fd, mmsghdr* messages, unsigned count, int flags) {
  if (++narrow_calls % 2 == 0) {
    errno = EAGAIN;
    return -1;
  }
  return sendmmsg(fd, messages, std::min(count, 1u), flags);
}

TEST_P(NetEngine, says_writable_after_a_send_that_fell_short) {
  narrow_calls = 0;
  // Four trains of 25 datagrams are more than these frames, where they do not pass the kernel; how
  // soon those come back is the interface's business.
  auto engine = make({.af_xdp = {.frames = kXdpFramesMin}});
  auto peer = make_peer();
  auto socket =
      here_.in([&] { return engine->open({.local = *parse_address(here_.v4), .send_call = &narrow_kernel}); });
  ASSERT_TRUE(socket);
  const SocketAddress from = engine->local_address(*socket);
  const SocketAddress to = there_.bind(*peer);
  EXPECT_FALSE(engine->poll(0ns).writable);
  std::array<TransmitTrain, 4> trains;
  ASSERT_EQ(engine->lend(trains), 4u);
  for (TransmitTrain& train : trains) fill(train, 7, 30'000, 1'200, {from, to});
  std::span<TransmitTrain> rest = trains;
  std::size_t rounds = 0;
  while (true) {
    rest = rest.subspan(engine->send(rest));
    if (rest.empty()) break;
    ++rounds;
    ASSERT_TRUE(engine->poll(5s).writable);
  }
  if (GetParam().kind != EngineKind::kAfXdp) {
    EXPECT_EQ(rounds, 3u);
    EXPECT_EQ(engine->counters().send_blocked, 3u);
  }
  EXPECT_FALSE(engine->poll(0ns).writable);
  EXPECT_EQ(receive_values(*peer, 120'000)[7], 120'000u);
}

TEST_P(NetEngine, opens_no_more_than_the_limit) {
  auto engine = make();
  for (std::size_t i = 0; i < kSocketsMax; ++i) here_.open(*engine, here_.v4);
  EXPECT_FALSE(here_.in([&] { return engine->open({.local = *parse_address(here_.v4)}); }));
  engine->close(SocketId{3});
  EXPECT_EQ(here_.open(*engine, here_.v4), SocketId{3});
}

TEST_P(NetEngine, reads_every_socket_though_one_has_more_than_fits) {
  auto engine = make({.epoll = {.receive_slots = 2}, .io_uring = {.receive_slots = 2}});
  auto peer = make_peer();
  const SocketAddress busy = here_.bind(*engine);
  const SocketAddress quiet = here_.bind(*engine);
  const SocketAddress from = there_.bind(*peer);
  std::array<TransmitTrain, 8> trains;
  ASSERT_EQ(peer->lend(trains), 8u);
  for (std::size_t i = 0; i < 8; ++i) fill(trains[i], i == 7 ? 2 : 1, 1'000, 1'000, {from, i == 7 ? quiet : busy});
  ASSERT_EQ(peer->send(trains), trains.size());
  const auto values = receive_values(*engine, 8'000);
  EXPECT_EQ(values[1], 7'000u);
  EXPECT_EQ(values[2], 1'000u);
}

// A connection over several paths has a socket for each, and reads its data in order only together.
TEST_P(NetEngine, what_waits_on_two_sockets_comes_in_one_batch) {
  if (GetParam().kind != EngineKind::kEpoll) GTEST_SKIP() << "another engine reads as it comes";
  auto engine = make({.epoll = {.receive_slots = 6}});
  auto peer = make_peer();
  const std::array<SocketAddress, 2> to = {here_.bind(*engine), here_.bind(*engine)};
  const SocketAddress from = there_.bind(*peer);
  std::array<TransmitTrain, 12> trains;
  ASSERT_EQ(peer->lend(trains), trains.size());
  for (std::size_t i = 0; i < trains.size(); ++i) fill(trains[i], 1, 1'000, 1'000, {from, to[i / 8]});
  ASSERT_EQ(peer->send(trains), trains.size());
  while (!engine->poll(1s).readable) {
  }
  std::array<ReceivedTrain, 32> received;
  std::array<std::size_t, 2> octets{};
  while (octets[0] + octets[1] < 6'000) {
    const std::size_t count = engine->receive(received);
    ASSERT_LE(count, 6u) << "more than there are slots";
    std::array<std::size_t, 2> now{};
    for (const ReceivedTrain& train : std::span(received).first(count))
      now[train.tuple.local == to[1]] += train.bytes.size();
    if (octets[0] + octets[1] == 0) EXPECT_TRUE(now[0] >= 3'000 && now[1] >= 3'000) << now[0] << ", " << now[1];
    octets[0] += now[0];
    octets[1] += now[1];
  }
}

}  // namespace
}  // namespace hawser::net
