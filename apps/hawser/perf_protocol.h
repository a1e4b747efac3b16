// perf_protocol.h: what both sides of `hawser perf` say to each other, by ALPN "hawser-perf/3".
//
// A client opens a bidirectional stream for each request: a header, request_size octets of
// any content, FIN. The server answers when it has seen the FIN: to kTransfer with
// response_size octets of any content (kUnlimited: until STOP_SENDING), to kReport with a
// ServerReport and what perf_paths.h says of each path; then FIN. DATAGRAM frames begin with a header of their own: the
// server counts them and, where the header asks for it, sends them back. Integers are in network order.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/shared_bytes.h"
#include "quic/connection/connection.h"

namespace hawser::perf {

inline constexpr std::string_view kAlpn = "hawser-perf/3";
inline constexpr std::uint64_t kUnlimited = std::uint64_t{1} << 61;

enum class Op : std::uint8_t { kTransfer = 1, kReport = 2 };

struct RequestHeader {
  Op op = Op::kTransfer;
  std::uint64_t request_size = 0;   // octets that follow the header
  std::uint64_t response_size = 0;  // octets asked for; kReport: 0
};
inline constexpr std::size_t kRequestHeaderSize = 1 + 8 + 8;
std::array<std::uint8_t, kRequestHeaderSize> encode(const RequestHeader& header);
// Nothing for an unknown op or sizes above kUnlimited.
std::optional<RequestHeader> decode_request_header(Bytes octets);

// What the server knows: of its process, and of the connection that asks.
struct ServerReport {
  std::uint64_t cpu_user_ns = 0;
  std::uint64_t cpu_system_ns = 0;
  std::uint64_t transfer_octets_received = 0;  // after the headers, by this connection's requests
  std::uint64_t packets_sent = 0;
  std::uint64_t packets_received = 0;
  std::uint64_t packets_lost = 0;
  std::uint64_t spurious_losses = 0;
  std::uint64_t bytes_sent = 0;
  std::uint64_t bytes_received = 0;
  std::uint64_t pto_count = 0;
  std::uint64_t smoothed_rtt_ns = 0;
  std::uint64_t congestion_window = 0;
  std::uint64_t max_datagram_size = 0;
  std::uint64_t memory_bytes = 0;
  std::uint64_t datagrams_received = 0;
  std::uint64_t datagram_octets_received = 0;
  std::uint64_t datagrams_sent = 0;
  // Of receive timestamps; 0 without.
  std::uint64_t timed_packets = 0;
  std::uint64_t delay_variation_ns = 0;
  std::uint64_t delay_above_least_ns_max = 0;
  std::uint64_t longest_pause_ns = 0;  // between two pieces of uploads that came
};
inline constexpr std::size_t kServerReportFields = 21;
inline constexpr std::size_t kServerReportSize = 8 * kServerReportFields;
std::array<std::uint8_t, kServerReportSize> encode(const ServerReport& report);
// Of the first kServerReportSize octets; nothing for less.
std::optional<ServerReport> decode_server_report(Bytes octets);

void append_u64(std::vector<std::uint8_t>& out, std::uint64_t value);
// Of the first 8 octets, which there are.
std::uint64_t read_u64(Bytes octets);

// Before the rest of a DATAGRAM payload, of any content.
enum class DatagramOp : std::uint8_t { kCount = 1, kReturn = 2, kReturned = 3 };
struct DatagramHeader {
  DatagramOp op = DatagramOp::kCount;
  std::uint64_t number = 0;   // from 0, in the order of sending
  std::uint64_t time_ns = 0;  // by the client's clock, which nobody else reads
};
inline constexpr std::size_t kDatagramHeaderSize = 1 + 8 + 8;
// Writes the first octets of `payload`, which has kDatagramHeaderSize and more.
void encode(const DatagramHeader& header, MutableBytes payload);
// Nothing for less octets than a header, or an unknown op.
std::optional<DatagramHeader> decode_datagram_header(Bytes payload);

// A part of the static memory that generated bodies are sent from, without copying; at most
// kRegionSize octets of `size`.
inline constexpr std::size_t kRegionSize = 256 * 1'024;
SharedBytes generated_bytes(std::uint64_t size);

// A body on its way out: keeps as much queued on the stream as the send buffer takes.
struct OutgoingBody {
  std::uint64_t remaining = 0;
  bool finished = false;
  // Writes while there is room; ends the stream behind the last octet. False if the stream
  // takes nothing any more.
  bool fill(quic::Connection& connection, quic::StreamId id);
};

}  // namespace hawser::perf
