// drawn_link.cc: figures into link elements.
#include "sim/drawn_link.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <utility>

#include "sim/draw.h"

namespace hawser::sim {
namespace {

// No queue is shorter than so many octets.
constexpr double kLeastQueue = 20 * 1'500;

// Independent loss that has a seed of its own: which packets of the link are lost does not depend on other links.
class SeededDrop final : public Element {
 public:
  SeededDrop(double probability, std::uint64_t seed) : probability_(probability), random_(seed) {}
  void on_datagram(Datagram datagram, Direction, Timestamp now, Random&, Output& out) override {
    if (random_.unit() >= probability_) out.pass(std::move(datagram), now);
  }

 private:
  double probability_;
  SeededRandom random_;
};

double octave(Random& random, double low, double high) {
  return low * std::pow(high / low, random.unit());
}

}  // namespace

DrawnLink draw_link(Random& random) {
  DrawnLink link;
  link.mbit_per_second = octave(random, 1, 500);
  link.rtt = Duration{static_cast<std::int64_t>(octave(random, 5, 300) * 1e6)};
  const bool loses = !one_in(random, 4);
  const double loss = share(random, 0, 0.05);
  if (loses) link.loss = loss;
  return link;
}

LinkSpec Ways::add(const DrawnLink& drawn, std::uint64_t seed) {
  const double octets_per_second = drawn.mbit_per_second * 125'000;
  const auto queue = static_cast<std::size_t>(std::max(octets_per_second * to_seconds(drawn.rtt), kLeastQueue));
  LinkSpec spec = link({rate(static_cast<std::uint64_t>(octets_per_second * 8), queue), delay(drawn.rtt / 2)});
  if (drawn.loss == 0) return spec;
  drops_.push_back(std::make_unique<SeededDrop>(drawn.loss, 2 * seed));
  spec.push_back(up(through(*drops_.back())));
  drops_.push_back(std::make_unique<SeededDrop>(drawn.loss, 2 * seed + 1));
  spec.push_back(down(through(*drops_.back())));
  return spec;
}

std::expected<DrawnLink, ConfigError> parse_link(std::string_view text) {
  const std::string copy(text);
  double mbit = 0;
  double rtt_ms = 0;
  double loss_percent = 0;
  int end = 0;
  const int length = static_cast<int>(copy.size());
  const bool is_short = std::sscanf(copy.c_str(), "%lf/%lf%n", &mbit, &rtt_ms, &end) == 2 && end == length;
  const bool is_long = !is_short &&
                       std::sscanf(copy.c_str(), "%lf/%lf/%lf%n", &mbit, &rtt_ms, &loss_percent, &end) == 3 &&
                       end == length;
  const bool fits =
      mbit >= 0.01 && mbit <= 100'000 && rtt_ms > 0 && rtt_ms <= 10'000 && loss_percent >= 0 && loss_percent <= 100;
  if ((!is_short && !is_long) || !fits)
    return std::unexpected(
        ConfigError{"link '" + copy + "': give Mbit/s, RTT in ms and perhaps loss in percent, such as 20/80/1"});
  return DrawnLink{
      .mbit_per_second = mbit, .rtt = Duration{static_cast<std::int64_t>(rtt_ms * 1e6)}, .loss = loss_percent / 100};
}

std::string describe(const DrawnLink& link) {
  char text[96];
  std::snprintf(text, sizeof text, "%.1f Mbit/s %.0f ms %.1f %%", link.mbit_per_second,
                static_cast<double>(to_ms(link.rtt)), link.loss * 100);
  return text;
}

}  // namespace hawser::sim
