// tcp_cubic.cc: CUBIC that asks for an ACK of each packet.
#include "sim/tcp_cubic.h"

#include <memory>

#include "base/check.h"
#include "quic/congestion/cubic.h"

namespace hawser::sim {
namespace {

class TcpCubic final : public quic::Cubic {
 public:
  using quic::Cubic::Cubic;
  // What takes a burst for a queue gets an ACK for each packet (recovery/ack_frequency.h).
  [[nodiscard]] bool paces_smoothly() const override { return true; }
  [[nodiscard]] std::string_view name() const override { return kTcpCubic; }
  [[nodiscard]] std::size_t memory() const override { return sizeof(TcpCubic); }
};

std::unique_ptr<quic::CongestionController> make(const void*, std::uint64_t max_datagram_size) {
  return std::make_unique<TcpCubic>(max_datagram_size);
}

}  // namespace

void add_tcp_cubic() {
  static const bool added = quic::add_congestion_controller(kTcpCubic, &make, nullptr).has_value();
  HAWSER_CHECK(added);
}

}  // namespace hawser::sim
