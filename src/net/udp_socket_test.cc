// Goal: trains, ECN marks and addresses arrive as they were sent, with and without the
// kernel's help. Method: pairs of sockets on loopback, over IPv4 and IPv6.
#include "net/udp_socket.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/random.h"
#include "net/buffer_pool.h"

namespace hawser::net {
namespace {

struct Received {
  std::vector<std::uint8_t> octets;
  std::size_t segment_size = 0;
  FourTuple tuple;
  Ecn ecn = Ecn::kNotEct;
};

UdpSocket open_socket(const UdpOptions& options) {
  auto socket = UdpSocket::open(options);
  if (!socket) throw std::runtime_error(socket.error().message);
  return std::move(*socket);
}

bool wait_readable(const UdpSocket& socket, int timeout_ms) {
  pollfd waiting{.fd = socket.fd(), .events = POLLIN, .revents = 0};
  return ::poll(&waiting, 1, timeout_ms) == 1;
}

// Reads until `octets` octets have come. Loopback is lossless within the socket's buffer.
std::vector<Received> receive_octets(UdpSocket& socket, std::size_t octets) {
  static const BufferPool pool(8);
  std::vector<Received> result;
  std::size_t sum = 0;
  while (sum < octets && wait_readable(socket, 5'000)) {
    std::array<ReceivedTrain, 8> trains;
    bool drained = false;
    std::size_t slot = 0;
    const std::size_t count = socket.receive(trains, pool, slot, drained);
    for (const ReceivedTrain& train : std::span(trains).first(count)) {
      result.push_back({{train.bytes.begin(), train.bytes.end()}, train.segment_size, train.tuple, train.ecn});
      sum += train.bytes.size();
    }
  }
  return result;
}

// The datagrams of all trains, in order.
std::vector<std::vector<std::uint8_t>> datagrams_of(const std::vector<Received>& trains) {
  std::vector<std::vector<std::uint8_t>> result;
  for (const Received& train : trains) {
    for (std::size_t at = 0; at < train.octets.size(); at += train.segment_size) {
      const std::size_t end = std::min(at + train.segment_size, train.octets.size());
      result.emplace_back(train.octets.begin() + at, train.octets.begin() + end);
    }
  }
  return result;
}

// Octets to send with the train that describes them.
struct Load {
  std::vector<std::uint8_t> octets;
  TransmitTrain train;

  Load(std::size_t size, std::size_t segment_size, const SocketAddress& to, Ecn ecn = Ecn::kNotEct) : octets(size) {
    SeededRandom{size}.fill(octets);
    train.buffer = octets;
    train.size = size;
    train.segment_size = segment_size;
    train.tuple.remote = to;
    train.ecn = ecn;
  }
  std::vector<std::vector<std::uint8_t>> datagrams() const {
    return datagrams_of({Received{octets, train.segment_size, {}, {}}});
  }
};

class UdpSocketTest : public testing::TestWithParam<const char*> {
 protected:
  [[nodiscard]] SocketAddress loopback() const { return *parse_address(GetParam()); }
};

INSTANTIATE_TEST_SUITE_P(loopback, UdpSocketTest, testing::Values("127.0.0.1:0", "[::1]:0"),
                         [](const auto& param) { return std::string(param.param[0] == '[' ? "ipv6" : "ipv4"); });

TEST_P(UdpSocketTest, train_of_ten_and_a_short_one_arrives_whole) {
  UdpSocket receiver = open_socket({.local = loopback()});
  UdpSocket sender = open_socket({.local = loopback()});
  Load load(10 * 1'200 + 77, 1'200, receiver.local_address());
  ASSERT_EQ(sender.send({&load.train, 1}), 1u);
  EXPECT_EQ(sender.counters().datagrams_sent, 11u);
  const auto trains = receive_octets(receiver, load.octets.size());
  EXPECT_EQ(datagrams_of(trains), load.datagrams());
  EXPECT_EQ(receiver.counters().datagrams_received, 11u);
  if (sender.capabilities().gso && receiver.capabilities().gro) {
    // Loopback passes the train on unsegmented, so the receiver sees it as one.
    EXPECT_EQ(trains.size(), 1u);
    EXPECT_EQ(sender.counters().send_calls, 1u);
  }
  EXPECT_EQ(trains[0].tuple.remote, sender.local_address());
  EXPECT_EQ(trains[0].tuple.local, receiver.local_address());
}

TEST_P(UdpSocketTest, same_octets_arrive_without_gso_and_without_gro) {
  for (const auto& [gso, gro] : {std::pair{false, true}, {true, false}, {false, false}}) {
    UdpSocket receiver = open_socket({.local = loopback(), .gro = gro});
    UdpSocket sender = open_socket({.local = loopback(), .gso = gso});
    EXPECT_LE(sender.capabilities().gso, gso);
    // Forty segments: more messages than one sendmmsg takes.
    Load load(40 * 1'200 + 5, 1'200, receiver.local_address(), Ecn::kEct0);
    ASSERT_EQ(sender.send({&load.train, 1}), 1u);
    EXPECT_EQ(load.train.size, 0u);
    const auto trains = receive_octets(receiver, load.octets.size());
    EXPECT_EQ(datagrams_of(trains), load.datagrams());
    for (const Received& train : trains) EXPECT_EQ(train.ecn, Ecn::kEct0);
    EXPECT_EQ(sender.counters().datagrams_sent, 41u);
  }
}

TEST_P(UdpSocketTest, every_ecn_mark_survives) {
  UdpSocket receiver = open_socket({.local = loopback()});
  UdpSocket sender = open_socket({.local = loopback()});
  ASSERT_TRUE(receiver.capabilities().ecn);
  for (const Ecn ecn : {Ecn::kNotEct, Ecn::kEct1, Ecn::kEct0, Ecn::kCe}) {
    for (const std::size_t size : {std::size_t{1'200}, std::size_t{4'000}}) {
      Load load(size, 1'200, receiver.local_address(), ecn);
      ASSERT_EQ(sender.send({&load.train, 1}), 1u);
      for (const Received& train : receive_octets(receiver, size)) EXPECT_EQ(train.ecn, ecn);
    }
  }
}

TEST_P(UdpSocketTest, several_trains_go_out_with_one_call) {
  UdpSocket first = open_socket({.local = loopback()});
  UdpSocket second = open_socket({.local = loopback()});
  UdpSocket sender = open_socket({.local = loopback()});
  if (!sender.capabilities().gso) GTEST_SKIP() << "this kernel has no UDP_SEGMENT";
  Load a(3'000, 1'000, first.local_address());
  Load b(1'252, 1'252, second.local_address());
  Load c(2'500, 1'300, first.local_address());
  std::array trains{a.train, b.train, c.train};
  ASSERT_EQ(sender.send(trains), 3u);
  EXPECT_EQ(sender.counters().send_calls, 1u);
  EXPECT_EQ(sender.counters().trains_sent, 3u);
  auto expected = a.datagrams();
  for (auto& datagram : c.datagrams()) expected.push_back(datagram);
  EXPECT_EQ(datagrams_of(receive_octets(first, 5'500)), expected);
  EXPECT_EQ(datagrams_of(receive_octets(second, 1'252)), b.datagrams());
}

TEST_P(UdpSocketTest, wildcard_socket_learns_and_keeps_the_local_address) {
  const SocketAddress any = any_address(loopback().family, 0);
  UdpSocket server = open_socket({.local = any});
  UdpSocket client = open_socket({.local = loopback()});
  SocketAddress server_address = loopback();
  server_address.port = server.local_address().port;
  Load question(100, 100, server_address);
  ASSERT_EQ(client.send({&question.train, 1}), 1u);
  const auto asked = receive_octets(server, 100);
  ASSERT_EQ(asked.size(), 1u);
  EXPECT_EQ(asked[0].tuple.local, server_address);
  EXPECT_EQ(asked[0].tuple.remote, client.local_address());

  Load answer(3'000, 1'200, {}, Ecn::kEct0);
  answer.train.tuple = asked[0].tuple;
  ASSERT_EQ(server.send({&answer.train, 1}), 1u);
  const auto answered = receive_octets(client, 3'000);
  ASSERT_FALSE(answered.empty());
  EXPECT_EQ(answered[0].tuple.remote, server_address);
}

TEST_P(UdpSocketTest, dual_stack_socket_speaks_plain_addresses_of_both_families) {
  UdpSocket server = open_socket({.local = any_address(AddressFamily::kIpv6, 0)});
  UdpSocket client = open_socket({.local = loopback()});
  SocketAddress server_address = loopback();
  server_address.port = server.local_address().port;
  Load question(2'500, 1'200, server_address, Ecn::kCe);
  ASSERT_EQ(client.send({&question.train, 1}), 1u);
  const auto asked = receive_octets(server, 2'500);
  ASSERT_FALSE(asked.empty());
  EXPECT_EQ(asked[0].tuple, (FourTuple{server_address, client.local_address()}));
  EXPECT_EQ(asked[0].ecn, Ecn::kCe);

  Load answer(2'500, 1'200, {}, Ecn::kEct1);
  answer.train.tuple = asked[0].tuple;
  ASSERT_EQ(server.send({&answer.train, 1}), 1u);
  const auto answered = receive_octets(client, 2'500);
  ASSERT_FALSE(answered.empty());
  EXPECT_EQ(answered[0].tuple, (FourTuple{client.local_address(), server_address}));
  EXPECT_EQ(answered[0].ecn, Ecn::kEct1);
}

// Only 127.0.0.0/8 has several loopback addresses.
TEST(net_udp_socket, answers_from_the_address_that_was_asked) {
  UdpSocket server = open_socket({.local = any_address(AddressFamily::kIpv4, 0)});
  UdpSocket client = open_socket({.local = ipv4_address({127, 0, 0, 1}, 0)});
  const SocketAddress other = ipv4_address({127, 0, 0, 42}, server.local_address().port);
  Load question(100, 100, other);
  ASSERT_EQ(client.send({&question.train, 1}), 1u);
  const auto asked = receive_octets(server, 100);
  ASSERT_EQ(asked.size(), 1u);
  EXPECT_EQ(asked[0].tuple.local, other);
  Load answer(100, 100, {});
  answer.train.tuple = asked[0].tuple;
  ASSERT_EQ(server.send({&answer.train, 1}), 1u);
  EXPECT_EQ(receive_octets(client, 100)[0].tuple.remote, other);
}

// Loopback frees a sender's buffer at once, so a full one is played: this kernel takes three
// messages a call, and every other call none at all.
unsigned narrow_calls = 0;
int narrow_kernel(int fd, mmsghdr* messages, unsigned count, int flags) {
  if (++narrow_calls % 2 == 0) {
    errno = EAGAIN;
    return -1;
  }
  return sendmmsg(fd, messages, std::min(count, 3u), flags);
}

TEST_P(UdpSocketTest, full_buffer_is_reported_and_the_rest_goes_out_later) {
  for (const bool gso : {true, false}) {
    narrow_calls = 0;
    UdpSocket receiver = open_socket({.local = loopback()});
    UdpSocket sender = open_socket({.local = loopback(), .gso = gso, .send_call = &narrow_kernel});
    std::vector<Load> loads;
    std::vector<TransmitTrain> trains;
    std::vector<std::vector<std::uint8_t>> expected;
    for (std::size_t i = 0; i < 8; ++i) {
      loads.emplace_back(10'000 + i, 1'200, receiver.local_address());
      trains.push_back(loads.back().train);
      for (auto& datagram : loads.back().datagrams()) expected.push_back(datagram);
    }
    std::size_t calls = 0;
    for (std::size_t done = 0; done < trains.size(); ++calls) {
      const std::size_t finished = sender.send(std::span(trains).subspan(done));
      for (std::size_t i = done; i < done + finished; ++i) EXPECT_EQ(trains[i].size, 0u);
      done += finished;
    }
    EXPECT_GT(calls, 1u);
    EXPECT_GE(sender.counters().send_blocked, calls - 1);
    EXPECT_EQ(sender.counters().datagrams_sent, expected.size());
    EXPECT_EQ(datagrams_of(receive_octets(receiver, 80'028)), expected);
  }
}

// A device without checksum offload: every train is an error, every datagram is fine.
int kernel_without_gso(int fd, mmsghdr* messages, unsigned count, int flags) {
  if (messages->msg_hdr.msg_iov->iov_len > 1'200) {
    errno = EIO;
    return -1;
  }
  return sendmmsg(fd, messages, count, flags);
}

// The same fault, as other kernels tell it.
int kernel_that_finds_trains_invalid(int fd, mmsghdr* messages, unsigned count, int flags) {
  const int result = kernel_without_gso(fd, messages, count, flags);
  if (result < 0 && errno == EIO) errno = EINVAL;
  return result;
}

TEST_P(UdpSocketTest, gso_refused_at_run_time_is_given_up_and_no_octet_lost) {
  for (const SendCall kernel : {&kernel_without_gso, &kernel_that_finds_trains_invalid}) {
    UdpSocket receiver = open_socket({.local = loopback()});
    UdpSocket sender = open_socket({.local = loopback(), .send_call = kernel});
    if (!sender.capabilities().gso) GTEST_SKIP() << "this kernel has no UDP_SEGMENT";
    Load first(20'100, 1'200, receiver.local_address());
    Load second(5'000, 1'200, receiver.local_address());
    std::array trains{first.train, second.train};
    ASSERT_EQ(sender.send(trains), 2u);
    EXPECT_FALSE(sender.capabilities().gso);
    EXPECT_EQ(sender.counters().gso_refusals, 1u);
    auto expected = first.datagrams();
    for (auto& datagram : second.datagrams()) expected.push_back(datagram);
    EXPECT_EQ(datagrams_of(receive_octets(receiver, 25'100)), expected);
  }
}

int kernel_without_a_route(int, mmsghdr*, unsigned, int) {
  errno = ENETUNREACH;
  return -1;
}

int kernel_with_a_rule_against_it(int, mmsghdr*, unsigned, int) {
  errno = EPERM;
  return -1;
}

TEST_P(UdpSocketTest, trains_that_cannot_leave_are_dropped_and_counted_by_cause) {
  Load load(3'000, 1'200, loopback());
  UdpSocket lost = open_socket({.local = loopback(), .send_call = &kernel_without_a_route});
  std::array trains{load.train, load.train};
  EXPECT_EQ(lost.send(trains), 2u);
  EXPECT_EQ(lost.counters().send_unreachable, 6u);
  UdpSocket barred = open_socket({.local = loopback(), .send_call = &kernel_with_a_rule_against_it});
  trains = {load.train, load.train};
  EXPECT_EQ(barred.send(trains), 2u);
  EXPECT_EQ(barred.counters().send_failed, 6u);
}

// PROBE: every datagram has the DF bit, and what ICMP says of the path changes nothing.
// rfc9000:14-not-fragmented rfc9000:14-df rfc9000:14.2.1-below-minimum rfc9000:14.2.1-match rfc9000:14.2.1-no-increase
TEST(udp_socket, datagrams_are_not_fragmented_and_icmp_is_not_heeded) {
  const auto discovery = [](const UdpSocket& socket, int level, int name) {
    int value = -1;
    socklen_t size = sizeof value;
    EXPECT_EQ(getsockopt(socket.fd(), level, name, &value, &size), 0);
    return value;
  };
  const UdpSocket v4 = open_socket({.local = ipv4_address({127, 0, 0, 1}, 0)});
  EXPECT_EQ(discovery(v4, IPPROTO_IP, IP_MTU_DISCOVER), IP_PMTUDISC_PROBE);
  const UdpSocket both = open_socket({.local = {.family = AddressFamily::kIpv6}});
  EXPECT_EQ(discovery(both, IPPROTO_IPV6, IPV6_MTU_DISCOVER), IPV6_PMTUDISC_PROBE);
  EXPECT_EQ(discovery(both, IPPROTO_IP, IP_MTU_DISCOVER), IP_PMTUDISC_PROBE);
}

TEST_P(UdpSocketTest, datagram_above_the_mtu_is_dropped_and_counted) {
  // Loopback's MTU is 65,536, so that only IPv4 with a 65,507-octet limit can exceed it; the
  // kernel answers EMSGSIZE to whatever does not fit one IP packet in either family.
  UdpSocket receiver = open_socket({.local = loopback()});
  UdpSocket sender = open_socket({.local = loopback()});
  Load large(65'600, 65'600, receiver.local_address());
  Load small(1'200, 1'200, receiver.local_address());
  std::array trains{large.train, small.train};
  EXPECT_EQ(sender.send(trains), 2u);
  EXPECT_EQ(sender.counters().send_too_large, 1u);
  EXPECT_EQ(sender.counters().datagrams_sent, 1u);
  EXPECT_EQ(datagrams_of(receive_octets(receiver, 1'200)), small.datagrams());
}

TEST_P(UdpSocketTest, train_that_the_kernel_will_not_segment_goes_out_singly) {
  // More octets than one GSO send may have: the kernel refuses the train, not its datagrams.
  UdpSocket receiver = open_socket({.local = loopback()});
  UdpSocket sender = open_socket({.local = loopback()});
  if (!sender.capabilities().gso) GTEST_SKIP() << "this kernel has no UDP_SEGMENT";
  Load load(60 * 1'200, 1'200, receiver.local_address());
  ASSERT_EQ(sender.send({&load.train, 1}), 1u);
  EXPECT_EQ(sender.counters().gso_refusals, 1u);
  EXPECT_EQ(datagrams_of(receive_octets(receiver, load.octets.size())), load.datagrams());

  // The socket has kept GSO, for this was the train's fault.
  EXPECT_TRUE(sender.capabilities().gso);
  Load next(10 * 1'200, 1'200, receiver.local_address());
  const std::uint64_t calls = sender.counters().send_calls;
  ASSERT_EQ(sender.send({&next.train, 1}), 1u);
  EXPECT_EQ(sender.counters().send_calls, calls + 1);
}

TEST_P(UdpSocketTest, source_address_that_is_not_ours_drops_the_train) {
  UdpSocket sender = open_socket({.local = any_address(loopback().family, 0)});
  UdpSocket receiver = open_socket({.local = loopback()});
  Load load(3'000, 1'200, receiver.local_address());
  load.train.tuple.local =
      *parse_address(loopback().family == AddressFamily::kIpv4 ? "192.0.2.77:1" : "[2001:db8::77]:1");
  EXPECT_EQ(sender.send({&load.train, 1}), 1u);
  EXPECT_EQ(sender.counters().send_unreachable, 3u);
  EXPECT_EQ(sender.counters().datagrams_sent, 0u);
}

// rfc9000:9.7-flow-label rfc9000:9.7-flow-label-unlinkable
TEST(udp_socket, ipv6_packets_carry_a_flow_label_of_their_own_4_tuple) {
  constexpr int kFlowInfo = 11;  // IPV6_FLOWINFO of linux/in6.h, which netinet/in.h does not go with
  char setting = '0';
  if (FILE* file = std::fopen("/proc/sys/net/ipv6/auto_flowlabels", "r")) {
    setting = static_cast<char>(std::fgetc(file));
    std::fclose(file);
  }
  if (setting == '0') GTEST_SKIP() << "this system has no flow labels";
  SocketAddress loopback{.family = AddressFamily::kIpv6};
  loopback.ip[15] = 1;
  UdpSocket receiver = open_socket({.local = loopback});
  const int on = 1;
  ASSERT_EQ(setsockopt(receiver.fd(), IPPROTO_IPV6, kFlowInfo, &on, sizeof(on)), 0);
  const auto label_of = [&](UdpSocket& sender) -> std::uint32_t {
    std::vector<std::uint8_t> octet(1);
    TransmitTrain train{.buffer = octet, .size = 1, .segment_size = 1, .tuple = {{}, receiver.local_address()}};
    EXPECT_EQ(sender.send({&train, 1}), 1u);
    EXPECT_TRUE(wait_readable(receiver, 5'000));
    char data[8];
    alignas(cmsghdr) char control[512];
    iovec vector{data, sizeof(data)};
    msghdr message{};
    message.msg_iov = &vector;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof(control);
    EXPECT_EQ(recvmsg(receiver.fd(), &message, 0), 1);
    for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr; part = CMSG_NXTHDR(&message, part)) {
      if (part->cmsg_level != IPPROTO_IPV6 || part->cmsg_type != kFlowInfo) continue;
      std::uint32_t info = 0;
      std::memcpy(&info, CMSG_DATA(part), sizeof(info));
      return ntohl(info) & 0xfffff;
    }
    return 0;
  };
  UdpSocket first = open_socket({.local = loopback});
  UdpSocket second = open_socket({.local = loopback});
  const std::uint32_t label = label_of(first);
  EXPECT_NE(label, 0u);
  EXPECT_EQ(label_of(first), label);
  EXPECT_NE(label_of(second), label);  // by chance equal once in a million
}

TEST_P(UdpSocketTest, empty_datagram_is_discarded) {
  UdpSocket receiver = open_socket({.local = loopback()});
  UdpSocket sender = open_socket({.local = loopback()});
  sockaddr_storage to{};
  const sa_family_t family = loopback().family == AddressFamily::kIpv4 ? AF_INET : AF_INET6;
  const socklen_t size = to_sockaddr(receiver.local_address(), family, to);
  ASSERT_EQ(sendto(sender.fd(), nullptr, 0, 0, reinterpret_cast<sockaddr*>(&to), size), 0);
  Load load(500, 500, receiver.local_address());
  ASSERT_EQ(sender.send({&load.train, 1}), 1u);
  EXPECT_EQ(receive_octets(receiver, 500).size(), 1u);
  EXPECT_EQ(receiver.counters().receive_discarded, 1u);
}

TEST_P(UdpSocketTest, shared_port_needs_reuse_port_on_both) {
  UdpSocket first = open_socket({.local = loopback(), .reuse_port = true});
  EXPECT_TRUE(UdpSocket::open({.local = first.local_address(), .reuse_port = true}));
  const auto refused = UdpSocket::open({.local = first.local_address()});
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find(to_string(first.local_address())), std::string::npos);
}

TEST_P(UdpSocketTest, reports_buffers_and_drops) {
  UdpSocket receiver = open_socket({.local = loopback(), .receive_buffer = 8'192});
  UdpSocket sender = open_socket({.local = loopback()});
  EXPECT_GE(receiver.capabilities().receive_buffer, 8'192u);
  EXPECT_EQ(receiver.kernel_drops(), 0u);
  for (int i = 0; i < 100; ++i) {
    Load load(1'200, 1'200, receiver.local_address());
    ASSERT_EQ(sender.send({&load.train, 1}), 1u);
  }
  EXPECT_GT(receiver.kernel_drops(), 0u);
}

TEST(net_buffer_pool, slots_are_page_aligned_and_apart) {
  for (const std::size_t slots : {1u, 3u, 32u, 40u}) {
    const BufferPool pool(slots);
    ASSERT_EQ(pool.size(), slots);
    for (std::size_t i = 0; i < slots; ++i) {
      EXPECT_EQ(reinterpret_cast<std::uintptr_t>(pool.slot(i).data()) % 4'096, 0u);
      pool.slot(i).front() = pool.slot(i).back() = static_cast<std::uint8_t>(i);
    }
    for (std::size_t i = 0; i < slots; ++i) EXPECT_EQ(pool.slot(i).front(), pool.slot(i).back());
  }
}

}  // namespace
}  // namespace hawser::net
