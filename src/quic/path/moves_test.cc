// Goal: a Path that changes its network path keeps what was learnt where it must, starts afresh where
// it must, and gives every 4-tuple a connection ID of its own. Method: one Path by hand, with the
// steps of a peer's move, of an attack and of a move of our own.
#include <gtest/gtest.h>

#include "quic/path/path.h"

namespace hawser::quic {
namespace {

constexpr Timestamp kNow{10s};
constexpr Timestamp kLater{13s};

SocketAddress host(std::uint8_t number, std::uint16_t port = 4'000) {
  return ipv4_address({192, 0, 2, number}, port);
}

class Moves : public testing::Test {
 protected:
  Moves()
      : path({.loss = {.role = Role::kServer},
              .network_path = {.tuple = {.local = host(1, 443), .remote = host(10)}, .validated = true, .mtu = {}}},
             std::move(*make_congestion_controller("newreno", kBaseMtu))) {
    path.peer_cids().set_initial(cid(0));
    for (std::uint64_t i = 1; i <= 5; ++i)
      EXPECT_TRUE(path.peer_cids().on_new_connection_id({.sequence = i, .cid = cid(i)}));
    path.loss().on_handshake_confirmed(kNow);
  }

  static ConnectionId cid(std::uint64_t number) {
    const std::array<std::uint8_t, 4> octets{1, 2, 3, static_cast<std::uint8_t>(number)};
    return ConnectionId(Bytes(octets));
  }

  NetworkPath towards(const SocketAddress& remote, std::uint64_t sequence, bool validated = false) {
    return NetworkPath({.tuple = {.local = host(1, 443), .remote = remote},
                        .validated = validated,
                        .peer_cid_sequence = sequence,
                        .mtu = {}});
  }

  void send_and_acknowledge(Timestamp sent, Timestamp acked) {
    const PacketNumber pn = path.loss().next_packet_number(PacketNumberSpace::kApplication, random);
    path.loss().on_packet_sent(
        {.packet_number = pn, .size = 1'200, .ack_eliciting = true, .in_flight = true, .frames = {}}, sent);
    struct Range {
      std::uint64_t smallest;
      std::uint64_t largest;
    };
    const std::array<Range, 1> ranges{{{pn.value, pn.value}}};
    RecoveryFrames frames;
    EXPECT_TRUE(path.loss().on_ack_received({.largest_acknowledged = pn, .now = acked}, ranges, frames));
  }

  SeededRandom random{5};
  Path path;
};

TEST_F(Moves, a_changed_port_keeps_window_and_rtt) {
  send_and_acknowledge(kNow, kNow + 40ms);
  const auto* controller = &path.controller();
  path.follow_peer(towards(host(10, 4'001), 0), kNow);
  EXPECT_EQ(path.loss().rtt().smoothed(), 40ms);
  EXPECT_EQ(&path.controller(), controller);
  ASSERT_NE(path.previous(), nullptr);
  EXPECT_EQ(path.previous()->learnt, nullptr);
}

// The one that gives way has the connection ID of the one that comes: they differ by the port alone.
TEST_F(Moves, who_makes_room_does_not_take_the_connection_id_along) {
  path.follow_peer(towards(host(10, 4'001), 0), kNow);
  path.active().on_validated();
  path.settle(kLater);
  for (std::uint8_t i = 0; i < 3; ++i)
    path.add_other({.network_path = towards(host(30 + i), *path.take_cid()), .role = OtherNetworkPath::Role::kProbed});
  ASSERT_EQ(path.others().size(), kMaxOtherNetworkPaths);
  path.follow_peer(towards(host(40), *path.take_cid()), kNow);
  ASSERT_NE(path.previous(), nullptr);
  EXPECT_EQ(path.previous()->network_path.tuple().remote, host(10, 4'001));
  EXPECT_TRUE(path.peer_cids().is_active(path.previous()->network_path.peer_cid_sequence()));
  EXPECT_FALSE(path.peer_cids().has_frames());
}

// rfc9000:9.4-reset
TEST_F(Moves, another_host_starts_afresh_and_the_old_one_is_given_up_once_it_is_validated) {
  send_and_acknowledge(kNow, kNow + 40ms);
  path.follow_peer(towards(host(20), *path.take_cid()), kNow);
  EXPECT_FALSE(path.loss().rtt().has_sample());
  EXPECT_EQ(path.controller().congestion_window(), initial_window(kBaseMtu));
  ASSERT_NE(path.previous(), nullptr);
  EXPECT_NE(path.previous()->learnt, nullptr);
  path.active().on_validated();
  path.settle(kLater);
  EXPECT_EQ(path.previous(), nullptr);
  ASSERT_EQ(path.others().size(), 1u);
  EXPECT_EQ(path.others()[0].learnt, nullptr);
  EXPECT_EQ(path.next_others_timeout(), kLater);
  EXPECT_FALSE(path.peer_cids().has_frames());
  path.forget(path.others()[0]);
  EXPECT_TRUE(path.peer_cids().has_frames());  // number 0 is retired
  EXPECT_FALSE(path.peer_cids().is_active(0));
  EXPECT_TRUE(path.others().empty());
}

TEST_F(Moves, a_move_that_was_none_costs_neither_window_nor_connection_ids) {
  send_and_acknowledge(kNow, kNow + 40ms);
  const auto* controller = &path.controller();
  const std::uint64_t window = path.controller().congestion_window();
  // Packets copied to three addresses, one after the other, the way an attacker would.
  for (const std::uint8_t attacker : std::array<std::uint8_t, 3>{66, 67, 68})
    path.follow_peer(towards(host(attacker), 0), kNow);
  EXPECT_NE(&path.controller(), controller);
  path.return_to_previous(kNow, kLater);
  EXPECT_EQ(path.active().tuple().remote, host(10));
  EXPECT_EQ(&path.controller(), controller);
  EXPECT_EQ(path.controller().congestion_window(), window);
  EXPECT_EQ(path.loss().rtt().smoothed(), 40ms);
  EXPECT_EQ(path.peer_cids().active(), 6u);
  EXPECT_FALSE(path.peer_cids().has_frames());
}

// What was chosen meanwhile holds at the old address as well, and begins from what was learnt there.
TEST_F(Moves, a_controller_chosen_during_a_move_stays_when_the_peer_turns_out_to_be_where_it_was) {
  for (int i = 0; i < 40; ++i) send_and_acknowledge(kNow + i * 50ms, kNow + i * 50ms + 40ms);
  const std::uint64_t window = path.controller().congestion_window();
  ASSERT_GT(window, initial_window(kBaseMtu));
  path.follow_peer(towards(host(66), 0), kLater);
  path.set_controller(std::move(*make_congestion_controller("cubic", kBaseMtu)), kLater);
  EXPECT_EQ(path.controller().congestion_window(), initial_window(kBaseMtu));
  path.return_to_previous(kLater, kLater + 1s);
  EXPECT_EQ(path.controller().name(), "cubic");
  EXPECT_EQ(path.controller().congestion_window(), window);
}

TEST_F(Moves, no_more_4_tuples_are_kept_than_there_are_connection_ids) {
  for (std::uint8_t i = 0; i < 5; ++i) {
    const auto sequence = path.take_cid();
    ASSERT_TRUE(sequence);
    path.add_other({.network_path = towards(host(static_cast<std::uint8_t>(30 + i)), *sequence)});
  }
  EXPECT_EQ(path.others().size(), kMaxOtherNetworkPaths);
  EXPECT_EQ(path.find({.local = host(1, 443), .remote = host(30)}), nullptr);  // the oldest gave way
  EXPECT_TRUE(path.peer_cids().has_frames());
  EXPECT_EQ(path.peer_cids().pending_retirements(), 1u);
}

TEST_F(Moves, the_last_proven_address_never_gives_way) {
  path.follow_peer(towards(host(20), 0), kNow);
  for (std::uint8_t i = 0; i < 9; ++i)
    path.add_other({.network_path = towards(host(static_cast<std::uint8_t>(30 + i)), 0)});
  ASSERT_NE(path.previous(), nullptr);
  EXPECT_EQ(path.previous()->network_path.tuple().remote, host(10));
}

TEST_F(Moves, our_own_move_takes_the_challenges_time_for_the_rtt) {
  const auto sequence = path.take_cid();
  OtherNetworkPath& probed = path.add_other({.network_path = towards(host(10), *sequence, true)});
  probed.network_path.set_tuple({.local = host(2, 443), .remote = host(10)});
  probed.round_trip = 25ms;
  path.move_to(probed, kNow, kLater);
  EXPECT_EQ(path.active().tuple().local, host(2, 443));
  EXPECT_EQ(path.loss().rtt().smoothed(), 25ms);
  EXPECT_FALSE(path.loss().rtt().has_sample());
  EXPECT_EQ(path.peer_cid(path.active()), cid(*sequence));
  ASSERT_EQ(path.others().size(), 1u);
  EXPECT_EQ(path.others()[0].role, OtherNetworkPath::Role::kLeft);
  EXPECT_EQ(path.next_others_timeout(), kLater);
}

TEST_F(Moves, retired_connection_ids_are_replaced_everywhere) {
  const auto sequence = path.take_cid();
  path.add_other({.network_path = towards(host(30), *sequence)});
  ASSERT_TRUE(path.peer_cids().on_new_connection_id({.sequence = 6, .retire_prior_to = 4, .cid = cid(6)}));
  path.replace_retired_cids();
  EXPECT_EQ(path.active().peer_cid_sequence(), 4u);
  EXPECT_EQ(path.others()[0].network_path.peer_cid_sequence(), 5u);
}

// A challenge that cannot be sent must not wake anybody until it is given up.
TEST_F(Moves, a_validation_without_a_connection_id_waits_for_its_deadline_only) {
  for (std::uint64_t i = 0; i < 5; ++i) ASSERT_TRUE(path.take_cid());
  OtherNetworkPath& probed = path.add_other({.network_path = towards(host(30), 5, true)});
  probed.network_path.validator().start(kNow, 1s);
  EXPECT_LT(path.next_others_timeout(), kNow + 1s) << "a challenge is due";
  ASSERT_TRUE(path.peer_cids().on_new_connection_id({.sequence = 6, .retire_prior_to = 6, .cid = cid(6)}));
  path.replace_retired_cids();
  ASSERT_FALSE(path.peer_cids().is_active(path.others()[0].network_path.peer_cid_sequence()));
  EXPECT_EQ(path.next_others_timeout(), path.others()[0].network_path.validator().deadline());
}

}  // namespace
}  // namespace hawser::quic
