// bbr2.h: BBR version 2, as its alpha release had it: the machine of version 3 with its constants, and a
// probe that ends when a quarter more than the path holds is in flight, whether or not the bandwidth grows.
#pragma once

#include "quic/congestion/bbr3.h"

namespace hawser::quic {

class Bbr2 final : public Bbr3 {
 public:
  static constexpr BbrRules kRules{.name = "bbr2",
                                   .startup_gain = 2.885,
                                   .startup_window_gain = 2.885,
                                   .drain_gain = 1 / 2.885,
                                   .down_gain = 0.75,
                                   .up_window_gain = 2.0,
                                   .startup_loss_runs = 8,
                                   .up_inflight_gain = 1.25};

  explicit Bbr2(std::uint64_t max_datagram_size);
};

}  // namespace hawser::quic
