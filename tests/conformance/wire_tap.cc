// wire_tap.cc: opens recorded packets. Slow and simple: every key that could fit is tried.
#include "wire_tap.h"

#include "quic/wire/packet_number.h"

namespace hawser::quic {
namespace {

constexpr std::size_t kCidLength = 8;  // of both endpoints of a pair

PacketNumberSpace space_of_type(PacketType type) {
  switch (type) {
    case PacketType::kInitial:
      return PacketNumberSpace::kInitial;
    case PacketType::kHandshake:
      return PacketNumberSpace::kHandshake;
    default:
      return PacketNumberSpace::kApplication;
  }
}

std::string_view label_of(PacketType type, bool to_server) {
  switch (type) {
    case PacketType::kZeroRtt:
      return "CLIENT_EARLY_TRAFFIC_SECRET";
    case PacketType::kHandshake:
      return to_server ? "CLIENT_HANDSHAKE_TRAFFIC_SECRET" : "SERVER_HANDSHAKE_TRAFFIC_SECRET";
    default:
      return to_server ? "CLIENT_TRAFFIC_SECRET_0" : "SERVER_TRAFFIC_SECRET_0";
  }
}

}  // namespace

WireTap::WireTap(Pair& pair) : key_log_(pair.key_log_lines) {
  pair.on_sent = [this, &pair](bool to_server, Bytes datagram, const FourTuple& tuple) {
    waiting_.push_back({to_server, pair.now, tuple, {datagram.begin(), datagram.end()}});
  };
}

WireTap::WireTap(Theatre& theatre) : key_log_(theatre.key_log_lines) {
  theatre.on_sent = [this, &theatre](Role from, Bytes datagram, const FourTuple& tuple) {
    waiting_.push_back({from == Role::kClient, theatre.now, tuple, {datagram.begin(), datagram.end()}});
  };
}

const std::vector<SeenPacket>& WireTap::packets() {
  for (const Sent& sent : std::exchange(waiting_, {})) read(sent);
  return packets_;
}

void WireTap::clear() {
  (void)packets();
  packets_.clear();
}

void WireTap::read(const Sent& sent) {
  const std::size_t datagram = datagrams_++;
  Bytes rest = sent.octets;
  while (!rest.empty()) {
    const auto header = parse_packet_header(rest, kCidLength, true);
    if (!header) return;
    SeenPacket seen{.to_server = sent.to_server,
                    .sent = sent.at,
                    .tuple = sent.tuple,
                    .datagram = datagram,
                    .datagram_size = sent.octets.size(),
                    .type = header->type,
                    .version = header->version,
                    .first_octet = header->first_octet};
    seen.dcid.assign(header->dcid.begin(), header->dcid.end());
    seen.scid.assign(header->scid.begin(), header->scid.end());
    seen.token.assign(header->token.begin(), header->token.end());
    if (header->type == PacketType::kInitial && sent.to_server) initial_dcids_.push_back(seen.dcid);
    if (header->is_protected()) {
      const Bytes packet = rest.first(header->packet_size);
      seen.opened = open({packet.begin(), packet.end()}, *header, seen);
    }
    packets_.push_back(std::move(seen));
    rest = rest.subspan(header->packet_size);
  }
}

std::vector<DirectionKeys> WireTap::keys_for(const PacketHeader& header, bool to_server) {
  std::vector<DirectionKeys> keys;
  if (header.type == PacketType::kInitial) {
    const VersionKeyTable* table = version_key_table(header.version);
    for (auto dcid = initial_dcids_.rbegin(); table != nullptr && dcid != initial_dcids_.rend(); ++dcid)
      keys.push_back(std::move(initial_keys(*table, to_server ? Role::kClient : Role::kServer, *dcid).write));
    return keys;
  }
  const std::string_view label = label_of(header.type, to_server);
  for (auto line = key_log_.rbegin(); line != key_log_.rend(); ++line) {
    if (line->substr(0, line->find(' ')) != label) continue;
    const std::vector<std::uint8_t> secret = from_hex(line->substr(line->rfind(' ') + 1));
    const CipherSuite suite = secret.size() == 48 ? CipherSuite::kAes256GcmSha384 : CipherSuite::kAes128GcmSha256;
    for (const Version version : {Version::kV1, Version::kV2})
      if (!header.is_long() || header.version == version) keys.emplace_back(*version_key_table(version), suite, secret);
  }
  return keys;
}

bool WireTap::open(std::vector<std::uint8_t> packet, const PacketHeader& header, SeenPacket& seen) {
  std::vector<DirectionKeys> keys = keys_for(header, seen.to_server);
  return std::ranges::any_of(keys, [&](DirectionKeys& each) { return open_with(each, packet, header, seen); });
}

bool WireTap::open_with(DirectionKeys& keys, std::vector<std::uint8_t> packet, const PacketHeader& header,
                        SeenPacket& seen) {
  const auto place = std::pair{seen.to_server, space_of_type(header.type)};
  const auto largest = largest_.find(place);
  const TruncatedPacketNumber truncated =
      unprotect(packet.data(), header.pn_offset, keys.header.mask(packet.data() + header.pn_offset + kSampleOffset));
  std::optional<PacketNumber> before;
  if (largest != largest_.end()) before = PacketNumber{largest->second};
  const PacketNumber number = decode_packet_number(before, truncated.value, 8u * truncated.length);
  const std::size_t header_size = header.pn_offset + truncated.length;
  if (!keys.packet.open(kInitialPathId, number, Bytes(packet).first(header_size),
                        MutableBytes(packet).subspan(header_size)))
    return false;
  largest_[place] = std::max(number.value, before ? before->value : 0);
  seen.number = number.value;
  seen.first_octet = packet[0];
  seen.payload.assign(packet.begin() + static_cast<std::ptrdiff_t>(header_size), packet.end() - kAeadTagLength);
  FrameReader in(seen.payload);
  while (!in.empty()) {
    auto frame = parse_any_frame(in);
    EXPECT_TRUE(frame.has_value()) << "a frame that cannot be read";
    if (!frame) break;
    seen.frames.push_back(*frame);
  }
  return true;
}

}  // namespace hawser::quic
