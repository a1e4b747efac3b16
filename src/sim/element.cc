// element.cc: what each kind of link element does to a datagram. An element has state for
// one direction; randomness comes from the world, so that a run follows from its seed.
#include <algorithm>
#include <utility>

#include "base/check.h"
#include "sim/bottleneck.h"
#include "sim/link.h"

namespace hawser::sim {
namespace {

bool chance(Random& random, double probability) {
  return probability > 0 && random.unit() < probability;
}

// An attacker's, of the block for documentation (RFC 5737).
const SocketAddress kSpoofedAddress = ipv4_address({203, 0, 113, 66}, 6'666);

Duration uniform(Random& random, Duration largest) {
  if (largest.count() <= 0) return Duration{0};
  return Duration{static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(largest.count())))};
}

class Delay final : public Element {
 public:
  explicit Delay(Duration one_way) : one_way_(one_way) {}
  void on_datagram(Datagram datagram, Direction, Timestamp now, Random&, Output& out) override {
    out.pass(std::move(datagram), now + one_way_);
  }

 private:
  Duration one_way_;
};

class Jitter final : public Element {
 public:
  explicit Jitter(Duration largest) : largest_(largest) {}
  void on_datagram(Datagram datagram, Direction, Timestamp now, Random& random, Output& out) override {
    out.pass(std::move(datagram), now + uniform(random, largest_));
  }

 private:
  Duration largest_;
};

class Drop final : public Element {
 public:
  explicit Drop(double probability) : probability_(probability) {}
  void on_datagram(Datagram datagram, Direction, Timestamp now, Random& random, Output& out) override {
    if (!chance(random, probability_)) out.pass(std::move(datagram), now);
  }

 private:
  double probability_;
};

class BurstDrop final : public Element {
 public:
  BurstDrop(double enter, double leave) : enter_(enter), leave_(leave) {}
  void on_datagram(Datagram datagram, Direction, Timestamp now, Random& random, Output& out) override {
    const bool was_bad = bad_ && now - bad_since_ < kBurstMax;
    bad_ = was_bad ? !chance(random, leave_) : chance(random, enter_);
    if (bad_ && !was_bad) bad_since_ = now;
    if (!bad_) out.pass(std::move(datagram), now);
  }

 private:
  double enter_;
  double leave_;
  bool bad_ = false;
  Timestamp bad_since_{};
};

class Reorder final : public Element {
 public:
  Reorder(double probability, Duration hold) : probability_(probability), hold_(hold) {}
  void on_datagram(Datagram datagram, Direction, Timestamp now, Random& random, Output& out) override {
    const Duration held = chance(random, probability_) ? uniform(random, hold_) : Duration{0};
    out.pass(std::move(datagram), now + held);
  }

 private:
  double probability_;
  Duration hold_;
};

class Duplicate final : public Element {
 public:
  Duplicate(double probability, Duration after) : probability_(probability), after_(after) {}
  void on_datagram(Datagram datagram, Direction, Timestamp now, Random& random, Output& out) override {
    if (chance(random, probability_)) out.pass(datagram, now + uniform(random, after_));
    out.pass(std::move(datagram), now);
  }

 private:
  double probability_;
  Duration after_;
};

class Corrupt final : public Element {
 public:
  explicit Corrupt(double probability) : probability_(probability) {}
  void on_datagram(Datagram datagram, Direction, Timestamp now, Random& random, Output& out) override {
    if (!datagram.bytes.empty() && chance(random, probability_)) {
      const std::uint64_t flips = 1 + random.below(8);
      for (std::uint64_t i = 0; i < flips; ++i) {
        const std::uint64_t bit = random.below(datagram.bytes.size() * 8);
        datagram.bytes[bit / 8] ^= static_cast<std::uint8_t>(1u << (bit % 8));
      }
    }
    out.pass(std::move(datagram), now);
  }

 private:
  double probability_;
};

class Truncate final : public Element {
 public:
  explicit Truncate(double probability) : probability_(probability) {}
  void on_datagram(Datagram datagram, Direction, Timestamp now, Random& random, Output& out) override {
    if (datagram.bytes.size() > 1 && chance(random, probability_))
      datagram.bytes.resize(1 + random.below(datagram.bytes.size() - 1));
    out.pass(std::move(datagram), now);
  }

 private:
  double probability_;
};

// A bottleneck: datagrams leave one after the other at the bit rate. What is queued follows
// from when the last one will have left.
class Rate final : public Element {
 public:
  explicit Rate(const RateOptions& options) : options_(options) { HAWSER_CHECK(options.bits_per_second > 0); }
  void on_datagram(Datagram datagram, Direction, Timestamp now, Random&, Output& out) override {
    const Timestamp start = std::max(now, busy_until_);
    const std::size_t queued = bytes_sent_in(start - now);
    if (queued + datagram.bytes.size() > options_.queue_bytes_max) return;
    const bool ecn_capable = datagram.ecn == Ecn::kEct0 || datagram.ecn == Ecn::kEct1;
    if (ecn_capable && queued > options_.mark_above_bytes) datagram.ecn = Ecn::kCe;
    busy_until_ = start + time_for(datagram.bytes.size());
    out.pass(std::move(datagram), busy_until_);
  }

 private:
  [[nodiscard]] Duration time_for(std::size_t bytes) const {
    return Duration{static_cast<std::int64_t>(bytes * 8 * 1'000'000'000 / options_.bits_per_second)};
  }
  [[nodiscard]] std::size_t bytes_sent_in(Duration time) const {
    return static_cast<std::size_t>(to_seconds(time) * static_cast<double>(options_.bits_per_second) / 8);
  }

  RateOptions options_;
  Timestamp busy_until_ = kWorldStart;
};

class Mtu final : public Element {
 public:
  explicit Mtu(std::size_t bytes) : bytes_(bytes) {}
  void on_datagram(Datagram datagram, Direction, Timestamp now, Random&, Output& out) override {
    if (datagram.bytes.size() <= bytes_) out.pass(std::move(datagram), now);
  }

 private:
  std::size_t bytes_;
};

class Blackhole final : public Element {
 public:
  Blackhole(Duration from, Duration until) : from_(kWorldStart + from), until_(kWorldStart + until) {}
  void on_datagram(Datagram datagram, Direction, Timestamp now, Random&, Output& out) override {
    if (now < from_ || now >= until_) out.pass(std::move(datagram), now);
  }

 private:
  Timestamp from_;
  Timestamp until_;
};

class EcnMark final : public Element {
 public:
  explicit EcnMark(double probability) : probability_(probability) {}
  void on_datagram(Datagram datagram, Direction, Timestamp now, Random& random, Output& out) override {
    if (datagram.ecn != Ecn::kNotEct && chance(random, probability_)) datagram.ecn = Ecn::kCe;
    out.pass(std::move(datagram), now);
  }

 private:
  double probability_;
};

class Spoof final : public Element {
 public:
  Spoof(double probability, Duration ahead) : probability_(probability), ahead_(ahead) {}
  void on_datagram(Datagram datagram, Direction, Timestamp now, Random& random, Output& out) override {
    const bool copied = chance(random, probability_);
    if (copied) {
      Datagram copy = datagram;
      copy.tuple.local = kSpoofedAddress;
      copy.tuple.local.port = static_cast<std::uint16_t>(kSpoofedAddress.port + random.below(kSpoofedPorts));
      out.pass(std::move(copy), now);
    }
    if (!copied || ahead_.count() > 0) out.pass(std::move(datagram), now + ahead_);
  }

 private:
  static constexpr std::uint64_t kSpoofedPorts = 4;
  double probability_;
  Duration ahead_;
};

class EcnBleach final : public Element {
 public:
  void on_datagram(Datagram datagram, Direction, Timestamp now, Random&, Output& out) override {
    datagram.ecn = Ecn::kNotEct;
    out.pass(std::move(datagram), now);
  }
};

}  // namespace

std::unique_ptr<Element> make_element(const ElementSpec& spec) {
  using Kind = ElementSpec::Kind;
  switch (spec.kind) {
    case Kind::kDelay:
      return std::make_unique<Delay>(spec.duration);
    case Kind::kJitter:
      return std::make_unique<Jitter>(spec.duration);
    case Kind::kDrop:
      return std::make_unique<Drop>(spec.probability);
    case Kind::kBurstDrop:
      return std::make_unique<BurstDrop>(spec.probability, spec.exit_probability);
    case Kind::kReorder:
      return std::make_unique<Reorder>(spec.probability, spec.duration);
    case Kind::kDuplicate:
      return std::make_unique<Duplicate>(spec.probability, spec.duration);
    case Kind::kCorrupt:
      return std::make_unique<Corrupt>(spec.probability);
    case Kind::kTruncate:
      return std::make_unique<Truncate>(spec.probability);
    case Kind::kRate:
      return std::make_unique<Rate>(spec.rate);
    case Kind::kMtu:
      return std::make_unique<Mtu>(spec.bytes);
    case Kind::kBlackhole:
      return std::make_unique<Blackhole>(spec.from, spec.until);
    case Kind::kEcnMark:
      return std::make_unique<EcnMark>(spec.probability);
    case Kind::kEcnBleach:
      return std::make_unique<EcnBleach>();
    case Kind::kSpoof:
      return std::make_unique<Spoof>(spec.probability, spec.duration);
    case Kind::kNat:
      return std::make_unique<Nat>(spec.nat);
    case Kind::kBottleneck:
      return std::make_unique<Bottleneck>(
          BottleneckOptions{.bits_per_second = spec.rate.bits_per_second, .queue = spec.queue});
    case Kind::kShared:
      break;
  }
  HAWSER_CHECK(false);  // somebody else made it
  return nullptr;
}

void Nat::on_datagram(Datagram datagram, Direction direction, Timestamp now, Random& random, Output& out) {
  rebind_if_due(now, random);
  if (options_.mapping_timeout.count() > 0)
    std::erase_if(mappings_, [&](const Mapping& m) { return now - m.last_used >= options_.mapping_timeout; });
  if (direction == Direction::kUp) {
    auto mapping = std::find_if(mappings_.begin(), mappings_.end(),
                                [&](const Mapping& m) { return m.inside == datagram.tuple.local; });
    if (mapping == mappings_.end()) {
      mappings_.push_back({datagram.tuple.local, new_external(datagram.tuple.local), now});
      mapping = std::prev(mappings_.end());
    }
    mapping->last_used = now;
    datagram.tuple.local = mapping->outside;
    out.pass(std::move(datagram), now);
    return;
  }
  // What comes for a mapping that is gone is dropped, as a NAT does.
  for (Mapping& mapping : mappings_) {
    if (mapping.outside != datagram.tuple.remote) continue;
    mapping.last_used = now;
    datagram.tuple.remote = mapping.inside;
    out.pass(std::move(datagram), now);
    return;
  }
}

bool Nat::owns(const SocketAddress& address) const {
  return std::find(externals_.begin(), externals_.end(), address) != externals_.end();
}

// Forgets every mapping if a rebinding lies between the last datagram and this one.
void Nat::rebind_if_due(Timestamp now, Random& random) {
  bool due = false;
  for (const Duration after : options_.rebinds) {
    const Timestamp at = kWorldStart + after;
    due |= at > rebound_at_ && at <= now;
  }
  if (options_.rebind_period.count() > 0) due |= now - rebound_at_ >= options_.rebind_period;
  if (!due) return;
  mappings_.clear();
  rebound_at_ = now;
  if (options_.rebind_address || chance(random, options_.address_share)) ++address_generation_;
}

// Ports count up from 40,000; addresses are 198.51.100.1 and up, or 2001:db8:ffff::1 and up.
SocketAddress Nat::new_external(const SocketAddress& inside) {
  SocketAddress external = inside;
  external.port = static_cast<std::uint16_t>(40'000 + externals_.size() % 20'000);
  const auto host = static_cast<std::uint8_t>(1 + address_generation_ % 250);
  if (inside.family == AddressFamily::kIpv4) {
    external.ip = {198, 51, 100, host};
  } else {
    external.ip = {0x20, 0x01, 0x0d, 0xb8, 0xff, 0xff};
    external.ip[15] = host;
  }
  externals_.push_back(external);
  return external;
}

}  // namespace hawser::sim
