// paths.cc: the public face of a connection's paths: names and units of the public header for those of the
// transport, and rates from two counts.
#include "hawser/paths.h"

#include <algorithm>
#include <map>

#include "api/path_options.h"
#include "net/address.h"
#include "quic/multipath/scheduler_check.h"
#include "runtime/clock.h"
#include "runtime/path_control.h"

namespace hawser {
namespace {

Error of_options(std::string message) {
  return {Error::Kind::kOptions, std::move(message)};
}

std::expected<void, Error> as_public(std::expected<void, ConfigError> result) {
  if (!result) return std::unexpected(of_options(std::move(result.error().message)));
  return {};
}

std::expected<void, Error> as_public(std::optional<std::expected<void, ConfigError>> result) {
  if (!result) return std::unexpected(Error{Error::Kind::kConnect, "there is no connection"});
  return as_public(std::move(*result));
}

std::uint64_t whole_us(Duration duration) {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(to_us(duration), 0));
}

static_assert(static_cast<int>(PathState::kFailed) == static_cast<int>(quic::PathState::kFailed));
static_assert(static_cast<int>(PathUse::kRedundant) == static_cast<int>(runtime::PathUse::kRedundant));

}  // namespace

std::string to_string(PathState state) {
  return std::string(quic::to_string(static_cast<quic::PathState>(state)));
}

std::expected<runtime::PathInterface, Error> translated(const PathInterface& interface) {
  const std::string quoted = "path '" + interface.name + "': ";
  if (interface.name.empty()) return std::unexpected(of_options("paths: name an interface, such as wlan0"));
  if (interface.weight < 1 || interface.weight > runtime::PathInterface::kWeightMax)
    return std::unexpected(of_options(quoted + "weight takes 1 to 1000"));
  if (interface.cost > runtime::PathInterface::kCostMax)
    return std::unexpected(of_options(quoted + "cost takes 0 to 1000"));
  return runtime::PathInterface{
      .name = interface.name, .weight = interface.weight, .cost = interface.cost, .backup = interface.backup};
}

std::expected<std::optional<runtime::PathOptions>, Error> apply(const std::optional<PathOptions>& options,
                                                                quic::ConnectionConfig& config) {
  if (!options) return std::nullopt;
  runtime::PathOptions inner{.interfaces = {}, .use = static_cast<runtime::PathUse>(options->use)};
  for (const PathInterface& interface : options->interfaces) {
    HAWSER_TRY(auto one, translated(interface));
    inner.interfaces.push_back(std::move(one));
  }
  if (inner.interfaces.size() > quic::kMaxPaths) return std::unexpected(of_options("paths: 8 interfaces at most"));
  if (const auto checked = runtime::check_copies(inner); !checked)
    return std::unexpected(of_options("paths: " + checked.error().message));
  const unsigned most = options->max_paths;
  if (most == 1 || most > quic::kMaxPaths)
    return std::unexpected(of_options("paths: max_paths takes 2 to 8, or 0 for as many as are needed"));
  if (options->draft != 21 && options->draft != 17)
    return std::unexpected(of_options("paths: draft takes 21, or 17 for servers of drafts 14 to 17"));
  if (options->draft == 17) config.path_code_points = quic::PathCodePoints::kDraft17;
  const auto scheduler = quic::check_path_scheduler(options->scheduler);
  if (!scheduler) return std::unexpected(of_options(scheduler.error().message));
  config.path_scheduler = options->use == PathUse::kRedundant ? "redundant" : options->scheduler;
  // Room for one that is being given up beside those that are wanted.
  config.max_paths = most != 0 ? most
                     : inner.interfaces.empty()
                         ? quic::kMaxPaths
                         : std::clamp<std::uint64_t>(inner.interfaces.size() + 1, 2, quic::kMaxPaths);
  return inner;
}

struct Paths::Seen {
  struct Count {
    std::uint64_t sent = 0;
    std::uint64_t received = 0;
  };
  Timestamp at{};
  std::map<std::uint64_t, Count> paths;
};

Paths::Paths(std::unique_ptr<runtime::PathControl> control)
    : control_(std::move(control)), seen_(std::make_unique<Seen>()) {}
Paths::~Paths() = default;

std::vector<PathInfo> Paths::list() {
  const auto paths = control_->paths();
  std::vector<PathInfo> all;
  if (!paths) return all;
  const Timestamp now = runtime::current_time();
  const double seconds = to_seconds(now - seen_->at);
  const auto rate = [seconds](std::uint64_t after, std::uint64_t before) {
    return seconds > 0 && after > before ? 8 * static_cast<double>(after - before) / seconds : 0;
  };
  Seen seen{.at = now, .paths = {}};
  for (const runtime::PathControl::Path& path : *paths) {
    const quic::PathInfo& info = path.info;
    const auto before = seen_->paths.find(info.id.value);
    const bool known = before != seen_->paths.end();
    all.push_back({.id = info.id.value,
                   .state = static_cast<PathState>(info.state),
                   .backup = info.status == quic::PathStatus::kBackup,
                   .interface = path.interface,
                   .local_address = to_string(info.tuple.local),
                   .remote_address = to_string(info.tuple.remote),
                   .smoothed_rtt_us = whole_us(info.smoothed_rtt),
                   .min_rtt_us = whole_us(info.min_rtt),
                   .congestion_window = info.congestion_window,
                   .octets_in_flight = info.bytes_in_flight,
                   .octets_sent = info.bytes_sent,
                   .octets_received = info.bytes_received,
                   .packets_lost = info.packets_lost,
                   .sent_bps = known ? rate(info.bytes_sent, before->second.sent) : 0,
                   .received_bps = known ? rate(info.bytes_received, before->second.received) : 0});
    seen.paths[info.id.value] = {.sent = info.bytes_sent, .received = info.bytes_received};
  }
  *seen_ = std::move(seen);
  return all;
}

std::expected<void, Error> Paths::use(const PathInterface& interface) {
  HAWSER_TRY(auto inner, translated(interface));
  return as_public(control_->use(std::move(inner)));
}

std::expected<void, Error> Paths::drop(const std::string& interface) {
  return as_public(control_->drop(interface));
}

std::expected<void, Error> Paths::set_scheduler(const std::string& name) {
  return as_public(control_->set_scheduler(name));
}

std::expected<void, Error> Paths::set_datagram_scheduler(std::uint64_t flow, const std::string& name) {
  return as_public(control_->set_datagram_scheduler(flow, name));
}

std::expected<void, Error> Paths::set_congestion_control(const std::string& name) {
  return as_public(control_->set_congestion_control(name));
}

std::string Paths::congestion_control() {
  return control_->congestion_control().value_or(std::string());
}

std::string Paths::scheduler() {
  return control_->scheduler().value_or(std::string());
}

std::string Paths::scheduler_failure() {
  return control_->scheduler_failure().value_or(std::string());
}

}  // namespace hawser
