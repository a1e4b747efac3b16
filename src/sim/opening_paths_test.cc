// opening_paths_test.cc: goal: a path that opens under bulk is in use a round trip after the other end heard of it,
// with a window that has grown since; data does not go there before, nothing goes beyond three times what came, and
// what is lost or spoofed there costs the stream nothing. Method: a client with an address on each link and a bulk
// stream, virtual time; both ends' paths are looked at every 5 ms, what goes over the second link is counted on its
// way.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <utility>

#include "quic/congestion/congestion_controller.h"
#include "quic/path/mtu_prober.h"
#include "sim/bonded.h"

namespace hawser::sim {
namespace {

using quic::PathId;
using quic::PathInfo;
using quic::PathState;
using quic::PathStatus;

constexpr std::uint64_t kWindow = quic::initial_window(quic::kBaseMtu);
constexpr Duration kLongRtt = 200ms;

// Loses the datagrams of these numbers, from 0 on.
class Loses final : public Element {
 public:
  explicit Loses(std::vector<std::size_t> lost) : lost_(std::move(lost)) {}
  void on_datagram(Datagram datagram, Direction, Timestamp now, Random&, Output& out) override {
    if (std::ranges::find(lost_, seen_++) == lost_.end()) out.pass(std::move(datagram), now);
  }

 private:
  std::vector<std::size_t> lost_;
  std::size_t seen_ = 0;
};

// The connection begins over a short slow link; the second is long and fast.
class Opening final : public BondedRun {
 public:
  explicit Opening(BondPlan plan) : BondedRun(std::move(plan)) {}

  // `end` is connected: what it knows of the second path.
  [[nodiscard]] static std::optional<PathInfo> second_of(quic::Connection* end) {
    if (end == nullptr) return std::nullopt;
    for (const PathInfo& path : end->paths())
      if (path.id == PathId{1}) return path;
    return std::nullopt;
  }
  // The time from when the sender of the bulk has a second path until it may carry data, and what it is then.
  bool opens(bool download) {
    const auto end = [this, download] { return download ? server : client; };
    if (!until([&] { return second_of(end()).has_value(); })) return false;
    const Timestamp begun = world.now();
    if (!until([&] { return second_of(end())->state == PathState::kActive; })) return false;
    took = world.now() - begun;
    padding = second_of(end())->bytes_sent;
    // What came with the answer to the challenge.
    pass(5ms);
    opened = *second_of(end());
    return true;
  }

  Duration took{0};
  std::uint64_t padding = 0;  // octets that were sent until then
  PathInfo opened;
  bool over_credit = false;  // the server sent more than three times what came on a path that is not validated
  std::function<void()> act;

 private:
  void on_tick(Timestamp) override {
    if (const auto path = second_of(server); path && path->state == PathState::kProbing)
      over_credit |= path->bytes_sent > 3 * path->bytes_received;
    if (act) act();
  }
};

LinkSpec short_link() {
  return link({rate(mbit(2), 30'000), delay(10ms)});
}
LinkSpec long_link() {
  return link({rate(mbit(100), 2'500'000), delay(kLongRtt / 2)});
}

TEST(opening_paths, a_path_begins_with_a_measured_round_trip_and_a_grown_window) {
  for (const bool download : {true, false}) {
    for (const char* controller : {"cubic", "bbr", "newreno"}) {
      Opening run(
          {.links = {short_link(), long_link()}, .octets = 20'000'000, .download = download, .controller = controller});
      ASSERT_TRUE(run.opens(download));
      EXPECT_LE(run.took, kLongRtt + 20ms) << controller;
      EXPECT_GE(run.opened.min_rtt, kLongRtt) << controller << ": it was measured";
      EXPECT_LT(run.opened.min_rtt, kLongRtt + 10ms);
      // Two packets may not be acknowledged yet. Before its handshake was confirmed the client sent no more than four.
      const std::uint64_t grown = download ? kWindow - 2 * quic::kBaseMtu : 4 * quic::kBaseMtu;
      EXPECT_GE(run.opened.congestion_window, kWindow + grown) << controller;
      EXPECT_LE(run.padding, kWindow + 4 * quic::kBaseMtu) << "no more than an initial window was padding";
      ASSERT_TRUE(run.finish());
      EXPECT_EQ(run.failure(), "");
      EXPECT_FALSE(run.over_credit);
    }
  }
}

// The whole transfer: slow start begins a round trip sooner.
TEST(opening_paths, a_download_ends_as_if_the_long_link_had_been_open_from_the_start) {
  constexpr std::uint64_t kOctets = 20'000'000;
  Opening alone({.links = {long_link()}, .octets = kOctets});
  ASSERT_TRUE(alone.finish());
  Opening both({.links = {short_link(), long_link()}, .octets = kOctets});
  ASSERT_TRUE(both.finish());
  EXPECT_GE(both.mbit_per_second(), 0.99 * alone.mbit_per_second());
}

// The first challenge of either end, or the answer to the other end's first, is lost: the second one validates.
TEST(opening_paths, one_lost_challenge_or_response_costs_no_time) {
  for (std::size_t lost = 0; lost < 6; ++lost) {
    for (const bool goes_down : {true, false}) {
      Loses loses({lost});
      LinkSpec lossy = long_link();
      lossy.push_back(goes_down ? down(through(loses)) : up(through(loses)));
      Opening run({.links = {short_link(), lossy}, .octets = 5'000'000});
      ASSERT_TRUE(run.opens(true)) << lost;
      EXPECT_LE(run.took, kLongRtt + 20ms) << "datagram " << lost << (goes_down ? " down" : " up");
      ASSERT_TRUE(run.finish());
      EXPECT_EQ(run.failure(), "");
      EXPECT_FALSE(run.over_credit);
    }
  }
}

TEST(opening_paths, random_loss_on_the_long_link_loses_no_octet_and_no_credit) {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    LinkSpec lossy = long_link();
    lossy.push_back(drop(0.2));
    Opening run({.links = {short_link(), lossy}, .octets = 1'000'000, .download = seed % 2 == 0, .seed = seed});
    ASSERT_TRUE(run.finish()) << seed;
    EXPECT_EQ(run.failure(), "") << seed;
    EXPECT_FALSE(run.over_credit) << seed;
  }
}

// As from a spoofed address: the server hears of the path and is not heard there.
TEST(opening_paths, a_path_that_only_leads_up_gets_no_data_and_stalls_nothing) {
  LinkSpec one_way = long_link();
  one_way.push_back(down(drop(1.0)));
  Opening run({.links = {short_link(), one_way}, .octets = 2'000'000});
  std::uint64_t sent = 0;
  run.act = [&] {
    if (const auto path = Opening::second_of(run.server)) sent = path->bytes_sent;
  };
  ASSERT_TRUE(run.finish());
  EXPECT_EQ(run.failure(), "");
  EXPECT_FALSE(run.over_credit);
  EXPECT_GE(sent, kWindow);
  EXPECT_LT(sent, 4 * kWindow) << "challenges and probes, besides";
  Opening alone({.links = {short_link()}, .octets = 2'000'000});
  ASSERT_TRUE(alone.finish());
  EXPECT_GE(run.mbit_per_second(), 0.995 * alone.mbit_per_second());
  EXPECT_LE(run.reader().longest_pause, alone.reader().longest_pause + 5ms);
}

// A backup and a path that costs more are asked whether they work, and no more.
TEST(opening_paths, what_is_not_to_carry_data_gets_no_padding) {
  for (const bool backup : {true, false}) {
    Opening run({.links = {short_link(), long_link()}, .octets = 5'000'000, .download = false, .opens = false});
    std::uint64_t sent = 0;
    run.act = [&] {
      if (Opening::second_of(run.client)) return;
      if (!run.client->open_path({bond_client_at(1), bond_server()})) return;
      if (backup) {
        ASSERT_TRUE(run.client->set_path_status(PathId{1}, PathStatus::kBackup));
      } else {
        ASSERT_TRUE(run.client->set_path_preference(PathId{1}, {.weight = 1, .cost = 1}));
      }
    };
    ASSERT_TRUE(run.until([&] {
      const auto path = Opening::second_of(run.client);
      if (path && path->state == PathState::kProbing) sent = path->bytes_sent;
      return path && path->state != PathState::kProbing;
    }));
    EXPECT_LE(sent, 3 * quic::kBaseMtu) << backup;
    EXPECT_GT(sent, 0u);
  }
}

}  // namespace
}  // namespace hawser::sim
