// packet_header.cc: reads and writes long and short packet headers.
#include "quic/wire/packet_header.h"

#include "base/check.h"
#include "base/reader.h"
#include "quic/wire/retry.h"

namespace hawser::quic {
namespace {

bool take_connection_id(Reader& in, Bytes& id) {
  std::uint8_t length = 0;
  return in.u8(length) && in.bytes(length, id);
}

// rfc9000:17.3.1-fixed-bit rfc9001:5.4.2-sample rfc9000:10.3-too-small
std::optional<PacketHeader> parse_short_header(Bytes packet, std::size_t local_cid_length) {
  const std::size_t pn_offset = 1 + local_cid_length;
  if (packet.size() < pn_offset + kMinProtectedLength) return std::nullopt;
  PacketHeader header;
  header.type = PacketType::kOneRtt;
  header.first_octet = packet[0];
  header.dcid = packet.subspan(1, local_cid_length);
  header.pn_offset = pn_offset;
  header.length = packet.size() - pn_offset;
  header.packet_size = packet.size();
  return header;
}

// What follows the connection IDs of a Retry packet: a token to the end but for the tag.
// rfc9000:17.2.5.2-empty-token rfc9000:17.2.5-unused
bool parse_retry_fields(Reader& in, PacketHeader& header) {
  if (in.remaining() < kRetryIntegrityTagLength) return false;
  return in.bytes(in.remaining() - kRetryIntegrityTagLength, header.token);
}

// What follows the connection IDs of the types that carry frames. `packet` is the datagram's
// rest, of which `in` has taken the part before.
bool parse_protected_fields(Reader& in, Bytes packet, PacketHeader& header) {
  std::uint64_t token_length = 0;
  if (header.type == PacketType::kInitial && !(in.varint(token_length) && in.bytes(token_length, header.token)))
    return false;
  std::uint64_t length = 0;
  if (!in.varint(length) || length > in.remaining()) return false;
  header.length = static_cast<std::size_t>(length);
  header.pn_offset = packet.size() - in.remaining();
  header.packet_size = header.pn_offset + header.length;
  if (header.length < kMinProtectedLength) header.type = PacketType::kDiscard;
  return true;
}

// rfc9000:17.2-fixed-bit rfc9000:17.2-cid-too-long rfc9000:17.2-long-cids-read rfc9000:12.2-process rfc9287:3-accept
std::optional<PacketHeader> parse_long_header(Bytes packet, bool fixed_bit_may_be_clear) {
  Reader in(packet);
  PacketHeader header;
  std::uint32_t version = 0;
  if (!in.u8(header.first_octet) || !in.u32(version)) return std::nullopt;
  if (!take_connection_id(in, header.dcid) || !take_connection_id(in, header.scid)) return std::nullopt;
  header.version = Version{version};
  header.pn_offset = packet.size() - in.remaining();
  header.length = in.remaining();
  header.packet_size = packet.size();
  if (header.version == Version::kNegotiation) {
    header.type = PacketType::kVersionNegotiation;
    return header;
  }
  const VersionTraits* traits = traits_of(header.version);
  if (traits == nullptr) {
    header.type = PacketType::kUnsupportedVersion;
    return header;
  }
  if ((header.first_octet & kFixedBit) == 0 && !fixed_bit_may_be_clear) return std::nullopt;
  // RFC 9000 section 17.2: longer connection IDs are for versions yet to come.
  if (header.dcid.size() > kMaxConnectionIdLength || header.scid.size() > kMaxConnectionIdLength) return std::nullopt;
  header.type = traits->type_of_bits[header.first_octet >> 4 & 3];
  const bool complete =
      header.type == PacketType::kRetry ? parse_retry_fields(in, header) : parse_protected_fields(in, packet, header);
  if (!complete) return std::nullopt;
  return header;
}

}  // namespace

std::optional<PacketHeader> parse_packet_header(Bytes datagram_rest, std::size_t local_cid_length,
                                                bool fixed_bit_may_be_clear) {
  if (datagram_rest.empty()) return std::nullopt;
  const std::uint8_t first = datagram_rest[0];
  if ((first & kLongHeaderBit) != 0) return parse_long_header(datagram_rest, fixed_bit_may_be_clear);
  if ((first & kFixedBit) == 0 && !fixed_bit_may_be_clear) return std::nullopt;
  return parse_short_header(datagram_rest, local_cid_length);
}

std::optional<Bytes> peek_destination_cid(Bytes datagram, std::size_t local_cid_length) {
  if (datagram.empty()) return std::nullopt;
  std::size_t start = 1;
  std::size_t length = local_cid_length;
  if ((datagram[0] & kLongHeaderBit) != 0) {
    if (datagram.size() < 6) return std::nullopt;
    length = datagram[5];
    start = 6;
  }
  if (datagram.size() < start + length) return std::nullopt;
  return datagram.subspan(start, length);
}

std::size_t long_header_size(const LongHeader& header) {
  std::size_t size = 1 + 4 + 1 + header.dcid.size() + 1 + header.scid.size();
  if (header.type == PacketType::kInitial) size += varint_size(header.token.size()) + header.token.size();
  return size + header.length_octets + header.packet_number_length;
}

// rfc9000:17.2-reserved-sent rfc9000:17.2-cid-length
HeaderLayout write_long_header(Writer& out, const LongHeader& header) {
  const VersionTraits* traits = traits_of(header.version);
  HAWSER_CHECK(traits != nullptr);
  HAWSER_CHECK(header.dcid.size() <= kMaxConnectionIdLength && header.scid.size() <= kMaxConnectionIdLength);
  HAWSER_CHECK(header.packet_number_length >= 1 && header.packet_number_length <= 4);
  const std::size_t start = out.size();
  out.u8(static_cast<std::uint8_t>(kLongHeaderBit | kFixedBit | traits->bits_of_type(header.type) |
                                   (header.packet_number_length - 1)));
  out.u32(static_cast<std::uint32_t>(header.version));
  out.u8(static_cast<std::uint8_t>(header.dcid.size()));
  out.bytes(header.dcid);
  out.u8(static_cast<std::uint8_t>(header.scid.size()));
  out.bytes(header.scid);
  if (header.type == PacketType::kInitial) {
    out.varint(header.token.size());
    out.bytes(header.token);
  }
  HeaderLayout layout;
  layout.length_offset = out.size() - start;
  layout.length_octets = header.length_octets;
  out.varint(0, header.length_octets);
  layout.pn_offset = out.size() - start;
  put_packet_number(out.skip(header.packet_number_length), header.packet_number, header.packet_number_length);
  layout.size = out.size() - start;
  return layout;
}

// rfc9000:17.3.1-reserved-sent
// rfc9000:17.4-disable
HeaderLayout write_short_header(Writer& out, const ShortHeader& header) {
  HAWSER_DCHECK(header.packet_number_length >= 1 && header.packet_number_length <= 4);
  const std::size_t size = short_header_size(header.dcid.size(), header.packet_number_length);
  std::uint8_t* at = out.skip(size);
  *at++ = static_cast<std::uint8_t>((header.fixed_bit ? kFixedBit : 0) | (header.spin ? kSpinBit : 0) |
                                    (header.key_phase ? kKeyPhaseBit : 0) | (header.packet_number_length - 1));
  if (!header.dcid.empty()) std::memcpy(at, header.dcid.data(), header.dcid.size());
  put_packet_number(at + header.dcid.size(), header.packet_number, header.packet_number_length);
  return {.length_offset = 0, .length_octets = 0, .pn_offset = 1 + header.dcid.size(), .size = size};
}

void patch_length(MutableBytes packet, const HeaderLayout& layout, std::size_t length) {
  HAWSER_CHECK(layout.length_octets >= varint_size(length));
  HAWSER_CHECK(packet.size() >= layout.length_offset + layout.length_octets);
  put_varint(packet.data() + layout.length_offset, length, layout.length_octets);
}

}  // namespace hawser::quic
