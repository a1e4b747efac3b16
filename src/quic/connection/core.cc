// core.cc: how a connection begins: its machines, built from its configuration, and the
// transport parameters that tell the peer of it.
#include "quic/connection/core.h"

#include "quic/connection/fec.h"
#include "quic/connection/multipath.h"
#include "quic/connection/path_memory.h"
#include "quic/recovery/ack_tracker.h"

namespace hawser::quic {
namespace {

constexpr std::uint64_t kClientHelloPadding = 1'200;  // RFC 9000 section 14.1

StreamSetConfig stream_config(const ConnectionConfig& config) {
  return {.initial_max_data = config.connection_receive_window.value,
          .initial_max_stream_data_bidi_local = config.stream_receive_window.value,
          .initial_max_stream_data_bidi_remote = config.stream_receive_window.value,
          .initial_max_stream_data_uni = config.stream_receive_window.value,
          .initial_max_streams_bidi = config.max_streams_bidi,
          .initial_max_streams_uni = config.max_streams_uni,
          .stream_window_cap = config.stream_receive_window_max.value,
          .send_buffer_cap = config.stream_send_buffer.value};
}

// rfc9000:14.2-no-discovery
MtuConfig mtu_config(const ConnectionConfig& config) {
  const auto most = static_cast<std::uint16_t>(config.max_udp_payload);
  return {.initial = kBaseMtu, .max = config.mtu_discovery ? most : kBaseMtu};
}

PathConfig path_config(const ConnectionParameters& parameters) {
  const ConnectionConfig& config = *parameters.config;
  return {.id = kInitialPathId,
          .loss = {.role = parameters.role, .initial_rtt = config.initial_rtt},
          .network_path = {.tuple = parameters.tuple,
                           .validated = parameters.role == Role::kClient || parameters.address_validated,
                           .peer_cid_sequence = 0,
                           .mtu = mtu_config(config),
                           .ecn = config.ecn},
          .pacing = config.pacing,
          .max_ack_delay = config.max_ack_delay};
}

// The endpoint has checked the name; see Endpoint::connect.
std::unique_ptr<CongestionController> controller_for(const ConnectionConfig& config) {
  auto controller = make_congestion_controller(config.congestion_control, kBaseMtu);
  HAWSER_CHECK(controller.has_value());
  return std::move(*controller);
}

}  // namespace

ConnectionCore::ConnectionCore(const ConnectionParameters& parameters)
    : role_(parameters.role),
      version_(parameters.version),
      shared_config_(parameters.config),
      config_(*shared_config_),
      ids_{parameters.original_dcid, parameters.local_cid, parameters.peer_cid, parameters.retry_scid},
      cids_(parameters.cids),
      emitter_(parameters.events, {.connection = parameters.handle,
                                   .original_destination_cid = ids_.original_dcid.view(),
                                   .vantage = parameters.role == Role::kClient ? Vantage::kClient : Vantage::kServer}),
      first_octet_(parameters.config->spin_bit, parameters.cids->random()),
      keys_(OneRttOptions{.table = version_key_table(parameters.version), .backend = parameters.config->crypto}),
      crypto_(parameters.lending->buffers),
      streams_(parameters.role, stream_config(*parameters.config), parameters.lending->buffers),
      initial_path_(std::make_unique<Path>(path_config(parameters), controller_for(*parameters.config))),
      path_(initial_path_.get()),
      recovery_(parameters.lending->recovery) {
  handshake_.token = parameters.token;
  if (emitter_.sink() != nullptr) streams_.set_events(&emitter_);
  set_initial_keys();
  if (parameters.client_tls != nullptr) {
    provide_extras().attempt = ClientAttempt{
        .tls = parameters.client_tls, .server_name = parameters.server_name, .original = parameters.version};
  }
  path_->peer_cids().set_initial(ids_.first_peer);
  path_->local_cids().add_known(ids_.local, cids_->reset_token(ids_.local));
}

ConnectionCore::~ConnectionCore() = default;

// Never above our max_ack_delay, which goes in whole milliseconds.
// ack-frequency:3-min-ack-delay
Duration declared_min_ack_delay(const ConnectionConfig& config) {
  return std::min<Duration>(kMinAckDelay, std::chrono::floor<std::chrono::milliseconds>(config.max_ack_delay));
}

// What we declare on every connection of this configuration.
TransportParameters configured_parameters(const ConnectionConfig& config) {
  TransportParameters ours;
  ours.max_idle_timeout_ms = static_cast<std::uint64_t>(to_ms(config.idle_timeout));
  ours.max_udp_payload_size = std::max<std::uint64_t>(config.max_udp_payload, kClientHelloPadding);
  ours.initial_max_data = config.connection_receive_window.value;
  ours.initial_max_stream_data_bidi_local = config.stream_receive_window.value;
  ours.initial_max_stream_data_bidi_remote = config.stream_receive_window.value;
  ours.initial_max_stream_data_uni = config.stream_receive_window.value;
  ours.initial_max_streams_bidi = config.max_streams_bidi;
  ours.initial_max_streams_uni = config.max_streams_uni;
  ours.ack_delay_exponent = kAckDelayExponent;
  ours.max_ack_delay_ms = static_cast<std::uint64_t>(to_ms(config.max_ack_delay));
  ours.min_ack_delay_us = static_cast<std::uint64_t>(to_us(declared_min_ack_delay(config)));
  // rfc9000:18.2-cid-limit
  ours.active_connection_id_limit = kMaxActiveCids;
  ours.disable_active_migration = config.disable_active_migration;
  ours.max_datagram_frame_size = config.max_datagram_frame_size;
  ours.grease_quic_bit = config.grease;
  ours.reset_stream_at = config.reset_stream_at;
  // No draft says how PATH_ACK frames would carry them.
  if (config.receive_timestamps != 0 && config.max_paths == 0) {
    ours.max_receive_timestamps_per_ack = config.receive_timestamps;
    ours.receive_timestamps_exponent = config.receive_timestamps_exponent;
  }
  if (config.fec.enabled) ours.fec_schemes = available_fec_schemes();
  if (config.address_discovery != AddressDiscovery::kOff)
    ours.address_discovery = parameter_of(config.address_discovery);
  return ours;
}

std::vector<std::uint8_t> ConnectionCore::encoded_transport_parameters() {
  // A client that says hello twice, since its key share did not suit, is told of the same.
  if (prefers_another_address() && path_->local_cids().entries().size() == 1) {
    // Its connection ID has sequence number 1 (RFC 9000 section 5.1.1).
    const ConnectionId cid = cids_->generate();
    path_->local_cids().add_known(cid, cids_->reset_token(cid));
    routing_changes_.push_back({.add = true, .cid = cid});
  }
  TransportParameters ours = transport_parameters();
  // Not where parameters are logged: the reserved version in it takes from the random numbers, and a log
  // must not change a run.
  ours.version_information = version_information();
  ours.version_information_draft = config_.versions.contains(Version::kV2Draft);
  return encode_transport_parameters(ours, role_, cids_->random());
}

bool ConnectionCore::prefers_another_address() const {
  return is_server() && (config_.preferred_ipv4.family != AddressFamily::kNone ||
                         config_.preferred_ipv6.family != AddressFamily::kNone);
}

// rfc9000:7.3-ids-match
TransportParameters ConnectionCore::transport_parameters() const {
  TransportParameters ours = configured_parameters(config_);
  ours.initial_source_connection_id = ids_.local;
  // A client that has not offered it learns nothing from an offer of ours.
  if (config_.max_paths != 0 && (!is_server() || peer_.multipath)) {
    const PathCodePoints points = is_server() ? peer_.path_code_points : config_.path_code_points;
    (points == PathCodePoints::kDraft21 ? ours.initial_max_path_id : ours.initial_max_path_id_draft17) =
        std::min(config_.max_paths, kMaxPaths) - 1;
  }
  if (!is_server()) return ours;
  ours.original_destination_connection_id = ids_.original_dcid;
  ours.retry_source_connection_id = ids_.retry_scid;
  ours.stateless_reset_token = cids_->reset_token(ids_.local);
  // Its connection ID is issued when the parameters are encoded, with the answer to the client's.
  if (prefers_another_address() && path().local_cids().entries().size() > 1) {
    const LocalCids::Entry& cid = path().local_cids().entries().at(1);
    ours.preferred_address = PreferredAddress{.ipv4 = config_.preferred_ipv4,
                                              .ipv6 = config_.preferred_ipv6,
                                              .connection_id = cid.cid,
                                              .stateless_reset_token = cid.token};
  }
  return ours;
}

// Pacing is a must for a jump (RFC 9959 section 3.3).
void ConnectionCore::use_path_memory(const std::optional<SavedPath>& saved, ResumeClaims* claims, Timestamp now) {
  if (!config_.careful_resume || !config_.pacing) return;
  begin(now);
  path_memory_ = std::make_unique<PathMemory>(*path_, emitter_, config_, claims);
  times_.path_memory_due = Timestamp::min();
  if (saved.has_value()) path_memory_->resume(*saved, now);
}

std::optional<SavedPath> ConnectionCore::saved_path() {
  if (path_memory_ == nullptr) return std::nullopt;
  (void)path_memory_->look(now_);
  return path_memory_->saved(now_);
}

void ConnectionCore::start(Timestamp now) {
  begin(now);
  times_.started = times_.last_activity = times_.last_received = now;
  if (emitter_.wants(EventGroup::kConnection)) log_start(path_->active().tuple(), transport_parameters());
  if (tls_ == nullptr) return;
  if (auto started = tls_->start(); !started) close_for(started.error());
}

ConnectionStats ConnectionCore::stats() const {
  ConnectionStats stats = stats_;
  const LossDetector& loss = path_->loss();
  stats.stream_bytes_sent = streams_.send_credit().used();
  stats.smoothed_rtt = loss.rtt().smoothed();
  stats.latest_rtt = loss.rtt().latest();
  stats.min_rtt = loss.rtt().min();
  stats.congestion_window = loss.controller().congestion_window();
  stats.bytes_in_flight = loss.bytes_in_flight();
  stats.pacing_rate_bps = path_->pacer().rate_bytes_per_second() * 8;
  stats.key_updates = keys_.one_rtt().write_generation();
  stats.max_datagram_size = path_->active().mtu();
  if (multipath_ != nullptr) {
    stats.congestion_window = stats.bytes_in_flight = 0;
    stats.pacing_rate_bps = 0;
    multipath_->for_each_open([&stats](PathSlot& slot) {
      stats.congestion_window += slot.path->controller().congestion_window();
      stats.bytes_in_flight += slot.path->loss().bytes_in_flight();
      stats.pacing_rate_bps += slot.path->pacer().rate_bytes_per_second() * 8;
    });
  }
  stats.memory_bytes = memory();
  stats.idle_frames_received = flood_guard_.frames();
  if (path_memory_ != nullptr) {
    stats.careful_resume_jump = path_memory_->jumped_to();
    stats.careful_resume_retreated = path_memory_->retreated();
  }
  return stats;
}

FecStats ConnectionCore::fec_stats() const {
  return fec() != nullptr ? fec()->stats() : FecStats{};
}

std::size_t ConnectionCore::memory() const {
  const std::size_t paths = multipath_ != nullptr ? multipath_->memory() : sizeof(Path) + path_->memory();
  std::size_t octets = sizeof(ConnectionCore) + paths + streams_.memory() + keys_.memory() + crypto_.memory() +
                       (extras_ != nullptr ? sizeof(Extras) : 0) +
                       (stream_wishes() != nullptr ? stream_wishes()->memory() : 0) +
                       (datagrams() != nullptr ? sizeof(DatagramQueue) + datagrams()->memory() : 0);
  if (fec() != nullptr) octets += fec()->memory();
  if (path_memory_ != nullptr) octets += sizeof(PathMemory);
  if (early_packets_ != nullptr) octets += early_packets_->memory();
  if (receive_timestamps_ != nullptr) octets += receive_timestamps_->memory();
  if (migration_ != nullptr) octets += sizeof(Migration) + migration_->addresses.memory();
  octets += routing_changes_.capacity() * sizeof(RoutingChange) + tell_.datagrams.capacity() * sizeof(Bytes);
  for (const auto* vector : {&handshake_.token, &handshake_.new_token, &handshake_.facts.peer_certificate})
    octets += vector->capacity();
  return octets;
}

std::expected<void, ConfigError> ConnectionCore::set_congestion_control(std::string_view name) {
  if (name == path_->controller().name()) return {};
  auto controller = make_congestion_controller(name, path_->active().mtu());
  if (!controller) return std::unexpected(std::move(controller.error()));
  path_->set_controller(std::move(*controller), now_);
  if (multipath_ == nullptr) return {};
  multipath_->for_each_open([&](PathSlot& slot) {
    if (slot.path.get() == path_) return;
    slot.path->set_controller(std::move(*make_congestion_controller(name, slot.path->active().mtu())), now_);
  });
  multipath_->couple_controllers();
  return {};
}

Duration ConnectionCore::largest_pto() const {
  return multipath_ == nullptr ? pto() : multipath_->largest_pto();
}

void ConnectionCore::visit_routed_cids(void* context, CidVisitor visit) const {
  const auto each = [&](const ConnectionId& cid) { visit(context, cid); };
  if (multipath_ != nullptr) {
    multipath_->for_each_local_cid(each);
  } else {
    for (const LocalCids::Entry& entry : path().local_cids().entries()) each(entry.cid);
  }
  each(ids_.retry_scid ? *ids_.retry_scid : ids_.original_dcid);
}

void ConnectionCore::visit_reset_tokens(void* context, TokenVisitor visit) const {
  const auto each = [&](const StatelessResetToken& token) { visit(context, token); };
  if (multipath_ != nullptr) return multipath_->for_each_reset_token(each);
  path().peer_cids().for_each_token(each);
}

bool ConnectionCore::is_reset_token(Bytes token) const {
  return multipath_ != nullptr ? multipath_->is_reset_token(token) : path_->peer_cids().is_reset_token(token);
}

}  // namespace hawser::quic
