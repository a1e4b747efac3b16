// datagram_queue.cc: which datagram goes next, which gives way, and who is told.
#include "quic/connection/datagram_queue.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"
#include "quic/wire/frames/datagram.h"

namespace hawser::quic {
namespace {

constexpr std::size_t kPayloadMax = 65'535;  // octets: no UDP datagram carries more

std::size_t frame_size(std::size_t payload) {
  return datagram_header_size(payload, true) + payload;
}

}  // namespace

DatagramQueue::DatagramQueue(const DatagramLimits& limits, const EventEmitter& events)
    : limits_(limits), events_(events) {
  flows_.push_back(std::make_unique<Flow>());
}

DatagramQueue::~DatagramQueue() {
  release_written();
  for (const auto& flow : flows_)
    while (QueuedDatagram* datagram = flow->waiting.pop_front()) buffers_.give(*datagram);
}

// ---- Flows. ----

DatagramQueue::Flow* DatagramQueue::find(DatagramFlowId id) const {
  if (id == 0) return flows_.front().get();
  const auto at = std::lower_bound(flows_.begin(), flows_.end(), id,
                                   [](const auto& flow, DatagramFlowId wanted) { return flow->id < wanted; });
  return at != flows_.end() && (*at)->id == id ? at->get() : nullptr;
}

const DatagramFlow& DatagramQueue::options_of(DatagramFlowId id) const {
  const Flow* const flow = find(id);
  return (flow == nullptr ? flows_.front().get() : flow)->options;
}

// rfc9221:5.1-priorities
std::expected<void, DatagramError> DatagramQueue::set_flow(DatagramFlowId id, const DatagramFlow& options) {
  Flow* flow = find(id);
  has_fec_wishes_ |= options.fec != FlowFec::kByUrgency;
  if (flow == nullptr) {
    if (flows_.size() >= kFlowsMax) return std::unexpected(DatagramError::kTooManyFlows);
    auto made = std::make_unique<Flow>();
    made->id = id;
    flow = made.get();
    const auto at = std::upper_bound(flows_.begin(), flows_.end(), id,
                                     [](DatagramFlowId wanted, const auto& other) { return wanted < other->id; });
    flows_.insert(at, std::move(made));
  }
  const bool waits = !flow->waiting.empty();
  if (waits) unschedule(*flow);
  flow->options = options;
  flow->options.urgency = std::min<std::uint8_t>(options.urgency, kUrgencyLevels - 1);
  flow->options.queue_max = std::max<std::size_t>(options.queue_max, 1);
  if (waits) schedule(*flow);
  return {};
}

void DatagramQueue::close_flow(DatagramFlowId id) {
  Flow* flow = find(id);
  if (flow == nullptr) return;
  while (QueuedDatagram* datagram = flow->waiting.front()) discard(*datagram, DatagramDiscard::kFlowClosed);
  refused_.remove(*flow);
  if (id == 0) {
    flow->options = {};
    return;
  }
  std::erase_if(flows_, [flow](const auto& other) { return other.get() == flow; });
}

void DatagramQueue::schedule(Flow& flow) {
  levels_[flow.options.urgency].push_back(flow);
  nonempty_ = static_cast<std::uint8_t>(nonempty_ | 1u << flow.options.urgency);
}

void DatagramQueue::unschedule(Flow& flow) {
  Level& level = levels_[flow.options.urgency];
  level.remove(flow);
  if (level.empty()) nonempty_ = static_cast<std::uint8_t>(nonempty_ & ~(1u << flow.options.urgency));
}

// ---- In. ----

bool DatagramQueue::fits(const Flow& flow, std::size_t size) const {
  const auto has_room = [size](const DatagramStats& holds, std::size_t count, std::size_t octets) {
    // Whatever its size, one may wait.
    return holds.waiting == 0 || (holds.waiting < count && holds.octets_waiting + size <= octets);
  };
  return has_room(flow.stats, flow.options.queue_max, flow.options.queue_octets_max) &&
         has_room(totals_, limits_.count, limits_.octets);
}

// At half: a sender that is told of each free place would be told of each datagram.
bool DatagramQueue::has_room_again(const Flow& flow) const {
  const auto half_empty = [](const DatagramStats& holds, std::size_t count, std::size_t octets) {
    return holds.waiting <= count / 2 && holds.octets_waiting <= octets / 2;
  };
  return half_empty(flow.stats, flow.options.queue_max, flow.options.queue_octets_max) &&
         half_empty(totals_, limits_.count, limits_.octets);
}

void DatagramQueue::collect_writable() {
  Flow* flow = refused_.front();
  while (flow != nullptr) {
    Flow* const next = flow->refused_link.next;
    if (has_room_again(*flow)) {
      refused_.remove(*flow);
      writable_.push_back(flow->id);
    }
    flow = next;
  }
}

std::expected<void, DatagramError> DatagramQueue::push(Bytes payload, const SendDatagramOptions& options) {
  if (payload.size() > kPayloadMax) return std::unexpected(DatagramError::kTooLarge);
  Flow* const flow = find(options.flow);
  if (flow == nullptr) return std::unexpected(DatagramError::kNoSuchFlow);
  if (!make_room(*flow, payload.size())) {
    count(flow, &DatagramStats::refused);
    if (!Refused::linked(*flow)) refused_.push_back(*flow);
    return std::unexpected(DatagramError::kQueueFull);
  }
  // A third of a buffer may be left over, and each has a head of its own.
  const std::size_t memory_max = limits_.octets + limits_.octets / 2 + limits_.count * sizeof(QueuedDatagram);
  QueuedDatagram& datagram = *buffers_.take(payload.size(), memory_max);
  if (!payload.empty()) std::memcpy(datagram.octets.get(), payload.data(), payload.size());
  datagram.flow = flow;
  datagram.id = options.id;
  datagram.size = static_cast<std::uint32_t>(payload.size());
  datagram.lifetime = options.lifetime.value_or(flow->options.lifetime);
  datagram.deadline = kNever;
  fresh_.push_back(&datagram);
  datagram.fresh_place = static_cast<std::uint32_t>(fresh_.size());
  append(datagram);
  return {};
}

void DatagramQueue::begin(Timestamp now) {
  now_ = now;
  release_written();
  for (QueuedDatagram* datagram : fresh_) {
    if (datagram == nullptr) continue;
    datagram->fresh_place = 0;
    datagram->queued_at = now;
    if (datagram->lifetime > Duration{0} && datagram->lifetime < kNever - now)
      datagram->deadline = now + datagram->lifetime;
    earliest_deadline_ = std::min(earliest_deadline_, datagram->deadline);
  }
  fresh_.clear();
}

void DatagramQueue::append(QueuedDatagram& datagram) {
  Flow& flow = *datagram.flow;
  if (flow.waiting.empty()) schedule(flow);
  flow.waiting.push_back(datagram);
  count(&flow, &DatagramStats::queued);
  count(&flow, &DatagramStats::waiting);
  count(&flow, &DatagramStats::octets_waiting, datagram.size);
}

// Takes it out of its flow's queue.
void DatagramQueue::unlink(QueuedDatagram& datagram) {
  Flow& flow = *datagram.flow;
  if (datagram.fresh_place != 0) fresh_[datagram.fresh_place - 1] = nullptr;
  datagram.fresh_place = 0;
  flow.waiting.remove(datagram);
  if (flow.waiting.empty()) unschedule(flow);
  count(&flow, &DatagramStats::waiting, static_cast<std::uint64_t>(-1));
  count(&flow, &DatagramStats::octets_waiting, std::uint64_t{0} - datagram.size);
  if (totals_.waiting == 0) earliest_deadline_ = kNever;
}

// Whether `size` octets find room in the flow, once what its policy allows has given way.
bool DatagramQueue::make_room(Flow& flow, std::size_t size) {
  if (fits(flow, size)) return true;
  expire();
  while (!fits(flow, size)) {
    Flow* victim = nullptr;
    const bool own_limit =
        flow.stats.waiting >= flow.options.queue_max ||
        (flow.stats.waiting != 0 && flow.stats.octets_waiting + size > flow.options.queue_octets_max);
    switch (flow.options.drop) {
      case DatagramDrop::kNewest:
        return false;
      case DatagramDrop::kOldest:
        victim = &flow;
        break;
      case DatagramDrop::kLowestPriority:
        // Where the flow's own limit is in the way, no other can make room.
        victim = own_limit ? &flow : least_urgent();
        if (victim->options.urgency < flow.options.urgency) return false;
        break;
    }
    // Others fill the connection's queue: they are not this flow's to drop.
    if (victim->waiting.empty()) return false;
    discard(*victim->waiting.front(), DatagramDiscard::kQueueFull);
  }
  return true;
}

// Of those that have something waiting, of which there are some.
DatagramQueue::Flow* DatagramQueue::least_urgent() const {
  HAWSER_DCHECK(nonempty_ != 0);
  return levels_[static_cast<std::size_t>(std::bit_width(nonempty_)) - 1].front();
}

void DatagramQueue::clear() {
  for (const auto& flow : flows_)
    while (QueuedDatagram* datagram = flow->waiting.front()) discard(*datagram, DatagramDiscard::kEarlyDataRejected);
}

// ---- Out. ----

// The next of those that fit into `room`, more urgent flows first. What is in the way and can never go is
// dropped on the way. `left`: something waits that does not fit.
DatagramQueue::Flow* DatagramQueue::first_fitting(std::size_t room, std::size_t packet_room, std::uint8_t last,
                                                  bool& left) {
  int looks = 0;
  for (std::uint8_t urgency = next_urgency(); urgency <= last && urgency < kUrgencyLevels; ++urgency) {
    Flow* flow = levels_[urgency].front();
    while (flow != nullptr) {
      Flow* const after = flow->link.next;
      drop_expired(*flow);
      while (!flow->waiting.empty() && frame_size(flow->waiting.front()->size) > packet_room)
        discard(*flow->waiting.front(), DatagramDiscard::kTooLarge);
      if (!flow->waiting.empty()) {
        if (frame_size(flow->waiting.front()->size) <= room) return flow;
        left = true;
        if (++looks == kLooksMax) return nullptr;
      }
      flow = after;
    }
  }
  return nullptr;
}

std::optional<DatagramQueue::Next> DatagramQueue::next(std::size_t room) {
  bool left = false;
  const Flow* const flow = first_fitting(room, SIZE_MAX, kUrgencyLevels - 1, left);
  if (flow == nullptr) return std::nullopt;
  const QueuedDatagram& datagram = *flow->waiting.front();
  return Next{.flow = flow->id,
              .urgency = flow->options.urgency,
              .deadline = datagram.deadline,
              .size = datagram.size,
              .frame_size = frame_size(datagram.size),
              .flow_octets_waiting = flow->stats.octets_waiting};
}

WriteResult DatagramQueue::write(PacketPayload& out, std::size_t packet_room, std::uint8_t last,
                                 std::vector<DatagramToCopy>* copies) {
  bool left = false;
  while (Flow* flow = first_fitting(out.room(), packet_room, last, left)) {
    QueuedDatagram& datagram = *flow->waiting.front();
    write_datagram_header(out, datagram.size, true);
    const bool refers = datagram.size >= kReferenceFrom;
    if (refers) {
      out.reference(datagram.payload());
    } else {
      out.bytes(datagram.payload());
    }
    out.record({.kind = SentFrameKind::kDatagram, .length = datagram.size, .id = datagram.id, .offset = flow->id});
    out.mark_non_probing();
    events_.emit(DatagramDataMoved{.from = DataPlace::kTransport, .to = DataPlace::kNetwork, .length = datagram.size});
    count(flow, &DatagramStats::sent);
    count(flow, &DatagramStats::octets_sent, datagram.size);
    report(*flow, datagram.id, datagram.size, DatagramFate::kSent);
    expiry_granularity_ = kExpiryGranularity;
    if (copies != nullptr && flow->options.copies)
      copies->push_back({.payload = SharedBytes::copy(datagram.payload()), .deadline = datagram.deadline});
    unlink(datagram);
    if (refers) {
      written_.push_back(datagram);
    } else {
      buffers_.give(datagram);
    }
    if (!flow->waiting.empty() && flow->link.next != nullptr) {
      unschedule(*flow);
      schedule(*flow);
    }
    left = false;
  }
  return left ? WriteResult::kPacketFull : WriteResult::kDone;
}

void DatagramQueue::release_written() {
  while (QueuedDatagram* datagram = written_.pop_front()) buffers_.give(*datagram);
}

// ---- What became of them. ----

void DatagramQueue::drop_expired(Flow& flow) {
  while (!flow.waiting.empty() && flow.waiting.front()->deadline <= now_)
    discard(*flow.waiting.front(), DatagramDiscard::kExpired);
}

void DatagramQueue::expire() {
  if (earliest_deadline_ > now_) return;
  Timestamp earliest = kNever;
  for (Level& level : levels_) {
    Flow* flow = level.front();
    while (flow != nullptr) {
      Flow* const after = flow->link.next;
      QueuedDatagram* datagram = flow->waiting.front();
      while (datagram != nullptr) {
        QueuedDatagram* const behind = datagram->link.next;
        if (datagram->deadline <= now_) {
          discard(*datagram, DatagramDiscard::kExpired);
        } else {
          earliest = std::min(earliest, datagram->deadline);
        }
        datagram = behind;
      }
      flow = after;
    }
  }
  earliest_deadline_ = earliest;
}

void DatagramQueue::discard(QueuedDatagram& datagram, DatagramDiscard reason) {
  Flow& flow = *datagram.flow;
  const bool expired = reason == DatagramDiscard::kExpired;
  events_.emit(DatagramDiscarded{.flow = flow.id,
                                 .length = datagram.size,
                                 .reason = reason,
                                 .waited = datagram.fresh_place != 0 ? Duration{0} : now_ - datagram.queued_at});
  count(&flow, expired ? &DatagramStats::expired : &DatagramStats::dropped);
  report(flow, datagram.id, datagram.size, expired ? DatagramFate::kExpired : DatagramFate::kDropped);
  unlink(datagram);
  buffers_.give(datagram);
}

void DatagramQueue::report(Flow& flow, std::uint64_t id, std::uint32_t size, DatagramFate fate) {
  if ((flow.options.reports & report_of(fate)) == 0) return;
  reports_.push_back({.flow = flow.id, .id = id, .size = size, .fate = fate});
}

// Its flow may be closed by now.
void DatagramQueue::resolve(const SentFrame& frame, DatagramFate fate, std::uint64_t DatagramStats::* counter) {
  Flow* const flow = find(frame.offset);
  count(flow, counter);
  if (flow != nullptr) report(*flow, frame.id, frame.length, fate);
}

DatagramStats DatagramQueue::stats() const {
  return totals_;
}

std::optional<DatagramStats> DatagramQueue::stats(DatagramFlowId id) const {
  const Flow* const flow = find(id);
  if (flow == nullptr) return std::nullopt;
  return flow->stats;
}

void DatagramQueue::rest() {
  release_written();
  buffers_.release_spares();
  if (reports_.empty()) reports_ = {};
  told_ = {};
  writable_ = {};
  if (fresh_.empty()) fresh_ = {};
}

std::size_t DatagramQueue::memory() const {
  return buffers_.held() + flows_.size() * (sizeof(Flow) + sizeof(flows_[0])) +
         (reports_.capacity() + told_.capacity()) * sizeof(DatagramReport) +
         writable_.capacity() * sizeof(DatagramFlowId) + fresh_.capacity() * sizeof(QueuedDatagram*);
}

}  // namespace hawser::quic
