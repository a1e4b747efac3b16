// lying_peer.cc: the stage: an in-memory network, and packets forged with logged secrets.
#include "lying_peer.h"

#include <algorithm>

#include "quic/connection/datagram_builder.h"

namespace hawser::quic {
namespace {

constexpr std::int64_t kWallClock = 1'800'000'000;
constexpr std::size_t kMinInitial = 1'200;

const DevCertificate& certificate() {
  static const DevCertificate minted =
      mint_dev_certificate({.names = {"localhost"}, .not_before_s = kWallClock - 60}).value();
  return minted;
}

std::vector<std::uint8_t> octets_of(std::string_view text) {
  return {text.begin(), text.end()};
}

SocketAddress address_of(Role role) {
  return role == Role::kClient ? ipv4_address({10, 0, 0, 1}, 5555) : ipv4_address({10, 0, 0, 2}, 443);
}

}  // namespace

std::string varint_hex(std::uint64_t value) {
  std::array<std::uint8_t, 8> octets;
  const std::uint8_t* end = put_varint(octets.data(), value);
  return to_hex({octets.data(), end});
}

std::string bytes_hex(std::size_t count, std::uint8_t value) {
  return to_hex(std::vector<std::uint8_t>(count, value));
}

Theatre::Theatre(const Options& options) : ecn(options.ecn), options_(options) {
  server_tls_.emplace(TlsServerContext::create({.common = {.alpn = {options.alpn},
                                                           .groups = options.server_groups,
                                                           .key_log = &Theatre::key_log,
                                                           .key_log_context = this,
                                                           .verification_time_s = kWallClock},
                                                .certificates = {{.chain = octets_of(certificate().certificate_pem),
                                                                  .key = octets_of(certificate().key_pem)}}})
                          .value());
  client_tls_.emplace(
      TlsClientContext::create({.common = {.alpn = {options.alpn}, .verification_time_s = kWallClock},
                                .trust = {.system = false, .ca = octets_of(certificate().certificate_pem)}})
          .value());
  server_endpoint = std::make_unique<Endpoint>(EndpointConfig{.connection = options.server,
                                                              .tls = &*server_tls_,
                                                              .accept = this,
                                                              .retry = options.retry,
                                                              .stream_memory_max = options.stream_memory_max,
                                                              .random = &random});
  client_endpoint = std::make_unique<Endpoint>(EndpointConfig{.random = &random});
  client = client_endpoint
               ->connect({.tuple = {address_of(Role::kClient), address_of(Role::kServer)},
                          .server_name = "localhost",
                          .tls = &*client_tls_,
                          .connection = options.client},
                         options.client_handler != nullptr ? *options.client_handler : client_witness, now)
               .value();
}

void Theatre::key_log(void* context, std::string_view line) {
  const std::size_t first = line.find(' ');
  const std::size_t second = line.rfind(' ');
  auto& theatre = *static_cast<Theatre*>(context);
  theatre.secrets[std::string(line.substr(0, first))] = from_hex(line.substr(second + 1));
  theatre.key_log_lines.emplace_back(line);
}

void Theatre::flush(Role from) {
  Endpoint& endpoint = from == Role::kClient ? *client_endpoint : *server_endpoint;
  for (;;) {
    TransmitTrain train{.buffer = memory_};
    if (endpoint.next_transmits(now, {&train, 1}) == 0) return;
    for (std::size_t at = 0; at < train.size; at += train.segment_size) {
      const Bytes datagram = Bytes(memory_).subspan(at, std::min(train.segment_size, train.size - at));
      Wire wire{from, {datagram.begin(), datagram.end()}};
      std::vector<std::uint8_t>& first = first_datagram_[static_cast<std::size_t>(from)];
      if (first.empty()) first = wire.octets;
      learn_cids(wire);
      if (on_sent) on_sent(from, datagram, train.tuple);
      std::size_t& allowed = allowance_[static_cast<std::size_t>(from)];
      if (silenced_[static_cast<std::size_t>(from)] || allowed == 0) continue;
      --allowed;
      queue_.push_back(std::move(wire));
    }
  }
}

// Long headers say which connection IDs are in use.
void Theatre::learn_cids(const Wire& wire) {
  const auto header = parse_packet_header(wire.octets, 8, true);
  if (!header || !header->is_long() || header->type == PacketType::kRetry) return;
  (wire.from == Role::kClient ? client_cid_ : server_cid_) = ConnectionId(header->scid);
  if (wire.from == Role::kClient && original_dcid_.empty()) original_dcid_ = ConnectionId(header->dcid);
}

void Theatre::deliver(const Wire& wire) {
  deliver(wire, {address_of(peer_of(wire.from)), address_of(wire.from)});
}

void Theatre::deliver(const Wire& wire, const FourTuple& tuple) {
  const Role to = peer_of(wire.from);
  std::vector<std::uint8_t> octets = wire.octets;
  ReceivedTrain train{.bytes = octets, .segment_size = octets.size(), .tuple = tuple, .ecn = ecn};
  (to == Role::kClient ? *client_endpoint : *server_endpoint).on_datagrams({&train, 1}, now);
}

void Theatre::settle() {
  for (int round = 0; round < 200; ++round) {
    flush(Role::kClient);
    flush(Role::kServer);
    if (queue_.empty()) return;
    std::vector<Wire> batch = std::exchange(queue_, {});
    for (const Wire& wire : batch) deliver(wire);
  }
}

void Theatre::pass(Duration time) {
  const Timestamp end = now + time;
  for (;;) {
    settle();
    const Timestamp next =
        std::min(client_endpoint->next_timeout().value_or(kNever), server_endpoint->next_timeout().value_or(kNever));
    if (next > end) break;
    now = std::max(now + 1us, next);
    client_endpoint->on_timeout(now);
    server_endpoint->on_timeout(now);
  }
  now = end;
}

void Theatre::open() {
  settle();
  pass(200ms);
  HAWSER_CHECK(client->handshake_confirmed() && server != nullptr && server->handshake_confirmed());
}

DirectionKeys Theatre::keys_of(Role liar, EncryptionLevel level, Version version) const {
  const std::string side = liar == Role::kClient ? "CLIENT" : "SERVER";
  const VersionKeyTable& table = *version_key_table(version);
  if (level == EncryptionLevel::kInitial) return std::move(initial_keys(table, liar, original_dcid_.view()).write);
  const std::string label =
      level == EncryptionLevel::kHandshake ? side + "_HANDSHAKE_TRAFFIC_SECRET" : side + "_TRAFFIC_SECRET_0";
  const std::vector<std::uint8_t>& secret = secrets.at(label);
  const CipherSuite suite = secret.size() == 48 ? CipherSuite::kAes256GcmSha384 : CipherSuite::kAes128GcmSha256;
  return DirectionKeys(table, suite, secret);
}

std::vector<std::uint8_t> Theatre::forge(Role liar, const Forgery& forgery) {
  const Version version = forgery.version ? *forgery.version : client->version();  // the client may be gone
  DirectionKeys keys = keys_of(liar, forgery.level, forgery.version_of_keys.value_or(version));
  const std::vector<std::uint8_t> frames = from_hex(forgery.frames_hex);
  HAWSER_CHECK(!frames.empty() || forgery.frames_hex.empty());
  std::uint64_t& next = next_number_[static_cast<std::size_t>(liar)];
  const PacketNumber number{forgery.number.value_or(next)};
  if (!forgery.number) ++next;
  std::vector<std::uint8_t> datagram(frames.size() + kMinInitial + 200);
  DatagramBuilder builder;
  builder.begin(datagram);
  const ConnectionId to = liar == Role::kClient ? (server_cid_.empty() ? original_dcid_ : server_cid_) : client_cid_;
  const ConnectionId dcid = forgery.dcid.value_or(to);
  const ConnectionId scid = forgery.scid.value_or(liar == Role::kClient ? client_cid_ : server_cid_);
  OpenPacket* packet = builder.open(
      {.level = forgery.level, .version = version, .dcid = dcid.view(), .scid = scid.view(), .token = forgery.token},
      number, std::nullopt);
  std::copy(frames.begin(), frames.end(), packet->payload.take(frames.size()));
  if (forgery.level == EncryptionLevel::kInitial && forgery.pad) builder.pad_to(kMinInitial);
  builder.finish();
  packet->start[0] |= forgery.set_bits;
  keys.packet.seal(forgery.path, number, packet->header(), packet->payload.pieces(),
                   packet->start + packet->layout.size);
  protect(packet->start, packet->layout.pn_offset, packet->packet_number_length,
          keys.header.mask(packet->start + packet->layout.pn_offset + kSampleOffset));
  datagram.resize(builder.size());
  return datagram;
}

void Theatre::lie(Role liar, EncryptionLevel level, std::string_view frames_hex, std::optional<std::uint64_t> number) {
  lie(liar, {.level = level, .frames_hex = std::string(frames_hex), .number = number});
}

void Theatre::lie_with_first_octet(Role liar, std::string_view frames_hex, std::uint8_t set_bits) {
  lie(liar, {.frames_hex = std::string(frames_hex), .set_bits = set_bits});
}

void Theatre::inject(Role liar, std::vector<std::uint8_t> datagram) {
  inject_from(liar, std::move(datagram), address_of(liar));
}

void Theatre::inject_from(Role liar, std::vector<std::uint8_t> datagram, const SocketAddress& from) {
  inject_on(liar, std::move(datagram), {address_of(peer_of(liar)), from});
}

void Theatre::inject_on(Role liar, std::vector<std::uint8_t> datagram, const FourTuple& tuple) {
  deliver({liar, std::move(datagram)}, tuple);
  settle();
}

}  // namespace hawser::quic
