// bonded.cc: the two ends of a bonded connection and their applications.
#include "sim/bonded.h"

#include <array>
#include <cstring>
#include <utility>

#include "sim/bulk_io.h"
#include "sim/tls_contexts.h"

namespace hawser::sim {
namespace {

constexpr Duration kTick = 5ms;

// Octets that repeat after kPeriod, so that one table is compared with any part of the stream. A prime: what a buffer
// takes from a place some blocks away is noticed.
constexpr std::size_t kPeriod = 2'039;

const std::uint8_t* pattern_at(std::uint64_t offset) {
  static const std::array<std::uint8_t, kBulkChunk + kPeriod> kTable = [] {
    std::array<std::uint8_t, kBulkChunk + kPeriod> table;
    for (std::size_t i = 0; i < table.size(); ++i) table[i] = static_cast<std::uint8_t>(i % kPeriod * 31 >> 3);
    return table;
  }();
  return kTable.data() + offset % kPeriod;
}

bool matches(std::uint64_t offset, Bytes bytes) {
  for (std::size_t at = 0; at < bytes.size(); at += kBulkChunk)
    if (const std::size_t size = std::min(kBulkChunk, bytes.size() - at);
        std::memcmp(bytes.data() + at, pattern_at(offset + at), size) != 0)
      return false;
  return true;
}

bool is_bidirectional(quic::StreamId id) {
  return (id.value & 2) == 0;
}

}  // namespace

SocketAddress bond_client_at(std::size_t link) {
  return ipv4_address({10, static_cast<std::uint8_t>(link + 1), 0, 1}, 50'000);
}

SocketAddress bond_server() {
  return ipv4_address({192, 168, 0, 1}, 443);
}

std::size_t BondWatch::count(quic::PathState state) const {
  return static_cast<std::size_t>(
      std::ranges::count_if(events, [state](const auto& e) { return !e.gone && e.state == state; }));
}

std::size_t BondWatch::gone() const {
  return static_cast<std::size_t>(std::ranges::count_if(events, [](const auto& e) { return e.gone; }));
}

// The ends. -----------------------------------------------------------------------------------------

BondEnd::BondEnd(bool sends, std::uint64_t octets_to_send, std::uint8_t urgency, std::size_t request_bytes)
    : sends_(sends), size_(octets_to_send), urgency_(urgency), request_bytes_(request_bytes) {}

void BondEnd::on_handshake_complete(quic::Connection& connection) {
  if (sends_ && size_ != 0) push(connection, connection.open_stream(false).value());
}

void BondEnd::on_stream_writable(quic::Connection& connection, quic::StreamId id) {
  if (!is_bidirectional(id)) push(connection, id);
}

void BondEnd::push(quic::Connection& connection, quic::StreamId id) {
  write_all(connection, id, written_, size_,
            [](std::uint64_t offset, std::size_t size) { return Bytes(pattern_at(offset), size); });
}

void BondEnd::on_stream_readable(quic::Connection& connection, quic::StreamId id) {
  if (is_bidirectional(id)) return read_request(connection, id);
  read_bulk(connection, id);
}

void BondEnd::read_bulk(quic::Connection& connection, quic::StreamId id) {
  read_all(connection, id, [&](Bytes view) {
    if (octets != 0) longest_pause = std::max(longest_pause, connection.now() - last_);
    last_ = connection.now();
    wrong |= !matches(octets, view);
    octets += view.size();
  });
  if (connection.at_end(id)) ended_at = connection.now();
}

// The connection's own time is that of the latest datagram or timer.
void BondEnd::ask(quic::Connection& connection, Timestamp now) {
  const auto id = connection.open_stream(true);
  if (!id.has_value()) return;
  connection.set_priority(*id, urgency_, false);
  asked_[id->value] = now;
  (void)connection.write(*id, Bytes(pattern_at(0), request_bytes_), true);
}

// The server answers what has come to its end; the client notes when.
void BondEnd::read_request(quic::Connection& connection, quic::StreamId id) {
  std::array<std::uint8_t, 2'048> octets_read;
  while (connection.read(id, octets_read) != 0) {
  }
  if (!connection.at_end(id)) return;
  if (const auto found = asked_.find(id.value); found != asked_.end()) {
    answers.push_back(connection.now() - found->second);
    asked_.erase(found);
    return;
  }
  connection.set_priority(id, urgency_, false);
  (void)connection.write(id, Bytes(pattern_at(0), request_bytes_), true);
}

std::vector<Duration> BondEnd::waiting(Timestamp now) const {
  std::vector<Duration> times;
  for (const auto& [id, since] : asked_) times.push_back(now - since);
  return times;
}

// The run. -------------------------------------------------------------------------------------------

class BondedRun::Entrant final : public quic::ConnectionHandler {
 public:
  // `end` hears of it once it is kept; `link`: of the client, where it begins.
  Entrant(BondedRun& run, BondEnd& end, std::optional<std::size_t> link) : run_(run), end_(end), link_(link) {}

  quic::Connection* connection = nullptr;  // null: it has ended

  void on_handshake_complete(quic::Connection& complete) override {
    if (link_.has_value() && run_.client != nullptr) return complete.close(0, "");
    kept_ = true;
    if (link_.has_value()) {
      run_.keep(*link_, complete);
    } else {
      run_.server = &complete;
    }
    end_.on_handshake_complete(complete);
  }
  void on_stream_writable(quic::Connection& of, quic::StreamId id) override {
    if (kept_) end_.on_stream_writable(of, id);
  }
  void on_stream_readable(quic::Connection& of, quic::StreamId id) override {
    if (kept_) end_.on_stream_readable(of, id);
  }
  void on_path(quic::Connection& of, const quic::PathEvent& event) override {
    if (kept_) end_.on_path(of, event);
  }
  void on_closed(quic::Connection& of, const quic::CloseReason& reason) override {
    connection = nullptr;
    if (kept_) end_.on_closed(of, reason);
  }

 private:
  BondedRun& run_;
  BondEnd& end_;
  std::optional<std::size_t> link_;
  bool kept_ = false;
};

BondedRun::~BondedRun() = default;

BondedRun::BondedRun(BondPlan plan)
    : plan_(std::move(plan)),
      random_(plan_.seed),
      world({.seed = plan_.seed, .digest = false}),
      client_end(!plan_.download, plan_.octets, plan_.requests.urgency, plan_.requests.bytes),
      server_end(plan_.download, plan_.octets, plan_.requests.urgency, plan_.requests.bytes),
      client_endpoint(client_config()),
      server_endpoint(server_config()),
      client_node_(client_endpoint),
      server_node_(server_endpoint) {
  const NodeId c = world.add(client_node_, bond_client_at(0));
  const NodeId s = world.add(server_node_, bond_server());
  for (std::size_t i = 0; i < plan_.links.size(); ++i)
    world.connect(c, s, plan_.links[i], {.inside = bond_client_at(i), .outside = {}});
  opened_.assign(plan_.links.size(), !plan_.opens);
  if (plan_.requests.per_second != 0) ask_at_ = kWorldStart + plan_.requests.from;
  world.add_actor(*this, kWorldStart);
}

quic::ConnectionConfig BondedRun::config(std::uint64_t max_paths) const {
  quic::ConnectionConfig config;
  if (plan_.window.value != 0) {
    config.stream_receive_window = config.stream_receive_window_max = plan_.window;
    config.connection_receive_window = config.connection_receive_window_max = plan_.window;
    config.stream_send_buffer = plan_.window;
  }
  config.idle_timeout = plan_.idle_timeout;
  config.congestion_control = plan_.controller;
  config.path_scheduler = plan_.scheduler;
  config.max_paths = max_paths;
  config.path_code_points = plan_.code_points;
  if (plan_.datagrams) config.max_datagram_frame_size = quic::kAnyDatagramFrame;
  return config;
}

quic::EndpointConfig BondedRun::client_config() {
  return {.connection = config(plan_.client_max_paths), .random = &random_, .events = plan_.events};
}

quic::EndpointConfig BondedRun::server_config() {
  quic::EndpointConfig config{
      .connection = this->config(plan_.server_max_paths), .random = &random_, .events = plan_.events};
  config.tls = &*tls_contexts().server;
  config.accept = this;
  return config;
}

quic::ConnectionHandler* BondedRun::on_accept(quic::Connection& connection) {
  if (plan_.head_start.has_value()) {
    server_entrants_.push_back(std::make_unique<Entrant>(*this, server_end, std::nullopt));
    return server_entrants_.back().get();
  }
  server = &connection;
  return &server_end;
}

quic::Connection& BondedRun::connect(std::size_t link, quic::ConnectionHandler& handler, Timestamp now) {
  return *client_endpoint
              .connect({.tuple = {bond_client_at(link), bond_server()},
                        .server_name = std::string{kSimServerName},
                        .tls = &*tls_contexts().client,
                        .connection = config(plan_.client_max_paths),
                        .token = {},
                        .session = {}},
                       handler, now)
              .value();
}

// Begins what is due. When it is to be called again.
Timestamp BondedRun::begin(Timestamp now) {
  if (!plan_.head_start.has_value()) {
    opened_[0] = true;
    client = &connect(0, client_end, now);
    return now + 1ms;
  }
  if (now >= next_entrant_) {
    const std::size_t link = entrants_.size();
    entrants_.push_back(std::make_unique<Entrant>(*this, client_end, link));
    entrants_.back()->connection = &connect(link, *entrants_.back(), now);
    next_entrant_ = link + 1 == plan_.links.size() ? kNever : now + *plan_.head_start;
  }
  return std::min(now + kTick, next_entrant_);
}

// The others are closed; the links that it did not begin over get a path like any other.
void BondedRun::keep(std::size_t link, quic::Connection& connection) {
  client = &connection;
  next_entrant_ = kNever;
  opened_[link] = true;
  for (const auto& entrant : entrants_) {
    if (entrant->connection == nullptr || entrant->connection == &connection) continue;
    quic::Connection& late = *entrant->connection;
    late.close(0, "");
    client_endpoint.wake(late);
  }
}

Timestamp BondedRun::on_time(Timestamp now) {
  if (client == nullptr) return begin(now);
  if (client->closed()) return kNever;
  for (std::size_t i = 0; i < opened_.size(); ++i)
    if (!opened_[i]) opened_[i] = client->open_path({bond_client_at(i), bond_server()}).has_value();
  while (now >= ask_at_) {
    client_end.ask(*client, now);
    ask_at_ += Duration{1s} / static_cast<std::int64_t>(plan_.requests.per_second);
    if (ask_at_ > kWorldStart + plan_.requests.until) ask_at_ = kNever;
  }
  on_tick(now);
  client_endpoint.wake(*client);
  if (server != nullptr && !server->closed()) server_endpoint.wake(*server);
  return std::min(now + kTick, ask_at_);
}

bool BondedRun::finish(Duration limit) {
  return until([this] { return reader().ended_at.has_value(); }, limit);
}

double BondedRun::mbit_per_second() const {
  const Timestamp end = reader().ended_at.value_or(world.now());
  return static_cast<double>(reader().octets) * 8e-6 / to_seconds(end - kWorldStart);
}

std::string BondedRun::failure() const {
  if (!world.failure().empty()) return world.failure();
  if (reader().wrong) return "octets differ from those sent";
  if (client_end.watch.closed) return "client: " + quic::describe(*client_end.watch.closed);
  if (server_end.watch.closed) return "server: " + quic::describe(*server_end.watch.closed);
  if (plan_.octets != UINT64_MAX && reader().octets != plan_.octets)
    return std::to_string(reader().octets) + " of " + std::to_string(plan_.octets) + " octets arrived";
  return {};
}

quic::PathState BondedRun::state_at(quic::Connection& connection, std::uint64_t id) const {
  for (const quic::PathInfo& path : connection.paths())
    if (path.id.value == id) return path.state;
  return quic::PathState::kFailed;
}

}  // namespace hawser::sim
