// link.h: what happens to datagrams between two nodes, as a list of elements:
//
//   link({delay(50ms), drop(0.02), nat(rebind_after(3s))})
//
// A datagram that goes up (from the inside node to the outside node) meets the elements in
// the order written; one that goes down meets them in the reverse order. Each direction has
// an instance of its own of each element, but for the NAT, which both share.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <vector>

#include "base/datagram.h"
#include "base/random.h"
#include "base/time.h"
#include "sim/queue_spec.h"

namespace hawser::sim {

// The simulator's clock starts here; times in element options count from it.
inline constexpr Timestamp kWorldStart = Timestamp{Duration{1s}};

// One UDP datagram under way. The tuple is as its sender sees it: local is the source.
struct Datagram {
  std::vector<std::uint8_t> bytes;
  FourTuple tuple;
  Ecn ecn = Ecn::kNotEct;
};

enum class Direction : std::uint8_t { kUp, kDown };

// Where a datagram goes on once it leaves an element that holds it: which link, which way, and
// what it comes to next there. World makes and reads it; an element only keeps it.
struct Passage {
  std::size_t pipe = 0;
  Direction direction = Direction::kUp;
  std::size_t stage = 0;
};

// What an element decides about a datagram: it is called once with the datagram and tells,
// through `out`, when which copies of it leave. A datagram that is not passed on is dropped.
// An element that cannot tell yet, because it depends on what comes later, keeps datagram and
// passage, says when it wants to be asked, and releases what leaves then.
class Element {
 public:
  class Output {
   public:
    // at >= now.
    virtual void pass(Datagram datagram, Timestamp at) = 0;
    [[nodiscard]] virtual Passage passage() const = 0;

   protected:
    ~Output() = default;
  };
  class Release {
   public:
    virtual void release(Datagram datagram, const Passage& passage) = 0;

   protected:
    ~Release() = default;
  };

  virtual ~Element() = default;
  virtual void on_datagram(Datagram datagram, Direction direction, Timestamp now, Random& random, Output& out) = 0;
  // This kind of element may hold datagrams back.
  [[nodiscard]] virtual bool holds() const { return false; }
  // When depart() has to be called, at the latest; kNever: it holds nothing now.
  [[nodiscard]] virtual Timestamp next_departure() const { return kNever; }
  virtual void depart(Timestamp /*now*/, Release& /*out*/) {}
};

// Options of nat(). Times count from kWorldStart.
struct NatOptions {
  std::vector<Duration> rebinds{};  // when every mapping gets a new port
  Duration rebind_period{0};        // 0: no periodic rebinding
  bool rebind_address = false;      // a rebinding changes the external address as well
  double address_share = 0;         // or only this share of them does, by chance
  Duration mapping_timeout{0};      // an idle mapping is forgotten after this; 0: never
};

inline NatOptions rebind_after(Duration after) {
  return {.rebinds = {after}};
}
inline NatOptions rebind_every(Duration period) {
  return {.rebind_period = period};
}
inline NatOptions mapping_timeout(Duration idle) {
  return {.mapping_timeout = idle};
}
inline NatOptions with_new_address(NatOptions options) {
  options.rebind_address = true;
  return options;
}

struct RateOptions {
  std::uint64_t bits_per_second = 0;
  std::size_t queue_bytes_max = SIZE_MAX;   // arrivals beyond are dropped (drop-tail)
  std::size_t mark_above_bytes = SIZE_MAX;  // ECN-capable arrivals that find more queued get CE
};

// One link element as written down, before it has state.
struct ElementSpec {
  enum class Kind : std::uint8_t {
    kDelay,
    kJitter,
    kDrop,
    kBurstDrop,
    kReorder,
    kDuplicate,
    kCorrupt,
    kTruncate,
    kRate,
    kMtu,
    kBlackhole,
    kEcnMark,
    kEcnBleach,
    kNat,
    kBottleneck,
    kShared,
    kSpoof,
  };
  Kind kind = Kind::kDelay;
  bool up = true;               // acts on datagrams that go up
  bool down = true;             // and on those that go down
  Duration duration{0};         // delay; jitter, reorder and duplicate: largest extra delay
  double probability = 0;       // of the fault, per datagram
  double exit_probability = 0;  // burst drop: of leaving the bad state
  std::size_t bytes = 0;        // mtu
  Duration from{0};             // blackhole, since kWorldStart
  Duration until{0};
  RateOptions rate{};
  NatOptions nat{};
  QueueSpec queue{};          // bottleneck: in front of rate.bits_per_second
  Element* shared = nullptr;  // kShared: not owned, outlives the world
};

using LinkSpec = std::vector<ElementSpec>;

inline LinkSpec link(std::initializer_list<ElementSpec> elements) {
  return elements;
}

// Fixed one-way latency.
inline ElementSpec delay(Duration one_way) {
  return {.kind = ElementSpec::Kind::kDelay, .duration = one_way};
}
// Extra latency, uniform in [0, largest), for each datagram alone: reorders.
inline ElementSpec jitter(Duration largest) {
  return {.kind = ElementSpec::Kind::kJitter, .duration = largest};
}
// Independent loss; probability in [0, 1].
inline ElementSpec drop(double probability) {
  return {.kind = ElementSpec::Kind::kDrop, .probability = probability};
}
// Gilbert-Elliott: `enter` and `leave` are the chances, per datagram, of entering and leaving
// the bad state, in which every datagram is lost. Mean burst length: 1 / leave. A fading radio
// recovers also while nobody sends, so the bad state ends after kBurstMax at the latest.
inline constexpr Duration kBurstMax = 1s;
inline ElementSpec burst_drop(double enter, double leave) {
  return {.kind = ElementSpec::Kind::kBurstDrop, .probability = enter, .exit_probability = leave};
}
// Holds some datagrams back for up to `hold`, so that later ones overtake them.
inline ElementSpec reorder(double probability, Duration hold) {
  return {.kind = ElementSpec::Kind::kReorder, .duration = hold, .probability = probability};
}
// Delivers some datagrams twice, the copy up to `after` later.
inline ElementSpec duplicate(double probability, Duration after) {
  return {.kind = ElementSpec::Kind::kDuplicate, .duration = after, .probability = probability};
}
// Flips one to eight bits in some datagrams.
inline ElementSpec corrupt(double probability) {
  return {.kind = ElementSpec::Kind::kCorrupt, .probability = probability};
}
// Cuts the end off some datagrams.
inline ElementSpec truncate(double probability) {
  return {.kind = ElementSpec::Kind::kTruncate, .probability = probability};
}
// Serialisation at a bit rate with a queue in front of it; bits count UDP payload.
inline ElementSpec rate(std::uint64_t bits_per_second, std::size_t queue_bytes_max = SIZE_MAX,
                        std::size_t mark_above_bytes = SIZE_MAX) {
  return {.kind = ElementSpec::Kind::kRate,
          .rate = {.bits_per_second = bits_per_second,
                   .queue_bytes_max = queue_bytes_max,
                   .mark_above_bytes = mark_above_bytes}};
}
constexpr std::uint64_t kbit(std::uint64_t n) {
  return n * 1'000;
}
constexpr std::uint64_t mbit(std::uint64_t n) {
  return n * 1'000'000;
}
// Drops datagrams with a UDP payload above `bytes`, silently as a black-holing router.
inline ElementSpec mtu(std::size_t bytes) {
  return {.kind = ElementSpec::Kind::kMtu, .bytes = bytes};
}
// Loses everything in [from, until).
inline ElementSpec blackhole(Duration from, Duration until) {
  return {.kind = ElementSpec::Kind::kBlackhole, .from = from, .until = until};
}
// Sets CE on some ECN-capable datagrams.
inline ElementSpec ecn_mark(double probability) {
  return {.kind = ElementSpec::Kind::kEcnMark, .probability = probability};
}
// Clears the ECN field.
inline ElementSpec ecn_bleach() {
  return {.kind = ElementSpec::Kind::kEcnBleach};
}
// An attacker who sees some datagrams of the inside node and sends copies of them from an address of
// its own, which overtake the originals by `ahead`; an on-path one (ahead 0) keeps the originals.
inline ElementSpec spoof(double probability, Duration ahead) {
  return {.kind = ElementSpec::Kind::kSpoof, .down = false, .duration = ahead, .probability = probability};
}
// Translates the inside node's address; write it first, so that it stands at that node.
inline ElementSpec nat(NatOptions options = {}) {
  return {.kind = ElementSpec::Kind::kNat, .nat = std::move(options)};
}

// A bit rate behind a queue discipline (bottleneck.h); bits count IPv4 and UDP headers too.
inline ElementSpec bottleneck(std::uint64_t bits_per_second, const QueueSpec& queue) {
  return {.kind = ElementSpec::Kind::kBottleneck, .rate = {.bits_per_second = bits_per_second}, .queue = queue};
}
// An element with its state that several links share: the queue of a router, say.
inline ElementSpec through(Element& element) {
  return {.kind = ElementSpec::Kind::kShared, .shared = &element};
}

// The same element for one direction only.
inline ElementSpec up(ElementSpec spec) {
  spec.down = false;
  return spec;
}
inline ElementSpec down(ElementSpec spec) {
  spec.up = false;
  return spec;
}

// An element with its state for one direction (a NAT: for both). Not for kShared.
std::unique_ptr<Element> make_element(const ElementSpec& spec);

// A NAT box (element.cc): rewrites sources going up and destinations going down.
class Nat final : public Element {
 public:
  explicit Nat(NatOptions options) : options_(std::move(options)) {}
  void on_datagram(Datagram datagram, Direction direction, Timestamp now, Random& random, Output& out) override;
  // `address` is one of its external addresses, of now or of an earlier mapping.
  [[nodiscard]] bool owns(const SocketAddress& address) const;
  // External addresses used so far, the newest last.
  [[nodiscard]] std::size_t mappings_made() const { return externals_.size(); }

 private:
  struct Mapping {
    SocketAddress inside;
    SocketAddress outside;
    Timestamp last_used;
  };

  void rebind_if_due(Timestamp now, Random& random);
  SocketAddress new_external(const SocketAddress& inside);

  NatOptions options_;
  std::vector<Mapping> mappings_;
  std::vector<SocketAddress> externals_;
  Timestamp rebound_at_ = kWorldStart;
  std::uint32_t address_generation_ = 0;
};

}  // namespace hawser::sim
