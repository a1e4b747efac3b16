// connection.cc: the public face: passes an application's calls to the machines.
#include "quic/connection/connection.h"

#include "quic/connection/core.h"
#include "quic/connection/multipath.h"

namespace hawser::quic {
namespace {

StreamError error_of(StreamRefusal refusal) {
  switch (refusal) {
    case StreamRefusal::kBlocked:
      return StreamError::kLimit;
    case StreamRefusal::kUnknownStream:
      return StreamError::kNoSuchStream;
    case StreamRefusal::kWrongDirection:
      return StreamError::kWrongDirection;
    case StreamRefusal::kNotWritable:
      return StreamError::kFinished;
  }
  return StreamError::kNoSuchStream;
}

// Of an operation on a stream that exists: a reset is told apart from an orderly end.
StreamError error_of(StreamRefusal refusal, ConnectionCore& core, StreamId id) {
  const Stream* stream = core.streams().find(id);
  const bool was_reset = stream != nullptr && (stream->send.state() == SendState::kResetSent ||
                                               stream->send.state() == SendState::kResetRecvd);
  return refusal == StreamRefusal::kNotWritable && was_reset ? StreamError::kStopped : error_of(refusal);
}

std::expected<void, StreamError> translated(const std::expected<void, StreamRefusal>& result, ConnectionCore& core,
                                            StreamId id) {
  if (!result) return std::unexpected(error_of(result.error(), core, id));
  return {};
}

}  // namespace

Connection::Connection(std::unique_ptr<ConnectionCore> core) : core_(std::move(core)) {}
Connection::~Connection() = default;

std::expected<StreamId, StreamError> Connection::open_stream(bool bidirectional) {
  if (!core_->is_open()) return std::unexpected(StreamError::kClosed);
  const auto opened = core_->streams().open(bidirectional);
  if (!opened) return std::unexpected(error_of(opened.error()));
  return *opened;
}

std::expected<std::size_t, StreamError> Connection::write(StreamId id, Bytes data, bool fin) {
  if (!core_->is_open()) return std::unexpected(StreamError::kClosed);
  std::size_t taken = 0;
  if (!data.empty()) {
    const auto written = core_->streams().write(id, data);
    if (!written) return std::unexpected(error_of(written.error(), *core_, id));
    taken = *written;
  }
  if (fin && taken == data.size()) {
    if (const auto finished = finish(id); !finished) return std::unexpected(finished.error());
  }
  return taken;
}

std::expected<void, StreamError> Connection::write(StreamId id, SharedBytes data, bool fin) {
  if (!core_->is_open()) return std::unexpected(StreamError::kClosed);
  if (!data.empty()) {
    const auto written = core_->streams().write(id, std::move(data));
    if (!written) return std::unexpected(error_of(written.error(), *core_, id));
  }
  return fin ? finish(id) : std::expected<void, StreamError>{};
}

std::size_t Connection::write_room(StreamId id) const {
  const Stream* stream = core_->is_open() ? core_->streams().find(id) : nullptr;
  return stream == nullptr ? 0 : static_cast<std::size_t>(stream->send.room());
}

void Connection::limit_buffer(StreamId id, std::size_t octets) {
  if (core_->is_open()) core_->streams().limit_send_buffer(id, octets);
}

void Connection::charge_turn(std::uint32_t octets) {
  core_->charge_turn(octets);
}

std::expected<void, StreamError> Connection::finish(StreamId id) {
  return translated(core_->streams().finish(id), *core_, id);
}

std::expected<void, StreamError> Connection::reset_stream(StreamId id, ApplicationErrorCode code) {
  return translated(core_->streams().reset(id, code), *core_, id);
}

std::expected<void, StreamError> Connection::reset_stream_at(StreamId id, ApplicationErrorCode code,
                                                             std::uint64_t reliable_size) {
  if (!core_->may_reset_stream_at()) return std::unexpected(StreamError::kUnsupported);
  return translated(core_->streams().reset_at(id, code, reliable_size), *core_, id);
}

std::expected<void, StreamError> Connection::stop_sending(StreamId id, ApplicationErrorCode code) {
  return translated(core_->streams().stop_sending(id, code), *core_, id);
}

std::size_t Connection::read_views(StreamId id, std::span<Bytes> out) {
  return core_->streams().readable(id, out).size();
}

void Connection::consume(StreamId id, std::size_t count) {
  core_->streams().consume(id, count);
}

std::size_t Connection::read(StreamId id, MutableBytes out) {
  std::array<Bytes, 16> pieces;
  std::size_t copied = 0;
  while (copied < out.size()) {
    std::size_t round = 0;
    for (const Bytes& piece : core_->streams().readable(id, pieces)) {
      const std::size_t take = std::min(piece.size(), out.size() - copied - round);
      std::memcpy(out.data() + copied + round, piece.data(), take);
      round += take;
    }
    core_->streams().consume(id, round);
    if (round == 0) break;
    copied += round;
  }
  return copied;
}

bool Connection::at_end(StreamId id) const {
  StreamSet& streams = core_->streams();
  const Stream* stream = streams.find(id);
  if (stream == nullptr) return core_->just_ended(id);
  return stream->recv.exists() && stream->recv.has_all() && stream->recv.readable_octets() == 0;
}

bool Connection::has_all(StreamId id) const {
  StreamSet& streams = core_->streams();
  const Stream* stream = streams.find(id);
  if (stream == nullptr) return core_->just_ended(id);
  return stream->recv.exists() && stream->recv.has_all();
}

void Connection::set_priority(StreamId id, std::uint8_t urgency, bool incremental) {
  (void)core_->streams().set_priority(id, {.urgency = std::min<std::uint8_t>(urgency, 7), .incremental = incremental});
}

std::size_t Connection::max_datagram_payload() const {
  return core_->max_datagram_payload();
}
std::expected<void, DatagramError> Connection::send_datagram(Bytes payload, const SendDatagramOptions& options) {
  return core_->send_datagram(payload, options);
}
std::expected<void, ConfigError> Connection::set_stream_deadline(StreamId id, Timestamp deadline) {
  StreamWish wish = core_->stream_wish(id);
  wish.deadline = deadline;
  return core_->set_stream_wish(id, wish);
}

std::expected<void, ConfigError> Connection::set_stream_fec(StreamId id, FlowFec fec) {
  StreamWish wish = core_->stream_wish(id);
  wish.fec = fec;
  return core_->set_stream_wish(id, wish);
}

std::expected<void, DatagramError> Connection::set_datagram_flow(DatagramFlowId id, const DatagramFlow& flow) {
  return core_->set_datagram_flow(id, flow);
}
void Connection::close_datagram_flow(DatagramFlowId id) {
  core_->close_datagram_flow(id);
}
DatagramStats Connection::datagram_stats() const {
  return core_->datagram_stats();
}
std::optional<DatagramStats> Connection::datagram_stats(DatagramFlowId id) const {
  return core_->datagram_stats(id);
}
void Connection::close(ApplicationErrorCode code, std::string_view reason) {
  core_->close(code, reason);
}
std::expected<void, ConfigError> Connection::set_congestion_control(std::string_view name) {
  return core_->set_congestion_control(name);
}

std::string_view Connection::congestion_control() const {
  return core_->path().controller().name();
}

void Connection::initiate_key_update() {
  core_->initiate_key_update();
}
void Connection::ping() {
  core_->request_ping();
}
void Connection::keep_alive(bool on) {
  core_->keep_alive(on);
}
const EventEmitter& Connection::events() const {
  return core_->events();
}
std::expected<void, MigrationRefusal> Connection::probe(const SocketAddress& local) {
  return core_->probe(local, false);
}
std::expected<void, MigrationRefusal> Connection::migrate(const SocketAddress& local) {
  return core_->probe(local, true);
}
std::vector<NetworkPathInfo> Connection::network_paths() const {
  return core_->network_paths();
}
FecStats Connection::fec_stats() const {
  return core_->fec_stats();
}

ReceiveTimeStats Connection::receive_time_stats() const {
  return core_->receive_time_stats();
}

MigrationStats Connection::migration_stats() const {
  return core_->migration_stats();
}
bool Connection::has_multipath() const {
  return core_->multipath() != nullptr;
}
std::expected<PathId, PathRefusal> Connection::open_path(const FourTuple& tuple) {
  return core_->open_path(tuple);
}
std::expected<void, PathRefusal> Connection::abandon_path(PathId id) {
  if (core_->multipath() == nullptr) return std::unexpected(PathRefusal::kNoMultipath);
  return core_->multipath()->abandon_path(id, PathError::kApplicationAbandonPath);
}
std::expected<void, PathRefusal> Connection::set_path_status(PathId id, PathStatus status) {
  if (core_->multipath() == nullptr) return std::unexpected(PathRefusal::kNoMultipath);
  return core_->multipath()->set_status(id, status);
}
std::expected<void, PathRefusal> Connection::set_path_preference(PathId id, PathPreference preference) {
  if (core_->multipath() == nullptr) return std::unexpected(PathRefusal::kNoMultipath);
  return core_->multipath()->set_preference(id, preference);
}
std::expected<void, ConfigError> Connection::set_path_scheduler(std::string_view name) {
  return core_->set_path_scheduler(name);
}
std::expected<void, ConfigError> Connection::set_stream_scheduler(StreamId id, std::string_view name) {
  return core_->set_flow_scheduler(DemandKind::kStream, id.value, name);
}
std::expected<void, ConfigError> Connection::set_datagram_scheduler(DatagramFlowId flow, std::string_view name) {
  return core_->set_flow_scheduler(DemandKind::kDatagram, flow, name);
}
std::string_view Connection::path_scheduler() const {
  return core_->multipath() == nullptr ? core_->first_path_scheduler() : core_->multipath()->scheduler().name();
}
std::string_view Connection::path_scheduler_failure() const {
  return core_->multipath() == nullptr ? std::string_view() : core_->multipath()->scheduler().failure();
}
std::vector<PathInfo> Connection::paths() const {
  return core_->paths();
}
MultipathStats Connection::multipath_stats() const {
  return core_->multipath() == nullptr ? MultipathStats{} : core_->multipath()->stats();
}
Version Connection::version() const {
  return core_->version();
}
Role Connection::role() const {
  return core_->role();
}
bool Connection::handshake_complete() const {
  return core_->handshake_complete();
}
bool Connection::handshake_confirmed() const {
  return core_->handshake_confirmed();
}
EarlyDataStatus Connection::early_data() const {
  return core_->early_data();
}
bool Connection::closed() const {
  return !core_->is_open();
}
std::string_view Connection::alpn() const {
  return core_->facts().alpn;
}
std::string_view Connection::server_name() const {
  return core_->facts().server_name;
}

std::string_view Connection::cipher_name() const {
  if (!core_->facts().cipher) return "";
  switch (*core_->facts().cipher) {
    case CipherSuite::kAes128GcmSha256:
      return "TLS_AES_128_GCM_SHA256";
    case CipherSuite::kAes256GcmSha384:
      return "TLS_AES_256_GCM_SHA384";
    case CipherSuite::kChaCha20Poly1305Sha256:
      return "TLS_CHACHA20_POLY1305_SHA256";
  }
  return "";
}

std::string_view Connection::group_name() const {
  return core_->facts().group;
}
bool Connection::resumed() const {
  return core_->facts().resumed;
}
Bytes Connection::peer_certificate() const {
  return core_->facts().peer_certificate;
}
const FourTuple& Connection::tuple() const {
  return core_->path().active().tuple();
}
ConnectionId Connection::original_destination_cid() const {
  return core_->original_dcid();
}
ConnectionStats Connection::stats() const {
  return core_->stats();
}
std::optional<SavedPath> Connection::saved_path() const {
  return core_->saved_path();
}
const ConnectionConfig& Connection::config() const {
  return core_->config();
}
Timestamp Connection::now() const {
  return core_->now();
}

}  // namespace hawser::quic
