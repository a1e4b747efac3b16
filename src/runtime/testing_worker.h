// testing_worker.h: a worker by itself on loopback, for tests: a protocol that echoes, a peer without a worker, and
// every engine that this machine and this build have.
#pragma once

#include <gtest/gtest.h>
#include <poll.h>

#include <array>
#include <atomic>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

#include "net/buffer_pool.h"
#include "net/make_engine.h"
#include "runtime/worker.h"

namespace hawser::runtime {

// What tests look at while the protocol runs on its worker's thread.
struct Observed {
  std::atomic<std::uint64_t> datagrams{0};
  std::atomic<std::uint64_t> octets{0};
  std::atomic<std::uint64_t> timeouts{0};
  std::atomic<std::uint64_t> stray_octets{0};
  std::atomic<bool> early_timeout{false};
  std::atomic<bool> closed{false};
  std::atomic<bool> destroyed_on_worker{false};
};

// Sends every datagram back where it came from; says "bye" to the last peer when closed.
class Echo : public DatagramProtocol {
 public:
  Echo(Worker& worker, Observed& observed) : worker_(worker), observed_(observed) {}
  ~Echo() override { observed_.destroyed_on_worker = worker_.on_this_thread(); }

  void on_datagrams(std::span<ReceivedTrain> batch, Timestamp) override {
    for (const ReceivedTrain& train : batch) {
      observed_.datagrams += (train.bytes.size() + train.segment_size - 1) / train.segment_size;
      observed_.octets += train.bytes.size();
      pending_.push_back({{train.bytes.begin(), train.bytes.end()}, train.segment_size, train.tuple});
      last_peer_ = train.tuple;
    }
  }
  void on_timeout(Timestamp) override {}
  std::size_t next_transmits(Timestamp, std::span<TransmitTrain> trains) override {
    std::size_t count = 0;
    for (; count < trains.size() && !pending_.empty(); ++count) {
      const Pending& next = pending_.front();
      TransmitTrain& train = trains[count];
      train.size = next.octets.size();
      train.segment_size = next.segment_size;
      train.tuple = next.tuple;
      train.ecn = Ecn::kNotEct;
      std::memcpy(train.buffer.data(), next.octets.data(), train.size);
      pending_.erase(pending_.begin());
    }
    return count;
  }
  [[nodiscard]] std::optional<Timestamp> next_timeout() const override { return {}; }
  void close(Timestamp) override {
    observed_.closed = true;
    const std::string_view bye = "bye";
    if (last_peer_.remote.port != 0) pending_.push_back({{bye.begin(), bye.end()}, bye.size(), last_peer_});
  }
  [[nodiscard]] bool idle() const override { return pending_.empty(); }

 private:
  struct Pending {
    std::vector<std::uint8_t> octets;
    std::size_t segment_size;
    FourTuple tuple;
  };
  Worker& worker_;
  Observed& observed_;
  std::vector<Pending> pending_;
  FourTuple last_peer_;
};

class WorkerWith : public testing::TestWithParam<net::EngineKind> {
 protected:
  void SetUp() override {
    if (const auto reason = net::why_not(GetParam(), {})) GTEST_SKIP() << reason->message;
  }
  static std::unique_ptr<net::Engine> make_engine() {
    auto engine = net::make_engine({.kind = GetParam()});
    if (!engine) throw std::runtime_error(engine.error().message);
    return std::move(*engine);
  }
  static std::unique_ptr<Worker> start_worker(const WorkerOptions& options = {}) {
    auto worker = Worker::start(options, make_engine());
    if (!worker) throw std::runtime_error(worker.error().message);
    return std::move(*worker);
  }
};

inline net::UdpOptions loopback(std::uint16_t port = 0) {
  return {.local = ipv4_address({127, 0, 0, 1}, port)};
}

inline SocketAddress start_echo(Worker& worker, Observed& observed) {
  return **worker.call([&](Worker& w) { return w.bind(w.attach(std::make_unique<Echo>(w, observed)), loopback()); });
}

// A peer without a worker: one socket, used by the test's own thread.
class Peer {
 public:
  Peer() : socket_(std::move(*net::UdpSocket::open(loopback()))), pool_(4) {}

  void send(const SocketAddress& to, Bytes octets, std::size_t segment_size) {
    std::vector<std::uint8_t> copy(octets.begin(), octets.end());
    TransmitTrain train;
    train.buffer = copy;
    train.size = copy.size();
    train.segment_size = segment_size;
    train.tuple.remote = to;
    ASSERT_EQ(socket_.send({&train, 1}), 1u);
  }
  // What arrives until `octets` octets have, or five seconds without any.
  std::vector<std::uint8_t> receive(std::size_t octets) {
    std::vector<std::uint8_t> result;
    pollfd waiting{.fd = socket_.fd(), .events = POLLIN, .revents = 0};
    while (result.size() < octets && ::poll(&waiting, 1, 5'000) == 1) {
      std::array<ReceivedTrain, 4> trains;
      bool drained = false;
      std::size_t slot = 0;
      const std::size_t count = socket_.receive(trains, pool_, slot, drained);
      for (std::size_t i = 0; i < count; ++i)
        result.insert(result.end(), trains[i].bytes.begin(), trains[i].bytes.end());
    }
    return result;
  }

  [[nodiscard]] SocketAddress address() const { return socket_.local_address(); }

 private:
  net::UdpSocket socket_;
  net::BufferPool pool_;
};

inline void wait_until(auto condition) {
  for (int i = 0; i < 50'000 && !condition(); ++i) std::this_thread::sleep_for(100us);
  ASSERT_TRUE(condition());
}

}  // namespace hawser::runtime
