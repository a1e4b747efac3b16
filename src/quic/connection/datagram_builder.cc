// datagram_builder.cc: lays packets out in a datagram.
#include "quic/connection/datagram_builder.h"

#include <algorithm>

#include "base/writer.h"
#include "quic/crypto/key_schedule.h"

namespace hawser::quic {
namespace {

// Less room than this for frames is not worth a packet's header and tag.
constexpr std::size_t kMinFrameRoom = 16;

// RFC 9001 section 5.4.2: packet number and payload have 4 octets or more, so that there is
// something to sample. Called before another packet is put behind this one.
void reach_sample(OpenPacket& packet) {
  const std::size_t plain = packet.packet_number_length + packet.payload.size();
  if (plain < 4) packet.payload.pad(4 - plain);
}

}  // namespace

std::size_t OpenPacket::size() const {
  return layout.size + payload.size() + kAeadTagLength;
}

void DatagramBuilder::begin(MutableBytes area) {
  area_ = area;
  count_ = 0;
}

std::size_t DatagramBuilder::size() const {
  if (count_ == 0) return 0;
  const OpenPacket& last = packets_[count_ - 1];
  return static_cast<std::size_t>(last.start - area_.data()) + last.size();
}

OpenPacket* DatagramBuilder::open(const PacketHeaderParts& parts, PacketNumber number,
                                  std::optional<PacketNumber> largest_acked) {
  if (count_ != 0) reach_sample(packets_[count_ - 1]);
  const std::size_t at = size();
  const std::size_t number_length = packet_number_length(number, largest_acked);
  OpenPacket& packet = packets_[count_];
  packet.level = parts.level;
  packet.packet_number = number;
  packet.packet_number_length = number_length;
  packet.start = area_.data() + at;
  const MutableBytes rest = area_.subspan(at);
  Writer out(rest);
  if (parts.level == EncryptionLevel::kOneRtt) {
    if (rest.size() < short_header_size(parts.dcid.size(), number_length) + kMinFrameRoom + kAeadTagLength)
      return nullptr;
    packet.layout = write_short_header(out, {.dcid = parts.dcid,
                                             .packet_number = number,
                                             .packet_number_length = number_length,
                                             .key_phase = parts.key_phase});
  } else {
    const LongHeader header{.type = packet_type_of(parts.level),
                            .version = parts.version,
                            .dcid = parts.dcid,
                            .scid = parts.scid,
                            .token = parts.token,
                            .packet_number = number,
                            .packet_number_length = number_length,
                            .length_octets = rest.size() > 16'000 ? std::size_t{4} : std::size_t{2}};
    if (rest.size() < long_header_size(header) + kMinFrameRoom + kAeadTagLength) return nullptr;
    packet.layout = write_long_header(out, header);
  }
  packet.payload.reset(rest.subspan(packet.layout.size, rest.size() - packet.layout.size - kAeadTagLength));
  ++count_;
  return &packet;
}

void DatagramBuilder::pad_to(std::size_t target) {
  if (target > area_.size()) target = area_.size();
  const std::size_t now = size();
  if (now < target) packets_[count_ - 1].payload.pad(target - now);
}

void DatagramBuilder::finish() {
  for (OpenPacket& packet : packets()) {
    reach_sample(packet);
    if (packet.level != EncryptionLevel::kOneRtt)
      patch_length({packet.start, packet.layout.size}, packet.layout,
                   packet.packet_number_length + packet.payload.size() + kAeadTagLength);
  }
}

void DatagramBuilder::seal_later(OpenPacket& packet) {
  const std::span<const Bytes> pieces = packet.payload.pieces();
  HAWSER_DCHECK(unsealed_count_ < kMaxUnsealed && train_piece_count_ + pieces.size() <= kMaxTrainPieces);
  Bytes* const kept = train_pieces_.data() + train_piece_count_;
  std::copy(pieces.begin(), pieces.end(), kept);
  train_piece_count_ += pieces.size();
  unsealed_[unsealed_count_] = {.number = packet.packet_number,
                                .header = packet.header(),
                                .plaintext = {kept, pieces.size()},
                                .out = packet.start + packet.layout.size};
  unmasked_[unsealed_count_] = {packet.start, static_cast<std::uint16_t>(packet.layout.pn_offset),
                                static_cast<std::uint16_t>(packet.packet_number_length)};
  ++unsealed_count_;
}

}  // namespace hawser::quic
