// scheduler_model.h: for tests of path schedulers: one sender, a few paths of fixed rate, delay and window,
// and a receiver that hands each flow on in order, in virtual time without randomness. What a scheduler
// decides is all that differs between two runs.
#pragma once

#include <algorithm>
#include <deque>
#include <map>
#include <memory>
#include <queue>
#include <vector>

#include "base/range_set.h"
#include "quic/multipath/path_scheduler.h"

namespace hawser::quic {

struct ModelPath {
  std::uint64_t bytes_per_second = 1'250'000;  // 10 Mbit/s
  Duration rtt = 20ms;                         // without a queue
  std::uint64_t window = 60'000;               // octets in flight
  std::uint32_t weight = 1;
  std::uint32_t cost = 0;
  PathStatus status = PathStatus::kAvailable;
  Timestamp cut_at = kNever;  // nothing sent from then on arrives
};

struct ModelFlow {
  std::uint64_t bytes = 0;
  Timestamp at{};  // when the application hands it over
  bool interactive = false;
  Timestamp deadline = kNever;
  std::uint64_t bytes_per_second = UINT64_MAX;  // at which the application makes it
};

class SchedulerModel {
 public:
  static constexpr std::uint64_t kSize = 1'200;

  SchedulerModel(std::unique_ptr<PathScheduler> scheduler, std::vector<ModelPath> paths)
      : scheduler_(std::move(scheduler)) {
    for (std::size_t i = 0; i < paths.size(); ++i) paths_.push_back({.link = paths[i], .srtt = paths[i].rtt});
  }

  // Octets that the receiver takes beyond what it handed on; UINT64_MAX: any number.
  void set_receive_window(std::uint64_t octets) { receive_window_ = octets; }
  std::size_t add(const ModelFlow& flow) {
    flows_.push_back({.spec = flow});
    return flows_.size() - 1;
  }

  // To the end of all flows, or to `end`.
  void run(Timestamp end = Timestamp{60s}) {
    while (now_ < end && unfinished()) {
      send();
      now_ = std::min(next_event(), end);
      while (!events_.empty() && events_.top().at <= now_) {
        const Event event = events_.top();
        events_.pop();
        on_event(event);
      }
    }
  }

  [[nodiscard]] Timestamp now() const { return now_; }
  // From its start to its last octet in order; Duration::max(): it did not end.
  [[nodiscard]] Duration completion(std::size_t flow) const {
    return flows_[flow].done == kNever ? Duration::max() : flows_[flow].done - flows_[flow].spec.at;
  }
  [[nodiscard]] std::uint64_t sent_on(std::size_t path) const { return paths_[path].sent; }
  [[nodiscard]] std::uint64_t sent_on(std::size_t path, std::size_t flow) const {
    const auto it = paths_[path].sent_of_flow.find(flow);
    return it == paths_[path].sent_of_flow.end() ? 0 : it->second;
  }
  // The longest time between two advances of a flow at the receiver.
  [[nodiscard]] Duration longest_gap(std::size_t flow) const {
    const FlowInModel& f = flows_[flow];
    return f.done != kNever || f.latest_advance == kNever ? f.gap : std::max(f.gap, now_ - f.latest_advance);
  }
  [[nodiscard]] std::uint64_t times_blocked() const { return blocked_; }
  [[nodiscard]] PathScheduler& scheduler() { return *scheduler_; }

 private:
  struct Piece {
    std::size_t flow = 0;
    std::uint64_t offset = 0;
    std::uint64_t length = 0;
  };
  struct PathInModel {
    ModelPath link;
    Duration srtt{};
    std::uint64_t in_flight = 0;
    Timestamp link_free{};
    Timestamp acknowledged_at = Timestamp::min();
    std::uint64_t sent = 0;
    std::map<std::size_t, std::uint64_t> sent_of_flow;
    std::deque<Piece> copies;  // to be sent here too, before anything new
  };
  struct FlowInModel {
    ModelFlow spec;
    std::uint64_t next_offset = 0;
    std::deque<std::uint64_t> again;  // offsets of datagrams to send again
    RangeSet received;
    std::uint64_t in_order = 0;
    Timestamp latest_advance = kNever;
    Duration gap{0};
    Timestamp done = kNever;
  };
  struct Event {
    enum class Kind { kArrives, kAcknowledged, kLost, kWake } kind = Kind::kWake;
    Timestamp at;
    std::size_t path = 0;
    std::size_t flow = 0;
    std::uint64_t offset = 0;
    std::uint64_t length = 0;
    Timestamp sent{};
    std::uint64_t order = 0;  // of two at the same time the earlier made one comes first
    bool operator>(const Event& o) const { return at != o.at ? at > o.at : order > o.order; }
  };

  [[nodiscard]] bool unfinished() const {
    return std::any_of(flows_.begin(), flows_.end(), [](const FlowInModel& f) { return f.done == kNever; });
  }

  [[nodiscard]] std::uint64_t made(const FlowInModel& flow) const {
    if (now_ < flow.spec.at) return 0;
    if (flow.spec.bytes_per_second == UINT64_MAX) return flow.spec.bytes;
    const double seconds = to_seconds(now_ - flow.spec.at);
    const auto octets =
        kSize + static_cast<std::uint64_t>(seconds * static_cast<double>(flow.spec.bytes_per_second)) / kSize * kSize;
    return std::min(flow.spec.bytes, octets);
  }

  // Interactive flows first, then the tightest deadline, then the order in which they were added.
  [[nodiscard]] FlowInModel* next_flow() {
    FlowInModel* best = nullptr;
    for (FlowInModel& flow : flows_) {
      if (flow.again.empty() && made(flow) <= flow.next_offset) continue;
      if (best == nullptr || (flow.spec.interactive && !best->spec.interactive) ||
          (flow.spec.interactive == best->spec.interactive && flow.spec.deadline < best->spec.deadline))
        best = &flow;
    }
    return best;
  }

  [[nodiscard]] std::uint64_t flow_control_room() const {
    if (receive_window_ == UINT64_MAX) return UINT64_MAX;
    std::uint64_t outstanding = 0;
    for (const FlowInModel& flow : flows_) outstanding += flow.next_offset - flow.in_order;
    return outstanding >= receive_window_ ? 0 : receive_window_ - outstanding;
  }

  std::vector<PathFacts> facts() const {
    std::vector<PathFacts> all;
    for (std::size_t i = 0; i < paths_.size(); ++i) {
      const PathInModel& path = paths_[i];
      const bool room = has_room(path) && path.copies.empty();
      all.push_back({.id = PathId{i},
                     .status = path.link.status,
                     .may_send = room,
                     .may_send_at = room ? now_ : kNever,
                     .smoothed_rtt = path.srtt,
                     .min_rtt = path.link.rtt,
                     .congestion_window = path.link.window,
                     .bytes_in_flight = path.in_flight,
                     .copies_waiting = path.copies.size() * kSize,
                     .bytes_per_second = path.link.bytes_per_second,
                     .acknowledged_at = path.acknowledged_at,
                     .weight = path.link.weight,
                     .cost = path.link.cost});
    }
    return all;
  }

  [[nodiscard]] static bool has_room(const PathInModel& path) { return path.in_flight + kSize <= path.link.window; }

  // What arrived elsewhere in the meantime is passed over, as it would be once it is acknowledged.
  void send_copies() {
    for (std::size_t i = 0; i < paths_.size(); ++i) {
      std::deque<Piece>& copies = paths_[i].copies;
      while (!copies.empty() && has_room(paths_[i])) {
        const Piece piece = copies.front();
        copies.pop_front();
        const FlowInModel& flow = flows_[piece.flow];
        if (flow.in_order < piece.offset + piece.length) put_on(i, flow, piece.offset, piece.length);
      }
    }
  }

  void send() {
    send_copies();
    while (FlowInModel* flow = next_flow()) {
      const std::vector<PathFacts> paths = facts();
      const std::uint64_t room = flow_control_room();
      if (flow->again.empty() && room < kSize) {
        if (std::any_of(paths.begin(), paths.end(), [](const PathFacts& p) { return p.may_send; })) {
          ++blocked_;
          scheduler_->on_flow_control_blocked(now_);
        }
        return;
      }
      const Demand demand{.interactive = flow->spec.interactive,
                          .flow = static_cast<std::uint64_t>(flow - flows_.data()),
                          .bytes_waiting = made(*flow) - flow->next_offset + flow->again.size() * kSize,
                          .flow_control_room = room,
                          .deadline = flow->spec.deadline};
      const Schedule answer = schedule(*scheduler_, paths, demand, now_);
      if (!answer.sends()) {
        if (answer.ask_again != kNever && answer.ask_again > now_) push({.at = answer.ask_again});
        return;
      }
      send_one(*flow, answer);
    }
  }

  void send_one(FlowInModel& flow, const Schedule& answer) {
    std::uint64_t offset = flow.next_offset;
    if (!flow.again.empty()) {
      offset = flow.again.front();
      flow.again.pop_front();
    }
    const std::uint64_t length = std::min(kSize, flow.spec.bytes - offset);
    flow.next_offset = std::max(flow.next_offset, offset + length);
    put_on(answer.path, flow, offset, length);
    for (const std::size_t copy : answer.copies)
      paths_[copy].copies.push_back({static_cast<std::size_t>(&flow - flows_.data()), offset, length});
    send_copies();
  }

  void put_on(std::size_t index, const FlowInModel& flow, std::uint64_t offset, std::uint64_t length) {
    PathInModel& path = paths_[index];
    const auto number = static_cast<std::size_t>(&flow - flows_.data());
    path.in_flight += length;
    path.sent += length;
    path.sent_of_flow[number] += length;
    scheduler_->on_sent(PathId{index}, length, now_);
    path.link_free = std::max(path.link_free, now_) +
                     Duration{static_cast<std::int64_t>(1e9 * static_cast<double>(length) /
                                                        static_cast<double>(path.link.bytes_per_second))};
    const Event event{.path = index, .flow = number, .offset = offset, .length = length, .sent = now_};
    if (now_ >= path.link.cut_at) {
      push(event, Event::Kind::kLost, now_ + 3 * path.srtt);
      return;
    }
    push(event, Event::Kind::kArrives, path.link_free + path.link.rtt / 2);
    push(event, Event::Kind::kAcknowledged, path.link_free + path.link.rtt);
  }

  void push(Event event, Event::Kind kind, Timestamp at) {
    event.kind = kind;
    event.at = at;
    push(event);
  }
  void push(Event event) {
    event.order = ++order_;
    events_.push(event);
  }

  [[nodiscard]] Timestamp next_event() const {
    Timestamp at = events_.empty() ? kNever : events_.top().at;
    for (const FlowInModel& flow : flows_) {
      if (flow.spec.at > now_) at = std::min(at, flow.spec.at);
      if (flow.spec.at <= now_ && flow.spec.bytes_per_second != UINT64_MAX && flow.next_offset < flow.spec.bytes)
        at = std::min(at, now_ + 1ms);
    }
    return at;
  }

  void on_event(const Event& event) {
    PathInModel& path = paths_[event.path];
    switch (event.kind) {
      case Event::Kind::kWake:
        return;
      case Event::Kind::kArrives:
        return on_arrival(flows_[event.flow], event);
      case Event::Kind::kAcknowledged:
        path.in_flight -= event.length;
        path.acknowledged_at = now_;
        path.srtt = path.srtt * 7 / 8 + (now_ - event.sent) / 8;
        return;
      case Event::Kind::kLost:
        path.in_flight -= event.length;
        if (!has(flows_[event.flow], event)) flows_[event.flow].again.push_back(event.offset);
        return;
    }
  }

  static bool has(const FlowInModel& flow, const Event& event) {
    for (std::size_t i = 0; i < flow.received.size(); ++i)
      if (flow.received[i].begin <= event.offset && event.offset < flow.received[i].end) return true;
    return false;
  }

  void on_arrival(FlowInModel& flow, const Event& event) {
    flow.received.add(event.offset, event.offset + event.length);
    if (flow.received[0].begin != 0 || flow.received[0].end == flow.in_order) return;
    flow.in_order = flow.received[0].end;
    if (flow.latest_advance != kNever) flow.gap = std::max(flow.gap, now_ - flow.latest_advance);
    flow.latest_advance = now_;
    if (flow.in_order == flow.spec.bytes) flow.done = now_;
  }

  std::unique_ptr<PathScheduler> scheduler_;
  std::vector<PathInModel> paths_;
  std::vector<FlowInModel> flows_;
  std::priority_queue<Event, std::vector<Event>, std::greater<>> events_;
  std::uint64_t receive_window_ = UINT64_MAX;
  std::uint64_t order_ = 0;
  std::uint64_t blocked_ = 0;
  Timestamp now_{1s};
};

}  // namespace hawser::quic
