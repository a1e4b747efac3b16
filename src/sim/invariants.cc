// invariants.cc: the checks, each with the section it stands on.
#include "sim/invariants.h"

#include <algorithm>

#include "base/reader.h"
#include "quic/connection/core.h"

namespace hawser::sim {
namespace {

std::size_t space_of(LoggedPacketType type) {
  switch (type) {
    case LoggedPacketType::kInitial:
      return 0;
    case LoggedPacketType::kHandshake:
      return 1;
    default:
      return 2;
  }
}

// Reads one long header up to its length field and passes over the packet. False at the end
// of what can be read; sets `proof` if the packet proves its source address.
bool skip_long_packet(Reader& in, bool& proof) {
  constexpr std::uint8_t kLongHeader = 0x80;
  std::uint8_t first = 0;
  std::uint32_t version = 0;
  std::uint8_t length8 = 0;
  Bytes ignored;
  if (!in.u8(first) || (first & kLongHeader) == 0 || !in.u32(version) || version == 0) return false;
  for (int id = 0; id < 2; ++id)
    if (!in.u8(length8) || !in.bytes(length8, ignored)) return false;
  const quic::VersionTraits* traits = quic::traits_of(quic::Version{version});
  if (traits == nullptr) return false;
  const quic::PacketType type = traits->type_of_bits[first >> 4 & 3];
  if (type == quic::PacketType::kHandshake) proof = true;
  std::uint64_t length = 0;
  if (type == quic::PacketType::kInitial) {
    if (!in.varint(length) || !in.bytes(length, ignored)) return false;
    if (length > 0) proof = true;
  }
  return type != quic::PacketType::kRetry && in.varint(length) && in.bytes(length, ignored);
}

}  // namespace

bool proves_address(Bytes datagram) {
  Reader in(datagram);
  bool proof = false;
  while (!in.empty() && skip_long_packet(in, proof)) {
  }
  return proof;
}

void AmplificationCheck::on_received(NodeId node, Bytes bytes, const FourTuple& tuple, Timestamp) {
  if (node != server_) return;
  Address& address = addresses_[tuple.remote];
  address.received += bytes.size();
  // Whoever sends a Handshake packet or a token has received at one of the addresses seen so
  // far; which one, a NAT that rebinds meanwhile leaves open.
  if (address.validated || !proves_address(bytes)) return;
  for (auto& [known, state] : addresses_) state.validated = true;
}

void AmplificationCheck::on_sent(NodeId node, Bytes bytes, const FourTuple& tuple, Timestamp now) {
  if (node != server_) return;
  Address& address = addresses_[tuple.remote];
  address.sent += bytes.size();
  if (address.validated || address.sent <= 3 * address.received) return;
  verdict_.fail("amplification at " + std::to_string(to_us(now - kWorldStart)) +
                " us: " + std::to_string(address.sent) + " octets sent to " + to_string(tuple.remote) + ", " +
                std::to_string(address.received) + " received from it");
}

void AmplificationCheck::on_event(const EventContext& context, const PathValidated& event) {
  if (context.vantage == Vantage::kServer) addresses_[event.remote].validated = true;
}

// rfc9000:9.5-cid-per-local-address rfc9000:9.5-cid-per-destination
void LinkabilityCheck::on_sent(NodeId node, Bytes bytes, const FourTuple& tuple, Timestamp now) {
  // Only packets with a short header: before them both ends have one connection ID each, and nobody
  // moves. Endpoints of scenarios issue 8 octets.
  constexpr std::size_t kCidLength = 8;
  if (bytes.size() < 1 + kCidLength || (bytes[0] & 0x80) != 0) return;
  const auto [known, fresh] = seen_.try_emplace(Key{node, {bytes.begin() + 1, bytes.begin() + 1 + kCidLength}}, tuple);
  if (fresh) return;
  const bool local = known->second.local == tuple.local;
  const bool remote = known->second.remote == tuple.remote || !remote_too_;
  if (local && remote) return;
  verdict_.fail("node " + std::to_string(node) + " at " + std::to_string(to_us(now - kWorldStart)) +
                " us: one connection ID from " + to_string(known->second.local) + " to " +
                to_string(known->second.remote) + " and from " + to_string(tuple.local) + " to " +
                to_string(tuple.remote));
}

void EventCheck::fail(const EventContext& context, const std::string& what) {
  verdict_.fail("events of " + std::string{qlog_name(context.vantage)} + " connection " +
                std::to_string(context.connection) + ": " + what);
}

void EventCheck::on_event(const EventContext& context, const ConnectionStarted&) {
  Story& s = story(context);
  if (s.started) fail(context, "started twice");
  s.started = true;
}

void EventCheck::on_event(const EventContext& context, const ConnectionClosed&) {
  Story& s = story(context);
  if (!s.started) fail(context, "closed without having started");
  if (s.closed) fail(context, "closed twice");
  s.closed = true;
}

void EventCheck::on_event(const EventContext& context, const PacketSent& event) {
  if (!event.packet_number.has_value()) return;
  Story& s = story(context);
  Space& space = space_of_path(s, space_of(event.packet_type), event.path_id);
  const std::uint64_t number = *event.packet_number;
  if (number < space.fates.size()) return fail(context, "packet number " + std::to_string(number) + " was used before");
  // Numbers may be left out (RFC 9000 section 21.4), but not in great numbers.
  if (number > space.fates.size() + 100) return fail(context, "packet number jumps to " + std::to_string(number));
  space.fates.resize(number, Fate::kNotSent);
  space.sizes.resize(number, 0);
  space.fates.push_back(Fate::kSent);
  space.sizes.push_back(static_cast<std::uint16_t>(event.size));
  ++space.sent;
  ++packets_sent_;
  s.unaccounted_bytes += event.size;
}

void EventCheck::on_event(const EventContext& context, const PacketsAcked& event) {
  Space& space = space_of_path(story(context), static_cast<std::size_t>(event.space), event.path_id);
  space.acked += event.count;
  if (space.acked > space.sent) fail(context, "more packets acknowledged than sent");
  for (const Range& range : event.packet_numbers) {
    for (std::uint64_t number = range.begin; number < range.end; ++number) {
      if (number >= space.fates.size() || space.fates[number] == Fate::kNotSent)
        return fail(context, "packet " + std::to_string(number) + " was acknowledged but never sent");
    }
  }
}

void EventCheck::on_event(const EventContext& context, const PacketLost& event) {
  Story& s = story(context);
  Space& space = space_of_path(s, space_of(event.packet_type), event.path_id);
  const std::uint64_t number = event.packet_number;
  if (number >= space.fates.size() || space.fates[number] == Fate::kNotSent)
    return fail(context, "packet " + std::to_string(number) + " was lost but never sent");
  if (space.fates[number] == Fate::kLost) return fail(context, "packet " + std::to_string(number) + " was lost twice");
  space.fates[number] = Fate::kLost;
  s.unaccounted_bytes -= space.sizes[number];
  ++packets_lost_;
}

void EventCheck::on_event(const EventContext& context, const RecoveryMetricsUpdated& event) {
  const Story& s = story(context);
  // A datagram that is padded outside its packets counts whole, hence the allowance of one.
  constexpr std::uint64_t kPaddingAllowance = 65'535;
  if (event.bytes_in_flight.value_or(0) > s.unaccounted_bytes + kPaddingAllowance)
    fail(context, std::to_string(*event.bytes_in_flight) + " octets in flight, " + std::to_string(s.unaccounted_bytes) +
                      " sent and not lost");
  if (event.congestion_window.value_or(UINT64_MAX) == 0) fail(context, "the congestion window is 0");
  if (event.min_rtt.has_value() && event.latest_rtt.has_value() && event.latest_rtt < event.min_rtt)
    fail(context, "the latest RTT is below the minimum");
}

void check_buffers(const quic::Connection& connection, std::uint64_t streams, const char* side, Verdict& verdict) {
  // const on the face only: nouns of StreamSet are read.
  quic::StreamSet& set = const_cast<quic::Connection&>(connection).core().streams();
  const quic::ConnectionConfig& config = connection.config();
  // The connection's window at its largest, an eighth more for the bits that mark received
  // octets, and two blocks that each open stream may have begun (quic/streams/stream_set.h).
  constexpr std::uint64_t kBlock = sizeof(quic::ReceiveBlock);
  const std::uint64_t window =
      std::max({config.connection_receive_window.value, config.connection_receive_window_max.value,
                config.stream_receive_window_max.value * 3 / 2});
  const std::uint64_t receive_max = window + window / 8 + 2 * kBlock * (streams + 1);
  if (set.receive_memory() > receive_max)
    verdict.fail(std::string{side} + ": " + std::to_string(set.receive_memory()) + " octets of receive memory, limit " +
                 std::to_string(receive_max));
  const std::uint64_t send_max = config.stream_send_buffer.value * (streams + 1);
  if (set.send_buffered() > send_max)
    verdict.fail(std::string{side} + ": " + std::to_string(set.send_buffered()) +
                 " octets wait to be acknowledged, limit " + std::to_string(send_max));
}

void check_drained(const quic::Connection& connection, const char* side, Verdict& verdict) {
  quic::StreamSet& set = const_cast<quic::Connection&>(connection).core().streams();
  if (set.open_streams() + set.receive_memory() + set.send_buffered() == 0) return;
  verdict.fail(std::string{side} + ": all streams closed, but " + std::to_string(set.open_streams()) + " are open, " +
               std::to_string(set.receive_memory()) + " octets of receive memory and " +
               std::to_string(set.send_buffered()) + " octets to send are left");
}

}  // namespace hawser::sim
