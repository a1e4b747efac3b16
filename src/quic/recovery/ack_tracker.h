// ack_tracker.h: the packet numbers received in one space of one Path: which are duplicates,
// when an ACK is due and what it says (RFC 9000 section 13.2).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/datagram.h"
#include "base/range_set.h"
#include "base/time.h"
#include "base/units.h"
#include "quic/recovery/ecn.h"
#include "quic/wire/packet_payload.h"
#include "quic/wire/types.h"

namespace hawser::quic {

class ReceiveTimes;  // recovery/receive_times.h

// Ranges remembered and reported. Each costs an ACK at most 2 varints of 8 octets, so 32 need
// 512 octets at worst, and in practice 32 * 2 = 64: they always fit one packet of 1,200.
inline constexpr std::size_t kMaxAckRanges = 32;
inline constexpr Duration kMaxAckDelay = 25ms;  // what we declare as max_ack_delay
inline constexpr std::uint64_t kAckDelayExponent = 3;

struct AckTrackerConfig {
  // Ack-eliciting packets that may arrive before an ACK is due; RFC 9000 section 13.2.2: 2.
  std::uint64_t ack_every = 2;
  Duration max_ack_delay = kMaxAckDelay;
  // Initial and Handshake packets are acknowledged at once (section 13.2.1).
  bool immediate = false;
};

class AckTracker {
 public:
  explicit AckTracker(const AckTrackerConfig& config = {}) : config_(config) {}

  static AckTracker for_space(PacketNumberSpace space) {
    return AckTracker({.immediate = space != PacketNumberSpace::kApplication});
  }

  // True if the packet was processed before, or is so old that nobody can tell: drop it,
  // after removing protection and before reading its frames (RFC 9000 section 12.3).
  [[nodiscard]] bool is_duplicate(PacketNumber pn) const;

  // A packet that is no duplicate was processed.
  void on_packet_received(PacketNumber pn, bool ack_eliciting, Ecn ecn, Timestamp now);
  // The peer asks for an ACK at once (IMMEDIATE_ACK).
  void request_immediate_ack(Timestamp now) { ack_due_ = now; }
  // ACK_FREQUENCY of the peer: one ACK per `ack_every` ack-eliciting packets, within `max_ack_delay`.
  // `reordering_threshold` 0: gaps never force one.
  // A new path of a connection begins with what was asked for on the others.
  void inherit_frequency(const AckTracker& other) {
    config_ = other.config_;
    reordering_threshold_ = other.reordering_threshold_;
  }
  void set_frequency(std::uint64_t ack_every, Duration max_ack_delay, std::uint64_t reordering_threshold);

  // When an ACK must be on its way: kNever if none is owed.
  [[nodiscard]] Timestamp next_timeout() const { return ack_due_; }
  [[nodiscard]] bool ack_due(Timestamp now) const { return ack_due_ <= now; }
  // There is news to report, so an ACK may ride along in a packet sent for another reason.
  [[nodiscard]] bool has_news() const { return has_news_; }

  // Writes an ACK frame (0x02, 0x03 if any ECN mark was counted, or PATH_ACK 0x3e/0x3f with
  // `path_id`) with as many ranges as fit, and records it. kPacketFull if not even one does.
  // `times`: what an ACK frame, but no PATH_ACK, has to end with. `ack_delay_exponent` is the one we declared; Initial
  // and Handshake use 3 as well.
  WriteResult write_ack(PacketPayload& out, Timestamp now, std::uint64_t ack_delay_exponent = kAckDelayExponent,
                        std::optional<PathId> path_id = std::nullopt, ReceiveTimes* times = nullptr);

  // The same PATH_ACK on another Path, in case that this one lost what was said on it: what is due here stays due.
  WriteResult repeat_ack(PacketPayload& out, Timestamp now, PathId path_id,
                         std::uint64_t ack_delay_exponent = kAckDelayExponent) {
    return !any_ || received_.empty() ? WriteResult::kDone : put_ack(out, now, ack_delay_exponent, path_id, nullptr);
  }

  // A packet that carried our ACK was acknowledged: nothing at or below its largest number need be reported
  // again (RFC 9000 section 13.2.4), but for what had no room.
  void on_ack_acked(const SentFrame& ack);
  // One up to `largest` was lost: say it again if there has been no later ACK.
  void on_ack_lost(std::uint64_t largest, Timestamp now);

  [[nodiscard]] std::optional<PacketNumber> largest_received() const;
  // The peer is known to have received one of our ACKs.
  [[nodiscard]] bool ack_arrived() const { return report_from_ != 0; }
  [[nodiscard]] const RangeSet& received() const { return received_; }
  [[nodiscard]] const EcnCounts& ecn_counts() const { return ecn_; }
  // Octets on the heap.
  [[nodiscard]] std::size_t memory() const { return received_.memory(); }

 private:
  [[nodiscard]] bool out_of_order(std::uint64_t pn) const;
  WriteResult put_ack(PacketPayload& out, Timestamp now, std::uint64_t ack_delay_exponent,
                      std::optional<PathId> path_id, ReceiveTimes* times);
  void write_ranges(PacketPayload& out, std::size_t count) const;

  AckTrackerConfig config_;
  RangeSet received_;
  // Numbers below were forgotten: treated as duplicates.
  std::uint64_t floor_ = 0;
  // Ranges that end at or below are known to be known: not reported again.
  std::uint64_t report_from_ = 0;
  // The lowest of those that came after an ACK had gone past them, of which no ACK since is known to be known.
  std::uint64_t late_ = UINT64_MAX;
  std::uint32_t late_after_ = 0;    // the ACK written last when the latest of them came
  std::uint32_t acks_written_ = 0;  // repeated ones too
  std::uint64_t largest_ = 0;
  bool any_ = false;
  Timestamp largest_received_time_{};
  EcnCounts ecn_;
  std::uint64_t reordering_threshold_ = 1;
  std::uint64_t unacked_eliciting_ = 0;  // ack-eliciting packets since the last ACK was written
  std::uint64_t largest_reported_ = 0;   // Largest Acknowledged of the last ACK written
  bool any_reported_ = false;
  bool has_news_ = false;
  bool last_was_ce_ = false;
  Timestamp ack_due_ = kNever;
};

}  // namespace hawser::quic
