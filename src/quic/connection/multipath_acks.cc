// multipath_acks.cc: on which path a path's acknowledgements go, and what those say that come by another. A path that
// dies takes the latest ones with it, and the sender would send again what had arrived: so what came on a path that
// fell quiet is acknowledged on one that did not, too. A sender keeps that for the case that the path is silent, and
// goes by what comes the usual way until then: that alone tells round trips and rates.
// Before: receive.cc, send.cc, ack.cc. After: recovery/.
#include <algorithm>
#include <vector>

#include "base/writer.h"
#include "quic/connection/ack_delay.h"
#include "quic/connection/multipath.h"

namespace hawser::quic {
namespace {

// A path is quiet when nothing came for this long, and for so many of its usual pauses. What is said in vain then
// costs a dozen octets in a packet that goes anyway.
constexpr Duration kQuietLeast = 5ms;
constexpr int kQuietGaps = 4;
// What a report of such a path says to have been held back, in whatever units it says that.
constexpr Duration kQuietToldLeast = kQuietLeast - 1ms;
// So many in a row on another path for two probe timeouts, in which what is said the usual way would have come: the
// peer has changed its ways.
constexpr std::uint32_t kDetoursInRow = 8;
constexpr int kDetourPtos = 2;
// Two that are further apart are of different bursts, and in the second one the usual way had no time yet.
constexpr Duration kDetoursApart = 1s;
// Ranges that are kept; past it the lowest go.
constexpr std::size_t kKeptRanges = kMaxAckRangesWritten;

constexpr PacketNumberSpace kSpace = PacketNumberSpace::kApplication;

// Gap and length of each range but the highest, as an ACK frame has them.
std::vector<std::uint8_t> encoded_below_highest(const RangeSet& ranges) {
  std::vector<std::uint8_t> octets(2 * varint_size(kVarintMax) * ranges.size());
  Writer out(octets);
  for (std::size_t i = ranges.size() - 1; i-- > 0;) {
    out.varint(ranges[i + 1].begin - ranges[i].end - 1);
    out.varint(ranges[i].size() - 1);
  }
  octets.resize(out.written().size());
  return octets;
}

// `octets` outlives the frame.
AckFrame with_ranges(AckFrame frame, const RangeSet& ranges, std::vector<std::uint8_t>& octets) {
  octets = encoded_below_highest(ranges);
  frame.first_range = ranges.highest();
  frame.range_count = ranges.size();
  frame.encoded_ranges = octets;
  return frame;
}

}  // namespace

// A train came.
void Multipath::note_heard(PathSlot& slot) {
  PathQuiet& quiet = slot.quiet;
  if (quiet.heard_at != Timestamp::min()) {
    const Duration gap = std::min(core_.now_ - quiet.heard_at, PathQuiet::kGapMax);
    quiet.gap += (gap - quiet.gap) / 8;
  }
  quiet.heard_at = core_.now_;
  if (slot.path == nullptr) return;
  const AckTracker& acks = slot.path->acks(kSpace);
  // Until one of them arrived the peer does not know which way acknowledgements of this path come.
  if (acks.next_timeout() != kNever && acks.ack_arrived()) quiet.to_tell = PathQuiet::kTold;
}

// What came on it last had to be acknowledged, and nothing comes any more.
bool Multipath::fell_quiet(const PathSlot& slot) const {
  const PathQuiet& quiet = slot.quiet;
  return quiet.to_tell != 0 && slot.open() &&
         core_.now_ - quiet.heard_at >= std::max(kQuietLeast, kQuietGaps * quiet.gap);
}

// Of paths that were given up, and of those that fell quiet.
void Multipath::write_other_acks(PacketPayload& out) {
  for (const auto& slot : slots_) {
    if (slot->path == nullptr || slot->path.get() == core_.path_) continue;
    AckTracker& acks = slot->path->acks(kSpace);
    if (slot->abandoned) {
      if (acks.ack_due(core_.now_)) (void)acks.write_ack(out, core_.now_, kAckDelayExponent, slot->id);
    } else if (fell_quiet(*slot) && acks.repeat_ack(out, core_.now_, slot->id) == WriteResult::kDone) {
      --slot->quiet.to_tell;
      ++stats_.acks_repeated;
    }
  }
}

// Of the packets of `slot`, on the path at hand.
Parsed<void> Multipath::take_ack_of(PathSlot& slot, const AckFrame& ack, FrameReader& in) {
  note_ack_return(slot, decoded_ack_delay(ack.ack_delay, core_.peer_.ack_delay_exponent));
  // It costs about what one does that says nothing new.
  if (slot.ack_detoured && keep_ack(slot, ack)) return core_.charge(in, FloodGuard::kCheap);
  const ConnectionCore::AtHand hand(core_, *slot.path);
  HAWSER_TRY_VOID(take_own_ack(slot, ack, in));
  if (slot.ack_came_elsewhere) return {};
  // Another may have told all that it says, and it is alive none the less. But where our packets are lost and the
  // peer's are not, it repeats what it told here before.
  const std::uint64_t told_to = ack.largest_acknowledged().value + 1;
  if (told_to > slot.told_to) revive(slot);
  slot.told_to = std::max(slot.told_to, told_to);
  return {};
}

// With what was kept of the packets below its largest: the receiver may have left out what it knows us to have been
// told, and then it would be taken for lost.
Parsed<void> Multipath::take_own_ack(PathSlot& slot, const AckFrame& ack, FrameReader& in) {
  if (slot.kept_ack == nullptr) [[likely]]
    return core_.take_ack(ack, kSpace, in);
  // Sorted before, as a set is cheap to make from below only, and a hostile frame has thousands of ranges.
  std::vector<Range> all;
  const std::uint64_t tracked = slot.path->loss().numbers_begin();
  for (const Range& range : ack) {
    if (range.end <= tracked && !all.empty()) break;
    all.push_back(range);
  }
  for (const Range& range : slot.kept_ack->ranges)
    if (range.begin < ack.first_range.end)
      all.push_back({.begin = range.begin, .end = std::min(range.end, ack.first_range.end)});
  std::ranges::sort(all, {}, &Range::begin);
  RangeSet told;
  for (const Range& range : all) told.add(range.begin, range.end);
  std::vector<std::uint8_t> octets;
  const AckFrame merged = with_ranges(ack, told, octets);
  if (slot.kept_ack->ranges.highest().end <= ack.first_range.end) slot.kept_ack.reset();
  // Its counts are of what this one acknowledges alone; those of the next one will do.
  slot.ack_merged = true;
  auto taken = core_.take_ack(merged, kSpace, in);
  slot.ack_merged = false;
  return taken;
}

// False: it is to be taken at once, since the path is known to be silent, or something is wrong with it.
bool Multipath::keep_ack(PathSlot& slot, const AckFrame& ack) {
  if (!slot.open() || slot.degraded || slot.failed) return false;
  if (ack.largest_acknowledged().value >= slot.path->loss().numbers_end()) return false;
  if (slot.kept_ack == nullptr) slot.kept_ack = std::make_unique<KeptAck>();
  KeptAck& kept = *slot.kept_ack;
  if (kept.ranges.empty() || ack.first_range.end >= kept.frame.first_range.end) {
    kept.frame = ack;
    kept.frame.encoded_ranges = {};
    kept.frame.timestamps.reset();
  }
  for (const Range& range : ack) {
    if (kept.ranges.size() == kKeptRanges && range.end < kept.ranges.lowest().begin) break;
    kept.ranges.add(range.begin, range.end);
    if (kept.ranges.size() > kKeptRanges) kept.ranges.drop_lowest();
  }
  return true;
}

// The path is taken for silent: now the word of another counts.
void Multipath::use_kept_ack(PathSlot& slot) {
  const auto kept = std::exchange(slot.kept_ack, nullptr);
  if (kept == nullptr) return;
  slot.ack_detoured = slot.ack_came_elsewhere = true;
  FrameReader in({}, FrameType::kPathAck);
  const ConnectionCore::AtHand hand(core_, *slot.path);
  std::vector<std::uint8_t> octets;
  const AckFrame ack = with_ranges(kept->frame, kept->ranges, octets);
  if (const auto taken = core_.take_ack(ack, kSpace, in); !taken) core_.close_for(taken.error());
}

// A round trip is there by this path and back by the one on which acknowledgements come: another way back makes another
// smallest RTT. What comes by another while they still come there, and was held back for as long as a path has to be
// quiet, is a report of one that fell quiet.
void Multipath::note_ack_return(PathSlot& slot, Duration held) {
  const PathId on = core_.path_->id();
  slot.ack_came_elsewhere = on != slot.id;
  slot.ack_detoured = slot.ack_came_elsewhere && slot.acks_came && slot.acks_come_on != on &&
                      (held >= kQuietToldLeast || slot.degraded) && !goes_elsewhere(slot);
  if (slot.ack_detoured) return;
  slot.acks_came = true;
  slot.detours.count = 0;
  if (slot.acks_come_on == on) return;
  slot.acks_come_on = on;
  slot.path->loss().restart_min_rtt();
}

// One more that came on another path: whether all of them do by now.
bool Multipath::goes_elsewhere(PathSlot& slot) {
  AckDetours& detours = slot.detours;
  const Duration pto = slot.path->loss().pto(kSpace);
  if (detours.count == 0 || core_.now_ - detours.last_at > std::max(pto, kDetoursApart))
    detours = {.count = 0, .first_at = core_.now_};
  detours.last_at = core_.now_;
  return ++detours.count >= kDetoursInRow && !slot.degraded && core_.now_ - detours.first_at >= kDetourPtos * pto;
}

// Whether what was acknowledged shows that the path lives. On another one comes what had arrived before it fell silent:
// it lives if what was sent since then did.
bool Multipath::shows_life(PathSlot& slot, const RecoveryOutcome& outcome) {
  if (!slot.ack_came_elsewhere) {
    slot.acknowledged_at = core_.now_;
    return true;
  }
  const Timestamp lived = outcome.largest_acked_sent_time + slot.path->loss().rtt().smoothed();
  slot.acknowledged_at = std::max(slot.acknowledged_at, std::min(lived, core_.now_));
  return outcome.largest_acked_sent_time >= slot.silent_since;
}

}  // namespace hawser::quic
