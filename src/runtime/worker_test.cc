// Goal: workers move batches between sockets and protocols, keep time, take letters from
// other threads, get the datagrams that are theirs by every way there is, and end cleanly. Method: small
// sans-I/O protocols on loopback, without QUIC; a worker by itself with every engine that this
// machine and this build have.
#include "runtime/worker.h"

#include <gtest/gtest.h>
#include <sched.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <set>
#include <thread>

#include "runtime/clock.h"
#include "runtime/runtime.h"
#include "runtime/testing_worker.h"

namespace hawser::runtime {
namespace {

// Counts timeouts that it asks for one after the other.
class Ticker final : public DatagramProtocol {
 public:
  Ticker(Observed& observed, Timestamp first, Duration interval)
      : observed_(observed), next_(first), interval_(interval) {}
  void on_datagrams(std::span<ReceivedTrain>, Timestamp) override {}
  void on_timeout(Timestamp now) override {
    if (now < next_ || current_time() < next_) observed_.early_timeout = true;
    next_ = now + interval_;
    ++observed_.timeouts;
  }
  std::size_t next_transmits(Timestamp, std::span<TransmitTrain>) override { return 0; }
  [[nodiscard]] std::optional<Timestamp> next_timeout() const override { return next_; }
  void close(Timestamp) override { observed_.closed = true; }
  [[nodiscard]] bool idle() const override { return false; }

 private:
  Observed& observed_;
  Timestamp next_;
  Duration interval_;
};

// Is due at once, and again, and again.
class Hasty final : public DatagramProtocol {
 public:
  explicit Hasty(Observed& observed) : observed_(observed) {}
  void on_datagrams(std::span<ReceivedTrain>, Timestamp) override {}
  void on_timeout(Timestamp) override { ++observed_.timeouts; }
  std::size_t next_transmits(Timestamp, std::span<TransmitTrain>) override { return 0; }
  [[nodiscard]] std::optional<Timestamp> next_timeout() const override { return Timestamp::min(); }
  void close(Timestamp) override { observed_.closed = true; }
  [[nodiscard]] bool idle() const override { return observed_.closed; }

 private:
  Observed& observed_;
};

INSTANTIATE_TEST_SUITE_P(engine, WorkerWith, testing::Values(net::EngineKind::kEpoll, net::EngineKind::kIoUring),
                         [](const auto& test) { return std::string(net::to_string(test.param)); });

TEST_P(WorkerWith, echoes_trains_through_a_protocol) {
  Observed observed;
  auto worker = start_worker();
  const SocketAddress server = start_echo(*worker, observed);
  Peer peer;
  std::vector<std::uint8_t> octets(10 * 1'200 + 7);
  SeededRandom{1}.fill(octets);
  for (int i = 0; i < 20; ++i) {
    peer.send(server, octets, 1'200);
    EXPECT_EQ(peer.receive(octets.size()), octets);
  }
  EXPECT_EQ(observed.datagrams, 220u);
  const WorkerStats stats = worker->stats();
  EXPECT_EQ(stats.udp.datagrams_received, 220u);
  EXPECT_EQ(stats.udp.datagrams_sent, 220u);
  EXPECT_GT(stats.cpu_time, Duration::zero());
}

// Takes one message a call and none on every other one, as a full socket buffer would.
std::atomic<unsigned> narrow_calls{0};
int narrow_kernel(int fd, mmsghdr* messages, unsigned, int flags) {
  if (++narrow_calls % 2 == 0) {
    errno = EAGAIN;
    return -1;
  }
  return sendmmsg(fd, messages, 1, flags);
}

TEST_P(WorkerWith, keeps_what_a_full_socket_refused_and_sends_it_in_order) {
  Observed observed;
  auto worker = start_worker();
  const SocketAddress server = **worker->call([&](Worker& w) {
    net::UdpOptions options = loopback();
    options.gso = false;  // every datagram is a message, so that trains are cut, too
    options.send_call = &narrow_kernel;
    return w.bind(w.attach(std::make_unique<Echo>(w, observed)), options);
  });
  Peer peer;
  std::vector<std::uint8_t> octets(40 * 1'000);
  SeededRandom{3}.fill(octets);
  peer.send(server, octets, 1'000);
  peer.send(server, octets, 1'000);
  std::vector<std::uint8_t> expected = octets;
  expected.insert(expected.end(), octets.begin(), octets.end());
  EXPECT_EQ(peer.receive(80'000), expected);
  EXPECT_GE(worker->stats().udp.send_blocked, 79u);
}

TEST_P(WorkerWith, two_protocols_share_a_worker) {
  Observed first;
  Observed second;
  auto worker = start_worker();
  const SocketAddress to_first = start_echo(*worker, first);
  const SocketAddress to_second = start_echo(*worker, second);
  Peer peer;
  const std::vector<std::uint8_t> octets(100, 3);
  peer.send(to_first, octets, 100);
  peer.send(to_second, octets, 50);
  EXPECT_EQ(peer.receive(200).size(), 200u);
  EXPECT_EQ(first.datagrams, 1u);
  EXPECT_EQ(second.datagrams, 2u);
}

TEST_P(WorkerWith, detached_protocol_closes_its_socket) {
  Observed observed;
  auto worker = start_worker();
  const SocketAddress address = **worker->call([&](Worker& w) {
    DatagramProtocol& echo = w.attach(std::make_unique<Echo>(w, observed));
    auto bound = w.bind(echo, loopback());
    w.detach(echo);
    return bound;
  });
  EXPECT_TRUE(observed.destroyed_on_worker);
  EXPECT_TRUE(net::UdpSocket::open({.local = address}));
}

TEST_P(WorkerWith, timeouts_come_in_time_and_never_early) {
  Observed observed;
  auto worker = start_worker();
  worker->post([&](Worker& w) { w.attach(std::make_unique<Ticker>(observed, current_time() + 200us, 200us)); });
  wait_until([&] { return observed.timeouts >= 100; });
  EXPECT_FALSE(observed.early_timeout);
  worker->stop();
  worker->join();
  EXPECT_TRUE(observed.closed);
}

TEST_P(WorkerWith, what_is_due_at_once_is_not_slept_over) {
  Observed observed;
  auto worker = start_worker();
  worker->post([&](Worker& w) { w.attach(std::make_unique<Hasty>(observed)); });
  wait_until([&] { return observed.timeouts >= 100; });
  EXPECT_GE(observed.timeouts, 100);
  worker->stop();
  worker->join();
}

TEST_P(WorkerWith, spinning_worker_keeps_the_same_promises) {
  Observed observed;
  auto worker = start_worker({.spin = 100us});
  const SocketAddress server = start_echo(*worker, observed);
  Peer peer;
  const std::vector<std::uint8_t> octets(2'000, 9);
  for (int i = 0; i < 20; ++i) {
    peer.send(server, octets, 1'000);
    EXPECT_EQ(peer.receive(2'000), octets);
  }
}

TEST_P(WorkerWith, tasks_of_one_thread_run_in_order) {
  auto worker = start_worker();
  std::vector<int> order;  // touched by the worker's thread only, until join()
  for (int i = 0; i < 1'000; ++i) EXPECT_TRUE(worker->post([&order, i](Worker&) { order.push_back(i); }));
  EXPECT_EQ(worker->call([](Worker& w) { return w.on_this_thread(); }), true);
  worker->stop();
  worker->join();
  ASSERT_EQ(order.size(), 1'000u);
  for (int i = 0; i < 1'000; ++i) EXPECT_EQ(order[i], i);
}

TEST_P(WorkerWith, tasks_of_many_threads_all_run) {
  auto worker = start_worker();
  std::uint64_t sum = 0;  // the worker's
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 1'000; ++i) worker->post([&sum](Worker&) { ++sum; });
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(worker->call([&](Worker&) { return sum; }), 4'000u);
}

TEST_P(WorkerWith, ended_worker_refuses_work_and_keeps_its_accounts) {
  auto worker = start_worker();
  worker->call([](Worker&) { return 0; });
  worker->stop();
  worker->join();
  EXPECT_FALSE(worker->post([](Worker&) {}));
  EXPECT_EQ(worker->call([](Worker&) { return 1; }), std::nullopt);
  EXPECT_GE(worker->stats().tasks, 1u);
  EXPECT_GT(worker->cpu_time(), Duration::zero());
}

TEST_P(WorkerWith, call_during_the_end_comes_back) {
  for (int i = 0; i < 50; ++i) {
    auto worker = start_worker();
    std::thread other([&] { worker->call([](Worker&) { return 1; }); });
    worker->stop();
    other.join();
    (void)worker->stats();
  }
}

TEST_P(WorkerWith, says_goodbye_before_it_ends) {
  Observed observed;
  auto worker = start_worker();
  const SocketAddress server = start_echo(*worker, observed);
  Peer peer;
  const std::vector<std::uint8_t> octets(10, 1);
  peer.send(server, octets, 10);
  EXPECT_EQ(peer.receive(10), octets);
  worker->stop();
  const auto bye = peer.receive(3);
  EXPECT_EQ(as_text(bye), "bye");
  worker->join();
  EXPECT_TRUE(observed.closed);
  EXPECT_TRUE(observed.destroyed_on_worker);
  EXPECT_TRUE(net::UdpSocket::open({.local = server}));
}

TEST_P(WorkerWith, drains_no_longer_than_asked_when_a_protocol_stays_busy) {
  Observed observed;
  auto worker = start_worker({.drain = 20ms});
  worker->call([&](Worker& w) {
    w.attach(std::make_unique<Ticker>(observed, current_time() + 1ms, 1ms));
    return 0;
  });
  const std::uint64_t before = observed.timeouts;
  const Timestamp stopped = current_time();
  worker->stop();
  worker->join();
  EXPECT_GE(current_time() - stopped, 20ms);
  EXPECT_GT(observed.timeouts, before);
}

TEST_P(WorkerWith, stays_on_its_cpu_or_says_why_not) {
  cpu_set_t allowed;
  ASSERT_EQ(sched_getaffinity(0, sizeof allowed, &allowed), 0);
  int cpu = 0;
  while (!CPU_ISSET(cpu, &allowed)) ++cpu;
  auto worker = start_worker({.cpu = cpu});
  EXPECT_EQ(worker->call([](Worker&) { return sched_getcpu(); }), cpu);
  const auto refused = Worker::start({.cpu = 100'000}, make_engine());
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("100000"), std::string::npos);
}

// Runtime. ----------------------------------------------------------------------------------------

TEST(runtime, workers_share_a_port_and_all_get_work) {
  std::array<Observed, 4> observed;
  auto runtime = Runtime::create({.workers = 4});
  ASSERT_TRUE(runtime);
  const auto server =
      (*runtime)->listen(loopback(), [&](Worker& w) { return std::make_unique<Echo>(w, observed[w.index()]); });
  ASSERT_TRUE(server) << server.error().message;
  // 64 peers on 4 workers: all of them missing one worker has a chance of 4 * (3/4)^64 = 4e-8.
  for (int i = 0; i < 64; ++i) {
    Peer peer;
    std::vector<std::uint8_t> octets(1'000);
    SeededRandom{static_cast<std::uint64_t>(i)}.fill(octets);
    peer.send(*server, octets, 1'000);
    EXPECT_EQ(peer.receive(1'000), octets);
  }
  for (const Observed& each : observed) EXPECT_GT(each.datagrams, 0u);
  EXPECT_EQ((*runtime)->stats().udp.datagrams_received, 64u);
}

// One of each method that is allowed here.
std::vector<net::SteeringMethod> steering_methods() {
  std::vector<net::SteeringMethod> methods{net::SteeringMethod::kHash};
  for (const auto method : {net::SteeringMethod::kEbpf, net::SteeringMethod::kClassic})
    if (net::SteeringGroup::create({.rule = kCidSteering, .sockets = 1, .method = method})) methods.push_back(method);
  return methods;
}

class RuntimeSteering : public testing::TestWithParam<net::SteeringMethod> {};
INSTANTIATE_TEST_SUITE_P(runtime, RuntimeSteering, testing::ValuesIn(steering_methods()),
                         [](const auto& param) { return std::string(net::to_string(param.param)); });

// rfc9000:21.11-oracle
TEST_P(RuntimeSteering, datagram_reaches_the_worker_that_its_connection_id_names) {
  std::array<Observed, 4> observed;
  auto runtime = Runtime::create({.workers = 4, .steering = GetParam()});
  ASSERT_TRUE(runtime);
  const auto server =
      (*runtime)->listen(loopback(), [&](Worker& w) { return std::make_unique<Echo>(w, observed[w.index()]); });
  ASSERT_TRUE(server);
  EXPECT_EQ((*runtime)->steering(), GetParam());
  for (const unsigned number : {0u, 1u, 2u, 3u, 4u, 255u, 256u, 1'000u, 65'535u}) {
    for (const bool long_header : {false, true}) {
      Peer peer;
      std::vector<std::uint8_t> octets(5'000, long_header ? 0xe0 : 0x40);
      const std::size_t dcid = long_header ? 6 : 1;
      for (std::size_t at = 0; at < octets.size(); at += 1'000) {
        octets[at + dcid] = static_cast<std::uint8_t>(number >> 8);
        octets[at + dcid + 1] = static_cast<std::uint8_t>(number);
      }
      const std::uint64_t before = observed[number % 4].datagrams;
      peer.send(*server, octets, 1'000);
      EXPECT_EQ(peer.receive(5'000), octets);
      EXPECT_EQ(observed[number % 4].datagrams, before + 5) << number;
    }
  }
  const WorkerStats stats = (*runtime)->stats();
  EXPECT_EQ(stats.trains_forwarded, stats.trains_taken_over);
  EXPECT_EQ(stats.trains_forward_dropped, 0u);
  if (GetParam() == net::SteeringMethod::kHash) {
    // Eighteen trains that all land where they belong: a chance of 4^-18.
    EXPECT_GT(stats.trains_forwarded, 0u);
  } else {
    EXPECT_EQ(stats.trains_forwarded, 0u);
  }
}

TEST_P(RuntimeSteering, train_of_several_owners_is_taken_apart) {
  std::array<Observed, 3> observed;
  auto runtime = Runtime::create({.workers = 3, .steering = GetParam()});
  ASSERT_TRUE(runtime);
  const auto server =
      (*runtime)->listen(loopback(), [&](Worker& w) { return std::make_unique<Echo>(w, observed[w.index()]); });
  ASSERT_TRUE(server);
  Peer peer;
  std::vector<std::uint8_t> octets(6 * 500 + 20, 0x40);
  // Owners 0 1 2 0 1 2, and a short last one of worker 1.
  const std::array<std::uint8_t, 7> numbers{0, 1, 2, 0, 1, 200, 4};
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    octets[i * 500 + 1] = 3;  // 3 * 256 leaves nothing
    octets[i * 500 + 2] = numbers[i];
  }
  peer.send(*server, octets, 500);
  EXPECT_EQ(peer.receive(octets.size()).size(), octets.size());
  EXPECT_EQ(observed[0].datagrams, 2u);
  EXPECT_EQ(observed[1].datagrams, 3u);
  EXPECT_EQ(observed[2].datagrams, 2u);
}

TEST(runtime, client_s_own_connection_id_stays_where_the_hash_brought_it) {
  std::array<Observed, 4> observed;
  auto runtime = Runtime::create({.workers = 4, .steering = net::SteeringMethod::kHash});
  ASSERT_TRUE(runtime);
  const auto server =
      (*runtime)->listen(loopback(), [&](Worker& w) { return std::make_unique<Echo>(w, observed[w.index()]); });
  ASSERT_TRUE(server);
  Peer peer;
  for (std::uint8_t number = 0; number < 4; ++number) {
    const std::vector<std::uint8_t> initial(1'200, static_cast<std::uint8_t>(0xc0 | number));
    peer.send(*server, initial, 1'200);
    EXPECT_EQ(peer.receive(1'200), initial);
  }
  EXPECT_EQ(std::ranges::count_if(observed, [](const Observed& each) { return each.datagrams == 4; }), 1);
  EXPECT_EQ((*runtime)->stats().trains_forwarded, 0u);
}

// Knows nobody: shares what it gets.
class Placeless final : public Echo {
 public:
  Placeless(Worker& worker, Observed& observed) : Echo(worker, observed), worker_(worker), observed_(observed) {}
  void on_datagrams(std::span<ReceivedTrain> batch, Timestamp now) override {
    Echo::on_datagrams(batch, now);
    for (ReceivedTrain& train : batch) {
      worker_.share_stray(train);
      std::ranges::fill(train.bytes, std::uint8_t{0});  // others have copies
    }
  }
  void on_stray(const ReceivedTrain& train, Timestamp) override {
    EXPECT_TRUE(worker_.on_this_thread());
    EXPECT_EQ(std::ranges::count(train.bytes, 0x41), 100);
    observed_.stray_octets += train.bytes.size();
  }

 private:
  Worker& worker_;
  Observed& observed_;
};

TEST_P(RuntimeSteering, stray_of_one_worker_is_shown_to_all_others) {
  std::array<Observed, 3> observed;
  auto runtime = Runtime::create({.workers = 3, .steering = GetParam()});
  ASSERT_TRUE(runtime);
  const auto server =
      (*runtime)->listen(loopback(), [&](Worker& w) { return std::make_unique<Placeless>(w, observed[w.index()]); });
  ASSERT_TRUE(server);
  Peer peer;
  const std::vector<std::uint8_t> octets(100, 0x41);
  peer.send(*server, octets, 100);
  EXPECT_EQ(peer.receive(100), octets);
  wait_until(
      [&] { return std::ranges::count_if(observed, [](const Observed& o) { return o.stray_octets != 0; }) == 2; });
  for (const Observed& each : observed) EXPECT_EQ(each.stray_octets, each.datagrams == 0 ? 100u : 0u);
}

TEST(runtime, socket_that_one_worker_has_alone_keeps_its_datagrams) {
  Observed observed;
  auto runtime = Runtime::create({.workers = 2});
  ASSERT_TRUE(runtime);
  const SocketAddress address = start_echo((*runtime)->worker(0), observed);
  Peer peer;
  const std::vector<std::uint8_t> octets(100, 0x41);  // as a stateless reset: the number says nothing
  peer.send(address, octets, 100);
  EXPECT_EQ(peer.receive(100), octets);
  EXPECT_EQ(observed.datagrams, 1u);
  EXPECT_EQ((*runtime)->stats().trains_forwarded, 0u);
}

TEST(runtime, failed_listen_leaves_nothing_behind) {
  Observed observed;
  auto runtime = Runtime::create({.workers = 2});
  ASSERT_TRUE(runtime);
  const auto taken = net::UdpSocket::open(loopback());
  ASSERT_TRUE(taken);
  const auto result = (*runtime)->listen(loopback(taken->local_address().port),
                                         [&](Worker& w) { return std::make_unique<Echo>(w, observed); });
  ASSERT_FALSE(result);
  EXPECT_NE(result.error().message.find(to_string(taken->local_address())), std::string::npos);
  EXPECT_TRUE(observed.destroyed_on_worker);
}

TEST(runtime, refuses_more_workers_than_connection_ids_can_name) {
  EXPECT_FALSE(Runtime::create({.workers = kWorkersMax + 1}));
}

TEST(runtime, clients_are_spread_over_workers) {
  auto runtime = Runtime::create({.workers = 3});
  ASSERT_TRUE(runtime);
  std::set<std::size_t> indices;
  for (int i = 0; i < 3; ++i) indices.insert((*runtime)->next_worker().index());
  EXPECT_EQ(indices.size(), 3u);
}

}  // namespace
}  // namespace hawser::runtime
