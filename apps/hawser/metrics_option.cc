// metrics_option.cc: a moment of the server, taken for whoever asks.
#include "metrics_option.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "net/address.h"
#include "runtime/clock.h"
#include "runtime/metrics_text.h"

namespace hawser::app {

void add_metrics_option(CLI::App& command, std::string& address) {
  command
      .add_option("--metrics", address,
                  "Answer GET /metrics there over HTTP/1.1, in the text format of Prometheus; keep it on an address "
                  "that only collectors reach")
      ->type_name("ADDR:PORT");
}

std::expected<std::unique_ptr<ServerMetrics>, ConfigError> ServerMetrics::start(const std::string& address,
                                                                                runtime::HttpServer& server,
                                                                                runtime::Runtime& runtime) {
  if (address.empty()) return nullptr;
  auto local = net::parse_address(address);
  if (!local) return std::unexpected(ConfigError{fmt::format("--metrics {}: {}", address, local.error().message)});
  std::unique_ptr<ServerMetrics> metrics{new ServerMetrics(server, runtime)};
  auto listener = runtime::MetricsListener::start(*local, *metrics);
  if (!listener) return std::unexpected(ConfigError{"--" + listener.error().message});
  metrics->listener_ = std::move(*listener);
  return metrics;
}

std::string ServerMetrics::metrics_text() {
  const Timestamp now = runtime::current_time();
  if (!text_.empty() && now - taken_at_ < kFresh) return text_;
  taken_at_ = now;
  const runtime::WorkerStats workers = runtime_.stats();
  text_ = runtime::to_metrics_text({.endpoint = server_.stats(),
                                    .http = server_.http_stats(),
                                    .paths = server_.path_totals(),
                                    .kernel_drops = workers.kernel_drops,
                                    .cpu_seconds = to_seconds(workers.cpu_time)});
  return text_;
}

}  // namespace hawser::app
