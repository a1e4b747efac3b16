// new_clients.cc: datagrams that belong to no connection: stateless resets, clients that are accepted, sent a
// Retry or refused, and versions that are not spoken.
// Before: endpoint.cc. After: connection/receive.cc for who is accepted, stateless_replies.cc for the others.
#include <algorithm>
#include <array>

#include "quic/endpoint/endpoint_impl.h"
#include "quic/tls/tls_context.h"

namespace hawser::quic {
namespace {

constexpr std::size_t kMinInitialDatagram = 1'200;  // RFC 9000 section 14.1
constexpr std::size_t kMinInitialDcid = 8;          // RFC 9000 section 7.2
// RFC 9000 section 10.3.1: a smaller datagram is no stateless reset.
constexpr std::size_t kMinResetHeard = 5 + kStatelessResetTokenLength;

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

// What a client has learnt from a Retry is the Destination Connection ID of its next packet, which looks like a
// first one and has to be as long (section 7.2), though those that we issue later may be shorter.
ConnectionId retry_cid(CidGenerator& cids) {
  const ConnectionId made = cids.generate();
  std::array<std::uint8_t, kMinInitialDcid> octets;
  if (made.view().size() >= octets.size()) return made;
  cids.random().fill(octets);
  std::copy(made.view().begin(), made.view().end(), octets.begin());
  return ConnectionId(Bytes(octets));
}

}  // namespace

// rfc9000:5.2.2-version-negotiation rfc9000:5.2.2-small-unsupported rfc9000:5.2.2-vn-if-long
// rfc9000:5.2.2-drop-others rfc9000:5.2.2-early-handshake rfc9000:6.1-vn-not-answered
// rfc9368:2.1-clients
void Endpoint::Impl::on_unrouted(MutableBytes datagram, const ReceivedTrain& train, Timestamp now) {
  if (datagram.empty()) return;
  // RFC 9000 section 10.3: a stateless reset of ours to hear, whatever its header looks like.
  // rfc9000:10.3-any-packet
  if (on_reset(datagram, now)) return;
  if ((datagram[0] & kLongHeaderBit) == 0) {
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
  const std::optional<PacketHeader> header = parse_packet_header(datagram, config.cid_length, config.connection.grease);
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
  if (found == nullptr || !core(*found).is_reset_token(token)) return false;
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
  if (waiting.add_to(hash(header.dcid), datagram)) return;
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
  if (entries.size() + waiting.size() >= config.connections_max)
    return refuse(TransportErrorCode::kConnectionRefused, "connections_max reached");
  switch (admission->judge(source, verdict.has_value(), room_for(source), now)) {
    case Admission::Verdict::kAccept:
      return admit(datagram, header, train, verdict, source, now);
    case Admission::Verdict::kRetry:
      return send_retry(header, train, now);
    case Admission::Verdict::kIgnore:
      ++stats.datagrams_dropped;
      return;
    case Admission::Verdict::kRefuse:
      return refuse(TransportErrorCode::kConnectionRefused, "handshakes_max or handshake_memory_max reached");
  }
}

// Looks at a few of the open handshakes: those of whoever holds most of them are hit soon. Null: none of them is
// of a source that has more than its share.
Endpoint::Impl::Entry* Endpoint::Impl::find_yielding(Admission::Source source) {
  constexpr int kLooks = 8;
  Entry* found = nullptr;
  for (int i = 0; i < kLooks && !open_handshakes.empty(); ++i) {
    Entry& entry = *open_handshakes[config.random->below(open_handshakes.size())];
    if (found == nullptr ? admission->yields(entry.source, source)
                         : admission->open_from(entry.source) > admission->open_from(found->source))
      found = &entry;
  }
  return found;
}

Admission::Room Endpoint::Impl::room_for(Admission::Source source) {
  if (has_handshake_room()) return Admission::Room::kFree;
  return find_yielding(source) != nullptr ? Admission::Room::kTaken : Admission::Room::kNone;
}

// Who owns many addresses and answers Retry from each could fill the room for open handshakes; but then none of
// these addresses holds more of it than an honest client's may.
bool Endpoint::Impl::make_room(Admission::Source source, Timestamp now) {
  if (has_handshake_room()) return true;
  Entry* const yielding = find_yielding(source);
  if (yielding == nullptr) return false;
  ++stats.handshakes_displaced;
  core(*yielding).abandon("its handshake made room for another client's", now);
  core(*yielding).end_batch(now, ConnectionCore::Turn::kNow);
  remove(*yielding, now);
  return true;
}

// Its handshake begins now, or in turn.
void Endpoint::Impl::admit(MutableBytes datagram, const PacketHeader& header, const ReceivedTrain& train,
                           const std::optional<AddressTokens::Verdict>& verdict, Admission::Source source,
                           Timestamp now) {
  if (handshakes_to_begin != 0 && waiting.empty()) {
    --handshakes_to_begin;
    return accept(datagram, header, train, verdict, now);
  }
  if (datagram.size() > WaitingClients::kMaxOctets || !waiting.has_room(source)) {
    ++stats.clients_turned_away;
    // One that proves its address is not more welcome then, but it comes back when we have found time.
    if (!verdict && config.retry != RetryPolicy::kNever && admission->take_retry(now))
      return send_retry(header, train, now);
    ++stats.datagrams_dropped;
    return;
  }
  ++stats.clients_waited;
  const bool displaced = waiting.add({.cid = hash(header.dcid),
                                      .source = source,
                                      .tuple = train.tuple,
                                      .ecn = train.ecn,
                                      .verdict = verdict,
                                      .datagrams = {{datagram.begin(), datagram.end()}}});
  stats.clients_turned_away += displaced;
  admission->set_waiting(waiting.size());
}

// Called once for each look at the socket.
void Endpoint::Impl::begin_waiting(Timestamp now) {
  constexpr std::size_t kLooksMax = 32;  // a Retry takes a hundredth of a handshake
  handshakes_to_begin = kHandshakesAtOnce;
  begun.reserve(kLooksMax);  // references stay
  for (std::size_t i = 0; i < kLooksMax && handshakes_to_begin != 0 && !waiting.empty(); ++i) {
    WaitingClient& client = begun.emplace_back(waiting.take());
    admission->set_waiting(waiting.size());
    ReceivedTrain train{.bytes = {}, .segment_size = 0, .tuple = client.tuple, .ecn = client.ecn};
    const MutableBytes first = client.datagrams.front();
    const std::optional<PacketHeader> header = parse_packet_header(first, config.cid_length, config.connection.grease);
    HAWSER_CHECK(header.has_value());  // it was parsed before
    // Those behind which Retry was switched on are asked to prove themselves as well.
    if (!client.verdict && admission->retries() && admission->take_retry(now)) {
      send_retry(*header, train, now);
      continue;
    }
    --handshakes_to_begin;
    accept(first, *header, train, client.verdict, now);
    for (std::size_t more = 1; more < client.datagrams.size(); ++more) {
      train.bytes = client.datagrams[more];
      train.segment_size = train.bytes.size();
      on_train(train, now);
    }
  }
}

// rfc9369:4.1-retry-original rfc9001:4.7-retry-instead
void Endpoint::Impl::send_retry(const PacketHeader& header, const ReceivedTrain& train, Timestamp now) {
  if (!replies.has_room()) return;
  const ConnectionId retry_scid = retry_cid(cids);
  const ConnectionId original(header.dcid);
  replies.add_retry(header, train.tuple, retry_scid,
                    tokens.make_retry(train.tuple.remote, header.version, original, retry_scid, now, *config.random),
                    *config.random);
  ++stats.retries_sent;
  emit_endpoint(RetrySent{.remote = train.tuple.remote, .original_destination_cid = original.view()}, now);
}

void Endpoint::Impl::accept(MutableBytes datagram, const PacketHeader& header, const ReceivedTrain& train,
                            const std::optional<AddressTokens::Verdict>& verdict, Timestamp now) {
  const Admission::Source source = admission->source_of(train.tuple.remote);
  if (!make_room(source, now)) {
    // What there was when it was admitted went to others.
    ++stats.clients_turned_away;
    return;
  }
  const ConnectionId dcid(header.dcid);
  ConnectionParameters parameters{.role = Role::kServer,
                                  .config = accept_config,
                                  .tuple = train.tuple,
                                  .version = header.version,
                                  .original_dcid = dcid,
                                  .local_cid = cids.generate(),
                                  .peer_cid = ConnectionId(header.scid),
                                  // rfc9000:8.1.4-changed-address
                                  .address_validated = verdict.has_value()};
  if (verdict && verdict->is_retry) {
    parameters.original_dcid = verdict->original_dcid;
    parameters.retry_scid = dcid;
  }
  Entry& entry = add(std::move(parameters));
  entry.source = source;
  entry.validated = verdict.has_value();
  entry.admitted = true;
  entry.open_place = static_cast<std::uint32_t>(open_handshakes.size());
  open_handshakes.push_back(&entry);
  admission->begin(entry.source, entry.validated, now);
  ConnectionCore& c = core(entry);
  c.set_tls(config.tls->new_session(c.tls_handler()));
  if (early_data != nullptr) c.allow_early_data(*early_data);
  c.use_path_memory(verdict ? verdict->saved : std::nullopt, config.resume_claims, now);
  // The client uses its first connection ID until it knows ours (RFC 9000 section 7.2).
  by_cid.insert(hash(dcid.view()), entry);
  c.start(now);
  c.on_datagrams(datagram, datagram.size(), train.tuple, train.ecn, now);
  if (!c.begun()) {
    // Damaged on its way, or no Initial at all: nobody is there to be told.
    ++stats.datagrams_dropped;
    c.abandon("its first datagram held no packet", now);
    remove(entry, now);
    return;
  }
  ConnectionHandler* handler = config.accept->on_accept(entry);
  if (handler == nullptr) {
    ++stats.connections_refused;
    if (may_reply(train.tuple.remote, now))
      replies.add_refusal(header, train.tuple, static_cast<std::uint64_t>(TransportErrorCode::kConnectionRefused),
                          cids);
    c.abandon("refused", now);
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

}  // namespace hawser::quic
