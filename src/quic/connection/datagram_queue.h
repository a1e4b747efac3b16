// datagram_queue.h: DATAGRAM payloads that wait to be sent (RFC 9221): flows with an urgency, a lifetime and
// a drop policy, within bounds of octets and of number, and what became of each. One of a connection, not of
// a path: whoever sends asks next() for what would go, and write() puts it into a packet of any path.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "base/time.h"
#include "events/event_sink.h"
#include "quic/connection/datagram_buffers.h"
#include "quic/connection/datagram_copies.h"
#include "quic/connection/datagrams.h"
#include "quic/streams/intrusive_list.h"
#include "quic/wire/packet_payload.h"
#include "quic/wire/sent_frame.h"

namespace hawser::quic {

struct DatagramQueueFlow {
  ListLink<DatagramQueueFlow> link;  // among the flows of its urgency that have something waiting
  DatagramFlowId id = 0;
  DatagramFlow options;
  DatagramList waiting;
  DatagramStats stats;
  // Among those that refused a datagram since the application was last told that there is room.
  ListLink<DatagramQueueFlow> refused_link;
};

// What all flows of a connection may have waiting.
struct DatagramLimits {
  std::size_t count = 1'024;
  std::size_t octets = std::size_t{1} << 20;
};

class DatagramQueue {
 public:
  // Flows are the application's to make; 4,096 take some 1 MB.
  static constexpr std::size_t kFlowsMax = 4'096;
  static constexpr std::uint8_t kUrgencyLevels = 8;
  // Flows that are looked at for a datagram that still fits into a packet.
  static constexpr int kLooksMax = 16;
  // What expires while nothing can be sent is noticed this much later at most, and twice as much each time until
  // something is sent again: a timer for each of thousands would cost more than it is worth.
  static constexpr Duration kExpiryGranularity = 1ms;
  static constexpr Duration kExpiryGranularityMax = 10min;
  // Payloads below this are copied into the packet: it has room for few references.
  static constexpr std::size_t kReferenceFrom = 256;

  // `events` outlives this object.
  DatagramQueue(const DatagramLimits& limits, const EventEmitter& events);
  ~DatagramQueue();
  DatagramQueue(const DatagramQueue&) = delete;
  DatagramQueue& operator=(const DatagramQueue&) = delete;

  // The application's commands. ---------------------------------------------------------------

  // Makes a flow or changes one; what waits in it keeps its deadline.
  std::expected<void, DatagramError> set_flow(DatagramFlowId id, const DatagramFlow& options);
  // What waits in it is dropped. Flow 0 is as it was at the beginning then.
  void close_flow(DatagramFlowId id);
  // Copies `payload`, of at most 65,535 octets.
  std::expected<void, DatagramError> push(Bytes payload, const SendDatagramOptions& options);
  // What waits is dropped: early data was rejected.
  void clear();

  // For whoever sends. -------------------------------------------------------------------------

  // Before any of the following, once what was written before is sealed: it is `now`. An application may push at any
  // time, while a connection only learns the time when it is driven: lifetimes begin here, which is right after wake()
  // or the handler's call.
  void begin(Timestamp now);

  [[nodiscard]] bool empty() const { return nonempty_ == 0; }
  // Of the most urgent that waits; kUrgencyLevels: none does.
  [[nodiscard]] std::uint8_t next_urgency() const {
    return static_cast<std::uint8_t>(nonempty_ == 0 ? kUrgencyLevels : std::countr_zero(nonempty_));
  }
  // Of a flow; that of flow 0 if there is none of this number any more.
  [[nodiscard]] std::uint8_t urgency_of(DatagramFlowId id) const { return options_of(id).urgency; }
  [[nodiscard]] FlowFec fec_of(DatagramFlowId id) const { return options_of(id).fec; }
  // Some flow has a protection of its own.
  [[nodiscard]] bool has_fec_wishes() const { return has_fec_wishes_; }
  struct Next {
    DatagramFlowId flow = 0;
    std::uint8_t urgency = 0;
    Timestamp deadline = kNever;
    std::size_t size = 0;                   // octets of payload
    std::size_t frame_size = 0;             // octets in a packet
    std::uint64_t flow_octets_waiting = 0;  // of payload in its flow, with its own
  };
  // What write() would put first into a packet with `room` octets left.
  std::optional<Next> next(std::size_t room);
  // Writes as many as fit, of urgency `last` and more urgent. One that does not fit into an empty packet of
  // `packet_room` octets, because the path's MTU shrank, is dropped. kPacketFull: some of them wait still.
  // What `out` refers to is valid until begin() or rest(). `copies`: here go those of flows that may arrive twice.
  WriteResult write(PacketPayload& out, std::size_t packet_room, std::uint8_t last,
                    std::vector<DatagramToCopy>* copies = nullptr);

  // Acknowledgement, loss, time. ---------------------------------------------------------------

  void on_acked(const SentFrame& frame) { resolve(frame, DatagramFate::kAcknowledged, &DatagramStats::acknowledged); }
  void on_lost(const SentFrame& frame) { resolve(frame, DatagramFate::kLost, &DatagramStats::lost); }
  // When to call on_expiry(); kNever: not now.
  [[nodiscard]] Timestamp next_expiry() const {
    return earliest_deadline_ >= kNever - expiry_granularity_ ? kNever : earliest_deadline_ + expiry_granularity_;
  }
  void on_expiry() {
    expire();
    if (expiry_granularity_ < kExpiryGranularityMax) expiry_granularity_ *= 2;
  }

  // For the application. --------------------------------------------------------------------------

  // Calls tell(reports) and writable(flow) for what came up since the last call; both may push.
  template <class Tell, class Writable>
  void deliver(Tell&& tell, Writable&& writable);
  [[nodiscard]] DatagramStats stats() const;
  [[nodiscard]] std::optional<DatagramStats> stats(DatagramFlowId id) const;
  void on_received(std::size_t size) {
    ++totals_.received;
    totals_.octets_received += size;
  }

  // Gives back memory that is only kept to be used again.
  void rest();
  // Octets on the heap.
  [[nodiscard]] std::size_t memory() const;

 private:
  using Flow = DatagramQueueFlow;
  using Level = IntrusiveList<Flow, &Flow::link>;
  using Refused = IntrusiveList<Flow, &Flow::refused_link>;

  [[nodiscard]] Flow* find(DatagramFlowId id) const;
  [[nodiscard]] const DatagramFlow& options_of(DatagramFlowId id) const;
  [[nodiscard]] bool fits(const Flow& flow, std::size_t size) const;
  [[nodiscard]] bool has_room_again(const Flow& flow) const;
  void collect_writable();
  bool make_room(Flow& flow, std::size_t size);
  [[nodiscard]] Flow* least_urgent() const;
  Flow* first_fitting(std::size_t room, std::size_t packet_room, std::uint8_t last, bool& left);
  void drop_expired(Flow& flow);
  void expire();
  void discard(QueuedDatagram& datagram, DatagramDiscard reason);
  void unlink(QueuedDatagram& datagram);
  void append(QueuedDatagram& datagram);
  void release_written();
  void schedule(Flow& flow);
  void unschedule(Flow& flow);
  void report(Flow& flow, std::uint64_t id, std::uint32_t size, DatagramFate fate);
  void resolve(const SentFrame& frame, DatagramFate fate, std::uint64_t DatagramStats::* counter);
  void count(Flow* flow, std::uint64_t DatagramStats::* counter, std::uint64_t by = 1) {
    totals_.*counter += by;
    if (flow != nullptr) flow->stats.*counter += by;
  }

  Timestamp now_{};
  DatagramLimits limits_;
  const EventEmitter& events_;
  DatagramBuffers buffers_;
  std::vector<std::unique_ptr<Flow>> flows_;  // ascending by id
  std::array<Level, kUrgencyLevels> levels_;
  std::uint8_t nonempty_ = 0;    // bit u: levels_[u] has a flow
  bool has_fec_wishes_ = false;  // since a flow had one first
  Refused refused_;
  DatagramList written_;  // in packets that are not yet sealed
  Duration expiry_granularity_ = kExpiryGranularity;
  Timestamp earliest_deadline_ = kNever;  // no later than that of any that waits
  DatagramStats totals_;
  std::vector<QueuedDatagram*> fresh_;  // pushed since begin(); nullptr: and gone since
  std::vector<DatagramReport> reports_;
  std::vector<DatagramReport> told_;      // those being told, or memory for the next
  std::vector<DatagramFlowId> writable_;  // likewise
};

template <class Tell, class Writable>
void DatagramQueue::deliver(Tell&& tell, Writable&& writable) {
  if (!reports_.empty()) {
    told_.swap(reports_);
    tell(std::span<const DatagramReport>(told_));
    told_.clear();
  }
  if (refused_.empty()) return;
  collect_writable();
  for (const DatagramFlowId id : writable_) writable(id);
  writable_.clear();
}

}  // namespace hawser::quic
