// Goal: connection IDs are issued, used and retired by the rules of RFC 9000 section 5.1, and
// each broken rule yields its exact error.
// Method: frames by hand; written frames are compared octet by octet where layout matters.
#include "quic/path/cid_sequence.h"

#include <gtest/gtest.h>

#include <array>

#include "base/reader.h"

namespace hawser::quic {
namespace {

ConnectionId cid(std::uint8_t n) {
  const std::array<std::uint8_t, 8> bytes{n, 1, 2, 3, 4, 5, 6, 7};
  return ConnectionId{bytes};
}
StatelessResetToken token(std::uint8_t n) {
  return StatelessResetToken{n, 9, 9, 9};
}
NewCid frame(std::uint64_t sequence, std::uint64_t retire_prior_to = 0) {
  const auto n = static_cast<std::uint8_t>(sequence);
  return {.sequence = sequence, .retire_prior_to = retire_prior_to, .cid = cid(n), .token = token(n)};
}

template <class T>
TransportErrorCode code_of(const Parsed<T>& result) {
  return result.has_value() ? TransportErrorCode::kNoError : result.error().code;
}

PeerCids peer() {
  PeerCids cids;
  cids.set_initial(cid(0));
  return cids;
}

class Frames {
 public:
  PacketPayload payload(std::size_t room = 1'200) {
    area_.assign(room, 0);
    return PacketPayload{area_};
  }
  std::vector<std::uint8_t> area_;
};

TEST(peer_cids, the_initial_one_is_in_use_and_new_ones_are_spare) {
  PeerCids cids = peer();
  EXPECT_TRUE(cids.is_active(0));
  EXPECT_FALSE(cids.has_unused());
  ASSERT_TRUE(cids.on_new_connection_id(frame(2)).has_value());
  ASSERT_TRUE(cids.on_new_connection_id(frame(1)).has_value());
  EXPECT_EQ(cids.take_unused(), 1u);
  EXPECT_EQ(cids.take_unused(), 2u);
  EXPECT_EQ(cids.take_unused(), std::nullopt);
  EXPECT_EQ(cids.find(2)->cid, cid(2));
}

// rfc9000:19.15-repeated
TEST(peer_cids, a_repeated_frame_changes_nothing) {
  PeerCids cids = peer();
  ASSERT_TRUE(cids.on_new_connection_id(frame(1)).has_value());
  ASSERT_TRUE(cids.on_new_connection_id(frame(1)).has_value());
  EXPECT_EQ(cids.active(), 2u);
}

TEST(peer_cids, a_number_with_another_connection_id_is_a_protocol_violation) {
  PeerCids cids = peer();
  ASSERT_TRUE(cids.on_new_connection_id(frame(1)).has_value());
  NewCid other = frame(1);
  other.cid = cid(77);
  EXPECT_EQ(code_of(cids.on_new_connection_id(other)), TransportErrorCode::kProtocolViolation);
}

TEST(peer_cids, a_number_with_another_token_is_a_protocol_violation) {
  PeerCids cids = peer();
  ASSERT_TRUE(cids.on_new_connection_id(frame(1)).has_value());
  NewCid other = frame(1);
  other.token = token(77);
  EXPECT_EQ(code_of(cids.on_new_connection_id(other)), TransportErrorCode::kProtocolViolation);
}

TEST(peer_cids, a_connection_id_with_another_number_is_a_protocol_violation) {
  PeerCids cids = peer();
  ASSERT_TRUE(cids.on_new_connection_id(frame(1)).has_value());
  NewCid other = frame(2);
  other.cid = cid(1);
  EXPECT_EQ(code_of(cids.on_new_connection_id(other)), TransportErrorCode::kProtocolViolation);
}

// rfc9000:19.15-zero-received rfc9000:9.5-zero-length
TEST(peer_cids, a_peer_with_zero_length_connection_ids_may_not_issue_any) {
  PeerCids cids;
  cids.set_initial(ConnectionId{});
  EXPECT_EQ(code_of(cids.on_new_connection_id(frame(1))), TransportErrorCode::kProtocolViolation);
}

TEST(peer_cids, retire_prior_to_above_the_number_is_a_frame_encoding_error) {
  PeerCids cids = peer();
  EXPECT_EQ(code_of(cids.on_new_connection_id(frame(1, 2))), TransportErrorCode::kFrameEncodingError);
}

TEST(peer_cids, more_than_the_limit_is_a_connection_id_limit_error) {
  PeerCids cids = peer();
  for (std::uint64_t n = 1; n < kMaxActiveCids; ++n) ASSERT_TRUE(cids.on_new_connection_id(frame(n)).has_value());
  EXPECT_EQ(cids.active(), kMaxActiveCids);
  EXPECT_EQ(code_of(cids.on_new_connection_id(frame(kMaxActiveCids))), TransportErrorCode::kConnectionIdLimitError);
}

// rfc9000:5.1.2-retire-prior-to rfc9000:5.1.2-not-forgotten
TEST(peer_cids, retire_prior_to_makes_room_within_the_same_frame) {
  PeerCids cids = peer();
  for (std::uint64_t n = 1; n < kMaxActiveCids; ++n) ASSERT_TRUE(cids.on_new_connection_id(frame(n)).has_value());
  ASSERT_TRUE(cids.on_new_connection_id(frame(kMaxActiveCids, 3)).has_value());
  EXPECT_FALSE(cids.is_active(0));
  EXPECT_FALSE(cids.is_active(2));
  EXPECT_TRUE(cids.is_active(3));
  EXPECT_EQ(cids.pending_retirements(), 3u);
}

// rfc9000:5.1.2-bound-retired rfc9000:5.1.2-track-twice
TEST(peer_cids, too_many_retirements_at_once_are_a_connection_id_limit_error) {
  PeerCids cids = peer();
  std::uint64_t n = 1;
  for (; n <= kMaxPendingRetirements; ++n) ASSERT_TRUE(cids.on_new_connection_id(frame(n, n)).has_value());
  EXPECT_EQ(cids.pending_retirements(), kMaxPendingRetirements);
  EXPECT_EQ(code_of(cids.on_new_connection_id(frame(n, n))), TransportErrorCode::kConnectionIdLimitError);
}

TEST(peer_cids, numbers_with_too_many_gaps_are_a_connection_id_limit_error) {
  PeerCids cids = peer();
  TransportErrorCode code = TransportErrorCode::kNoError;
  std::uint64_t n = 2;
  for (; code == TransportErrorCode::kNoError && n < 200; n += 2) {
    code = code_of(cids.on_new_connection_id(frame(n, n)));
    for (std::uint64_t i = 0; i < n; ++i) cids.on_retirement_acked(i);
  }
  EXPECT_EQ(code, TransportErrorCode::kConnectionIdLimitError);
  EXPECT_EQ(n, 2 * kMaxSeenCidRanges + 2);
}

// rfc9000:19.15-late rfc9000:19.15-retire-not-lowered
TEST(peer_cids, a_number_already_overtaken_is_retired_at_once_and_only_once) {
  PeerCids cids = peer();
  ASSERT_TRUE(cids.on_new_connection_id(frame(5, 5)).has_value());
  EXPECT_EQ(cids.pending_retirements(), 1u);  // 0
  ASSERT_TRUE(cids.on_new_connection_id(frame(3)).has_value());
  EXPECT_FALSE(cids.is_active(3));
  EXPECT_EQ(cids.pending_retirements(), 2u);
  cids.on_retirement_acked(3);
  ASSERT_TRUE(cids.on_new_connection_id(frame(3)).has_value());  // resent by the network
  EXPECT_EQ(cids.pending_retirements(), 1u);
}

// rfc9000:5.1.2-not-forgotten
TEST(peer_cids, retirements_are_written_and_resent_when_lost) {
  PeerCids cids = peer();
  ASSERT_TRUE(cids.on_new_connection_id(frame(1)).has_value());
  cids.retire(0);
  Frames frames;
  PacketPayload out = frames.payload();
  EXPECT_EQ(cids.write_retirements(out), WriteResult::kDone);
  EXPECT_EQ(to_hex({frames.area_.data(), out.size()}), "1900");
  EXPECT_EQ(out.frames()[0].kind, SentFrameKind::kRetireConnectionId);
  EXPECT_FALSE(cids.has_frames());
  cids.on_retirement_lost(0);
  EXPECT_TRUE(cids.has_frames());
  PacketPayload none = frames.payload(1);
  EXPECT_EQ(cids.write_retirements(none), WriteResult::kPacketFull);
  cids.on_retirement_acked(0);
  EXPECT_FALSE(cids.has_frames());
  EXPECT_EQ(cids.pending_retirements(), 0u);
}

// rfc9000:10.3.1-used-only
TEST(peer_cids, a_reset_token_is_known_while_its_connection_id_is_in_use) {
  PeerCids cids = peer();
  EXPECT_FALSE(cids.is_reset_token(token(0)));
  cids.set_initial_token(token(0));
  EXPECT_TRUE(cids.is_reset_token(token(0)));
  EXPECT_FALSE(cids.is_reset_token(token(1)));
  EXPECT_TRUE(cids.take_tokens_changed());
  cids.add_preferred(cid(1), token(1));
  EXPECT_FALSE(cids.is_reset_token(token(1)));
  EXPECT_FALSE(cids.take_tokens_changed());
  EXPECT_EQ(cids.take_unused(), 1u);
  EXPECT_TRUE(cids.is_reset_token(token(1)));
  EXPECT_TRUE(cids.take_tokens_changed());
  cids.retire(0);
  EXPECT_FALSE(cids.is_reset_token(token(0)));
  EXPECT_TRUE(cids.take_tokens_changed());
}

// rfc9000:5.1.1-limit-kept rfc9000:5.1.1-sequence rfc9000:5.1.1-supply rfc9000:5.1.1-pool-for-migration
TEST(local_cids, as_many_are_issued_as_the_peer_allows) {
  LocalCids cids;
  EXPECT_EQ(cids.add_known(cid(0), token(0)), 0u);
  cids.set_peer_limit(4);
  EXPECT_EQ(cids.wanted(), 3u);
  EXPECT_EQ(cids.issue(cid(1), token(1)), 1u);
  EXPECT_EQ(cids.wanted(), 2u);
  cids.set_peer_limit(1'000'000);
  EXPECT_EQ(cids.wanted(), kMaxActiveCids - 2);
}

TEST(local_cids, the_frame_has_the_layout_of_rfc_9000) {
  LocalCids cids;
  cids.add_known(cid(0), token(0));
  cids.issue(cid(1), token(1));
  Frames frames;
  PacketPayload out = frames.payload();
  EXPECT_EQ(cids.write_new_connection_ids(out), WriteResult::kDone);
  EXPECT_EQ(to_hex({frames.area_.data(), out.size()}),
            "18"
            "01"
            "00"
            "08"
            "0101020304050607"
            "01090909000000000000000000000000");
  EXPECT_TRUE(out.probing());
  EXPECT_FALSE(cids.has_frames());
  cids.on_new_connection_id_lost(1);
  EXPECT_TRUE(cids.has_frames());
}

TEST(local_cids, a_multipath_frame_names_its_path) {
  LocalCids cids{PathId{3}};
  cids.set_peer_limit(2);
  cids.issue(cid(0), token(0));
  Frames frames;
  PacketPayload out = frames.payload();
  EXPECT_EQ(cids.write_new_connection_ids(out), WriteResult::kDone);
  EXPECT_EQ(to_hex(Bytes{frames.area_}.first(6)), "7e7803000008");
  EXPECT_EQ(out.frames()[0].offset, 3u);
}

TEST(local_cids, an_acknowledged_frame_is_not_sent_again) {
  LocalCids cids;
  cids.add_known(cid(0), token(0));
  cids.issue(cid(1), token(1));
  Frames frames;
  PacketPayload out = frames.payload();
  cids.write_new_connection_ids(out);
  cids.on_new_connection_id_acked(1);
  cids.on_new_connection_id_lost(1);
  EXPECT_FALSE(cids.has_frames());
}

TEST(local_cids, nothing_is_owed_once_lost_frames_were_late_or_their_numbers_retired) {
  LocalCids cids;
  cids.set_peer_limit(3);
  cids.add_known(cid(0), token(0));
  cids.issue(cid(1), token(1));
  cids.issue(cid(2), token(2));
  Frames frames;
  PacketPayload out = frames.payload();
  cids.write_new_connection_ids(out);
  cids.on_new_connection_id_lost(1);
  cids.on_new_connection_id_lost(2);
  EXPECT_TRUE(cids.has_frames());
  cids.on_new_connection_id_acked(1);
  EXPECT_TRUE(cids.has_frames());
  ASSERT_TRUE(cids.on_retire_connection_id(2, cid(0)).has_value());
  EXPECT_FALSE(cids.has_frames());
}

// rfc9000:5.1.1-replace rfc9000:5.1.1-accepted
TEST(local_cids, a_retirement_frees_the_connection_id_once) {
  LocalCids cids;
  cids.add_known(cid(0), token(0));
  cids.issue(cid(1), token(1));
  EXPECT_EQ(cids.wanted(), 0u);
  const auto retired = cids.on_retire_connection_id(0, cid(1));
  ASSERT_TRUE(retired.has_value());
  EXPECT_EQ(*retired, cid(0));
  EXPECT_EQ(cids.wanted(), 1u);
  EXPECT_EQ(*cids.on_retire_connection_id(0, cid(1)), std::nullopt);
  EXPECT_EQ(cids.find(cid(0)), nullptr);
  EXPECT_EQ(cids.find(cid(1))->sequence, 1u);
}

TEST(local_cids, retiring_what_was_never_issued_is_a_protocol_violation) {
  LocalCids cids;
  cids.add_known(cid(0), token(0));
  EXPECT_EQ(code_of(cids.on_retire_connection_id(1, cid(0))), TransportErrorCode::kProtocolViolation);
}

TEST(local_cids, retiring_the_connection_id_in_use_by_the_packet_is_a_protocol_violation) {
  LocalCids cids;
  cids.add_known(cid(0), token(0));
  cids.issue(cid(1), token(1));
  EXPECT_EQ(code_of(cids.on_retire_connection_id(1, cid(1))), TransportErrorCode::kProtocolViolation);
}

// rfc9000:19.15-retire-order
TEST(local_cids, no_frame_asks_to_retire_more_than_itself) {
  LocalCids cids;
  cids.add_known(cid(0), token(0));
  cids.set_peer_limit(2);
  cids.issue(cid(1), token(1));  // still to be sent when it is asked back
  cids.retire_all_issued();
  cids.issue(cid(2), token(2));
  Frames frames;
  PacketPayload out = frames.payload();
  ASSERT_EQ(cids.write_new_connection_ids(out), WriteResult::kDone);
  const std::string hex = to_hex({frames.area_.data(), out.size()});
  EXPECT_EQ(hex.substr(0, 6), "180101");
  EXPECT_EQ(hex.substr(hex.size() / 2, 6), "180202");
}

TEST(local_cids, all_can_be_replaced_at_once_even_at_the_limit) {
  LocalCids cids;
  cids.add_known(cid(0), token(0));
  cids.set_peer_limit(kMaxActiveCids);
  for (std::uint8_t n = 1; cids.wanted() != 0; ++n) cids.issue(cid(n), token(n));
  EXPECT_EQ(cids.active(), kMaxActiveCids);
  cids.retire_all_issued();
  EXPECT_EQ(cids.wanted(), kMaxActiveCids);
  for (std::uint8_t n = 100; cids.wanted() != 0; ++n) cids.issue(cid(n), token(n));
  EXPECT_EQ(cids.active(), kMaxLocalCids);
  PeerCids other = peer();
  Frames frames;
  PacketPayload out = frames.payload();
  ASSERT_EQ(cids.write_new_connection_ids(out), WriteResult::kDone);
  for (std::uint64_t n = kMaxActiveCids; n < kMaxLocalCids; ++n) {
    EXPECT_EQ(code_of(other.on_new_connection_id({.sequence = n,
                                                  .retire_prior_to = kMaxActiveCids,
                                                  .cid = cid(static_cast<std::uint8_t>(92 + n)),
                                                  .token = token(1)})),
              TransportErrorCode::kNoError);
  }
  EXPECT_FALSE(other.is_active(0));
}

}  // namespace
}  // namespace hawser::quic
