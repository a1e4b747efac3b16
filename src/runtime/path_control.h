// path_control.h: the paths of one client's connection, asked and changed from threads that are not the worker's.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "quic/connection/connection.h"
#include "runtime/path_plan.h"
#include "runtime/worker.h"

namespace hawser::runtime {

class EndpointProtocol;
class PathManager;

// Who has the connection; asked on the worker's thread.
class ConnectionOwner {
 public:
  virtual ~ConnectionOwner() = default;
  // Null before it came about and after its end.
  [[nodiscard]] virtual quic::Connection* current_connection() = 0;
};

class PathControl {
 public:
  struct Path {
    quic::PathInfo info;
    std::string interface;  // empty: not known
  };

  // All of them are the worker's, and live until their client is ended (HttpClients::end, ~DatagramChannel) or the
  // worker is: not to be used after that. `manager` is null where one path was asked for.
  PathControl(Worker& worker, EndpointProtocol& endpoint, PathManager* manager, ConnectionOwner& owner)
      : worker_(worker), endpoint_(endpoint), manager_(manager), owner_(owner) {}

  // Nothing: there is no connection.
  std::optional<std::vector<Path>> paths();
  std::expected<void, ConfigError> use(PathInterface interface);
  std::expected<void, ConfigError> drop(std::string_view interface);
  // The outer value is missing where there is no connection.
  std::optional<std::expected<void, ConfigError>> set_scheduler(std::string_view name);
  std::optional<std::expected<void, ConfigError>> set_datagram_scheduler(std::uint64_t flow, std::string_view name);
  std::optional<std::expected<void, ConfigError>> set_congestion_control(std::string_view name);
  std::optional<std::string> congestion_control();
  std::optional<std::string> scheduler();
  std::optional<std::string> scheduler_failure();

 private:
  template <class Result, class Ask>
  std::optional<Result> ask(Ask ask);

  Worker& worker_;
  EndpointProtocol& endpoint_;
  PathManager* manager_;
  ConnectionOwner& owner_;
};

}  // namespace hawser::runtime
