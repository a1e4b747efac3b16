// flood.cc: hawser-flood: an attacker for the lab. Sends what costs a server most, at a given rate,
// from as many ports and loopback addresses as asked for, or inside a connection with the keys of an
// honest handshake. Aim it at servers of your own only; docs/security.md says what it showed.
#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <map>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "base/random.h"
#include "quic/connection/datagram_builder.h"
#include "quic/crypto/packet_protection.h"
#include "quic/endpoint/endpoint.h"
#include "quic/tls/tls_context.h"

namespace hawser::quic {
namespace {

using WallClock = std::chrono::steady_clock;
constexpr std::size_t kInitialSize = 1'200;
constexpr std::size_t kInitialsMade = 16'384;  // distinct ones, sent in turns: 20 MB
constexpr std::size_t kBatch = 32;

struct Arguments {
  std::string kind;
  std::uint64_t rate = 50'000;  // packets a second
  std::string target = "127.0.0.1";
  std::uint16_t port = 4'433;
  double seconds = 10;
  std::uint32_t sources = 1;  // addresses 127.77.x.y
  std::uint32_t ports = 64;   // of all sources together, at least one each
};

// The frames that an inner flood repeats, and how often in a packet.
struct InnerFlood {
  std::vector<std::uint8_t> frame;
  std::size_t count;
};
const std::map<std::string, InnerFlood>& inner_floods() {
  static const std::map<std::string, InnerFlood> kinds = {
      {"ping", {{0x01}, 8}},
      {"path-challenge", {{0x1a, 1, 2, 3, 4, 5, 6, 7, 8}, 8}},
      {"crypto-empty", {{0x06, 0, 0}, 8}},
      {"stream-empty", {{0x0a, 0, 0}, 8}},
      {"max-data", {{0x10, 0x01}, 8}},
      {"reset-stream", {{0x04, 0, 0, 0}, 8}},
  };
  return kinds;
}

Timestamp now() {
  return Timestamp{std::chrono::duration_cast<Duration>(WallClock::now().time_since_epoch())};
}

struct Sockets {
  explicit Sockets(const Arguments& a) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(a.port);
    if (::inet_pton(AF_INET, a.target.c_str(), &to.sin_addr) != 1)
      throw std::runtime_error("--target: an IPv4 address");
    const std::uint32_t count = std::max(a.sources, a.ports);
    for (std::uint32_t i = 0; i < count; ++i) {
      const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
      sockaddr_in from{};
      from.sin_family = AF_INET;
      from.sin_addr.s_addr = a.sources <= 1 ? htonl(INADDR_ANY) : htonl(0x7f4d0001u + i % a.sources);
      if (fd < 0 || ::bind(fd, reinterpret_cast<const sockaddr*>(&from), sizeof(from)) < 0 ||
          ::connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof(to)) < 0)
        throw std::runtime_error(std::string("socket: ") + std::strerror(errno));
      fds.push_back(fd);
    }
  }
  ~Sockets() {
    for (const int fd : fds) ::close(fd);
  }
  Sockets(const Sockets&) = delete;
  Sockets& operator=(const Sockets&) = delete;
  std::vector<int> fds;
};

// Calls send(i) `rate` times a second, in small batches.
template <class Send>
std::uint64_t paced(const Arguments& a, Send&& send) {
  const auto begin = WallClock::now();
  const auto end = begin + std::chrono::duration<double>(a.seconds);
  std::uint64_t sent = 0;
  for (auto at = begin; at < end; at = WallClock::now()) {
    const auto due =
        static_cast<std::uint64_t>(std::chrono::duration<double>(at - begin).count() * static_cast<double>(a.rate));
    // What could not be sent in time is not made up for.
    for (std::size_t i = 0; sent < due && i < kBatch; ++i) send(sent++);
    if (sent >= due) std::this_thread::sleep_for(std::chrono::microseconds(100));
  }
  return sent;
}

std::vector<std::uint8_t> seal(DirectionKeys& keys, const PacketHeaderParts& parts, std::uint64_t number,
                               Bytes frames) {
  std::vector<std::uint8_t> datagram(kInitialSize + 200);
  DatagramBuilder builder;
  builder.begin(datagram);
  OpenPacket* packet = builder.open(parts, PacketNumber{number}, std::nullopt);
  std::copy(frames.begin(), frames.end(), packet->payload.take(frames.size()));
  if (parts.level == EncryptionLevel::kInitial) builder.pad_to(kInitialSize);
  builder.finish();
  keys.packet.seal(kInitialPathId, PacketNumber{number}, packet->header(), packet->payload.pieces(),
                   packet->start + packet->layout.size);
  protect(packet->start, packet->layout.pn_offset, packet->packet_number_length,
          keys.header.mask(packet->start + packet->layout.pn_offset + kSampleOffset));
  datagram.resize(builder.size());
  return datagram;
}

// An honest client, whose words are used by the attacker.
struct Client final : ConnectionHandler {
  bool complete = false;
  bool closed = false;
  std::map<std::string, std::vector<std::uint8_t>> secrets;
  SeededRandom random{static_cast<std::uint64_t>(WallClock::now().time_since_epoch().count())};
  TlsClientContext tls = TlsClientContext::create({.common = {.alpn = {"h3"},
                                                              .groups = "X25519",  // one datagram is enough
                                                              .cipher_suites = {CipherSuite::kAes128GcmSha256},
                                                              .key_log = &Client::on_key,
                                                              .key_log_context = this},
                                                   .trust = {.system = false, .ca_file = {}, .ca_folder = {}, .ca = {}},
                                                   .verify_peer = false})
                             .value();
  Endpoint endpoint{EndpointConfig{.random = &random}};
  Connection* connection = nullptr;
  ConnectionId server_cid;

  void on_handshake_complete(Connection&) override { complete = true; }
  void on_closed(Connection&, const CloseReason&) override { closed = true; }
  static void on_key(void* context, std::string_view line) {
    static_cast<Client*>(context)->secrets[std::string(line.substr(0, line.find(' ')))] =
        from_hex(line.substr(line.rfind(' ') + 1));
  }

  void connect() {
    connection =
        endpoint
            .connect({.tuple = {{}, ipv4_address({127, 0, 0, 1}, 443)}, .server_name = "localhost", .tls = &tls}, *this,
                     now())
            .value();
  }
  template <class Send>
  void transmit(Send&& send) {
    std::vector<std::uint8_t> memory(65'536);
    TransmitTrain train{.buffer = memory};
    while (endpoint.next_transmits(now(), {&train, 1}) != 0) {
      for (std::size_t at = 0; at < train.size; at += train.segment_size)
        send(Bytes(memory).subspan(at, std::min(train.segment_size, train.size - at)));
      train.buffer = memory;
    }
  }
  // As the liar: its packets would be news to the endpoint. Looks for CONNECTION_CLOSE only.
  void listen(int fd, DirectionKeys& keys) {
    std::uint8_t octets[2'048];
    for (ssize_t size; (size = ::recv(fd, octets, sizeof(octets), 0)) > 0;) {
      const MutableBytes packet{octets, static_cast<std::size_t>(size)};
      const auto header = parse_packet_header(packet, 8);
      if (!header || header->is_long() || packet.size() < header->pn_offset + kMinProtectedLength) continue;
      // Nothing is acknowledged, so packet numbers come whole.
      const TruncatedPacketNumber number =
          unprotect(octets, header->pn_offset, keys.header.mask(octets + header->pn_offset + kSampleOffset));
      const std::size_t header_size = header->pn_offset + number.length;
      if (keys.packet.open(kInitialPathId, PacketNumber{number.value}, Bytes(packet).first(header_size),
                           packet.subspan(header_size)) &&
          (octets[header_size] == 0x1c || octets[header_size] == 0x1d))
        closed = true;
    }
  }
  void receive(int fd) {
    std::uint8_t octets[2'048];
    for (ssize_t size; (size = ::recv(fd, octets, sizeof(octets), 0)) > 0;) {
      const MutableBytes datagram{octets, static_cast<std::size_t>(size)};
      if (const auto header = parse_packet_header(datagram, 8); header && header->is_long())
        server_cid = ConnectionId(header->scid);
      ReceivedTrain train{.bytes = datagram, .segment_size = datagram.size(), .tuple = connection->tuple()};
      endpoint.on_datagrams({&train, 1}, now());
    }
    endpoint.on_timeout(now());
  }
};

// First packets of many clients, each of which begins a handshake that nobody goes on with.
std::vector<std::vector<std::uint8_t>> make_initials(Random& random) {
  Client client;
  client.connect();
  std::vector<std::uint8_t> first;
  client.transmit([&](Bytes datagram) {
    if (first.empty()) first.assign(datagram.begin(), datagram.end());
  });
  const auto header = parse_packet_header(first, 8).value();
  const ConnectionId scid(header.scid);
  LevelKeys keys = initial_keys(v1_key_table(), Role::kServer, header.dcid);
  const TruncatedPacketNumber number =
      unprotect(first.data(), header.pn_offset, keys.read.header.mask(first.data() + header.pn_offset + kSampleOffset));
  const std::size_t header_size = header.pn_offset + number.length;
  if (!keys.read.packet.open(kInitialPathId, PacketNumber{number.value}, Bytes(first).first(header_size),
                             MutableBytes(first).subspan(header_size, header.packet_size - header_size)))
    throw std::runtime_error("cannot open what was just sealed");
  // Some room is left for a longer header; what is cut off is padding.
  const Bytes frames = Bytes(first).subspan(header_size, header.packet_size - header_size - kAeadTagLength - 16);
  std::vector<std::vector<std::uint8_t>> made;
  for (std::size_t i = 0; i < kInitialsMade; ++i) {
    std::array<std::uint8_t, 8> dcid;
    random.fill(dcid);
    LevelKeys own = initial_keys(v1_key_table(), Role::kClient, dcid);
    made.push_back(seal(own.write, {.level = EncryptionLevel::kInitial, .dcid = dcid, .scid = scid.view()}, 0, frames));
  }
  return made;
}

std::uint64_t flood_outside(const Arguments& a) {
  SeededRandom random{static_cast<std::uint64_t>(WallClock::now().time_since_epoch().count())};
  const Sockets sockets(a);
  std::vector<std::vector<std::uint8_t>> datagrams = make_initials(random);
  for (std::vector<std::uint8_t>& datagram : datagrams) {
    if (a.kind == "junk") {
      random.fill(MutableBytes(datagram).subspan(40));
    } else if (a.kind == "version") {
      datagram[1] = 0x7a;
    } else if (a.kind == "reset") {
      datagram.resize(60);
      random.fill(datagram);
      datagram[0] = 0x40;
    }
  }
  return paced(a, [&](std::uint64_t i) {
    const auto& datagram = datagrams[i % datagrams.size()];
    [[maybe_unused]] const auto sent = ::send(sockets.fds[i % sockets.fds.size()], datagram.data(), datagram.size(), 0);
  });
}

// Ended connections are made anew: an attacker would not give up.
std::uint64_t flood_inside(const Arguments& a, const InnerFlood& flood, std::uint64_t& connections) {
  std::vector<std::uint8_t> frames;
  for (std::size_t i = 0; i < flood.count; ++i) frames.insert(frames.end(), flood.frame.begin(), flood.frame.end());
  Arguments one = a;
  one.ports = 1;
  std::unique_ptr<Sockets> sockets;
  std::unique_ptr<Client> client;
  std::optional<DirectionKeys> keys;
  std::optional<DirectionKeys> peer_keys;
  std::uint64_t sent = 0;
  std::uint64_t number = 0;
  paced(a, [&](std::uint64_t i) {
    if (client == nullptr || client->closed) {
      sockets = std::make_unique<Sockets>(one);
      client = std::make_unique<Client>();
      client->connect();
      keys.reset();
      number = 1'000;
      ++connections;
    }
    const int fd = sockets->fds[0];
    if (!keys) {
      client->receive(fd);
    } else if (i % kBatch == 0) {
      client->listen(fd, *peer_keys);
    }
    if (!client->complete || client->closed) {
      client->transmit([fd](Bytes datagram) { (void)!::send(fd, datagram.data(), datagram.size(), 0); });
      return;
    }
    if (!keys) {
      // The handshake's last flight, then the liar alone.
      client->transmit([fd](Bytes datagram) { (void)!::send(fd, datagram.data(), datagram.size(), 0); });
      keys.emplace(v1_key_table(), CipherSuite::kAes128GcmSha256, client->secrets.at("CLIENT_TRAFFIC_SECRET_0"));
      peer_keys.emplace(v1_key_table(), CipherSuite::kAes128GcmSha256, client->secrets.at("SERVER_TRAFFIC_SECRET_0"));
    }
    const auto datagram =
        seal(*keys, {.level = EncryptionLevel::kOneRtt, .dcid = client->server_cid.view()}, number++, frames);
    sent += ::send(fd, datagram.data(), datagram.size(), 0) > 0;
  });
  return sent;
}

int main_of(int argc, char** argv) {
  CLI::App app{"hawser-flood: attacks a server of your own, to see what it stands"};
  Arguments a;
  app.add_option(
         "kind", a.kind,
         "initial (handshakes begun), junk (first packets that do not open), version, reset (packets of no "
         "connection); inside connections: ping, path-challenge, crypto-empty, stream-empty, max-data, reset-stream")
      ->required();
  app.add_option("rate", a.rate, "packets a second")->capture_default_str();
  app.add_option("--target", a.target, "IPv4 address of the server")->capture_default_str();
  app.add_option("--port", a.port, "its port")->capture_default_str();
  app.add_option("--seconds", a.seconds, "how long")->capture_default_str();
  app.add_option("--sources", a.sources, "addresses 127.77.x.y to send from, on loopback")->capture_default_str();
  app.add_option("--ports", a.ports, "source ports in all")->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  std::uint64_t connections = 0;
  std::uint64_t sent = 0;
  if (const auto inner = inner_floods().find(a.kind); inner != inner_floods().end()) {
    sent = flood_inside(a, inner->second, connections);
  } else if (a.kind == "initial" || a.kind == "junk" || a.kind == "version" || a.kind == "reset") {
    sent = flood_outside(a);
  } else {
    throw std::runtime_error("no such kind: " + a.kind + "; see --help");
  }
  std::printf("%s: %llu packets, %.0f a second, %llu connections\n", a.kind.c_str(),
              static_cast<unsigned long long>(sent), static_cast<double>(sent) / a.seconds,
              static_cast<unsigned long long>(connections));
  return 0;
}

}  // namespace
}  // namespace hawser::quic

int main(int argc, char** argv) try { return hawser::quic::main_of(argc, argv); } catch (const std::exception& error) {
  std::fprintf(stderr, "hawser-flood: %s\n", error.what());
  return 1;
}
