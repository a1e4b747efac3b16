// metrics_text.h: what a server counts, in the text format that Prometheus and OpenMetrics collectors read. The number
// of samples is fixed: nothing is labelled by connection, peer or Path ID.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "http/server.h"
#include "quic/connection/path_totals.h"
#include "quic/endpoint/endpoint.h"

namespace hawser::runtime {

// Families of samples, one after the other.
class MetricsText {
 public:
  enum class Kind : std::uint8_t { kCounter, kGauge };

  // Begins a family. `name` begins with hawser_, of a counter it ends with _total; `help` is a line.
  void family(std::string_view name, Kind kind, std::string_view help);
  // Of the family begun last. `labels`: `state="active"`, or empty.
  void sample(std::string_view labels, double value);
  // A family of one sample.
  void counter(std::string_view name, std::string_view help, std::uint64_t value);
  void gauge(std::string_view name, std::string_view help, double value);

  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  std::string text_;
  std::string name_;
};

// What the workers say, asked one after the other.
struct ServerSnapshot {
  quic::EndpointStats endpoint;
  http::ServerStats http;
  quic::PathTotals paths;
  std::uint64_t kernel_drops = 0;
  double cpu_seconds = 0;
};
std::string to_metrics_text(const ServerSnapshot& snapshot);

}  // namespace hawser::runtime
