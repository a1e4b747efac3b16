// perf_protocol.cc: headers, reports and generated bodies.
#include "perf_protocol.h"

#include <algorithm>

namespace hawser::perf {
namespace {

void put_u64(std::uint8_t* out, std::uint64_t value) {
  for (int i = 7; i >= 0; --i, value >>= 8) out[i] = static_cast<std::uint8_t>(value);
}

std::uint64_t get_u64(const std::uint8_t* in) {
  std::uint64_t value = 0;
  for (int i = 0; i < 8; ++i) value = value << 8 | in[i];
  return value;
}

// The report's fields in wire order.
constexpr std::array<std::uint64_t ServerReport::*, kServerReportFields> kFields = {
    &ServerReport::cpu_user_ns,
    &ServerReport::cpu_system_ns,
    &ServerReport::transfer_octets_received,
    &ServerReport::packets_sent,
    &ServerReport::packets_received,
    &ServerReport::packets_lost,
    &ServerReport::spurious_losses,
    &ServerReport::bytes_sent,
    &ServerReport::bytes_received,
    &ServerReport::pto_count,
    &ServerReport::smoothed_rtt_ns,
    &ServerReport::congestion_window,
    &ServerReport::max_datagram_size,
    &ServerReport::memory_bytes,
    &ServerReport::datagrams_received,
    &ServerReport::datagram_octets_received,
    &ServerReport::datagrams_sent,
    &ServerReport::timed_packets,
    &ServerReport::delay_variation_ns,
    &ServerReport::delay_above_least_ns_max,
    &ServerReport::longest_pause_ns};
static_assert(sizeof(ServerReport) == kServerReportSize, "every field has its place in kFields");

// Content that does not compress and shows where it is cut, should someone look.
struct Region {
  std::array<std::uint8_t, kRegionSize> octets;
  Region() {
    std::uint64_t state = 0x9e3779b97f4a7c15;
    for (std::uint8_t& octet : octets) {
      state = state * 6364136223846793005 + 1442695040888963407;
      octet = static_cast<std::uint8_t>(state >> 56);
    }
  }
};

}  // namespace

std::array<std::uint8_t, kRequestHeaderSize> encode(const RequestHeader& header) {
  std::array<std::uint8_t, kRequestHeaderSize> out{};
  out[0] = static_cast<std::uint8_t>(header.op);
  put_u64(out.data() + 1, header.request_size);
  put_u64(out.data() + 9, header.response_size);
  return out;
}

std::optional<RequestHeader> decode_request_header(Bytes octets) {
  if (octets.size() != kRequestHeaderSize) return std::nullopt;
  const RequestHeader header{static_cast<Op>(octets[0]), get_u64(octets.data() + 1), get_u64(octets.data() + 9)};
  const bool known = header.op == Op::kTransfer || header.op == Op::kReport;
  if (!known || header.request_size > kUnlimited || header.response_size > kUnlimited) return std::nullopt;
  return header;
}

std::array<std::uint8_t, kServerReportSize> encode(const ServerReport& report) {
  std::array<std::uint8_t, kServerReportSize> out{};
  for (std::size_t i = 0; i < kServerReportFields; ++i) put_u64(out.data() + 8 * i, report.*kFields[i]);
  return out;
}

std::optional<ServerReport> decode_server_report(Bytes octets) {
  if (octets.size() < kServerReportSize) return std::nullopt;
  ServerReport report;
  for (std::size_t i = 0; i < kServerReportFields; ++i) report.*kFields[i] = get_u64(octets.data() + 8 * i);
  return report;
}

void append_u64(std::vector<std::uint8_t>& out, std::uint64_t value) {
  out.resize(out.size() + 8);
  put_u64(out.data() + out.size() - 8, value);
}

std::uint64_t read_u64(Bytes octets) {
  return get_u64(octets.data());
}

void encode(const DatagramHeader& header, MutableBytes payload) {
  payload[0] = static_cast<std::uint8_t>(header.op);
  put_u64(payload.data() + 1, header.number);
  put_u64(payload.data() + 9, header.time_ns);
}

std::optional<DatagramHeader> decode_datagram_header(Bytes payload) {
  if (payload.size() < kDatagramHeaderSize) return std::nullopt;
  const DatagramHeader header{static_cast<DatagramOp>(payload[0]), get_u64(payload.data() + 1),
                              get_u64(payload.data() + 9)};
  if (header.op < DatagramOp::kCount || header.op > DatagramOp::kReturned) return std::nullopt;
  return header;
}

SharedBytes generated_bytes(std::uint64_t size) {
  static const Region region;
  return {Bytes(region.octets).first(static_cast<std::size_t>(std::min<std::uint64_t>(size, kRegionSize))), nullptr};
}

bool OutgoingBody::fill(quic::Connection& connection, quic::StreamId id) {
  while (!finished) {
    if (remaining != 0 && connection.write_room(id) == 0) return true;
    SharedBytes piece = generated_bytes(remaining);
    const std::size_t size = piece.size();
    finished = size == remaining;
    if (!connection.write(id, std::move(piece), finished)) {
      finished = true;
      return false;
    }
    remaining -= size;
  }
  return true;
}

}  // namespace hawser::perf
