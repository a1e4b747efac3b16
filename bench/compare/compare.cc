// compare.cc: one file's worth of octets over loopback, sender and receiver on a core each:
// hawser beside ngtcp2's own server and client (as the distribution builds them) and beside
// datagrams without any protocol; the same over HTTP/3, and nginx to curl over TLS 1.3. All in
// one run, in turns, so that whatever else the machine does hits everyone alike.
//   compare --hawser build/release/apps/hawser --pump build/release/bench/pump/udp_pump
#include <fmt/format.h>
#include <time.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>

#include "../support/process.h"
#include "base/check.h"
#include "quic/tls/dev_certificate.h"
#include "table.h"

namespace {

using namespace hawser;
using namespace hawser::bench;
using namespace hawser::compare;

constexpr double kTransferTimeout = 300;
constexpr double kStartTimeout = 10;

struct Options {
  std::uint64_t megabytes = 1'024;  // of 2^20 octets
  std::size_t runs = 5;
  std::vector<int> cpus{0, 1};  // of the sender and of the receiver
  std::string hawser = "build/release/apps/hawser";
  std::string pump = "build/release/bench/pump/udp_pump";
  std::string ngtcp2_server = "/usr/sbin/gtlsserver";
  std::string ngtcp2_client = "/usr/bin/gtlsclient";
  std::string nginx = "/usr/sbin/nginx";
  std::string curl = "/usr/bin/curl";
  double pump_seconds = 3;
  std::string json_file;

  [[nodiscard]] std::uint64_t octets() const { return megabytes << 20; }
};

// What file servers serve.
constexpr const char* kFileName = "octets.bin";

// A folder with a certificate, for servers that mint none, and a file; gone when it goes.
class Scratch {
 public:
  Scratch() {
    std::string pattern = (std::filesystem::temp_directory_path() / "hawser-compare-XXXXXX").string();
    HAWSER_CHECK(::mkdtemp(pattern.data()) != nullptr);
    folder_ = pattern;
    const auto minted = quic::mint_dev_certificate({.not_before_s = ::time(nullptr) - 3'600});
    HAWSER_CHECK(minted.has_value());
    std::ofstream(certificate()) << minted->certificate_pem;
    std::ofstream(key()) << minted->key_pem;
  }
  // Of zeros, and without blocks of its own: from the second reading on it lies in the page cache.
  void make_file(std::uint64_t octets) const {
    const std::filesystem::path file = std::filesystem::path(folder_) / kFileName;
    std::ofstream(file).close();
    std::filesystem::resize_file(file, octets);
  }
  ~Scratch() {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  [[nodiscard]] std::string folder() const { return folder_; }
  [[nodiscard]] std::string certificate() const { return folder_ + "/certificate.pem"; }
  [[nodiscard]] std::string key() const { return folder_ + "/key.pem"; }

 private:
  std::string folder_;
};

// The number behind "key": in flat JSON, from the place of `section` on.
std::optional<double> json_number(const std::string& text, const std::string& key, const std::string& section = "") {
  const std::size_t begin = section.empty() ? 0 : text.find("\"" + section + "\"");
  if (begin == std::string::npos) return std::nullopt;
  const std::size_t at = text.find("\"" + key + "\": ", begin);
  if (at == std::string::npos) return std::nullopt;
  return std::strtod(text.c_str() + at + key.size() + 4, nullptr);
}

// A whole transfer is timed from the client's start to its end, handshake and all, and so
// is the CPU time, the same for every contender.
std::optional<Sample> sample_of(const Finished& server, const Finished& client, std::uint64_t octets) {
  if (!client.ok || client.seconds <= 0) return std::nullopt;
  const double gb = static_cast<double>(octets) / 1e9;
  return Sample{8 * gb / client.seconds, server.cpu_seconds / gb, client.cpu_seconds / gb};
}

std::optional<Sample> run_hawser(const Options& options, const std::string& crypto) {
  Process server({options.hawser, "perf", "server", "127.0.0.1:0", "--json", "--crypto", crypto},
                 {.cpus = {options.cpus[0]}});
  const std::string line = server.read_line(kStartTimeout);
  const std::size_t begin = line.find("127.0.0.1:");
  if (begin == std::string::npos) return std::nullopt;
  const std::string address = line.substr(begin, line.find('"', begin) - begin);
  Process client({options.hawser, "perf", "client", address, "-k", "--json", "--crypto", crypto, "--download",
                  std::to_string(options.octets())},
                 {.cpus = {options.cpus[1]}});
  const Finished received = client.finish(kTransferTimeout);
  const Finished sent = server.finish(kStartTimeout, true);
  if (json_number(received.output, "octets") != static_cast<double>(options.octets())) return std::nullopt;
  return sample_of(sent, received, options.octets());
}

std::optional<Sample> run_http3(const Options& options, const Scratch& scratch) {
  Process server({options.hawser, "serve", "127.0.0.1:0", "--root", scratch.folder(), "--cert", scratch.certificate(),
                  "--key", scratch.key(), "--access-log", "off"},
                 {.cpus = {options.cpus[0]}});
  const std::string line = server.read_line(kStartTimeout);
  const std::size_t begin = line.find("https://");
  if (begin == std::string::npos) return std::nullopt;
  const std::string url = line.substr(begin, line.find(' ', begin) - begin) + kFileName;
  Process client({options.hawser, "get", "-k", "-s", "-o", "/dev/null", url}, {.cpus = {options.cpus[1]}});
  const Finished received = client.finish(kTransferTimeout);
  return sample_of(server.finish(kStartTimeout, true), received, options.octets());
}

std::string nginx_configuration(const Scratch& scratch, int port) {
  return fmt::format(
      "daemon off; master_process off; pid {0}/nginx.pid; error_log {0}/nginx.log;\n"
      "events {{}}\n"
      "http {{ access_log off; sendfile on; client_body_temp_path {0}/t; proxy_temp_path {0}/t; fastcgi_temp_path "
      "{0}/t;\n"
      "  uwsgi_temp_path {0}/t; scgi_temp_path {0}/t;\n"
      "  server {{ listen 127.0.0.1:{1} ssl; root {0}; ssl_protocols TLSv1.3;\n"
      "    ssl_conf_command Ciphersuites TLS_AES_128_GCM_SHA256;\n"
      "    ssl_certificate {2}; ssl_certificate_key {3}; }} }}\n",
      scratch.folder(), port, scratch.certificate(), scratch.key());
}

std::optional<Sample> run_nginx(const Options& options, const Scratch& scratch) {
  const int port = free_port();
  const std::string file = scratch.folder() + "/nginx.conf";
  std::ofstream(file) << nginx_configuration(scratch, port);
  Process server({options.nginx, "-c", file, "-e", "stderr"}, {.cpus = {options.cpus[0]}});
  ::usleep(500'000);  // it says nothing when it listens
  Process client(
      {options.curl, "-k", "-s", "-f", "-o", "/dev/null", fmt::format("https://127.0.0.1:{}/{}", port, kFileName)},
      {.cpus = {options.cpus[1]}});
  const Finished received = client.finish(kTransferTimeout);
  return sample_of(server.finish(kStartTimeout, true), received, options.octets());
}

std::optional<Sample> run_ngtcp2(const Options& options, const Scratch& scratch) {
  const std::string port = std::to_string(free_port());
  Process server(
      {options.ngtcp2_server, "127.0.0.1", port, scratch.key(), scratch.certificate(), "--quiet", "--no-quic-dump",
       "--no-http-dump", "--htdocs=" + scratch.folder(), fmt::format("--max-dyn-length={}", options.octets())},
      {.cpus = {options.cpus[0]}});
  ::usleep(500'000);  // it says nothing when it listens
  // Its server generates as many octets as the path says.
  Process client(
      {options.ngtcp2_client, "127.0.0.1", port, fmt::format("https://127.0.0.1:{}/{}", port, options.octets()),
       "--quiet", "--no-quic-dump", "--no-http-dump", "--exit-on-all-streams-close"},
      {.cpus = {options.cpus[1]}});
  const Finished received = client.finish(kTransferTimeout);
  const Finished sent = server.finish(kStartTimeout, true);
  // A refused path ends at once and with exit code 0; nobody moves data this cheaply.
  constexpr double kLeastCpuPerGb = 0.05;
  const auto sample = sample_of(sent, received, options.octets());
  if (!sample || sample->receiver_cpu_s_per_gb < kLeastCpuPerGb) return std::nullopt;
  return sample;
}

std::optional<Sample> run_pump(const Options& options, const std::string& cipher, const std::string& crypto) {
  Process pump({options.pump, "--seconds", fmt::format("{}", options.pump_seconds), "--cipher", cipher, "--crypto",
                crypto, "--cpus", fmt::format("{},{}", options.cpus[0], options.cpus[1])},
               {});
  const Finished finished = pump.finish(kTransferTimeout);
  const auto segment = json_number(finished.output, "segment_size");
  const auto speed = json_number(finished.output, "gbit_per_s", "receiver");
  const auto sender_ns = json_number(finished.output, "cpu_ns_per_datagram", "sender");
  const auto receiver_ns = json_number(finished.output, "cpu_ns_per_datagram", "receiver");
  if (!finished.ok || !segment || !speed || !sender_ns || !receiver_ns) return std::nullopt;
  // Nanoseconds per octet are seconds per 10^9 octets.
  return Sample{*speed, *sender_ns / *segment, *receiver_ns / *segment};
}

void add(Contender& contender, const std::optional<Sample>& sample) {
  if (sample) {
    contender.samples.push_back(*sample);
    fmt::print(stderr, "  {:<18} {:>7.2f} Gbit/s  CPU s/GB {:.3f} + {:.3f}\n", contender.name, sample->gbit_per_s,
               sample->sender_cpu_s_per_gb, sample->receiver_cpu_s_per_gb);
  } else {
    ++contender.failures;
    fmt::print(stderr, "  {:<18} failed\n", contender.name);
  }
}

int run(const Options& options) {
  if (!is_executable(options.hawser) || !is_executable(options.pump)) {
    fmt::print(stderr, "compare: build {} and {} first, or say where they are\n", options.hawser, options.pump);
    return 1;
  }
  const Scratch scratch;
  scratch.make_file(options.octets());
  const bool with_ngtcp2 = is_executable(options.ngtcp2_server) && is_executable(options.ngtcp2_client);
  if (!with_ngtcp2) fmt::print(stderr, "compare: no ngtcp2; the packages ngtcp2-server and ngtcp2-client have it\n");
  const bool with_nginx = is_executable(options.nginx) && is_executable(options.curl);
  if (!with_nginx) fmt::print(stderr, "compare: no nginx and curl; the packages of these names have them\n");
  std::vector<Contender> contenders{
      {.name = "hawser", .what = "hawser perf, one stream"},
      {.name = "hawser HTTP/3", .what = "hawser serve to hawser get, a file"},
      {.name = "hawser OpenSSL", .what = "hawser perf, AES by OpenSSL on both sides"},
      {.name = "ngtcp2", .what = "gtlsserver and gtlsclient of the distribution, HTTP/3, generated content"},
      {.name = "nginx, curl", .what = "HTTP/1.1 over TLS 1.3 with AES-128-GCM, the same file"},
      {.name = "pump AES-128-GCM", .what = "udp_pump: GSO, GRO and AES, no protocol"},
      {.name = "pump OpenSSL", .what = "udp_pump: GSO, GRO and AES by OpenSSL, no protocol"},
      {.name = "pump", .what = "udp_pump: GSO and GRO, no encryption, no protocol"}};
  for (std::size_t i = 0; i < options.runs; ++i) {
    fmt::print(stderr, "run {} of {}\n", i + 1, options.runs);
    add(contenders[0], run_hawser(options, "auto"));
    add(contenders[1], run_http3(options, scratch));
    add(contenders[2], run_hawser(options, "openssl"));
    if (with_ngtcp2) add(contenders[3], run_ngtcp2(options, scratch));
    if (with_nginx) add(contenders[4], run_nginx(options, scratch));
    add(contenders[5], run_pump(options, "aes128gcm", "auto"));
    add(contenders[6], run_pump(options, "aes128gcm", "openssl"));
    add(contenders[7], run_pump(options, "none", "auto"));
  }
  fmt::print("{} MiB over loopback, medians of {}, sender on CPU {}, receiver on CPU {}\n{}", options.megabytes,
             options.runs, options.cpus[0], options.cpus[1], to_table(contenders));
  if (!options.json_file.empty()) std::ofstream(options.json_file) << to_json(contenders);
  return contenders[0].samples.empty() ? 1 : 0;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app{"Compares hawser's transport with others on this machine and prints a table."};
  app.add_option("--megabytes", options.megabytes, "size of each transfer, in 2^20 octets")
      ->check(CLI::Range(1, 1 << 20));
  app.add_option("--runs", options.runs, "transfers of each contender")->check(CLI::Range(1, 1'000));
  app.add_option("--cpus", options.cpus, "CPUs of sender and receiver, as 0,1")->delimiter(',')->expected(2);
  app.add_option("--hawser", options.hawser, "the hawser program");
  app.add_option("--pump", options.pump, "the udp_pump program");
  app.add_option("--ngtcp2-server", options.ngtcp2_server, "ngtcp2's server");
  app.add_option("--ngtcp2-client", options.ngtcp2_client, "ngtcp2's client");
  app.add_option("--nginx", options.nginx, "nginx");
  app.add_option("--curl", options.curl, "curl");
  app.add_option("--pump-seconds", options.pump_seconds, "seconds of each run of the pump")
      ->check(CLI::Range(0.1, 600.0));
  app.add_option("--json", options.json_file, "file for all numbers");
  CLI11_PARSE(app, argc, argv);
  return run(options);
}
