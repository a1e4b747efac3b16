// link_pairs.h: what a connection over two links at random makes of them, beside what it makes of each alone:
// whether bonding ever harms.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "sim/bonded.h"
#include "sim/drawn_link.h"

namespace hawser::sim {

struct LinkPair {
  std::uint64_t seed = 1;
  DrawnLink first;
  DrawnLink second;
};

LinkPair draw_pair(std::uint64_t seed);
std::string describe(const LinkPair& pair);

struct PairOptions {
  std::string controller = "bbr";
  std::string scheduler = "min-rtt";
  // What is transferred is what the faster link carries in so much time, and in twenty round trips of the longer
  // one besides: slow start and the opening of the second path are part of it, but not all of it.
  Duration time = 5s;
  ByteCount window{64 << 20};
  bool download = true;
  // As clients do: BondPlan::head_start. None: the connection begins over one link alone.
  std::optional<Duration> head_start = 100ms;
  // How often the losses are drawn. A single draw says for many pairs more of luck than of bonding: which packet of
  // Startup is lost decides over some percent.
  std::uint64_t draws = 1;
};

struct PairResult {
  LinkPair pair;
  std::string failure;  // of a bonded run; empty: none
  std::uint64_t octets = 0;
  // Mbit/s from the first packet of the handshake to the last octet, the mean of all draws. A link that is not done
  // when the other one is has what it brought until then.
  double first_alone = 0;
  double second_alone = 0;
  // Both together, the connection beginning over the link that is better alone, as users list them, and over the other;
  // over the second one as well after `head_start`.
  double bonded = 0;
  double bonded_from_worse = 0;

  [[nodiscard]] double of_better() const { return bonded / better(); }
  [[nodiscard]] double from_worse_of_better() const { return bonded_from_worse / better(); }
  [[nodiscard]] double of_sum() const { return bonded / (first_alone + second_alone); }
  [[nodiscard]] double better() const { return std::max(first_alone, second_alone); }
};

// Both links lose the same of their packets, counted from the first, in each of the four runs of a draw.
PairResult run_pair(const LinkPair& pair, const PairOptions& options);

// Three links and more.
struct BundleResult {
  std::string failure;  // of the run over all of them; empty: none
  // Mbit/s, as in PairResult: each by itself, in `time` at its rate, and all, in as much time at the sum of their
  // rates.
  std::vector<double> alone;
  double together = 0;

  [[nodiscard]] double sum() const;
};

// Two to quic::kMaxPaths links; the connection begins over the first.
BundleResult run_bundle(const std::vector<DrawnLink>& links, std::uint64_t seed, const PairOptions& options);

// Of values in any order, 0 <= share <= 1; 0 if there are none.
double percentile(std::vector<double> values, double share);

}  // namespace hawser::sim
