// coupled_controllers.cc: the formulas. They are written for windows in packets; here an octet acknowledged
// grows a window in octets, so that each has a factor of one datagram.
#include "quic/congestion/coupled_controllers.h"

#include <algorithm>

namespace hawser::quic {

// RFC 6356 section 3: min(alpha / total, 1 / own window), with
// alpha = total * max(window / rtt^2) / (sum of window / rtt)^2.
double Lia::growth_per_octet() const {
  double best = 0;
  double rates = 0;
  for_each_share([&](const Share& share, bool) {
    best = std::max(best, share.window / (share.rtt * share.rtt));
    rates += share.rate();
  });
  const double datagram = static_cast<double>(max_datagram_size());
  return datagram * std::min(best / (rates * rates), 1 / own().window);
}

// Section 2 of the draft: (w / rtt^2) / (sum of w / rtt)^2 + alpha / w, where alpha adds up to 0 over the
// paths: those that are best but have not the largest window get what those with the largest one give.
double Olia::growth_per_octet() const {
  const auto quality = [](const Share& share) { return share.between_losses / (share.rtt * share.rtt); };
  const Share mine = own();
  double rates = 0;
  double best_quality = 0;
  double largest = 0;
  double count = 0;
  for_each_share([&](const Share& share, bool) {
    rates += share.rate();
    best_quality = std::max(best_quality, quality(share));
    largest = std::max(largest, share.window);
    ++count;
  });
  double collected = 0;
  double with_largest = 0;
  for_each_share([&](const Share& share, bool) {
    with_largest += share.window >= largest;
    collected += quality(share) >= best_quality && share.window < largest;
  });
  double alpha = 0;
  if (collected > 0) {
    if (mine.window >= largest) {
      alpha = -1 / (count * with_largest);
    } else if (quality(mine) >= best_quality) {
      alpha = 1 / (count * collected);
    }
  }
  const double datagram = static_cast<double>(max_datagram_size());
  return datagram * (mine.window / (mine.rtt * mine.rtt) / (rates * rates) + alpha / mine.window);
}

// Section 3 of the draft: x / (rtt * (sum of x)^2) * (1 + a) / 2 * (4 + a) / 5, with x = w / rtt and
// a = max(x) / own x.
double Balia::growth_per_octet() const {
  const Share mine = own();
  double rates = 0;
  double fastest = 0;
  for_each_share([&](const Share& share, bool) {
    rates += share.rate();
    fastest = std::max(fastest, share.rate());
  });
  const double a = fastest / mine.rate();
  const double datagram = static_cast<double>(max_datagram_size());
  return datagram * mine.rate() / (mine.rtt * rates * rates) * (1 + a) / 2 * (4 + a) / 5;
}

std::uint64_t Balia::reduced_window() const {
  constexpr double kMostHalves = 1.5;
  double fastest = 0;
  for_each_share([&](const Share& share, bool) { fastest = std::max(fastest, share.rate()); });
  const double halves = std::min(fastest / own().rate(), kMostHalves);
  return static_cast<std::uint64_t>(static_cast<double>(window()) * (1 - halves / 2));
}

}  // namespace hawser::quic
