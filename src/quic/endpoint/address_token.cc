// address_token.cc: notes sealed into tokens: the time in ms, and then for Retry the original Destination
// Connection ID, for NEW_TOKEN nothing or what is saved of the path: saved_cwnd, saved_rtt in microseconds, its age in
// ms when the token was made, and the local address. Address and Retry connection ID are bound as
// associated data.
#include "quic/endpoint/address_token.h"

#include <algorithm>
#include <array>

#include "base/reader.h"
#include "base/writer.h"

namespace hawser::quic {
namespace {

std::vector<std::uint8_t> bound_data(const SocketAddress& client, Version version, bool with_port, Bytes retry_scid) {
  std::vector<std::uint8_t> data(client.ip_bytes().begin(), client.ip_bytes().end());
  for (int shift = 24; shift >= 0; shift -= 8)
    data.push_back(static_cast<std::uint8_t>(static_cast<std::uint32_t>(version) >> shift));
  if (with_port) {
    data.push_back(static_cast<std::uint8_t>(client.port >> 8));
    data.push_back(static_cast<std::uint8_t>(client.port));
  }
  data.insert(data.end(), retry_scid.begin(), retry_scid.end());
  return data;
}

// How long ago the token was made; nothing if that is too long, or if it was made too far in the future. A little
// into it lies what a server with a faster clock made.
// rfc9000:8.1.3-token-expires rfc9000:8.1.4-retry-short rfc9000:21.3-tokens
// rfc9000:8.1.4-replay
std::optional<Duration> fresh_age(std::uint64_t issued_ms, std::int64_t now_ms, Duration lifetime) {
  const std::int64_t age = now_ms - static_cast<std::int64_t>(issued_ms);
  if (age < -to_ms(AddressTokens::kClockSkewMax) || age > to_ms(lifetime)) return std::nullopt;
  return std::chrono::milliseconds(std::max<std::int64_t>(age, 0));
}

void put_saved(Writer& out, const SavedPath& saved) {
  out.varint(saved.cwnd & kVarintMax);
  out.varint(static_cast<std::uint64_t>(to_us(saved.rtt)) & kVarintMax);
  out.varint(static_cast<std::uint64_t>(to_ms(saved.age)) & kVarintMax);
  out.bytes(saved.local.ip_bytes());
}

// Nothing if there is nothing, or nothing that can be used. rfc9959:3.2-endpoint
std::optional<SavedPath> read_saved(Reader& in, const SocketAddress& client, Duration age) {
  // Durations of nanoseconds in 63 bits: what is longer was never written.
  constexpr std::uint64_t kMsMax = std::uint64_t{1} << 40;
  std::uint64_t cwnd = 0, rtt_us = 0, age_ms = 0;
  if (in.empty() || !in.varint(cwnd) || !in.varint(rtt_us) || !in.varint(age_ms)) return std::nullopt;
  if (rtt_us == 0 || rtt_us > kMsMax || age_ms > kMsMax - static_cast<std::uint64_t>(to_ms(age))) return std::nullopt;
  SavedPath saved{.cwnd = cwnd,
                  .rtt = std::chrono::microseconds(static_cast<std::int64_t>(rtt_us)),
                  .age = age + std::chrono::milliseconds(static_cast<std::int64_t>(age_ms)),
                  .remote = client};
  const Bytes local = in.rest();
  if (local.size() == 4 || local.size() == 16) {
    saved.local.family = local.size() == 4 ? AddressFamily::kIpv4 : AddressFamily::kIpv6;
    std::copy(local.begin(), local.end(), saved.local.ip.begin());
  }
  return saved;
}

}  // namespace

std::vector<std::uint8_t> AddressTokens::make_retry(const SocketAddress& client, Version version,
                                                    const ConnectionId& original_dcid, const ConnectionId& retry_scid,
                                                    Timestamp now, Random& random) const {
  std::array<std::uint8_t, 8 + kMaxConnectionIdLength> notes;
  Writer out(notes);
  out.varint(static_cast<std::uint64_t>(time_ms(now)) & kVarintMax);
  out.bytes(original_dcid.view());
  return sealer_.seal(TokenKind::kRetry, out.written(), bound_data(client, version, true, retry_scid.view()), random);
}

std::vector<std::uint8_t> AddressTokens::make_new_token(const SocketAddress& client, Version version, Timestamp now,
                                                        Random& random, const std::optional<SavedPath>& saved) const {
  std::array<std::uint8_t, 4 * 8 + 16> notes;
  Writer out(notes);
  out.varint(static_cast<std::uint64_t>(time_ms(now)) & kVarintMax);
  if (saved.has_value()) put_saved(out, *saved);
  return sealer_.seal(TokenKind::kNewToken, out.written(), bound_data(client, version, false, {}), random);
}

// rfc9000:8.1.1-token-kind rfc9000:8.1.4-retry-address rfc9000:8.1.4-new-token-address
std::optional<AddressTokens::Verdict> AddressTokens::check(Bytes token, const SocketAddress& client, Version version,
                                                           const ConnectionId& dcid, Timestamp now) const {
  const bool is_retry = looks_like_retry(token);
  const auto notes = sealer_.open(is_retry ? TokenKind::kRetry : TokenKind::kNewToken, token,
                                  bound_data(client, version, is_retry, is_retry ? dcid.view() : Bytes{}));
  if (!notes) return std::nullopt;
  Reader in(*notes);
  std::uint64_t issued = 0;
  if (!in.varint(issued)) return std::nullopt;
  const auto age = fresh_age(issued, time_ms(now), is_retry ? kRetryLifetime : kNewTokenLifetime);
  if (!age) return std::nullopt;
  Verdict verdict{.is_retry = is_retry, .original_dcid = {}, .saved = {}};
  if (is_retry) {
    const Bytes original = in.rest();
    if (original.size() > kMaxConnectionIdLength) return std::nullopt;
    verdict.original_dcid = ConnectionId(original);
  } else {
    verdict.saved = read_saved(in, client, *age);
  }
  return verdict;
}

}  // namespace hawser::quic
