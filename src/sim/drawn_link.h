// drawn_link.h: a link by the three figures that people know of theirs, drawn from a seed or written down.
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "base/result.h"
#include "base/time.h"
#include "sim/link.h"

namespace hawser::sim {

struct DrawnLink {
  double mbit_per_second = 0;
  Duration rtt{0};  // without queueing
  double loss = 0;  // in each direction
};

// 1 to 500 Mbit/s and 5 to 300 ms, each as likely to lie in one octave as in another; 0 to 5 % loss, evenly, and
// none for one link in four.
DrawnLink draw_link(Random& random);
// "50/20/1": Mbit/s, RTT in milliseconds and, if there is any, loss in percent.
std::expected<DrawnLink, ConfigError> parse_link(std::string_view text);
// "50.0 Mbit/s 20 ms 1.0 %"
std::string describe(const DrawnLink& link);

// Links with what they own, for one run; outlives it.
class Ways {
 public:
  // A queue of one bandwidth-delay product in front of the rate, then delay and loss. Which packets are lost, counted
  // from the first of this link, follows from the seed alone: other links and other runs do not change it.
  LinkSpec add(const DrawnLink& drawn, std::uint64_t seed);

 private:
  std::vector<std::unique_ptr<Element>> drops_;
};

}  // namespace hawser::sim
