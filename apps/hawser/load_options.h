// load_options.h: what the options of `hawser load` say, after they have been checked.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "http/url.h"
#include "http3/encoded_head.h"
#include "perf_options.h"

namespace hawser::load {

// As the command line has them.
struct LoadArguments {
  std::vector<std::string> urls;
  std::string uri_file;        // -i
  std::uint64_t requests = 0;  // -n; 0: not given
  std::size_t connections = 1;
  std::size_t streams = 1;                    // -m
  std::uint64_t requests_per_connection = 0;  // 0: as many as there are
  bool early_data = false;
  std::string duration;        // -D
  std::string warm_up = "0";   // --warm-up-time
  double rate = 0;             // --rate; 0: not given
  double rate_per_client = 0;  // --rps
  std::string method;          // -X
  std::vector<std::string> headers;
  std::string data_file;   // -d
  std::string connect_to;  // HOST[:PORT]
  bool insecure = false;
  std::string ca_file;
  std::string timeout = "10s";
  std::size_t header_table_size = 4'096;
  perf::CommonOptions common;  // threads, CPUs, spin, congestion control, JSON
};

struct LoadOptions {
  LoadArguments arguments;
  http::Url origin;                       // of all URLs
  std::vector<http3::EncodedHead> heads;  // one for each URL, sent in turns
  std::vector<std::uint8_t> body;         // of every request; empty: none
  std::string connect_host;
  std::uint16_t connect_port = 0;
  std::uint64_t requests = 0;  // in all; 0: as many as the duration allows
  Duration duration{0};        // 0: until all requests are done
  Duration warm_up{0};
  Duration timeout{0};
  double rate = 0;  // requests a second in all, open loop; 0: closed loop
};

// Requests in all without -n and -D, as h2load has it.
inline constexpr std::uint64_t kDefaultRequests = 1;
// Requests under way at most; each costs a slot of 64 octets and a stream.
inline constexpr std::size_t kUnderWayMax = 1'000'000;

// Reads "10", "10s", "500ms", "2m", "1h"; the unit is seconds unless given.
std::expected<Duration, ConfigError> parse_duration(std::string_view text);

// Reads and checks; files are read here. The error says what to write instead.
std::expected<LoadOptions, ConfigError> read_load_options(LoadArguments arguments);

}  // namespace hawser::load
