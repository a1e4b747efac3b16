// http3_client.cc: the public client: waits on the caller's thread for what the worker's
// thread brings.
#include "hawser/http3_client.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>

#include "api/path_options.h"
#include "net/address.h"
#include "runtime/http_client.h"
#include "runtime/resolver.h"
#include "runtime/runtime.h"

namespace hawser::http3 {

// One request: filled on the worker's thread, read by whoever waits. Keeps itself alive until
// the last call of the client, so that a dropped PendingResponse does no harm.
class PendingResponse::State final : public http::ResponseSink {
 public:
  explicit State(std::size_t body_max) : body_max_(body_max) {}

  void keep_alive(std::shared_ptr<State> self) { self_ = std::move(self); }

  void on_head(const MessageHead& head, Timestamp) override {
    if (head.status < 200) return;
    response_.status = head.status;
    for (const Field& field : head.fields) {
      if (!field.name.starts_with(':')) response_.headers.emplace_back(field.name, field.value);
    }
  }

  std::size_t on_body(std::span<const Bytes> views, Timestamp) override {
    std::size_t taken = 0;
    for (const Bytes& view : views) {
      taken += view.size();
      too_large_ = response_.body.size() + view.size() > body_max_;
      if (too_large_) return kNoMore;
      response_.body += as_text(view);
    }
    return taken;
  }

  void on_end(Timestamp) override {
    if (too_large_) {
      settle(std::unexpected(
          hawser::Error{hawser::Error::Kind::kTooLarge, "the response is larger than response_body_max: raise it"}));
    } else {
      settle(std::move(response_));
    }
  }

  void on_failure(const http::ClientFailure& failure, Timestamp) override {
    settle(std::unexpected(hawser::Error{kind_of(failure.kind), failure.message}));
  }

  std::expected<Response, hawser::Error> wait() {
    std::unique_lock lock(mutex_);
    settled_.wait(lock, [this] { return result_.has_value(); });
    return std::move(*result_);
  }

  bool ready() {
    const std::lock_guard lock(mutex_);
    return result_.has_value();
  }

 private:
  static hawser::Error::Kind kind_of(http::ClientFailure::Kind kind) {
    using Kind = http::ClientFailure::Kind;
    switch (kind) {
      case Kind::kConnect:
        return hawser::Error::Kind::kConnect;
      case Kind::kTimeout:
        return hawser::Error::Kind::kTimeout;
      case Kind::kCertificate:
        return hawser::Error::Kind::kCertificate;
      case Kind::kRequest:
        return hawser::Error::Kind::kOptions;
      default:
        return hawser::Error::Kind::kProtocol;
    }
  }

  void settle(std::expected<Response, hawser::Error> result) {
    const std::shared_ptr<State> self = std::move(self_);
    const std::lock_guard lock(mutex_);
    result_ = std::move(result);
    settled_.notify_all();
  }

  std::size_t body_max_;
  Response response_;
  bool too_large_ = false;
  std::shared_ptr<State> self_;
  std::mutex mutex_;
  std::condition_variable settled_;
  std::optional<std::expected<Response, hawser::Error>> result_;
};

PendingResponse::PendingResponse(std::shared_ptr<State> state) : state_(std::move(state)) {}
PendingResponse::PendingResponse(PendingResponse&&) noexcept = default;
PendingResponse& PendingResponse::operator=(PendingResponse&&) noexcept = default;
PendingResponse::~PendingResponse() = default;

std::expected<Response, hawser::Error> PendingResponse::wait() {
  return state_->wait();
}
bool PendingResponse::ready() const {
  return state_->ready();
}

struct Client::Impl {
  std::unique_ptr<runtime::HttpClients> clients;
  std::size_t connection = 0;
  std::string authority;
  std::size_t body_max = 0;
  std::unique_ptr<Paths> paths;
};

namespace {

// "host:port", "[v6]:port" or either without a port.
struct Target {
  std::string host;
  std::uint16_t port = 443;
};

std::expected<Target, hawser::Error> split(const std::string& authority) {
  if (authority.empty())
    return std::unexpected(
        hawser::Error{hawser::Error::Kind::kOptions, "authority is empty: give \"host\" or \"host:port\""});
  const std::size_t colon = authority.rfind(':');
  const bool has_port =
      colon != std::string::npos && authority.find(']', colon) == std::string::npos && authority.find(':') == colon;
  const bool bracketed = authority.front() == '[';
  Target target{authority, 443};
  if (has_port || (bracketed && colon != std::string::npos && authority[colon - 1] == ']')) {
    target.host = authority.substr(0, colon);
    unsigned port = colon + 1 == authority.size() ? target.port : 0;
    for (const char c : authority.substr(colon + 1)) {
      if (c < '0' || c > '9' || (port = port * 10 + static_cast<unsigned>(c - '0')) > 65'535)
        return std::unexpected(hawser::Error{hawser::Error::Kind::kOptions,
                                             "authority \"" + authority + "\": the port is not a number below 65536"});
    }
    target.port = static_cast<std::uint16_t>(port);
  }
  if (bracketed) {
    if (target.host.size() < 3 || target.host.find(']') != target.host.size() - 1)
      return std::unexpected(
          hawser::Error{hawser::Error::Kind::kOptions,
                        "authority \"" + authority + "\": write [IPv6 address] or [IPv6 address]:port"});
    target.host = target.host.substr(1, target.host.size() - 2);
  }
  return target;
}

std::unexpected<hawser::Error> wrong_option(std::string message) {
  return std::unexpected(hawser::Error{hawser::Error::Kind::kOptions, std::move(message)});
}

quic::SpinBitPolicy policy_of(SpinBit spin_bit) {
  switch (spin_bit) {
    case SpinBit::kOn:
      return quic::SpinBitPolicy::kOn;
    case SpinBit::kRandom:
      return quic::SpinBitPolicy::kRandom;
    case SpinBit::kOff:
      break;
  }
  return quic::SpinBitPolicy::kOff;
}

std::expected<void, hawser::Error> apply(const TransportOptions& options, quic::ConnectionConfig& config) {
  // 2^40 ms are 34 years: as nanoseconds they still fit.
  constexpr std::uint64_t kIntervalMax_ms = std::uint64_t{1} << 40;
  if (options.key_update_interval_ms > kIntervalMax_ms)
    return wrong_option("key_update_interval_ms is above 2^40: give a shorter time, or 0 for none");
  constexpr unsigned kReceiveTimestampsMax = 63;  // of ConnectionConfig::receive_timestamps
  if (options.receive_timestamps > kReceiveTimestampsMax)
    return wrong_option("receive_timestamps is above 63: give 1 to 63, or 0 for none");
  if (options.receive_timestamps_exponent > 20)
    return wrong_option("receive_timestamps_exponent is above 20: give 0 to 20");
  config.spin_bit = policy_of(options.spin_bit);
  config.key_update_interval = std::chrono::milliseconds(options.key_update_interval_ms);
  config.key_update_packets = options.key_update_packets;
  config.reset_stream_at = options.reset_stream_at;
  if (options.ask_observed_address) config.address_discovery = quic::AddressDiscovery::kReceive;
  config.receive_timestamps = options.receive_timestamps;
  config.receive_timestamps_exponent = options.receive_timestamps_exponent;
  return {};
}

std::uint64_t whole_us(Duration duration) {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(to_us(duration), 0));
}

}  // namespace

std::expected<std::unique_ptr<Client>, hawser::Error> Client::connect(Runtime& runtime, const ClientOptions& options) {
  const auto target = split(options.authority);
  if (!target) return std::unexpected(target.error());
  const auto where = options.connect_to.empty() ? target : split(options.connect_to);
  if (!where) return std::unexpected(where.error());
  auto addresses = runtime::resolve(where->host, where->port);
  if (!addresses) return std::unexpected(hawser::Error{hawser::Error::Kind::kResolve, addresses.error().message});
  runtime::HttpConnectionOptions connection;
  HAWSER_TRY(auto paths, hawser::apply(options.paths, connection.connection));
  if (const auto applied = apply(options.transport, connection.connection); !applied)
    return std::unexpected(applied.error());
  auto clients = runtime::HttpClients::create(
      runtime.machinery().next_worker(),
      {.qlog = {.folder = options.qlog_folder}, .migration = {}, .paths = std::move(paths)});
  if (!clients) return std::unexpected(hawser::Error{hawser::Error::Kind::kOptions, clients.error().message});
  connection.addresses = std::move(*addresses);
  connection.server_name = target->host;
  connection.tls.verify_peer = options.verify;
  connection.tls.trust.ca_file = options.ca_file;
  connection.connection.congestion_control = options.congestion_control;
  connection.http.connect_timeout = std::chrono::milliseconds(options.connect_timeout_ms);
  // What the program set is to be what ends the attempt.
  connection.connection.handshake_timeout =
      std::max(connection.connection.handshake_timeout, connection.http.connect_timeout + 1s);
  const auto opened = (*clients)->open(std::move(connection));
  if (!opened) {
    (*clients)->end();
    return std::unexpected(hawser::Error{hawser::Error::Kind::kOptions, opened.error().message});
  }
  auto control = (*clients)->paths(*opened);
  if (control == nullptr) return std::unexpected(hawser::Error{hawser::Error::Kind::kOptions, "the runtime has ended"});
  auto impl = std::make_unique<Impl>();
  impl->clients = std::move(*clients);
  impl->connection = *opened;
  impl->authority = options.authority;
  impl->body_max = options.response_body_max;
  impl->paths = std::make_unique<Paths>(std::move(control));
  return std::unique_ptr<Client>(new Client(std::move(impl)));
}

Client::Client(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Client::~Client() {
  impl_->clients->end();
}

std::optional<ConnectionInfo> Client::connection_info() const {
  const auto facts = impl_->clients->facts(impl_->connection);
  if (!facts) return std::nullopt;
  return ConnectionInfo{
      .local_address = to_string(facts->local),
      .remote_address = to_string(facts->remote),
      .observed_address = facts->observed.family == AddressFamily::kNone ? std::string() : to_string(facts->observed),
      .key_updates = facts->stats.key_updates,
      .smoothed_rtt_us = whole_us(facts->stats.smoothed_rtt),
      .timed_packets = facts->times.packets,
      .one_way_delay_variation_us = whole_us(facts->times.delay_variation),
      .one_way_delay_above_least_us = whole_us(facts->times.delay_above_least)};
}

Paths& Client::paths() {
  return *impl_->paths;
}

PendingResponse Client::get(std::string path, Headers headers) {
  return send({.path = std::move(path), .headers = std::move(headers)});
}

PendingResponse Client::send(Request request) {
  auto state = std::make_shared<PendingResponse::State>(impl_->body_max);
  state->keep_alive(state);
  http::ClientRequest out;
  out.method = std::move(request.method);
  out.authority = impl_->authority;
  out.target = std::move(request.path);
  out.fields = std::move(request.headers);
  if (!request.body.empty()) out.body = SharedBytes::copy(as_bytes(request.body));
  out.sink = state.get();
  impl_->clients->send(impl_->connection, std::move(out));
  return PendingResponse(std::move(state));
}

}  // namespace hawser::http3
