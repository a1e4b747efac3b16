// get_run.cc: main()'s half of `hawser get`. Bodies are written on the worker's thread
// (get_transfer.cc); names are resolved, redirects followed and results reported here.
#include "get_run.h"

#include <fmt/format.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <deque>
#include <map>
#include <memory>

#include "get_report.h"
#include "get_transfer.h"
#include "http/session_store.h"
#include "net/address.h"
#include "path_watch.h"
#include "runtime/clock.h"
#include "runtime/http_client.h"
#include "runtime/key_log.h"
#include "runtime/resolver.h"
#include "runtime/runtime.h"
#include "say.h"
#include "time_option.h"

namespace hawser::app {
namespace {

using runtime::current_time;

constexpr Duration kProgressInterval = 200ms;
constexpr std::size_t kDefaultColumns = 80;

std::string ip_of(const SocketAddress& address) {
  std::string text = to_string(address);
  text.resize(text.rfind(':'));
  if (text.starts_with('[')) text = text.substr(1, text.size() - 2);
  return text;
}

std::string_view name_of(quic::EarlyDataStatus status) {
  if (status == quic::EarlyDataStatus::kAccepted) return "accepted";
  return status == quic::EarlyDataStatus::kRejected ? "rejected" : "none";
}

std::size_t terminal_columns() {
  winsize size{};
  return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : kDefaultColumns;
}

class GetRun {
 public:
  explicit GetRun(const GetOptions& options) : options_(options), given_(options.arguments) {}

  int run();

 private:
  struct Connection {
    std::size_t index = 0;
    Timestamp resolved;
    std::optional<GetError> error;
    bool announced = false;  // by -v
  };

  std::expected<void, GetError> prepare();
  std::expected<std::vector<SocketAddress>, GetError> addresses_of(const http::Url& url) const;
  std::expected<std::size_t, GetError> open(const http::Url& url, Timestamp& resolved);
  const Connection& connection_to(const http::Url& url);
  void start(GetTransfer& transfer);
  void start_next_on_stdout();
  // When --max-time is over.
  [[nodiscard]] Timestamp deadline() const {
    return given_.time_max_s > 0 ? began_ + seconds(given_.time_max_s) : kNever;
  }
  bool wait();
  void await_tickets();
  void on_over(GetTransfer& transfer);
  bool follow(GetTransfer& transfer);
  void report(GetTransfer& transfer);
  void write_out(const GetTransfer& transfer);
  void announce(const GetTransfer& transfer);
  void show_progress();
  void clear_progress();
  void give_up_late();

  const GetOptions& options_;
  const GetArguments& given_;
  Timestamp began_ = current_time();
  std::unique_ptr<runtime::KeyLog> key_log_;
  GetInbox inbox_;
  std::vector<std::unique_ptr<GetTransfer>> transfers_;
  std::unique_ptr<http::FileSessionStore> sessions_;  // may be null; before who uses it
  PathWatch path_watch_;
  std::unique_ptr<runtime::Runtime> runtime_;
  std::unique_ptr<runtime::HttpClients> clients_;
  std::map<std::string, Connection> connections_;
  std::deque<GetTransfer*> for_stdout_;  // one after the other, or bodies would mix
  std::size_t unfinished_ = 0;
  int exit_code_ = kGetOk;
  bool progress_ = false;
  bool progress_shown_ = false;
  ProgressBar bar_{began_};
};

std::expected<void, GetError> GetRun::prepare() {
  signal(SIGPIPE, SIG_IGN);
  auto key_log = runtime::KeyLog::open_from_environment();
  if (!key_log) return std::unexpected(GetError{kGetUsage, key_log.error().message});
  key_log_ = *std::move(key_log);
  if (!given_.session_file.empty()) {
    auto sessions = http::FileSessionStore::open(given_.session_file);
    if (!sessions) return std::unexpected(GetError{kGetUsage, "--session-file " + sessions.error().message});
    sessions_ = *std::move(sessions);
  }
  auto runtime = runtime::Runtime::create({.workers = 1, .spin = given_.engine.spin, .engine = given_.engine.engine});
  if (!runtime) return std::unexpected(GetError{kGetUsage, runtime.error().message});
  runtime_ = *std::move(runtime);
  auto paths = path_options(given_.paths);
  if (!paths) return std::unexpected(GetError{kGetUsage, paths.error().message});
  auto clients = runtime::HttpClients::create(runtime_->worker(0), {.qlog = given_.qlog,
                                                                    .migration = migration_options(given_.migration),
                                                                    .paths = *std::move(paths),
                                                                    .events = given_.verbose ? &path_watch_ : nullptr});
  if (!clients) return std::unexpected(GetError{kGetUsage, clients.error().message});
  clients_ = *std::move(clients);
  const bool to_terminal = isatty(STDOUT_FILENO) &&
                           std::ranges::any_of(options_.targets, [](const GetTarget& t) { return t.output == "-"; });
  progress_ = given_.progress_bar ||
              (isatty(STDERR_FILENO) && !given_.silent && !given_.verbose && !to_terminal && !given_.head);
  return {};
}

std::expected<std::vector<SocketAddress>, GetError> GetRun::addresses_of(const http::Url& url) const {
  for (const PinnedName& pinned : options_.pinned)
    if (pinned.host == url.host && pinned.port == url.port) return pinned.addresses;
  const AddressFamily family = given_.ipv4   ? AddressFamily::kIpv4
                               : given_.ipv6 ? AddressFamily::kIpv6
                                             : AddressFamily::kNone;
  const bool limited = given_.time_max_s > 0 && net::parse_ip(url.host).family == AddressFamily::kNone;
  auto answer = limited ? runtime::resolve_within(deadline() - current_time(), url.host, url.port, family)
                        : std::optional(runtime::resolve(url.host, url.port, family));
  if (!answer)
    return std::unexpected(
        GetError{kGetTimeout, fmt::format("{} was not resolved within {} s", url.host, given_.time_max_s)});
  if (!*answer) return std::unexpected(GetError{kGetResolve, answer->error().message});
  return **std::move(answer);
}

std::expected<std::size_t, GetError> GetRun::open(const http::Url& url, Timestamp& resolved) {
  HAWSER_TRY(auto addresses, addresses_of(url));
  resolved = current_time();
  if (given_.verbose) {
    for (const SocketAddress& address : addresses) say("* {} is at {}\n", url.host, to_string(address));
  }
  runtime::HttpConnectionOptions connection{.addresses = std::move(addresses), .server_name = url.host};
  connection.tls.verify_peer = !given_.insecure;
  connection.tls.common.cipher_suites = options_.cipher_suites;
  if (!given_.ca_file.empty()) {
    connection.tls.trust.system = false;
    connection.tls.trust.ca_file = given_.ca_file;
  }
  if (!given_.certificate.empty()) {
    connection.tls.certificate = quic::CertificateSource{
        .chain_file = given_.certificate, .key_file = given_.key.empty() ? given_.certificate : given_.key};
  }
  if (key_log_ != nullptr) {
    connection.tls.common.key_log = runtime::KeyLog::sink;
    connection.tls.common.key_log_context = key_log_.get();
  }
  connection.connection.congestion_control = given_.congestion_control;
  apply(given_.versions, connection.connection);
  apply(given_.extensions, connection.connection);
  // Asked for only where it is shown: what is asked for can be seen by the server.
  if (given_.verbose || given_.write_out.find("observed_") != std::string::npos)
    connection.connection.address_discovery = quic::AddressDiscovery::kReceive;
  connection.connection.key_update_packets = given_.key_update_packets;
  apply(given_.careful_resume, connection.connection);
  connection.connection.use_preferred_address = !given_.migration.never;
  if (const auto applied = apply(given_.paths, connection.connection); !applied)
    return std::unexpected(GetError{kGetUsage, applied.error().message});
  // The limit that the user set is to be the one that ends the attempt.
  if (given_.connect_timeout_s > 0) connection.connection.handshake_timeout = seconds(given_.connect_timeout_s) + 1s;
  connection.http.hq = given_.hq;
  connection.tls.early_data = given_.early_data;
  connection.http.sessions = sessions_.get();
  // Who is trusted is part of it: a session that was begun with -k is not for a visit without.
  connection.http.session_key = fmt::format("{} {} {} {} {}", url.host_port(), given_.hq ? "hq" : "h3",
                                            given_.insecure ? "any" : "checked", given_.ca_file, given_.certificate);
  connection.http.connect_timeout = seconds(given_.connect_timeout_s);
  auto opened = clients_->open(std::move(connection));
  if (!opened) return std::unexpected(GetError{kGetUsage, opened.error().message});
  return *opened;
}

// One connection per host and port, shared by all URLs there; a failure is shared too. Each is checked
// for the name it is for, and serves no other.
// rfc9114:3.3-validate-origin rfc9114:3.3-not-reused rfc9114:3.3-one-connection rfc9114:3.3-same-configuration
const GetRun::Connection& GetRun::connection_to(const http::Url& url) {
  const auto [entry, added] = connections_.try_emplace(url.host_port());
  if (!added) return entry->second;
  const auto opened = open(url, entry->second.resolved);
  if (opened) {
    entry->second.index = *opened;
  } else {
    entry->second.error = opened.error();
  }
  return entry->second;
}

void GetRun::start(GetTransfer& transfer) {
  const Connection& connection = connection_to(transfer.url);
  if (connection.error) {
    transfer.result.exit_code = connection.error->exit_code;
    transfer.result.message = connection.error->message;
    transfer.result.end = current_time();
    return inbox_.put(transfer);
  }
  transfer.connection = connection.index;
  transfer.resolved = connection.resolved;
  clients_->send(connection.index, transfer.request());
}

void GetRun::start_next_on_stdout() {
  if (!for_stdout_.empty()) start(*for_stdout_.front());
}

int GetRun::run() {
  if (const auto prepared = prepare(); !prepared) {
    say("hawser get: {}\n", prepared.error().message);
    return prepared.error().exit_code;
  }
  for (const GetTarget& target : options_.targets) {
    transfers_.push_back(std::make_unique<GetTransfer>(options_, target, inbox_));
    transfers_.back()->began = began_;
    if (target.output == "-") for_stdout_.push_back(transfers_.back().get());
  }
  unfinished_ = transfers_.size();
  for (const auto& transfer : transfers_)
    if (transfer->output.name() != "-") start(*transfer);
  start_next_on_stdout();
  const bool in_time = wait();
  if (in_time && sessions_ != nullptr) await_tickets();
  clients_->close();
  runtime_->stop();
  runtime_->join();
  if (!in_time) give_up_late();
  std::fflush(stdout);
  return exit_code_;
}

// False if --max-time was over first.
bool GetRun::wait() {
  while (unfinished_ > 0) {
    const Timestamp now = current_time();
    if (now >= deadline()) return false;
    if (GetTransfer* transfer = inbox_.take(std::min(deadline() - now, kProgressInterval))) {
      on_over(*transfer);
    } else if (progress_) {
      show_progress();
    }
  }
  clear_progress();
  return true;
}

// A response to 0-RTT is here a round trip before the next ticket, and without that the visit after
// this one would have to begin from nothing.
void GetRun::await_tickets() {
  constexpr Duration kLongest = 1s;
  const Timestamp now = current_time();
  for (const auto& [name, connection] : connections_) {
    if (connection.error) continue;
    auto facts = clients_->facts(connection.index);
    if (!facts) continue;
    // The handshake took one round trip at least. Nothing comes to the inbox any more: it is a place to wait.
    const Timestamp deadline = now + std::min(kLongest, 2 * (facts->connected - facts->began) + 20ms);
    while (facts && facts->tickets_kept == 0 && current_time() < deadline) {
      (void)inbox_.take(5ms);
      facts = clients_->facts(connection.index);
    }
  }
}

// The worker has ended: nothing changes under our hands any more.
void GetRun::give_up_late() {
  clear_progress();
  for (const auto& transfer : transfers_) {
    if (transfer->over) continue;
    // Of one that ended by a time of its own nobody took the message any more; what else is there came of our closing.
    if (transfer->result.exit_code != kGetTimeout) {
      transfer->result.exit_code = kGetTimeout;
      transfer->result.message = fmt::format("{} was not complete after {} s; {} octets came",
                                             transfer->url.to_string(), given_.time_max_s, transfer->result.octets);
      transfer->result.end = current_time();
    }
    report(*transfer);
  }
}

void GetRun::on_over(GetTransfer& transfer) {
  announce(transfer);
  if (follow(transfer)) return;
  transfer.over = true;
  report(transfer);
  --unfinished_;
  if (for_stdout_.empty() || for_stdout_.front() != &transfer) return;
  for_stdout_.pop_front();
  start_next_on_stdout();
}

// True if a redirect leads on.
bool GetRun::follow(GetTransfer& transfer) {
  const std::uint16_t status = transfer.result.status;
  const bool redirect = given_.location && !transfer.result.location.empty() && status != 304 && status != 300;
  if (!redirect || transfer.result.exit_code != kGetOk) return false;
  if (transfer.redirects >= given_.redirects_max) {
    transfer.result.exit_code = kGetRedirects;
    transfer.result.message = fmt::format("more than {} redirects; --max-redirs N allows more", given_.redirects_max);
    return false;
  }
  auto next = http::resolve_reference(transfer.url, transfer.result.location);
  if (!next || next->scheme != "https") {
    transfer.result.exit_code = next ? kGetProtocol : kGetUrl;
    transfer.result.message =
        next ? fmt::format("the redirect leads to {}, which is not https", next->to_string()) : next.error().message;
    return false;
  }
  // RFC 9110 section 15.4: what is posted becomes a GET, except for 307 and 308.
  const bool becomes_get = status == 303 || ((status == 301 || status == 302) && transfer.method == "POST");
  if (becomes_get && given_.method.empty() && transfer.method != "HEAD") transfer.method = "GET";
  if (becomes_get) transfer.send_body = false;
  transfer.cross_origin = transfer.cross_origin || next->host_port() != transfer.url.host_port();
  transfer.url = *std::move(next);
  ++transfer.redirects;
  transfer.begin_again();
  start(transfer);
  return true;
}

void GetRun::announce(const GetTransfer& transfer) {
  if (!given_.verbose) return;
  Connection& connection = connections_[transfer.url.host_port()];
  const auto facts = connection.error || connection.announced ? std::nullopt : clients_->facts(transfer.connection);
  if (!facts) return;
  connection.announced = true;
  say("* connected from {} to {}: {}, QUIC {}, {}, {}, handshake {:.1f} ms\n", to_string(facts->local),
      to_string(facts->remote), facts->alpn, facts->quic_version, facts->cipher, facts->group,
      to_seconds(facts->connected - facts->began) * 1e3);
  if (facts->observed.family != AddressFamily::kNone)
    say("* the server sees this end as {}\n", to_string(facts->observed));
}

void GetRun::report(GetTransfer& transfer) {
  clear_progress();
  const GetResult& result = transfer.result;
  if (result.exit_code != kGetOk) {
    if (exit_code_ == kGetOk) exit_code_ = result.exit_code;
    if (!given_.silent || given_.show_error) say("hawser get: ({}) {}\n", result.exit_code, result.message);
  }
  if (!given_.write_out.empty()) write_out(transfer);
}

void GetRun::write_out(const GetTransfer& transfer) {
  const GetResult& result = transfer.result;
  const auto since = [&](Timestamp time) { return std::max(0.0, to_seconds(time - transfer.began)); };
  WriteOutValues values{.exit_code = result.exit_code,
                        .error_message = result.message,
                        .http_code = result.status,
                        .http_version = given_.hq ? "0.9" : "3",
                        .method = transfer.method,
                        .url = transfer.url_given.to_string(),
                        .url_effective = transfer.url.to_string(),
                        .redirect_url = {},
                        .content_type = result.content_type,
                        .filename_effective = transfer.output.name() == "-" ? "" : transfer.output.name(),
                        .remote_ip = {},
                        .local_ip = {},
                        .observed_ip = {},
                        .paths = {},
                        .redirects = transfer.redirects,
                        .size_download = result.octets,
                        .size_upload = options_.body && transfer.send_body ? options_.body->size() : 0,
                        .size_header = result.head_octets,
                        .time_namelookup = since(transfer.resolved),
                        .time_starttransfer = result.first_octet ? since(*result.first_octet) : 0,
                        .time_total = since(result.end)};
  if (const auto next = http::resolve_reference(transfer.url, result.location); next && !result.location.empty())
    values.redirect_url = next->to_string();
  const Connection& connection = connections_[transfer.url.host_port()];
  if (const auto facts = connection.error ? std::nullopt : clients_->facts(transfer.connection)) {
    values.remote_ip = ip_of(facts->remote);
    values.remote_port = facts->remote.port;
    values.local_ip = ip_of(facts->local);
    values.local_port = facts->local.port;
    if (facts->observed.family != AddressFamily::kNone) values.observed_ip = ip_of(facts->observed);
    values.observed_port = facts->observed.port;
    values.num_paths = facts->paths.size();
    for (const quic::PathInfo& path : facts->paths)
      values.paths +=
          fmt::format("{}{} {} {} {:.1f} {}", values.paths.empty() ? "" : "; ", path.id.value, ip_of(path.tuple.local),
                      to_string(path.state), to_seconds(path.smoothed_rtt) * 1e3, path.bytes_received);
    values.time_firstpacket = since(facts->began);
    values.time_connect = since(facts->connected);
    values.resumed = facts->resumed;
    values.early_data = name_of(facts->early_data);
  }
  fmt::print("{}", format_write_out(given_.write_out, values));
  std::fflush(stdout);
}

void GetRun::show_progress() {
  std::uint64_t here = 0;
  std::uint64_t expected = 0;
  bool all_known = true;
  for (const auto& transfer : transfers_) {
    here += transfer->octets_here();
    expected += transfer->octets_expected();
    all_known = all_known && transfer->octets_expected() > 0;
  }
  const std::string name = transfers_.size() == 1 ? transfers_[0]->output.name()
                                                  : fmt::format("{} of {} left", unfinished_, transfers_.size());
  say("\r{}\x1b[K", bar_.line(name, here, all_known ? expected : 0, current_time(), terminal_columns() - 1));
  std::fflush(stderr);
  progress_shown_ = true;
}

void GetRun::clear_progress() {
  if (!progress_shown_) return;
  // The last state stays readable.
  show_progress();
  say("\n");
  progress_shown_ = false;
}

}  // namespace

int run_get(const GetOptions& options) {
  return GetRun(options).run();
}

}  // namespace hawser::app
