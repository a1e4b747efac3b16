// messages.cc: two endpoints, a sender with a clock, and a receiver that knows when each message was written.
#include "sim/messages.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <optional>

#include "quic/congestion/congestion_controller.h"
#include "quic/tls/deterministic_random.h"
#include "sim/bulk_io.h"
#include "sim/tls_contexts.h"
#include "sim/world.h"

namespace hawser::sim {
namespace {

constexpr std::uint64_t kSmallestDatagram = 1'200;
constexpr Duration kFirstMessage = 2s;  // the handshake is over, even at heavy loss
constexpr std::uint8_t kUrgentMessages = 1;
// After the last message nothing takes longer than this that is to count as arriving.
constexpr Duration kPatience = 60s;

quic::ConnectionConfig config_of(const MessagesSetup& setup) {
  quic::ConnectionConfig config;
  config.congestion_control = setup.controller;
  config.fec = setup.fec;
  config.max_streams_uni = 1'000;
  config.handshake_timeout = config.idle_timeout = kPatience;
  return config;
}

class MessagesRun final : private Actor, private quic::AcceptHandler, private quic::ConnectionHandler {
 public:
  explicit MessagesRun(const MessagesSetup& setup)
      : setup_(setup),
        random_(setup.seed),
        tuple_{ipv4_address({10, 1, 0, 1}, 50'000), ipv4_address({192, 168, 0, 1}, 443)},
        config_(config_of(setup)),
        message_(setup.message_bytes),
        client_({.connection = config_, .random = &random_}),
        server_({.connection = config_,
                 .tls = &*tls_contexts().server,
                 .accept = static_cast<quic::AcceptHandler*>(this),
                 .random = &random_}),
        client_node_(client_),
        server_node_(server_),
        world_({.seed = setup.seed, .digest = false, .max_segments = 64}) {
    const NodeId client = world_.add(client_node_, tuple_.local);
    const NodeId server = world_.add(server_node_, tuple_.remote);
    LinkSpec link{delay(setup.rtt / 2)};
    if (setup.loss > 0) link.push_back(drop(setup.loss));
    link.push_back(rate(setup.bits_per_second, 1'000'000));
    world_.connect(client, server, link);
    world_.add_actor(*this, kWorldStart);
  }

  MessagesResult run();

 private:
  // Until the handshake is over at the server, the client's is ours to hear of; it says nothing that matters here.
  class Receiver final : public quic::ConnectionHandler {
   public:
    explicit Receiver(MessagesRun& run) : run_(run) {}
    void on_stream_readable(quic::Connection& connection, quic::StreamId id) override;
    void on_closed(quic::Connection& connection, const quic::CloseReason& reason) override {
      (void)connection;
      run_.failure_ = quic::describe(reason);
    }
    quic::Connection* connection = nullptr;

   private:
    MessagesRun& run_;
  };

  Timestamp on_time(Timestamp now) override;
  quic::ConnectionHandler* on_accept(quic::Connection& connection) override {
    receiver_.connection = &connection;
    return &receiver_;
  }
  void on_closed(quic::Connection&, const quic::CloseReason& reason) override { failure_ = quic::describe(reason); }
  void on_stream_writable(quic::Connection& connection, quic::StreamId id) override;
  void on_arrived(quic::StreamId id, Timestamp now);
  void begin_bulk();
  [[nodiscard]] std::size_t total() const { return setup_.warmup_messages + setup_.messages; }

  const MessagesSetup& setup_;
  SeededRandom random_;
  FourTuple tuple_;
  quic::ConnectionConfig config_;
  std::vector<std::uint8_t> message_;
  Receiver receiver_{*this};
  quic::Endpoint client_;
  quic::Endpoint server_;
  EndpointNode client_node_;
  EndpointNode server_node_;
  World world_;
  quic::Connection* connection_ = nullptr;
  std::string failure_;
  std::optional<quic::StreamId> bulk_;
  std::uint64_t bulk_written_ = 0;
  std::uint64_t bulk_read_ = 0;
  std::size_t written_ = 0;
  std::size_t arrived_ = 0;
  std::map<std::uint64_t, std::pair<std::size_t, Timestamp>> under_way_;  // by stream: which message, since when
  // When the messages that count began.
  quic::ConnectionStats stats_before_;
  quic::FecStats fec_before_;
  std::uint64_t bulk_before_ = 0;
  Timestamp counts_from_{};
  std::vector<Duration> completion_;
};

void MessagesRun::Receiver::on_stream_readable(quic::Connection& connection, quic::StreamId id) {
  const std::uint64_t octets = read_all(connection, id);
  if (id == run_.bulk_) run_.bulk_read_ += octets;
  if (connection.at_end(id)) run_.on_arrived(id, connection.now());
}

void MessagesRun::on_stream_writable(quic::Connection& connection, quic::StreamId id) {
  static const std::array<std::uint8_t, kBulkChunk> kZeros{};
  if (id == bulk_)
    write_all(connection, id, bulk_written_, UINT64_MAX,
              [](std::uint64_t, std::size_t size) { return Bytes(kZeros).first(size); });
}

void MessagesRun::begin_bulk() {
  const auto id = connection_->open_stream(false);
  if (!id.has_value()) return;
  bulk_ = *id;
  on_stream_writable(*connection_, *id);
}

void MessagesRun::on_arrived(quic::StreamId id, Timestamp now) {
  const auto found = under_way_.find(id.value);
  if (found == under_way_.end()) return;
  const auto [number, since] = found->second;
  under_way_.erase(found);
  ++arrived_;
  if (number >= setup_.warmup_messages) completion_.push_back(now - since);
}

// Connects, and then writes a message whenever it is time.
Timestamp MessagesRun::on_time(Timestamp now) {
  if (connection_ == nullptr) {
    const auto connected = client_.connect({.tuple = tuple_,
                                            .server_name = std::string{kSimServerName},
                                            .tls = &*tls_contexts().client,
                                            .connection = config_,
                                            .token = {},
                                            .session = {},
                                            .saved_path = {}},
                                           *this, now);
    if (!connected.has_value()) {
      failure_ = connected.error().message;
      return kNever;
    }
    connection_ = *connected;
    return now + kFirstMessage;
  }
  if (!failure_.empty() || written_ == total()) return kNever;
  if (setup_.bulk && !bulk_) begin_bulk();
  if (written_ == setup_.warmup_messages) {
    stats_before_ = connection_->stats();
    fec_before_ = connection_->fec_stats();
    bulk_before_ = bulk_read_;
    counts_from_ = now;
  }
  const auto id = connection_->open_stream(false);
  if (setup_.bulk && id.has_value()) connection_->set_priority(*id, kUrgentMessages, false);
  const bool taken = id.has_value() && connection_->write(*id, Bytes(message_), true).value_or(0) == message_.size();
  if (!taken) {
    failure_ = "a message could not be written: too many are under way";
    return kNever;
  }
  under_way_[id->value] = {written_++, now};
  client_.wake(*connection_);
  // So that messages and the connection's timers do not keep step.
  const auto jitter = static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(setup_.interval.count() / 4)));
  return now + setup_.interval - setup_.interval / 8 + Duration{jitter};
}

MessagesResult MessagesRun::run() {
  const Timestamp limit =
      kWorldStart + kFirstMessage + setup_.interval * static_cast<std::int64_t>(total() + 1) + kPatience;
  while (failure_.empty() && (written_ < total() || arrived_ < written_)) {
    const World::StepResult step = world_.step(limit);
    if (step == World::StepResult::kProgress) continue;
    if (failure_.empty()) failure_ = step == World::StepResult::kStuck ? world_.failure() : "messages did not arrive";
  }
  MessagesResult result{.failure = failure_, .completion = completion_};
  std::ranges::sort(result.completion);
  if (!failure_.empty() || connection_ == nullptr || receiver_.connection == nullptr) return result;
  const quic::ConnectionStats after = connection_->stats();
  result.sender = connection_->fec_stats();
  result.receiver = receiver_.connection->fec_stats();
  result.bytes_sent = after.bytes_sent - stats_before_.bytes_sent;
  result.packets_lost = after.packets_lost - stats_before_.packets_lost;
  const std::uint64_t repairs = result.sender.repair_bytes_sent - fec_before_.repair_bytes_sent;
  result.bulk_mbit_per_second =
      static_cast<double>(bulk_read_ - bulk_before_) * 8e-6 / to_seconds(world_.now() - counts_from_);
  result.overhead = static_cast<double>(repairs) / static_cast<double>(result.bytes_sent - repairs);
  return result;
}

}  // namespace

Duration MessagesResult::percentile(double share) const {
  if (completion.empty()) return Duration{0};
  const double rank = std::ceil(share * static_cast<double>(completion.size()));
  const auto at = static_cast<std::size_t>(std::max(rank, 1.0)) - 1;
  return completion[std::min(at, completion.size() - 1)];
}

std::expected<MessagesResult, ConfigError> run_messages(const MessagesSetup& setup) {
  auto controller = quic::make_congestion_controller(setup.controller, kSmallestDatagram);
  if (!controller.has_value()) return std::unexpected(std::move(controller.error()));
  if (setup.message_bytes == 0 || setup.messages == 0 || setup.interval <= Duration{0} || setup.bits_per_second == 0)
    return std::unexpected(ConfigError{"messages need octets, a count, an interval and a rate above 0"});
  (void)tls_contexts();  // before randomness is a seed's
  const quic::DeterministicTlsRandom seeded(setup.seed);
  return MessagesRun(setup).run();
}

}  // namespace hawser::sim
