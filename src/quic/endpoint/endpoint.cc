// endpoint.cc: finds the connection of each received datagram, accepts new ones, and asks
// those that have something to say for trains.
// Before: the driver. After: connection/receive.cc on the way in, the driver on the way out.
#include "quic/endpoint/endpoint.h"

#include <algorithm>
#include <array>

#include "base/flat_map.h"
#include "base/hash_index.h"
#include "base/timer_wheel.h"
#include "quic/connection/core.h"
#include "quic/endpoint/address_token.h"
#include "quic/endpoint/early_datagrams.h"
#include "quic/endpoint/stateless_replies.h"
#include "quic/tls/tls_context.h"

namespace hawser::quic {
namespace {

constexpr std::size_t kMinInitialDatagram = 1'200;  // RFC 9000 section 14.1
constexpr std::size_t kMinInitialDcid = 8;          // RFC 9000 section 7.2
// With the transport's limits, some 100 octets, they fit the context of a ticket.
constexpr std::size_t kMaxEarlyDataTerms = 256;
static_assert(kMaxEarlyDataTerms + 128 <= kMaxTicketContext);
// RFC 9000 section 10.3.1: a smaller datagram is no stateless reset.
constexpr std::size_t kMinResetHeard = 5 + kStatelessResetTokenLength;

// Peers choose connection IDs, so the hash is keyed.
struct RouteHash {
  std::uint64_t key[2];
  std::uint64_t operator()(Bytes octets) const { return siphash13(key, octets.data(), octets.size()); }
};

std::array<std::uint8_t, 32> secret_or_random(std::array<std::uint8_t, 32> secret, Random& random) {
  if (std::all_of(secret.begin(), secret.end(), [](std::uint8_t octet) { return octet == 0; })) random.fill(secret);
  return secret;
}

EndpointConfig with_secret(EndpointConfig config) {
  HAWSER_CHECK(config.random != nullptr && config.worker < config.workers);
  HAWSER_CHECK(config.early_data_terms.size() <= kMaxEarlyDataTerms);
  config.secret = secret_or_random(config.secret, *config.random);
  return config;
}

// Whether the Initial at the start of the datagram opens under the keys of its connection ID:
// the network did not damage it. Works on a copy.
bool is_authentic(Bytes datagram, const PacketHeader& header) {
  if (header.packet_size < header.pn_offset + kMinProtectedLength) return false;
  std::vector<std::uint8_t> packet(datagram.begin(),
                                   datagram.begin() + static_cast<std::ptrdiff_t>(header.packet_size));
  LevelKeys keys = initial_keys(*version_key_table(header.version), Role::kServer, header.dcid);
  const TruncatedPacketNumber number = unprotect(
      packet.data(), header.pn_offset, keys.read.header.mask(packet.data() + header.pn_offset + kSampleOffset));
  const std::size_t header_size = header.pn_offset + number.length;
  return keys.read.packet.open(kInitialPathId, PacketNumber{number.value}, Bytes(packet).first(header_size),
                               MutableBytes(packet).subspan(header_size));
}

}  // namespace

struct Endpoint::Impl {
  // One connection with what the endpoint knows of it.
  struct Entry final : TimerNode, Connection {
    using Connection::Connection;
    // Hashes of the peer's reset tokens in by_reset_token; 0: none. No more are in use at a time.
    std::array<std::uint64_t, kMaxOtherNetworkPaths + 1> reset_tokens{};
    std::uint32_t place = 0;  // in entries
    bool ready = false;       // stands in ready_
    bool touched = false;     // stands in touched_
    bool handshake_counted = true;
    bool admitted = false;   // stands in admission with what follows, while handshake_counted
    bool validated = false;  // by a token
    Admission::Source source;
    std::uint32_t handshake_memory = 0;  // octets, when it was last looked at
  };

  explicit Impl(EndpointConfig c)
      : config(with_secret(std::move(c))),
        cids(
            *config.random,
            {.secret = config.secret, .length = config.cid_length, .worker = config.worker, .workers = config.workers}),
        tokens(config.secret),
        replies(config.stateless_replies_max),
        hash{{config.random->next_u64(), config.random->next_u64()}} {
    if (config.tls != nullptr) {
      AdmissionLimits limits = config.admission;
      limits.retry_mark =
          std::clamp<std::size_t>(config.handshakes_max / 2, 1, std::max<std::size_t>(limits.retry_mark, 1));
      admission = std::make_unique<Admission>(limits, config.retry, std::array{hash.key[1], hash.key[0]});
    }
    if (config.replay_guard == nullptr) return;
    early_data = std::make_unique<EarlyDataTerms>(EarlyDataTerms{.guard = config.replay_guard,
                                                                 .limits = configured_parameters(config.connection),
                                                                 .application = config.early_data_terms,
                                                                 .ticket_context = {}});
    seal_terms(*early_data, *config.random);
  }

  EndpointConfig config;
  // Of all connections that are accepted, and of the latest that was opened.
  std::shared_ptr<const ConnectionConfig> accept_config = std::make_shared<ConnectionConfig>(config.connection);
  std::shared_ptr<const ConnectionConfig> connect_config = accept_config;
  CidGenerator cids;
  AddressTokens tokens;
  StatelessReplies replies;
  std::unique_ptr<Admission> admission;        // servers only
  Lending lending;                             // outlives the connections
  std::unique_ptr<EarlyDataTerms> early_data;  // likewise; null: 0-RTT is rejected
  EarlyDatagrams early_datagrams;
  std::vector<std::unique_ptr<Entry>> entries;
  RouteHash hash;
  HashIndex<Entry> by_cid;  // a packet that comes to the wrong one by its hash does not open there
  HashIndex<Entry> by_reset_token;
  TimerWheel timers;
  std::vector<Entry*> ready;    // have something to send, in turns
  std::vector<Entry*> touched;  // got something in the batch at hand
  // Datagrams from before, kept to the end of the batch: what the application reads may lie in them.
  std::vector<std::vector<EarlyDatagram>> replayed;
  std::size_t next_ready = 0;
  DatagramBuilder builder;
  EndpointStats stats;
  std::size_t handshakes = 0;
  std::uint64_t turnover = 0;
  std::uint64_t next_handle = 1;
  bool refuses_new = false;

  static ConnectionCore& core(Entry& entry) { return entry.Connection::core(); }

  void on_train(const ReceivedTrain& train, Timestamp now);
  Entry* route(Bytes datagram);
  void on_unrouted(MutableBytes datagram, const ReceivedTrain& train, Timestamp now);
  bool on_reset(Bytes datagram, Timestamp now);
  void end_batch(Timestamp now);
  void on_new_client(MutableBytes datagram, const PacketHeader& header, const ReceivedTrain& train, Timestamp now);
  void accept(MutableBytes datagram, const PacketHeader& header, const ReceivedTrain& train,
              const std::optional<AddressTokens::Verdict>& verdict, Timestamp now);
  void send_retry(const PacketHeader& header, const ReceivedTrain& train, Timestamp now);
  // Whether one more stateless reply may go there.
  bool may_reply(const SocketAddress& to, Timestamp now) {
    return admission->on_reply(admission->source_of(to), now) && replies.admit(now);
  }
  void end_handshake(Entry& entry, Timestamp now);
  void replay_early_datagrams(Entry& entry, std::uint64_t cid, Timestamp now);
  Entry& add(ConnectionParameters parameters);
  const std::shared_ptr<const ConnectionConfig>& shared(const ConnectionConfig& wanted);
  void touch(Entry& entry);
  void make_ready(Entry& entry);
  void settle(Entry& entry, Timestamp now);
  void apply_routing(Entry& entry);
  void forget_reset_tokens(Entry& entry);
  void remove(Entry& entry, Timestamp now);
  void emit_endpoint(const auto& event, Timestamp now) {
    const Vantage vantage = config.tls != nullptr ? Vantage::kServer : Vantage::kClient;
    EventEmitter(config.events, {.connection = 0, .original_destination_cid = {}, .now = now, .vantage = vantage})
        .emit(event);
  }
};

Endpoint::Endpoint(EndpointConfig config) : impl_(std::make_unique<Impl>(std::move(config))) {}
Endpoint::~Endpoint() = default;

void Endpoint::on_datagrams(std::span<ReceivedTrain> batch, Timestamp now) {
  for (const ReceivedTrain& train : batch) impl_->on_train(train, now);
  impl_->end_batch(now);
}

void Endpoint::on_stray(Bytes datagram, Timestamp now) {
  if (impl_->on_reset(datagram, now)) impl_->end_batch(now);
}

void Endpoint::Impl::end_batch(Timestamp now) {
  for (Entry* entry : touched) {
    entry->touched = false;
    core(*entry).end_batch(now);
    settle(*entry, now);
  }
  touched.clear();
  replayed.clear();
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

Endpoint::Impl::Entry* Endpoint::Impl::route(Bytes datagram) {
  const std::optional<Bytes> dcid = peek_destination_cid(datagram, config.cid_length);
  if (!dcid || dcid->size() > kMaxConnectionIdLength) return nullptr;
  return by_cid.find(hash(*dcid));
}

// rfc9000:5.2.2-version-negotiation rfc9000:5.2.2-small-unsupported rfc9000:5.2.2-vn-if-long
// rfc9000:5.2.2-drop-others rfc9000:5.2.2-early-handshake rfc9000:6.1-vn-not-answered
void Endpoint::Impl::on_unrouted(MutableBytes datagram, const ReceivedTrain& train, Timestamp now) {
  if (datagram.empty()) return;
  if ((datagram[0] & kLongHeaderBit) == 0) {
    // RFC 9000 section 10.3.1: perhaps a stateless reset of ours to hear.
    if (on_reset(datagram, now)) return;
    ++stats.datagrams_dropped;
    if (config.tls == nullptr || !may_reply(train.tuple.remote, now)) return;
    // Of another endpoint's connection, then. An answer does no harm: it is smaller.
    if (config.strays != nullptr && datagram.size() >= kMinResetHeard) {
      ReceivedTrain stray = train;
      stray.bytes = datagram;
      stray.segment_size = datagram.size();
      config.strays->on_stray(stray);
    }
    if (!replies.add_reset(datagram, train.tuple, cids)) return;
    ++stats.stateless_resets_sent;
    emit_endpoint(StatelessResetSent{.remote = train.tuple.remote, .size = datagram.size() - 1}, now);
    return;
  }
  const std::optional<PacketHeader> header = parse_packet_header(datagram, config.cid_length);
  if (!header || config.tls == nullptr) {
    ++stats.datagrams_dropped;
    return;
  }
  if (header->type != PacketType::kVersionNegotiation && !config.connection.versions.contains(header->version)) {
    // RFC 9000 section 6.1: only datagrams that could start a connection are answered.
    if (datagram.size() >= kMinInitialDatagram && may_reply(train.tuple.remote, now)) {
      replies.add_version_negotiation(*header, train.tuple, config.connection.versions.view(), config.connection.grease,
                                      *config.random);
      ++stats.version_negotiations_sent;
      emit_endpoint(VersionNegotiationSent{.remote = train.tuple.remote,
                                           .offered_version = static_cast<std::uint32_t>(header->version)},
                    now);
    }
    return;
  }
  if (header->type == PacketType::kZeroRtt && early_data != nullptr && header->dcid.size() >= kMinInitialDcid &&
      early_datagrams.keep({.cid = hash(header->dcid),
                            .arrived = now,
                            .octets = {datagram.begin(), datagram.end()},
                            .tuple = train.tuple,
                            .ecn = train.ecn}))
    return;
  if (header->type != PacketType::kInitial || datagram.size() < kMinInitialDatagram ||
      header->dcid.size() < kMinInitialDcid) {
    ++stats.datagrams_dropped;
    return;
  }
  on_new_client(datagram, *header, train, now);
}

// True if it ended a connection of ours.
// rfc9000:10.3.1-compare
bool Endpoint::Impl::on_reset(Bytes datagram, Timestamp now) {
  if (datagram.size() < kMinResetHeard) return false;
  StatelessResetToken token;
  std::copy_n(datagram.end() - static_cast<std::ptrdiff_t>(token.size()), token.size(), token.begin());
  Entry* found = by_reset_token.find(hash(token));
  if (found == nullptr || !core(*found).path().peer_cids().is_reset_token(token)) return false;
  core(*found).on_stateless_reset(now);
  touch(*found);
  return true;
}

// rfc9000:5.2.2-refused rfc9000:8.1.3-token-validated rfc9000:8.1.3-token-good rfc9000:8.1.2-invalid-token
// rfc9000:8.1.3-token-bad-goes-on
void Endpoint::Impl::on_new_client(MutableBytes datagram, const PacketHeader& header, const ReceivedTrain& train,
                                   Timestamp now) {
  std::optional<AddressTokens::Verdict> verdict;
  const Admission::Source source = admission->source_of(train.tuple.remote);
  if (!admission->on_initial(source, now)) {
    ++stats.datagrams_dropped;
    return;
  }
  const auto refuse = [&](TransportErrorCode code, std::string_view reason) {
    ++stats.connections_refused;
    if (may_reply(train.tuple.remote, now))
      replies.add_refusal(header, train.tuple, static_cast<std::uint64_t>(code), cids);
    emit_endpoint(ConnectionRefused{.remote = train.tuple.remote, .reason = reason}, now);
  };
  if (!header.token.empty()) {
    verdict = tokens.check(header.token, train.tuple.remote, header.version, ConnectionId(header.dcid), now);
    // RFC 9000 section 8.1.2: a bad Retry token in an Initial that is otherwise valid is an
    // error; any other token is merely no proof.
    if (!verdict && AddressTokens::looks_like_retry(header.token) && header.token.size() > TokenSealer::kOverhead) {
      if (replies.has_room() && is_authentic(datagram, header))
        refuse(TransportErrorCode::kInvalidToken, "invalid Retry token");
      return;
    }
  }
  if (refuses_new) return refuse(TransportErrorCode::kConnectionRefused, "shutting down");
  if (entries.size() >= config.connections_max)
    return refuse(TransportErrorCode::kConnectionRefused, "connections_max reached");
  if (handshakes >= config.handshakes_max)
    return refuse(TransportErrorCode::kConnectionRefused, "handshakes_max reached");
  switch (admission->judge(source, verdict.has_value(), now)) {
    case Admission::Verdict::kAccept:
      return accept(datagram, header, train, verdict, now);
    case Admission::Verdict::kRetry:
      return send_retry(header, train, now);
    case Admission::Verdict::kIgnore:
      ++stats.datagrams_dropped;
      return;
    case Admission::Verdict::kRefuse:
      return refuse(TransportErrorCode::kConnectionRefused, "handshake_memory_max reached");
  }
}

void Endpoint::Impl::send_retry(const PacketHeader& header, const ReceivedTrain& train, Timestamp now) {
  if (!replies.has_room()) return;
  const ConnectionId retry_scid = cids.generate();
  const ConnectionId original(header.dcid);
  replies.add_retry(header, train.tuple, retry_scid,
                    tokens.make_retry(train.tuple.remote, header.version, original, retry_scid, now, *config.random),
                    *config.random);
  ++stats.retries_sent;
  emit_endpoint(RetrySent{.remote = train.tuple.remote, .original_destination_cid = original.view()}, now);
}

void Endpoint::Impl::accept(MutableBytes datagram, const PacketHeader& header, const ReceivedTrain& train,
                            const std::optional<AddressTokens::Verdict>& verdict, Timestamp now) {
  const ConnectionId dcid(header.dcid);
  ConnectionParameters parameters{.role = Role::kServer,
                                  .config = accept_config,
                                  .tuple = train.tuple,
                                  .version = header.version,
                                  .original_dcid = dcid,
                                  .local_cid = cids.generate(),
                                  .peer_cid = ConnectionId(header.scid),
                                  .address_validated = verdict.has_value()};
  if (verdict && verdict->is_retry) {
    parameters.original_dcid = verdict->original_dcid;
    parameters.retry_scid = dcid;
  }
  Entry& entry = add(std::move(parameters));
  entry.source = admission->source_of(train.tuple.remote);
  entry.validated = verdict.has_value();
  entry.admitted = true;
  admission->begin(entry.source, entry.validated, now);
  ConnectionCore& c = core(entry);
  c.set_tls(config.tls->new_session(c.tls_handler()));
  if (early_data != nullptr) c.allow_early_data(*early_data);
  // The client uses its first connection ID until it knows ours (RFC 9000 section 7.2).
  by_cid.insert(hash(dcid.view()), entry);
  c.start(now);
  c.on_datagrams(datagram, datagram.size(), train.tuple, train.ecn, now);
  if (!c.begun()) {
    // Damaged on its way, or no Initial at all: nobody is there to be told.
    ++stats.datagrams_dropped;
    remove(entry, now);
    return;
  }
  ConnectionHandler* handler = config.accept->on_accept(entry);
  if (handler == nullptr) {
    ++stats.connections_refused;
    if (may_reply(train.tuple.remote, now))
      replies.add_refusal(header, train.tuple, static_cast<std::uint64_t>(TransportErrorCode::kConnectionRefused),
                          cids);
    remove(entry, now);
    return;
  }
  ++stats.connections_accepted;
  c.attach(entry, *handler);
  if (!early_datagrams.empty()) replay_early_datagrams(entry, hash(dcid.view()), now);
  apply_routing(entry);
  touch(entry);
}

void Endpoint::Impl::replay_early_datagrams(Entry& entry, std::uint64_t cid, Timestamp now) {
  std::vector<EarlyDatagram>& taken = replayed.emplace_back(early_datagrams.take(cid, now));
  for (EarlyDatagram& early : taken)
    core(entry).on_datagrams(early.octets, early.octets.size(), early.tuple, early.ecn, now);
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
  make_ready(entry);
}

void Endpoint::Impl::end_handshake(Entry& entry, Timestamp now) {
  entry.handshake_counted = false;
  --handshakes;
  ConnectionCore& c = core(entry);
  if (c.is_server() && c.is_open() && config.send_new_token)
    c.set_new_token(tokens.make_new_token(c.path().active().tuple().remote, c.version(), now, *config.random));
  if (!entry.admitted) return;
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
  core(entry).path().peer_cids().for_each_token([&](const StatelessResetToken& token) {
    if (count < entry.reset_tokens.size() && by_reset_token.insert(hash(token), entry))
      entry.reset_tokens[count++] = hash(token);
  });
}

void Endpoint::Impl::forget_reset_tokens(Entry& entry) {
  for (std::uint64_t& token : entry.reset_tokens)
    if (token != 0) by_reset_token.erase(std::exchange(token, 0), entry);
}

void Endpoint::Impl::remove(Entry& entry, Timestamp now) {
  apply_routing(entry);  // what was retired just now must not be found either
  core(entry).for_each_routed_cid([&](const ConnectionId& cid) { by_cid.erase(hash(cid.view()), entry); });
  forget_reset_tokens(entry);
  timers.remove(entry);
  if (entry.ready) std::erase(ready, &entry);
  if (entry.touched) std::erase(touched, &entry);
  if (entry.handshake_counted) end_handshake(entry, now);
  stats.floods_ended += core(entry).flooded();
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
    core.end_batch(now);
    if (core.terminated()) {
      impl_->remove(entry, now);
    } else {
      impl_->settle(entry, now);
    }
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
    core.end_batch(now);  // sending may have closed the connection
    impl_->apply_routing(entry);
    impl_->timers.set(entry, core.next_timeout());
  }
  return count;
}

std::optional<Timestamp> Endpoint::next_timeout() const {
  if (!impl_->ready.empty() || !impl_->replies.empty()) return Timestamp::min();
  if (impl_->timers.empty()) return std::nullopt;
  return impl_->timers.next();
}

std::expected<Connection*, ConfigError> Endpoint::connect(ClientParameters parameters, ConnectionHandler& handler,
                                                          Timestamp now) {
  if (parameters.tls == nullptr) return std::unexpected(ConfigError{"connect: no TLS context given"});
  const auto controller = make_congestion_controller(parameters.connection.congestion_control, kBaseMtu);
  if (!controller) return std::unexpected(controller.error());
  if (parameters.connection.max_udp_payload < kBaseMtu || parameters.connection.max_udp_payload > kMaxMtu)
    return std::unexpected(ConfigError{"max_udp_payload must lie between 1200 and 65527 octets"});
  const ConnectionConfig& wanted = parameters.connection;
  const Version version =
      wanted.first_version != Version::kNegotiation ? wanted.first_version : wanted.versions.first_flight();
  if (!wanted.versions.contains(version))
    return std::unexpected(ConfigError{"the first packet's QUIC version must be one of those to speak"});
  // RFC 9369 section 5: what came from a connection of another version is of no use.
  if (parameters.token_version != version) parameters.token.clear();
  if (!parameters.session.empty() && !ticket_is_of(parameters.session, version)) parameters.session.clear();
  // RFC 9000 section 7.2: at least 8 unpredictable octets until the server's choice is known.
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
  ConnectionCore& core = Impl::core(entry);
  core.attach(entry, handler);
  const std::vector<std::uint8_t> encoded = core.encoded_transport_parameters();
  core.set_tls(parameters.tls->new_session(
      core.tls_handler(),
      {.server_name = parameters.server_name, .transport_parameters = encoded, .ticket = parameters.session}));
  core.offer_early_data(parameters.session);
  core.start(now);
  impl_->settle(entry, now);
  return &entry;
}

void Endpoint::close_all(ApplicationErrorCode code, std::string_view reason, Timestamp now) {
  impl_->refuses_new = true;
  for (const auto& entry : impl_->entries) {
    Impl::core(*entry).close(code, reason);
    Impl::core(*entry).end_batch(now);
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
EndpointStats Endpoint::stats() const {
  EndpointStats stats = impl_->stats;
  if (impl_->admission != nullptr) stats.admission = impl_->admission->stats();
  return stats;
}

}  // namespace hawser::quic
