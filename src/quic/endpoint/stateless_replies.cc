// stateless_replies.cc: builds the packets that answer without a connection.
#include "quic/endpoint/stateless_replies.h"

#include <algorithm>

#include "base/writer.h"
#include "quic/connection/datagram_builder.h"
#include "quic/crypto/packet_protection.h"
#include "quic/crypto/retry_tag.h"
#include "quic/wire/frames/connection_close.h"
#include "quic/wire/retry.h"
#include "quic/wire/version_negotiation.h"

namespace hawser::quic {
namespace {

// RFC 9000 section 10.3: at least 21 octets, to look like a packet with a connection ID.
constexpr std::size_t kMinReset = 21;
constexpr std::size_t kMaxReset = 43;
constexpr std::size_t kInitialSize = 1'200;

}  // namespace

bool StatelessReplies::admit(Timestamp now) {
  const double burst = std::max(1.0, static_cast<double>(per_second_) / 10);
  const double since = refilled_ == Timestamp{} ? 1.0 : to_seconds(now - refilled_);
  tokens_ = std::min(burst, tokens_ + since * static_cast<double>(per_second_));
  refilled_ = now;
  if (tokens_ < 1 || !has_room()) return false;
  tokens_ -= 1;
  return true;
}

void StatelessReplies::push(const FourTuple& tuple, std::vector<std::uint8_t> octets) {
  queue_.push_back({tuple, std::move(octets)});
}

void StatelessReplies::take(TransmitTrain& train) {
  const Reply& reply = queue_.front();
  train.size = train.segment_size = std::min(reply.octets.size(), train.buffer.size());
  std::copy_n(reply.octets.begin(), train.size, train.buffer.begin());
  train.tuple = reply.tuple;
  train.ecn = Ecn::kNotEct;
  queue_.pop_front();
}

// rfc9000:17.2.1-one
// rfc9368:2.1-list
void StatelessReplies::add_version_negotiation(const PacketHeader& header, const FourTuple& tuple,
                                               std::span<const Version> supported, bool reserved, Random& random) {
  std::vector<std::uint8_t> octets(
      version_negotiation_size(header.dcid.size(), header.scid.size(), supported.size() + (reserved ? 1 : 0)));
  Writer out(octets);
  write_version_negotiation(out, header, supported, reserved, random);
  push(tuple, std::move(octets));
}

// rfc9000:17.2.5.1-one rfc9000:17.2.5.1-scid-differs
void StatelessReplies::add_retry(const PacketHeader& header, const FourTuple& tuple, const ConnectionId& retry_scid,
                                 Bytes token, Random& random) {
  const RetryToWrite retry{.version = header.version,
                           .dcid = header.scid,
                           .scid = retry_scid.view(),
                           .token = token,
                           .unused_bits = static_cast<std::uint8_t>(random.below(16))};
  std::vector<std::uint8_t> octets(retry_size(retry));
  Writer out(octets);
  write_retry(out, retry);
  const RetryTag tag = retry_integrity_tag(*version_key_table(header.version), ConnectionId(header.dcid), octets);
  octets.insert(octets.end(), tag.begin(), tag.end());
  push(tuple, std::move(octets));
}

// rfc9000:10.2.1-stateless-amplification
void StatelessReplies::add_refusal(const PacketHeader& header, const FourTuple& tuple, std::uint64_t error_code,
                                   CidGenerator& cids) {
  LevelKeys keys = initial_keys(*version_key_table(header.version), Role::kServer, header.dcid);
  const ConnectionId scid = cids.generate();
  std::vector<std::uint8_t> octets(kInitialSize);
  DatagramBuilder builder;
  builder.begin(octets);
  OpenPacket* packet = builder.open(
      {.level = EncryptionLevel::kInitial, .version = header.version, .dcid = header.scid, .scid = scid.view()},
      PacketNumber{0}, std::nullopt);
  write_connection_close(packet->payload,
                         {.application = false, .error_code = error_code, .frame_type = 0, .reason_phrase = {}});
  builder.finish();
  keys.write.packet.seal(kInitialPathId, PacketNumber{0}, packet->header(), packet->payload.pieces(),
                         packet->start + packet->layout.size);
  protect(packet->start, packet->layout.pn_offset, packet->packet_number_length,
          keys.write.header.mask(packet->start + packet->layout.pn_offset + kSampleOffset));
  octets.resize(builder.size());
  push(tuple, std::move(octets));
}

// rfc9000:10.3-short-header rfc9000:10.3.3-smaller rfc9000:10.3-not-three-times rfc9000:10.3-random
// rfc9000:10.3-one-shorter
bool StatelessReplies::add_reset(Bytes received, const FourTuple& tuple, CidGenerator& cids) {
  // Section 10.3.3: smaller than what it answers, so that two endpoints cannot loop.
  if (received.size() <= kMinReset || received.size() < 1 + cids.length()) return false;
  // Section 21.11: the connection may live at the worker that it names, and whoever sent this here to
  // learn the token would end it.
  // rfc9000:21.11-active rfc9000:5.2.3-no-oracle
  if (!cids.is_own(received.subspan(1, cids.length()))) return false;
  const std::size_t size = std::min(kMaxReset, received.size() - 1);
  std::vector<std::uint8_t> octets(size);
  cids.random().fill(octets);
  octets[0] = static_cast<std::uint8_t>((octets[0] & 0x3f) | kFixedBit);
  const StatelessResetToken token = cids.reset_token(ConnectionId(received.subspan(1, cids.length())));
  std::copy(token.begin(), token.end(), octets.end() - static_cast<std::ptrdiff_t>(token.size()));
  push(tuple, std::move(octets));
  return true;
}

}  // namespace hawser::quic
