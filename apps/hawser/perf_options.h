// perf_options.h: what the options of `hawser perf` say, and how they are read.
#pragma once

#include <CLI/CLI.hpp>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <vector>

#include "base/result.h"
#include "careful_resume_option.h"
#include "engine_options.h"
#include "extension_options.h"
#include "migration_options.h"
#include "net/steering.h"
#include "path_options.h"
#include "quic/connection/config.h"
#include "quic/tls/tls_context.h"
#include "runtime/qlog_log.h"
#include "runtime/runtime.h"
#include "version_option.h"

namespace hawser::perf {

// Options of both sides.
struct CommonOptions {
  std::string address;      // "127.0.0.1:4433"; the client takes names too
  std::size_t workers = 1;  // threads; 0: one per CPU
  bool pin = false;
  std::vector<int> cpus;  // where the threads stay; empty: anywhere, or as `pin` says
  net::SteeringMethod steering = net::SteeringMethod::kAuto;  // servers'
  app::EngineArguments engine;
  std::string congestion_control = "cubic";
  app::VersionArguments versions;
  app::ExtensionArguments extensions;
  app::CarefulResumeArguments careful_resume;
  std::string crypto = "auto";  // who does AES-GCM
  std::size_t max_udp_payload = 1'452;
  bool json = false;
  runtime::QlogSettings qlog;
};

struct ServerOptions {
  CommonOptions common;
  std::string certificate;  // PEM files; both empty: a certificate is minted in memory
  std::string key;
  app::ServerPathArguments paths;
  bool early_data = false;  // answer requests in 0-RTT
};

// What a run of the client measures.
enum class Mode : std::uint8_t { kDownload, kUpload, kRequests, kLatency, kHandshakes, kDatagrams };

// Of kDatagrams.
struct DatagramOptions {
  std::uint64_t count = 0;     // in all; 0: as many as the duration allows
  std::uint64_t size = 1'000;  // octets of each
  bool one_way = false;        // the server counts them and sends none back
  double lifetime_ms = 0;      // in the sender's queue; 0: as long as it takes
  std::size_t queue_max = 0;   // that wait there; 0: as many as the transport lets
  bool drop_newest = false;    // of a full queue, not the oldest
  double in_order_ms = 0;      // those that come back wait so long for those before them; 0: not at all
};

struct ClientOptions {
  CommonOptions common;
  bool insecure = false;  // any certificate will do
  std::string ca_file;

  Mode mode = Mode::kDownload;
  std::uint64_t octets = 0;    // download and upload: in all; 0: as many as the duration allows
  std::uint64_t requests = 0;  // in all; 0: as many as the duration allows
  std::uint64_t request_size = 0;
  std::uint64_t response_size = 0;
  // kLatency: exchanges a second on each connection, one at a time; kDatagrams: datagrams, 0: as fast as they go.
  double rate = 1'000;
  DatagramOptions datagrams;
  double duration_s = 0;        // 0: until everything asked for is done
  std::size_t streams = 1;      // at a time, on each connection
  std::size_t connections = 1;  // at a time

  std::string groups{quic::kDefaultGroups};  // of the key exchange; the first comes with a key share
  bool resume = false;                       // handshakes: each with the ticket of the one before
  bool early_data = false;                   // and its request in 0-RTT
  std::string session_file;                  // what the first connection keeps for the next run; empty: nothing
  // Handshakes with a server that speaks another protocol: no request is made of it, and it
  // gives no account of itself. Empty: hawser perf server.
  std::string alpn;
  app::MigrationArguments migration;
  app::PathArguments paths;
  bool paths_alone = false;  // measure each of them by itself first
  bool live = false;         // the lines of each second also where there is no terminal
};

// Reads "1500", "64k", "10MB", "2GiB"; k, M and G are powers of 1024, with b or ib behind them or not.
std::expected<std::uint64_t, ConfigError> parse_size(const std::string& text);

void add_common_options(CLI::App& command, CommonOptions& options);
// Adds an option whose text parse_size() reads.
CLI::Option* add_size_option(CLI::App& command, const std::string& name, std::uint64_t& value, const std::string& help);

// The transport settings that the options ask for: the buffers are wide enough that one
// connection can fill a machine's loopback interface.
quic::ConnectionConfig connection_config(const CommonOptions& options);

// Keeps the process on options.cpus and starts its workers. The error says which option to change.
std::expected<std::unique_ptr<runtime::Runtime>, ConfigError> start_runtime(const CommonOptions& options,
                                                                            Duration drain);

// CPU time of this process, user and system.
struct CpuTime {
  Duration user{0};
  Duration system{0};
  [[nodiscard]] Duration total() const { return user + system; }
  CpuTime operator-(const CpuTime& o) const { return {user - o.user, system - o.system}; }
};
CpuTime process_cpu_time();

}  // namespace hawser::perf
