// server_memory.cc: what `hawser serve` keeps resident for each of many idle connections, and
// whether it gives the memory back. Method: the program itself is the server, its clients live in
// this process on one socket; /proc/PID/smaps_rollup is read while nothing moves, then again
// after each of several rounds of closing everything and opening it anew.
//   server_memory --connections 100000 --cycles 10
#include <fmt/format.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <semaphore>
#include <string>
#include <vector>

#include "../support/process.h"
#include "base/check.h"
#include "http3/session.h"
#include "net/address.h"
#include "quic/tls/dev_certificate.h"
#include "quic/tls/tls_context.h"
#include "runtime/endpoint_protocol.h"
#include "runtime/runtime.h"

namespace hawser::bench {
namespace {

constexpr double kStartTimeout = 10;

struct Options {
  std::size_t connections = 10'000;
  std::size_t cycles = 3;
  std::size_t at_once = 200;  // handshakes under way
  double rest_s = 5;          // from the last handshake, or the last close, to the reading
  std::string hawser = "build/release/apps/hawser";
  std::vector<int> cpus{0, 1};  // of the server and of the clients
  std::string json_file;
};

// Octets of a process that are resident and its own: no file of the disk is behind them.
std::uint64_t anonymous_octets(pid_t pid) {
  std::ifstream in(fmt::format("/proc/{}/smaps_rollup", pid));
  for (std::string word; in >> word;) {
    std::uint64_t kib = 0;
    if (word == "Anonymous:" && in >> kib) return kib * 1'024;
  }
  return 0;
}

// The clients of one worker. All methods on its thread.
class Herd {
 public:
  explicit Herd(runtime::EndpointProtocol& protocol, const SocketAddress& server, const Options& options)
      : protocol_(protocol), server_(server), options_(options) {
    tls_.emplace(quic::TlsClientContext::create({.common = {.alpn = {std::string(http3::kAlpn)}}, .verify_peer = false})
                     .value());
  }

  void open(std::size_t count, std::binary_semaphore& done) {
    done_ = &done;
    wanted_ = count;
    settled_ = failed_ = 0;
    clients_.clear();
    clients_.reserve(count);
    while (clients_.size() < std::min(wanted_, options_.at_once)) open_one();
  }
  // Closes up to `count` connections from number `first` on; false: there are none behind them.
  bool close(std::size_t first, std::size_t count) {
    wanted_ = 0;
    const std::size_t end = std::min(clients_.size(), first + count);
    for (std::size_t i = first; i < end; ++i) {
      if (clients_[i]->connection == nullptr) continue;
      clients_[i]->session.close();
      protocol_.endpoint().wake(*clients_[i]->connection);
    }
    return end < clients_.size();
  }
  [[nodiscard]] std::size_t failed() const { return failed_; }

 private:
  struct Client final : http3::SessionHandler {
    explicit Client(Herd& herd) : herd(herd) {}
    Herd& herd;
    http3::Session session{quic::Role::kClient, http3::SessionConfig{}, *this};
    quic::Connection* connection = nullptr;

    void on_settings(http3::Session&, const http3::Settings&) override { herd.on_settled(true); }
    void on_closed(http3::Session&, const quic::CloseReason&) override {
      connection = nullptr;
      if (herd.wanted_ != 0) herd.on_settled(false);
    }
  };

  void open_one() {
    clients_.push_back(std::make_unique<Client>(*this));
    Client& client = *clients_.back();
    client.connection = protocol_
                            .connect({.tuple = {.local = {}, .remote = server_},
                                      .server_name = "localhost",
                                      .tls = &*tls_,
                                      .connection = {.idle_timeout = 1h}},
                                     client.session)
                            .value();
    client.session.attach(*client.connection);
  }
  void on_settled(bool good) {
    ++settled_;
    failed_ += good ? 0 : 1;
    if (clients_.size() < wanted_) open_one();
    if (settled_ == wanted_) done_->release();
  }

  runtime::EndpointProtocol& protocol_;
  SocketAddress server_;
  const Options& options_;
  std::optional<quic::TlsClientContext> tls_;
  std::vector<std::unique_ptr<Client>> clients_;
  std::binary_semaphore* done_ = nullptr;
  std::size_t wanted_ = 0;
  std::size_t settled_ = 0;
  std::size_t failed_ = 0;
};

// A folder with a certificate and nothing to serve; gone when it goes.
class Scratch {
 public:
  Scratch() {
    std::string pattern = (std::filesystem::temp_directory_path() / "hawser-memory-XXXXXX").string();
    HAWSER_CHECK(::mkdtemp(pattern.data()) != nullptr);
    folder = pattern;
    const auto minted = quic::mint_dev_certificate({.not_before_s = ::time(nullptr) - 3'600});
    HAWSER_CHECK(minted.has_value());
    std::ofstream(folder + "/certificate.pem") << minted->certificate_pem;
    std::ofstream(folder + "/key.pem") << minted->key_pem;
  }
  ~Scratch() {
    std::error_code ignored;
    std::filesystem::remove_all(folder, ignored);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  std::string folder;
};

struct Reading {
  std::uint64_t open_octets = 0;    // of the server with all connections open
  std::uint64_t closed_octets = 0;  // after all have gone
  std::uint64_t client_octets = 0;  // of this process, with all connections open
  double seconds = 0;               // to open them
};

void sleep_for(double seconds) {
  ::usleep(static_cast<useconds_t>(seconds * 1e6));
}

double per_connection(std::uint64_t octets, std::uint64_t base, std::size_t connections) {
  return (static_cast<double>(octets) - static_cast<double>(base)) / static_cast<double>(connections);
}

// A few at a time, so that no CONNECTION_CLOSE is lost in a full socket: nobody repeats it.
void close_all(runtime::Worker& worker, Herd& herd) {
  constexpr std::size_t kClosedAtOnce = 50;
  constexpr double kPause = 0.002;
  for (std::size_t first = 0;; first += kClosedAtOnce) {
    if (!worker.call([&](runtime::Worker&) { return herd.close(first, kClosedAtOnce); }).value_or(false)) return;
    sleep_for(kPause);
  }
}

struct Result {
  std::uint64_t server_base = 0;  // before the first connection
  std::uint64_t client_base = 0;
  std::vector<Reading> readings;
};

int run(const Options& options, Result& result) {
  const Scratch scratch;
  Process server(
      {options.hawser, "serve", "127.0.0.1:0", "--root", scratch.folder, "--cert", scratch.folder + "/certificate.pem",
       "--key", scratch.folder + "/key.pem", "--access-log", "off", "--idle-timeout", "3600"},
      {.cpus = {options.cpus[0]}});
  const std::string line = server.read_line(kStartTimeout);
  const std::size_t colon = line.find("127.0.0.1:");
  if (colon == std::string::npos) {
    fmt::print(stderr, "server_memory: {} did not start; build it, or name it with --hawser\n", options.hawser);
    return 1;
  }
  const SocketAddress address = net::parse_address(line.substr(colon, line.find('/', colon) - colon)).value();
  auto runtime = runtime::Runtime::create({}).value();
  runtime::Worker& worker = runtime->worker(0);
  std::unique_ptr<Herd> herd;
  worker.call([&](runtime::Worker& w) {
    auto& protocol = static_cast<runtime::EndpointProtocol&>(
        w.attach(std::make_unique<runtime::EndpointProtocol>(w, quic::EndpointConfig{})));
    herd = std::make_unique<Herd>(protocol, address, options);
    return true;
  });
  result.server_base = anonymous_octets(server.pid());
  result.client_base = anonymous_octets(::getpid());
  for (std::size_t cycle = 0; cycle < options.cycles; ++cycle) {
    std::binary_semaphore done{0};
    Reading reading;
    const double begin = monotonic_seconds();
    worker.post([&](runtime::Worker&) { herd->open(options.connections, done); });
    done.acquire();
    reading.seconds = monotonic_seconds() - begin;
    sleep_for(options.rest_s);
    reading.open_octets = anonymous_octets(server.pid());
    reading.client_octets = anonymous_octets(::getpid());
    const std::size_t failed = worker.call([&](runtime::Worker&) { return herd->failed(); }).value();
    if (failed != 0) {
      fmt::print(stderr, "server_memory: {} of {} connections failed\n", failed, options.connections);
      return 1;
    }
    close_all(worker, *herd);
    sleep_for(options.rest_s);
    reading.closed_octets = anonymous_octets(server.pid());
    result.readings.push_back(reading);
    fmt::print(
        "cycle {:2}: open {:8.1f} MB, {:6.0f} per connection; closed {:8.1f} MB; client {:6.0f} per connection; {:.1f} "
        "s\n",
        cycle + 1, static_cast<double>(reading.open_octets) / 1e6,
        per_connection(reading.open_octets, 0, options.connections), static_cast<double>(reading.closed_octets) / 1e6,
        per_connection(reading.client_octets, result.client_base, options.connections), reading.seconds);
    std::fflush(stdout);
  }
  worker.call([&](runtime::Worker&) {
    herd.reset();
    return true;
  });
  runtime->stop();
  runtime->join();
  (void)server.finish(kStartTimeout, true);
  return 0;
}

void write_json(const Options& options, const Result& result) {
  std::ofstream out(options.json_file);
  out << fmt::format("{{\"connections\": {}, \"server_base_bytes\": {}, \"cycles\": [", options.connections,
                     result.server_base);
  for (std::size_t i = 0; i < result.readings.size(); ++i) {
    const Reading& reading = result.readings[i];
    out << fmt::format("{}{{\"open_bytes\": {}, \"closed_bytes\": {}, \"bytes_per_connection\": {:.0f}}}",
                       i == 0 ? "" : ", ", reading.open_octets, reading.closed_octets,
                       per_connection(reading.open_octets, 0, options.connections));
  }
  out << "]}\n";
}

}  // namespace
}  // namespace hawser::bench

int main(int argc, char** argv) {
  hawser::bench::Options options;
  CLI::App app("What `hawser serve` keeps in memory for each idle connection");
  app.add_option("-n,--connections", options.connections, "Connections open at a time")->capture_default_str();
  app.add_option("--cycles", options.cycles, "Times that all are opened and closed")->capture_default_str();
  app.add_option("--at-once", options.at_once, "Handshakes under way")->capture_default_str();
  app.add_option("--rest", options.rest_s, "Seconds of silence before memory is read")->capture_default_str();
  app.add_option("--hawser", options.hawser, "The program that serves")->capture_default_str();
  app.add_option("--cpus", options.cpus, "CPUs of the server and of the clients")->delimiter(',')->expected(2);
  app.add_option("--json", options.json_file, "Write the figures here too")->type_name("FILE");
  CLI11_PARSE(app, argc, argv);
  hawser::bench::Result result;
  const int code = hawser::bench::run(options, result);
  if (code == 0 && !options.json_file.empty()) hawser::bench::write_json(options, result);
  return code;
}
