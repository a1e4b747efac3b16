// flood_client.h: an honest client, whose words and keys an attacker uses, and packets made by hand.
#pragma once

#include <sys/socket.h>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/random.h"
#include "flood_options.h"
#include "quic/connection/datagram_builder.h"
#include "quic/crypto/packet_protection.h"
#include "quic/endpoint/endpoint.h"
#include "quic/tls/tls_context.h"

namespace hawser::flood {

using namespace quic;  // NOLINT: all of this program speaks of it

inline constexpr std::size_t kInitialSize = 1'200;
// The server may clear the fixed bit of any packet (RFC 9287).
inline constexpr bool kGreased = true;

// One packet in a datagram; Initials are padded to 1,200 octets.
std::vector<std::uint8_t> seal(DirectionKeys& keys, const PacketHeaderParts& parts, std::uint64_t number, Bytes frames);

// What a first packet says: its frames in the clear, to be sealed under other connection IDs.
struct FirstWords {
  ConnectionId scid;
  std::vector<std::uint8_t> frames;
};
FirstWords first_words();

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
      const auto header = parse_packet_header(packet, 8, kGreased);
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
      if (const auto header = parse_packet_header(datagram, 8, kGreased); header && header->is_long())
        server_cid = ConnectionId(header->scid);
      ReceivedTrain train{.bytes = datagram, .segment_size = datagram.size(), .tuple = connection->tuple()};
      endpoint.on_datagrams({&train, 1}, now());
    }
    endpoint.on_timeout(now());
  }
};

}  // namespace hawser::flood
