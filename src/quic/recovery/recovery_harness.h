// recovery_harness.h: for the tests of this room: a LossDetector with a controller, and short
// ways to send and acknowledge.
#pragma once

#include <gtest/gtest.h>

#include <initializer_list>
#include <vector>

#include "quic/congestion/newreno.h"
#include "quic/recovery/loss.h"

namespace hawser::quic {

// How often operator new ran in this program (allocation_count_test.cc).
std::uint64_t allocation_count();

struct TestRange {
  std::uint64_t smallest;
  std::uint64_t largest;
};

inline constexpr std::uint16_t kTestSize = 1'200;

struct Recovery {
  explicit Recovery(const LossConfig& config = {.skip_packet_numbers = false}) : loss(config, controller) {}

  static LossConfig server() { return {.role = Role::kServer, .skip_packet_numbers = false}; }

  // Past the handshake, as most tests want it.
  Recovery& confirmed() {
    loss.on_handshake_confirmed(now);
    return *this;
  }

  std::uint64_t send(PacketNumberSpace space = PacketNumberSpace::kApplication, std::uint16_t size = kTestSize) {
    const PacketNumber pn = loss.next_packet_number(space, random);
    const SentFrame frame{.kind = SentFrameKind::kDatagram, .id = pn.value};
    loss.on_packet_sent({.space = space,
                         .packet_number = pn,
                         .size = size,
                         .ack_eliciting = true,
                         .in_flight = true,
                         .frames = {&frame, 1}},
                        now);
    return pn.value;
  }

  std::uint64_t send_stream(std::uint64_t id, std::uint64_t offset, std::uint32_t length, bool fin = false) {
    const PacketNumber pn = loss.next_packet_number(PacketNumberSpace::kApplication, random);
    const SentFrame frame{.kind = SentFrameKind::kStream, .fin = fin, .length = length, .id = id, .offset = offset};
    loss.on_packet_sent(
        {.packet_number = pn, .size = kTestSize, .ack_eliciting = true, .in_flight = true, .frames = {&frame, 1}}, now);
    return pn.value;
  }

  Parsed<RecoveryOutcome> ack(const std::vector<TestRange>& ranges, Duration delay = {},
                              PacketNumberSpace space = PacketNumberSpace::kApplication) {
    frames.clear();
    return loss.on_ack_received(
        {.space = space, .largest_acknowledged = PacketNumber{ranges.front().largest}, .ack_delay = delay, .now = now},
        ranges, frames);
  }

  TimeoutOutcome timeout() {
    frames.clear();
    now = loss.next_timeout();
    return loss.on_timeout(now, frames);
  }

  std::vector<std::uint64_t> lost_numbers() const {
    std::vector<std::uint64_t> numbers;
    for (const LostPacket& packet : frames.lost_packets) numbers.push_back(packet.packet_number);
    return numbers;
  }

  NewReno controller{kTestSize};
  LossDetector loss;
  SeededRandom random{1};
  RecoveryFrames frames;
  Timestamp now{10s};
};

}  // namespace hawser::quic
