// saved_path_record.cc: saved_cwnd, saved_rtt in microseconds and when it was observed in seconds since 1970, as
// varints; then the local and the remote address, each a family (4, 6, or 0: unknown) and its octets.
#include "http/saved_path_record.h"

#include <algorithm>
#include <array>

#include "base/reader.h"
#include "base/writer.h"

namespace hawser::http {
namespace {

constexpr std::size_t kSizeMax = 3 * 8 + 2 * (1 + 16);
// 2^40 us are twelve days, which no round trip takes; ages in seconds likewise stay far inside a Duration.
constexpr std::uint64_t kRttMax_us = std::uint64_t{1} << 40;
constexpr std::int64_t kAgeMax_s = std::int64_t{1} << 31;

void put_address(Writer& out, const SocketAddress& address) {
  out.u8(static_cast<std::uint8_t>(address.family));
  out.bytes(address.ip_bytes());
}

bool read_address(Reader& in, SocketAddress& address) {
  std::uint8_t family = 0;
  if (!in.u8(family)) return false;
  address.family = static_cast<AddressFamily>(family);
  if (family != 0 && family != 4 && family != 6) return false;
  Bytes ip;
  if (!in.bytes(address.ip_bytes().size(), ip)) return false;
  std::copy(ip.begin(), ip.end(), address.ip.begin());
  return true;
}

}  // namespace

std::vector<std::uint8_t> write_saved_path(const quic::SavedPath& saved, std::int64_t unix_s) {
  std::array<std::uint8_t, kSizeMax> octets;
  Writer out(octets);
  const std::int64_t observed_s = unix_s - std::chrono::ceil<std::chrono::seconds>(saved.age).count();
  out.varint(std::min(saved.cwnd, kVarintMax));
  out.varint(static_cast<std::uint64_t>(to_us(saved.rtt)) & kVarintMax);
  out.varint(static_cast<std::uint64_t>(std::max<std::int64_t>(observed_s, 0)));
  put_address(out, saved.local);
  put_address(out, saved.remote);
  return {out.written().begin(), out.written().end()};
}

std::optional<quic::SavedPath> read_saved_path(Bytes record, std::int64_t unix_s) {
  Reader in(record);
  std::uint64_t cwnd = 0, rtt_us = 0, observed_s = 0;
  quic::SavedPath saved;
  if (!in.varint(cwnd) || !in.varint(rtt_us) || !in.varint(observed_s)) return std::nullopt;
  if (!read_address(in, saved.local) || !read_address(in, saved.remote) || !in.empty()) return std::nullopt;
  const std::int64_t age_s = unix_s - static_cast<std::int64_t>(observed_s);
  if (rtt_us == 0 || rtt_us > kRttMax_us || age_s < 0 || age_s > kAgeMax_s) return std::nullopt;
  saved.cwnd = cwnd;
  saved.rtt = std::chrono::microseconds(static_cast<std::int64_t>(rtt_us));
  saved.age = std::chrono::seconds(age_s);
  return saved;
}

}  // namespace hawser::http
