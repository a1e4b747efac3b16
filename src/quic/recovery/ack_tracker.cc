// ack_tracker.cc: bookkeeping of received packet numbers and the ACK frame.
#include "quic/recovery/ack_tracker.h"

#include <algorithm>

#include "quic/recovery/receive_times.h"

namespace hawser::quic {

namespace {

constexpr std::uint8_t kTypeAck = 0x02;
constexpr std::uint8_t kTypePathAck = 0x3e;

}  // namespace

// rfc9000:12.3-duplicates rfc9000:13.2.3-retain
bool AckTracker::is_duplicate(PacketNumber pn) const {
  return pn.value < floor_ || received_.contains(pn.value);
}

// rfc9000:13.2.3-largest
std::optional<PacketNumber> AckTracker::largest_received() const {
  if (!any_) return std::nullopt;
  return PacketNumber{largest_};
}

// ack-frequency:4-threshold ack-frequency:4-delay
void AckTracker::set_frequency(std::uint64_t ack_every, Duration max_ack_delay, std::uint64_t reordering_threshold) {
  config_.ack_every = std::max<std::uint64_t>(ack_every, 1);
  config_.max_ack_delay = max_ack_delay;
  reordering_threshold_ = reordering_threshold;
}

// Whether `pn`, just added, came late, or a gap below the largest has not been reported yet
// (RFC 9000 section 13.2.1, in the general form of the acknowledgement frequency extension).
// rfc9000:13.2.1-reordered ack-frequency:6.2-zero ack-frequency:6.2-outside
bool AckTracker::out_of_order(std::uint64_t pn) const {
  if (reordering_threshold_ == 0) return false;
  // Numbers below this one can be declared lost from what was reported already.
  std::uint64_t unreported = received_.lowest().begin;
  if (any_reported_) {
    if (pn + reordering_threshold_ <= largest_reported_) return true;
    const std::uint64_t next = largest_reported_ + 1;
    unreported = next > reordering_threshold_ ? next - reordering_threshold_ : 0;
  }
  std::uint64_t missing = largest_;
  for (std::size_t i = received_.size(); i-- > 1 && received_[i].begin > unreported;) {
    missing = std::max(received_[i - 1].end, unreported);
  }
  return largest_ - missing >= reordering_threshold_;
}

// rfc9000:13.2.2-two rfc9000:13.2.1-within-delay rfc9000:13.2.1-handshake-now rfc9000:13.2.1-ce ack-frequency:6.3-ce
// rfc9000:13.2.1-no-loop rfc9000:13.2.1-one-ack rfc9221:5.2-delay
void AckTracker::on_packet_received(PacketNumber pn, bool ack_eliciting, Ecn ecn, Timestamp now) {
  received_.add(pn.value, pn.value + 1);
  if (!any_ || pn.value > largest_) {
    largest_ = pn.value;
    largest_received_time_ = now;
    any_ = true;
  }
  report_from_ = std::min(report_from_, pn.value);
  if (any_reported_ && pn.value < largest_reported_) {
    late_ = std::min(late_, pn.value);
    late_after_ = acks_written_;
  }
  ecn_.ect0 += ecn == Ecn::kEct0;
  ecn_.ect1 += ecn == Ecn::kEct1;
  ecn_.ce += ecn == Ecn::kCe;
  const bool ce_news = ecn == Ecn::kCe && (!last_was_ce_ || config_.ack_every <= 2);
  last_was_ce_ = ecn == Ecn::kCe;
  has_news_ = true;
  if (ack_eliciting) {
    ++unacked_eliciting_;
    const bool at_once =
        config_.immediate || ce_news || unacked_eliciting_ >= config_.ack_every || out_of_order(pn.value);
    ack_due_ = std::min(ack_due_, at_once ? now : now + config_.max_ack_delay);
  }
  while (received_.size() > kMaxAckRanges) {
    floor_ = received_.lowest().end;
    received_.drop_lowest();
  }
}

// rfc9000:13.2.3-latest rfc9000:13.2.3-largest-range
void AckTracker::write_ranges(PacketPayload& out, std::size_t count) const {
  const std::size_t top = received_.size() - 1;
  out.varint(count);
  out.varint(received_[top].size() - 1);
  for (std::size_t i = top; i-- > top - count;) {
    // Both fields count one less than they mean (RFC 9000 section 19.3.1).
    out.varint(received_[i + 1].begin - received_[i].end - 1);
    out.varint(received_[i].size() - 1);
  }
}

WriteResult AckTracker::write_ack(PacketPayload& out, Timestamp now, std::uint64_t ack_delay_exponent,
                                  std::optional<PathId> path_id, ReceiveTimes* times) {
  if (!any_ || received_.empty()) return WriteResult::kDone;
  if (put_ack(out, now, ack_delay_exponent, path_id, times) == WriteResult::kPacketFull)
    return WriteResult::kPacketFull;
  largest_reported_ = largest_;
  any_reported_ = true;
  unacked_eliciting_ = 0;
  has_news_ = !out.frames().back().fin;  // what had no room rides along with what is sent next
  ack_due_ = kNever;
  return WriteResult::kDone;
}

// Something was received.
// rfc9000:13.4.1-report rfc9000:13.2.5-own-delay rfc9000:13.2.5-large-delay
WriteResult AckTracker::put_ack(PacketPayload& out, Timestamp now, std::uint64_t ack_delay_exponent,
                                std::optional<PathId> path_id, ReceiveTimes* times) {
  if (path_id.has_value()) times = nullptr;  // no draft says how PATH_ACK frames would have them
  const bool with_ecn = ecn_ != EcnCounts{};
  const Duration held = std::max(now - largest_received_time_, Duration::zero());
  const std::uint64_t delay = static_cast<std::uint64_t>(to_us(held)) >> ack_delay_exponent;

  // Type and range count take one octet each: the count stays below 64.
  static_assert(kMaxAckRanges < 64);
  const std::size_t top = received_.size() - 1;
  const std::uint64_t type = (path_id.has_value() ? kTypePathAck : kTypeAck) + (with_ecn ? 1 : 0);
  std::size_t size = 1 + varint_size(largest_) + varint_size(delay) + 1 + varint_size(received_[top].size() - 1);
  if (path_id.has_value()) size += varint_size(path_id->value) + out.path_type_size(type) - 1;
  if (with_ecn) size += varint_size(ecn_.ect0) + varint_size(ecn_.ect1) + varint_size(ecn_.ce);
  if (times != nullptr) size += ReceiveTimes::kLeastSize;
  if (size > out.room()) return WriteResult::kPacketFull;

  std::size_t count = 0;
  bool whole = true;
  for (std::size_t i = top; i-- > 0 && received_[i].end > report_from_; ++count) {
    size += varint_size(received_[i + 1].begin - received_[i].end - 1) + varint_size(received_[i].size() - 1);
    whole = size <= out.room();
    if (!whole) break;
  }
  if (path_id.has_value()) {
    out.path_type(type);
    out.varint(path_id->value);
  } else {
    out.u8(static_cast<std::uint8_t>(type));
  }
  out.varint(largest_);
  out.varint(delay);
  write_ranges(out, count);
  if (with_ecn) {
    out.varint(ecn_.ect0);
    out.varint(ecn_.ect1);
    out.varint(ecn_.ce);
  }
  if (times != nullptr) times->write(out, largest_);
  out.mark_non_probing();
  out.record({.kind = SentFrameKind::kAck,
              .fin = whole,
              .length = ++acks_written_,
              .id = path_id.value_or(PathId{}).value,
              .offset = largest_});
  return WriteResult::kDone;
}

// rfc9000:13.2.3-stop-tracking
void AckTracker::on_ack_acked(const SentFrame& ack) {
  // Of one that had no room for all ranges the peer knows the newest only.
  if (!ack.fin) return;
  // And it says nothing of what came late, after it was written. The count goes around after four billion.
  if (static_cast<std::int32_t>(ack.length - late_after_) > 0) late_ = UINT64_MAX;
  report_from_ = std::max(report_from_, std::min(ack.offset + 1, late_));
}

void AckTracker::on_ack_lost(std::uint64_t largest, Timestamp) {
  if (any_reported_ && largest == largest_reported_) has_news_ = true;
}

}  // namespace hawser::quic
