// Goal: a datagram reaches the socket that its octets name, wherever it comes from, with
// either program; what names none still arrives. Method: sockets on one port of loopback,
// and senders with many source ports. Methods that the kernel refuses here are skipped.
#include "net/steering.h"

#include <gtest/gtest.h>
#include <poll.h>

#include <array>
#include <stdexcept>
#include <string>
#include <vector>

#include "net/buffer_pool.h"
#include "net/udp_socket.h"

namespace hawser::net {
namespace {

// As a protocol might have it: behind a flags octet, or behind that, a version and a length.
constexpr SteeringRule kRule{.offset_if_clear = 1, .offset_if_set = 6};
constexpr std::size_t kSockets = 5;

bool is_allowed(SteeringMethod method) {
  return SteeringGroup::create({.rule = kRule, .sockets = 1, .method = method}).has_value();
}

// All sockets of one port.
class Group {
 public:
  Group(SteeringMethod method, const std::string& address, std::size_t sockets = kSockets) {
    auto group = SteeringGroup::create({.rule = kRule, .sockets = sockets, .method = method});
    if (!group) throw std::runtime_error(group.error().message);
    UdpOptions options{.local = *parse_address(address), .reuse_port = true, .steering = &*group};
    for (std::size_t i = 0; i < sockets; ++i) {
      auto socket = UdpSocket::open(options);
      if (!socket) throw std::runtime_error(socket.error().message);
      options.local.port = socket->local_address().port;
      sockets_.push_back(std::move(*socket));
    }
    method_ = group->method();
  }
  [[nodiscard]] SocketAddress address() const { return sockets_[0].local_address(); }
  [[nodiscard]] SteeringMethod method() const { return method_; }
  void close_last() { sockets_.pop_back(); }

  // Which socket got the one datagram that is under way; its size must be `size`.
  std::size_t receiver_of(std::size_t size) {
    std::vector<pollfd> waiting;
    for (const UdpSocket& socket : sockets_) waiting.push_back({.fd = socket.fd(), .events = POLLIN, .revents = 0});
    if (::poll(waiting.data(), waiting.size(), 5'000) != 1) return SIZE_MAX;
    for (std::size_t i = 0; i < sockets_.size(); ++i) {
      if (waiting[i].revents == 0) continue;
      std::array<ReceivedTrain, 1> trains;
      bool drained = false;
      std::size_t slot = 0;
      if (sockets_[i].receive(trains, pool_, slot, drained) != 1 || trains[0].bytes.size() != size) return SIZE_MAX;
      return i;
    }
    return SIZE_MAX;
  }

 private:
  BufferPool pool_{1};
  std::vector<UdpSocket> sockets_;
  SteeringMethod method_ = SteeringMethod::kHash;
};

UdpSocket sender_towards(const SocketAddress& to) {
  return std::move(*UdpSocket::open({.local = any_address(to.family, 0)}));
}

void send(UdpSocket& from, SocketAddress to, std::vector<std::uint8_t> octets, std::size_t segment_size = 0) {
  if (is_unspecified(to)) to = *parse_address("[::1]:" + std::to_string(to.port));
  TransmitTrain train;
  train.buffer = octets;
  train.size = octets.size();
  train.segment_size = segment_size == 0 ? octets.size() : segment_size;
  train.tuple.remote = to;
  ASSERT_EQ(from.send({&train, 1}), 1u);
}

std::vector<std::uint8_t> datagram(bool first_bit, std::uint16_t number, std::size_t size = 40) {
  // Every other place where a number could be taken from names another socket.
  std::vector<std::uint8_t> octets(size, static_cast<std::uint8_t>(number + 1));
  octets[0] = first_bit ? 0xc0 : 0x40;
  const std::size_t at = first_bit ? kRule.offset_if_set : kRule.offset_if_clear;
  octets[at] = static_cast<std::uint8_t>(number >> 8);
  octets[at + 1] = static_cast<std::uint8_t>(number);
  return octets;
}

class SteeringTest : public testing::TestWithParam<SteeringMethod> {
 protected:
  void SetUp() override {
    if (!is_allowed(GetParam())) GTEST_SKIP() << "wants CAP_BPF";
  }
};

INSTANTIATE_TEST_SUITE_P(net, SteeringTest, testing::Values(SteeringMethod::kEbpf, SteeringMethod::kClassic),
                         [](const auto& param) { return std::string(to_string(param.param)); });

TEST_P(SteeringTest, both_forms_reach_the_socket_that_they_name_from_any_port) {
  for (const char* address : {"127.0.0.1:0", "[::1]:0", "[::]:0"}) {
    Group group(GetParam(), address);
    EXPECT_EQ(group.method(), GetParam());
    for (std::uint16_t number = 0; number < 65'000; number += 1'301) {
      UdpSocket from = sender_towards(group.address());
      for (const bool first_bit : {false, true}) {
        send(from, group.address(), datagram(first_bit, number));
        EXPECT_EQ(group.receiver_of(40), number % kSockets) << address << " " << number << " " << first_bit;
      }
    }
  }
}

TEST_P(SteeringTest, train_goes_where_its_first_datagram_says) {
  Group group(GetParam(), "127.0.0.1:0");
  UdpSocket from = sender_towards(group.address());
  const UdpCapabilities& can = from.capabilities();
  if (!can.gso || !can.gro) GTEST_SKIP() << "no GSO or no GRO here";
  for (std::uint16_t number = 0; number < kSockets; ++number) {
    send(from, group.address(), datagram(false, number, 12'000), 1'200);
    EXPECT_EQ(group.receiver_of(12'000), number);
  }
}

TEST_P(SteeringTest, datagram_that_is_too_short_to_say_arrives_somewhere) {
  Group group(GetParam(), "127.0.0.1:0");
  UdpSocket from = sender_towards(group.address());
  for (const std::size_t size : {1, 2, 7}) {
    send(from, group.address(), std::vector<std::uint8_t>(size, 0xc0));
    EXPECT_LT(group.receiver_of(size), kSockets);
  }
}

TEST_P(SteeringTest, datagrams_of_a_closed_socket_go_to_the_others) {
  Group group(GetParam(), "127.0.0.1:0");
  group.close_last();
  UdpSocket from = sender_towards(group.address());
  send(from, group.address(), datagram(false, kSockets - 1));
  EXPECT_LT(group.receiver_of(40), kSockets - 1);
}

TEST(net_steering, program_is_right_beside_a_stranger_on_the_port) {
  if (!is_allowed(SteeringMethod::kEbpf)) GTEST_SKIP() << "wants CAP_BPF";
  const auto stranger = UdpSocket::open({.local = *parse_address("127.0.0.1:0"), .reuse_port = true});
  ASSERT_TRUE(stranger);
  Group group(SteeringMethod::kEbpf, to_string(stranger->local_address()));
  for (std::uint16_t number = 0; number < kSockets; ++number) {
    UdpSocket from = sender_towards(group.address());
    send(from, group.address(), datagram(true, number));
    EXPECT_EQ(group.receiver_of(40), number);
  }
}

TEST(net_steering, hash_keeps_a_source_at_one_socket_whatever_it_says) {
  Group group(SteeringMethod::kHash, "127.0.0.1:0");
  EXPECT_EQ(group.method(), SteeringMethod::kHash);
  UdpSocket from = sender_towards(group.address());
  send(from, group.address(), datagram(false, 0));
  const std::size_t receiver = group.receiver_of(40);
  for (std::uint16_t number = 1; number < 20; ++number) {
    send(from, group.address(), datagram(number % 2 == 0, number));
    EXPECT_EQ(group.receiver_of(40), receiver);
  }
}

TEST(net_steering, auto_takes_the_best_that_is_allowed) {
  const Group group(SteeringMethod::kAuto, "127.0.0.1:0");
  EXPECT_EQ(group.method(), is_allowed(SteeringMethod::kEbpf) ? SteeringMethod::kEbpf : SteeringMethod::kClassic);
}

TEST(net_steering, methods_have_names) {
  for (const auto method :
       {SteeringMethod::kAuto, SteeringMethod::kEbpf, SteeringMethod::kClassic, SteeringMethod::kHash}) {
    EXPECT_EQ(parse_steering_method(to_string(method)), method);
  }
  const auto unknown = parse_steering_method("random");
  ASSERT_FALSE(unknown);
  EXPECT_NE(unknown.error().message.find("random"), std::string::npos);
}

TEST(net_steering, rule_finds_the_number_or_says_that_there_is_none) {
  EXPECT_EQ(kRule.key(datagram(false, 0x1234)), 0x1234);
  EXPECT_EQ(kRule.key(datagram(true, 0xfedc)), 0xfedc);
  EXPECT_FALSE(kRule.key({}));
  const std::array<std::uint8_t, 7> short_one{0xc0};
  EXPECT_FALSE(kRule.key(short_one));
}

}  // namespace
}  // namespace hawser::net
