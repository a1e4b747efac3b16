// Goal: LossDetector does what RFC 9002 sections 6 and 7.6 say, and tells a lying peer.
// Method: packets by hand in virtual time; every expected number comes from the RFC's formulas.
#include "quic/recovery/recovery_harness.h"

namespace hawser::quic {
namespace {

using Numbers = std::vector<std::uint64_t>;

// rfc9002:6.1.1-three rfc9002:6.1.1-not-less
// rfc9002:7.4-not-ignored
TEST(loss, declares_lost_after_three_newer_acks) {
  Recovery r;
  for (int i = 0; i < 5; ++i) r.send();
  r.now += 50ms;
  auto outcome = r.ack({{2, 2}});
  ASSERT_TRUE(outcome.has_value());
  EXPECT_EQ(outcome->lost_packets, 0u);
  outcome = r.ack({{2, 3}});
  EXPECT_EQ(r.lost_numbers(), Numbers{0});
  outcome = r.ack({{2, 4}});
  EXPECT_EQ(r.lost_numbers(), Numbers{1});
  EXPECT_EQ(r.loss.bytes_in_flight(), 0u);
}

// rfc9002:6.1.2-time rfc9002:6.1.2-nine-eighths rfc9002:6.1.2-timer
// rfc9002:6.2.1-loss-timer-first
TEST(loss, declares_lost_nine_eighths_of_an_rtt_after_sending) {
  Recovery r;
  r.send();
  r.now += 10ms;
  r.send();
  r.now += 80ms;
  // RTT 80 ms: what was sent 90 ms ago is due this very moment.
  EXPECT_EQ(r.ack({{1, 1}})->lost_packets, 1u);
  Recovery q;
  q.send();
  q.send();
  q.now += 80ms;
  EXPECT_EQ(q.ack({{1, 1}})->lost_packets, 0u);
  EXPECT_EQ(q.loss.next_timeout(), q.now + 10ms);
  const TimeoutOutcome late = q.timeout();
  EXPECT_EQ(late.kind, TimeoutKind::kLoss);
  EXPECT_EQ(late.losses.lost_packets, 1u);
  EXPECT_EQ(q.lost_numbers(), Numbers{0});
  EXPECT_EQ(q.loss.bytes_in_flight(), 0u);
}

TEST(loss, an_ack_of_a_packet_never_sent_is_a_protocol_violation) {
  Recovery r;
  r.send();
  const auto outcome = r.ack({{0, 1}});
  ASSERT_FALSE(outcome.has_value());
  EXPECT_EQ(outcome.error().code, TransportErrorCode::kProtocolViolation);
  EXPECT_EQ(outcome.error().reason, "acknowledges a packet never sent");
}

// rfc9000:13.1-never-sent
TEST(loss, an_ack_of_a_number_left_out_is_a_protocol_violation) {
  Recovery r({.role = Role::kClient, .skip_packet_numbers = true});
  std::uint64_t previous = r.send();
  std::uint64_t skipped = 0;
  while (skipped == 0) {
    const std::uint64_t pn = r.send();
    if (pn != previous + 1) skipped = previous + 1;
    previous = pn;
    ASSERT_LT(pn, 2 * kSkipInterval + 3);
  }
  EXPECT_EQ(r.loss.next_packet_number(PacketNumberSpace::kApplication, r.random),
            r.loss.next_packet_number(PacketNumberSpace::kApplication, r.random));
  ASSERT_TRUE(r.ack({{skipped + 1, skipped + 1}, {0, skipped - 1}}).has_value());
  r.send();
  r.send();
  Recovery liar({.role = Role::kClient, .skip_packet_numbers = true});
  while (liar.send() <= skipped) {
  }
  const auto outcome = liar.ack({{0, skipped + 1}});
  ASSERT_FALSE(outcome.has_value());
  EXPECT_EQ(outcome.error().code, TransportErrorCode::kProtocolViolation);
}

TEST(loss, initial_and_handshake_numbers_are_never_left_out) {
  Recovery r({.role = Role::kClient, .skip_packet_numbers = true});
  for (std::uint64_t i = 0; i < 3 * kSkipInterval; ++i) EXPECT_EQ(r.send(PacketNumberSpace::kInitial, 0), i);
}

TEST(loss, adjacent_stream_frames_are_merged) {
  Recovery r;
  r.send_stream(4, 0, 1'000);
  r.send_stream(4, 1'000, 1'000);
  r.send_stream(8, 2'000, 500);
  r.send_stream(4, 2'000, 10, true);
  r.now += 50ms;
  ASSERT_TRUE(r.ack({{0, 3}}).has_value());
  ASSERT_EQ(r.frames.acked.size(), 3u);
  EXPECT_EQ(r.frames.acked[0].length, 2'000u);
  EXPECT_EQ(r.frames.acked[1].id, 8u);
  EXPECT_TRUE(r.frames.acked[2].fin);
}

TEST(loss, frames_are_visited_in_the_order_they_were_sent_though_ranges_come_highest_first) {
  Recovery r;
  for (std::uint64_t i = 0; i < 9; ++i) r.send_stream(4 * i, 0, 1'000);
  r.now += 50ms;
  ASSERT_TRUE(r.ack({{7, 8}, {5, 5}, {1, 3}}).has_value());
  std::vector<std::uint64_t> streams;
  r.frames.for_each_acked([&](const SentFrame& frame) { streams.push_back(frame.id); });
  EXPECT_EQ(streams, (std::vector<std::uint64_t>{4, 8, 12, 20, 28, 32}));
}

// rfc9002:5.1-largest-only rfc9002:5.1-ack-eliciting
TEST(loss, rtt_is_sampled_from_the_largest_newly_acknowledged_only) {
  Recovery r;
  r.send();
  r.send();
  r.now += 40ms;
  EXPECT_TRUE(r.ack({{1, 1}})->rtt_sampled);
  EXPECT_EQ(r.loss.rtt().latest(), 40ms);
  r.now += 4ms;
  const auto second = r.ack({{0, 1}});
  EXPECT_EQ(second->acked_packets, 1u);
  EXPECT_FALSE(second->rtt_sampled);
  EXPECT_FALSE(second->largest_increased);
  // Nor from a packet that elicits no acknowledgement.
  const PacketNumber silent = r.loss.next_packet_number(PacketNumberSpace::kApplication, r.random);
  r.loss.on_packet_sent({.packet_number = silent, .size = 40}, r.now);
  r.now += 9ms;
  EXPECT_FALSE(r.ack({{silent.value, silent.value}})->rtt_sampled);
}

// rfc9002:6.1.2-granularity rfc9002:6.1.2-millisecond rfc9002:6.2.1-granularity
TEST(loss, timers_are_no_finer_than_their_granularity) {
  Recovery r;
  r.confirmed();
  for (int i = 0; i < 50; ++i) {
    const std::uint64_t number = r.send();
    r.now += 100us;
    ASSERT_TRUE(r.ack({{number, number}}).has_value());
  }
  EXPECT_GE(r.loss.pto(PacketNumberSpace::kInitial), 100us + kGranularity);
  r.send();
  const std::uint64_t last = r.send();
  const Timestamp sent = r.now;
  r.now += 100us;
  EXPECT_EQ(r.ack({{last, last}})->lost_packets, 0u);
  EXPECT_EQ(r.loss.next_timeout(), sent + 1ms);
}

// rfc9002:6.2.1-backoff rfc9002:6.2.1-restart rfc9002:6.2.2-initial-rtt
// rfc9002:6.2-no-loss ack-frequency:7-zero-threshold
TEST(loss, pto_follows_rtt_and_peer_ack_delay_and_doubles) {
  Recovery r;
  r.confirmed();
  r.send();
  r.now += 100ms;
  ASSERT_TRUE(r.ack({{0, 0}}).has_value());
  r.loss.set_peer_max_ack_delay(40ms);
  EXPECT_EQ(r.loss.next_timeout(), kNever);
  r.send();
  const Timestamp sent = r.now;
  const Duration pto = 100ms + 4 * 50ms + 40ms;
  EXPECT_EQ(r.loss.next_timeout(), sent + pto);
  TimeoutOutcome outcome = r.timeout();
  EXPECT_EQ(outcome.kind, TimeoutKind::kPto);
  EXPECT_EQ(r.loss.probes_owed(PacketNumberSpace::kApplication), 2u);
  ASSERT_EQ(r.frames.lost.size(), 1u);  // the data in flight, for the probe to carry
  EXPECT_EQ(r.frames.lost[0].id, 1u);
  EXPECT_EQ(r.loss.bytes_in_flight(), kTestSize);  // but it is not lost
  EXPECT_EQ(r.loss.next_timeout(), sent + 2 * pto);
  r.send();
  r.send();
  EXPECT_EQ(r.loss.probes_owed(PacketNumberSpace::kApplication), 0u);
  EXPECT_EQ(r.loss.next_timeout(), r.now + 2 * pto);
  // The original arrives after all: its frames were handed out as lost, so they come as late.
  r.now += 10ms;
  ASSERT_TRUE(r.ack({{1, 1}}).has_value());
  EXPECT_TRUE(r.frames.acked.empty());
  EXPECT_EQ(r.frames.late_acked.size(), 1u);
  EXPECT_EQ(r.loss.pto_count(), 0u);
}

TEST(loss, an_old_report_after_an_outage_does_not_make_the_path_slow) {
  for (const bool held : {true, false}) {
    Recovery r;
    r.confirmed();
    r.send();
    r.now += 100ms;
    ASSERT_TRUE(r.ack({{0, 0}}).has_value());
    const Duration pto = r.loss.pto(PacketNumberSpace::kApplication);
    r.send();
    r.send();
    ASSERT_EQ(r.timeout().kind, TimeoutKind::kPto);
    r.now += 8s;
    // The peer says how long it held the report back, or that the packet was on its way for so long.
    ASSERT_TRUE(r.ack({{1, 1}}, held ? 8s : 0s)->rtt_sampled);
    if (held) {
      EXPECT_LT(r.loss.pto(PacketNumberSpace::kApplication), 2 * pto);
    } else {
      EXPECT_GT(r.loss.pto(PacketNumberSpace::kApplication), 8s);
    }
    EXPECT_EQ(r.loss.rtt().min(), 100ms);
  }
}

// rfc9002:6.2.1-backoff
TEST(loss, nothing_caps_the_backoff_of_the_pto_but_the_end_of_the_clock) {
  Recovery r;
  r.confirmed();
  r.send();
  const Timestamp sent = r.now;
  Duration period = r.loss.next_timeout() - sent;
  for (int doubled = 0; doubled < 30; ++doubled) {
    ASSERT_EQ(r.timeout().kind, TimeoutKind::kPto);
    period *= 2;
    ASSERT_EQ(r.loss.next_timeout(), sent + period) << doubled;
  }
  EXPECT_GT(period, 24h * 365);
  for (int i = 0; i < 40; ++i) ASSERT_EQ(r.timeout().kind, TimeoutKind::kPto);
  EXPECT_GT(r.loss.next_timeout(), sent + 24h * 365 * 100);
  EXPECT_LT(r.loss.next_timeout(), kNever);
}

// rfc9002:6.2.1-application
TEST(loss, application_data_has_no_pto_before_confirmation) {
  Recovery r(Recovery::server());
  r.send();
  EXPECT_EQ(r.loss.next_timeout(), kNever);
  r.loss.on_handshake_confirmed(r.now);
  EXPECT_EQ(r.loss.next_timeout(), r.now + 999ms + 25ms);
}

// rfc9002:6.2.2.1-client-sets rfc9000:8.1-client-probes
TEST(loss, a_client_with_nothing_in_flight_keeps_a_timer_until_the_server_has_validated_it) {
  Recovery r;
  r.send(PacketNumberSpace::kInitial);
  r.now += 100ms;
  ASSERT_TRUE(r.ack({{0, 0}}, {}, PacketNumberSpace::kInitial).has_value());
  EXPECT_EQ(r.loss.bytes_in_flight(), 0u);
  EXPECT_EQ(r.loss.next_timeout(), r.now + 300ms);
  TimeoutOutcome outcome = r.timeout();
  EXPECT_EQ(outcome.kind, TimeoutKind::kPto);
  EXPECT_EQ(outcome.space, PacketNumberSpace::kInitial);
  EXPECT_EQ(r.loss.probes_owed(PacketNumberSpace::kInitial), 1u);
  r.loss.on_handshake_keys(r.now);
  outcome = r.timeout();
  EXPECT_EQ(outcome.space, PacketNumberSpace::kHandshake);
  // Backoff stays while the server may not have validated the address (section 6.2.1).
  EXPECT_EQ(r.loss.pto_count(), 2u);
  r.send(PacketNumberSpace::kHandshake);
  r.now += 100ms;
  ASSERT_TRUE(r.ack({{0, 0}}, {}, PacketNumberSpace::kHandshake).has_value());
  EXPECT_EQ(r.loss.next_timeout(), kNever);
  EXPECT_EQ(r.loss.pto_count(), 0u);
}

// rfc9002:6.2.2.1-server-waits
TEST(loss, a_server_without_credit_runs_no_pto) {
  Recovery r(Recovery::server());
  r.send(PacketNumberSpace::kInitial);
  EXPECT_NE(r.loss.next_timeout(), kNever);
  r.loss.set_amplification_limited(true, r.now);
  EXPECT_EQ(r.loss.next_timeout(), kNever);
  r.loss.set_amplification_limited(false, r.now);
  EXPECT_EQ(r.loss.next_timeout(), r.now + 999ms);
}

// rfc9002:6.2.1-earlier-space rfc9002:6.2.4-other-spaces rfc9002:6.2.4-probe
TEST(loss, a_handshake_pto_probes_both_handshake_spaces) {
  Recovery r(Recovery::server());
  r.send(PacketNumberSpace::kInitial);
  r.send(PacketNumberSpace::kHandshake);
  EXPECT_EQ(r.timeout().space, PacketNumberSpace::kInitial);
  EXPECT_EQ(r.loss.probes_owed(PacketNumberSpace::kInitial), 2u);
  EXPECT_EQ(r.loss.probes_owed(PacketNumberSpace::kHandshake), 1u);
  EXPECT_EQ(r.frames.lost.size(), 2u);
}

// A client whose address changed reaches a server without Handshake keys only by 1-RTT packets.
TEST(loss, a_handshake_pto_probes_application_data_too) {
  Recovery r;
  r.send(PacketNumberSpace::kHandshake);
  r.send();
  EXPECT_EQ(r.timeout().space, PacketNumberSpace::kHandshake);
  EXPECT_EQ(r.loss.probes_owed(PacketNumberSpace::kHandshake), 2u);
  EXPECT_EQ(r.loss.probes_owed(PacketNumberSpace::kApplication), 1u);
  EXPECT_EQ(r.frames.lost.size(), 2u);
}

// rfc9002:6.4-discard rfc9002:6.2.2-keys-discarded
TEST(loss, discarding_a_space_empties_the_flight_and_resets_the_backoff) {
  Recovery r(Recovery::server());
  r.send(PacketNumberSpace::kInitial);
  r.timeout();
  EXPECT_EQ(r.loss.pto_count(), 1u);
  r.loss.discard_space(PacketNumberSpace::kInitial, r.now);
  EXPECT_EQ(r.loss.bytes_in_flight(), 0u);
  EXPECT_EQ(r.loss.pto_count(), 0u);
  EXPECT_EQ(r.loss.next_timeout(), kNever);
  EXPECT_EQ(r.ack({{0, 0}}, {}, PacketNumberSpace::kInitial)->acked_packets, 0u);
}

// rfc9000:17.2.5.3-numbers-go-on
TEST(loss, retry_hands_back_the_frames_and_goes_on_numbering) {
  Recovery r;
  r.send(PacketNumberSpace::kInitial);
  r.send(PacketNumberSpace::kApplication);
  r.frames.clear();
  r.loss.on_retry(r.frames, r.now);
  EXPECT_EQ(r.frames.lost.size(), 2u);
  EXPECT_EQ(r.loss.bytes_in_flight(), 0u);
  EXPECT_EQ(r.send(PacketNumberSpace::kInitial), 1u);
}

// rfc9000:17.2.3-resend rfc9000:17.2.3-new-numbers
TEST(loss, rejected_zero_rtt_is_sent_again) {
  Recovery r;
  r.send();
  r.send();
  r.frames.clear();
  r.loss.on_zero_rtt_rejected(r.frames, r.now);
  EXPECT_EQ(r.frames.lost.size(), 2u);
  EXPECT_EQ(r.loss.bytes_in_flight(), 0u);
  EXPECT_EQ(r.send(), 2u);
}

// Sends `count` packets `gap` apart after an RTT sample of 100 ms, then one that is acked.
RecoveryOutcome lose_run(Recovery& r, int count, Duration gap, bool ack_middle) {
  r.confirmed();
  r.send();
  r.now += 100ms;
  EXPECT_TRUE(r.ack({{0, 0}}).has_value());
  for (int i = 0; i < count; ++i) {
    r.now += gap;
    r.send();
  }
  const std::uint64_t last = r.send();
  std::vector<TestRange> ranges{{last, last}};
  const auto middle = static_cast<std::uint64_t>(count) / 2;
  if (ack_middle) ranges.push_back({middle, middle});
  r.now += 100ms;
  return *r.ack(ranges);
}

// rfc9002:7.6.1-three rfc9002:7.6.2-eliciting rfc9002:5.2-persistent rfc9002:7.6.2-minimum
TEST(loss, persistent_congestion_after_three_ptos_of_nothing_but_loss) {
  // RTT 100 ms: PTO 100 + 4 * rttvar + 25; three of them, with rttvar 50 then 37.5, below 1,100 ms.
  Recovery r;
  EXPECT_TRUE(lose_run(r, 12, 110ms, false).persistent_congestion);
  // The minimum, and slow start's answer to the packet that did arrive.
  EXPECT_EQ(r.controller.congestion_window(), 3u * kTestSize);
}

TEST(loss, one_arrival_in_between_is_no_persistent_congestion) {
  Recovery r;
  EXPECT_FALSE(lose_run(r, 12, 110ms, true).persistent_congestion);
  EXPECT_GT(r.controller.congestion_window(), 2u * kTestSize);
}

TEST(loss, a_short_run_of_losses_is_no_persistent_congestion) {
  Recovery r;
  EXPECT_FALSE(lose_run(r, 12, 20ms, false).persistent_congestion);
}

// rfc9002:7.6.2-sample
TEST(loss, losses_from_before_the_first_rtt_sample_are_no_persistent_congestion) {
  Recovery r;
  r.confirmed();
  for (int i = 0; i < 12; ++i) {
    r.send();
    r.now += 500ms;
  }
  r.send();
  r.now += 100ms;
  EXPECT_FALSE(r.ack({{12, 12}})->persistent_congestion);
}

TEST(loss, a_late_ack_raises_the_threshold_and_undoes_the_reduction) {
  Recovery r;
  r.confirmed();
  for (int i = 0; i < 10; ++i) r.send();
  const std::uint64_t window = r.controller.congestion_window();
  r.now += 50ms;
  EXPECT_EQ(r.ack({{1, 5}})->lost_packets, 1u);
  EXPECT_LT(r.controller.congestion_window(), window);
  r.now += 1ms;
  const auto outcome = r.ack({{0, 6}});
  EXPECT_EQ(outcome->spurious_losses, 1u);
  EXPECT_EQ(r.frames.late_acked.size(), 1u);
  EXPECT_EQ(r.frames.acked.size(), 1u);
  EXPECT_GE(r.controller.congestion_window(), window);
  EXPECT_EQ(r.loss.packet_threshold(), 6u);  // 5 - 0, and one more
  EXPECT_EQ(r.loss.bytes_in_flight(), 3u * kTestSize);
}

TEST(loss, one_of_two_losses_being_late_undoes_nothing) {
  Recovery r;
  r.confirmed();
  for (int i = 0; i < 10; ++i) r.send();
  r.now += 50ms;
  EXPECT_EQ(r.ack({{2, 6}})->lost_packets, 2u);
  const std::uint64_t reduced = r.controller.congestion_window();
  r.now += 1ms;
  EXPECT_EQ(r.ack({{1, 6}})->spurious_losses, 1u);
  EXPECT_EQ(r.controller.congestion_window(), reduced);
}

// rfc9000:14.4-probe-loss
TEST(loss, a_lost_mtu_probe_leaves_the_window_alone) {
  Recovery r;
  r.confirmed();
  const PacketNumber pn = r.loss.next_packet_number(PacketNumberSpace::kApplication, r.random);
  r.loss.on_packet_sent(
      {.packet_number = pn, .size = 1'452, .ack_eliciting = true, .in_flight = true, .mtu_probe = true, .frames = {}},
      r.now);
  for (int i = 0; i < 4; ++i) r.send();
  const std::uint64_t window = r.controller.congestion_window();
  r.now += 50ms;
  const auto outcome = r.ack({{1, 4}});
  EXPECT_EQ(outcome->mtu_probe_lost, 1'452u);
  EXPECT_EQ(outcome->lost_size_min, 0u);
  EXPECT_GT(r.controller.congestion_window(), window);
}

// rfc9000:9.4-old-path-apart
TEST(loss, packets_of_an_earlier_network_path_settle_without_effect) {
  Recovery r;
  r.confirmed();
  for (int i = 0; i < 6; ++i) r.send();
  NewReno fresh(kTestSize);
  (void)r.loss.on_network_path_changed(fresh, kInitialRtt, r.now);
  EXPECT_EQ(r.loss.bytes_in_flight(), 0u);
  r.send();
  r.now += 50ms;
  const auto outcome = r.ack({{4, 5}});
  EXPECT_EQ(outcome->acked_packets, 2u);
  EXPECT_FALSE(outcome->rtt_sampled);
  EXPECT_EQ(outcome->acked_bytes, 0u);
  EXPECT_EQ(outcome->lost_packets, 3u);
  EXPECT_EQ(r.frames.lost.size(), 3u);
  EXPECT_EQ(fresh.congestion_window(), initial_window(kTestSize));
  EXPECT_EQ(r.loss.bytes_in_flight(), kTestSize);
}

TEST(loss, coming_back_to_a_network_path_finds_what_it_had_taught) {
  Recovery r;
  r.confirmed();
  r.send();
  r.now += 50ms;
  ASSERT_TRUE(r.ack({{0, 0}})->rtt_sampled);
  const std::uint64_t window = r.controller.congestion_window();
  r.send();
  r.send();
  NewReno fresh(kTestSize);
  const NetworkPathLearning learnt = r.loss.on_network_path_changed(fresh, 400ms, r.now);
  EXPECT_EQ(r.loss.rtt().smoothed(), 400ms);
  EXPECT_EQ(r.loss.bytes_in_flight(), 0u);
  r.send();
  r.now += 10ms;
  (void)r.ack({{1, 1}});  // sent there, acknowledged while elsewhere
  r.loss.on_network_path_returned(learnt, r.controller, r.now);
  EXPECT_EQ(r.loss.rtt().smoothed(), 50ms);
  EXPECT_EQ(r.loss.bytes_in_flight(), kTestSize);  // packet 2; packet 3 never counts again
  EXPECT_EQ(&r.loss.controller(), &r.controller);
  EXPECT_EQ(r.controller.congestion_window(), window);
  r.now += 50ms;
  EXPECT_TRUE(r.ack({{2, 2}})->rtt_sampled);
  EXPECT_GT(r.controller.congestion_window(), window);
}

TEST(loss, after_a_move_the_oldest_data_goes_out_again_at_once) {
  Recovery r;
  r.confirmed();
  for (int i = 0; i < 4; ++i) r.send();
  r.frames.clear();
  r.loss.probe_at_once(r.frames, r.now);
  EXPECT_EQ(r.loss.probes_owed(PacketNumberSpace::kApplication), 2u);
  ASSERT_EQ(r.frames.lost.size(), 2u);
  EXPECT_EQ(r.frames.lost[0].id, 0u);
  EXPECT_EQ(r.frames.lost[1].id, 1u);
}

TEST(loss, packets_on_a_path_being_probed_are_outside_the_flight) {
  Recovery r;
  r.confirmed();
  const PacketNumber pn = r.loss.next_packet_number(PacketNumberSpace::kApplication, r.random);
  r.loss.on_packet_sent({.packet_number = pn,
                         .size = 1'200,
                         .ack_eliciting = true,
                         .in_flight = true,
                         .other_network_path = true,
                         .frames = {}},
                        r.now);
  EXPECT_EQ(r.loss.bytes_in_flight(), 0u);
  r.now += 500ms;
  const auto outcome = r.ack({{0, 0}});
  EXPECT_EQ(outcome->acked_packets, 1u);
  EXPECT_FALSE(outcome->rtt_sampled);
}

// rfc9000:21.9-work
TEST(loss, an_endless_run_of_acks_stays_within_its_limit) {
  Recovery r;
  r.confirmed();
  const SentFrame frame{.kind = SentFrameKind::kAck};
  for (std::uint64_t i = 0; i < 10 * kMaxUnacknowledgeable; ++i) {
    const PacketNumber pn = r.loss.next_packet_number(PacketNumberSpace::kApplication, r.random);
    r.loss.on_packet_sent({.packet_number = pn, .size = 40, .frames = {&frame, 1}}, r.now);
  }
  EXPECT_EQ(r.loss.tracked_packets(PacketNumberSpace::kApplication), kMaxUnacknowledgeable);
  EXPECT_EQ(r.loss.packets_since_ack_eliciting(PacketNumberSpace::kApplication), 10 * kMaxUnacknowledgeable);
  EXPECT_EQ(r.loss.next_timeout(), kNever);
  EXPECT_EQ(r.ack({{0, 10}})->acked_packets, 0u);  // long forgotten
}

// ACKs behind a packet that is never acknowledged cannot be forgotten.
struct DeafPeer : Recovery {
  DeafPeer() { confirmed(); }
  void answer(std::uint64_t count) {
    const SentFrame frame{.kind = SentFrameKind::kAck};
    for (std::uint64_t i = 0; i < count; ++i) {
      const PacketNumber pn = loss.next_packet_number(PacketNumberSpace::kApplication, random);
      loss.on_packet_sent({.packet_number = pn, .size = 40, .frames = {&frame, 1}}, now);
    }
  }
};

// rfc9000:21.9-work
TEST(loss, a_peer_that_sends_and_acknowledges_nothing_is_deaf_after_ten_seconds) {
  DeafPeer r;
  r.send();
  r.answer(kUnheardMax);
  r.now += kUnheardTime;
  EXPECT_FALSE(r.loss.peer_is_deaf(r.now));
  r.answer(1);
  EXPECT_TRUE(r.loss.peer_is_deaf(r.now));
  EXPECT_FALSE(r.loss.peer_is_deaf(r.now - 1ms));
  EXPECT_LE(r.loss.memory(), 16u << 20);
}

TEST(loss, a_peer_is_deaf_at_once_past_what_its_own_window_can_hold) {
  DeafPeer r;
  r.send();
  r.answer(kUnheardMost);
  EXPECT_FALSE(r.loss.peer_is_deaf(r.now));
  r.answer(1);
  EXPECT_TRUE(r.loss.peer_is_deaf(r.now));
  EXPECT_LE(r.loss.memory(), 80u << 20);
}

TEST(loss, only_what_is_acknowledged_late_in_the_run_shows_that_a_peer_hears) {
  DeafPeer r;
  const std::uint64_t first = r.send();
  r.answer(1'000);
  const std::uint64_t second = r.send();
  r.answer(kUnheardMax + 1);
  r.now += kUnheardTime;
  // One old number after the other frees nothing behind them.
  ASSERT_TRUE(r.ack({{first, first}}));
  EXPECT_TRUE(r.loss.peer_is_deaf(r.now));
  ASSERT_TRUE(r.ack({{second, second}}));
  EXPECT_TRUE(r.loss.peer_is_deaf(r.now));
  ASSERT_TRUE(r.ack({{second + kUnheardMax, second + kUnheardMax}}));
  EXPECT_FALSE(r.loss.peer_is_deaf(r.now));
}

TEST(loss, a_long_round_trip_and_silence_make_no_peer_deaf) {
  DeafPeer r;
  r.now += 1h;
  r.answer(kUnheardMax + 1);  // the first in an hour
  const std::uint64_t ping = r.send();
  r.now += 9s;
  EXPECT_FALSE(r.loss.peer_is_deaf(r.now));
  ASSERT_TRUE(r.ack({{ping, ping}}));
  r.answer(kUnheardMax + 1);
  r.now += 9s;
  EXPECT_FALSE(r.loss.peer_is_deaf(r.now));
}

TEST(sent_packets, rings_have_room_for_acks_beside_a_full_window) {
  SentPackets sent;
  const SentFrame frame{.kind = SentFrameKind::kAck};
  while (!sent.full(1)) sent.push({}, {&frame, 1});
  for (std::uint64_t i = 0; i < kUnheardMost; ++i) sent.push({}, {&frame, 1});
  EXPECT_EQ(sent.size(), kMaxSentPackets + kUnheardMost);
}

TEST(sent_packets, rings_refuse_more_than_their_limit) {
  SentPackets sent;
  const SentFrame frames[2] = {};
  while (!sent.full(2)) sent.push({}, frames);
  EXPECT_EQ(sent.size(), kMaxSentPackets);
  sent.pop_front();
  EXPECT_FALSE(sent.full(2));
  EXPECT_TRUE(sent.full(3));
}

}  // namespace
}  // namespace hawser::quic
