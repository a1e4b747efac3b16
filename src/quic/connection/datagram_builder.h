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

// A sealed 1-RTT packet whose header still lies bare: masks are computed for a train at once.
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
  static constexpr std::size_t kMaxUnmasked = 64;  // datagrams of a train, as many as GSO takes

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

  // Over the datagrams of a train: packets that wait for their masks.
  void mask_later(const OpenPacket& packet) {
    unmasked_[unmasked_count_++] = {packet.start, static_cast<std::uint16_t>(packet.layout.pn_offset),
                                    static_cast<std::uint16_t>(packet.packet_number_length)};
  }
  [[nodiscard]] bool unmasked_full() const { return unmasked_count_ == kMaxUnmasked; }
  [[nodiscard]] std::span<const UnmaskedPacket> unmasked() const { return {unmasked_.data(), unmasked_count_}; }
  void clear_unmasked() { unmasked_count_ = 0; }

 private:
  std::array<OpenPacket, kMaxPackets> packets_;
  std::size_t count_ = 0;
  MutableBytes area_;
  std::array<UnmaskedPacket, kMaxUnmasked> unmasked_;
  std::size_t unmasked_count_ = 0;
};

}  // namespace hawser::quic
