// session_ticket.cc: version (1 octet), flags (1), ALPN length (1) and octets, server name length
// (1) and octets, key exchange group length (1) and octets, lifetime (4), transport parameters length (2) and octets,
// then the TLS session to the end.
#include "quic/tls/session_ticket.h"

#include "base/reader.h"
#include "base/writer.h"

namespace hawser::quic {
namespace {

constexpr std::uint8_t kFormat = 3;
constexpr std::uint8_t kAllowsEarlyData = 0x01;

}  // namespace

std::vector<std::uint8_t> serialize_session_ticket(const SessionTicketView& ticket) {
  if (ticket.alpn.size() > 255 || ticket.server_name.size() > 255 || ticket.group.size() > 255 ||
      ticket.transport_parameters.size() > kMaxRememberedParameters)
    return {};
  std::vector<std::uint8_t> out(11 + ticket.alpn.size() + ticket.server_name.size() + ticket.group.size() +
                                ticket.transport_parameters.size() + ticket.tls_session.size());
  Writer writer(out);
  writer.u8(kFormat);
  writer.u8(ticket.allows_early_data ? kAllowsEarlyData : 0);
  writer.u8(static_cast<std::uint8_t>(ticket.alpn.size()));
  writer.bytes(as_bytes(ticket.alpn));
  writer.u8(static_cast<std::uint8_t>(ticket.server_name.size()));
  writer.bytes(as_bytes(ticket.server_name));
  writer.u8(static_cast<std::uint8_t>(ticket.group.size()));
  writer.bytes(as_bytes(ticket.group));
  writer.u32(ticket.lifetime_s);
  writer.u16(static_cast<std::uint16_t>(ticket.transport_parameters.size()));
  writer.bytes(ticket.transport_parameters);
  writer.bytes(ticket.tls_session);
  return out;
}

std::optional<SessionTicketView> parse_session_ticket(Bytes ticket) {
  Reader in(ticket);
  std::uint8_t format = 0;
  std::uint8_t flags = 0;
  std::uint8_t alpn_size = 0;
  std::uint8_t name_size = 0;
  std::uint8_t group_size = 0;
  std::uint16_t parameters_size = 0;
  Bytes alpn, name, group;
  SessionTicketView view;
  if (!in.u8(format) || format != kFormat || !in.u8(flags) || !in.u8(alpn_size) || !in.bytes(alpn_size, alpn))
    return std::nullopt;
  if (!in.u8(name_size) || !in.bytes(name_size, name)) return std::nullopt;
  if (!in.u8(group_size) || !in.bytes(group_size, group) || !in.u32(view.lifetime_s)) return std::nullopt;
  if (!in.u16(parameters_size) || parameters_size > kMaxRememberedParameters) return std::nullopt;
  if (!in.bytes(parameters_size, view.transport_parameters) || in.empty()) return std::nullopt;
  view.alpn = as_text(alpn);
  view.server_name = as_text(name);
  view.group = as_text(group);
  view.tls_session = in.rest();
  view.allows_early_data = (flags & kAllowsEarlyData) != 0;
  return view;
}

}  // namespace hawser::quic
