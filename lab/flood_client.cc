// flood_client.cc: packets made by hand, from what an honest client says.
#include "flood_client.h"

#include <stdexcept>

namespace hawser::flood {

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

FirstWords first_words() {
  Client client;
  client.connect();
  std::vector<std::uint8_t> first;
  client.transmit([&](Bytes datagram) {
    if (first.empty()) first.assign(datagram.begin(), datagram.end());
  });
  const auto header = parse_packet_header(first, 8).value();
  LevelKeys keys = initial_keys(v1_key_table(), Role::kServer, header.dcid);
  const TruncatedPacketNumber number =
      unprotect(first.data(), header.pn_offset, keys.read.header.mask(first.data() + header.pn_offset + kSampleOffset));
  const std::size_t header_size = header.pn_offset + number.length;
  if (!keys.read.packet.open(kInitialPathId, PacketNumber{number.value}, Bytes(first).first(header_size),
                             MutableBytes(first).subspan(header_size, header.packet_size - header_size)))
    throw std::runtime_error("cannot open what was just sealed");
  // What is cut off is padding; a token and a longer header take its room.
  const Bytes frames = Bytes(first).subspan(header_size, header.packet_size - header_size - kAeadTagLength - 150);
  return {.scid = ConnectionId(header.scid), .frames = {frames.begin(), frames.end()}};
}

}  // namespace hawser::flood
