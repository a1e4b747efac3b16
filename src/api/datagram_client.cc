// datagram_client.cc: the public client of datagrams: names and units of the public header for those of the
// transport.
#include "hawser/datagram_client.h"

#include <algorithm>

#include "api/path_options.h"
#include "net/address.h"
#include "runtime/datagram_channel.h"
#include "runtime/resolver.h"
#include "runtime/runtime.h"

namespace hawser {
namespace {

quic::DatagramFlow translated(const DatagramFlow& flow) {
  // What no clock would live to see is for ever.
  constexpr std::uint64_t kLifetimeMax = std::uint64_t{1} << 52;
  const bool lasting = flow.lifetime_us == 0 || flow.lifetime_us > kLifetimeMax;
  return {.urgency = static_cast<std::uint8_t>(std::min(flow.urgency, 7u)),
          .drop = static_cast<quic::DatagramDrop>(flow.drop),
          .reports = flow.reports ? quic::kReportAll : std::uint8_t{0},
          .lifetime = std::chrono::microseconds(lasting ? 0 : static_cast<std::int64_t>(flow.lifetime_us)),
          .queue_max = flow.queue_max,
          .queue_octets_max = flow.queue_octets_max,
          .fec = static_cast<quic::FlowFec>(flow.protection),
          .copies = flow.copies};
}
static_assert(static_cast<int>(DatagramDrop::kLowestPriority) == static_cast<int>(quic::DatagramDrop::kLowestPriority));
static_assert(static_cast<int>(DatagramProtection::kNever) == static_cast<int>(quic::FlowFec::kNever));
static_assert(static_cast<int>(DatagramFate::kDropped) == static_cast<int>(quic::DatagramFate::kDropped));

Error error_of(const runtime::ChannelEnd& end) {
  return {end.certificate ? Error::Kind::kCertificate
          : end.timeout   ? Error::Kind::kTimeout
                          : Error::Kind::kConnect,
          end.message};
}

Error of_options(std::string message) {
  return {Error::Kind::kOptions, std::move(message)};
}

}  // namespace

struct DatagramClient::Impl {
  std::unique_ptr<runtime::DatagramChannel> channel;
  std::unique_ptr<Paths> paths;
};

std::expected<std::unique_ptr<DatagramClient>, Error> DatagramClient::connect(Runtime& runtime,
                                                                              const DatagramClientOptions& options) {
  if (options.alpn.empty() || options.alpn.size() > 255)
    return std::unexpected(of_options("alpn: name the application protocol, in 1 to 255 octets"));
  const auto server = net::parse_host_port(options.server);
  if (!server) return std::unexpected(of_options("server: " + server.error().message));
  const auto where = options.connect_to.empty() ? server : net::parse_host_port(options.connect_to);
  if (!where) return std::unexpected(of_options("connect_to: " + where.error().message));
  auto addresses = runtime::resolve(where->host, where->port);
  if (!addresses) return std::unexpected(Error{Error::Kind::kResolve, addresses.error().message});

  runtime::DatagramChannelOptions channel{.remotes = std::move(*addresses), .server_name = server->host};
  channel.tls.common.alpn = {options.alpn};
  channel.tls.verify_peer = options.verify;
  channel.tls.trust.ca_file = options.ca_file;
  channel.connection.congestion_control = options.congestion_control;
  channel.connection.max_datagram_frame_size = quic::kAnyDatagramFrame;
  channel.connection.handshake_timeout = std::chrono::milliseconds(std::max(options.connect_timeout_ms, 1u));
  HAWSER_TRY(channel.paths, apply(options.paths, channel.connection));
  auto fec = quic::parse_fec_config(options.fec);
  if (!fec) return std::unexpected(of_options("fec: " + fec.error().message));
  channel.connection.fec = *std::move(fec);
  channel.qlog.folder = options.qlog_folder;
  channel.receive_max = options.receive_max;
  channel.reports_max = kReportsMax;
  channel.untaken_max = kUntakenMax;
  const Duration timeout = channel.connection.handshake_timeout;
  auto opened = runtime::DatagramChannel::open(runtime.machinery().next_worker(), std::move(channel));
  if (!opened) return std::unexpected(of_options(opened.error().message));
  if (!(*opened)->wait_until_open(timeout)) {
    const auto end = (*opened)->ended();
    return std::unexpected(end ? error_of(*end) : Error{Error::Kind::kTimeout, "no answer from " + options.server});
  }
  if ((*opened)->max_payload() == 0)
    return std::unexpected(Error{Error::Kind::kConnect, options.server + " takes no datagrams"});
  auto control = (*opened)->paths();
  if (control == nullptr) return std::unexpected(of_options("the runtime has ended"));
  auto impl = std::make_unique<Impl>();
  impl->channel = std::move(*opened);
  impl->paths = std::make_unique<Paths>(std::move(control));
  return std::unique_ptr<DatagramClient>(new DatagramClient(std::move(impl)));
}

DatagramClient::DatagramClient(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
DatagramClient::~DatagramClient() = default;

Paths& DatagramClient::paths() {
  return *impl_->paths;
}

bool DatagramClient::set_flow(std::uint64_t flow, const DatagramFlow& options) {
  return impl_->channel->set_flow(flow, translated(options));
}

bool DatagramClient::close_flow(std::uint64_t flow) {
  return impl_->channel->close_flow(flow);
}

bool DatagramClient::send(std::span<const std::uint8_t> payload, const SendOptions& options) {
  return impl_->channel->send(payload, {.flow = options.flow, .id = options.id});
}

std::size_t DatagramClient::max_payload() const {
  return impl_->channel->max_payload();
}

std::optional<std::vector<std::uint8_t>> DatagramClient::receive(unsigned timeout_ms) {
  return impl_->channel->receive(std::chrono::milliseconds(timeout_ms));
}

std::vector<DatagramReport> DatagramClient::reports() {
  std::vector<DatagramReport> all;
  for (const runtime::ChannelReport& report : impl_->channel->take_reports())
    all.push_back({.flow = report.report.flow,
                   .id = report.report.id,
                   .fate = report.refused ? DatagramFate::kRefused : static_cast<DatagramFate>(report.report.fate)});
  return all;
}

DatagramCounters DatagramClient::counters() const {
  const runtime::DatagramChannel::Stats stats = impl_->channel->stats();
  const quic::DatagramStats& s = stats.datagrams;
  return {.sent = s.sent,
          .acknowledged = s.acknowledged,
          .lost = s.lost,
          .expired = s.expired,
          .dropped = s.dropped,
          .refused = s.refused,
          .received = s.received,
          .octets_sent = s.octets_sent,
          .octets_received = s.octets_received,
          .smoothed_rtt_us = static_cast<std::uint64_t>(to_us(stats.smoothed_rtt)),
          .packets_protected = stats.fec.packets_protected,
          .repairs_sent = stats.fec.repairs_sent,
          .packets_recovered = stats.fec.packets_recovered};
}

std::optional<Error> DatagramClient::ended() const {
  const auto end = impl_->channel->ended();
  if (!end) return std::nullopt;
  return error_of(*end);
}

}  // namespace hawser
