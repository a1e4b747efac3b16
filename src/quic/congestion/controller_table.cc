// controller_table.cc: one line per controller.
#include "quic/congestion/controller_table.h"

#include "quic/congestion/bbr3.h"
#include "quic/congestion/cubic.h"
#include "quic/congestion/newreno.h"

namespace hawser::quic {

namespace {

template <class Controller>
std::unique_ptr<CongestionController> make(std::uint64_t max_datagram_size) {
  return std::make_unique<Controller>(max_datagram_size);
}

constexpr NamedController kTable[] = {
    {"bbr", &make<Bbr3>},
    {"cubic", &make<Cubic>},
    {"newreno", &make<NewReno>},
};

}  // namespace

std::span<const NamedController> controller_table() {
  return kTable;
}

}  // namespace hawser::quic
