// programs.cc: command lines of servers and clients, ours and others'.
#include "programs.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <limits>
#include <sstream>

#include "base/check.h"
#include "quic/tls/dev_certificate.h"

namespace hawser::compare {
namespace {

constexpr std::size_t kSmallFile = 1'024;

std::string first_line_of(const std::string& file) {
  std::string line;
  std::ifstream in(file);
  std::getline(in, line);
  return line;
}

std::string server_errors(const Session& session) {
  return session.folder() + "/server-errors";
}

std::unexpected<std::string> cannot_start(const Session& session, const std::string& program) {
  const std::string said = first_line_of(server_errors(session));
  return std::unexpected(fmt::format("{} did not start{}{}", program, said.empty() ? "" : ": ", said));
}

// Servers of ours say where they listen in their first line.
Started wait_for_line(const Session& session, std::unique_ptr<bench::Process> process, const std::string& program) {
  const std::string line = process->read_line(kStartSeconds);
  const std::size_t begin = line.find("127.0.0.1:");
  if (begin == std::string::npos) return cannot_start(session, program);
  const std::size_t end = line.find_first_not_of("0123456789", begin + sizeof("127.0.0.1:") - 1);
  return Server{std::move(process), line.substr(begin, end - begin)};
}

bool tcp_answers(int port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  const bool answers = ::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  ::close(fd);
  return answers;
}

Arguments joined(Arguments command, const Arguments& more) {
  command.insert(command.end(), more.begin(), more.end());
  return command;
}

std::string nginx_configuration(const Session& session, int port) {
  return fmt::format(
      "daemon off;\nmaster_process off;\npid {0}/nginx.pid;\nerror_log {0}/nginx.log;\n"
      "events {{ worker_connections 4096; }}\n"
      "http {{\n  access_log off;\n  default_type application/octet-stream;\n  keepalive_requests 1000000000;\n"
      "  client_body_temp_path {0}/body;\n  proxy_temp_path {0}/proxy;\n  fastcgi_temp_path {0}/fastcgi;\n"
      "  uwsgi_temp_path {0}/uwsgi;\n  scgi_temp_path {0}/scgi;\n"
      "  sendfile on;\n  open_file_cache max=100;\n"
      "  ssl_certificate {1};\n  ssl_certificate_key {2};\n  ssl_protocols TLSv1.3;\n"
      "  ssl_conf_command Ciphersuites TLS_AES_128_GCM_SHA256;\n"
      "  server {{ listen 127.0.0.1:{3} ssl; root {0}; }}\n}}\n",
      session.folder(), session.certificate(), session.key(), port);
}

}  // namespace

Session::Session(const Options& options) : options_(options) {
  const auto minted = quic::mint_dev_certificate({.not_before_s = ::time(nullptr) - 3'600});
  HAWSER_CHECK(minted.has_value());
  std::ofstream(certificate()) << minted->certificate_pem;
  std::ofstream(key()) << minted->key_pem;
  std::ofstream(folder() + "/1k") << std::string(kSmallFile, 'x');
  // A hole: reading it costs what reading the page cache costs, and no disk. It is read once here,
  // for whoever reads it first makes its pages, at several times the price of a transfer.
  std::ofstream(folder() + "/bulk").close();
  std::filesystem::resize_file(folder() + "/bulk", options.transfer_octets());
  std::ifstream bulk(folder() + "/bulk", std::ios::binary);
  for (std::vector<char> octets(1 << 20); bulk.read(octets.data(), static_cast<std::streamsize>(octets.size()));)
    continue;
}

std::string Session::missing(const std::vector<std::string>& programs, const std::string& remedy) {
  for (const std::string& program : programs)
    if (program.empty() || !bench::is_executable(program)) return remedy;
  return "";
}

Started start_perf_server(const Session& session, const std::vector<int>& cpus, const Arguments& more) {
  auto process = std::make_unique<bench::Process>(
      joined({session.options().hawser, "perf", "server", "127.0.0.1:0", "--json"}, more),
      bench::ProcessOptions{.cpus = cpus, .error_file = server_errors(session)});
  return wait_for_line(session, std::move(process), "hawser perf server");
}

Started start_serve(const Session& session, const std::vector<int>& cpus, const Arguments& more) {
  auto process = std::make_unique<bench::Process>(
      joined({session.options().hawser, "serve", "127.0.0.1:0", "--root", session.folder(), "--cert",
              session.certificate(), "--key", session.key(), "--access-log", "off", "--grace", "0"},
             more),
      bench::ProcessOptions{.cpus = cpus, .error_file = server_errors(session)});
  return wait_for_line(session, std::move(process), "hawser serve");
}

Started start_ngtcp2(const Session& session, const Arguments& more) {
  const std::string port = std::to_string(bench::free_port());
  auto process = std::make_unique<bench::Process>(
      joined({session.options().ngtcp2_server, "127.0.0.1", port, session.key(), session.certificate(), "--quiet",
              "--no-quic-dump", "--no-http-dump", "--htdocs=" + session.folder()},
             more),
      bench::ProcessOptions{.cpus = session.server_cpu(), .error_file = server_errors(session)});
  ::usleep(500'000);  // it says nothing when it listens
  if (!process->running()) return cannot_start(session, session.options().ngtcp2_server);
  return Server{std::move(process), "127.0.0.1:" + port};
}

Started start_nginx(const Session& session) {
  const int port = bench::free_port();
  const std::string file = session.folder() + "/nginx.conf";
  std::ofstream(file) << nginx_configuration(session, port);
  auto process = std::make_unique<bench::Process>(
      Arguments{session.options().nginx, "-p", session.folder(), "-e", session.folder() + "/nginx.log", "-c", file},
      bench::ProcessOptions{.cpus = session.server_cpu()});
  const double end = bench::monotonic_seconds() + kStartSeconds;
  while (!tcp_answers(port)) {
    if (!process->running() || bench::monotonic_seconds() > end)
      return std::unexpected("nginx did not start: " + first_line_of(session.folder() + "/nginx.log"));
    ::usleep(20'000);
  }
  return Server{std::move(process), fmt::format("127.0.0.1:{}", port)};
}

std::expected<bench::Finished, std::string> run_client(const Session& session, const std::vector<int>& cpus,
                                                       Arguments command) {
  const std::string errors = session.folder() + "/client-errors";
  const std::string program = command.front();
  bench::Process client(std::move(command), {.cpus = cpus, .error_file = errors});
  bench::Finished finished = client.finish(kTransferSeconds);
  if (finished.ok) return finished;
  const std::string said = first_line_of(errors);
  return std::unexpected(
      fmt::format("{} failed{}{}", std::filesystem::path(program).filename().string(), said.empty() ? "" : ": ", said));
}

std::expected<bench::Finished, std::string> run_perf_client(const Session& session, const Server& server,
                                                            const Arguments& more) {
  return run_client(session, session.client_cpu(),
                    joined({session.options().hawser, "perf", "client", server.address, "-k", "--json"}, more));
}

std::optional<double> json_number(const std::string& text, const std::string& key, const std::string& section) {
  const std::size_t begin = section.empty() ? 0 : text.find("\"" + section + "\"");
  if (begin == std::string::npos) return std::nullopt;
  const std::size_t at = text.find("\"" + key + "\": ", begin);
  if (at == std::string::npos) return std::nullopt;
  return std::strtod(text.c_str() + at + key.size() + 4, nullptr);
}

double json_value(const std::string& text, const std::string& key, const std::string& section) {
  return json_number(text, key, section).value_or(std::numeric_limits<double>::quiet_NaN());
}

}  // namespace hawser::compare
