// world.cc: the event loop of virtual time. At each instant, arrivals, timers and actors take
// turns until nothing more happens; then time jumps to the next instant.
#include "sim/world.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/check.h"

namespace hawser::sim {
namespace {

constexpr std::size_t kTrainsLent = 4;
// What a kernel delivers in one read at most (GRO).
constexpr std::size_t kReceivedSegmentsMax = 64;
constexpr std::size_t kReceivedTrainBytesMax = 65'535;

// For std heap functions, which keep the largest in front: the earliest is the largest.
constexpr auto later = [](const auto& a, const auto& b) {
  return a.at != b.at ? a.at > b.at : a.sequence > b.sequence;
};

}  // namespace

// Passes a datagram from one element to the next.
class World::StageOutput final : public Element::Output {
 public:
  StageOutput(World& world, std::size_t pipe, Direction direction, std::size_t next_stage)
      : world_(world), pipe_(pipe), direction_(direction), next_stage_(next_stage) {}
  void pass(Datagram datagram, Timestamp at) override {
    HAWSER_CHECK(at >= world_.now_);
    world_.push({.at = at,
                 .sequence = world_.sequence_++,
                 .pipe = pipe_,
                 .direction = direction_,
                 .stage = next_stage_,
                 .datagram = std::move(datagram)});
  }

 private:
  World& world_;
  std::size_t pipe_;
  Direction direction_;
  std::size_t next_stage_;
};

World::World(WorldOptions options) : options_(options), random_(options.seed) {
  for (std::size_t i = 0; i < kTrainsLent; ++i) buffers_.emplace_back(options_.train_bytes_max);
  trains_.resize(kTrainsLent);
}

World::~World() = default;

NodeId World::add(Node& node, const SocketAddress& address) {
  nodes_.push_back({.node = &node, .address = address, .inbox = {}});
  return nodes_.size() - 1;
}

void World::connect(NodeId inside, NodeId outside, const LinkSpec& spec) {
  HAWSER_CHECK(inside < nodes_.size() && outside < nodes_.size() && inside != outside);
  Pipe pipe{.inside = inside, .outside = outside, .up = {}, .down = {}, .nat = nullptr};
  for (const ElementSpec& element : spec) {
    if (element.kind == ElementSpec::Kind::kNat) {
      HAWSER_CHECK(pipe.nat == nullptr);
      pipe.nat = std::make_unique<Nat>(element.nat);
      pipe.nat_position = pipe.up.size();
    }
    const bool is_nat = element.kind == ElementSpec::Kind::kNat;
    pipe.up.push_back(element.up && !is_nat ? make_element(element) : nullptr);
    pipe.down.push_back(element.down && !is_nat ? make_element(element) : nullptr);
  }
  pipes_.push_back(std::move(pipe));
}

void World::add_actor(Actor& actor, Timestamp first) {
  actors_.push_back({&actor, first});
}

World::StepResult World::step(Timestamp limit) {
  if (!failure_.empty()) return StepResult::kStuck;
  const Timestamp next = next_instant();
  if (next == kNever) return StepResult::kIdle;
  if (next > limit) return StepResult::kLimit;
  now_ = std::max(now_, next);
  ++stats_.steps;
  for (Attached& attached : nodes_) attached.idle_calls = 0;
  for (std::size_t round = 0;; ++round) {
    bool moved = run_actors();
    move_arrivals();
    for (NodeId id = 0; id < nodes_.size(); ++id) moved |= run_node(id);
    if (!failure_.empty()) return StepResult::kStuck;
    if (!moved) return StepResult::kProgress;
    if (round >= kRoundsMax) {
      stuck(0, "datagrams go to and fro without time passing");
      return StepResult::kStuck;
    }
  }
}

void World::pump(NodeId node) {
  collect(node);
}

Timestamp World::next_instant() const {
  Timestamp next = arrivals_.empty() ? kNever : arrivals_.front().at;
  for (const Attached& attached : nodes_) {
    if (const auto timeout = attached.node->next_timeout()) next = std::min(next, *timeout);
  }
  for (const Scheduled& scheduled : actors_) next = std::min(next, scheduled.at);
  return next;
}

Element* World::element_at(Pipe& pipe, Direction direction, std::size_t stage) {
  const std::size_t position = direction == Direction::kUp ? stage : pipe.up.size() - 1 - stage;
  if (position == pipe.nat_position) return pipe.nat.get();
  return direction == Direction::kUp ? pipe.up[position].get() : pipe.down[position].get();
}

void World::move_arrivals() {
  while (!arrivals_.empty() && arrivals_.front().at <= now_) {
    std::pop_heap(arrivals_.begin(), arrivals_.end(), later);
    Arrival arrival = std::move(arrivals_.back());
    arrivals_.pop_back();
    advance(std::move(arrival));
  }
}

// Takes a datagram to its next element, or to the node behind the last one.
void World::advance(Arrival arrival) {
  Pipe& pipe = pipes_[arrival.pipe];
  while (arrival.stage < pipe.up.size() && element_at(pipe, arrival.direction, arrival.stage) == nullptr)
    ++arrival.stage;
  if (arrival.stage == pipe.up.size()) {
    arrive(std::move(arrival));
    return;
  }
  StageOutput out(*this, arrival.pipe, arrival.direction, arrival.stage + 1);
  Element* element = element_at(pipe, arrival.direction, arrival.stage);
  element->on_datagram(std::move(arrival.datagram), arrival.direction, now_, random_, out);
}

void World::arrive(Arrival arrival) {
  const Pipe& pipe = pipes_[arrival.pipe];
  const NodeId id = arrival.direction == Direction::kUp ? pipe.outside : pipe.inside;
  Datagram& datagram = arrival.datagram;
  std::swap(datagram.tuple.local, datagram.tuple.remote);  // now as the receiver sees it
  ++stats_.datagrams_delivered;
  stats_.bytes_delivered += datagram.bytes.size();
  mix(static_cast<std::uint64_t>(now_.time_since_epoch().count()));
  mix(id << 8 | static_cast<std::uint64_t>(datagram.ecn));
  for (std::size_t i = 0; i < datagram.bytes.size(); i += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, datagram.bytes.data() + i, std::min<std::size_t>(8, datagram.bytes.size() - i));
    mix(word);
  }
  for (WireObserver* observer : observers_) observer->on_received(id, datagram.bytes, datagram.tuple, now_);
  nodes_[id].inbox.push_back(std::move(datagram));
}

void World::push(Arrival arrival) {
  arrivals_.push_back(std::move(arrival));
  std::push_heap(arrivals_.begin(), arrivals_.end(), later);
}

// One turn of a node. True if anything happened, so that another round is due.
bool World::run_node(NodeId id) {
  Attached& attached = nodes_[id];
  bool moved = !attached.inbox.empty();
  if (moved) deliver_inbox(id);
  const auto timeout = attached.node->next_timeout();
  const bool due = timeout.has_value() && *timeout <= now_;
  if (due) attached.node->on_timeout(now_);
  moved |= collect(id);
  if (moved) {
    attached.idle_calls = 0;
  } else if (due && ++attached.idle_calls > kIdleCallsMax) {
    stuck(id, "its timer stands in the past and calling it changes nothing");
  }
  return moved || due;
}

// Hands over what arrived at this instant, neighbours of one 4-tuple as trains.
void World::deliver_inbox(NodeId id) {
  const std::vector<Datagram> inbox = std::exchange(nodes_[id].inbox, {});
  std::size_t total = 0;
  for (const Datagram& datagram : inbox) total += datagram.bytes.size();
  std::vector<std::uint8_t> memory(total);
  std::vector<ReceivedTrain> batch;
  std::uint8_t* at = memory.data();
  bool open = false;  // the last train may grow
  for (const Datagram& datagram : inbox) {
    const std::size_t size = datagram.bytes.size();
    if (size == 0) continue;
    std::memcpy(at, datagram.bytes.data(), size);
    ReceivedTrain* last = batch.empty() ? nullptr : &batch.back();
    const bool joins = open && last->tuple == datagram.tuple && last->ecn == datagram.ecn &&
                       size <= last->segment_size && last->bytes.size() / last->segment_size < kReceivedSegmentsMax &&
                       last->bytes.size() + size <= kReceivedTrainBytesMax;
    if (joins) {
      last->bytes = {last->bytes.data(), last->bytes.size() + size};
      open = size == last->segment_size;
    } else {
      batch.push_back({.bytes = {at, size}, .segment_size = size, .tuple = datagram.tuple, .ecn = datagram.ecn});
      open = true;
    }
    at += size;
  }
  stats_.trains_delivered += batch.size();
  nodes_[id].node->on_datagrams(batch, now_);
}

// Takes everything a node wants to send. True if that was anything.
bool World::collect(NodeId id) {
  bool sent = false;
  for (std::size_t round = 0; round < kRoundsMax; ++round) {
    for (std::size_t i = 0; i < trains_.size(); ++i)
      trains_[i] = {.buffer = buffers_[i], .tuple = {}, .max_segments = options_.max_segments};
    const std::size_t count = nodes_[id].node->next_transmits(now_, trains_);
    if (count == 0) return sent;
    HAWSER_CHECK(count <= trains_.size());
    for (std::size_t i = 0; i < count; ++i) {
      const TransmitTrain& train = trains_[i];
      HAWSER_CHECK(train.size > 0 && train.size <= train.buffer.size() && train.segments() <= options_.max_segments);
      ++stats_.trains_sent;
      for (std::size_t offset = 0; offset < train.size; offset += train.segment_size)
        emit(id, Bytes{train.buffer}.subspan(offset, std::min(train.segment_size, train.size - offset)), train);
    }
    sent = true;
  }
  stuck(id, "it sends without end at one instant");
  return false;
}

// Puts one datagram on the link that leads to its destination.
void World::emit(NodeId id, Bytes bytes, const TransmitTrain& train) {
  Datagram datagram{.bytes = {bytes.begin(), bytes.end()}, .tuple = train.tuple, .ecn = train.ecn};
  if (datagram.tuple.local.family == AddressFamily::kNone) datagram.tuple.local = nodes_[id].address;
  ++stats_.datagrams_sent;
  stats_.bytes_sent += bytes.size();
  for (WireObserver* observer : observers_) observer->on_sent(id, bytes, datagram.tuple, now_);
  for (std::size_t i = 0; i < pipes_.size(); ++i) {
    const Pipe& pipe = pipes_[i];
    const SocketAddress& to = datagram.tuple.remote;
    const bool up = pipe.inside == id && nodes_[pipe.outside].address == to;
    const bool down = pipe.outside == id && (pipe.nat ? pipe.nat->owns(to) : nodes_[pipe.inside].address == to);
    if (!up && !down) continue;
    push({.at = now_,
          .sequence = sequence_++,
          .pipe = i,
          .direction = up ? Direction::kUp : Direction::kDown,
          .datagram = std::move(datagram)});
    return;
  }
  ++stats_.unroutable;
}

bool World::run_actors() {
  bool acted = false;
  for (Scheduled& scheduled : actors_) {
    if (scheduled.at > now_) continue;
    const Timestamp next = scheduled.actor->on_time(now_);
    HAWSER_CHECK(next > now_);
    scheduled.at = next;
    acted = true;
  }
  return acted;
}

void World::stuck(NodeId id, const char* what) {
  failure_ = "node " + std::to_string(id) + " at " + std::to_string(to_us(now_ - kWorldStart)) + " us: " + what;
}

// One step of a 64-bit multiplicative hash.
void World::mix(std::uint64_t value) {
  digest_ = (digest_ ^ value) * 0xff51afd7ed558ccd;
  digest_ ^= digest_ >> 32;
}

}  // namespace hawser::sim
