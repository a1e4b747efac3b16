// metrics_option.h: --metrics: counters of a server, for collectors such as Prometheus.
#pragma once

#include <expected>
#include <memory>
#include <string>

#include "base/result.h"
#include "runtime/http_server.h"
#include "runtime/metrics_listener.h"
#include "runtime/runtime.h"

namespace CLI {
class App;
}

namespace hawser::app {

// Adds the option; `address` outlives the parsing.
void add_metrics_option(CLI::App& command, std::string& address);

// Answers collectors from now on.
class ServerMetrics final : public runtime::MetricsListener::Source {
 public:
  // Nothing where `address` is empty. Server and runtime outlive it.
  static std::expected<std::unique_ptr<ServerMetrics>, ConfigError> start(const std::string& address,
                                                                          runtime::HttpServer& server,
                                                                          runtime::Runtime& runtime);
  [[nodiscard]] const SocketAddress& local_address() const { return listener_->local_address(); }
  std::string metrics_text() override;

 private:
  // Each worker walks all of its connections for it, and serves nobody meanwhile: so it is taken once in this time,
  // however often collectors ask.
  static constexpr Duration kFresh = 1s;

  ServerMetrics(runtime::HttpServer& server, runtime::Runtime& runtime) : server_(server), runtime_(runtime) {}

  runtime::HttpServer& server_;
  runtime::Runtime& runtime_;
  std::string text_;  // of the listener's thread
  Timestamp taken_at_{};
  std::unique_ptr<runtime::MetricsListener> listener_;  // first to go
};

}  // namespace hawser::app
