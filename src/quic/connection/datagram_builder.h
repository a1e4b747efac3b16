// datagram_builder.h: one outgoing UDP datagram while its packets are being written: headers,
// room for payload and tag, coalescing, padding. Packets stay open until the datagram is
// complete, because only then is it known how much padding the last of them takes.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "base/bytes.h"
#include "quic/crypto/aead.h"
#include "quic/wire/packet_header.h"
#include "quic/wire/packet_payload.h"
#include "quic/wire/types.h"

namespace hawser::quic {

struct OpenPacket {
  EncryptionLevel level = EncryptionLevel::kInitial;
  PacketNumber packet_number;
  std::size_t packet_number_length = 1;
  HeaderLayout layout;
  std::uint8_t* start = nullptr;  // of the packet in the datagram
  PacketPayload payload;

  [[nodiscard]] Bytes header() const { return {start, layout.size}; }
  // Octets of the whole packet with its tag, once sealed.
  [[nodiscard]] std::size_t size() const;
};

// A 1-RTT packet that is written: those of a train are sealed, and their headers masked, at once.
struct UnmaskedPacket {
  std::uint8_t* start = nullptr;
  std::uint16_t pn_offset = 0;
  std::uint16_t pn_length = 0;
};

// What goes into a packet's header besides its number.
struct PacketHeaderParts {
  EncryptionLevel level = EncryptionLevel::kInitial;
  Version version = Version::kV1;
  Bytes dcid;
  Bytes scid;   // long header
  Bytes token;  // Initial
  bool key_phase = false;
};

// Reused from datagram to datagram.
class DatagramBuilder {
 public:
  static constexpr std::size_t kMaxPackets = 3;    // Initial, Handshake, and 1-RTT or 0-RTT
  static constexpr std::size_t kMaxUnsealed = 64;  // datagrams of a train, as many as GSO takes
  // Pieces of their payloads: two each where a stream is sent in bulk. With more the train is sealed
  // in parts.
  static constexpr std::size_t kMaxTrainPieces = 4 * kMaxUnsealed;

  // Starts a datagram of at most area.size() octets.
  void begin(MutableBytes area);

  // Opens the next packet behind the last one, or nullptr if the rest of the area could not
  // hold its header, its tag and a few octets of frames.
  OpenPacket* open(const PacketHeaderParts& parts, PacketNumber number, std::optional<PacketNumber> largest_acked);
  // The packet opened last had nothing to say: as if it had not been opened.
  void abandon_last() { --count_; }

  // Octets so far, with the tags still to come.
  [[nodiscard]] std::size_t size() const;
  [[nodiscard]] bool empty() const { return count_ == 0; }
  [[nodiscard]] std::span<OpenPacket> packets() { return {packets_.data(), count_}; }

  // Adds PADDING frames to the last packet until the datagram has `size` octets, or as many
  // as the area allows.
  void pad_to(std::size_t size);
  // Gives every packet the few octets that header protection samples, and patches the
  // Length fields. Then packets can be sealed.
  void finish();

  // Over the datagrams of a train: packets that wait to be sealed. What their payloads refer to stays
  // valid until then.
  void seal_later(OpenPacket& packet);
  // Another packet may not find room.
  [[nodiscard]] bool unsealed_full() const {
    return unsealed_count_ == kMaxUnsealed || train_piece_count_ + PacketPayload::kMaxPieces > kMaxTrainPieces;
  }
  // In the order in which they were written, and what masks want to know of each.
  [[nodiscard]] std::span<const PacketToSeal> unsealed() const { return {unsealed_.data(), unsealed_count_}; }
  [[nodiscard]] std::span<const UnmaskedPacket> unmasked() const { return {unmasked_.data(), unsealed_count_}; }
  void clear_unsealed() { unsealed_count_ = train_piece_count_ = 0; }

 private:
  std::array<OpenPacket, kMaxPackets> packets_;
  std::size_t count_ = 0;
  MutableBytes area_;
  std::array<PacketToSeal, kMaxUnsealed> unsealed_;
  std::array<UnmaskedPacket, kMaxUnsealed> unmasked_;
  std::size_t unsealed_count_ = 0;
  std::array<Bytes, kMaxTrainPieces> train_pieces_;
  std::size_t train_piece_count_ = 0;
};

}  // namespace hawser::quic
