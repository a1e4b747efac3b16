// world.h: virtual time, nodes and the links between them: the second driver of the
// protocol core. Everything follows from one seed; nothing reads a clock, and a virtual hour
// takes as long as its events take to compute.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/datagram.h"
#include "base/random.h"
#include "base/time.h"
#include "sim/link.h"
#include "sim/node.h"

namespace hawser::sim {

using NodeId = std::size_t;

// Sees every datagram as it leaves a node and as it arrives at one, and timers. Used by invariants.
class WireObserver {
 public:
  virtual ~WireObserver() = default;
  // In both, tuple.local is the address of `node` and tuple.remote the other end's as that
  // node sees it.
  virtual void on_sent(NodeId /*node*/, Bytes, const FourTuple&, Timestamp) {}
  virtual void on_received(NodeId /*node*/, Bytes, const FourTuple&, Timestamp) {}
  // A timer of the node ran out, and no actor acted at this instant.
  virtual void on_timer(NodeId /*node*/, Timestamp) {}
};

// Something that acts at a time of its own: an application that reads slowly, a fault.
class Actor {
 public:
  virtual ~Actor() = default;
  // Called at or after the time last returned, and returns when to be called next (kNever:
  // not again). Afterwards every node is asked for datagrams.
  virtual Timestamp on_time(Timestamp now) = 0;
};

struct WorldOptions {
  std::uint64_t seed = 1;
  bool digest = true;             // of every octet delivered; costs time on fast links
  std::size_t max_segments = 16;  // of a train that nodes may fill
  std::size_t train_bytes_max = 65'507;
};

struct WorldStats {
  std::uint64_t datagrams_sent = 0;
  std::uint64_t datagrams_delivered = 0;
  std::uint64_t bytes_sent = 0;
  std::uint64_t bytes_delivered = 0;
  std::uint64_t trains_sent = 0;
  std::uint64_t trains_delivered = 0;
  std::uint64_t unroutable = 0;  // no link leads to the destination
  std::uint64_t steps = 0;       // instants at which something happened
};

// Addresses at the ends of a link; family kNone: the node's own.
struct LinkEnds {
  SocketAddress inside;
  SocketAddress outside;
};

class World {
 public:
  // A node that is called this often at one instant without a datagram going anywhere is in
  // a loop: its timer stands in the past and on_timeout does not move it.
  static constexpr std::size_t kIdleCallsMax = 64;
  static constexpr std::size_t kIdleTurnsMax = 10'000;
  // Rounds of datagrams at one instant; two nodes joined without delay could otherwise
  // answer each other for ever. A window of 24 MiB in 1,200-octet datagrams is 21,000.
  static constexpr std::size_t kRoundsMax = 50'000;

  enum class StepResult : std::uint8_t {
    kProgress,  // something happened at now()
    kIdle,      // nothing is under way and no timer is set
    kLimit,     // the next thing would happen after the limit
    kStuck,     // a node loops without progress: see failure()
  };

  explicit World(WorldOptions options);
  World(const World&) = delete;
  World& operator=(const World&) = delete;
  ~World();

  // Nodes, actors and observers are not owned and must outlive the world.
  NodeId add(Node& node, const SocketAddress& address);
  // Joins two nodes; `inside` is the one behind a NAT, usually the client. With `ends` the link leads
  // from and to other addresses than the nodes' own; at the inside, ports do not matter.
  void connect(NodeId inside, NodeId outside, const LinkSpec& spec, const LinkEnds& ends = {});
  void add_actor(Actor& actor, Timestamp first);
  void observe(WireObserver& observer) { observers_.push_back(&observer); }

  // Advances to the next instant at which something happens, not past `limit`, and lets it
  // happen: datagrams arrive in batches, timers run out, actors act, nodes send.
  StepResult step(Timestamp limit);
  // Asks a node for datagrams now; after an application acted on it from outside a step.
  void pump(NodeId node);

  [[nodiscard]] Timestamp now() const { return now_; }
  [[nodiscard]] Random& random() { return random_; }
  [[nodiscard]] const WorldStats& stats() const { return stats_; }
  [[nodiscard]] const SocketAddress& address(NodeId node) const { return nodes_[node].address; }
  // Why step() said kStuck.
  [[nodiscard]] const std::string& failure() const { return failure_; }
  // A digest of all that was delivered, and when: equal for equal seeds.
  [[nodiscard]] std::uint64_t digest() const { return digest_; }

 private:
  struct Attached {
    Node* node = nullptr;
    SocketAddress address;
    std::vector<Datagram> inbox;  // arrived at this instant, tuples as this node sees them
    std::size_t idle_calls = 0;   // at this instant, since a datagram moved
    Timestamp timeout = kNever;   // what the node said when it was last called
    bool touched = true;          // somebody acted on it since
  };
  struct Pipe {
    NodeId inside = 0;
    NodeId outside = 0;
    LinkEnds ends;
    std::vector<Element*> up;    // in order of passage; null where an element does not act
    std::vector<Element*> down;  // on that direction
    std::vector<std::unique_ptr<Element>> owned;
    Nat* nat = nullptr;
  };
  // A datagram and where it will be at the time under which the heap has it.
  struct Arrival {
    Passage passage;  // stage past the last: the node
    Datagram datagram;
  };
  struct Due {
    Timestamp at;
    std::uint64_t sequence = 0;  // ties keep the order in which they were scheduled
    std::uint32_t slot = 0;      // in slots_
  };
  struct Scheduled {
    Actor* actor = nullptr;
    Timestamp at;
  };
  class StageOutput;
  class Departures;

  [[nodiscard]] Timestamp next_instant() const;
  [[nodiscard]] Element* element_at(Pipe& pipe, Direction direction, std::size_t stage);
  Element* own(Pipe& pipe, std::unique_ptr<Element> element);
  void hold(Element& element);
  void move_arrivals();
  void advance(Arrival arrival);
  void arrive(Arrival arrival);
  void push(Timestamp at, Arrival arrival);
  bool run_node(NodeId id);
  void deliver_inbox(NodeId id);
  bool collect(NodeId id);
  void emit(NodeId id, Bytes bytes, const TransmitTrain& train);
  bool run_actors();
  void stuck(NodeId id, const char* what);
  void mix(std::uint64_t value);
  void mix(Bytes bytes);

  WorldOptions options_;
  SeededRandom random_;
  Timestamp now_ = kWorldStart;
  std::vector<Attached> nodes_;
  std::vector<Pipe> pipes_;
  std::vector<Due> due_;  // a heap, the earliest first
  std::vector<Arrival> slots_;
  std::vector<std::uint32_t> free_slots_;
  std::vector<Element*> holding_;                 // elements that may hold datagrams back
  std::vector<std::vector<std::uint8_t>> spare_;  // memory of datagrams that have arrived
  std::vector<std::uint8_t> inbox_memory_;
  std::vector<ReceivedTrain> inbox_trains_;
  std::vector<Scheduled> actors_;
  std::vector<WireObserver*> observers_;
  std::uint64_t sequence_ = 0;
  std::uint64_t digest_ = 0x9e3779b97f4a7c15;
  WorldStats stats_;
  std::string failure_;
  std::vector<std::vector<std::uint8_t>> buffers_;  // lent to nodes for trains
  std::vector<TransmitTrain> trains_;
};

}  // namespace hawser::sim
