// programs.h: what scenarios share: options, a scratch folder with a certificate and files, and the
// programs that are run, each on its CPU.
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "../support/process.h"
#include "../support/scratch.h"

namespace hawser::compare {

inline constexpr double kStartSeconds = 10;      // for a server to say that it listens, or to end
inline constexpr double kTransferSeconds = 300;  // for a client to come to its end

struct Options {
  std::size_t runs = 5;
  bool quick = false;           // a look, not a measurement: short, and once
  std::vector<int> cpus{0, 1};  // of the server and of the client
  std::string hawser = "build/release/apps/hawser";
  std::string bench = "build/release/bench";  // the folder with this project's other programs
  std::string ngtcp2_server = bench::find_program("gtlsserver");
  std::string ngtcp2_client = bench::find_program("gtlsclient");
  std::string nginx = bench::find_program("nginx");
  std::string curl = bench::find_program("curl");
  std::string wrk = bench::find_program("wrk");
  std::string openssl = bench::find_program("openssl");

  [[nodiscard]] std::uint64_t transfer_octets() const { return (quick ? std::uint64_t{64} : 1'024) << 20; }
  [[nodiscard]] double seconds() const { return quick ? 0.5 : 2; }  // of a run that ends by time
};

// One run of the program: its options, and a folder with certificate, key, "bulk" (as long as a
// transfer) and "1k".
class Session {
 public:
  explicit Session(const Options& options);

  [[nodiscard]] const Options& options() const { return options_; }
  [[nodiscard]] const std::string& folder() const { return scratch_.folder(); }
  [[nodiscard]] std::string certificate() const { return folder() + "/certificate.pem"; }
  [[nodiscard]] std::string key() const { return folder() + "/key.pem"; }
  [[nodiscard]] std::vector<int> server_cpu() const { return {options_.cpus[0]}; }
  [[nodiscard]] std::vector<int> client_cpu() const { return {options_.cpus[1]}; }

  // What to install or to build where one of `programs` is not there; "" if all are.
  [[nodiscard]] static std::string missing(const std::vector<std::string>& programs, const std::string& remedy);

 private:
  Options options_;
  bench::Scratch scratch_;
};

// A server that is ready, on some port of 127.0.0.1.
struct Server {
  std::unique_ptr<bench::Process> process;
  std::string address;  // "127.0.0.1:4433"

  [[nodiscard]] std::string port() const { return address.substr(address.rfind(':') + 1); }
};

using Arguments = std::vector<std::string>;
// The error is a line about what it said or did not say.
using Started = std::expected<Server, std::string>;

Started start_perf_server(const Session& session, const std::vector<int>& cpus, const Arguments& more = {});
Started start_serve(const Session& session, const std::vector<int>& cpus, const Arguments& more = {});
Started start_ngtcp2(const Session& session, const Arguments& more = {});
// One process, TLS 1.3 with AES-128-GCM, the session's folder.
Started start_nginx(const Session& session);

// Runs a client to its end. The error is a line of what it said.
std::expected<bench::Finished, std::string> run_client(const Session& session, const std::vector<int>& cpus,
                                                       Arguments command);
// `hawser perf client ADDRESS -k --json MORE...`
std::expected<bench::Finished, std::string> run_perf_client(const Session& session, const Server& server,
                                                            const Arguments& more);

// The number behind "key": in flat JSON, from the place of `section` on.
std::optional<double> json_number(const std::string& text, const std::string& key, const std::string& section = "");
// The same; NaN if there is none.
double json_value(const std::string& text, const std::string& key, const std::string& section = "");

}  // namespace hawser::compare
