// path_control.cc: each call is a task of the worker's, which this thread waits for.
#include "runtime/path_control.h"

#include "runtime/clock.h"
#include "runtime/endpoint_protocol.h"
#include "runtime/path_manager.h"

namespace hawser::runtime {
namespace {

std::unexpected<ConfigError> no_paths() {
  return std::unexpected(ConfigError{"this client was made for one path: give it PathOptions"});
}
std::unexpected<ConfigError> no_worker() {
  return std::unexpected(ConfigError{"the worker has ended"});
}

}  // namespace

// What a connection answers that is there, with whatever it has to send from then on.
template <class Result, class Ask>
std::optional<Result> PathControl::ask(Ask ask) {
  const auto answer = worker_.call([&](Worker&) -> std::optional<Result> {
    quic::Connection* const connection = owner_.current_connection();
    if (connection == nullptr || connection->closed()) return std::nullopt;
    Result result = ask(*connection);
    endpoint_.endpoint().wake(*connection);
    return result;
  });
  return answer ? *answer : std::nullopt;
}

std::optional<std::vector<PathControl::Path>> PathControl::paths() {
  return ask<std::vector<Path>>([this](quic::Connection& connection) {
    std::vector<Path> all;
    for (const quic::PathInfo& info : connection.paths())
      all.push_back(
          {.info = info, .interface = manager_ == nullptr ? std::string() : manager_->interface_of(info.tuple.local)});
    return all;
  });
}

std::expected<void, ConfigError> PathControl::use(PathInterface interface) {
  if (manager_ == nullptr) return no_paths();
  const auto answer = worker_.call([&](Worker&) { return manager_->use(std::move(interface), current_time()); });
  if (!answer) return no_worker();
  return *answer;
}

std::expected<void, ConfigError> PathControl::drop(std::string_view interface) {
  if (manager_ == nullptr) return no_paths();
  const auto answer = worker_.call([&](Worker&) { return manager_->drop(interface, current_time()); });
  if (!answer) return no_worker();
  return *answer;
}

std::optional<std::expected<void, ConfigError>> PathControl::set_scheduler(std::string_view name) {
  return ask<std::expected<void, ConfigError>>(
      [name](quic::Connection& connection) { return connection.set_path_scheduler(name); });
}

std::optional<std::expected<void, ConfigError>> PathControl::set_datagram_scheduler(std::uint64_t flow,
                                                                                    std::string_view name) {
  return ask<std::expected<void, ConfigError>>(
      [flow, name](quic::Connection& connection) { return connection.set_datagram_scheduler(flow, name); });
}

std::optional<std::expected<void, ConfigError>> PathControl::set_congestion_control(std::string_view name) {
  return ask<std::expected<void, ConfigError>>(
      [name](quic::Connection& connection) { return connection.set_congestion_control(name); });
}

std::optional<std::string> PathControl::congestion_control() {
  return ask<std::string>([](quic::Connection& connection) { return std::string(connection.congestion_control()); });
}

std::optional<std::string> PathControl::scheduler() {
  return ask<std::string>([](quic::Connection& connection) { return std::string(connection.path_scheduler()); });
}

std::optional<std::string> PathControl::scheduler_failure() {
  return ask<std::string>(
      [](quic::Connection& connection) { return std::string(connection.path_scheduler_failure()); });
}

}  // namespace hawser::runtime
