// Goal: what is io_uring's own: operations that go on by themselves neither outlive their socket
// nor run dry, and memory that the kernel reads is not lent. Method: engines on loopback.
#include "net/io_uring/io_uring_engine.h"

#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <stdexcept>
#include <vector>

namespace hawser::net {
namespace {

const UdpOptions kLoopback{.local = ipv4_address({127, 0, 0, 1}, 0)};

class IoUring : public testing::Test {
 protected:
  void SetUp() override {
    if (const auto reason = why_not_io_uring()) GTEST_SKIP() << reason->message;
  }
  static std::unique_ptr<Engine> make(const IoUringOptions& options = {}) {
    auto engine = make_io_uring_engine(options);
    if (!engine) throw std::runtime_error(engine.error().message);
    return std::move(*engine);
  }
  // Sends one train of `size` octets of `value`.
  static void send(Engine& engine, const FourTuple& tuple, std::uint8_t value, std::size_t size = 100) {
    std::array<TransmitTrain, 1> trains;
    while (engine.lend(trains) == 0) engine.poll(5s);
    std::fill_n(trains[0].buffer.begin(), size, value);
    trains[0].size = size;
    trains[0].segment_size = std::min<std::size_t>(size, 1'400);
    trains[0].tuple = tuple;
    ASSERT_EQ(engine.send(trains), 1u);
  }
};

TEST_F(IoUring, closed_socket_frees_its_port_at_once) {
  auto engine = make();
  UdpOptions options = kLoopback;
  for (int i = 0; i < 100; ++i) {
    const auto socket = engine->open(options);
    ASSERT_TRUE(socket) << i << ": " << socket.error().message;
    options.local = engine->local_address(*socket);
    engine->poll(0ns);  // from here on an operation receives on it
    engine->close(*socket);
  }
}

TEST_F(IoUring, datagrams_of_a_closed_socket_do_not_come_to_the_next_one) {
  auto engine = make();
  auto peer = make();
  const SocketAddress from = peer->local_address(*peer->open(kLoopback));
  const SocketId first = *engine->open(kLoopback);
  send(*peer, {from, engine->local_address(first)}, 1);
  while (!engine->poll(5s).readable) {
  }
  engine->close(first);
  const SocketId second = *engine->open(kLoopback);
  EXPECT_EQ(second, first);
  send(*peer, {from, engine->local_address(second)}, 2);
  std::array<ReceivedTrain, 8> trains;
  std::size_t count = 0;
  while ((count = engine->receive(trains)) == 0) engine->poll(5s);
  EXPECT_EQ(count, 1u);
  EXPECT_EQ(trains[0].bytes[0], 2);
}

TEST_F(IoUring, receiving_goes_on_when_slots_ran_out) {
  for (const std::size_t slots : {1u, 3u}) {
    auto engine = make({.receive_slots = slots});
    auto peer = make();
    const FourTuple tuple{peer->local_address(*peer->open(kLoopback)), engine->local_address(*engine->open(kLoopback))};
    for (std::uint8_t i = 0; i < 200; ++i) send(*peer, tuple, i);
    std::array<ReceivedTrain, 8> trains;
    for (std::uint8_t next = 0; next < 200;) {
      const std::size_t count = engine->receive(trains);
      if (count == 0) engine->poll(5s);
      for (std::size_t i = 0; i < count; ++i) ASSERT_EQ(trains[i].bytes[0], next++);
    }
  }
}

TEST_F(IoUring, what_was_received_stays_until_the_next_receive) {
  auto engine = make({.receive_slots = 2});
  auto peer = make();
  const FourTuple tuple{peer->local_address(*peer->open(kLoopback)), engine->local_address(*engine->open(kLoopback))};
  for (std::uint8_t i = 1; i <= 4; ++i) send(*peer, tuple, i);
  std::array<ReceivedTrain, 2> trains;
  while (engine->receive(std::span(trains).first(1)) == 0) engine->poll(5s);
  const Bytes view = trains[0].bytes;
  for (int i = 0; i < 3; ++i) engine->poll(0ns);
  EXPECT_TRUE(std::ranges::all_of(view, [](std::uint8_t octet) { return octet == 1; }));
}

TEST_F(IoUring, trains_without_a_copy_arrive_as_they_were) {
  auto engine = make();
  auto peer = make({.transmit_slots = 2, .zero_copy = UringZeroCopy::kZeroCopy});
  const FourTuple tuple{peer->local_address(*peer->open(kLoopback)), engine->local_address(*engine->open(kLoopback))};
  std::array<ReceivedTrain, 8> trains;
  for (std::uint8_t i = 0; i < 100; ++i) {
    send(*peer, tuple, i, 60'000);
    for (std::size_t left = 60'000; left != 0;) {
      const std::size_t count = engine->receive(trains);
      if (count == 0 && !engine->poll(5s).readable) break;
      for (const ReceivedTrain& train : std::span(trains).first(count)) {
        left -= train.bytes.size();
        ASSERT_TRUE(std::ranges::all_of(train.bytes, [&](std::uint8_t octet) { return octet == i; }));
      }
    }
  }
  EXPECT_EQ(peer->counters().octets_sent, 6'000'000u);
  EXPECT_EQ(engine->counters().octets_received, 6'000'000u);
}

TEST_F(IoUring, train_that_the_kernel_refuses_is_dropped_and_counted) {
  auto peer = make({.zero_copy = UringZeroCopy::kZeroCopy});
  const SocketAddress from = peer->local_address(*peer->open(kLoopback));
  std::array<TransmitTrain, 1> trains;
  ASSERT_EQ(peer->lend(trains), 1u);
  trains[0].size = 56'000;
  trains[0].segment_size = 1'400;
  trains[0].tuple = {from, ipv4_address({255, 255, 255, 255}, 9)};  // without SO_BROADCAST
  EXPECT_EQ(peer->send(trains), 1u);
  EXPECT_EQ(peer->counters().send_failed, 40u);
  EXPECT_EQ(peer->counters().datagrams_sent, 0u);
  EXPECT_EQ(peer->lend(trains), 1u);
}

TEST_F(IoUring, options_out_of_range_are_refused) {
  for (const IoUringOptions& options :
       {IoUringOptions{.receive_slots = 0}, {.receive_slots = 5'000}, {.transmit_slots = 0}, {.transmit_slots = 65}}) {
    const auto engine = make_io_uring_engine(options);
    ASSERT_FALSE(engine);
    EXPECT_NE(engine.error().message.find("1 to 64 transmit slots"), std::string::npos);
  }
}

// Has the kernel answer io_uring_setup as it does where a container or a sysctl forbids it.
bool forbid_io_uring(std::uint32_t error) {
  const std::array<sock_filter, 4> rules{
      sock_filter BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      sock_filter BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_setup, 0, 1),
      sock_filter BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
      sock_filter BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog program{.len = rules.size(), .filter = const_cast<sock_filter*>(rules.data())};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

TEST(IoUringDeathTest, machine_that_forbids_it_says_what_to_change) {
#ifndef HAWSER_HAVE_URING
  GTEST_SKIP() << why_not_io_uring()->message;
#endif
  const auto reason_is = [](std::uint32_t error, std::string_view words) {
    if (!forbid_io_uring(error)) return false;
    const auto reason = why_not_io_uring();
    return reason && reason->message.find(words) != std::string::npos;
  };
  EXPECT_EXIT(_exit(reason_is(EPERM, "kernel.io_uring_disabled") ? 0 : 1), testing::ExitedWithCode(0), "");
  EXPECT_EXIT(_exit(reason_is(ENOSYS, "Linux 6.1") ? 0 : 1), testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace hawser::net
