// first_answer.cc: the attempts, on the first worker's thread.
#include "first_answer.h"

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "http/client.h"
#include "net/attempts.h"

namespace hawser::perf {
namespace {

using runtime::current_time;

// Driven for its timer alone; the datagrams go to the endpoint beside it.
class Search final : public runtime::DatagramProtocol {
 public:
  Search(runtime::EndpointProtocol& endpoint, quic::ClientParameters parameters, Bell& bell)
      : endpoint_(endpoint), parameters_(std::move(parameters)), settled_(&bell) {}

  void start(const std::vector<SocketAddress>& addresses, Timestamp now) {
    const Duration delay = http::ClientOptions{}.attempt_delay;
    for (const SocketAddress& remote : addresses) attempts_.add(remote, endpoint_.places(remote), delay);
    try_next(now);
  }
  // Any thread: 1 once all is known.
  [[nodiscard]] const Milestone& settled() const { return settled_; }
  [[nodiscard]] const std::optional<SocketAddress>& answered() const { return answered_; }
  [[nodiscard]] const std::string& failure() const { return failure_; }
  void stop() {
    settle();
    for (const auto& attempt : tried_) attempt->close();
  }

  void on_datagrams(std::span<ReceivedTrain>, Timestamp) override {}
  void on_timeout(Timestamp now) override {
    if (next_try_ && now >= *next_try_) try_next(now);
  }
  std::size_t next_transmits(Timestamp, std::span<TransmitTrain>) override { return 0; }
  [[nodiscard]] std::optional<Timestamp> next_timeout() const override { return next_try_; }
  void close(Timestamp) override { stop(); }
  [[nodiscard]] bool idle() const override { return open_ == 0; }

 private:
  class Attempt final : public quic::ConnectionHandler {
   public:
    Attempt(Search& search, const SocketAddress& remote) : search_(search), remote_(remote) {}
    void on_handshake_complete(quic::Connection&) override { search_.on_answer(remote_); }
    void on_closed(quic::Connection&, const quic::CloseReason& reason) override {
      const Timestamp now = connection_->now();
      connection_ = nullptr;
      search_.on_over(remote_, reason, now);
    }
    void open(quic::Connection& connection) { connection_ = &connection; }
    void close() {
      if (connection_ == nullptr) return;
      connection_->close(0, "");
      search_.endpoint_.endpoint().wake(*connection_);
    }

   private:
    Search& search_;
    SocketAddress remote_;
    quic::Connection* connection_ = nullptr;  // null before open() and once closed
  };

  void try_next(Timestamp now) {
    next_try_.reset();
    while (const std::optional<FourTuple> way = attempts_.next()) {
      quic::ClientParameters parameters = parameters_;
      parameters.tuple = *way;
      auto attempt = std::make_unique<Attempt>(*this, way->remote);
      const auto connection = endpoint_.connect(std::move(parameters), *attempt);
      if (!connection) {
        failure_ = connection.error().message;
        continue;
      }
      attempt->open(**connection);
      tried_.push_back(std::move(attempt));
      ++open_;
      if (const std::optional<Duration> head_start = attempts_.head_start()) next_try_ = now + *head_start;
      return;
    }
    if (open_ == 0) settle();
  }

  void on_answer(const SocketAddress& remote) {
    if (settled_.value() != 0) return;
    answered_ = remote;
    stop();
  }

  void on_over(const SocketAddress& remote, const quic::CloseReason& reason, Timestamp now) {
    --open_;
    if (settled_.value() != 0) return;
    failure_ = to_string(remote) + ": " + describe(reason);
    try_next(now);
  }

  void settle() {
    next_try_.reset();
    attempts_.stop();
    if (settled_.value() == 0) settled_.add(1);
  }

  runtime::EndpointProtocol& endpoint_;
  quic::ClientParameters parameters_;
  net::Attempts attempts_;
  std::vector<std::unique_ptr<Attempt>> tried_;
  std::size_t open_ = 0;
  std::optional<Timestamp> next_try_;
  std::optional<SocketAddress> answered_;
  std::string failure_;
  Milestone settled_;
};

}  // namespace

std::expected<SocketAddress, ConfigError> first_answer(RunThread& thread, runtime::EndpointProtocol& endpoint,
                                                       const quic::ClientParameters& parameters,
                                                       const std::vector<SocketAddress>& addresses, Duration timeout) {
  if (addresses.size() == 1) return addresses.front();
  runtime::Worker& first = thread.runtime().worker(0);
  Search* search = nullptr;
  first.call([&](runtime::Worker& worker) {
    search = &static_cast<Search&>(worker.attach(std::make_unique<Search>(endpoint, parameters, thread.bell())));
    search->start(addresses, current_time());
    return true;
  });
  (void)thread.wait([&] { return search->settled().value() != 0; }, current_time() + timeout);
  std::expected<SocketAddress, ConfigError> found =
      std::unexpected(ConfigError{thread.interrupted() ? "interrupted" : "no answer from the server"});
  first.call([&](runtime::Worker& worker) {
    search->stop();
    if (search->answered()) {
      found = *search->answered();
    } else if (!search->failure().empty()) {
      found = std::unexpected(ConfigError{search->failure()});
    }
    worker.retire({search});
    return true;
  });
  return found;
}

}  // namespace hawser::perf
