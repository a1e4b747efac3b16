// multipath_copies.cc: what goes on a second path as well: what the scheduler wants there (redundancy), and when
// there is nothing new to send, what a slower path still has under way (reinjection), and what had to be sent again.
// Before: multipath_send.cc. After: copies.cc, send.cc.
#include <algorithm>
#include <utility>

#include "quic/connection/multipath.h"
#include "quic/multipath/arrival.h"

namespace hawser::quic {
namespace {

// Reinjection spends no more than a sixteenth of what the connection sent, and what the tails of a few short
// transfers take.
constexpr std::uint64_t kReinjectedShare = 16;
constexpr std::uint64_t kReinjectedFree = 256 * 1024;

// A copy of a datagram that waits for room longer than this is of no use to what is worth sending twice: speech, games.
constexpr Duration kCopyLifetime = 200ms;

// Whether somebody waits for what a packet carries: its stream is at its end, or held back by the peer. Not so where
// the application is about to write more, since half its buffer is in flight: that is worth more than a copy.
bool is_awaited(const LossDetector& loss, const LossDetector::InFlight& packet, StreamSet& streams) {
  for (std::size_t i = 0; i < packet.frames; ++i) {
    const SentFrame& frame = loss.frame_in_flight(packet.number, i);
    if (frame.kind != SentFrameKind::kStream) continue;
    const Stream* const stream = streams.find(StreamId{frame.id});
    if (stream == nullptr) continue;
    if (stream->send.is_finished() || 2 * stream->send.buffered() < stream->send.buffer_limit()) return true;
  }
  return streams.blocked_reason() != BlockedReason::kApplication;
}

}  // namespace

// The datagram that just left on the chosen path.
void Multipath::want_copies() {
  const PathSlot& source = at_hand();
  const std::uint64_t end = source.path->loss().numbers_end();
  for (std::size_t i = 0; i < copy_to_count_; ++i) {
    PathSlot& target = *copy_to_[i];
    if (target.copies == nullptr) target.copies = std::make_unique<CopyList>();
    target.copies->want(source.id, end - 1, end, CopyReason::kRedundant);
    if (!to_copy_.empty() && target.datagram_copies == nullptr)
      target.datagram_copies = std::make_unique<DatagramCopies>();
    for (const DatagramToCopy& datagram : to_copy_)
      target.datagram_copies->want(datagram.payload, std::min(datagram.deadline, core_.now_ + kCopyLifetime));
  }
  to_copy_.clear();
}

std::vector<DatagramToCopy>* Multipath::datagrams_to_copy() {
  return copy_to_count_ != 0 && core_.path_ == chosen_ && copying_ == nullptr ? &to_copy_ : nullptr;
}

bool Multipath::next_copies(TransmitTrain& train, DatagramBuilder& builder, bool urgent) {
  for (const auto& slot : slots_) {
    if (!(urgent ? slot->has_urgent_copies() : slot->has_copies()) || !slot->works() || !may_send(*slot) ||
        !slot->path->may_send(core_.now_))
      continue;
    const ConnectionCore::AtHand hand(core_, *slot->path);
    copying_ = slot.get();
    const bool sent = core_.next_train_here(train, builder);
    copying_ = nullptr;
    if (sent) return true;
  }
  return false;
}

bool Multipath::write_copies(PacketPayload& out) {
  if (copying_ == nullptr) return false;
  if (copying_->datagram_copies != nullptr)
    stats_.octets_copied += copying_->datagram_copies->write(out, core_.one_rtt_room(), core_.now_);
  if (copying_->copies == nullptr) return true;
  const auto loss_of = [this](PathId id) {
    const PathSlot* const slot = find(id);
    return slot == nullptr || slot->path == nullptr ? nullptr : &std::as_const(*slot->path).loss();
  };
  const Duration round_trip = copying_->path->loss().rtt().smoothed();
  const CopyList::Written written = copying_->copies->write(out, core_.streams_, round_trip, loss_of);
  stats_.octets_copied += written.redundant;
  stats_.octets_reinjected += written.sooner;
  return true;
}

// Nothing new can be sent, since there is none or the peer's flow control forbids it, and a path has room: what a
// slower one has under way may arrive sooner here.
bool Multipath::want_sooner() {
  if (core_.streams_.send_buffered() == 0 || core_.streams_.wants_to_send_data() || core_.has_datagrams()) return false;
  std::uint64_t sent = 0;
  for_each_open([&sent](PathSlot& slot) { sent += slot.bytes_sent; });
  const std::uint64_t most = sent / kReinjectedShare + kReinjectedFree;
  if (stats_.octets_reinjected >= most) return false;
  const std::uint64_t packets = (most - stats_.octets_reinjected) / kBaseMtu + 1;
  bool any = false;
  for (const auto& target : slots_) {
    if (!target->works() || !may_send(*target) || !target->path->may_send(core_.now_)) continue;
    for (const auto& source : slots_)
      if (source != target && source->open() && source->validated()) any |= want_sooner(*source, *target, packets);
    any |= target->has_copies();
  }
  return any;
}

// Nothing is left to send: what had to be sent again at the end goes a second time, over whichever path; see
// LossDetector::repeat_tail.
bool Multipath::repeat_tails() {
  if (core_.streams_.wants_to_send_data() || core_.has_datagrams()) return false;
  if (std::exchange(tail_repeated_, false)) {
    for_each_open([](PathSlot& slot) { slot.path->loss().pass_tail(); });
    return false;
  }
  core_.recovery_.clear();
  for_each_open([this](PathSlot& slot) {
    if (!slot.works() || !slot.path->may_send(core_.now_)) return;
    tail_repeated_ |= slot.path->loss().repeat_tail(core_.streams_.send_credit().used(), core_.recovery_);
  });
  for (const SentFrame& frame : core_.recovery_.lost) core_.streams_.on_frame_lost(frame);
  return tail_repeated_;
}

bool Multipath::want_sooner(PathSlot& source, PathSlot& target, std::uint64_t packets) {
  // Nor does it wake a path that is kept for need, or spend money to save time.
  if ((target.backup() && !source.backup()) || target.preference.cost > source.preference.cost) return false;
  const LossDetector& loss = source.path->loss();
  if (!loss.ack_eliciting_in_flight(PacketNumberSpace::kApplication)) return false;
  const PathFacts here = facts_of(target);
  const PathFacts there = facts_of(source);
  if (here.min_rtt == Duration{0} || there.min_rtt == Duration{0}) return false;
  const Duration gain = one_way_delay(there) - one_way_delay(here) - std::max(here.rtt_variation, there.rtt_variation);
  if (gain <= Duration{0}) return false;
  // Packets sent since then arrive later than a copy that goes now.
  const std::uint64_t wanted_to = target.copies == nullptr ? 0 : target.copies->wanted_to(source.id);
  auto packet = loss.first_in_flight(wanted_to);
  while (packet && packet->time_sent + gain <= core_.now_) packet = loss.first_in_flight(packet->number + 1);
  if (!packet || !is_awaited(loss, *packet, core_.streams_)) return false;
  if (target.copies == nullptr) target.copies = std::make_unique<CopyList>();
  target.copies->want(source.id, packet->number, std::min(loss.numbers_end(), packet->number + packets),
                      CopyReason::kSooner);
  return true;
}

}  // namespace hawser::quic
