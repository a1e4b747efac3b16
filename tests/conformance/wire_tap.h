// wire_tap.h: what two honest endpoints put on the wire, opened with logged secrets: for rules about
// what is sent, which no liar can make anyone break.
#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "lying_peer.h"
#include "quic/crypto/packet_protection.h"
#include "quic/endpoint/testing_pair.h"
#include "quic/wire/frames/any_frame.h"
#include "quic/wire/packet_header.h"

namespace hawser::quic {

struct SeenPacket {
  bool to_server = false;
  Timestamp sent{};
  FourTuple tuple;           // as the sender has it
  std::size_t datagram = 0;  // the how many-th of all
  std::size_t datagram_size = 0;
  PacketType type = PacketType::kOneRtt;
  Version version = Version::kNegotiation;  // of a long header
  std::uint8_t first_octet = 0;             // unprotected where it was opened
  std::vector<std::uint8_t> dcid, scid, token;
  bool opened = false;
  std::uint64_t number = 0;
  std::vector<std::uint8_t> payload;
  std::vector<AnyFrame> frames;  // views into `payload`

  template <class Frame>
  [[nodiscard]] const Frame* get() const {
    for (const AnyFrame& frame : frames)
      if (const auto* found = std::get_if<Frame>(&frame)) return found;
    return nullptr;
  }
  template <class Frame>
  [[nodiscard]] bool has() const {
    return get<Frame>() != nullptr;
  }
  // Elicits an acknowledgement (RFC 9002 section 2).
  [[nodiscard]] bool eliciting() const {
    return std::ranges::any_of(frames, [](const AnyFrame& frame) {
      return !std::holds_alternative<AckFrame>(frame) && !std::holds_alternative<PaddingFrame>(frame) &&
             !std::holds_alternative<ConnectionCloseFrame>(frame) && !std::holds_alternative<FecRecoveredFrame>(frame);
    });
  }
};

// Listens to a pair, or to a theatre, from its construction on.
class WireTap {
 public:
  explicit WireTap(Pair& pair);
  explicit WireTap(Theatre& theatre);

  // All so far, in the order in which they were sent. Good until the next call.
  const std::vector<SeenPacket>& packets();
  // Forgets what was sent; packet numbers are known on.
  void clear();

  template <class Predicate>
  std::vector<const SeenPacket*> where(Predicate predicate) {
    std::vector<const SeenPacket*> found;
    for (const SeenPacket& packet : packets())
      if (predicate(packet)) found.push_back(&packet);
    return found;
  }

 private:
  struct Sent {
    bool to_server;
    Timestamp at;
    FourTuple tuple;
    std::vector<std::uint8_t> octets;
  };
  void read(const Sent& sent);
  bool open(std::vector<std::uint8_t> packet, const PacketHeader& header, SeenPacket& seen);
  bool open_with(DirectionKeys& keys, std::vector<std::uint8_t> packet, const PacketHeader& header, SeenPacket& seen);
  std::vector<DirectionKeys> keys_for(const PacketHeader& header, bool to_server);

  const std::vector<std::string>& key_log_;
  std::vector<Sent> waiting_;
  std::size_t datagrams_ = 0;
  std::vector<SeenPacket> packets_;
  std::vector<std::vector<std::uint8_t>> initial_dcids_;
  std::map<std::pair<bool, PacketNumberSpace>, std::uint64_t> largest_;
};

}  // namespace hawser::quic
