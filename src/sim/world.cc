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
// Buffers of datagrams that are kept for the next ones.
constexpr std::size_t kSpareMax = 4'096;

// For std heap functions, which keep the largest in front: the earliest is the largest.
constexpr auto later = [](const auto& a, const auto& b) {
  return a.at != b.at ? a.at > b.at : a.sequence > b.sequence;
};

}  // namespace

// Passes a datagram from one element to the next.
class World::StageOutput final : public Element::Output {
 public:
  StageOutput(World& world, Passage next) : world_(world), next_(next) {}
  void pass(Datagram datagram, Timestamp at) override {
    HAWSER_CHECK(at >= world_.now_);
    Arrival arrival{.passage = next_, .datagram = std::move(datagram)};
    if (at == world_.now_) {
      world_.advance(std::move(arrival));
    } else {
      world_.push(at, std::move(arrival));
    }
  }
  [[nodiscard]] Passage passage() const override { return next_; }

 private:
  World& world_;
  Passage next_;
};

// Takes what an element held back.
class World::Departures final : public Element::Release {
 public:
  explicit Departures(World& world) : world_(world) {}
  void release(Datagram datagram, const Passage& passage) override {
    world_.advance({.passage = passage, .datagram = std::move(datagram)});
  }

 private:
  World& world_;
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

void World::connect(NodeId inside, NodeId outside, const LinkSpec& spec, const LinkEnds& ends) {
  HAWSER_CHECK(inside < nodes_.size() && outside < nodes_.size() && inside != outside);
  Pipe pipe{.inside = inside, .outside = outside, .ends = ends, .up = {}, .down = {}, .owned = {}, .nat = nullptr};
  if (ends.inside.family == AddressFamily::kNone) pipe.ends.inside = nodes_[inside].address;
  if (ends.outside.family == AddressFamily::kNone) pipe.ends.outside = nodes_[outside].address;
  for (const ElementSpec& element : spec) {
    Element* both = element.kind == ElementSpec::Kind::kShared ? element.shared : nullptr;
    if (both != nullptr) hold(*both);
    if (element.kind == ElementSpec::Kind::kNat) {
      HAWSER_CHECK(pipe.nat == nullptr);
      auto nat = std::make_unique<Nat>(element.nat);
      pipe.nat = nat.get();
      both = own(pipe, std::move(nat));
    }
    // A NAT acts on both directions whatever is written.
    const bool is_nat = element.kind == ElementSpec::Kind::kNat;
    const bool goes_up = element.up || is_nat;
    const bool goes_down = element.down || is_nat;
    pipe.up.push_back(!goes_up ? nullptr : both != nullptr ? both : own(pipe, make_element(element)));
    pipe.down.push_back(!goes_down ? nullptr : both != nullptr ? both : own(pipe, make_element(element)));
  }
  pipes_.push_back(std::move(pipe));
}

Element* World::own(Pipe& pipe, std::unique_ptr<Element> element) {
  hold(*element);
  pipe.owned.push_back(std::move(element));
  return pipe.owned.back().get();
}

void World::hold(Element& element) {
  if (element.holds() && std::find(holding_.begin(), holding_.end(), &element) == holding_.end())
    holding_.push_back(&element);
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
  nodes_[node].timeout = nodes_[node].node->next_timeout().value_or(kNever);
}

Timestamp World::next_instant() const {
  Timestamp next = due_.empty() ? kNever : due_.front().at;
  for (const Attached& attached : nodes_)
    next = std::min(next, attached.touched ? attached.node->next_timeout().value_or(kNever) : attached.timeout);
  for (const Element* element : holding_) next = std::min(next, element->next_departure());
  for (const Scheduled& scheduled : actors_) next = std::min(next, scheduled.at);
  return next;
}

Element* World::element_at(Pipe& pipe, Direction direction, std::size_t stage) {
  return direction == Direction::kUp ? pipe.up[stage] : pipe.down[pipe.down.size() - 1 - stage];
}

void World::move_arrivals() {
  while (!due_.empty() && due_.front().at <= now_) {
    std::pop_heap(due_.begin(), due_.end(), later);
    const std::uint32_t slot = due_.back().slot;
    due_.pop_back();
    Arrival arrival = std::move(slots_[slot]);
    free_slots_.push_back(slot);
    advance(std::move(arrival));
  }
  Departures out(*this);
  for (Element* element : holding_)
    while (element->next_departure() <= now_) element->depart(now_, out);
}

// Takes a datagram to its next element, or to the node behind the last one.
void World::advance(Arrival arrival) {
  Pipe& pipe = pipes_[arrival.passage.pipe];
  const Direction direction = arrival.passage.direction;
  std::size_t& stage = arrival.passage.stage;
  while (stage < pipe.up.size() && element_at(pipe, direction, stage) == nullptr) ++stage;
  if (stage == pipe.up.size()) {
    arrive(std::move(arrival));
    return;
  }
  Element* element = element_at(pipe, direction, stage++);
  StageOutput out(*this, arrival.passage);
  element->on_datagram(std::move(arrival.datagram), direction, now_, random_, out);
}

void World::arrive(Arrival arrival) {
  const Pipe& pipe = pipes_[arrival.passage.pipe];
  const NodeId id = arrival.passage.direction == Direction::kUp ? pipe.outside : pipe.inside;
  Datagram& datagram = arrival.datagram;
  std::swap(datagram.tuple.local, datagram.tuple.remote);  // now as the receiver sees it
  ++stats_.datagrams_delivered;
  stats_.bytes_delivered += datagram.bytes.size();
  if (options_.digest) {
    mix(static_cast<std::uint64_t>(now_.time_since_epoch().count()));
    mix(id << 8 | static_cast<std::uint64_t>(datagram.ecn));
    mix(datagram.bytes);
  }
  for (WireObserver* observer : observers_) observer->on_received(id, datagram.bytes, datagram.tuple, now_);
  nodes_[id].inbox.push_back(std::move(datagram));
}

void World::push(Timestamp at, Arrival arrival) {
  if (free_slots_.empty()) {
    free_slots_.push_back(static_cast<std::uint32_t>(slots_.size()));
    slots_.emplace_back();
  }
  const std::uint32_t slot = free_slots_.back();
  free_slots_.pop_back();
  slots_[slot] = std::move(arrival);
  due_.push_back({.at = at, .sequence = sequence_++, .slot = slot});
  std::push_heap(due_.begin(), due_.end(), later);
}

// One turn of a node that something happened to. True if anything came of it, so that another
// round is due.
bool World::run_node(NodeId id) {
  Attached& attached = nodes_[id];
  bool moved = !attached.inbox.empty();
  if (attached.touched) attached.timeout = attached.node->next_timeout().value_or(kNever);
  if (!moved && !attached.touched && attached.timeout > now_) return false;
  const bool acted_on = std::exchange(attached.touched, false);
  if (moved) {
    deliver_inbox(id);
    attached.timeout = attached.node->next_timeout().value_or(kNever);
  }
  const bool due = attached.timeout <= now_;
  // No timer, but work that is done in turns: those of many streams may bring nothing to send.
  const bool in_turns = attached.timeout == Timestamp::min();
  if (due) {
    if (!acted_on && !in_turns)
      for (WireObserver* observer : observers_) observer->on_timer(id, now_);
    attached.node->on_timeout(now_);
  }
  moved |= collect(id);
  attached.timeout = attached.node->next_timeout().value_or(kNever);
  if (moved) {
    attached.idle_calls = 0;
  } else if (due && ++attached.idle_calls > (in_turns ? kIdleTurnsMax : kIdleCallsMax)) {
    stuck(id, "its timer stands in the past and calling it changes nothing");
  }
  return moved || due;
}

// Hands over what arrived at this instant, neighbours of one 4-tuple as trains.
void World::deliver_inbox(NodeId id) {
  std::vector<Datagram> inbox = std::exchange(nodes_[id].inbox, {});
  std::size_t total = 0;
  for (const Datagram& datagram : inbox) total += datagram.bytes.size();
  if (inbox_memory_.size() < total) inbox_memory_.resize(total);
  std::vector<ReceivedTrain>& batch = inbox_trains_;
  batch.clear();
  std::uint8_t* at = inbox_memory_.data();
  bool open = false;  // the last train may grow
  for (Datagram& datagram : inbox) {
    const std::size_t size = datagram.bytes.size();
    if (size == 0) continue;
    std::memcpy(at, datagram.bytes.data(), size);
    if (spare_.size() < kSpareMax) spare_.push_back(std::move(datagram.bytes));
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
  inbox.clear();
  if (nodes_[id].inbox.empty()) nodes_[id].inbox = std::move(inbox);  // keeps its memory
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
  Datagram datagram{.bytes = {}, .tuple = train.tuple, .ecn = train.ecn};
  if (!spare_.empty()) {
    datagram.bytes = std::move(spare_.back());
    spare_.pop_back();
  }
  datagram.bytes.assign(bytes.begin(), bytes.end());
  if (datagram.tuple.local.family == AddressFamily::kNone) datagram.tuple.local = nodes_[id].address;
  ++stats_.datagrams_sent;
  stats_.bytes_sent += bytes.size();
  for (WireObserver* observer : observers_) observer->on_sent(id, bytes, datagram.tuple, now_);
  for (std::size_t i = 0; i < pipes_.size(); ++i) {
    const Pipe& pipe = pipes_[i];
    const auto& [from, to] = datagram.tuple;
    const LinkEnds& ends = pipe.ends;
    const bool up = pipe.inside == id && ends.outside == to && ends.inside.same_ip(from);
    const bool down =
        pipe.outside == id && ends.outside.same_ip(from) && (pipe.nat ? pipe.nat->owns(to) : ends.inside.same_ip(to));
    if (!up && !down) continue;
    // Onto the link, not into its first element yet: a batch leaves whole before any of it moves.
    push(now_, {.passage = {.pipe = i, .direction = up ? Direction::kUp : Direction::kDown, .stage = 0},
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
  // An actor may have acted on any of them.
  if (acted)
    for (Attached& attached : nodes_) attached.touched = true;
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

void World::mix(Bytes bytes) {
  for (std::size_t i = 0; i < bytes.size(); i += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes.data() + i, std::min<std::size_t>(8, bytes.size() - i));
    mix(word);
  }
}

}  // namespace hawser::sim
