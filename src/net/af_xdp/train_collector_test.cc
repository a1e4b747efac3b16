// Goal: datagrams that belong together become one train and keep their order, whatever comes
// between them. Method: frames of a few flows in orders that tempt.
#include "net/af_xdp/train_collector.h"

#include <gtest/gtest.h>

#include <deque>
#include <string>

#include "net/address.h"

namespace hawser::net {
namespace {

constexpr std::size_t kPayloadMax = 2'000;

// Frames that stay where they are, and what the collector makes of them.
class Collected {
 public:
  explicit Collected(std::size_t trains_max = 32) : trains_max_(trains_max) { collector_.begin(trains_max); }

  bool add(std::uint16_t from_port, std::string_view text, Ecn ecn = Ecn::kEct0, std::uint32_t interface_index = 1) {
    const FourTuple tuple{.local = ipv4_address({192, 0, 2, 1}, from_port),
                          .remote = ipv4_address({192, 0, 2, 2}, 443)};
    const FrameHeaders headers({}, tuple, ecn, true);
    frames_.emplace_back(headers.size() + text.size());
    headers.write(frames_.back().data(), as_bytes(text), 0);
    return collector_.add(*parse_udp_frame(frames_.back()), interface_index);
  }

  // "port:segment:octets" of each train.
  std::vector<std::string> trains() {
    trains_.resize(trains_max_);
    trains_.resize(collector_.finish(trains_));
    std::vector<std::string> texts;
    texts.reserve(trains_.size());
    for (const ReceivedTrain& train : trains_) {
      texts.push_back(std::to_string(train.tuple.remote.port) + ":" + std::to_string(train.segment_size) + ":" +
                      std::string(as_text(train.bytes)));
    }
    return texts;
  }
  [[nodiscard]] const ReceivedTrain& train(std::size_t i) const { return trains_[i]; }
  [[nodiscard]] bool is_in_frame(std::size_t train, std::size_t frame) const {
    const auto& octets = frames_[frame];
    return trains_[train].bytes.data() > octets.data() && trains_[train].bytes.data() < octets.data() + octets.size();
  }

 private:
  std::size_t trains_max_;
  TrainCollector collector_{kPayloadMax};
  std::deque<std::vector<std::uint8_t>> frames_;
  std::vector<ReceivedTrain> trains_;
};

using Texts = std::vector<std::string>;

TEST(net_train_collector, nothing_makes_no_train) {
  Collected c;
  EXPECT_EQ(c.trains(), Texts{});
}

TEST(net_train_collector, neighbours_of_one_flow_and_size_are_one_train) {
  Collected c;
  for (const auto* text : {"aaaa", "bbbb", "cccc"}) EXPECT_TRUE(c.add(1, text));
  EXPECT_EQ(c.trains(), Texts{"1:4:aaaabbbbcccc"});
  EXPECT_EQ(c.train(0).ecn, Ecn::kEct0);
  EXPECT_EQ(c.train(0).tuple.local, ipv4_address({192, 0, 2, 2}, 443));
}

TEST(net_train_collector, lone_datagram_stays_where_it_came_in) {
  Collected c;
  c.add(1, "aaaa");
  c.add(2, "bbbb");
  c.add(2, "cccc");
  EXPECT_EQ(c.trains(), (Texts{"1:4:aaaa", "2:4:bbbbcccc"}));
  EXPECT_TRUE(c.is_in_frame(0, 0));
  EXPECT_FALSE(c.is_in_frame(1, 1));
}

TEST(net_train_collector, shorter_datagram_ends_its_train) {
  Collected c;
  for (const auto* text : {"aaaa", "bbbb", "cc", "dddd", "ee"}) c.add(1, text);
  EXPECT_EQ(c.trains(), (Texts{"1:4:aaaabbbbcc", "1:4:ddddee"}));
}

TEST(net_train_collector, longer_datagram_begins_another_train) {
  Collected c;
  for (const auto* text : {"aa", "bb", "cccc", "dddd"}) c.add(1, text);
  EXPECT_EQ(c.trains(), (Texts{"1:2:aabb", "1:4:ccccdddd"}));
}

TEST(net_train_collector, flows_that_alternate_make_a_train_each) {
  Collected c;
  for (const auto* text : {"aaaa", "bbbb", "cccc"}) {
    c.add(1, text);
    c.add(2, text);
  }
  EXPECT_EQ(c.trains(), (Texts{"1:4:aaaabbbbcccc", "2:4:aaaabbbbcccc"}));
}

TEST(net_train_collector, change_of_mark_does_not_reorder) {
  Collected c;
  c.add(1, "aaaa", Ecn::kEct0);
  c.add(1, "bbbb", Ecn::kCe);
  c.add(2, "xxxx", Ecn::kEct0);
  c.add(1, "cccc", Ecn::kEct0);
  EXPECT_EQ(c.trains(), (Texts{"1:4:aaaa", "1:4:bbbb", "2:4:xxxx", "1:4:cccc"}));
  EXPECT_EQ(c.train(1).ecn, Ecn::kCe);
}

TEST(net_train_collector, order_holds_when_more_flows_alternate_than_trains_are_open) {
  Collected c(64);
  for (const auto* text : {"aaaa", "bbbb", "cccc"}) {
    for (std::uint16_t port = 1; port <= 12; ++port) EXPECT_TRUE(c.add(port, text));
  }
  std::array<std::string, 13> by_port;
  for (const std::string& text : c.trains()) by_port[std::stoul(text)] += text.substr(text.rfind(':') + 1);
  for (std::uint16_t port = 1; port <= 12; ++port) EXPECT_EQ(by_port[port], "aaaabbbbcccc") << port;
}

TEST(net_train_collector, interfaces_are_not_mixed) {
  Collected c;
  c.add(1, "aaaa", Ecn::kEct0, 1);
  c.add(1, "bbbb", Ecn::kEct0, 2);
  EXPECT_EQ(c.trains(), (Texts{"1:4:aaaa", "1:4:bbbb"}));
}

TEST(net_train_collector, train_is_no_longer_than_gro_would_make_it) {
  Collected c;
  const std::string text(1'400, 'x');
  for (int i = 0; i < 60; ++i) EXPECT_TRUE(c.add(1, text));
  ASSERT_EQ(c.trains().size(), 2u);
  EXPECT_EQ(c.train(0).bytes.size(), 46u * 1'400);
  EXPECT_EQ(c.train(1).bytes.size(), 14u * 1'400);
}

TEST(net_train_collector, says_when_it_is_full) {
  Collected of_trains(2);
  EXPECT_TRUE(of_trains.add(1, "a"));
  EXPECT_TRUE(of_trains.add(2, "a"));
  EXPECT_FALSE(of_trains.add(3, "a"));
  EXPECT_TRUE(of_trains.add(2, "b"));
  EXPECT_EQ(of_trains.trains(), (Texts{"1:1:a", "2:1:ab"}));

  Collected of_datagrams;
  const std::string largest(kPayloadMax, 'x');
  for (std::size_t i = 0; i < kCollectMax; ++i) EXPECT_TRUE(of_datagrams.add(1, largest));
  EXPECT_FALSE(of_datagrams.add(1, largest));
  std::size_t octets = 0;
  of_datagrams.trains();
  for (std::size_t i = 0; i < kCollectMax * kPayloadMax / (32 * kPayloadMax); ++i) {
    octets += of_datagrams.train(i).bytes.size();
  }
  EXPECT_EQ(octets, kCollectMax * kPayloadMax);
}

}  // namespace
}  // namespace hawser::net
