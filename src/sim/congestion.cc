// congestion.cc: builds the bottlenecks and the flows over them, lets time pass, and sums up.
#include "sim/congestion.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "quic/congestion/congestion_controller.h"
#include "quic/tls/deterministic_random.h"
#include "sim/flow.h"
#include "sim/tls_contexts.h"
#include "sim/world.h"

namespace hawser::sim {
namespace {

constexpr std::size_t kFlowsMax = 65'536;  // what flow.cc has addresses for
constexpr std::uint64_t kSmallestDatagram = 1'200;

std::expected<void, ConfigError> check(const CongestionSetup& setup) {
  if (setup.hops.empty() || setup.flows.empty() || setup.flows.size() > kFlowsMax)
    return std::unexpected(ConfigError{"a congestion run needs a bottleneck and 1 to 65,536 flows"});
  if (setup.interval <= Duration{0} || setup.duration <= Duration{0})
    return std::unexpected(ConfigError{"duration and interval of a congestion run must be above 0"});
  for (const HopSpec& hop : setup.hops)
    if (hop.bits_per_second == 0) return std::unexpected(ConfigError{"a bottleneck needs a rate above 0"});
  for (const FlowSpec& flow : setup.flows) {
    if (flow.first_hop > flow.last_hop || flow.last_hop >= setup.hops.size())
      return std::unexpected(ConfigError{"a flow names bottlenecks that are not there"});
    auto controller = quic::make_congestion_controller(flow.controller, kSmallestDatagram);
    if (!controller.has_value()) return std::unexpected(std::move(controller.error()));
  }
  return {};
}

class CongestionRun final : private Actor {
 public:
  explicit CongestionRun(const CongestionSetup& setup)
      : setup_(setup), world_({.seed = setup.seed, .digest = false, .max_segments = 64}) {
    for (const HopSpec& hop : setup.hops)
      hops_.push_back(std::make_unique<Bottleneck>(BottleneckOptions{.bits_per_second = hop.bits_per_second,
                                                                     .queue = hop.queue,
                                                                     .overhead_bytes = hop.overhead_bytes,
                                                                     .measure_from = kWorldStart + setup.warmup}));
    for (const FlowSpec& spec : setup.flows) {
      std::vector<Element*> way;
      for (std::size_t hop = spec.first_hop; hop <= spec.last_hop; ++hop) way.push_back(hops_[hop].get());
      flows_.push_back(std::make_unique<Flow>(spec, flows_.size(), setup, world_, std::move(way)));
      progress_.push_back({});
      steady_from_ = std::max(steady_from_, kWorldStart + spec.start + setup.warmup);
      steady_until_ = std::min(steady_until_, kWorldStart + spec.stop.value_or(setup.duration));
    }
    steady_until_ = std::min(steady_until_, kWorldStart + setup.duration);
    world_.add_actor(*this, kWorldStart + setup.interval);
  }

  CongestionResult run();

 private:
  struct Progress {
    std::uint64_t sampled_bytes = 0;  // at the last sample
    std::optional<std::uint64_t> steady_begin{};
    std::optional<std::uint64_t> steady_end{};
    std::vector<FlowSample> series;
  };

  Timestamp on_time(Timestamp now) override;
  void sample(std::size_t at, Timestamp now);
  FlowResult result_of(std::size_t at);
  void add_hops(std::size_t at, FlowResult& result);

  const CongestionSetup& setup_;
  World world_;
  std::vector<std::unique_ptr<Bottleneck>> hops_;
  std::vector<std::unique_ptr<Flow>> flows_;
  std::vector<Progress> progress_;
  Timestamp steady_from_ = kWorldStart;
  Timestamp steady_until_ = kNever;
  Duration ended_{0};
};

Timestamp CongestionRun::on_time(Timestamp now) {
  for (std::size_t i = 0; i < flows_.size(); ++i) sample(i, now);
  return now + setup_.interval;
}

void CongestionRun::sample(std::size_t at, Timestamp now) {
  const Flow& flow = *flows_[at];
  Progress& progress = progress_[at];
  const std::uint64_t bytes = flow.bytes_received();
  if (now >= steady_from_ && !progress.steady_begin) progress.steady_begin = bytes;
  if (now >= steady_until_ && !progress.steady_end) progress.steady_end = bytes;
  if (now < flow.first() || flow.over()) return;
  const quic::ConnectionStats stats = flow.sender_stats();
  const double bits = static_cast<double>(bytes - progress.sampled_bytes) * 8;
  progress.sampled_bytes = bytes;
  progress.series.push_back({.at = now - kWorldStart,
                             .goodput_bps = static_cast<std::uint64_t>(bits / to_seconds(setup_.interval)),
                             .congestion_window = stats.congestion_window,
                             .bytes_in_flight = stats.bytes_in_flight,
                             .smoothed_rtt = stats.smoothed_rtt,
                             .pacing_rate_bps = stats.pacing_rate_bps});
}

CongestionResult CongestionRun::run() {
  const Timestamp end = kWorldStart + setup_.duration;
  const auto over = [](const auto& flow) { return flow->over(); };
  while (!std::all_of(flows_.begin(), flows_.end(), over))
    if (world_.step(end) != World::StepResult::kProgress) break;
  ended_ = std::min(world_.now() - kWorldStart, setup_.duration);
  CongestionResult result;
  std::vector<double> shares;
  for (std::size_t i = 0; i < flows_.size(); ++i) {
    result.flows.push_back(result_of(i));
    shares.push_back(result.flows.back().steady_goodput_bps);
    if (!world_.failure().empty()) result.flows.back().failure = world_.failure();
  }
  result.fairness = jain_index(shares);
  const double could = static_cast<double>(hops_[0]->bits_per_second()) * to_seconds(ended_);
  result.utilisation = could == 0 ? 0 : static_cast<double>(hops_[0]->bytes_sent()) * 8 / could;
  result.virtual_time = ended_;
  result.datagrams = world_.stats().datagrams_sent;
  return result;
}

FlowResult CongestionRun::result_of(std::size_t at) {
  const Flow& flow = *flows_[at];
  Progress& progress = progress_[at];
  const quic::ConnectionStats stats = flow.sender_stats();
  FlowResult result;
  result.controller = flow.spec().controller;
  result.failure = flow.failure();
  result.bytes_received = flow.bytes_received();
  const Timestamp stop = kWorldStart + std::min(flow.spec().stop.value_or(ended_), ended_);
  const Timestamp end = flow.completed_at().value_or(stop);
  if (flow.completed_at()) result.completed = end - flow.first();
  if (end > flow.first())
    result.goodput_bps = static_cast<double>(result.bytes_received) * 8 / to_seconds(end - flow.first());
  if (progress.steady_begin) {
    const std::uint64_t last = progress.steady_end.value_or(result.bytes_received);
    const Duration time = std::min(steady_until_, kWorldStart + ended_) - steady_from_;
    if (time > Duration{0})
      result.steady_goodput_bps = static_cast<double>(last - *progress.steady_begin) * 8 / to_seconds(time);
  }
  result.packets_sent = stats.packets_sent;
  result.packets_lost = stats.packets_lost;
  result.min_rtt = stats.min_rtt;
  result.saved_path = flow.saved_path();
  result.careful_resume_jump = stats.careful_resume_jump;
  result.careful_resume_retreated = stats.careful_resume_retreated;
  result.series = std::move(progress.series);
  add_hops(at, result);
  return result;
}

// What happened to a flow at the queues on its way; flows and links have the same numbers.
void CongestionRun::add_hops(std::size_t at, FlowResult& result) {
  for (std::size_t hop = setup_.flows[at].first_hop; hop <= setup_.flows[at].last_hop; ++hop) {
    const BottleneckShare& share = hops_[hop]->share(at);
    result.drops += share.drops;
    result.marks += share.marks;
    if (share.delays.mean() < result.delay_mean) continue;
    result.delay_mean = share.delays.mean();
    result.delay_p50 = share.delays.percentile(0.50);
    result.delay_p95 = share.delays.percentile(0.95);
    result.delay_p99 = share.delays.percentile(0.99);
  }
}

}  // namespace

CongestionSetup dumbbell(const HopSpec& bottleneck, std::vector<FlowSpec> flows) {
  CongestionSetup setup;
  setup.hops = {bottleneck};
  setup.flows = std::move(flows);
  return setup;
}

CongestionSetup parking_lot(const HopSpec& bottleneck, std::size_t hops, const FlowSpec& long_flow,
                            const FlowSpec& cross) {
  CongestionSetup setup;
  setup.hops.assign(hops, bottleneck);
  setup.flows.push_back(long_flow);
  setup.flows.back().first_hop = 0;
  setup.flows.back().last_hop = hops - 1;
  for (std::size_t hop = 0; hop < hops; ++hop) {
    setup.flows.push_back(cross);
    setup.flows.back().first_hop = setup.flows.back().last_hop = hop;
  }
  return setup;
}

double jain_index(const std::vector<double>& values) {
  double sum = 0;
  double squares = 0;
  for (const double value : values) {
    sum += value;
    squares += value * value;
  }
  return squares == 0 ? 1 : sum * sum / (static_cast<double>(values.size()) * squares);
}

std::expected<CongestionResult, ConfigError> run_congestion(const CongestionSetup& setup) {
  if (auto checked = check(setup); !checked.has_value()) return std::unexpected(std::move(checked.error()));
  tls_contexts();
  const quic::DeterministicTlsRandom tls_random(setup.seed);
  CongestionRun run(setup);
  return run.run();
}

}  // namespace hawser::sim
