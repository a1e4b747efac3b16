// path_scheduler.cc: schedulers of programs, as the transport knows schedulers.
#include "hawser/path_scheduler.h"

#include <algorithm>
#include <array>
#include <chrono>

#include "quic/multipath/lua_scheduler.h"
#include "quic/multipath/path_scheduler.h"

namespace hawser {
namespace {

std::uint64_t us_until(Timestamp when, Timestamp now) {
  if (when == kNever) return ScheduledPath::kUnknown;
  return when <= now ? 0 : static_cast<std::uint64_t>(to_us(when - now));
}

std::uint64_t whole_us(Duration duration) {
  return static_cast<std::uint64_t>(to_us(duration));
}

ScheduledPath public_facts(const quic::PathFacts& path, Timestamp now) {
  return {.id = path.id.value,
          .state = static_cast<PathState>(path.state),
          .backup = path.status == quic::PathStatus::kBackup,
          .ready = path.may_send,
          .ready_in_us = path.may_send ? 0 : us_until(path.may_send_at, now),
          .smoothed_rtt_us = whole_us(path.smoothed_rtt),
          .rtt_variation_us = whole_us(path.rtt_variation),
          .min_rtt_us = whole_us(path.min_rtt),
          .congestion_window = path.congestion_window,
          .octets_in_flight = path.bytes_in_flight,
          .octets_per_second = path.bytes_per_second,
          .loss = path.loss,
          .mtu = path.mtu,
          .weight = path.weight,
          .cost = path.cost};
}
static_assert(static_cast<int>(ScheduleDemand::Kind::kControl) == static_cast<int>(quic::DemandKind::kControl));

// A program's scheduler, asked about the candidates alone.
class Adapter final : public quic::PathScheduler {
 public:
  Adapter(std::string name, std::unique_ptr<hawser::PathScheduler> own)
      : name_(std::move(name)), own_(std::move(own)) {}

  quic::Schedule choose(const quic::SchedulerView& view) override {
    std::size_t count = 0;
    for (const std::size_t index : view.candidates) {
      paths_[count] = public_facts(view.path(index), view.now);
      positions_[count++] = index;
    }
    const ScheduleDemand demand{.kind = static_cast<ScheduleDemand::Kind>(view.demand.kind),
                                .interactive = view.demand.interactive,
                                .flow = view.demand.flow,
                                .octets_waiting = view.demand.bytes_waiting,
                                .flow_control_room = view.demand.flow_control_room,
                                .deadline_in_us = us_until(view.demand.deadline, view.now)};
    const ScheduleAnswer answer =
        own_->choose(std::span(paths_).first(count), demand, whole_us(view.now.time_since_epoch()));
    return translated(answer, count, view);
  }
  void on_sent(quic::PathId id, std::uint64_t octets, Timestamp now) override {
    own_->on_sent(id.value, octets, whole_us(now.time_since_epoch()));
  }
  void on_path_gone(quic::PathId id) override { own_->on_path_gone(id.value); }
  [[nodiscard]] std::string_view name() const override { return name_; }
  // What the program's object holds it knows alone.
  [[nodiscard]] std::size_t memory() const override { return sizeof(*this) + name_.capacity(); }

 private:
  [[nodiscard]] quic::Schedule translated(const ScheduleAnswer& answer, std::size_t count,
                                          const quic::SchedulerView& view) const {
    if (answer.path == ScheduleAnswer::kWait) {
      if (answer.wait_us == 0) return quic::Schedule::wait(view.next_change());
      // An hour is longer than any wait that somebody means.
      constexpr std::uint64_t kWaitMax_us = 3'600'000'000;
      // Below a tenth of a millisecond it would be asked in a circle.
      constexpr std::uint64_t kWaitMin_us = 100;
      return quic::Schedule::wait(view.now +
                                  std::chrono::microseconds(std::clamp(answer.wait_us, kWaitMin_us, kWaitMax_us)));
    }
    std::size_t index = positions_[std::min(answer.path, paths_.size() - 1)];
    if (answer.path >= count) {
      if (view.ready().empty()) return quic::Schedule::wait(view.next_ready(view.candidates));
      index = view.fastest(view.ready());
    }
    const quic::PathFacts& path = view.path(index);
    return path.may_send ? quic::Schedule::on(index, answer.octets) : quic::Schedule::wait(path.may_send_at);
  }

  std::string name_;
  std::unique_ptr<hawser::PathScheduler> own_;
  std::array<ScheduledPath, quic::kMaxScheduledPaths> paths_;
  std::array<std::size_t, quic::kMaxScheduledPaths> positions_{};
};

struct Maker {
  std::string name;
  std::unique_ptr<PathScheduler> (*make)(const void* context);
  const void* context;
};

std::unique_ptr<quic::PathScheduler> make_adapter(const void* context) {
  const Maker& maker = *static_cast<const Maker*>(context);
  auto own = maker.make(maker.context);
  if (own == nullptr) return std::move(*quic::make_path_scheduler(PathOptions{}.scheduler));
  return std::make_unique<Adapter>(maker.name, std::move(own));
}

std::expected<void, Error> as_public(std::expected<void, ConfigError> result) {
  if (!result) return std::unexpected(Error{Error::Kind::kOptions, std::move(result.error().message)});
  return {};
}

}  // namespace

std::expected<void, Error> add_path_scheduler(std::string_view name,
                                              std::unique_ptr<PathScheduler> (*make)(const void* context),
                                              const void* context) {
  if (make == nullptr) return std::unexpected(Error{Error::Kind::kOptions, "a scheduler needs a factory"});
  auto maker = std::make_unique<Maker>(Maker{std::string(name), make, context});
  auto added = quic::add_path_scheduler(name, &make_adapter, maker.get());
  // The table of names keeps it to the end of the process.
  if (added) static_cast<void>(maker.release());
  return as_public(std::move(added));
}

std::expected<void, Error> add_path_script(std::string_view name, std::string_view source, std::string_view file) {
  return as_public(quic::add_lua_scheduler(name, {.file = std::string(file), .source = std::string(source)}));
}

std::string path_scheduler_names() {
  return quic::path_scheduler_names();
}

}  // namespace hawser
