// controller_table.cc: one line per controller.
#include "quic/congestion/controller_table.h"

#include "quic/congestion/bbr1.h"
#include "quic/congestion/bbr2.h"
#include "quic/congestion/bbr3.h"
#include "quic/congestion/copa.h"
#include "quic/congestion/coupled_controllers.h"
#include "quic/congestion/cubic.h"
#include "quic/congestion/newreno.h"
#include "quic/congestion/prague.h"
#include "quic/congestion/westwood.h"

namespace hawser::quic {

namespace {

template <class Controller>
std::unique_ptr<CongestionController> make(std::uint64_t max_datagram_size) {
  return std::make_unique<Controller>(max_datagram_size);
}

constexpr NamedController kTable[] = {
    {"balia", &make<Balia>}, {"bbr", &make<Bbr3>},      {"bbr1", &make<Bbr1>},         {"bbr2", &make<Bbr2>},
    {"copa", &make<Copa>},   {"cubic", &make<Cubic>},   {"lia", &make<Lia>},           {"newreno", &make<NewReno>},
    {"olia", &make<Olia>},   {"prague", &make<Prague>}, {"westwood", &make<Westwood>},
};

}  // namespace

std::span<const NamedController> controller_table() {
  return kTable;
}

}  // namespace hawser::quic
