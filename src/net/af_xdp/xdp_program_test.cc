// Goal: the program takes our datagrams and nothing else. Method: the kernel runs it over frames
// of every kind (BPF_PROG_TEST_RUN), with a map of devices in the place of the map of sockets,
// since a redirect to a queue without a socket is a pass; skipped where BPF is not allowed.
#include "net/af_xdp/xdp_program.h"

#include <gtest/gtest.h>

#include "net/address.h"

namespace hawser::net {
namespace {

constexpr MacAddress kStation{2, 0, 0, 0, 0, 9};
constexpr std::size_t kFrameMax = 1'792;

struct Loaded {
  Descriptor destinations;
  Descriptor sockets;
  Descriptor program;

  void take(std::string_view address) const {
    ASSERT_TRUE(set_bpf_entry(destinations.get(), XdpDestination::of(*parse_address(address)), std::uint32_t{1}));
  }
  [[nodiscard]] std::uint32_t verdict(Bytes frame) const { return run_bpf_program(program.get(), frame).value(); }
};

class net_xdp_program : public ::testing::Test {
 protected:
  void SetUp() override {
    auto destinations = create_bpf_map({.type = BPF_MAP_TYPE_HASH,
                                        .key_size = sizeof(XdpDestination),
                                        .value_size = 4,
                                        .entries = 16,
                                        .name = "destinations"});
    auto sockets =
        create_bpf_map({.type = BPF_MAP_TYPE_DEVMAP, .key_size = 4, .value_size = 4, .entries = 4, .name = "devices"});
    if (!destinations) GTEST_SKIP() << destinations.error().message;
    if (!sockets) GTEST_SKIP() << sockets.error().message;
    loaded_.destinations = *std::move(destinations);
    loaded_.sockets = *std::move(sockets);
    ASSERT_TRUE(set_bpf_entry(loaded_.sockets.get(), std::uint32_t{0}, std::uint32_t{1}));  // lo
    const auto program = xdp_program({.station = kStation,
                                      .frame_max = kFrameMax,
                                      .destinations_map = loaded_.destinations.get(),
                                      .sockets_map = loaded_.sockets.get()});
    auto made = load_bpf_program(BPF_PROG_TYPE_XDP, program, "hawser_test");
    ASSERT_TRUE(made.has_value()) << made.error().message;
    loaded_.program = *std::move(made);
  }

  Loaded loaded_;
};

std::vector<std::uint8_t> frame_to(std::string_view address, std::size_t payload = 20) {
  const SocketAddress remote = *parse_address(address);
  const SocketAddress local =
      *parse_address(remote.family == AddressFamily::kIpv4 ? "192.0.2.77:5" : "[2001:db8::77]:5");
  const FrameHeaders headers({.source = {2, 0, 0, 0, 0, 1}, .destination = kStation},
                             {.local = local, .remote = remote}, Ecn::kEct0, true);
  const std::vector<std::uint8_t> octets(payload, 'x');
  std::vector<std::uint8_t> frame(headers.size() + payload);
  headers.write(frame.data(), octets, 0);
  return frame;
}

constexpr std::string_view kOurs4 = "192.0.2.1:443";
constexpr std::string_view kOurs6 = "[2001:db8::1]:443";

TEST_F(net_xdp_program, takes_datagrams_to_our_address_and_port) {
  EXPECT_EQ(loaded_.verdict(frame_to(kOurs4)), XDP_PASS);
  loaded_.take(kOurs4);
  loaded_.take(kOurs6);
  EXPECT_EQ(loaded_.verdict(frame_to(kOurs4)), XDP_REDIRECT);
  EXPECT_EQ(loaded_.verdict(frame_to(kOurs6)), XDP_REDIRECT);
}

TEST_F(net_xdp_program, passes_other_ports_and_other_addresses) {
  loaded_.take(kOurs4);
  loaded_.take(kOurs6);
  for (const auto* other : {"192.0.2.1:444", "192.0.2.2:443", "[2001:db8::1]:444", "[2001:db8::2]:443"}) {
    EXPECT_EQ(loaded_.verdict(frame_to(other)), XDP_PASS) << other;
  }
}

TEST_F(net_xdp_program, one_family_does_not_stand_for_the_other) {
  loaded_.take("[c000:201::]:443");  // begins with the octets of 192.0.2.1
  EXPECT_EQ(loaded_.verdict(frame_to(kOurs4)), XDP_PASS);
}

TEST_F(net_xdp_program, passes_what_is_no_plain_udp) {
  loaded_.take(kOurs4);
  loaded_.take(kOurs6);
  const auto with = [&](std::string_view address, std::size_t at, std::uint8_t value) {
    auto frame = frame_to(address);
    frame[at] = value;
    return loaded_.verdict(frame);
  };
  EXPECT_EQ(with(kOurs4, 5, 8), XDP_PASS);  // to another station
  EXPECT_EQ(with(kOurs4, 0, 3), XDP_PASS);
  EXPECT_EQ(with(kOurs4, 13, 6), XDP_PASS);         // ARP
  EXPECT_EQ(with(kOurs4, 12, 0x81), XDP_PASS);      // no EtherType of ours
  EXPECT_EQ(with(kOurs4, 14, 0x46), XDP_PASS);      // IP options
  EXPECT_EQ(with(kOurs4, 23, 6), XDP_PASS);         // TCP to the same port
  EXPECT_EQ(with(kOurs4, 23, 1), XDP_PASS);         // ICMP
  EXPECT_EQ(with(kOurs4, 20, 0x20), XDP_PASS);      // a first fragment
  EXPECT_EQ(with(kOurs4, 21, 1), XDP_PASS);         // a later one
  EXPECT_EQ(with(kOurs4, 20, 0x40), XDP_REDIRECT);  // DF
  EXPECT_EQ(with(kOurs6, 14, 0x40), XDP_PASS);      // another version
  EXPECT_EQ(with(kOurs6, 20, 6), XDP_PASS);         // TCP
  EXPECT_EQ(with(kOurs6, 20, 0), XDP_PASS);         // hop-by-hop options
  EXPECT_EQ(with(kOurs6, 20, 44), XDP_PASS);        // a fragment
  EXPECT_EQ(with(kOurs6, 20, 58), XDP_PASS);        // ICMPv6
  EXPECT_EQ(with(kOurs6, 15, 0x12), XDP_REDIRECT);  // a traffic class and flow label
}

TEST_F(net_xdp_program, passes_frames_that_are_too_short_or_too_long) {
  loaded_.take(kOurs4);
  loaded_.take(kOurs6);
  EXPECT_EQ(loaded_.verdict(frame_to(kOurs4, kFrameMax - 42)), XDP_REDIRECT);
  EXPECT_EQ(loaded_.verdict(frame_to(kOurs4, kFrameMax - 41)), XDP_PASS);
  EXPECT_EQ(loaded_.verdict(frame_to(kOurs6, kFrameMax - 62)), XDP_REDIRECT);
  EXPECT_EQ(loaded_.verdict(frame_to(kOurs6, kFrameMax - 61)), XDP_PASS);
  const auto whole4 = frame_to(kOurs4, 1);
  const auto whole6 = frame_to(kOurs6, 1);
  // The kernel runs nothing shorter than an Ethernet header.
  for (std::size_t size = kEthernetHeaderSize; size < 42; ++size) {
    EXPECT_EQ(loaded_.verdict(Bytes(whole4).first(size)), XDP_PASS) << size;
  }
  for (std::size_t size = kEthernetHeaderSize; size < 62; ++size) {
    EXPECT_EQ(loaded_.verdict(Bytes(whole6).first(size)), XDP_PASS) << size;
  }
  EXPECT_EQ(loaded_.verdict(Bytes(whole4).first(42)), XDP_REDIRECT);
  EXPECT_EQ(loaded_.verdict(Bytes(whole6).first(62)), XDP_REDIRECT);
}

TEST_F(net_xdp_program, passes_datagrams_whose_queue_has_no_socket) {
  loaded_.take(kOurs4);
  ASSERT_TRUE(erase_bpf_entry(loaded_.sockets.get(), std::uint32_t{0}));
  EXPECT_EQ(loaded_.verdict(frame_to(kOurs4)), XDP_PASS);
}

TEST_F(net_xdp_program, forgotten_destination_passes_again) {
  loaded_.take(kOurs4);
  EXPECT_EQ(loaded_.verdict(frame_to(kOurs4)), XDP_REDIRECT);
  ASSERT_TRUE(erase_bpf_entry(loaded_.destinations.get(), XdpDestination::of(*parse_address(kOurs4))));
  EXPECT_EQ(loaded_.verdict(frame_to(kOurs4)), XDP_PASS);
}

}  // namespace
}  // namespace hawser::net
