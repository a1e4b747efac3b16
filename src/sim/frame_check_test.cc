// frame_check_test.cc: goal: broken promises are seen, kept ones are not complained of. Method: made-up events.
#include "sim/frame_check.h"

#include <gtest/gtest.h>

#include <array>
#include <vector>

#include "sim/world.h"

namespace hawser::sim {
namespace {

class Tale {
 public:
  Tale() : check(verdict) {
    const std::array<NamedValue, 4> given{{{"initial_max_data", 1'000},
                                           {"initial_max_stream_data_bidi_remote", 100},
                                           {"initial_max_stream_data_bidi_local", 200},
                                           {"initial_max_stream_data_uni", 300}}};
    tell(ParametersSet{.initiator = Owner::kRemote, .parameters = given});
  }
  template <class Event>
  void tell(const Event& event) {
    EventEmitter(&check,
                 {.connection = 1, .original_destination_cid = {}, .now = kWorldStart, .vantage = Vantage::kClient})
        .emit(event);
  }
  Tale& sent(const FrameSummary& frame) {
    tell(PacketSent{.packet_type = LoggedPacketType::kOneRtt, .packet_number = number++, .frames = {&frame, 1}});
    return *this;
  }
  Tale& came(const FrameSummary& frame) {
    tell(PacketReceived{.packet_type = LoggedPacketType::kOneRtt, .packet_number = 0, .frames = {&frame, 1}});
    return *this;
  }
  Tale& sent_in_phase(std::uint64_t phase) {
    tell(PacketSent{.packet_type = LoggedPacketType::kOneRtt, .packet_number = number++, .key_phase = phase});
    return *this;
  }
  Tale& acked(std::uint64_t packet) {
    const Range range{packet, packet + 1};
    tell(PacketsAcked{.space = LoggedSpace::kApplication, .count = 1, .packet_numbers = {&range, 1}});
    return *this;
  }
  Tale& updates_keys() {
    tell(KeyUpdated{.key_type = KeyType::kClientOneRtt, .trigger = KeyTrigger::kLocalUpdate});
    return *this;
  }
  [[nodiscard]] bool failed() const { return verdict.failed(); }
  Verdict verdict;
  FrameCheck check;
  std::uint64_t number = 0;
};

FrameSummary data(std::uint64_t id, std::uint64_t offset, std::uint64_t length, bool fin = false) {
  return {.type = 0x0e, .id = id, .offset = offset, .length = length, .fin = fin};
}
FrameSummary limit(std::uint64_t type, std::uint64_t value, std::uint64_t id = 0) {
  return {.type = type, .id = id, .value = value};
}

TEST(frame_check, limits_only_rise) {
  EXPECT_FALSE(Tale().sent(limit(0x10, 5)).sent(limit(0x10, 5)).sent(limit(0x10, 6)).failed());
  EXPECT_FALSE(Tale().sent(limit(0x11, 5, 0)).sent(limit(0x11, 4, 8)).failed());
  EXPECT_TRUE(Tale().sent(limit(0x10, 5)).sent(limit(0x10, 4)).failed());
  EXPECT_TRUE(Tale().sent(limit(0x11, 5, 8)).sent(limit(0x11, 4, 8)).failed());
  EXPECT_TRUE(Tale().sent(limit(0x13, 5)).sent(limit(0x13, 4)).failed());
}

TEST(frame_check, stream_data_stays_below_the_limit_of_its_kind) {
  EXPECT_FALSE(Tale().sent(data(0, 0, 100)).sent(data(1, 0, 200)).sent(data(2, 0, 300)).failed());
  EXPECT_TRUE(Tale().sent(data(0, 0, 101)).failed());
  EXPECT_TRUE(Tale().sent(data(1, 0, 201)).failed());
  EXPECT_TRUE(Tale().sent(data(2, 0, 301)).failed());
  EXPECT_FALSE(Tale().came(limit(0x11, 101, 0)).sent(data(0, 1, 100)).failed());
}

TEST(frame_check, data_of_all_streams_stays_below_the_connections_limit) {
  Tale tale;
  for (std::uint64_t id = 2; id < 14; id += 4) tale.sent(data(id, 0, 300));
  EXPECT_FALSE(tale.sent(data(2, 0, 300)).failed());  // again: nothing new
  tale.came(limit(0x10, 1'100)).sent(data(0, 0, 100)).sent(data(4, 0, 100));
  EXPECT_FALSE(tale.failed()) << tale.verdict.failure();
  EXPECT_TRUE(tale.sent(data(8, 0, 1)).failed());
}

TEST(frame_check, the_end_of_a_stream_stays) {
  EXPECT_FALSE(Tale().sent(data(0, 0, 10, true)).sent(data(0, 5, 5, true)).sent(data(0, 0, 5)).failed());
  EXPECT_TRUE(Tale().sent(data(0, 0, 10, true)).sent(data(0, 10, 1)).failed());
  EXPECT_TRUE(Tale().sent(data(0, 0, 10)).sent(data(0, 0, 5, true)).failed());
  EXPECT_TRUE(Tale().sent(data(0, 0, 10)).sent({.type = 0x04, .id = 0, .extra = 9}).failed());
  EXPECT_FALSE(Tale().sent(data(0, 0, 10)).sent({.type = 0x04, .id = 0, .extra = 10}).failed());
}

TEST(frame_check, key_phases_rise_by_one_and_not_before_an_acknowledgement) {
  EXPECT_FALSE(Tale().sent_in_phase(0).acked(0).updates_keys().sent_in_phase(1).acked(1).updates_keys().failed());
  EXPECT_TRUE(Tale().sent_in_phase(0).acked(0).updates_keys().sent_in_phase(1).updates_keys().failed());
  EXPECT_TRUE(Tale().sent_in_phase(0).sent_in_phase(2).failed());
  EXPECT_TRUE(Tale().sent_in_phase(0).sent_in_phase(1).sent_in_phase(0).failed());
}

}  // namespace
}  // namespace hawser::sim
