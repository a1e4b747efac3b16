// Goal: a worker reads whatever else it finds to do: while it always has more to send, and while another socket always
// gives something. Method: protocols on loopback that never come to an end, and a peer who waits for an echo; with
// every engine that this machine and this build have.
#include "runtime/testing_worker.h"

namespace hawser::runtime {
namespace {

class BusyWorker : public WorkerWith {};

INSTANTIATE_TEST_SUITE_P(engine, BusyWorker, testing::Values(net::EngineKind::kEpoll, net::EngineKind::kIoUring),
                         [](const auto& test) { return std::string(net::to_string(test.param)); });

// Echoes, and always has more to send than a round lets it: full batches of small datagrams to `sink`.
class Talker final : public Echo {
 public:
  Talker(Worker& worker, Observed& observed, const SocketAddress& sink) : Echo(worker, observed), sink_(sink) {}
  std::size_t next_transmits(Timestamp now, std::span<TransmitTrain> trains) override {
    std::size_t count = Echo::next_transmits(now, trains);
    for (; count < trains.size() && !closed_; ++count) {
      TransmitTrain& train = trains[count];
      train.size = train.segment_size = 1;
      train.buffer[0] = 0;
      train.tuple = {.local = {}, .remote = sink_};
      train.ecn = Ecn::kNotEct;
    }
    return count;
  }
  void close(Timestamp) override { closed_ = true; }
  [[nodiscard]] bool idle() const override { return true; }

 private:
  bool closed_ = false;
  SocketAddress sink_;
};

TEST_P(BusyWorker, reads_while_it_always_has_more_to_send) {
  Observed observed;
  auto worker = start_worker();
  Peer nobody;  // whose buffer overflows
  const SocketAddress server = **worker->call(
      [&](Worker& w) { return w.bind(w.attach(std::make_unique<Talker>(w, observed, nobody.address())), loopback()); });
  Peer peer;
  const std::vector<std::uint8_t> octets(100, 7);
  for (int i = 0; i < 3; ++i) {
    // By now a read has come back empty.
    const std::uint64_t rounds = worker->stats().rounds;
    wait_until([&] { return worker->stats().rounds > rounds + 3; });
    peer.send(server, octets, 100);
    ASSERT_EQ(peer.receive(100), octets) << i;
  }
}

constexpr std::size_t kBalls = 96;  // three times what a read takes

// Sends each datagram back where it came from, which is its own socket. With more of them than one read takes, no read
// comes back short.
class Juggler final : public DatagramProtocol {
 public:
  explicit Juggler(Observed& observed) : observed_(observed) {}
  void on_datagrams(std::span<ReceivedTrain> batch, Timestamp) override {
    for (const ReceivedTrain& train : batch) {
      ++observed_.datagrams;
      pending_.push_back(train.tuple);
    }
  }
  void on_timeout(Timestamp) override {}
  std::size_t next_transmits(Timestamp, std::span<TransmitTrain> trains) override {
    std::size_t count = 0;
    for (; count < trains.size() && !pending_.empty(); ++count) {
      TransmitTrain& train = trains[count];
      train.size = train.segment_size = 1;
      train.buffer[0] = 0;
      train.tuple = pending_.back();
      train.ecn = Ecn::kNotEct;
      pending_.pop_back();
    }
    return count;
  }
  [[nodiscard]] std::optional<Timestamp> next_timeout() const override { return {}; }
  void close(Timestamp) override {}
  [[nodiscard]] bool idle() const override { return true; }

 private:
  Observed& observed_;
  std::vector<FourTuple> pending_;
};

TEST_P(BusyWorker, a_socket_that_always_has_something_does_not_hide_the_other) {
  Observed busy;
  Observed quiet;
  auto worker = start_worker();
  const SocketAddress to_busy =
      **worker->call([&](Worker& w) { return w.bind(w.attach(std::make_unique<Juggler>(busy)), loopback()); });
  const SocketAddress to_quiet = start_echo(*worker, quiet);
  worker->call([&](Worker& w) {
    for (std::size_t thrown = 0; thrown < kBalls;) {
      std::array<TransmitTrain, 16> trains;
      const std::size_t count = w.engine().lend(trains);
      for (std::size_t i = 0; i < count; ++i) {
        trains[i].size = trains[i].segment_size = 1;
        trains[i].buffer[0] = 0;
        trains[i].tuple = {.local = to_busy, .remote = to_busy};
        trains[i].ecn = Ecn::kNotEct;
      }
      thrown += w.engine().send(std::span(trains).first(count));
    }
    return true;
  });
  wait_until([&] { return busy.datagrams > 1'000; });
  Peer peer;
  const std::vector<std::uint8_t> octets(100, 7);
  for (int i = 0; i < 3; ++i) {
    peer.send(to_quiet, octets, 100);
    ASSERT_EQ(peer.receive(100), octets) << i;
    const std::uint64_t now = busy.datagrams;
    wait_until([&] { return busy.datagrams > now + 1'000; });
  }
}

}  // namespace
}  // namespace hawser::runtime
