// scheduler_table.cc: one line per scheduler.
#include "quic/multipath/scheduler_table.h"

#include "quic/multipath/blest.h"
#include "quic/multipath/deadline.h"
#include "quic/multipath/ecf.h"
#include "quic/multipath/latency.h"
#include "quic/multipath/min_rtt.h"
#include "quic/multipath/redundant.h"
#include "quic/multipath/round_robin.h"
#include "quic/multipath/weighted.h"

namespace hawser::quic {

namespace {

template <class Scheduler>
std::unique_ptr<PathScheduler> make() {
  return std::make_unique<Scheduler>();
}

constexpr NamedScheduler kTable[] = {
    {"blest", &make<BlestScheduler>},
    {"deadline", &make<DeadlineScheduler>},
    {"ecf", &make<EcfScheduler>},
    {"latency", &make<LatencyScheduler>},
    {"min-rtt", &make<MinRttScheduler>},
    {"redundant", &make<RedundantScheduler>},
    {"round-robin", &make<RoundRobinScheduler>},
    {"weighted", &make<WeightedScheduler>},
};

}  // namespace

std::span<const NamedScheduler> scheduler_table() {
  return kTable;
}

}  // namespace hawser::quic
