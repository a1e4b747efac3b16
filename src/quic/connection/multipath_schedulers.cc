// multipath_schedulers.cc: which scheduler answers: the connection's, one of a flow's own, or the one that took over
// from one that gave up. Before: the application. After: multipath_send.cc, which asks.
#include "quic/connection/multipath.h"
#include "quic/multipath/scheduler_check.h"

namespace hawser::quic {
namespace {

std::string_view name_of(DemandKind kind) {
  return kind == DemandKind::kStream ? "stream" : "datagram";
}

// What takes over from a scheduler that gave up; see PathScheduler::failure.
constexpr std::string_view kAfterFailure = "min-rtt";

}  // namespace

PathScheduler& Multipath::scheduler_of(const Demand& demand) {
  if (flow_schedulers_ == nullptr || demand.kind == DemandKind::kControl) return *scheduler_;
  PathScheduler* const own = flow_schedulers_->find(demand.kind, demand.flow);
  return own == nullptr ? *scheduler_ : *own;
}

std::expected<void, ConfigError> Multipath::set_scheduler(std::string_view name) {
  auto made = make_path_scheduler(name);
  if (!made) return std::unexpected(std::move(made.error()));
  core_.emitter_.emit(PathSchedulerUpdated{.flow_kind = {},
                                           .flow = {},
                                           .old_scheduler = scheduler_->name(),
                                           .new_scheduler = (*made)->name(),
                                           .reason = {}});
  scheduler_ = std::move(*made);
  chosen_ = nullptr;
  return {};
}

std::expected<void, ConfigError> Multipath::set_flow_scheduler(DemandKind kind, std::uint64_t flow,
                                                               std::string_view name) {
  if (kind == DemandKind::kStream && core_.streams_.find(StreamId{flow}) == nullptr)
    return std::unexpected(ConfigError{"there is no such stream"});
  std::unique_ptr<PathScheduler> made;
  if (!name.empty()) {
    HAWSER_TRY(made, make_path_scheduler(name));
    forget_ended_flows();
    if (flow_schedulers_ == nullptr) flow_schedulers_ = std::make_unique<FlowSchedulers>();
    if (flow_schedulers_->full() && flow_schedulers_->find(kind, flow) == nullptr)
      return std::unexpected(ConfigError{"64 flows have a scheduler of their own: give one back first"});
  }
  const PathScheduler& before = scheduler_of({.kind = kind, .flow = flow});
  const PathScheduler& after = made == nullptr ? *scheduler_ : *made;
  core_.emitter_.emit(PathSchedulerUpdated{.flow_kind = name_of(kind),
                                           .flow = flow,
                                           .old_scheduler = before.name(),
                                           .new_scheduler = after.name(),
                                           .reason = {}});
  if (made == nullptr) {
    forget_flow(kind, flow);
  } else {
    chosen_ = nullptr;
    flow_schedulers_->set(kind, flow, std::move(made));
  }
  return {};
}

void Multipath::forget_flow(DemandKind kind, std::uint64_t flow) {
  if (flow_schedulers_ == nullptr) return;
  chosen_ = nullptr;  // by it, perhaps
  flow_schedulers_->remove(kind, flow);
  if (flow_schedulers_->empty()) flow_schedulers_.reset();
}

// A script keeps up to 256 KB for a stream that has ended.
void Multipath::forget_ended_flows() {
  if (flow_schedulers_ == nullptr) return;
  chosen_ = nullptr;  // by one of them, perhaps
  flow_schedulers_->keep_streams(
      [this](std::uint64_t stream) { return core_.streams_.find(StreamId{stream}) != nullptr; });
  if (flow_schedulers_->empty()) flow_schedulers_.reset();
}

void Multipath::note_gave_up(const PathScheduler& scheduler, const Demand& demand) {
  const bool whole = &scheduler == scheduler_.get();
  core_.emitter_.emit(PathSchedulerUpdated{.flow_kind = whole ? std::string_view() : name_of(demand.kind),
                                           .flow = whole ? std::nullopt : std::optional(demand.flow),
                                           .old_scheduler = scheduler.name(),
                                           .new_scheduler = kAfterFailure,
                                           .reason = scheduler.failure()});
}

void Multipath::forget_in_schedulers(PathId id) {
  scheduler_->on_path_gone(id);
  if (flow_schedulers_ != nullptr) flow_schedulers_->on_path_gone(id);
}

// The connection's side. Without several paths there is nothing to schedule, but the name may be wrong all the same;
// one that comes before the handshake is complete is for the paths that there may be then.

std::expected<void, ConfigError> ConnectionCore::set_path_scheduler(std::string_view name) {
  if (multipath_ != nullptr) return multipath_->set_scheduler(name);
  HAWSER_TRY_VOID(check_path_scheduler(name));
  if (!handshake_.complete) provide_extras().path_scheduler = name;
  return {};
}

std::string_view ConnectionCore::first_path_scheduler() const {
  return extras_ != nullptr && !extras_->path_scheduler.empty() ? std::string_view(extras_->path_scheduler)
                                                                : std::string_view(config_.path_scheduler);
}

std::expected<void, ConfigError> ConnectionCore::set_flow_scheduler(DemandKind kind, std::uint64_t flow,
                                                                    std::string_view name) {
  if (multipath_ != nullptr) return multipath_->set_flow_scheduler(kind, flow, name);
  if (!handshake_.complete)
    return std::unexpected(ConfigError{"the handshake is not complete yet: choose it from on_handshake_complete on"});
  return name.empty() ? std::expected<void, ConfigError>{} : check_path_scheduler(name);
}

}  // namespace hawser::quic
