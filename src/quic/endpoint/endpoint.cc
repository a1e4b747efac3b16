// endpoint.cc: finds the connection of each received datagram and asks those that have something
// to say for trains. What belongs to no connection goes to new_clients.cc.
// Before: the driver. After: connection/receive.cc on the way in, the driver on the way out.
#include "quic/endpoint/endpoint.h"

#include <algorithm>
#include <array>

#include "quic/connection/multipath.h"
#include "quic/connection/path_memory.h"
#include "quic/endpoint/endpoint_impl.h"
#include "quic/multipath/scheduler_check.h"
#include "quic/tls/tls_context.h"

namespace hawser::quic {
namespace {

// With the transport's limits, some 100 octets, they fit the context of a ticket.
constexpr std::size_t kMaxEarlyDataTerms = 256;
constexpr std::size_t kMinCidLength = 4;
// Of a token in a first datagram: headers and connection IDs take 80 octets, a piece of the ClientHello the rest.
constexpr std::size_t kTokenMax = 1'000;
static_assert(kMaxEarlyDataTerms + 128 <= kMaxTicketContext);

std::array<std::uint8_t, 32> secret_or_random(std::array<std::uint8_t, 32> secret, Random& random) {
  if (std::all_of(secret.begin(), secret.end(), [](std::uint8_t octet) { return octet == 0; })) random.fill(secret);
  return secret;
}

EndpointConfig with_secret(EndpointConfig config) {
  HAWSER_CHECK(config.random != nullptr && config.worker < config.workers);
  HAWSER_CHECK(config.early_data_terms.size() <= kMaxEarlyDataTerms);
  // Never of no octets, by which connections of one address could not be told apart.
  // rfc9000:5.1-zero-length-alone rfc9000:18.2-preferred-zero rfc9000:19.15-zero-not-sent
  HAWSER_CHECK(config.cid_length >= kMinCidLength && config.cid_length <= kMaxConnectionIdLength);
  config.secret = secret_or_random(config.secret, *config.random);
  return config;
}

}  // namespace

Endpoint::Impl::Impl(EndpointConfig c)
    : config(with_secret(std::move(c))),
      cids(*config.random,
           {.secret = config.secret, .length = config.cid_length, .worker = config.worker, .workers = config.workers}),
      tokens(config.secret, config.epoch),
      replies(config.stateless_replies_max),
      hash{{config.random->next_u64(), config.random->next_u64()}} {
  if (config.tls != nullptr) {
    AdmissionLimits limits = config.admission;
    limits.retry_mark =
        std::clamp<std::size_t>(config.handshakes_max / 2, 1, std::max<std::size_t>(limits.retry_mark, 1));
    admission = std::make_unique<Admission>(limits, config.retry, std::array{hash.key[1], hash.key[0]});
  }
  if (config.tls != nullptr && config.connection.careful_resume && config.resume_claims == nullptr) {
    own_claims = std::make_unique<ResumeClaims>(std::array{config.random->next_u64(), config.random->next_u64()});
    config.resume_claims = own_claims.get();
  }
  if (config.replay_guard == nullptr) return;
  early_data = std::make_unique<EarlyDataTerms>(EarlyDataTerms{.guard = config.replay_guard,
                                                               .limits = configured_parameters(config.connection),
                                                               .application = config.early_data_terms,
                                                               .ticket_context = {}});
  seal_terms(*early_data, *config.random);
}

Endpoint::Endpoint(EndpointConfig config) : impl_(std::make_unique<Impl>(std::move(config))) {}
Endpoint::~Endpoint() = default;

void Endpoint::on_datagrams(std::span<ReceivedTrain> batch, Timestamp now) {
  impl_->handshakes_to_begin = Impl::kHandshakesAtOnce;
  for (const ReceivedTrain& train : batch) impl_->on_train(train, now);
  impl_->end_batch(now);
}

void Endpoint::on_stray(Bytes datagram, Timestamp now) {
  if (impl_->on_reset(datagram, now)) impl_->end_batch(now);
}

void Endpoint::Impl::end_batch(Timestamp now) {
  const bool short_of_memory = is_short_of_memory();
  for (Entry* entry : touched) {
    entry->touched = false;
    end_batch_of(*entry, now);
    if (short_of_memory) [[unlikely]]
      end_if_hoarding(*entry, now);
    settle(*entry, now);
  }
  touched.clear();
  replayed.clear();
  begun.clear();
}

// Those that are behind wait for their turn, so that who asks for little is answered at once.
void Endpoint::Impl::end_batch_of(Entry& entry, Timestamp now) {
  ConnectionCore& c = core(entry);
  c.end_batch(now, entry.behind ? ConnectionCore::Turn::kWait : ConnectionCore::Turn::kNow);
  if (entry.behind || !c.is_behind()) return;
  take_behind(entry);
  ++stats.turns_exceeded;
}

void Endpoint::Impl::take_behind(Entry& entry) {
  entry.behind = true;
  behind.push_back(&entry);
}

// Called once a round.
void Endpoint::Impl::give_turn(Timestamp now) {
  if (next_behind >= behind.size()) next_behind = 0;
  Entry& entry = *behind[next_behind];
  core(entry).end_batch(now, ConnectionCore::Turn::kNow);
  if (core(entry).is_behind()) {
    ++next_behind;
  } else {
    entry.behind = false;
    behind[next_behind] = behind.back();
    behind.pop_back();
  }
  if (is_short_of_memory()) [[unlikely]]
    end_if_hoarding(entry, now);
  settle(entry, now);
}

// Who sends data behind a gap or acknowledges nothing makes us keep what the windows allow. With many such
// connections that is too much, and those that hold most of it go.
// rfc9000:21.9-work
void Endpoint::Impl::end_if_hoarding(Entry& entry, Timestamp now) {
  ConnectionCore& c = core(entry);
  const std::size_t held = c.streams().receive_memory() + c.streams().send_memory();
  const std::size_t share = config.stream_memory_max / std::max<std::size_t>(entries.size(), 1);
  if (!c.is_open() || held <= std::max(share, EndpointConfig::kStreamMemoryShareMin)) return;
  ++stats.hoarders_ended;
  c.close_for({.code = TransportErrorCode::kInternalError, .frame_type = 0, .reason = "memory for streams is short"});
  end_batch_of(entry, now);
}

// Neighbouring datagrams of one connection go to it together.
void Endpoint::Impl::on_train(const ReceivedTrain& train, Timestamp now) {
  std::size_t at = 0;
  while (at < train.bytes.size()) {
    const std::size_t first_size = std::min(train.segment_size, train.bytes.size() - at);
    const MutableBytes first = train.bytes.subspan(at, first_size);
    ++stats.datagrams_received;
    Entry* entry = route(first);
    if (entry == nullptr) {
      on_unrouted(first, train, now);
      at += first_size;
      continue;
    }
    std::size_t end = at + first_size;
    const bool is_short = (first[0] & kLongHeaderBit) == 0;
    while (is_short && end < train.bytes.size()) {
      const std::size_t size = std::min(train.segment_size, train.bytes.size() - end);
      const std::uint8_t* next = train.bytes.data() + end;
      if (size < 1 + config.cid_length || (next[0] & kLongHeaderBit) != 0 ||
          std::memcmp(next + 1, first.data() + 1, config.cid_length) != 0)
        break;
      ++stats.datagrams_received;
      end += size;
    }
    core(*entry).on_datagrams(train.bytes.subspan(at, end - at), train.segment_size, train.tuple, train.ecn, now);
    apply_routing(*entry);
    touch(*entry);
    at = end;
  }
}

// rfc9000:10.3.2-length-known rfc9000:11-no-reset
Endpoint::Impl::Entry* Endpoint::Impl::route(Bytes datagram) {
  const std::optional<Bytes> dcid = peek_destination_cid(datagram, config.cid_length);
  if (!dcid || dcid->size() > kMaxConnectionIdLength) return nullptr;
  return by_cid.find(hash(*dcid));
}

Endpoint::Impl::Entry& Endpoint::Impl::add(ConnectionParameters parameters) {
  parameters.cids = &cids;
  parameters.lending = &lending;
  parameters.events = config.events;
  parameters.handle = next_handle++;
  entries.push_back(std::make_unique<Entry>(std::make_unique<ConnectionCore>(parameters)));
  Entry& entry = *entries.back();
  entry.place = static_cast<std::uint32_t>(entries.size() - 1);
  by_cid.insert(hash(parameters.local_cid.view()), entry);
  ++handshakes;
  ++turnover;
  ++stats.connections_open;
  return entry;
}

const std::shared_ptr<const ConnectionConfig>& Endpoint::Impl::shared(const ConnectionConfig& wanted) {
  if (*connect_config != wanted) connect_config = std::make_shared<ConnectionConfig>(wanted);
  return connect_config;
}

void Endpoint::Impl::touch(Entry& entry) {
  if (entry.touched) return;
  entry.touched = true;
  touched.push_back(&entry);
}

void Endpoint::Impl::make_ready(Entry& entry) {
  if (entry.ready) return;
  entry.ready = true;
  ready.push_back(&entry);
}

// After an input: routes, counts, and either sends or sleeps until the next deadline.
void Endpoint::Impl::settle(Entry& entry, Timestamp now) {
  apply_routing(entry);
  if (entry.handshake_counted) {
    if (!core(entry).handshake_open()) {
      end_handshake(entry, now);
    } else if (entry.admitted) {
      const auto memory = static_cast<std::uint32_t>(core(entry).memory());
      admission->on_memory(static_cast<std::int64_t>(memory) - entry.handshake_memory);
      entry.handshake_memory = memory;
    }
  }
  if (core(entry).take_owed_of_endpoint()) [[unlikely]]
    give_owed(entry, now);
  make_ready(entry);
}

void Endpoint::Impl::give_owed(Entry& entry, Timestamp now) {
  ConnectionCore& c = core(entry);
  if (c.is_server()) return give_token(entry, now);
  const std::optional<SocketAddress> preferred = c.preferred_address();
  if (config.locals == nullptr || entry.fixed_local || !preferred) return;
  if (const auto local = config.locals->local_towards(*preferred)) c.try_preferred_address(*local);
}

// For the client's address of now, or, as long as it has not proven that one, for the one before: whoever can send a
// datagram in somebody's name must not get a token for it.
// rfc9000:19.7-not-empty rfc9000:19.7-client
void Endpoint::Impl::give_token(Entry& entry, Timestamp now) {
  ConnectionCore& c = core(entry);
  if (!c.is_server() || !c.is_open() || !config.send_new_token) return;
  const NetworkPath* proven = &c.path().active();
  if (!proven->validated()) {
    const OtherNetworkPath* const before = c.path().previous();
    if (before == nullptr) return;
    proven = &before->network_path;
  }
  c.set_new_token(tokens.make_new_token(proven->tuple().remote, c.version(), now, *config.random, entry.saved_path()));
}

void Endpoint::Impl::end_handshake(Entry& entry, Timestamp now) {
  entry.handshake_counted = false;
  --handshakes;
  ConnectionCore& c = core(entry);
  give_token(entry, now);
  if (!entry.admitted) return;
  open_handshakes[entry.open_place] = open_handshakes.back();
  open_handshakes[entry.open_place]->open_place = entry.open_place;
  open_handshakes.pop_back();
  admission->on_memory(-static_cast<std::int64_t>(std::exchange(entry.handshake_memory, 0)));
  admission->end(entry.source, entry.validated, c.handshake_complete(), now);
}

void Endpoint::Impl::apply_routing(Entry& entry) {
  if (core(entry).has_routing_changes()) {
    for (const RoutingChange& change : core(entry).take_routing_changes()) {
      if (change.add) {
        by_cid.insert(hash(change.cid.view()), entry);
      } else {
        by_cid.erase(hash(change.cid.view()), entry);
      }
    }
  }
  if (!core(entry).take_reset_tokens_changed()) return;
  // A few tokens at most: all go, those that still hold come back.
  forget_reset_tokens(entry);
  std::size_t count = 0;
  core(entry).for_each_reset_token([&](const StatelessResetToken& token) {
    if (count == kMaxResetTokens || !by_reset_token.insert(hash(token), entry)) return;
    if (count < entry.reset_tokens.size()) {
      entry.reset_tokens[count] = hash(token);
    } else {
      if (entry.more_reset_tokens == nullptr) entry.more_reset_tokens = std::make_unique<std::vector<std::uint64_t>>();
      entry.more_reset_tokens->push_back(hash(token));
    }
    ++count;
  });
}

void Endpoint::Impl::forget_reset_tokens(Entry& entry) {
  for (std::uint64_t& token : entry.reset_tokens)
    if (token != 0) by_reset_token.erase(std::exchange(token, 0), entry);
  if (entry.more_reset_tokens == nullptr) return;
  for (const std::uint64_t token : *entry.more_reset_tokens) by_reset_token.erase(token, entry);
  entry.more_reset_tokens.reset();
}

void Endpoint::Impl::remove(Entry& entry, Timestamp now) {
  apply_routing(entry);  // what was retired just now must not be found either
  core(entry).for_each_routed_cid([&](const ConnectionId& cid) { by_cid.erase(hash(cid.view()), entry); });
  forget_reset_tokens(entry);
  timers.remove(entry);
  if (entry.ready) std::erase(ready, &entry);
  if (entry.touched) std::erase(touched, &entry);
  if (entry.behind) std::erase(behind, &entry);
  if (entry.handshake_counted) end_handshake(entry, now);
  if (core(entry).flooded()) {
    ++stats.floods_ended;
    // Whoever invented the address could have it kept out.
    if (core(entry).is_server() && core(entry).handshake_complete()) admission->on_flood(entry.source, now);
  }
  stats.deaf_peers_ended += core(entry).peer_is_deaf();
  if (const Multipath* const paths = core(entry).multipath()) {
    if (ended_paths == nullptr) ended_paths = std::make_unique<PathTotals>();
    ended_paths->add_counts(paths->totals());
  }
  if (const PathMemory* memory = core(entry).path_memory()) {
    stats.careful_resumes += memory->jumped_to() != 0;
    stats.careful_resume_retreats += memory->retreated();
  }
  ++turnover;
  --stats.connections_open;
  // The last one takes its place.
  const std::uint32_t place = entry.place;
  std::swap(entries[place], entries.back());
  entries[place]->place = place;
  entries.pop_back();
}

void Endpoint::on_timeout(Timestamp now) {
  while (TimerNode* due = impl_->timers.pop(now)) {
    auto& entry = *static_cast<Impl::Entry*>(due);
    ConnectionCore& core = Impl::core(entry);
    core.on_timeout(now);
    impl_->end_batch_of(entry, now);
    if (core.terminated()) {
      impl_->remove(entry, now);
    } else {
      impl_->settle(entry, now);
    }
  }
  if (!impl_->behind.empty()) impl_->give_turn(now);
  if (!impl_->waiting.empty()) {
    impl_->begin_waiting(now);
    impl_->end_batch(now);
  }
}

std::size_t Endpoint::next_transmits(Timestamp now, std::span<TransmitTrain> trains) {
  impl_->timers.advance(now);
  std::size_t count = 0;
  while (count < trains.size() && !impl_->replies.empty()) impl_->replies.take(trains[count++]);
  std::vector<Impl::Entry*>& ready = impl_->ready;
  while (count < trains.size() && !ready.empty()) {
    // One train each, in turns, so that no connection waits for another's bulk.
    if (impl_->next_ready >= ready.size()) impl_->next_ready = 0;
    Impl::Entry& entry = *ready[impl_->next_ready];
    ConnectionCore& core = Impl::core(entry);
    if (core.next_train(trains[count], impl_->builder, now)) {
      ++count;
      ++impl_->stats.trains_sent;
      ++impl_->next_ready;
      continue;
    }
    entry.ready = false;
    ready[impl_->next_ready] = ready.back();
    ready.pop_back();
    impl_->end_batch_of(entry, now);  // sending may have closed the connection
    impl_->apply_routing(entry);
    if (core.wants_another_turn()) impl_->make_ready(entry);
    impl_->timers.set(entry, core.next_timeout());
  }
  return count;
}

std::optional<Timestamp> Endpoint::next_timeout() const {
  if (!impl_->ready.empty() || !impl_->replies.empty() || !impl_->waiting.empty() || !impl_->behind.empty())
    return Timestamp::min();
  if (impl_->timers.empty()) return std::nullopt;
  return impl_->timers.next();
}

std::expected<Connection*, ConfigError> Endpoint::connect(ClientParameters parameters, ConnectionHandler& handler,
                                                          Timestamp now) {
  if (impl_->refuses_new) return std::unexpected(ConfigError{"connect: the endpoint is being closed"});
  if (parameters.tls == nullptr) return std::unexpected(ConfigError{"connect: no TLS context given"});
  const auto controller = make_congestion_controller(parameters.connection.congestion_control, kBaseMtu);
  if (!controller) return std::unexpected(controller.error());
  HAWSER_TRY_VOID(check_path_scheduler(parameters.connection.path_scheduler));
  // rfc9000:14-minimum
  if (parameters.connection.max_udp_payload < kBaseMtu || parameters.connection.max_udp_payload > kMaxMtu)
    return std::unexpected(ConfigError{"max_udp_payload must lie between 1200 and 65527 octets"});
  if (parameters.connection.receive_timestamps > ReceiveTimes::kMax ||
      parameters.connection.receive_timestamps_exponent > 20)
    return std::unexpected(ConfigError{"receive_timestamps must be at most 63, their exponent at most 20"});
  const ConnectionConfig& wanted = parameters.connection;
  const Version version =
      // rfc9368:2.5-pick
      wanted.first_version != Version::kNegotiation ? wanted.first_version : wanted.versions.first_flight();
  // rfc9368:3-chosen-listed
  if (!wanted.versions.contains(version))
    return std::unexpected(ConfigError{"the first packet's QUIC version must be one of those to speak"});
  // RFC 9369 section 5: what came from a connection of another version is of no use.
  // rfc9000:8.1.3-token-used
  // One that leaves no room in a first datagram of 1,200 octets is no proof that can be shown.
  if (parameters.token_version != version || parameters.token.size() > kTokenMax) parameters.token.clear();
  if (!parameters.session.empty() && !ticket_is_of(parameters.session, version)) parameters.session.clear();
  // RFC 9000 section 7.2: at least 8 unpredictable octets until the server's choice is known.
  // rfc9000:7.2-initial-dcid-length
  std::array<std::uint8_t, 16> first;
  impl_->config.random->fill(first);
  const ConnectionId original_dcid{Bytes(first)};
  Impl::Entry& entry = impl_->add({.role = Role::kClient,
                                   .config = impl_->shared(parameters.connection),
                                   .tuple = parameters.tuple,
                                   .version = version,
                                   .original_dcid = original_dcid,
                                   .local_cid = impl_->cids.generate(),
                                   .peer_cid = original_dcid,
                                   .token = std::move(parameters.token),
                                   .client_tls = parameters.tls,
                                   .server_name = parameters.server_name});
  entry.fixed_local = parameters.fixed_local;
  ConnectionCore& core = Impl::core(entry);
  core.attach(entry, handler);
  const std::vector<std::uint8_t> encoded = core.encoded_transport_parameters();
  core.set_tls(parameters.tls->new_session(
      core.tls_handler(),
      {.server_name = parameters.server_name, .transport_parameters = encoded, .ticket = parameters.session}));
  core.offer_early_data(parameters.session);
  core.use_path_memory(parameters.saved_path, nullptr, now);
  core.start(now);
  impl_->settle(entry, now);
  // Its handler hears of 0-RTT before the first datagrams are made, so that a request may stand in them.
  if (core.early_data() == EarlyDataStatus::kOffered) impl_->take_behind(entry);
  return &entry;
}

void Endpoint::close_all(ApplicationErrorCode code, std::string_view reason, Timestamp now) {
  impl_->refuses_new = true;
  // Handlers hear of it in the loop; none of them adds or removes an entry.
  for (const auto& entry : impl_->entries) {
    Impl::core(*entry).close(code, reason);
    impl_->end_batch_of(*entry, now);
    impl_->make_ready(*entry);
  }
}

void Endpoint::wake(Connection& connection) {
  impl_->make_ready(static_cast<Impl::Entry&>(connection));
}

std::vector<Connection*> Endpoint::connections() {
  std::vector<Connection*> all;
  all.reserve(impl_->entries.size());
  for (const auto& entry : impl_->entries) all.push_back(entry.get());
  return all;
}

std::size_t Endpoint::connection_count() const {
  return impl_->entries.size();
}
std::uint64_t Endpoint::turnover() const {
  return impl_->turnover;
}
PathTotals Endpoint::path_totals() const {
  PathTotals totals;
  if (impl_->ended_paths != nullptr) totals = *impl_->ended_paths;
  for (const auto& entry : impl_->entries)
    if (const Multipath* const paths = Impl::core(*entry).multipath()) totals += paths->totals();
  return totals;
}

EndpointStats Endpoint::stats() const {
  EndpointStats stats = impl_->stats;
  stats.clients_waiting_most = impl_->waiting.most();
  if (impl_->admission != nullptr) stats.admission = impl_->admission->stats();
  return stats;
}

}  // namespace hawser::quic
