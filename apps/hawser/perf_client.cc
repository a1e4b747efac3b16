// perf_client.cc: one measurement: connect, ask the server for its CPU time, start the load,
// watch it, ask again, print. The load itself is in perf_load.cc, on the workers' threads.
#include "perf_client.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <iterator>
#include <memory>
#include <vector>

#include "first_answer.h"
#include "http/saved_path_record.h"
#include "http/session_store.h"
#include "net/address.h"
#include "net/local_addresses.h"
#include "perf_live.h"
#include "perf_load.h"
#include "perf_paths.h"
#include "perf_report.h"
#include "quic/tls/tls_context.h"
#include "run_thread.h"
#include "runtime/client_migration.h"
#include "runtime/clock.h"
#include "runtime/path_manager.h"
#include "runtime/resolver.h"
#include "say.h"
#include "time_option.h"

namespace hawser::perf {
namespace {

using runtime::current_time;

constexpr Duration kConnectTimeout = 10s;
// For what is under way when the duration is over, and for the server's reports.
constexpr Duration kEndTimeout = 10s;
// For datagrams that are still on their way back then; of those that are lost nobody tells.
constexpr Duration kDatagramsEnd = 1s;

double mean_packet(std::uint64_t octets, std::uint64_t packets) {
  return packets == 0 ? 0 : static_cast<double>(octets) / static_cast<double>(packets);
}

// What one worker has for itself; used on its thread, but for the counters.
struct ClientWorker {
  explicit ClientWorker(Bell& bell) : counters(&bell) {}

  Counters counters;
  Histogram latencies;
  std::unique_ptr<quic::TlsClientContext> tls;
  std::unique_ptr<runtime::QlogLog> qlog;  // may be null
  std::optional<Dialer> dialer;
  std::vector<std::unique_ptr<LoadConnection>> connections;
  std::vector<std::unique_ptr<HandshakeLoop>> loops;
};

class Client {
 public:
  explicit Client(const ClientOptions& options) : options_(options) {}

  std::expected<Outcome, ConfigError> run();

 private:
  std::expected<void, ConfigError> prepare();
  std::expected<void, ConfigError> prepare_worker(std::size_t index, const quic::ClientParameters& parameters);
  std::expected<void, ConfigError> connect();
  [[nodiscard]] std::unexpected<ConfigError> cannot_connect(const std::string& why) const;
  std::expected<void, ConfigError> start();
  void start_pacers();
  void watch(Timestamp begin);
  void look_at_paths(const LoadConnection& first);
  void finish_paths(Outcome& outcome);
  void finish(Timestamp begin, Outcome& outcome);
  bool collect_reports();
  std::uint64_t datagrams_offered();
  [[nodiscard]] Plan plan() const;
  [[nodiscard]] DatagramPlan datagram_plan(std::uint64_t count) const;
  [[nodiscard]] std::string first_failure();
  [[nodiscard]] bool makes_handshakes() const { return options_.mode == Mode::kHandshakes; }
  [[nodiscard]] bool server_reports() const { return options_.alpn.empty(); }
  template <class Kind>
  [[nodiscard]] std::uint64_t total(Kind Counters::* counter) const {
    std::uint64_t sum = 0;
    for (const auto& worker : workers_) sum += (worker->counters.*counter).value();
    return sum;
  }
  [[nodiscard]] std::uint64_t progress() const;
  void print_live(const LiveSample& look, bool on_terminal);
  void wipe_live();
  [[nodiscard]] LiveSample look();
  [[nodiscard]] bool has_paths() const { return !options_.paths.interfaces.empty() && standing_connections_ != 0; }
  [[nodiscard]] bool reports_are_in() const { return total(&Counters::reports) >= total(&Counters::reports_requested); }
  template <class Work>
  void on_each_worker(Work work) {
    thread_.on_each_worker(workers_, work);
  }

  [[nodiscard]] quic::ClientParameters first_parameters(const Dialer& dialer);
  void keep_session();
  [[nodiscard]] std::string session_key(quic::Version version) const {
    return fmt::format("perf {} {:08x}", options_.common.address, static_cast<std::uint32_t>(version));
  }

  const ClientOptions& options_;
  std::unique_ptr<http::FileSessionStore> sessions_;  // null: nothing is kept
  std::size_t standing_connections_ = 0;              // that stay for the whole run
  std::optional<net::LocalAddresses> addresses_;      // with --paths
  PathTable paths_;                                   // of the first connection
  std::size_t live_lines_ = 0;                        // on the terminal, below the first
  std::vector<std::unique_ptr<ClientWorker>> workers_;
  RunThread thread_;
};

std::uint64_t Client::progress() const {
  switch (options_.mode) {
    case Mode::kDownload:
      return total(&Counters::octets_received);
    case Mode::kUpload:
      return total(&Counters::octets_queued);
    default:
      return total(&Counters::exchanges);
  }
}

// What each standing connection does.
Plan Client::plan() const {
  const auto share = [](std::uint64_t all, std::uint64_t parts) {
    return all == 0 ? kUnlimited : (all + parts - 1) / parts;
  };
  switch (options_.mode) {
    case Mode::kDownload:
      return {.exchanges = options_.streams,
              .streams = options_.streams,
              .response_size = share(options_.octets, options_.streams * options_.connections)};
    case Mode::kUpload:
      return {.exchanges = options_.streams,
              .streams = options_.streams,
              .request_size = share(options_.octets, options_.streams * options_.connections)};
    case Mode::kRequests:
      return {.exchanges = share(options_.requests, options_.connections),
              .streams = options_.streams,
              .request_size = options_.request_size,
              .response_size = options_.response_size};
    case Mode::kLatency:
      return {.exchanges = options_.requests == 0 ? kUnlimited : share(options_.requests, options_.connections),
              .request_size = options_.request_size,
              .response_size = options_.response_size,
              .period = Duration{static_cast<std::int64_t>(1e9 / options_.rate)}};
    case Mode::kDatagrams:
      return {.datagrams = datagram_plan(share(options_.datagrams.count, options_.connections))};
    case Mode::kHandshakes:
      break;
  }
  return {};
}

DatagramPlan Client::datagram_plan(std::uint64_t count) const {
  const DatagramOptions& datagrams = options_.datagrams;
  return {.size = static_cast<std::size_t>(datagrams.size),
          .count = count,
          .period = Duration{options_.rate > 0 ? static_cast<std::int64_t>(1e9 / options_.rate) : 0},
          .returned = !datagrams.one_way,
          .lifetime = Duration{static_cast<std::int64_t>(datagrams.lifetime_ms * 1e6)},
          .queue_max = datagrams.queue_max,
          .drop = datagrams.drop_newest ? quic::DatagramDrop::kNewest : quic::DatagramDrop::kOldest,
          .in_order = Duration{static_cast<std::int64_t>(datagrams.in_order_ms * 1e6)}};
}

std::expected<void, ConfigError> Client::prepare() {
  HAWSER_TRY(const net::HostPort target, net::parse_host_port(options_.common.address));
  HAWSER_TRY(const std::vector<SocketAddress> addresses, runtime::resolve(target.host, target.port));
  if (!options_.session_file.empty()) {
    HAWSER_TRY(sessions_, http::FileSessionStore::open(options_.session_file));
  }
  HAWSER_TRY(auto runtime, start_runtime(options_.common, Duration{0}));
  thread_.set_runtime(std::move(runtime));
  // Handshakes are counted by their loops; one connection stands beside them for the reports.
  standing_connections_ = !makes_handshakes() ? options_.connections : server_reports() ? 1 : 0;
  quic::ClientParameters parameters{.tuple = {.remote = addresses.front()},
                                    .server_name = target.host,
                                    .connection = connection_config(options_.common)};
  parameters.connection.use_preferred_address = !options_.migration.never;
  HAWSER_TRY_VOID(app::apply(options_.paths, parameters.connection));
  if (has_paths()) {
    HAWSER_TRY(addresses_, net::LocalAddresses::open());
  }
  for (std::size_t i = 0; i < thread_.runtime().size(); ++i) {
    workers_.push_back(std::make_unique<ClientWorker>(thread_.bell()));
    HAWSER_TRY_VOID(prepare_worker(i, parameters));
  }
  const Dialer& first = *workers_.front()->dialer;
  const auto remote = first_answer(thread_, first.protocol, first.parameters, addresses, kConnectTimeout);
  if (!remote) return cannot_connect(remote.error().message);
  on_each_worker([&](ClientWorker& own) { own.dialer->parameters.tuple.remote = *remote; });
  return {};
}

std::expected<void, ConfigError> Client::prepare_worker(std::size_t index, const quic::ClientParameters& parameters) {
  ClientWorker& own = *workers_[index];
  HAWSER_TRY(auto tls,
             quic::TlsClientContext::create({.common = {.alpn = {server_reports() ? std::string(kAlpn) : options_.alpn},
                                                        .groups = options_.groups},
                                             .trust = {.ca_file = options_.ca_file},
                                             .verify_peer = !options_.insecure,
                                             .early_data = options_.early_data}));
  own.tls = std::make_unique<quic::TlsClientContext>(std::move(tls));
  HAWSER_TRY(own.qlog, runtime::QlogLog::create(options_.common.qlog));
  HAWSER_TRY(const auto paths, app::path_options(options_.paths));
  std::expected<void, ConfigError> managed;
  thread_.runtime().worker(index).call([&](runtime::Worker& worker) {
    auto protocol = std::make_unique<runtime::EndpointProtocol>(
        worker, quic::EndpointConfig{.events = own.qlog ? &own.qlog->sink() : nullptr},
        runtime::Goodbye{.reason = "done"});
    own.dialer.emplace(Dialer{*protocol, parameters});
    own.dialer->parameters.tls = own.tls.get();
    runtime::EndpointProtocol& endpoint = *protocol;
    worker.attach(std::move(protocol));
    if (paths) {
      const auto attached = runtime::PathManager::attach(worker, endpoint, *paths);
      if (!attached) managed = std::unexpected(attached.error());
    } else {
      runtime::ClientMigration::attach(worker, endpoint, app::migration_options(options_.migration));
    }
    return true;
  });
  return managed;
}

// Of the connection that begins with what is in the file.
quic::ClientParameters Client::first_parameters(const Dialer& dialer) {
  quic::ClientParameters parameters = dialer.parameters;
  if (sessions_ == nullptr) return parameters;
  const quic::ConnectionConfig& config = parameters.connection;
  parameters.token_version =
      config.first_version != quic::Version::kNegotiation ? config.first_version : config.versions.first_flight();
  const std::int64_t now_s = ::time(nullptr);
  http::KeptSession kept = sessions_->take(session_key(parameters.token_version), now_s);
  parameters.token = std::move(kept.token);
  parameters.saved_path = http::read_saved_path(kept.path, now_s);
  if (config.careful_resume && !parameters.token.empty()) {
    parameters.connection.stream_receive_window = config.stream_receive_window_max;
    parameters.connection.connection_receive_window = config.connection_receive_window_max;
  }
  return parameters;
}

// On the first connection's thread.
void Client::keep_session() {
  const LoadConnection& first = *workers_[0]->connections.front();
  if (sessions_ == nullptr || first.connection() == nullptr) return;
  const std::int64_t now_s = ::time(nullptr);
  const std::string key = session_key(first.connection()->version());
  constexpr std::int64_t kTokenLifetime_s = 86'400;  // as servers of ours have it
  if (!first.token().empty()) sessions_->put_token(key, first.token(), now_s + kTokenLifetime_s);
  if (const auto saved = first.connection()->saved_path())
    sessions_->put_path(key, http::write_saved_path(*saved, now_s),
                        now_s + static_cast<std::int64_t>(options_.common.careful_resume.lifetime_s));
}

std::expected<void, ConfigError> Client::connect() {
  std::expected<void, ConfigError> result;
  for (std::size_t i = 0; i < standing_connections_ && result; ++i) {
    ClientWorker& own = *workers_[i % workers_.size()];
    thread_.runtime().worker(i % workers_.size()).call([&](runtime::Worker&) {
      own.connections.push_back(std::make_unique<LoadConnection>(plan(), own.counters, own.latencies));
      result =
          own.connections.back()->connect(*own.dialer, i == 0 ? first_parameters(*own.dialer) : own.dialer->parameters);
      return true;
    });
  }
  if (!result) return result;
  const auto settled = [&] { return total(&Counters::ready) + total(&Counters::failed) >= standing_connections_; };
  const bool in_time = thread_.wait(settled, current_time() + kConnectTimeout);
  if (in_time && total(&Counters::failed) == 0) return {};
  std::string why = in_time ? "" : thread_.interrupted() ? "interrupted" : "no answer from the server";
  if (const std::string failure = first_failure(); !failure.empty()) why = failure;
  return cannot_connect(why);
}

std::unexpected<ConfigError> Client::cannot_connect(const std::string& why) const {
  return std::unexpected(ConfigError{fmt::format("cannot connect to {}: {}", options_.common.address, why)});
}

// Why a connection ended, if one did.
std::string Client::first_failure() {
  std::string why;
  on_each_worker([&](ClientWorker& own) {
    for (const auto& connection : own.connections)
      if (why.empty()) why = connection->failure();
    for (const auto& loop : own.loops)
      if (why.empty()) why = loop->failure();
  });
  return why;
}

std::expected<void, ConfigError> Client::start() {
  std::expected<void, ConfigError> result;
  if (!makes_handshakes()) {
    on_each_worker([](ClientWorker& own) {
      for (const auto& connection : own.connections) connection->start(own.dialer->protocol.endpoint());
    });
    if (options_.mode == Mode::kLatency || options_.mode == Mode::kDatagrams) start_pacers();
    if (options_.mode != Mode::kDatagrams) return result;
    if (const std::string failure = first_failure(); !failure.empty()) result = std::unexpected(ConfigError{failure});
    return result;
  }
  for (std::size_t i = 0; i < options_.connections && result; ++i) {
    ClientWorker& own = *workers_[i % workers_.size()];
    thread_.runtime().worker(i % workers_.size()).call([&](runtime::Worker&) {
      own.loops.push_back(
          std::make_unique<HandshakeLoop>(*own.dialer, own.counters, own.latencies,
                                          LoopOptions{.resume = options_.resume, .request = server_reports()}));
      result = own.loops.back()->connect();
      return true;
    });
  }
  return result;
}

// The first connection's side of the story; the server's is what it reported since the last look.
LiveSample Client::look() {
  LiveSample sample;
  thread_.runtime().worker(0).call([&](runtime::Worker&) {
    const ClientWorker& own = *workers_[0];
    if (own.connections.empty() || own.connections.front()->connection() == nullptr) return false;
    LoadConnection& first = *own.connections.front();
    sample.client = first.connection()->stats();
    sample.server = first.report();
    if (has_paths()) look_at_paths(first);
    if (reports_are_in()) first.request_report(own.dialer->protocol.endpoint());
    return true;
  });
  return sample;
}

void Client::start_pacers() {
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    thread_.runtime().worker(i).call([&](runtime::Worker& worker) {
      ClientWorker& own = *workers_[i];
      worker.attach(std::make_unique<Pacer>(own.connections, own.dialer->protocol.endpoint()));
      return true;
    });
  }
}

// On the first connection's thread, while this one waits.
void Client::look_at_paths(const LoadConnection& first) {
  (void)addresses_->refresh();
  const bool upload = options_.mode == Mode::kUpload || options_.mode == Mode::kDatagrams;
  const std::vector<quic::PathInfo> paths = first.connection()->paths();
  const quic::ConnectionStats stats = first.connection()->stats();
  const ServerReport server = first.report().value_or(ServerReport{});
  paths_.look({.client = paths,
               .server = first.path_reports(),
               .upload = upload,
               .client_packet = mean_packet(stats.bytes_sent, stats.packets_sent),
               .server_packet = mean_packet(server.bytes_sent, server.packets_sent)},
              addresses_->networks());
}

// Over what was printed before, on a terminal.
void Client::print_live(const LiveSample& sample, bool on_terminal) {
  std::vector<std::string> lines{live_line(options_.mode, sample)};
  if (has_paths()) std::ranges::move(live_path_lines(paths_, sample.since_last), std::back_inserter(lines));
  if (on_terminal) {
    wipe_live();
    live_lines_ = lines.size() - 1;
  }
  app::say("{}{}", fmt::join(lines, "\n"), on_terminal ? "" : "\n");
  std::fflush(stderr);
}

void Client::wipe_live() {
  if (live_lines_ != 0) app::say("\x1b[{}A", live_lines_);
  app::say("\r\x1b[J");
  live_lines_ = 0;
}

// Until everything is done, the duration is over, someone interrupts, or all is lost.
void Client::watch(Timestamp begin) {
  const bool on_terminal = !options_.common.json && ::isatty(STDERR_FILENO) != 0;
  const Duration limit = options_.duration_s > 0 ? app::seconds(options_.duration_s) : Duration{24h};
  const auto over = [&] {
    const bool all_settled = total(&Counters::idle) + total(&Counters::failed) >= options_.connections;
    return (all_settled && !makes_handshakes()) || total(&Counters::failed) >= options_.connections ||
           current_time() - begin >= limit;
  };
  Timestamp since = begin;
  std::uint64_t before = 0;
  std::uint64_t lost_before = 0;
  // Paths that are gone at the end are in the account too, whoever watches.
  const bool looks = on_terminal || options_.live || has_paths();
  if (looks) (void)look();
  while (!thread_.wait(over, std::min(current_time() + 1s, begin + limit)) && !thread_.interrupted()) {
    if (!looks) continue;
    LiveSample sample = look();
    sample.since_begin = current_time() - begin;
    sample.since_last = current_time() - since;
    sample.progress = progress() - before;
    sample.lost_before = lost_before;
    if (on_terminal || options_.live) print_live(sample, on_terminal);
    since += sample.since_last;
    before += sample.progress;
    lost_before = packets_lost(sample);
  }
  if (on_terminal) wipe_live();
}

// True if the server's word on the first connection is as new as this call.
bool Client::collect_reports() {
  thread_.forget_interruption();
  const auto are_in = [this] { return reports_are_in(); };
  if (!thread_.wait(are_in, current_time() + kEndTimeout)) return false;  // what the live line asked for last
  on_each_worker([](ClientWorker& own) {
    for (const auto& connection : own.connections) connection->request_report(own.dialer->protocol.endpoint());
  });
  if (!thread_.wait(are_in, current_time() + kEndTimeout)) return false;
  return thread_.runtime()
      .worker(0)
      .call([this](runtime::Worker&) { return workers_[0]->connections.front()->report().has_value(); })
      .value_or(false);
}

std::uint64_t Client::datagrams_offered() {
  std::uint64_t offered = 0;
  on_each_worker([&](ClientWorker& own) {
    for (const auto& connection : own.connections) offered += connection->datagrams().offered;
  });
  return offered;
}

// Stops what still runs and fills in the outcome.
void Client::finish(Timestamp begin, Outcome& outcome) {
  Timestamp end = current_time();
  outcome.octets = total(&Counters::octets_received);
  outcome.exchanges = total(&Counters::exchanges);
  outcome.resumed = total(&Counters::resumed);
  outcome.early = total(&Counters::early);
  const bool complete = !makes_handshakes() && total(&Counters::idle) >= options_.connections;
  on_each_worker([&](ClientWorker& own) {
    for (const auto& loop : own.loops) loop->stop();
    for (const auto& connection : own.connections)
      if (!complete && !makes_handshakes()) connection->stop(own.dialer->protocol.endpoint());
  });
  // The end of an upload is the server's word that all of it has arrived.
  if (options_.mode == Mode::kUpload)
    (void)thread_.wait([&] { return total(&Counters::idle) + total(&Counters::failed) >= options_.connections; },
                       current_time() + kEndTimeout);
  if (options_.mode == Mode::kDatagrams) {
    if (!options_.datagrams.one_way)
      (void)thread_.wait([&] { return total(&Counters::exchanges) >= datagrams_offered(); },
                         current_time() + kDatagramsEnd);
    outcome.exchanges = total(&Counters::exchanges);
  } else if (complete || options_.mode == Mode::kUpload) {
    end = begin;
    on_each_worker([&](ClientWorker& own) {
      for (const auto& connection : own.connections) end = std::max(end, connection->last_end());
    });
  }
  outcome.seconds = to_seconds(end - begin);
}

std::expected<Outcome, ConfigError> Client::run() {
  HAWSER_TRY_VOID(prepare());
  HAWSER_TRY_VOID(connect());
  Outcome outcome;
  outcome.engine = thread_.runtime().engine();
  outcome.server_cpu_known = server_reports() && collect_reports();
  const auto server_cpu = [&] {
    CpuTime cpu;
    if (!outcome.server_cpu_known) return cpu;
    thread_.runtime().worker(0).call([&](runtime::Worker&) {
      if (const auto& report = workers_[0]->connections.front()->report())
        cpu = {Duration{static_cast<std::int64_t>(report->cpu_user_ns)},
               Duration{static_cast<std::int64_t>(report->cpu_system_ns)}};
      return true;
    });
    return cpu;
  };
  const CpuTime server_before = server_cpu();
  const CpuTime client_before = process_cpu_time();
  const Timestamp begin = current_time();
  HAWSER_TRY_VOID(start());
  watch(begin);
  outcome.interrupted = thread_.interrupted();
  finish(begin, outcome);
  outcome.client_cpu = process_cpu_time() - client_before;
  outcome.server_cpu_known = outcome.server_cpu_known && collect_reports();
  outcome.server_cpu = server_cpu() - server_before;
  outcome.failed_connections = total(&Counters::failed);
  if (outcome.failed_connections != 0) outcome.failure = first_failure();
  on_each_worker([&](ClientWorker& own) {
    outcome.latencies.add_all(own.latencies);
    for (const auto& connection : own.connections) {
      outcome.datagrams.add(connection->datagrams());
      if (connection->connection() == nullptr) continue;
      outcome.client_stats.push_back(connection->connection()->stats());
      outcome.client_times.push_back(connection->connection()->receive_time_stats());
      outcome.client_fec.push_back(connection->connection()->fec_stats());
      if (connection->report()) outcome.server_reports.push_back(*connection->report());
    }
  });
  thread_.runtime().worker(0).call([this](runtime::Worker&) {
    if (!workers_[0]->connections.empty()) keep_session();
    return true;
  });
  if (has_paths()) finish_paths(outcome);
  if (options_.mode == Mode::kUpload) {
    outcome.octets = 0;
    for (const ServerReport& report : outcome.server_reports) outcome.octets += report.transfer_octets_received;
  }
  return outcome;
}

// What the first connection's paths did in all.
void Client::finish_paths(Outcome& outcome) {
  PathOutcome& paths = outcome.paths.emplace();
  thread_.runtime().worker(0).call([&](runtime::Worker&) {
    const LoadConnection& first = *workers_[0]->connections.front();
    paths.longest_pause = first.longest_pause();
    if (first.connection() == nullptr) return false;
    look_at_paths(first);
    paths.stats = first.connection()->multipath_stats();
    paths.scheduler = first.connection()->path_scheduler();
    paths.scheduler_failure = first.connection()->path_scheduler_failure();
    if (options_.mode == Mode::kUpload && first.report())
      paths.longest_pause = Duration{static_cast<std::int64_t>(first.report()->longest_pause_ns)};
    return true;
  });
  paths.table = paths_;
}

// The same transfer over each interface by itself, one after the other.
std::expected<std::vector<AloneRun>, ConfigError> measure_alone(const ClientOptions& options) {
  std::vector<AloneRun> runs;
  for (const std::string& text : options.paths.interfaces) {
    HAWSER_TRY(const runtime::PathInterface interface, runtime::parse_path_interface(text));
    if (std::ranges::find(runs, interface.name, &AloneRun::interface) != runs.end()) continue;
    ClientOptions alone = options;
    alone.paths.interfaces = {interface.name};
    alone.paths.use = "aggregate";
    HAWSER_TRY(const Outcome outcome, Client(alone).run());
    if (outcome.interrupted || outcome.failed_connections != 0)
      return std::unexpected(ConfigError{
          fmt::format("{} alone: {}", interface.name, outcome.interrupted ? "interrupted" : "the connection broke")});
    runs.push_back({.interface = interface.name, .goodput_bps = goodput_bps(alone, outcome)});
    if (!options.common.json) app::say("{} alone: {}\n", interface.name, rate_text(runs.back().goodput_bps));
  }
  return runs;
}

std::expected<Outcome, ConfigError> measure(const ClientOptions& options) {
  std::vector<AloneRun> alone;
  if (options.paths_alone) {
    HAWSER_TRY(alone, measure_alone(options));
  }
  HAWSER_TRY(Outcome outcome, Client(options).run());
  if (outcome.paths) outcome.paths->alone = std::move(alone);
  return outcome;
}

}  // namespace

int run_client(const ClientOptions& options) {
  const auto outcome = measure(options);
  if (!outcome) {
    app::say("hawser perf client: {}\n", outcome.error().message);
    return 1;
  }
  fmt::print("{}", options.common.json ? to_json(options, *outcome) : describe(options, *outcome));
  if (!outcome->failure.empty()) app::say("hawser perf client: {}\n", outcome->failure);
  return outcome->failed_connections == 0 ? 0 : 1;
}

}  // namespace hawser::perf
