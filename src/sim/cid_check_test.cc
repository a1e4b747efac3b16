// cid_check_test.cc: goal: connection IDs against the rules are seen, others are not complained of. Method: made-up
// events.
#include "sim/cid_check.h"

#include <gtest/gtest.h>

#include <array>

#include "sim/world.h"

namespace hawser::sim {
namespace {

class Tale {
 public:
  explicit Tale(std::uint64_t limit = 3) : check(verdict) {
    const std::array<NamedValue, 1> given{{{"active_connection_id_limit", limit}}};
    tell(ParametersSet{.initiator = Owner::kRemote, .parameters = given});
  }
  template <class Event>
  void tell(const Event& event) {
    EventEmitter(&check,
                 {.connection = 1, .original_destination_cid = {}, .now = kWorldStart, .vantage = Vantage::kServer})
        .emit(event);
  }
  Tale& sent(const FrameSummary& frame, Bytes dcid = {}) {
    tell(PacketSent{
        .packet_type = LoggedPacketType::kOneRtt, .packet_number = number++, .dcid = dcid, .frames = {&frame, 1}});
    return *this;
  }
  Tale& came(const FrameSummary& frame) {
    tell(PacketReceived{.packet_type = LoggedPacketType::kOneRtt, .packet_number = 0, .frames = {&frame, 1}});
    return *this;
  }
  [[nodiscard]] bool failed() const { return verdict.failed(); }
  Verdict verdict;
  CidCheck check;
  std::uint64_t number = 0;
};

const std::array<std::uint8_t, 8> kFirst{1, 1, 1, 1, 1, 1, 1, 1};
const std::array<std::uint8_t, 8> kSecond{2, 2, 2, 2, 2, 2, 2, 2};
const FrameSummary kPing{.type = 0x01};

FrameSummary gives(std::uint64_t sequence, std::uint64_t retire_prior_to = 0, Bytes cid = kSecond) {
  return {.type = 0x18, .id = sequence, .extra = retire_prior_to, .data = cid};
}
FrameSummary retires(std::uint64_t sequence) {
  return {.type = 0x19, .id = sequence};
}

TEST(cid_check, no_more_are_active_than_the_peer_takes) {
  EXPECT_FALSE(Tale().sent(gives(1)).sent(gives(2)).failed());
  EXPECT_FALSE(Tale().sent(gives(1)).sent(gives(2)).sent(gives(2)).failed());  // once more, as after a loss
  EXPECT_TRUE(Tale().sent(gives(1)).sent(gives(2)).sent(gives(3)).failed());
  EXPECT_TRUE(Tale().sent(gives(2)).sent(gives(3)).failed());  // 1 was in preferred_address
}

TEST(cid_check, retired_ones_make_room) {
  EXPECT_FALSE(Tale().sent(gives(1)).sent(gives(2)).came(retires(0)).sent(gives(3)).failed());
  EXPECT_TRUE(Tale().sent(gives(1)).sent(gives(2)).came(retires(0)).sent(gives(3)).sent(gives(4)).failed());
  // Those that the peer is asked to retire no longer count, and not twice once it did.
  EXPECT_FALSE(Tale().sent(gives(1)).sent(gives(2)).sent(gives(3, 1)).failed());
  EXPECT_TRUE(Tale().sent(gives(1)).sent(gives(2)).sent(gives(3, 1)).came(retires(0)).sent(gives(4, 1)).failed());
}

TEST(cid_check, an_end_retires_only_what_it_was_given) {
  EXPECT_FALSE(Tale().came(gives(1)).came(gives(2)).sent(retires(2)).failed());
  EXPECT_TRUE(Tale().came(gives(1)).sent(retires(2)).failed());
}

TEST(cid_check, nothing_goes_to_a_retired_one) {
  EXPECT_FALSE(Tale().came(gives(1, 0, kFirst)).sent(kPing, kFirst).sent(retires(1)).sent(kPing).failed());
  EXPECT_TRUE(Tale().came(gives(1, 0, kFirst)).sent(retires(1)).sent(kPing, kFirst).failed());
  EXPECT_TRUE(Tale().came(gives(1, 0, kFirst)).sent(retires(1), kFirst).failed());  // in the same packet
}

}  // namespace
}  // namespace hawser::sim
