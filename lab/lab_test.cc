// lab_test.cc: goal: a link does to packets what its words say. Method: the model is driven
// with made-up time and a fixed seed, edits are checked against checksums computed anew.
#include <gtest/gtest.h>

#include <numeric>
#include <stdexcept>

#include "link_model.h"
#include "link_options.h"
#include "nat.h"
#include "packet_edit.h"

namespace hawser::lab {
namespace {

constexpr std::size_t kPacketSize = 1250;  // 10,000 bits

LaneOptions words(std::string_view text) {
  LinkOptions link;
  apply_words(link, text);
  return link.to_server;
}

Timestamp at(Duration since_start) {
  return Timestamp(1s) + since_start;
}

// Sends `count` packets `gap` apart and returns when each came out, by the number it carries.
struct Arrival {
  std::uint32_t number;
  Duration when;
};
std::vector<Arrival> send(LinkModel& model, std::uint32_t count, Duration gap) {
  std::vector<Arrival> arrivals;
  const auto deliver_until = [&](Timestamp end) {
    while (model.next_deadline() <= end) {
      const Timestamp due = model.next_deadline();
      for (Packet packet; !(packet = model.next_delivery(due)).empty();) {
        std::uint32_t number = 0;
        std::memcpy(&number, packet.data(), sizeof(number));
        arrivals.push_back({number, due - at(0ns)});
      }
    }
  };
  for (std::uint32_t i = 0; i < count; ++i) {
    const Timestamp now = at(gap * i);
    deliver_until(now);
    std::memcpy(model.arrival_slot().data(), &i, sizeof(i));
    model.on_packet(kPacketSize, now);
  }
  deliver_until(at(3600s));
  return arrivals;
}

TEST(lab_options, words_set_both_directions_or_one) {
  LinkOptions link;
  apply_words(link, "name=wifi,rate=50mbit,delay=20ms,to-client.rate=1gbit,loss=1%,queue=64kb,rebind-every=5s");
  EXPECT_EQ(link.name, "wifi");
  EXPECT_EQ(link.to_server.rate_bps, 50'000'000u);
  EXPECT_EQ(link.to_client.rate_bps, 1'000'000'000u);
  EXPECT_EQ(link.to_client.delay, 20ms);
  EXPECT_DOUBLE_EQ(link.to_server.loss, 0.01);
  EXPECT_EQ(link.to_server.queue_bytes, 64'000u);
  EXPECT_FALSE(link.to_server.queue_packets.has_value());
  EXPECT_EQ(link.nat, NatMode::kPort);
  apply_words(link, "down");
  EXPECT_FALSE(link.to_server.up);
  EXPECT_EQ(link.to_server.delay, 20ms);
}

TEST(lab_options, a_wrong_word_is_named_and_changes_nothing) {
  for (const char* wrong : {"rat=5mbit", "rate=5", "rate=fast", "loss=101%", "delay=20", "mtu=67", "mtu=65536",
                            "burst=1%:0", "name=Far Away", "name=a-name-of-16-octet", "nat=maybe", "loss=-1%"}) {
    LinkOptions link;
    EXPECT_THROW(apply_words(link, std::string("delay=1s,") + wrong), std::invalid_argument) << wrong;
    EXPECT_EQ(link.to_server.delay, 0ns) << wrong;
  }
}

TEST(lab_model, a_packet_takes_its_delay_and_keeps_its_order) {
  LinkModel model(words("delay=20ms"), 2048, 1);
  const auto arrivals = send(model, 10, 1ms);
  ASSERT_EQ(arrivals.size(), 10u);
  for (std::uint32_t i = 0; i < 10; ++i) {
    EXPECT_EQ(arrivals[i].number, i);
    EXPECT_EQ(arrivals[i].when, 20ms + i * Duration(1ms));
  }
}

TEST(lab_model, jitter_delays_further_without_reordering) {
  LinkModel model(words("delay=20ms,jitter=10ms"), 2048, 1);
  const auto arrivals = send(model, 1000, 1ms);
  ASSERT_EQ(arrivals.size(), 1000u);
  Duration longest{};
  for (std::uint32_t i = 0; i < arrivals.size(); ++i) {
    EXPECT_EQ(arrivals[i].number, i);
    const Duration took = arrivals[i].when - i * Duration(1ms);
    EXPECT_GE(took, 20ms);
    EXPECT_LE(took, 30ms);
    longest = std::max(longest, took);
  }
  EXPECT_GT(longest, 25ms);
}

TEST(lab_model, the_rate_spaces_packets_and_the_queue_drops_the_rest) {
  // 10 Mbit/s: 1 ms a packet. A hundred arrive at once; the queue holds 20.
  LinkModel model(words("rate=10mbit,queue=20p"), 2048, 1);
  const auto arrivals = send(model, 100, 0ns);
  ASSERT_EQ(arrivals.size(), 20u);
  for (std::uint32_t i = 0; i < 20; ++i) EXPECT_EQ(arrivals[i].when, (i + 1) * Duration(1ms));
  EXPECT_EQ(model.counters().queue_drops.value(), 80u);
}

TEST(lab_model, queues_are_limited_by_bytes_and_by_time_too) {
  LinkModel by_bytes(words("rate=10mbit,queue=12500b"), 2048, 1);
  EXPECT_EQ(send(by_bytes, 100, 0ns).size(), 10u);
  LinkModel by_time(words("rate=10mbit,queue=30ms"), 2048, 1);
  EXPECT_EQ(send(by_time, 100, 0ns).size(), 31u);  // the last waits exactly 30 ms
}

TEST(lab_model, loss_takes_its_share_and_repeats_with_its_seed) {
  LinkModel model(words("loss=10%"), 2048, 7);
  const auto arrivals = send(model, 10'000, 1us);
  // The deviation of a binomial with n = 10,000 and p = 0.1 is 30 packets; six of it either way.
  EXPECT_NEAR(static_cast<double>(arrivals.size()), 9000, 180);
  LinkModel again(words("loss=10%"), 2048, 7);
  const auto repeated = send(again, 10'000, 1us);
  ASSERT_EQ(repeated.size(), arrivals.size());
  for (std::size_t i = 0; i < arrivals.size(); ++i) EXPECT_EQ(repeated[i].number, arrivals[i].number);
}

TEST(lab_model, bursts_lose_packets_in_a_row) {
  LinkModel model(words("burst=1%:10"), 2048, 3);
  const auto arrivals = send(model, 50'000, 1us);
  std::size_t gaps = 0;
  for (std::size_t i = 1; i < arrivals.size(); ++i) gaps += arrivals[i].number != arrivals[i - 1].number + 1;
  ASSERT_GT(gaps, 300u);
  const double mean = static_cast<double>(50'000 - arrivals.size()) / static_cast<double>(gaps);
  EXPECT_GT(mean, 8);
  EXPECT_LT(mean, 12);
}

TEST(lab_model, reordered_packets_are_overtaken) {
  LinkModel model(words("reorder=10%:5ms"), 2048, 3);
  const auto arrivals = send(model, 1000, 1ms);
  ASSERT_EQ(arrivals.size(), 1000u);
  std::size_t steps_back = 0;
  for (std::size_t i = 1; i < arrivals.size(); ++i) steps_back += arrivals[i].number < arrivals[i - 1].number;
  EXPECT_GT(steps_back, 40u);
}

TEST(lab_model, duplicates_come_twice) {
  LinkModel model(words("duplicate=100%"), 2048, 3);
  EXPECT_EQ(send(model, 100, 1ms).size(), 200u);
}

TEST(lab_model, packets_over_the_mtu_and_on_a_link_that_is_down_vanish) {
  LinkModel model(words("mtu=1249"), 2048, 3);
  EXPECT_TRUE(send(model, 3, 1ms).empty());
  EXPECT_EQ(model.counters().too_big.value(), 3u);
  LinkModel far(words("delay=1s"), 2048, 3);
  far.arrival_slot();
  far.on_packet(kPacketSize, at(0ns));
  far.configure(words("down"));
  EXPECT_EQ(far.next_deadline(), kNever);
  EXPECT_TRUE(send(far, 3, 1ms).empty());
  EXPECT_EQ(far.counters().while_down.value(), 4u);
}

// An IPv4 or IPv6 UDP packet with right checksums, and the sums that tell whether they still are.
std::vector<std::uint8_t> udp_packet(int version, std::size_t payload, std::uint8_t ecn) {
  const std::size_t header = version == 4 ? 20 : 40;
  std::vector<std::uint8_t> p(header + 8 + payload);
  std::iota(p.begin() + static_cast<std::ptrdiff_t>(header) + 8, p.end(), std::uint8_t{3});
  const auto put = [&p](std::size_t i, std::size_t value) {
    p[i] = static_cast<std::uint8_t>(value >> 8);
    p[i + 1] = static_cast<std::uint8_t>(value);
  };
  if (version == 4) {
    p[0] = 0x45;
    p[1] = ecn;
    put(2, p.size());
    p[8] = 64;
    p[9] = 17;
    p[12] = 10, p[13] = 77, p[15] = 1;
    p[16] = 10, p[17] = 77, p[19] = 2;
  } else {
    p[0] = 0x60;
    p[1] = static_cast<std::uint8_t>(ecn << 4);
    put(4, payload + 8);
    p[6] = 17;
    p[7] = 64;
    p[8] = 0xfd, p[9] = 0x77, p[23] = 1;
    p[24] = 0xfd, p[25] = 0x77, p[39] = 2;
  }
  put(header, 50'000);
  put(header + 2, 4433);
  put(header + 4, payload + 8);
  return p;
}

std::uint32_t sum_words(std::span<const std::uint8_t> bytes) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) sum += i % 2 == 0 ? bytes[i] << 8 : bytes[i];
  return sum;
}

std::uint16_t fold(std::uint32_t sum) {
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(sum);
}

// The sum over pseudo header and UDP datagram; 0xffff when the checksum in it is right.
std::uint16_t udp_sum(Packet p) {
  const std::size_t header = p[0] >> 4 == 4 ? 20 : 40;
  const std::span<const std::uint8_t> addresses = header == 20 ? p.subspan(12, 8) : p.subspan(8, 32);
  return fold(sum_words(addresses) + 17 + static_cast<std::uint32_t>(p.size() - header) + sum_words(p.subspan(header)));
}

void seal(Packet p) {
  const auto put = [&p](std::size_t i, std::uint16_t sum) {
    p[i] = static_cast<std::uint8_t>(~sum >> 8);
    p[i + 1] = static_cast<std::uint8_t>(~sum);
  };
  if (p[0] >> 4 == 4) put(10, fold(sum_words(p.first(20))));
  put(p[0] >> 4 == 4 ? 26 : 46, udp_sum(p));
}

void expect_right_checksums(Packet p) {
  EXPECT_EQ(udp_sum(p), 0xffff);
  if (p[0] >> 4 == 4) EXPECT_EQ(fold(sum_words(p.first(20))), 0xffff);
}

TEST(lab_packet, edits_keep_checksums_right) {
  for (const int version : {4, 6}) {
    for (const std::size_t payload : {1200u, 1201u, 1u}) {
      auto memory = udp_packet(version, payload, 2);
      const Packet p(memory);
      seal(p);
      expect_right_checksums(p);
      EXPECT_TRUE(mark_congestion(p));
      EXPECT_EQ(version == 4 ? p[1] & 3 : p[1] >> 4 & 3, 3);
      for (std::uint64_t bit = 0; bit < 3000; bit += 7) EXPECT_TRUE(flip_payload_bit(p, bit));
      set_udp_port(p, Side::kSource, 1024);
      set_udp_port(p, Side::kDestination, 65535);
      set_host_octet(p, Side::kSource, 209);
      EXPECT_EQ(udp_port(p, Side::kSource), 1024);
      EXPECT_EQ(host_octet(p, Side::kSource), 209);
      expect_right_checksums(p);
    }
  }
}

TEST(lab_packet, only_ecn_capable_packets_are_marked) {
  for (const int version : {4, 6}) {
    auto memory = udp_packet(version, 10, 0);
    EXPECT_FALSE(mark_congestion(memory));
  }
}

TEST(lab_packet, cut_and_foreign_packets_are_left_alone) {
  auto memory = udp_packet(4, 10, 0);
  for (std::size_t size = 0; size < 28; ++size) EXPECT_FALSE(udp_offset(Packet(memory).first(size)).has_value());
  memory[9] = 6;
  EXPECT_FALSE(udp_offset(memory).has_value());
  EXPECT_FALSE(flip_payload_bit(memory, 0));
}

TEST(lab_nat, a_rebinding_changes_the_client_and_forgets_the_old_mapping) {
  for (const NatMode mode : {NatMode::kPort, NatMode::kAddress, NatMode::kBoth}) {
    Nat nat;
    nat.set_mode(mode);
    const auto outward = [&] {
      auto memory = udp_packet(4, 10, 0);
      seal(memory);
      nat.translate_to_server(memory);
      expect_right_checksums(memory);
      return std::pair(udp_port(memory, Side::kSource), host_octet(memory, Side::kSource));
    };
    const auto answer_to = [&](std::pair<std::uint16_t, std::uint8_t> seen) {
      auto memory = udp_packet(4, 10, 0);
      seal(memory);
      set_udp_port(memory, Side::kDestination, seen.first);
      set_host_octet(memory, Side::kDestination, seen.second);
      if (!nat.translate_to_client(memory)) return false;
      EXPECT_EQ(udp_port(memory, Side::kDestination), 50'000);
      EXPECT_EQ(host_octet(memory, Side::kDestination), 1);
      expect_right_checksums(memory);
      return true;
    };
    const auto first = outward();
    EXPECT_TRUE(answer_to(first));
    nat.rebind();
    EXPECT_FALSE(answer_to(first));
    const auto second = outward();
    EXPECT_NE(first, second);
    EXPECT_TRUE(answer_to(second));
    EXPECT_FALSE(answer_to(first));
  }
}

}  // namespace
}  // namespace hawser::lab
