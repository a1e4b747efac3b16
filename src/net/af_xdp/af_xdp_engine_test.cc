// Goal: over AF_XDP datagrams arrive as over sockets, both ways and beside each other, and
// nothing else on the interface notices. Method: engines in two namespaces joined by a veth
// pair; skipped where namespaces, BPF or AF_XDP are not allowed.
#include "net/af_xdp/af_xdp_engine.h"

#include <gtest/gtest.h>
#include <linux/if_packet.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <thread>

#include "net/af_xdp/testing_veth.h"
#include "net/make_engine.h"

namespace hawser::net {
namespace {

// Small rings, so that they go round many times and are full soon.
constexpr std::uint32_t kFrames = 256;

class net_af_xdp_engine : public ::testing::Test {
 protected:
  void SetUp() override {
    if (const std::string reason = Veth::why_not(); !reason.empty()) GTEST_SKIP() << reason;
    if (const auto reason = AfXdpEngine::why_not({})) GTEST_SKIP() << reason->message;
    veth_.emplace();
  }

  static std::unique_ptr<AfXdpEngine> af_xdp(const NameSpace& place, AfXdpOptions options = {.frames = kFrames}) {
    auto engine = place.in([&] { return AfXdpEngine::create(options); });
    if (!engine) throw std::runtime_error(engine.error().message);
    return std::move(*engine);
  }
  static std::unique_ptr<EpollEngine> epoll(const NameSpace& place) {
    return place.in([] { return std::move(*EpollEngine::create()); });
  }
  static SocketId open_on(const NameSpace& place, Engine& engine, std::string_view address, bool reuse_port = false) {
    auto socket = place.in([&] { return engine.open({.local = *parse_address(address), .reuse_port = reuse_port}); });
    if (!socket) throw std::runtime_error(socket.error().message);
    return *socket;
  }

  // As ip(8) writes it.
  static std::string station_of(const NameSpace& place, std::string_view name) {
    NetlinkSocket asker = place.in([] { return std::move(*NetlinkSocket::open()); });
    const auto interfaces = list_interfaces(asker);
    std::string text;
    for (const std::uint8_t octet : std::ranges::find(interfaces, name, &NetInterface::name)->station) {
      text += (text.empty() ? "" : ":") + to_hex({&octet, 1});
    }
    return text;
  }

  const NameSpace& a() { return veth_->a; }
  const NameSpace& b() { return veth_->b; }

  std::optional<Veth> veth_;
};

std::vector<std::uint8_t> octets_of(std::size_t size, std::size_t seed) {
  std::vector<std::uint8_t> octets(size);
  for (std::size_t i = 0; i < size; ++i) octets[i] = static_cast<std::uint8_t>((i + seed) * 2'654'435'761 >> 13);
  return octets;
}

// Sends `octets` as one train, waiting for room as often as it takes.
void send_train(Engine& engine, const FourTuple& tuple, Bytes octets, std::size_t segment_size,
                Ecn ecn = Ecn::kNotEct) {
  std::array<TransmitTrain, 1> trains;
  ASSERT_EQ(engine.lend(trains), 1u);
  std::memcpy(trains[0].buffer.data(), octets.data(), octets.size());
  trains[0].size = octets.size();
  trains[0].segment_size = segment_size;
  trains[0].tuple = tuple;
  trains[0].ecn = ecn;
  while (engine.send(trains) == 0) ASSERT_TRUE(engine.poll(5s).writable);
}

// What came: all octets in order, and of each datagram its size.
struct Arrived {
  std::vector<std::uint8_t> octets;
  std::vector<std::size_t> datagrams;
  FourTuple tuple;
  Ecn ecn = Ecn::kNotEct;
};

Arrived receive_octets(Engine& engine, std::size_t octets, std::atomic<std::size_t>* progress = nullptr) {
  Arrived arrived;
  std::array<ReceivedTrain, 8> trains;
  while (arrived.octets.size() < octets) {
    const std::size_t count = engine.receive(trains);
    if (count == 0 && !engine.poll(5s).readable) break;
    for (const ReceivedTrain& train : std::span(trains).first(count)) {
      arrived.octets.insert(arrived.octets.end(), train.bytes.begin(), train.bytes.end());
      arrived.tuple = train.tuple;
      arrived.ecn = train.ecn;
      for (std::size_t at = 0; at < train.bytes.size(); at += train.segment_size) {
        arrived.datagrams.push_back(std::min(train.segment_size, train.bytes.size() - at));
      }
    }
    if (progress != nullptr) progress->store(arrived.octets.size());
  }
  return arrived;
}

// The first datagrams to a station that is not known go through the kernel, which asks for it.
void get_acquainted(Engine& engine, const FourTuple& tuple, Engine& peer) {
  send_train(engine, tuple, as_bytes("hello"), 5);
  receive_octets(peer, 5);
  send_train(peer, {.local = tuple.remote, .remote = tuple.local}, as_bytes("hello"), 5);
  receive_octets(engine, 5);
  engine.poll(0ns);
  peer.poll(0ns);
}

// Sends `count` trains from `from` and expects them all at `to`, which reads beside.
void expect_all_arrive(Engine& from, const FourTuple& tuple, Engine& to, std::size_t count, std::size_t size,
                       std::size_t segment_size) {
  const auto octets = octets_of(size, 7);
  Arrived arrived;
  std::atomic<std::size_t> read{0};
  std::atomic<bool> given_up{false};
  std::thread reader([&] {
    arrived = receive_octets(to, count * size, &read);
    given_up = true;
  });
  for (std::size_t i = 0; i < count; ++i) {
    // No more than the receiver's rings hold is under way.
    while (i * size > read + 2 * size && !given_up) std::this_thread::yield();
    send_train(from, tuple, octets, segment_size);
  }
  reader.join();
  ASSERT_EQ(arrived.octets.size(), count * size);
  for (std::size_t i = 0; i < count; ++i) {
    EXPECT_TRUE(equal(Bytes(arrived.octets).subspan(i * size, size), octets));
  }
  EXPECT_EQ(arrived.tuple.remote.port, tuple.local.port);
  EXPECT_EQ(arrived.tuple.local, tuple.remote);
  EXPECT_EQ(arrived.datagrams.size(), count * ((size + segment_size - 1) / segment_size));
}

TEST_F(net_af_xdp_engine, passes_trains_both_ways_past_the_kernel) {
  for (const auto& [from, to] : {std::pair{"10.9.0.1:0", "10.9.0.2:0"}, std::pair{"[fd00:9::1]:0", "[fd00:9::2]:0"}}) {
    auto left = af_xdp(a());
    auto right = af_xdp(b());
    const FourTuple tuple{.local = left->local_address(open_on(a(), *left, from)),
                          .remote = right->local_address(open_on(b(), *right, to))};
    get_acquainted(*left, tuple, *right);
    const auto sent_before = left->bypassed().sent;
    const auto received_before = right->bypassed().received;
    expect_all_arrive(*left, tuple, *right, 100, 30'000, 1'350);
    // A train or two may go through the kernel, to confirm the station.
    EXPECT_GE(left->bypassed().sent - sent_before, 95u * 23);
    EXPECT_GE(right->bypassed().received - received_before, 95u * 23);
    expect_all_arrive(*right, {.local = tuple.remote, .remote = tuple.local}, *left, 100, 30'000, 1'350);
    EXPECT_EQ(left->kernel_drops() + right->kernel_drops(), 0u);
    EXPECT_EQ(left->counters().receive_discarded + right->counters().receive_discarded, 0u);
    EXPECT_EQ(left->counters().datagrams_sent, right->counters().datagrams_received);
    EXPECT_EQ(left->counters().octets_sent, right->counters().octets_received);
  }
}

TEST_F(net_af_xdp_engine, understands_sockets_and_is_understood_by_them) {
  auto xdp = af_xdp(a());
  auto sockets = epoll(b());
  const FourTuple tuple{.local = xdp->local_address(open_on(a(), *xdp, "10.9.0.1:0")),
                        .remote = sockets->local_address(open_on(b(), *sockets, "10.9.0.2:0"))};
  get_acquainted(*xdp, tuple, *sockets);
  expect_all_arrive(*xdp, tuple, *sockets, 50, 30'000, 1'350);
  expect_all_arrive(*sockets, {.local = tuple.remote, .remote = tuple.local}, *xdp, 50, 30'000, 1'350);
  EXPECT_GE(xdp->bypassed().sent, 1'000u);
  EXPECT_GE(xdp->bypassed().received, 1'000u);
}

TEST_F(net_af_xdp_engine, marks_and_the_last_shorter_datagram_arrive) {
  auto left = af_xdp(a());
  auto right = af_xdp(b());
  const FourTuple tuple{.local = left->local_address(open_on(a(), *left, "[fd00:9::1]:0")),
                        .remote = right->local_address(open_on(b(), *right, "[fd00:9::2]:0"))};
  get_acquainted(*left, tuple, *right);
  for (const Ecn ecn : {Ecn::kEct0, Ecn::kCe, Ecn::kEct1, Ecn::kNotEct}) {
    send_train(*left, tuple, octets_of(2'500, 1), 1'000, ecn);
    const Arrived arrived = receive_octets(*right, 2'500);
    EXPECT_EQ(arrived.octets, octets_of(2'500, 1));
    EXPECT_EQ(arrived.datagrams, (std::vector<std::size_t>{1'000, 1'000, 500}));
    EXPECT_EQ(arrived.ecn, ecn);
  }
}

TEST_F(net_af_xdp_engine, a_burst_beyond_the_rings_waits_for_room) {
  auto left = af_xdp(a(), {.frames = kXdpFramesMin});
  auto sockets = epoll(b());
  const FourTuple tuple{.local = left->local_address(open_on(a(), *left, "10.9.0.1:0")),
                        .remote = sockets->local_address(open_on(b(), *sockets, "10.9.0.2:0"))};
  get_acquainted(*left, tuple, *sockets);
  // Two trains of 500 datagrams through a ring of 64.
  std::array<TransmitTrain, 2> trains;
  ASSERT_EQ(left->lend(trains), 2u);
  for (TransmitTrain& train : trains) {
    const auto octets = octets_of(50'000, 3);
    std::memcpy(train.buffer.data(), octets.data(), octets.size());
    train.size = octets.size();
    train.segment_size = 100;
    train.tuple = tuple;
  }
  std::span<TransmitTrain> rest = trains;
  while (true) {
    rest = rest.subspan(left->send(rest));
    if (rest.empty()) break;
    ASSERT_TRUE(left->poll(5s).writable);
  }
  const Arrived arrived = receive_octets(*sockets, 100'000);
  EXPECT_EQ(arrived.octets.size(), 100'000u);
  EXPECT_TRUE(equal(Bytes(arrived.octets).first(50'000), octets_of(50'000, 3)));
  EXPECT_FALSE(left->poll(0ns).writable);
}

TEST_F(net_af_xdp_engine, datagrams_that_nobody_reads_are_dropped_and_counted) {
  auto left = epoll(a());
  auto right = af_xdp(b(), {.frames = kXdpFramesMin});
  const FourTuple tuple{.local = left->local_address(open_on(a(), *left, "10.9.0.1:0")),
                        .remote = right->local_address(open_on(b(), *right, "10.9.0.2:0"))};
  get_acquainted(*left, tuple, *right);
  std::array<ReceivedTrain, 1> none;
  ASSERT_EQ(right->receive(none), 0u);  // which gives the last frame back
  for (int i = 0; i < 4; ++i) send_train(*left, tuple, octets_of(6'400, 1), 100);
  const Arrived arrived = receive_octets(*right, kXdpFramesMin * 100);
  EXPECT_EQ(arrived.octets.size(), kXdpFramesMin * 100);
  EXPECT_GE(right->kernel_drops(), 4u * 64 - kXdpFramesMin);
  // And the rings go on, once what was read is given back.
  ASSERT_EQ(right->receive(none), 0u);
  send_train(*left, tuple, octets_of(3'200, 2), 100);
  EXPECT_EQ(receive_octets(*right, 3'200).octets, octets_of(3'200, 2));
}

TEST_F(net_af_xdp_engine, larger_than_the_mtu_is_dropped_as_by_a_socket) {
  auto left = af_xdp(a());
  auto right = af_xdp(b());
  const FourTuple tuple{.local = left->local_address(open_on(a(), *left, "10.9.0.1:0")),
                        .remote = right->local_address(open_on(b(), *right, "10.9.0.2:0"))};
  get_acquainted(*left, tuple, *right);
  send_train(*left, tuple, octets_of(1'472, 1), 1'472);
  EXPECT_EQ(receive_octets(*right, 1'472).octets, octets_of(1'472, 1));
  send_train(*left, tuple, octets_of(1'473, 1), 1'473);
  EXPECT_EQ(left->counters().send_too_large, 1u);
}

TEST_F(net_af_xdp_engine, what_does_not_fit_a_frame_goes_through_the_kernel) {
  for (const NameSpace* place : {&a(), &b()})
    place->ip(place == &a() ? "link set va mtu 3500" : "link set vb mtu 3500");
  auto left = af_xdp(a());
  auto right = af_xdp(b());
  const FourTuple tuple{.local = left->local_address(open_on(a(), *left, "10.9.0.1:0")),
                        .remote = right->local_address(open_on(b(), *right, "10.9.0.2:0"))};
  get_acquainted(*left, tuple, *right);
  auto before = left->bypassed().sent;
  send_train(*left, tuple, octets_of(3'472, 1), 3'472);
  EXPECT_EQ(receive_octets(*right, 3'472).octets, octets_of(3'472, 1));
  EXPECT_EQ(left->bypassed().sent, before + 1);
}

TEST_F(net_af_xdp_engine, wildcards_are_reached_at_every_address_that_comes) {
  auto left = epoll(a());
  auto right = af_xdp(b());
  const SocketAddress bound = right->local_address(open_on(b(), *right, "[::]:0"));
  const std::string port = ":" + std::to_string(bound.port);
  b().ip("addr add 10.9.0.77/24 dev vb");
  while (right->poll(0ns).readable) {
  }
  for (const std::string& to : {"10.9.0.2" + port, "10.9.0.77" + port, "[fd00:9::2]" + port}) {
    const bool v4 = to[0] == '1';
    const SocketAddress from = left->local_address(open_on(a(), *left, v4 ? "10.9.0.1:0" : "[fd00:9::1]:0"));
    const FourTuple tuple{.local = from, .remote = *parse_address(to)};
    const auto before = right->bypassed().received;
    get_acquainted(*left, tuple, *right);
    send_train(*left, tuple, as_bytes("hawser"), 6);
    const Arrived arrived = receive_octets(*right, 6);
    EXPECT_EQ(as_text(arrived.octets), "hawser");
    EXPECT_EQ(arrived.tuple.local, tuple.remote);
    EXPECT_EQ(arrived.tuple.remote, tuple.local);
    EXPECT_EQ(right->bypassed().received, before + 2) << to;
  }
  // An address that goes is the kernel's again; the socket stays.
  b().ip("addr del 10.9.0.77/24 dev vb");
  right->poll(0ns);
  b().ip("addr add 10.9.0.78/24 dev vb");
  right->poll(0ns);
}

TEST_F(net_af_xdp_engine, closed_socket_leaves_its_port_to_the_kernel) {
  auto left = epoll(a());
  auto right = af_xdp(b());
  const SocketId first = open_on(b(), *right, "10.9.0.2:0");
  const SocketAddress to = right->local_address(first);
  const FourTuple tuple{.local = left->local_address(open_on(a(), *left, "10.9.0.1:0")), .remote = to};
  get_acquainted(*left, tuple, *right);
  right->close(first);
  auto other = epoll(b());
  open_on(b(), *other, to_string(to));
  send_train(*left, tuple, as_bytes("hawser"), 6);
  EXPECT_EQ(as_text(receive_octets(*other, 6).octets), "hawser");
  std::array<ReceivedTrain, 1> none;
  EXPECT_EQ(right->receive(none), 0u);
}

TEST_F(net_af_xdp_engine, generic_mode_works_where_the_driver_has_none) {
  auto left = epoll(a());
  auto right = af_xdp(b(), {.mode = XdpMode::kGeneric, .frames = kFrames});
  const SocketId socket = open_on(b(), *right, "10.9.0.2:0");
  EXPECT_NE(right->describe().find("generic, copy"), std::string::npos) << right->describe();
  // Coalesced datagrams would look like one to the program.
  EXPECT_FALSE(right->capabilities(socket).gro);
  const FourTuple tuple{.local = left->local_address(open_on(a(), *left, "10.9.0.1:0")),
                        .remote = right->local_address(socket)};
  get_acquainted(*left, tuple, *right);
  expect_all_arrive(*left, tuple, *right, 20, 20'000, 500);
  expect_all_arrive(*right, {.local = tuple.remote, .remote = tuple.local}, *left, 20, 20'000, 500);
}

TEST_F(net_af_xdp_engine, engines_of_one_process_share_the_interface_but_not_a_queue) {
  auto first = af_xdp(b(), {.frames = kFrames, .worker = 0, .workers = 2});
  auto second = af_xdp(b(), {.frames = kFrames, .worker = 1, .workers = 2});
  const SocketAddress bound = first->local_address(open_on(b(), *first, "10.9.0.2:0", true));
  // Of one queue the first engine has it, and the second its sockets.
  open_on(b(), *second, to_string(bound), true);
  EXPECT_NE(second->describe().find("no queue"), std::string::npos) << second->describe();
  auto left = epoll(a());
  const FourTuple tuple{.local = left->local_address(open_on(a(), *left, "10.9.0.1:0")), .remote = bound};
  get_acquainted(*left, tuple, *first);
  EXPECT_GE(first->bypassed().received, 1u);
  // It can send all the same.
  send_train(*second, {.local = bound, .remote = tuple.local}, as_bytes("hawser"), 6);
  EXPECT_EQ(as_text(receive_octets(*left, 6).octets), "hawser");

  auto third = af_xdp(b());
  const auto refused = b().in([&] { return third->open({.local = *parse_address("10.9.0.2:0")}); });
  ASSERT_FALSE(refused.has_value());
  EXPECT_NE(refused.error().message.find("queue 0"), std::string::npos) << refused.error().message;
}

TEST_F(net_af_xdp_engine, workers_share_out_the_queues_of_an_interface) {
  veth_.reset();
  veth_.emplace(2);
  auto first = af_xdp(b(), {.frames = kFrames, .worker = 0, .workers = 2});
  auto second = af_xdp(b(), {.frames = kFrames, .worker = 1, .workers = 2});
  const SocketAddress bound = first->local_address(open_on(b(), *first, "10.9.0.2:0", true));
  open_on(b(), *second, to_string(bound), true);
  EXPECT_NE(first->describe().find("queue 0"), std::string::npos) << first->describe();
  EXPECT_NE(second->describe().find("queue 1"), std::string::npos) << second->describe();
  // A sender that has the second queue sends by it, and so comes in at the second.
  auto left = af_xdp(a(), {.queues = {1}, .frames = kFrames});
  const FourTuple tuple{.local = left->local_address(open_on(a(), *left, "10.9.0.1:0")), .remote = bound};
  a().ip("neigh replace 10.9.0.2 lladdr " + station_of(b(), "vb") + " dev va nud permanent");
  left->poll(0ns);
  expect_all_arrive(*left, tuple, *second, 10, 30'000, 1'350);
  EXPECT_EQ(second->bypassed().received, 10u * 23);
  EXPECT_EQ(first->bypassed().received, 0u);
}

TEST_F(net_af_xdp_engine, says_which_interface_to_name) {
  auto engine = af_xdp(a());
  const auto error_of = [&](std::string_view address) {
    return a().in([&] { return engine->open({.local = *parse_address(address)}); }).error().message;
  };
  EXPECT_NE(error_of("127.0.0.1:0").find("lo"), std::string::npos) << error_of("127.0.0.1:0");
  EXPECT_NE(error_of("10.9.0.9:0").find("va"), std::string::npos) << error_of("10.9.0.9:0");
  a().ip("link add vc type veth peer name vd");
  a().ip("link set vc up");
  EXPECT_NE(error_of("[::]:0").find("--xdp-interface"), std::string::npos) << error_of("[::]:0");
  auto named = af_xdp(a(), {.interfaces = {"nonesuch"}, .frames = kFrames});
  const auto refused = a().in([&] { return named->open({.local = *parse_address("[::]:0")}); });
  EXPECT_NE(refused.error().message.find("nonesuch"), std::string::npos);
}

TEST_F(net_af_xdp_engine, zero_copy_is_refused_in_words_where_the_driver_has_none) {
  auto engine = af_xdp(a(), {.zero_copy = XdpZeroCopy::kZeroCopy, .frames = kFrames});
  const auto refused = a().in([&] { return engine->open({.local = *parse_address("10.9.0.1:0")}); });
  ASSERT_FALSE(refused.has_value());
  EXPECT_NE(refused.error().message.find("--xdp-copy"), std::string::npos) << refused.error().message;
}

TEST_F(net_af_xdp_engine, program_is_gone_with_the_engine) {
  const auto has_program = [&] { return a().in([] { return std::system("ip link show va | grep -q xdp") == 0; }); };
  {
    auto engine = af_xdp(a());
    EXPECT_FALSE(has_program());
    open_on(a(), *engine, "10.9.0.1:0");
    EXPECT_TRUE(has_program());
  }
  EXPECT_FALSE(has_program());
}

TEST_F(net_af_xdp_engine, addresses_of_other_interfaces_are_served_by_the_kernel) {
  auto left = af_xdp(a(), {.interfaces = {"va"}, .frames = kFrames});
  auto local = epoll(a());
  const SocketAddress bound = left->local_address(open_on(a(), *left, "[::]:0"));
  const FourTuple tuple{.local = local->local_address(open_on(a(), *local, "127.0.0.1:0")),
                        .remote = ipv4_address({127, 0, 0, 1}, bound.port)};
  get_acquainted(*local, tuple, *left);
  expect_all_arrive(*local, tuple, *left, 5, 30'000, 1'350);
  EXPECT_EQ(left->bypassed().received, 0u);
  EXPECT_EQ(left->bypassed().sent, 0u);
}

// Beside our datagrams. ---------------------------------------------------------------------------

TEST_F(net_af_xdp_engine, echo_requests_are_still_answered) {
  auto right = af_xdp(b());
  open_on(b(), *right, "10.9.0.2:4433");
  const Descriptor pinger(a().in([] { return socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP); }));
  icmphdr request{};
  request.type = ICMP_ECHO;
  request.un.echo.id = 7;
  request.checksum = finish_checksum(add_to_checksum(0, {reinterpret_cast<std::uint8_t*>(&request), sizeof request}));
  sockaddr_storage to{};
  const socklen_t size = to_sockaddr(*parse_address("10.9.0.2:0"), AF_INET, to);
  ASSERT_GT(sendto(pinger.get(), &request, sizeof request, 0, reinterpret_cast<sockaddr*>(&to), size), 0);
  pollfd ready{.fd = pinger.get(), .events = POLLIN};
  ASSERT_EQ(::poll(&ready, 1, 5'000), 1);
  std::array<std::uint8_t, 128> answer{};
  ASSERT_GE(recv(pinger.get(), answer.data(), answer.size(), 0), 28);
  EXPECT_EQ(answer[20], ICMP_ECHOREPLY);
}

TEST_F(net_af_xdp_engine, tcp_to_the_same_port_still_connects) {
  auto right = af_xdp(b());
  open_on(b(), *right, "10.9.0.2:4433");
  const Descriptor listener(b().in([] { return socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0); }));
  const Descriptor client(a().in([] { return socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0); }));
  sockaddr_storage to{};
  const socklen_t size = to_sockaddr(*parse_address("10.9.0.2:4433"), AF_INET, to);
  ASSERT_EQ(bind(listener.get(), reinterpret_cast<sockaddr*>(&to), size), 0);
  ASSERT_EQ(listen(listener.get(), 1), 0);
  ASSERT_EQ(connect(client.get(), reinterpret_cast<sockaddr*>(&to), size), 0);
  const Descriptor accepted(accept(listener.get(), nullptr, nullptr));
  ASSERT_EQ(write(client.get(), "hawser", 6), 6);
  std::array<char, 6> text{};
  EXPECT_EQ(recv(accepted.get(), text.data(), text.size(), MSG_WAITALL), 6);
}

TEST_F(net_af_xdp_engine, odd_frames_to_our_port_are_dropped_and_counted) {
  auto right = af_xdp(b());
  const SocketAddress to = right->local_address(open_on(b(), *right, "10.9.0.2:0"));
  const auto interface_of = [](const NameSpace& place, std::string_view name) {
    NetlinkSocket asker = place.in([] { return std::move(*NetlinkSocket::open()); });
    const auto interfaces = list_interfaces(asker);
    return *std::ranges::find(interfaces, name, &NetInterface::name);
  };
  const Descriptor wire(a().in([] { return socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0); }));
  sockaddr_ll link{};
  link.sll_family = AF_PACKET;
  link.sll_ifindex = static_cast<int>(interface_of(a(), "va").index);
  const FrameHeaders headers({.source = {2, 0, 0, 0, 0, 1}, .destination = interface_of(b(), "vb").station},
                             {.local = ipv4_address({10, 9, 0, 1}, 1'000), .remote = to}, Ecn::kNotEct, true);
  const auto send_with = [&](std::size_t at, std::uint8_t value) {
    std::vector<std::uint8_t> frame(headers.size() + 6);
    headers.write(frame.data(), as_bytes("hawser"), 0);
    if (at != 0) frame[at] = value;
    ASSERT_EQ(sendto(wire.get(), frame.data(), frame.size(), 0, reinterpret_cast<sockaddr*>(&link), sizeof link),
              static_cast<ssize_t>(frame.size()));
  };
  send_with(24, 0xff);  // the header's checksum
  send_with(39, 200);   // a UDP length of more than there is
  send_with(0, 0);      // as it should be
  const Arrived arrived = receive_octets(*right, 6);
  EXPECT_EQ(as_text(arrived.octets), "hawser");
  EXPECT_EQ(right->counters().receive_discarded, 2u);
  EXPECT_EQ(right->counters().datagrams_received, 1u);
}

// The rest of the contract of engine.h. -----------------------------------------------------------

TEST_F(net_af_xdp_engine, sleeps_no_shorter_than_asked_and_is_woken) {
  auto engine = af_xdp(a());
  open_on(a(), *engine, "10.9.0.1:0");
  engine->poll(0ns);
  for (const Duration timeout : {Duration{300us}, Duration{0ns}, Duration{5ms}}) {
    const auto before = std::chrono::steady_clock::now();
    const PollResult result = engine->poll(timeout);
    EXPECT_GE(std::chrono::steady_clock::now() - before, timeout);
    EXPECT_FALSE(result.readable || result.writable || result.woken);
  }
  engine->wake();
  EXPECT_TRUE(engine->poll(5s).woken);
  EXPECT_FALSE(engine->poll(0ns).woken);
  std::thread waker([&] { engine->wake(); });
  EXPECT_TRUE(engine->poll(Duration{-1}).woken);
  waker.join();
}

TEST_F(net_af_xdp_engine, changes_of_the_network_do_not_end_a_sleep) {
  auto engine = af_xdp(a());
  open_on(a(), *engine, "10.9.0.1:0");
  engine->poll(0ns);
  a().ip("addr add 10.9.0.99/24 dev va");
  const auto before = std::chrono::steady_clock::now();
  const PollResult result = engine->poll(20ms);
  EXPECT_GE(std::chrono::steady_clock::now() - before, 20ms);
  EXPECT_FALSE(result.readable || result.writable || result.woken);
}

TEST_F(net_af_xdp_engine, train_without_a_socket_is_dropped_and_counted) {
  auto left = af_xdp(a());
  auto right = epoll(b());
  const SocketId socket = open_on(a(), *left, "10.9.0.1:0");
  const FourTuple tuple{.local = left->local_address(socket),
                        .remote = right->local_address(open_on(b(), *right, "10.9.0.2:0"))};
  get_acquainted(*left, tuple, *right);
  left->close(socket);
  send_train(*left, tuple, octets_of(2'500, 1), 1'000);
  EXPECT_EQ(left->counters().send_unreachable, 3u);
}

TEST_F(net_af_xdp_engine, trains_without_a_local_address_leave_from_the_socket) {
  auto left = af_xdp(a());
  auto right = epoll(b());
  const SocketAddress from = left->local_address(open_on(a(), *left, "0.0.0.0:0"));
  const SocketAddress to = right->local_address(open_on(b(), *right, "10.9.0.2:0"));
  for (int i = 0; i < 3; ++i) {
    send_train(*left, {.local = {}, .remote = to}, as_bytes("hawser"), 6);
    const Arrived arrived = receive_octets(*right, 6);
    EXPECT_EQ(arrived.tuple.remote, ipv4_address({10, 9, 0, 1}, from.port));
    left->poll(0ns);
  }
  EXPECT_GE(left->bypassed().sent, 1u);
}

}  // namespace
}  // namespace hawser::net
