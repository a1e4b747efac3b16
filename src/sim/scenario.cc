// scenario.cc: runs one scenario: builds both ends and the network from the seed, lets time
// pass, looks at every invariant after every step, and closes what is finished.
#include "sim/scenario.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "events/tee.h"
#include "quic/connection/address_reports.h"
#include "quic/endpoint/address_token.h"
#include "quic/endpoint/endpoint.h"
#include "quic/tls/deterministic_random.h"
#include "quic/tls/tls_context.h"
#include "sim/address_check.h"
#include "sim/application.h"
#include "sim/cid_check.h"
#include "sim/frame_check.h"
#include "sim/invariants.h"
#include "sim/setup.h"
#include "sim/setup_text.h"
#include "sim/sleep_check.h"
#include "sim/tls_contexts.h"
#include "sim/window_check.h"
#include "sim/world.h"

namespace hawser::sim {
namespace {

using quic::CloseReason;
using quic::Role;

// Steps of one run. 100 MB in 1,200-octet datagrams are 84,000 arrivals and as many
// acknowledgements; a hundred times that is a timer that creeps.
constexpr std::uint64_t kStepsMax = 10'000'000;
// Virtual time for closing: three PTOs, or an idle timeout and a handshake timeout of a
// connection that a stray Initial began.
constexpr Duration kClosingLimit = 3'000s;
// Memory is looked at once in this many steps.
constexpr std::uint64_t kBufferCheckInterval = 16;

const SocketAddress kClientAddress = client_address(0);
const SocketAddress kServerAddress = ipv4_address({192, 0, 2, 1}, 443);
const SocketAddress kPreferredAddress = ipv4_address({192, 0, 2, 77}, 4'443);

// Runs scheduled commands when their time has come.
class Script final : public Actor {
 public:
  Script(std::vector<ScheduledCommand> commands, Application* const* client, Application* const* server)
      : commands_(std::move(commands)), client_(client), server_(server) {
    std::sort(commands_.begin(), commands_.end(), [](const auto& a, const auto& b) { return a.at < b.at; });
  }
  [[nodiscard]] Timestamp first() const { return commands_.empty() ? kNever : kWorldStart + commands_.front().at; }
  Timestamp on_time(Timestamp now) override {
    for (; next_ < commands_.size() && kWorldStart + commands_[next_].at <= now; ++next_) {
      Application* const application = commands_[next_].side == Role::kClient ? *client_ : *server_;
      if (application == nullptr) continue;
      closed_early_ |= commands_[next_].kind == ScheduledCommand::Kind::kClose && application->connection() != nullptr;
      application->run_command(commands_[next_]);
    }
    return next_ < commands_.size() ? kWorldStart + commands_[next_].at : kNever;
  }
  [[nodiscard]] bool closed_early() const { return closed_early_; }

 private:
  std::vector<ScheduledCommand> commands_;
  std::size_t next_ = 0;
  Application* const* client_;
  Application* const* server_;
  bool closed_early_ = false;
};

// No NAT and no attacker changes the addresses that the server sees.
bool peer_addresses_are_its_own(const Setup& setup) {
  const auto changes = [](const ElementSpec& element) {
    return element.kind == ElementSpec::Kind::kNat || element.kind == ElementSpec::Kind::kSpoof;
  };
  return std::ranges::none_of(setup.link, changes) && std::ranges::all_of(setup.other_links, [&](const LinkSpec& link) {
           return std::ranges::none_of(link, changes);
         });
}

class ScenarioRun final : private quic::AcceptHandler {
 public:
  ScenarioRun(const Setup& setup, const ScenarioOptions& options)
      : setup_(setup),
        plan_(options.seed ^ 0x5eed, setup.transfer),
        random_(options.seed * 2 + 1),
        world_({.seed = options.seed, .max_segments = setup.max_segments}),
        event_check_(verdict_),
        frame_check_(verdict_),
        cid_check_(verdict_),
        window_check_(verdict_),
        amplification_(1, verdict_),
        addresses_(1, verdict_),
        linkability_(verdict_, peer_addresses_are_its_own(setup)),
        sleep_(verdict_),
        extra_(options.check),
        script_(setup.commands, &client_, &server_) {
    events_.add(event_check_);
    events_.add(frame_check_);
    events_.add(cid_check_);
    events_.add(window_check_);
    events_.add(amplification_);
    events_.add(addresses_);
    if (options.wire != nullptr) world_.observe(*options.wire);
    if (options.events != nullptr) events_.add(*options.events);
    if (extra_ != nullptr) {
      extra_->begin();
      events_.add(*extra_);
    }
    make_endpoints();
  }

  void run() {
    if (!connect()) return;
    transfer();
    if (!verdict_.failed()) finish();
    if (!verdict_.failed()) judge_ends();
  }

  [[nodiscard]] const Verdict& verdict() const { return verdict_; }
  [[nodiscard]] const World& world() const { return world_; }
  [[nodiscard]] std::uint64_t stream_bytes() const {
    return client_->bytes_received() + (server_ == nullptr ? 0 : server_->bytes_received());
  }

 private:
  quic::ConnectionHandler* on_accept(quic::Connection& connection) override;
  void make_endpoints();
  void join(NodeId client, NodeId server);
  bool connect();
  void transfer();
  void finish();
  void judge_ends();
  void judge_end(const Application& application, const char* side, bool closed_by_us);
  bool step(Timestamp limit);
  void check_step();
  void find_server();
  [[nodiscard]] bool over() const;
  [[nodiscard]] std::string unfinished() const;
  [[nodiscard]] std::uint64_t streams_planned() const {
    const ApplicationProfile& c = setup_.client_application;
    const ApplicationProfile& s = setup_.server_application;
    return std::uint64_t{c.streams_bidi} + c.streams_uni + s.streams_bidi + s.streams_uni;
  }
  Application& make_application(Role role);

  const Setup& setup_;
  TransferPlan plan_;
  SeededRandom random_;  // of the endpoints; the network has its own
  Verdict verdict_;
  World world_;
  EventCheck event_check_;
  FrameCheck frame_check_;
  CidCheck cid_check_;
  WindowCheck window_check_;
  AmplificationCheck amplification_;
  AddressCheck addresses_;
  LinkabilityCheck linkability_;
  SleepCheck sleep_;
  EventTee events_;
  ExtraCheck* extra_;
  std::unique_ptr<quic::Endpoint> client_endpoint_;
  std::unique_ptr<quic::Endpoint> server_endpoint_;
  std::optional<EndpointNode> client_node_;
  std::optional<EndpointNode> server_node_;
  std::vector<std::unique_ptr<Application>> applications_;
  Application* client_ = nullptr;
  // The application whose handshake completed: a stray Initial may begin further connections.
  Application* server_ = nullptr;
  Script script_;
  std::optional<Role> closed_by_;
};

void ScenarioRun::make_endpoints() {
  client_endpoint_ = std::make_unique<quic::Endpoint>(
      quic::EndpointConfig{.connection = setup_.client, .random = &random_, .events = &events_});
  quic::ConnectionConfig server_config = setup_.server;
  if (setup_.preferred) server_config.preferred_ipv4 = kPreferredAddress;
  server_endpoint_ = std::make_unique<quic::Endpoint>(quic::EndpointConfig{.connection = server_config,
                                                                           .tls = &*tls_contexts().server,
                                                                           .accept = this,
                                                                           .retry = setup_.retry,
                                                                           .random = &random_,
                                                                           .events = &events_});
  client_node_.emplace(*client_endpoint_);
  server_node_.emplace(*server_endpoint_);
  const NodeId client = world_.add(*client_node_, kClientAddress);
  const NodeId server = world_.add(*server_node_, kServerAddress);
  join(client, server);
  world_.observe(amplification_);
  world_.observe(linkability_);
  world_.observe(sleep_);
  world_.observe(addresses_);
  if (script_.first() != kNever) world_.add_actor(script_, script_.first());
}

// Every address of the client has its way to the server, and to the address that it prefers.
void ScenarioRun::join(NodeId client, NodeId server) {
  for (std::size_t i = 0; i <= setup_.other_links.size(); ++i) {
    const LinkSpec& link = i == 0 ? setup_.link : setup_.other_links[i - 1];
    world_.connect(client, server, link, {.inside = client_address(i), .outside = kServerAddress});
    if (setup_.preferred && setup_.preferred->reachable)
      world_.connect(client, server, setup_.preferred->link,
                     {.inside = client_address(i), .outside = kPreferredAddress});
  }
}

Application& ScenarioRun::make_application(Role role) {
  const bool is_client = role == Role::kClient;
  applications_.push_back(std::make_unique<Application>(
      ApplicationOptions{.role = role,
                         .mine = is_client ? setup_.client_application : setup_.server_application,
                         .peers = is_client ? setup_.server_application : setup_.client_application,
                         .plan = &plan_,
                         .endpoint = is_client ? client_endpoint_.get() : server_endpoint_.get(),
                         .verdict = &verdict_,
                         .seed = random_.next_u64()}));
  Application& application = *applications_.back();
  world_.add_actor(application, world_.now() + 1ms);
  return application;
}

bool ScenarioRun::connect() {
  client_ = &make_application(Role::kClient);
  TlsContexts& tls = tls_contexts();
  const auto connected = client_endpoint_->connect({.tuple = {kClientAddress, kServerAddress},
                                                    .server_name = "localhost",
                                                    .tls = setup_.classic_groups ? &*tls.classic_client : &*tls.client,
                                                    .connection = setup_.client,
                                                    .token = {},
                                                    .session = {}},
                                                   *client_, world_.now());
  if (!connected.has_value()) {
    verdict_.fail("connect: " + connected.error().message);
    return false;
  }
  client_->attach(**connected);
  window_check_.watch(**connected);
  world_.pump(0);
  return true;
}

quic::ConnectionHandler* ScenarioRun::on_accept(quic::Connection& connection) {
  Application& application = make_application(Role::kServer);
  application.attach(connection);
  window_check_.watch(connection);
  return &application;
}

void ScenarioRun::find_server() {
  for (const auto& application : applications_) {
    if (application.get() == client_ || application.get() == server_ || !application->handshake_complete()) continue;
    if (server_ != nullptr) verdict_.fail("two connections of the server completed the handshake of one client");
    server_ = application.get();
  }
}

// One step and its checks. False: stop.
bool ScenarioRun::step(Timestamp limit) {
  const World::StepResult result = world_.step(limit);
  if (result == World::StepResult::kStuck) verdict_.fail("livelock: " + world_.failure());
  if (world_.stats().steps > kStepsMax) verdict_.fail("livelock: more than " + std::to_string(kStepsMax) + " steps");
  if (result != World::StepResult::kProgress) return false;
  check_step();
  return !verdict_.failed();
}

void ScenarioRun::check_step() {
  find_server();
  if (extra_ != nullptr && !extra_->failure().empty()) verdict_.fail(extra_->failure());
  if (world_.stats().steps % kBufferCheckInterval != 0) return;
  if (const quic::Connection* c = client_->connection()) check_buffers(*c, streams_planned(), "client", verdict_);
  if (server_ == nullptr) return;
  if (const quic::Connection* c = server_->connection()) check_buffers(*c, streams_planned(), "server", verdict_);
}

bool ScenarioRun::over() const {
  const bool client_over = client_->done() || client_->close_reason().has_value();
  const bool server_over = server_ != nullptr && (server_->done() || server_->close_reason().has_value());
  const bool never_met = server_ == nullptr && client_->close_reason().has_value();
  return client_over && (server_over || never_met);
}

std::string ScenarioRun::unfinished() const {
  return client_->unfinished() + " | " + (server_ == nullptr ? "server: no connection" : server_->unfinished());
}

// Lets time pass until every stream at both ends has run its course or the connection ended.
void ScenarioRun::transfer() {
  const Timestamp limit = kWorldStart + setup_.limit;
  while (!over()) {
    if (step(limit)) continue;
    if (!verdict_.failed()) verdict_.fail("deadlock: " + unfinished());
    return;
  }
  if (setup_.nothing_is_lost && event_check_.packets_lost() > 0)
    verdict_.fail(std::to_string(event_check_.packets_lost()) + " packets declared lost on a link that loses none");
  if (client_->done() && client_->connection() != nullptr) check_drained(*client_->connection(), "client", verdict_);
  if (server_ != nullptr && server_->done() && server_->connection() != nullptr)
    check_drained(*server_->connection(), "server", verdict_);
}

// Closes what is still open and waits until both endpoints have forgotten it.
void ScenarioRun::finish() {
  Application* const closer = setup_.closer == Role::kClient || server_ == nullptr ? client_ : server_;
  if (closer->connection() != nullptr && !client_->close_reason().has_value()) {
    closed_by_ = setup_.closer;
    closer->close(kDoneCode);
    world_.pump(closer == client_ ? 0 : 1);
  }
  const Timestamp limit = world_.now() + kClosingLimit;
  while (client_endpoint_->connection_count() + server_endpoint_->connection_count() > 0) {
    if (step(limit)) continue;
    if (!verdict_.failed()) verdict_.fail("a closed connection is not forgotten: " + unfinished());
    return;
  }
}

void ScenarioRun::judge_ends() {
  judge_end(*client_, "client", closed_by_ == Role::kClient);
  if (server_ != nullptr) {
    judge_end(*server_, "server", closed_by_ == Role::kServer);
    client_->check_datagrams(*server_);
    server_->check_datagrams(*client_);
  }
  if (quic::receives(setup_.client.address_discovery) && quic::provides(setup_.server.address_discovery) &&
      client_->was_confirmed() && addresses_.told() == 0)
    verdict_.fail("the client was never told its address");
  if (setup_.must_move && client_->moves() == 0) verdict_.fail("the client never moved to another network path");
}

// Whether a connection ended the way this scenario can end it.
void ScenarioRun::judge_end(const Application& application, const char* side, bool closed_by_us) {
  const auto& reason = application.close_reason();
  if (!reason.has_value()) return verdict_.fail(std::string{side} + ": on_closed was never called");
  const bool by_application =
      reason->is_application() &&
      (reason->error_code == kDoneCode || (script_.closed_early() && reason->error_code == kEarlyCloseCode));
  // Once one end has closed, a lost CONNECTION_CLOSE leaves the other to its timers or to a
  // stateless reset.
  const bool peer_may_be_gone =
      (closed_by_.has_value() && !closed_by_us) || script_.closed_early() || setup_.may_time_out;
  const bool left_alone = reason->kind == CloseReason::Kind::kIdleTimeout ||
                          reason->kind == CloseReason::Kind::kHandshakeTimeout ||
                          reason->kind == CloseReason::Kind::kStatelessReset;
  // RFC 9000 section 10.2.3: before the handshake is confirmed, an application's close is
  // told to the peer as the transport error APPLICATION_ERROR.
  const bool told_in_handshake =
      script_.closed_early() && reason->kind == CloseReason::Kind::kPeerTransport &&
      reason->error_code == static_cast<std::uint64_t>(quic::TransportErrorCode::kApplicationError);
  const bool refused_token = reason->kind == CloseReason::Kind::kPeerTransport &&
                             reason->error_code == static_cast<std::uint64_t>(quic::TransportErrorCode::kInvalidToken);
  // A flipped bit in a Retry token is refused before the packet around it is found damaged.
  const bool damages = std::any_of(setup_.link.begin(), setup_.link.end(),
                                   [](const ElementSpec& e) { return e.kind == ElementSpec::Kind::kCorrupt; });
  // An outage outlasted the Retry token, which is old by then (RFC 9000 section 8.1.4).
  const bool token_is_old = setup_.retry != quic::RetryPolicy::kNever && refused_token &&
                            world_.now() - Timestamp{} > quic::AddressTokens::kRetryLifetime;
  const bool lost_early = !client_->was_confirmed() && ((setup_.may_rebind_early && (left_alone || refused_token)) ||
                                                        (damages && refused_token) || token_is_old);
  if (by_application || (peer_may_be_gone && left_alone) || told_in_handshake || lost_early) return;
  verdict_.fail(std::string{side} + " ended with: " + quic::describe(*reason));
}

const ScenarioDefinition* find_definition(std::string_view name) {
  for (const ScenarioDefinition& definition : scenario_definitions())
    if (definition.name == name) return &definition;
  return nullptr;
}

std::string hexadecimal(std::uint64_t value) {
  std::string digits;
  do digits.insert(digits.begin(), "0123456789abcdef"[value & 15]);
  while ((value >>= 4) != 0);
  return "0x" + digits;
}

}  // namespace

std::span<const ScenarioInfo> scenarios() {
  static const std::vector<ScenarioInfo> infos = [] {
    std::vector<ScenarioInfo> made;
    for (const ScenarioDefinition& definition : scenario_definitions())
      made.push_back({definition.name, definition.description});
    return made;
  }();
  return infos;
}

ScenarioResult run_scenario(std::string_view name, const ScenarioOptions& options) {
  ScenarioResult result;
  result.replay = "hawser sim --scenario=" + std::string{name} + " --seed=" + hexadecimal(options.seed);
  if (find_definition(name) == nullptr) {
    result.failure = "no scenario is called \"" + std::string{name} + "\": hawser sim --list shows them";
    return result;
  }
  const std::string replay = std::move(result.replay);
  result = run_scenario(scenario_text(name, options.seed), options);
  result.replay = replay;
  return result;
}

SetupText scenario_text(std::string_view name, std::uint64_t seed) {
  const ScenarioDefinition* definition = find_definition(name);
  HAWSER_CHECK(definition != nullptr);
  SeededRandom setup_random(seed ^ 0xc0ffee00);
  return {.setup = definition->build(setup_random), .seed = seed};
}

ScenarioResult run_scenario(const SetupText& scenario, const ScenarioOptions& options) {
  ScenarioResult result;
  tls_contexts();
  const quic::DeterministicTlsRandom tls_random(scenario.seed);
  ScenarioOptions with_seed = options;
  with_seed.seed = scenario.seed;
  ScenarioRun run(scenario.setup, with_seed);
  run.run();
  const World& world = run.world();
  result.passed = !run.verdict().failed();
  if (!result.passed)
    result.failure = "at " + std::to_string(to_us(world.now() - kWorldStart)) + " us: " + run.verdict().failure();
  result.digest = world.digest();
  result.virtual_time = world.now() - kWorldStart;
  result.datagrams_sent = world.stats().datagrams_sent;
  result.datagrams_delivered = world.stats().datagrams_delivered;
  result.stream_bytes = run.stream_bytes();
  return result;
}

}  // namespace hawser::sim
