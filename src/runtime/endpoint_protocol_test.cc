// Goal: QUIC endpoints meet through real workers and sockets: data is echoed, workers share a
// port, connections survive a rebinding at any time and with any steering, and stopping says
// so to the peer. Method: two runtimes on loopback; a relay in a thread plays the NAT.
#include "runtime/endpoint_protocol.h"

#include <gtest/gtest.h>
#include <poll.h>

#include <atomic>
#include <ctime>
#include <memory>
#include <semaphore>
#include <stdexcept>
#include <string>
#include <thread>

#include "base/random.h"
#include "net/buffer_pool.h"
#include "quic/endpoint/address_token.h"
#include "quic/tls/dev_certificate.h"
#include "quic/tls/tls_context.h"
#include "runtime/clock.h"
#include "runtime/runtime.h"

namespace hawser::runtime {
namespace {

const quic::DevCertificate& certificate() {
  static const quic::DevCertificate minted =
      quic::mint_dev_certificate({.names = {"localhost"}, .not_before_s = time(nullptr) - 60}).value();
  return minted;
}

std::vector<std::uint8_t> octets_of(std::string_view text) {
  return {text.begin(), text.end()};
}

net::UdpOptions loopback() {
  return {.local = ipv4_address({127, 0, 0, 1}, 0)};
}

// Of all servers here.
constexpr std::array<std::uint8_t, quic::kTokenSecretLength> kTokenSecret{7};

// One worker's server: sends every stream back.
class EchoServer final : public quic::AcceptHandler, public quic::ConnectionHandler {
 public:
  EchoServer()
      : tls_(quic::TlsServerContext::create({.common = {.alpn = {"echo"}},
                                             .certificates = {{.chain = octets_of(certificate().certificate_pem),
                                                               .key = octets_of(certificate().key_pem)}}})
                 .value()) {}

  quic::EndpointConfig config() {
    quic::EndpointConfig config;
    config.tls = &tls_;
    config.accept = this;
    config.secret = kTokenSecret;
    return config;
  }
  quic::ConnectionHandler* on_accept(quic::Connection&) override {
    ++accepted;
    return this;
  }
  void on_stream_readable(quic::Connection& connection, quic::StreamId id) override {
    std::array<std::uint8_t, 16'384> part;
    while (const std::size_t count = connection.read(id, part)) {
      if (!connection.write(id, SharedBytes::copy(Bytes(part).first(count)))) return;
    }
    if (connection.at_end(id)) (void)connection.finish(id);
  }

  std::atomic<int> accepted{0};

 private:
  quic::TlsServerContext tls_;
};

// A server on every worker of a runtime of its own.
struct EchoService {
  explicit EchoService(std::size_t workers, net::SteeringMethod steering = net::SteeringMethod::kAuto) {
    for (std::size_t i = 0; i < workers; ++i) servers.push_back(std::make_unique<EchoServer>());
    runtime = std::move(Runtime::create({.workers = workers, .steering = steering}).value());
    address = runtime
                  ->listen(loopback(),
                           [&](Worker& worker) {
                             return std::make_unique<EndpointProtocol>(worker, servers[worker.index()]->config(),
                                                                       Goodbye{7, "closing time"});
                           })
                  .value();
  }
  // Declared first, destroyed last: the endpoints on the workers refer to them.
  std::vector<std::unique_ptr<EchoServer>> servers;
  std::unique_ptr<Runtime> runtime;
  SocketAddress address;
};

// One connection; the test's thread waits for what happens on the worker's.
class EchoClient final : public quic::ConnectionHandler {
 public:
  EchoClient(Worker& worker, const SocketAddress& server) : worker_(worker) {
    worker.call([&](Worker& w) {
      auto protocol = std::make_unique<EndpointProtocol>(w, quic::EndpointConfig{});
      protocol_ = protocol.get();
      w.attach(std::move(protocol));
      quic::ClientParameters parameters;
      parameters.tuple.remote = server;
      parameters.server_name = "localhost";
      parameters.tls = &tls_;
      connection_ = protocol_->connect(std::move(parameters), *this).value();
      return true;
    });
  }

  // True once the handshake is complete, false if the connection ended instead.
  bool wait_connected() { return settled_.try_acquire_for(std::chrono::seconds(10)) && !closed_; }

  // Sends `data` on a new stream; true if it comes back whole.
  bool echo(const std::vector<std::uint8_t>& data) {
    worker_.call([&](Worker&) {
      expected_ = data;
      received_.clear();
      stream_ = connection_->open_stream(true).value();
      (void)connection_->write(stream_, SharedBytes::copy(data), true);
      protocol_->endpoint().wake(*connection_);
      return true;
    });
    return settled_.try_acquire_for(std::chrono::seconds(20)) && !closed_ &&
           worker_.call([&](Worker&) { return received_ == expected_; }).value();
  }
  quic::CloseReason wait_closed() {
    if (!settled_.try_acquire_for(std::chrono::seconds(10))) return {};
    return worker_.call([&](Worker&) { return reason_; }).value();
  }

  // A token of the server, and the version that it is for.
  std::pair<std::vector<std::uint8_t>, quic::Version> wait_token() {
    if (!has_token_.try_acquire_for(std::chrono::seconds(10))) return {};
    return worker_.call([&](Worker&) { return std::pair(token_, connection_->version()); }).value();
  }

  void on_handshake_complete(quic::Connection&) override { settled_.release(); }
  void on_new_token(quic::Connection&, Bytes token) override {
    token_.assign(token.begin(), token.end());
    has_token_.release();
  }
  void on_stream_readable(quic::Connection& connection, quic::StreamId id) override {
    std::array<std::uint8_t, 16'384> part;
    while (const std::size_t count = connection.read(id, part))
      received_.insert(received_.end(), part.begin(), part.begin() + count);
    if (connection.at_end(id)) settled_.release();
  }
  void on_closed(quic::Connection&, const quic::CloseReason& reason) override {
    reason_ = reason;
    closed_ = true;
    settled_.release();
  }

 private:
  Worker& worker_;
  quic::TlsClientContext tls_ =
      quic::TlsClientContext::create(
          {.common = {.alpn = {"echo"}}, .trust = {.system = false, .ca = octets_of(certificate().certificate_pem)}})
          .value();
  EndpointProtocol* protocol_ = nullptr;
  quic::Connection* connection_ = nullptr;
  quic::StreamId stream_;
  std::vector<std::uint8_t> expected_;
  std::vector<std::uint8_t> received_;
  quic::CloseReason reason_;
  std::atomic<bool> closed_{false};
  std::counting_semaphore<> settled_{0};
  std::vector<std::uint8_t> token_;
  std::counting_semaphore<> has_token_{0};
};

// Passes datagrams between one client and a server, and changes its port to the server's
// side when told: what a NAT does that forgot its binding.
class Relay {
 public:
  explicit Relay(const SocketAddress& server)
      : server_(server), front_(open()), back_(open()), thread_([this] { run(); }) {}
  ~Relay() {
    stop_ = true;
    thread_.join();
  }
  [[nodiscard]] SocketAddress address() const { return front_.local_address(); }
  void rebind() {
    rebind_ = true;
    while (rebind_) std::this_thread::yield();
  }
  // Changes the port once the server has answered: the client's Handshake packets come from
  // elsewhere than its Initial packets. To be called before anything was passed.
  void rebind_in_handshake() { rebind_after_answer_ = true; }

 private:
  static net::UdpSocket open() { return std::move(*net::UdpSocket::open(loopback())); }

  void run() {
    while (!stop_) {
      if (rebind_) {
        back_ = open();
        rebind_ = false;
      }
      std::array<pollfd, 2> waiting{pollfd{front_.fd(), POLLIN, 0}, pollfd{back_.fd(), POLLIN, 0}};
      ::poll(waiting.data(), waiting.size(), 1);
      pass(front_, back_, true);
      pass(back_, front_, false);
    }
  }
  void pass(net::UdpSocket& from, net::UdpSocket& to, bool upstream) {
    std::array<ReceivedTrain, 4> trains;
    bool drained = false;
    std::size_t slot = 0;
    const std::size_t count = from.receive(trains, pool_, slot, drained);
    for (const ReceivedTrain& train : std::span(trains).first(count)) {
      if (upstream && answered_ && rebind_after_answer_.exchange(false)) back_ = open();
      if (upstream) client_ = train.tuple.remote;
      answered_ = answered_ || !upstream;
      TransmitTrain copy;
      copy.buffer = train.bytes;
      copy.size = train.bytes.size();
      copy.segment_size = train.segment_size;
      copy.tuple.remote = upstream ? server_ : client_;
      to.send({&copy, 1});
    }
  }

  SocketAddress server_;
  SocketAddress client_;
  net::UdpSocket front_;
  net::UdpSocket back_;
  net::BufferPool pool_{4};
  std::atomic<bool> rebind_{false};
  std::atomic<bool> rebind_after_answer_{false};
  bool answered_ = false;
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

std::vector<std::uint8_t> random_octets(std::size_t size) {
  std::vector<std::uint8_t> octets(size);
  SeededRandom{size}.fill(octets);
  return octets;
}

TEST(endpoint_protocol, echoes_a_megabyte_between_two_runtimes) {
  EchoService service(1);
  auto runtime = Runtime::create().value();
  EchoClient client(runtime->worker(0), service.address);
  ASSERT_TRUE(client.wait_connected());
  EXPECT_TRUE(client.echo(random_octets(1'000'000)));
  EXPECT_TRUE(client.echo(random_octets(10)));
  EXPECT_EQ(service.runtime->stats().trains_unclaimed, 0u);
  runtime->stop();
  runtime->join();
}

// Not since the machine started: another one, or the same after a restart, reads the time from it.
TEST(endpoint_protocol, a_token_tells_the_time_since_1970) {
  EchoService service(1);
  auto runtime = Runtime::create().value();
  EchoClient client(runtime->worker(0), service.address);
  ASSERT_TRUE(client.wait_connected());
  const auto [token, version] = client.wait_token();
  const quic::AddressTokens of_another_server{kTokenSecret};
  const Timestamp since_1970{read_clock(CLOCK_REALTIME)};
  EXPECT_TRUE(of_another_server.check(token, service.address, version, {}, since_1970));
  EXPECT_FALSE(of_another_server.check(token, service.address, version, {}, since_1970 + 25h));
  runtime->stop();
  runtime->join();
}

TEST(endpoint_protocol, workers_share_a_port_and_serve_their_own_clients) {
  EchoService service(3);
  auto runtime = Runtime::create({.workers = 2}).value();
  std::vector<std::unique_ptr<EchoClient>> clients;
  for (int i = 0; i < 12; ++i) clients.push_back(std::make_unique<EchoClient>(runtime->next_worker(), service.address));
  for (const auto& client : clients) EXPECT_TRUE(client->wait_connected());
  for (const auto& client : clients) EXPECT_TRUE(client->echo(random_octets(30'000)));
  int accepted = 0;
  for (const auto& server : service.servers) accepted += server->accepted;
  EXPECT_EQ(accepted, 12);
  runtime->stop();
  runtime->join();
}

// One of each method that is allowed here.
std::vector<net::SteeringMethod> steering_methods() {
  std::vector<net::SteeringMethod> methods{net::SteeringMethod::kHash};
  for (const auto method : {net::SteeringMethod::kEbpf, net::SteeringMethod::kClassic})
    if (net::SteeringGroup::create({.rule = kCidSteering, .sockets = 1, .method = method})) methods.push_back(method);
  return methods;
}

class EndpointSteering : public testing::TestWithParam<net::SteeringMethod> {};
INSTANTIATE_TEST_SUITE_P(runtime, EndpointSteering, testing::ValuesIn(steering_methods()),
                         [](const auto& param) { return std::string(net::to_string(param.param)); });

// The kernel passed nothing to a wrong worker if it knew the rule; where it did not, a chance
// of 4^-12 = 6e-8 says that it was right all the time.
void expect_forwarded_only_by_hash(const WorkerStats& stats, net::SteeringMethod method) {
  EXPECT_EQ(stats.trains_forwarded != 0, method == net::SteeringMethod::kHash);
  EXPECT_EQ(stats.trains_forward_dropped, 0u);
}

TEST_P(EndpointSteering, connection_survives_rebinding) {
  EchoService service(4, GetParam());
  Relay relay(service.address);
  auto runtime = Runtime::create().value();
  EchoClient client(runtime->worker(0), relay.address());
  ASSERT_TRUE(client.wait_connected());
  ASSERT_TRUE(client.echo(random_octets(1'000)));
  for (int i = 0; i < 12; ++i) {
    relay.rebind();
    ASSERT_TRUE(client.echo(random_octets(20'000 + i))) << "rebinding " << i;
  }
  expect_forwarded_only_by_hash(service.runtime->stats(), GetParam());
  int accepted = 0;
  for (const auto& server : service.servers) accepted += server->accepted;
  EXPECT_EQ(accepted, 1);
  runtime->stop();
  runtime->join();
}

TEST_P(EndpointSteering, handshake_survives_rebinding) {
  EchoService service(4, GetParam());
  auto runtime = Runtime::create().value();
  std::vector<std::unique_ptr<Relay>> relays;
  std::vector<std::unique_ptr<EchoClient>> clients;
  for (int i = 0; i < 12; ++i) {
    relays.push_back(std::make_unique<Relay>(service.address));
    relays.back()->rebind_in_handshake();
    clients.push_back(std::make_unique<EchoClient>(runtime->worker(0), relays.back()->address()));
    ASSERT_TRUE(clients.back()->wait_connected()) << i;
    ASSERT_TRUE(clients.back()->echo(random_octets(20'000 + i))) << i;
  }
  expect_forwarded_only_by_hash(service.runtime->stats(), GetParam());
  int accepted = 0;
  for (const auto& server : service.servers) accepted += server->accepted;
  EXPECT_EQ(accepted, 12);
  runtime->stop();
  runtime->join();
}

TEST_P(EndpointSteering, new_connections_are_spread_over_the_workers) {
  EchoService service(4, GetParam());
  auto runtime = Runtime::create({.workers = 4}).value();
  std::vector<std::unique_ptr<EchoClient>> clients;
  for (int i = 0; i < 48; ++i) clients.push_back(std::make_unique<EchoClient>(runtime->next_worker(), service.address));
  for (const auto& client : clients) EXPECT_TRUE(client->wait_connected());
  // One of four gets none of 48 with a chance of 4 * (3/4)^48 = 4e-6.
  for (const auto& server : service.servers) EXPECT_GT(server->accepted, 0);
  EXPECT_EQ(service.runtime->stats().trains_forwarded, 0u);
  runtime->stop();
  runtime->join();
}

TEST(endpoint_protocol, stopping_tells_the_peer_why) {
  EchoService service(2);
  auto runtime = Runtime::create().value();
  EchoClient client(runtime->worker(0), service.address);
  ASSERT_TRUE(client.wait_connected());
  ASSERT_TRUE(client.echo(random_octets(100)));
  service.runtime->stop();
  service.runtime->join();
  const quic::CloseReason reason = client.wait_closed();
  EXPECT_EQ(reason.kind, quic::CloseReason::Kind::kPeerApplication);
  EXPECT_EQ(reason.error_code, 7u);
  EXPECT_EQ(reason.reason, "closing time");
  runtime->stop();
  runtime->join();
}

}  // namespace
}  // namespace hawser::runtime
