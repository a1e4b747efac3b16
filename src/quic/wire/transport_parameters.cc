// transport_parameters.cc: reads and writes transport parameters. Integers and flags are rows
// of tables; the few parameters with a shape of their own have a function each.
#include "quic/wire/transport_parameters.h"

#include <algorithm>
#include <array>

#include "base/check.h"
#include "base/reader.h"
#include "base/result.h"
#include "base/varint.h"
#include "base/writer.h"

namespace hawser::quic {
namespace {

using Id = TransportParameterId;
using Integer = std::uint64_t TransportParameters::*;
using OptionalInteger = std::optional<std::uint64_t> TransportParameters::*;
using Flag = bool TransportParameters::*;
using OptionalId = std::optional<ConnectionId> TransportParameters::*;

constexpr std::uint64_t kMaxStreams = std::uint64_t{1} << 60;

struct IntegerRow {
  Id id;
  Integer member;
  std::uint64_t least;
  std::uint64_t most;
};

// RFC 9000 section 18.2, RFC 9221 section 3.
constexpr std::array kIntegers{
    IntegerRow{Id::kMaxIdleTimeout, &TransportParameters::max_idle_timeout_ms, 0, kVarintMax},
    IntegerRow{Id::kMaxUdpPayloadSize, &TransportParameters::max_udp_payload_size, 1'200, kVarintMax},
    IntegerRow{Id::kInitialMaxData, &TransportParameters::initial_max_data, 0, kVarintMax},
    IntegerRow{Id::kInitialMaxStreamDataBidiLocal, &TransportParameters::initial_max_stream_data_bidi_local, 0,
               kVarintMax},
    IntegerRow{Id::kInitialMaxStreamDataBidiRemote, &TransportParameters::initial_max_stream_data_bidi_remote, 0,
               kVarintMax},
    IntegerRow{Id::kInitialMaxStreamDataUni, &TransportParameters::initial_max_stream_data_uni, 0, kVarintMax},
    IntegerRow{Id::kInitialMaxStreamsBidi, &TransportParameters::initial_max_streams_bidi, 0, kMaxStreams},
    IntegerRow{Id::kInitialMaxStreamsUni, &TransportParameters::initial_max_streams_uni, 0, kMaxStreams},
    IntegerRow{Id::kAckDelayExponent, &TransportParameters::ack_delay_exponent, 0, 20},
    IntegerRow{Id::kMaxAckDelay, &TransportParameters::max_ack_delay_ms, 0, (1u << 14) - 1},
    IntegerRow{Id::kActiveConnectionIdLimit, &TransportParameters::active_connection_id_limit, 2, kVarintMax},
    // receive-ts:4-exponent
    IntegerRow{Id::kReceiveTimestampsExponent, &TransportParameters::receive_timestamps_exponent, 0, 20},
    IntegerRow{Id::kMaxDatagramFrameSize, &TransportParameters::max_datagram_frame_size, 0, kVarintMax},
};

struct OptionalIntegerRow {
  Id id;
  OptionalInteger member;
  std::uint64_t most;
};

constexpr std::array kOptionalIntegers{
    OptionalIntegerRow{Id::kMinAckDelay, &TransportParameters::min_ack_delay_us, kVarintMax},
    // multipath:2-limit
    OptionalIntegerRow{Id::kInitialMaxPathId, &TransportParameters::initial_max_path_id, kPathIdMax},
    OptionalIntegerRow{Id::kInitialMaxPathIdDraft17, &TransportParameters::initial_max_path_id_draft17, kPathIdMax},
    OptionalIntegerRow{Id::kMaxReceiveTimestampsPerAck, &TransportParameters::max_receive_timestamps_per_ack,
                       kVarintMax},
    // address-discovery:3-other-value
    OptionalIntegerRow{Id::kAddressDiscovery, &TransportParameters::address_discovery, 2},
    // fec:2-integer
    OptionalIntegerRow{Id::kFec, &TransportParameters::fec_schemes, kVarintMax},
};

struct FlagRow {
  Id id;
  Flag member;
};

constexpr std::array kFlags{
    FlagRow{Id::kDisableActiveMigration, &TransportParameters::disable_active_migration},
    FlagRow{Id::kGreaseQuicBit, &TransportParameters::grease_quic_bit},
    FlagRow{Id::kResetStreamAt, &TransportParameters::reset_stream_at},
    FlagRow{Id::kResetStreamAtDraft05, &TransportParameters::reset_stream_at},
};

struct ConnectionIdRow {
  Id id;
  OptionalId member;
};

constexpr std::array kConnectionIds{
    ConnectionIdRow{Id::kOriginalDestinationConnectionId, &TransportParameters::original_destination_connection_id},
    ConnectionIdRow{Id::kInitialSourceConnectionId, &TransportParameters::initial_source_connection_id},
    ConnectionIdRow{Id::kRetrySourceConnectionId, &TransportParameters::retry_source_connection_id},
};

// RFC 9000 section 18.2: a client must not send these.
constexpr std::array kServerOnly{Id::kOriginalDestinationConnectionId, Id::kStatelessResetToken, Id::kPreferredAddress,
                                 Id::kRetrySourceConnectionId};

template <class Rows>
auto find_row(const Rows& rows, Id id) -> decltype(rows.data()) {
  for (const auto& row : rows) {
    if (row.id == id) return &row;
  }
  return nullptr;
}

std::unexpected<TransportError> illegal(std::string_view reason) {
  return fail(TransportErrorCode::kTransportParameterError, reason);
}

Parsed<std::uint64_t> whole_integer(Bytes value) {
  Reader in(value);
  std::uint64_t integer = 0;
  if (!in.varint(integer) || !in.empty()) return illegal("transport parameter is not one integer");
  return integer;
}

Parsed<void> parse_reset_token(Bytes value, TransportParameters& out) {
  StatelessResetToken token;
  if (value.size() != token.size()) return illegal("stateless_reset_token is not 16 octets");
  std::copy(value.begin(), value.end(), token.begin());
  out.stateless_reset_token = token;
  return {};
}

SocketAddress address_of(AddressFamily family, Bytes ip, std::uint16_t port) {
  SocketAddress address;
  // All zeros say that the server has no address of this family (RFC 9000 section 18.2).
  const bool absent = port == 0 && std::all_of(ip.begin(), ip.end(), [](std::uint8_t octet) { return octet == 0; });
  if (absent) return address;
  address.family = family;
  address.port = port;
  std::copy(ip.begin(), ip.end(), address.ip.begin());
  return address;
}

// rfc9000:18.2-preferred-violated
Parsed<void> parse_preferred_address(Bytes value, TransportParameters& out) {
  Reader in(value);
  Bytes ipv4;
  Bytes ipv6;
  Bytes id;
  Bytes token;
  std::uint16_t ipv4_port = 0;
  std::uint16_t ipv6_port = 0;
  std::uint8_t id_length = 0;
  const bool complete = in.bytes(4, ipv4) && in.u16(ipv4_port) && in.bytes(16, ipv6) && in.u16(ipv6_port) &&
                        in.u8(id_length) && in.bytes(id_length, id) && in.bytes(kStatelessResetTokenLength, token);
  if (!complete || !in.empty()) return illegal("preferred_address has the wrong length");
  if (id.empty() || id.size() > kMaxConnectionIdLength)
    return illegal("preferred_address connection ID is not 1 to 20 octets");
  PreferredAddress& preferred = out.preferred_address.emplace();
  preferred.ipv4 = address_of(AddressFamily::kIpv4, ipv4, ipv4_port);
  preferred.ipv6 = address_of(AddressFamily::kIpv6, ipv6, ipv6_port);
  preferred.connection_id = ConnectionId(id);
  std::copy(token.begin(), token.end(), preferred.stateless_reset_token.begin());
  return {};
}

// rfc9368:4-parse-failure rfc9368:4-zero rfc9368:4-not-listed
// RFC 9368 section 3: Chosen Version, then Available Versions; none is 0, and a client's
// choice is among those it has available.
Parsed<void> parse_version_information(Bytes value, Role sender, bool is_draft, TransportParameters& out) {
  if (value.size() < 4 || value.size() % 4 != 0) return illegal("version_information is not a list of versions");
  if (value.size() > kMaxVersionInformationLength) return illegal("version_information is too long");
  bool chosen_is_available = false;
  for (std::size_t at = 0; at < value.size(); at += 4) {
    const Bytes version = value.subspan(at, 4);
    if ((version[0] | version[1] | version[2] | version[3]) == 0) return illegal("version_information has version 0");
    chosen_is_available |= at != 0 && equal(version, value.first(4));
  }
  if (sender == Role::kClient && !chosen_is_available)
    return illegal("version_information: chosen version is not available");
  if (out.version_information.empty() || !is_draft) out.version_information.assign(value.begin(), value.end());
  return {};
}

// rfc9000:7.4-invalid-value rfc9000:18.2-cid-limit-low
// rfc9000:4.6-too-many-encodable
Parsed<void> parse_one(Id id, Bytes value, Role sender, TransportParameters& out) {
  if (const IntegerRow* row = find_row(kIntegers, id)) {
    HAWSER_TRY(const std::uint64_t integer, whole_integer(value));
    if (integer < row->least || integer > row->most) return illegal("transport parameter out of its bounds");
    out.*row->member = integer;
    return {};
  }
  if (const FlagRow* row = find_row(kFlags, id)) {
    // rfc9287:3-empty reset-stream-at:3-empty
    if (!value.empty()) return illegal("transport parameter must be empty");
    out.*row->member = true;
    return {};
  }
  if (const ConnectionIdRow* row = find_row(kConnectionIds, id)) {
    if (value.size() > kMaxConnectionIdLength) return illegal("connection ID longer than 20 octets");
    out.*row->member = ConnectionId(value);
    return {};
  }
  if (const OptionalIntegerRow* row = find_row(kOptionalIntegers, id)) {
    HAWSER_TRY(const std::uint64_t integer, whole_integer(value));
    if (integer > row->most) return illegal("transport parameter out of its bounds");
    out.*row->member = integer;
    return {};
  }
  switch (id) {
    case Id::kStatelessResetToken:
      return parse_reset_token(value, out);
    case Id::kPreferredAddress:
      return parse_preferred_address(value, out);
    case Id::kVersionInformation:
    case Id::kVersionInformationDraft:
      return parse_version_information(value, sender, id == Id::kVersionInformationDraft, out);
    default:
      return {};  // RFC 9000 section 7.4.2: unknown ones are passed over.
  }
}

// What only the whole set shows.
Parsed<void> check_together(const TransportParameters& parameters) {
  // ack-frequency:3-min-ack-delay-error
  if (parameters.min_ack_delay_us && *parameters.min_ack_delay_us > parameters.max_ack_delay_ms * 1'000) {
    return illegal("min_ack_delay above max_ack_delay");
  }
  // RFC 9000 section 18.2: the preferred address comes with a connection ID, which a server
  // that uses none cannot issue.
  const auto& source = parameters.initial_source_connection_id;
  if (parameters.preferred_address && source && source->empty()) {
    return illegal("preferred_address from a server without connection IDs");
  }
  return {};
}

}  // namespace

// rfc9000:7.4-duplicate rfc9000:7.4.2-unknown-ignored
Parsed<TransportParameters> parse_transport_parameters(Bytes encoded, Role sender) {
  TransportParameters parameters;
  std::array<std::uint64_t, kMaxTransportParameters> seen;
  std::size_t seen_count = 0;
  Reader in(encoded);
  while (!in.empty()) {
    std::uint64_t id = 0;
    std::uint64_t length = 0;
    Bytes value;
    if (!in.varint(id) || !in.varint(length) || !in.bytes(length, value))
      return illegal("transport parameters end early");
    const auto seen_end = seen.begin() + seen_count;
    if (std::find(seen.begin(), seen_end, id) != seen_end) return illegal("duplicate transport parameter");
    if (seen_count == seen.size()) return illegal("too many transport parameters");
    seen[seen_count++] = id;
    const bool server_only = std::find(kServerOnly.begin(), kServerOnly.end(), Id{id}) != kServerOnly.end();
    // rfc9000:18.2-server-only-received
    if (sender == Role::kClient && server_only) return illegal("a client sent a transport parameter of servers");
    HAWSER_TRY_VOID(parse_one(Id{id}, value, sender, parameters));
  }
  HAWSER_TRY_VOID(check_together(parameters));
  return parameters;
}

namespace {

// Collects encoded parameters, then lays them out in an order drawn at random.
class ParameterList {
 public:
  void raw(std::uint64_t id, Bytes value) {
    const std::size_t begin = octets_.size();
    varint(id);
    varint(value.size());
    octets_.insert(octets_.end(), value.begin(), value.end());
    entries_.push_back({begin, octets_.size()});
  }

  void raw(Id id, Bytes value) { raw(static_cast<std::uint64_t>(id), value); }

  void integer(Id id, std::uint64_t value) {
    HAWSER_CHECK(value <= kVarintMax);
    std::array<std::uint8_t, 8> encoded;
    raw(id, Bytes(encoded.data(), put_varint(encoded.data(), value)));
  }

  std::vector<std::uint8_t> shuffled(Random& random) {
    for (std::size_t i = entries_.size(); i > 1; --i) {
      std::swap(entries_[i - 1], entries_[static_cast<std::size_t>(random.below(i))]);
    }
    std::vector<std::uint8_t> out;
    out.reserve(octets_.size());
    for (const Entry& entry : entries_) {
      out.insert(out.end(), octets_.begin() + static_cast<std::ptrdiff_t>(entry.begin),
                 octets_.begin() + static_cast<std::ptrdiff_t>(entry.end));
    }
    return out;
  }

 private:
  struct Entry {
    std::size_t begin;
    std::size_t end;
  };

  void varint(std::uint64_t value) {
    std::array<std::uint8_t, 8> encoded;
    octets_.insert(octets_.end(), encoded.data(), put_varint(encoded.data(), value));
  }

  std::vector<std::uint8_t> octets_;
  std::vector<Entry> entries_;
};

void put_address(Writer& out, const SocketAddress& address, std::size_t ip_length) {
  if (address.family == AddressFamily::kNone) {
    out.zeros(ip_length + 2);
    return;
  }
  HAWSER_CHECK(address.ip_bytes().size() == ip_length);
  out.bytes(address.ip_bytes());
  out.u16(address.port);
}

void add_preferred_address(ParameterList& list, const PreferredAddress& preferred) {
  std::array<std::uint8_t, 4 + 2 + 16 + 2 + 1 + kMaxConnectionIdLength + kStatelessResetTokenLength> buffer;
  Writer out(buffer);
  put_address(out, preferred.ipv4, 4);
  put_address(out, preferred.ipv6, 16);
  // rfc9000:18.2-preferred-cid
  HAWSER_CHECK(!preferred.connection_id.empty());
  out.u8(static_cast<std::uint8_t>(preferred.connection_id.length()));
  out.bytes(preferred.connection_id.view());
  out.bytes(preferred.stateless_reset_token);
  list.raw(Id::kPreferredAddress, out.written());
}

// RFC 9000 section 18.1. N below 2^56 keeps 31 * N + 27 below 2^62.
void add_reserved_parameter(ParameterList& list, Random& random) {
  std::array<std::uint8_t, 16> filler;
  random.fill(filler);
  const std::uint64_t id = 31 * (random.next_u64() >> 8) + 27;
  list.raw(id, Bytes(filler).first(static_cast<std::size_t>(random.below(filler.size() + 1))));
}

}  // namespace

// rfc9000:7.4-once rfc9000:18.2-server-only rfc9000:18.2-reset-token
std::vector<std::uint8_t> encode_transport_parameters(const TransportParameters& parameters, Role sender,
                                                      Random& random) {
  const TransportParameters initial;
  ParameterList list;
  for (const IntegerRow& row : kIntegers) {
    const std::uint64_t value = parameters.*row.member;
    HAWSER_CHECK(value >= row.least && value <= row.most);
    if (value != initial.*row.member) list.integer(row.id, value);
  }
  for (const OptionalIntegerRow& row : kOptionalIntegers) {
    if (const auto& value = parameters.*row.member) list.integer(row.id, *value);
  }
  for (const FlagRow& row : kFlags) {
    if (parameters.*row.member) list.raw(row.id, {});
  }
  for (const ConnectionIdRow& row : kConnectionIds) {
    if (const auto& id = parameters.*row.member) list.raw(row.id, id->view());
  }
  const bool has_server_only = parameters.original_destination_connection_id || parameters.retry_source_connection_id ||
                               parameters.stateless_reset_token || parameters.preferred_address;
  HAWSER_CHECK(sender == Role::kServer || !has_server_only);
  if (parameters.stateless_reset_token) list.raw(Id::kStatelessResetToken, *parameters.stateless_reset_token);
  if (parameters.preferred_address) add_preferred_address(list, *parameters.preferred_address);
  if (!parameters.version_information.empty()) {
    list.raw(Id::kVersionInformation, parameters.version_information);
    if (parameters.version_information_draft) list.raw(Id::kVersionInformationDraft, parameters.version_information);
  }
  add_reserved_parameter(list, random);
  return list.shuffled(random);
}

// rfc9000:7.4.1-not-smaller rfc9000:7.4.1-not-violated
// rfc9221:3-zero-rtt-server
bool permits_zero_rtt(const TransportParameters& remembered, const TransportParameters& now) {
  constexpr std::array<Integer, 8> kMustNotShrink{
      &TransportParameters::initial_max_data,
      &TransportParameters::initial_max_stream_data_bidi_local,
      &TransportParameters::initial_max_stream_data_bidi_remote,
      &TransportParameters::initial_max_stream_data_uni,
      &TransportParameters::initial_max_streams_bidi,
      &TransportParameters::initial_max_streams_uni,
      &TransportParameters::active_connection_id_limit,
      &TransportParameters::max_datagram_frame_size,
  };
  for (const Integer member : kMustNotShrink) {
    if (now.*member < remembered.*member) return false;
  }
  // address-discovery:3-not-changed
  if (now.address_discovery != remembered.address_discovery) return false;
  // reset-stream-at:3-not-disabled
  return now.reset_stream_at || !remembered.reset_stream_at;
}

}  // namespace hawser::quic
