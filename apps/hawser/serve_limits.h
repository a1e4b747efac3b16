// serve_limits.h: the options of `hawser serve` against floods of new clients, and what came of them.
#pragma once

#include <CLI/CLI.hpp>
#include <cstddef>
#include <string>

#include "runtime/http_server.h"

namespace hawser::app {

struct LimitArguments {
  std::string retry = "auto";
  std::size_t handshakes_max = runtime::HttpServerOptions{}.handshakes_max;
  quic::AdmissionLimits admission;
  std::size_t body_memory_max = http::StaticFilesOptions{}.body_memory_max;
  std::size_t stream_memory_max = runtime::HttpServerOptions{}.stream_memory_max;
  double stall_timeout_s = to_seconds(http::ServerOptions{}.stall_timeout);
};

void add_limit_options(CLI::App& command, LimitArguments& limits);
void apply_limits(const LimitArguments& limits, runtime::HttpServerOptions& server);

// Lets the process open as many files as the system permits it, and says how many of them responses of one worker may
// be read from: half, so that some are left for sockets and for files that are small.
std::size_t open_files_for(std::size_t workers);

// Lines on clients that were turned away; empty if none was.
std::string describe_defence(const quic::EndpointStats& stats, const http::ServerStats& http);

}  // namespace hawser::app
