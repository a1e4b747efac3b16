// get_options.h: what the options of `hawser get` say, after they have been checked.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/address.h"
#include "base/result.h"
#include "careful_resume_option.h"
#include "engine_options.h"
#include "extension_options.h"
#include "http/message.h"
#include "http/url.h"
#include "migration_options.h"
#include "path_options.h"
#include "quic/crypto/secret.h"
#include "runtime/qlog_log.h"
#include "version_option.h"

namespace hawser::app {

// Exit codes, those of curl where it has one.
enum GetExit : int {
  kGetOk = 0,
  kGetProtocol = 1,  // a scheme that is not https
  kGetUsage = 2,
  kGetUrl = 3,
  kGetResolve = 6,
  kGetConnect = 7,
  kGetPartial = 18,    // fewer octets than promised
  kGetHttpError = 22,  // -f and a status of 400 or above
  kGetWrite = 23,
  kGetRead = 26,  // a file named by -d @FILE
  kGetTimeout = 28,
  kGetRange = 33,  // the server cannot resume
  kGetTls = 35,
  kGetRedirects = 47,
  kGetSend = 55,
  kGetReceive = 56,
  kGetCertificate = 60,
  kGetHttp3 = 95,  // the response broke the rules of HTTP/3
};

// --resolve HOST:PORT:ADDR[,ADDR...]
struct PinnedName {
  std::string host;
  std::uint16_t port = 0;
  std::vector<SocketAddress> addresses;
};

// As the command line has them.
struct GetArguments {
  std::vector<std::string> urls;
  std::vector<std::string> outputs;  // -o, in the order of the URLs
  bool remote_names = false;         // -O
  std::string output_folder;
  std::string continue_at;           // -C: "-" or a number
  bool head = false;                 // -I
  bool include_head = false;         // -i
  std::string method;                // -X
  std::vector<std::string> headers;  // -H
  std::vector<std::string> data;     // -d
  std::vector<std::string> binary;   // --data-binary
  std::string range;                 // -r
  std::string user_agent = "hawser/0.1.0";
  bool location = false;
  std::size_t redirects_max = 50;
  bool fail = false;
  bool insecure = false;
  std::string ca_file;
  std::string certificate;
  std::string key;
  std::string tls_cipher;
  std::vector<std::string> pinned;  // --resolve
  bool ipv4 = false;
  bool ipv6 = false;
  double connect_timeout_s = 0;
  double time_max_s = 0;
  std::string write_out;
  bool verbose = false;
  bool silent = false;
  bool show_error = false;
  bool progress_bar = false;
  runtime::QlogSettings qlog;
  std::string congestion_control = "cubic";
  VersionArguments versions;
  ExtensionArguments extensions;
  std::uint64_t key_update_packets = 0;  // 0: only when the AEAD asks for it
  bool hq = false;
  std::string session_file;
  bool early_data = false;
  CarefulResumeArguments careful_resume;
  EngineArguments engine;
  MigrationArguments migration;
  PathArguments paths;
};

// One URL and where its body goes.
struct GetTarget {
  http::Url url;
  std::string output;  // "-": standard output
};

struct GetOptions {
  GetArguments arguments;  // for what needs no reading
  std::vector<GetTarget> targets;
  std::string method;
  http::OwnedFields fields;
  std::optional<std::vector<std::uint8_t>> body;
  std::vector<PinnedName> pinned;
  std::vector<quic::CipherSuite> cipher_suites;
  bool resume_from_file = false;               // -C -
  std::optional<std::uint64_t> resume_offset;  // -C N
};

struct GetError {
  int exit_code = kGetUsage;
  std::string message;
};

// Reads and checks; -d @FILE is read here.
std::expected<GetOptions, GetError> read_get_options(GetArguments arguments);

// "Name: value" as lower-case name and value; "Name;" has an empty value and "Name:" none at
// all (it removes a field that would be sent otherwise).
std::expected<std::pair<std::string, std::optional<std::string>>, ConfigError> parse_header(std::string_view text);
std::expected<PinnedName, ConfigError> parse_pinned_name(std::string_view text);

}  // namespace hawser::app
