// datagram_channel.cc: the two halves of a channel and the lock between them.
#include "runtime/datagram_channel.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <utility>

#include "runtime/clock.h"
#include "runtime/endpoint_protocol.h"
#include "runtime/path_manager.h"

namespace hawser::runtime {
namespace {

// Alerts that a client sends when it does not accept a certificate (RFC 8446 section 6.2).
constexpr std::uint64_t kCryptoErrorBase = 0x100;
bool is_of_certificate(const quic::CloseReason& reason) {
  const std::uint64_t alert = reason.error_code - kCryptoErrorBase;
  return reason.kind == quic::CloseReason::Kind::kLocalTransport && alert >= 42 && alert <= 48 && alert != 47;
}

}  // namespace

// One call of the application, in the order in which they were made.
struct DatagramChannel::Call {
  enum class Kind : std::uint8_t { kSend, kSetFlow, kCloseFlow };
  Kind kind = Kind::kSend;
  quic::SendDatagramOptions options;
  quic::DatagramFlow flow;
  std::size_t size = 0;  // octets of payload, behind those of the calls before
};

struct DatagramChannel::Shared {
  explicit Shared(const DatagramChannelOptions& options)
      : receive_max(std::max<std::size_t>(options.receive_max, 1)),
        reports_max(options.reports_max),
        untaken_max(options.untaken_max) {}

  const std::size_t receive_max;
  const std::size_t reports_max;
  const std::size_t untaken_max;

  std::mutex mutex;
  std::condition_variable changed;
  bool open = false;
  std::optional<ChannelEnd> end;
  std::size_t max_payload = 0;
  std::vector<Call> calls;  // that the worker has not taken, and the payloads of those that send
  std::vector<std::uint8_t> octets;
  std::deque<std::vector<std::uint8_t>> received;
  std::deque<ChannelReport> reports;
  Stats last;  // at the end

  // The lock is held.
  void add(const ChannelReport& report) {
    if (reports.size() >= reports_max) reports.pop_front();
    reports.push_back(report);
  }
};

// Lives on the worker, which drives it for nothing: the datagrams go to the endpoint beside it.
class DatagramChannel::Link final : public DatagramProtocol, public quic::ConnectionHandler, public ConnectionOwner {
 public:
  Link(EndpointProtocol& endpoint, std::shared_ptr<Shared> shared, quic::TlsClientContext tls, PathManager* paths,
       std::unique_ptr<QlogLog> qlog)
      : endpoint_(endpoint), shared_(std::move(shared)), tls_(std::move(tls)), paths_(paths), qlog_(std::move(qlog)) {}

  // An error if no attempt could be begun.
  std::expected<void, ConfigError> connect(const DatagramChannelOptions& options) {
    parameters_ = {.tuple = {}, .server_name = options.server_name, .tls = &tls_, .connection = options.connection};
    for (const SocketAddress& remote : options.remotes) attempts_.add(remote, endpoint_.places(remote), kAddressDelay);
    return attempt();
  }
  void close() {
    attempts_.stop();
    next_attempt_.reset();
    if (connection_ != nullptr) return end(*connection_);
    for (quic::Connection* const begun : std::vector(begun_)) end(*begun);
  }
  // Gives all back once the connection is over; the last call.
  void retire(Worker& worker) {
    close();
    std::vector<DatagramProtocol*> all{&endpoint_};
    if (paths_ != nullptr) all.push_back(paths_);
    all.push_back(this);
    worker.retire(std::move(all));
  }
  // Takes the calls that came since the last time; before the connection came about they wait.
  void take_calls() {
    if (connection_ == nullptr && !begun_.empty()) return;
    {
      const std::lock_guard lock(shared_->mutex);
      calls_.swap(shared_->calls);
      octets_.swap(shared_->octets);
    }
    std::size_t at = 0;
    for (const Call& call : calls_) {
      run(call, Bytes(octets_).subspan(at, call.size));
      at += call.size;
    }
    calls_.clear();
    octets_.clear();
    if (connection_ == nullptr) return;
    note_size();
    endpoint_.endpoint().wake(*connection_);
  }
  [[nodiscard]] quic::Connection* current_connection() override { return connection_; }
  [[nodiscard]] std::unique_ptr<PathControl> paths(Worker& worker) {
    return std::make_unique<PathControl>(worker, endpoint_, paths_, *this);
  }
  static Stats stats_of(const quic::Connection& connection) {
    return {connection.datagram_stats(), connection.stats().smoothed_rtt, connection.fec_stats()};
  }
  [[nodiscard]] Stats stats() const {
    if (connection_ != nullptr) return stats_of(*connection_);
    const std::lock_guard lock(shared_->mutex);
    return shared_->last;
  }

  // The first one is kept.
  void on_handshake_complete(quic::Connection& connection) override {
    if (connection_ != nullptr) return end(connection);
    attempts_.stop();
    next_attempt_.reset();
    connection_ = &connection;
    for (quic::Connection* const other : std::exchange(begun_, {}))
      if (other != &connection) end(*other);
    take_calls();
    note_size();
    const std::lock_guard lock(shared_->mutex);
    shared_->open = true;
    shared_->changed.notify_all();
  }
  void on_datagram(quic::Connection&, Bytes payload) override {
    const std::lock_guard lock(shared_->mutex);
    if (shared_->received.size() >= shared_->receive_max) shared_->received.pop_front();
    shared_->received.emplace_back(payload.begin(), payload.end());
    shared_->changed.notify_one();
  }
  void on_datagram_reports(quic::Connection&, std::span<const quic::DatagramReport> reports) override {
    note_size();
    const std::lock_guard lock(shared_->mutex);
    for (const quic::DatagramReport& report : reports) shared_->add({report});
  }
  void on_closed(quic::Connection& connection, const quic::CloseReason& reason) override {
    if (connection_ != &connection) {
      // One that lost, or one of several that are still tried.
      if (std::erase(begun_, &connection) == 0) return;
      if (is_of_certificate(reason)) attempts_.stop();
      if (attempt() || !begun_.empty()) return;
    }
    const Stats last = stats_of(connection);
    connection_ = nullptr;
    using Kind = quic::CloseReason::Kind;
    const std::lock_guard lock(shared_->mutex);
    shared_->last = last;
    shared_->max_payload = 0;
    shared_->end = ChannelEnd{
        .local = reason.kind == Kind::kLocalApplication,
        .certificate = is_of_certificate(reason),
        .timeout = reason.kind == Kind::kHandshakeTimeout || reason.kind == Kind::kIdleTimeout,
        .message = reason.kind == Kind::kLocalTransport && !reason.reason.empty() ? reason.reason : describe(reason)};
    shared_->changed.notify_all();
  }

  void on_datagrams(std::span<ReceivedTrain>, Timestamp) override {}
  void on_timeout(Timestamp now) override {
    if (next_attempt_ && now >= *next_attempt_) (void)attempt();
  }
  std::size_t next_transmits(Timestamp, std::span<TransmitTrain>) override { return 0; }
  [[nodiscard]] std::optional<Timestamp> next_timeout() const override { return next_attempt_; }
  void close(Timestamp) override {}
  [[nodiscard]] bool idle() const override { return true; }

 private:
  // RFC 8305 section 5.
  static constexpr Duration kAddressDelay = 250ms;

  // Begins the next attempt that can be begun.
  std::expected<void, ConfigError> attempt() {
    next_attempt_.reset();
    ConfigError why{"every address has been tried"};
    while (const std::optional<FourTuple> way = attempts_.next()) {
      quic::ClientParameters parameters = parameters_;
      parameters.tuple = *way;
      const auto begun = endpoint_.connect(std::move(parameters), *this);
      if (!begun) {
        why = begun.error();
        continue;
      }
      begun_.push_back(*begun);
      if (const std::optional<Duration> head_start = attempts_.head_start())
        next_attempt_ = current_time() + *head_start;
      return {};
    }
    return std::unexpected(std::move(why));
  }
  void end(quic::Connection& connection) {
    connection.close(0, "");
    endpoint_.endpoint().wake(connection);
  }
  void run(const Call& call, Bytes payload) {
    if (connection_ == nullptr) return;
    switch (call.kind) {
      case Call::Kind::kSetFlow:
        (void)connection_->set_datagram_flow(call.options.flow, call.flow);
        return;
      case Call::Kind::kCloseFlow:
        connection_->close_datagram_flow(call.options.flow);
        return;
      case Call::Kind::kSend:
        if (connection_->send_datagram(payload, call.options)) return;
        const std::lock_guard lock(shared_->mutex);
        shared_->add({.report = {.flow = call.options.flow,
                                 .id = call.options.id,
                                 .size = static_cast<std::uint32_t>(payload.size())},
                      .refused = true});
        return;
    }
  }
  void note_size() {
    if (connection_ == nullptr) return;
    const std::size_t most = connection_->max_datagram_payload();
    const std::lock_guard lock(shared_->mutex);
    shared_->max_payload = most;
  }

  EndpointProtocol& endpoint_;
  std::shared_ptr<Shared> shared_;
  quic::TlsClientContext tls_;
  PathManager* paths_;                 // null: one path
  std::unique_ptr<QlogLog> qlog_;      // the endpoint's, which ends before this
  quic::ClientParameters parameters_;  // of each attempt, but for its addresses
  net::Attempts attempts_;
  std::optional<Timestamp> next_attempt_;
  std::vector<quic::Connection*> begun_;    // attempts under way
  quic::Connection* connection_ = nullptr;  // that came about
  std::vector<Call> calls_;                 // memory for the next batch
  std::vector<std::uint8_t> octets_;
};

std::expected<std::unique_ptr<DatagramChannel>, ConfigError> DatagramChannel::open(Worker& worker,
                                                                                   DatagramChannelOptions options) {
  HAWSER_TRY(auto tls, quic::TlsClientContext::create(options.tls));
  HAWSER_TRY(std::unique_ptr<QlogLog> qlog, QlogLog::create(options.qlog));
  const auto shared = std::make_shared<Shared>(options);
  std::unique_ptr<DatagramChannel> channel(new DatagramChannel(worker, shared));
  const auto connected = worker.call([&](Worker& w) -> std::expected<void, ConfigError> {
    // The worker destroys them in this order, the connection before what it refers to.
    auto& endpoint = static_cast<EndpointProtocol&>(w.attach(std::make_unique<EndpointProtocol>(
        w, quic::EndpointConfig{.events = qlog ? &qlog->sink() : nullptr}, Goodbye{.code = 0, .reason = {}})));
    std::expected<PathManager*, ConfigError> paths{nullptr};
    if (options.paths) paths = PathManager::attach(w, endpoint, *options.paths);
    channel->link_ = &static_cast<Link&>(
        w.attach(std::make_unique<Link>(endpoint, shared, std::move(tls), paths.value_or(nullptr), std::move(qlog))));
    if (!paths) return std::unexpected(paths.error());
    return channel->link_->connect(options);
  });
  if (!connected) return std::unexpected(ConfigError{"the worker has ended"});
  if (!*connected) return std::unexpected(connected->error());
  return channel;
}

DatagramChannel::~DatagramChannel() {
  if (link_ != nullptr) worker_.post([link = link_](Worker& w) { link->retire(w); });
}

void DatagramChannel::close() {
  // The link is the worker's and outlives this object, which may be gone by then.
  if (link_ != nullptr) worker_.post([link = link_](Worker&) { link->close(); });
}

bool DatagramChannel::wait_until_open(Duration timeout) {
  std::unique_lock lock(shared_->mutex);
  (void)shared_->changed.wait_for(lock, std::chrono::nanoseconds(timeout.count()),
                                  [this] { return shared_->open || shared_->end.has_value(); });
  return shared_->open && !shared_->end.has_value();
}

bool DatagramChannel::hand_over(const Call& call, Bytes payload) {
  {
    const std::lock_guard lock(shared_->mutex);
    if (shared_->end.has_value() || shared_->calls.size() >= shared_->untaken_max) return false;
    if (payload.size() > shared_->max_payload) return false;
    shared_->calls.push_back(call);
    shared_->octets.insert(shared_->octets.end(), payload.begin(), payload.end());
    // The worker takes all that is there when it comes to it.
    if (shared_->calls.size() != 1) return true;
  }
  return worker_.post([link = link_](Worker&) { link->take_calls(); });
}

bool DatagramChannel::set_flow(quic::DatagramFlowId id, const quic::DatagramFlow& flow) {
  return hand_over({.kind = Call::Kind::kSetFlow, .options = {.flow = id}, .flow = flow}, {});
}

bool DatagramChannel::close_flow(quic::DatagramFlowId id) {
  return hand_over({.kind = Call::Kind::kCloseFlow, .options = {.flow = id}}, {});
}

bool DatagramChannel::send(Bytes payload, const quic::SendDatagramOptions& options) {
  return hand_over({.options = options, .size = payload.size()}, payload);
}

std::optional<std::vector<std::uint8_t>> DatagramChannel::receive(Duration timeout) {
  std::unique_lock lock(shared_->mutex);
  (void)shared_->changed.wait_for(lock, std::chrono::nanoseconds(timeout.count()),
                                  [this] { return !shared_->received.empty() || shared_->end.has_value(); });
  if (shared_->received.empty()) return std::nullopt;
  std::vector<std::uint8_t> payload = std::move(shared_->received.front());
  shared_->received.pop_front();
  return payload;
}

std::vector<ChannelReport> DatagramChannel::take_reports() {
  const std::lock_guard lock(shared_->mutex);
  std::vector<ChannelReport> all(shared_->reports.begin(), shared_->reports.end());
  shared_->reports.clear();
  return all;
}

std::size_t DatagramChannel::max_payload() const {
  const std::lock_guard lock(shared_->mutex);
  return shared_->max_payload;
}

std::optional<ChannelEnd> DatagramChannel::ended() const {
  const std::lock_guard lock(shared_->mutex);
  return shared_->end;
}

std::unique_ptr<PathControl> DatagramChannel::paths() {
  auto control = worker_.call([link = link_](Worker& worker) { return link->paths(worker); });
  return control ? std::move(*control) : nullptr;
}

DatagramChannel::Stats DatagramChannel::stats() const {
  return worker_.call([link = link_](Worker&) { return link->stats(); }).value_or(Stats{});
}

}  // namespace hawser::runtime
