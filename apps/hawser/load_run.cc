// load_run.cc: the thread that starts a run, shows how it goes and adds up; the run itself is
// in load_worker.cc, on the workers' threads.
#include "load_run.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <optional>
#include <vector>

#include "first_answer.h"
#include "load_worker.h"
#include "perf_options.h"
#include "run_thread.h"
#include "runtime/clock.h"
#include "runtime/key_log.h"
#include "runtime/qlog_log.h"
#include "runtime/resolver.h"
#include "say.h"

namespace hawser::load {
namespace {

using runtime::current_time;

// For CONNECTION_CLOSE to leave.
constexpr Duration kDrain = 100ms;

class Run {
 public:
  explicit Run(const LoadOptions& options) : options_(options) {}

  std::expected<Outcome, ConfigError> run();

 private:
  std::expected<void, ConfigError> prepare();
  std::expected<void, ConfigError> add_worker(std::size_t index, const SocketAddress& remote);
  std::expected<void, ConfigError> connect();
  [[nodiscard]] std::unexpected<ConfigError> cannot_connect(const std::string& why) const;
  void start();
  void watch();
  void finish(Outcome& outcome);
  [[nodiscard]] bool over() const;
  void show_progress(Timestamp since, std::uint64_t before) const;
  template <class Kind>
  [[nodiscard]] std::uint64_t total(Kind Progress::* counter) const {
    std::uint64_t sum = 0;
    for (const LoadWorker* worker : workers_) sum += (worker->progress().*counter).value();
    return sum;
  }
  // Connections that have nothing more to do, by success or by failure.
  [[nodiscard]] bool all_settled() const {
    return total(&Progress::connections_idle) + total(&Progress::connections_failed) >= options_.arguments.connections;
  }
  const LoadOptions& options_;
  std::unique_ptr<runtime::KeyLog> key_log_;
  std::vector<std::unique_ptr<runtime::QlogLog>> qlog_;  // each a worker's, which ends before; may be null
  std::vector<LoadWorker*> workers_;                     // the runtime's
  Window window_;
  perf::CpuTime cpu_before_;
  perf::CpuTime cpu_after_;
  Timestamp ended_{};
  perf::RunThread thread_;
};

std::expected<void, ConfigError> Run::prepare() {
  HAWSER_TRY(const std::vector<SocketAddress> addresses,
             runtime::resolve(options_.connect_host, options_.connect_port));
  HAWSER_TRY(key_log_, runtime::KeyLog::open_from_environment());
  HAWSER_TRY(auto runtime, perf::start_runtime(options_.arguments.common, kDrain));
  thread_.set_runtime(std::move(runtime));
  for (std::size_t i = 0; i < thread_.runtime().size(); ++i) HAWSER_TRY_VOID(add_worker(i, addresses.front()));
  const auto remote = perf::first_answer(thread_, workers_.front()->endpoint(), workers_.front()->parameters(),
                                         addresses, options_.timeout);
  if (!remote) return cannot_connect(remote.error().message);
  thread_.on_each_worker(workers_, [&](LoadWorker& worker) { worker.set_remote(*remote); });
  return {};
}

std::expected<void, ConfigError> Run::add_worker(std::size_t index, const SocketAddress& remote) {
  quic::TlsClientOptions tls{.common = {.alpn = {std::string(http3::kAlpn)}},
                             .trust = {.ca_file = options_.arguments.ca_file},
                             .verify_peer = !options_.arguments.insecure,
                             .early_data = options_.arguments.early_data};
  if (key_log_ != nullptr) {
    tls.common.key_log = runtime::KeyLog::sink;
    tls.common.key_log_context = key_log_.get();
  }
  HAWSER_TRY(auto context, quic::TlsClientContext::create(tls));
  HAWSER_TRY(auto qlog, runtime::QlogLog::create(options_.arguments.common.qlog));
  EventSink* const events = qlog ? &qlog->sink() : nullptr;
  qlog_.push_back(std::move(qlog));
  thread_.runtime().worker(index).call([&](runtime::Worker& worker) {
    // The worker destroys them in this order, connections before what they refer to.
    auto& endpoint = static_cast<runtime::EndpointProtocol&>(worker.attach(std::make_unique<runtime::EndpointProtocol>(
        worker, quic::EndpointConfig{.events = events},
        runtime::Goodbye{.code = static_cast<quic::ApplicationErrorCode>(http3::ErrorCode::kNoError), .reason = {}})));
    workers_.push_back(&static_cast<LoadWorker&>(worker.attach(std::make_unique<LoadWorker>(
        options_, remote, WorkerPlace{.index = index, .workers = thread_.runtime().size(), .bell = &thread_.bell()},
        endpoint, std::move(context)))));
    return true;
  });
  return {};
}

std::expected<void, ConfigError> Run::connect() {
  std::expected<void, ConfigError> result;
  thread_.on_each_worker(workers_, [&](LoadWorker& worker) {
    if (result) result = worker.connect_all();
  });
  if (!result) return result;
  const auto settled = [&] {
    return total(&Progress::connections_ready) + total(&Progress::connections_failed) >= options_.arguments.connections;
  };
  const bool in_time = thread_.wait(settled, current_time() + options_.timeout);
  if (total(&Progress::connections_ready) != 0 && !thread_.interrupted()) return {};
  std::string why = thread_.interrupted() ? "interrupted" : in_time ? "" : "no answer from the server";
  thread_.on_each_worker(workers_, [&](const LoadWorker& worker) {
    if (why.empty()) why = worker.stats().failure;
  });
  return cannot_connect(why);
}

std::unexpected<ConfigError> Run::cannot_connect(const std::string& why) const {
  return std::unexpected(
      ConfigError{fmt::format("cannot connect to {}:{}: {}", options_.connect_host, options_.connect_port, why)});
}

void Run::start() {
  window_.begin = current_time();
  window_.measure_from = window_.begin + options_.warm_up;
  if (options_.duration != Duration{0}) window_.end = window_.measure_from + options_.duration;
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    thread_.runtime().worker(i).post(
        [worker = workers_[i], window = window_](runtime::Worker&) { worker->start(window, current_time()); });
  }
}

// A closed loop by time is over then; every other run when all that was to be sent is answered.
bool Run::over() const {
  if (options_.rate == 0 && window_.end != kNever && current_time() >= window_.end) return true;
  return all_settled();
}

void Run::show_progress(Timestamp since, std::uint64_t before) const {
  const Timestamp now = current_time();
  const std::uint64_t done = total(&Progress::requests_done);
  const double rate = static_cast<double>(done - before) / to_seconds(now - since);
  app::say("\r{:4.0f} s  {:9.0f} requests/s  {} done, {} failed{}   ", to_seconds(now - window_.begin), rate, done,
           total(&Progress::requests_failed), now < window_.measure_from ? " (warming up)" : "");
  std::fflush(stderr);
}

void Run::watch() {
  const bool on_terminal = !options_.arguments.common.json && ::isatty(STDERR_FILENO) != 0;
  (void)thread_.wait([] { return false; }, window_.measure_from);
  cpu_before_ = perf::process_cpu_time();
  // A closed loop ends with its time. In an open one, what fell due before the end is waited for as
  // long as one request may take.
  const Timestamp last = window_.end == kNever ? kNever : window_.end + options_.timeout;
  const Timestamp first = options_.rate == 0 ? window_.end : last;
  while (!thread_.interrupted()) {
    const Timestamp since = current_time();
    const std::uint64_t before = total(&Progress::requests_done);
    if (thread_.wait([&] { return over(); }, std::min(first, since + 1s)) || current_time() >= last) break;
    if (on_terminal) show_progress(since, before);
  }
  ended_ = current_time();
  cpu_after_ = perf::process_cpu_time();
  if (on_terminal) app::say("\r{:78}\r", "");
}

void Run::finish(Outcome& outcome) {
  thread_.on_each_worker(workers_, [&](LoadWorker& worker) {
    worker.stop(current_time());
    outcome.stats.add_all(worker.stats());
  });
  // A closed loop counts until its end and no longer.
  const Timestamp end = options_.rate == 0 ? std::min(ended_, window_.end) : ended_;
  outcome.seconds = to_seconds(end - window_.measure_from);
  outcome.cpu = cpu_after_ - cpu_before_;
  outcome.connections_failed = total(&Progress::connections_failed);
}

std::expected<Outcome, ConfigError> Run::run() {
  HAWSER_TRY_VOID(prepare());
  HAWSER_TRY_VOID(connect());
  start();
  watch();
  Outcome outcome;
  finish(outcome);
  return outcome;
}

}  // namespace

std::expected<Outcome, ConfigError> measure(const LoadOptions& options) {
  return Run(options).run();
}

int run_load(const LoadOptions& options) {
  const auto outcome = measure(options);
  if (!outcome) {
    app::say("hawser load: {}\n", outcome.error().message);
    return 1;
  }
  fmt::print("{}", options.arguments.common.json ? to_json(options, *outcome) : describe(options, *outcome));
  return outcome->errors() == 0 ? 0 : 1;
}

}  // namespace hawser::load
