// perf_server.cc: counts what is uploaded, generates what is downloaded, reports its own cost.
#include "perf_server.h"

#include <fmt/format.h>
#include <time.h>

#include <cstdio>
#include <memory>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/address.h"
#include "net/address.h"
#include "perf_datagrams.h"
#include "perf_paths.h"
#include "perf_pause.h"
#include "perf_protocol.h"
#include "quic/connection/replay_guard.h"
#include "quic/connection/resume_claims.h"
#include "quic/tls/dev_certificate.h"
#include "quic/tls/tls_context.h"
#include "runtime/clock.h"
#include "runtime/endpoint_protocol.h"
#include "runtime/shutdown_signals.h"
#include "runtime/system_random.h"
#include "say.h"
#include "worker_options.h"

namespace hawser::perf {
namespace {

using quic::Connection;
using quic::StreamId;

constexpr quic::ApplicationErrorCode kBadRequest = 1;
// Answers to datagrams that may wait on a connection. Thousands come at one look at the socket, and what goes back
// waits for the window: past this they are lost on the way back.
constexpr std::size_t kAnswersMax = 16'384;
constexpr std::size_t kAnswerOctetsMax = std::size_t{16} << 20;

struct ServerStream {
  std::array<std::uint8_t, kRequestHeaderSize> header{};
  std::size_t header_octets = 0;
  bool answered = false;
  OutgoingBody response;
};

struct ServerConnection {
  std::unordered_map<std::uint64_t, ServerStream> streams;
  std::uint64_t transfer_octets_received = 0;
  bool answers_datagrams = false;
  Pause pause;
};

// All connections of one worker; each finds its state by user_data.
class Service final : public quic::AcceptHandler, public quic::ConnectionHandler {
 public:
  quic::ConnectionHandler* on_accept(Connection& connection) override {
    auto state = std::make_unique<ServerConnection>();
    connection.user_data = state.get();
    connections_.emplace(&connection, std::move(state));
    ++accepted_;
    return this;
  }

  void on_stream_readable(Connection& connection, StreamId id) override {
    ServerConnection& state = state_of(connection);
    ServerStream& stream = state.streams[id.value];
    std::array<Bytes, 16> views;
    while (const std::size_t count = connection.read_views(id, views)) {
      std::size_t octets = 0;
      for (const Bytes& view : std::span(views).first(count)) {
        octets += view.size();
        const std::size_t taken = std::min(view.size(), kRequestHeaderSize - stream.header_octets);
        std::copy_n(view.begin(), taken, stream.header.begin() + static_cast<std::ptrdiff_t>(stream.header_octets));
        stream.header_octets += taken;
        state.transfer_octets_received += view.size() - taken;
        if (view.size() > taken) state.pause.on_data(connection.now());
      }
      connection.consume(id, octets);
    }
    if (connection.at_end(id)) state.pause.on_end();
    if (connection.at_end(id) && !stream.answered) answer(connection, id, state, stream);
  }

  void on_stream_writable(Connection& connection, StreamId id) override {
    auto& streams = state_of(connection).streams;
    if (const auto found = streams.find(id.value); found != streams.end()) found->second.response.fill(connection, id);
  }
  void on_datagram(Connection& connection, Bytes payload) override {
    if (!std::exchange(state_of(connection).answers_datagrams, true))
      (void)connection.set_datagram_flow(0, {.queue_max = kAnswersMax, .queue_octets_max = kAnswerOctetsMax});
    answer_datagram(connection, payload);
  }
  void on_stream_closed(Connection& connection, StreamId id) override { state_of(connection).streams.erase(id.value); }
  // The rest of the request may still be on its way; what is known of it is needed until the stream is closed.
  void on_stop_sending(Connection& connection, StreamId id, quic::ApplicationErrorCode) override {
    ServerStream& stream = state_of(connection).streams[id.value];
    stream.answered = true;
    stream.response.finished = true;
  }
  void on_closed(Connection& connection, const quic::CloseReason&) override {
    connection.user_data = nullptr;
    connections_.erase(&connection);
  }
  // Connections of all its time; read once the worker has ended.
  [[nodiscard]] std::uint64_t accepted() const { return accepted_; }

 private:
  static ServerConnection& state_of(Connection& connection) {
    return *static_cast<ServerConnection*>(connection.user_data);
  }

  static void answer(Connection& connection, StreamId id, const ServerConnection& state, ServerStream& stream) {
    stream.answered = true;
    const auto header = decode_request_header(Bytes(stream.header).first(stream.header_octets));
    if (!header) {
      connection.close(kBadRequest, "request header not understood");
      return;
    }
    if (header->op == Op::kReport) {
      const auto report = encode(report_of(connection, state));
      (void)connection.write(id, Bytes(report));
      (void)connection.write(id, Bytes(encode(connection.paths())), true);
      return;
    }
    stream.response.remaining = header->response_size;
    stream.response.fill(connection, id);
  }

  static ServerReport report_of(const Connection& connection, const ServerConnection& state) {
    const CpuTime cpu = process_cpu_time();
    const quic::ConnectionStats stats = connection.stats();
    const quic::DatagramStats datagrams = connection.datagram_stats();
    const quic::ReceiveTimeStats times = connection.receive_time_stats();
    return {.cpu_user_ns = static_cast<std::uint64_t>(cpu.user.count()),
            .cpu_system_ns = static_cast<std::uint64_t>(cpu.system.count()),
            .transfer_octets_received = state.transfer_octets_received,
            .packets_sent = stats.packets_sent,
            .packets_received = stats.packets_received,
            .packets_lost = stats.packets_lost,
            .spurious_losses = stats.spurious_losses,
            .bytes_sent = stats.bytes_sent,
            .bytes_received = stats.bytes_received,
            .pto_count = stats.pto_count,
            .smoothed_rtt_ns = static_cast<std::uint64_t>(stats.smoothed_rtt.count()),
            .congestion_window = stats.congestion_window,
            .max_datagram_size = stats.max_datagram_size,
            .memory_bytes = stats.memory_bytes,
            .datagrams_received = datagrams.received,
            .datagram_octets_received = datagrams.octets_received,
            .datagrams_sent = datagrams.sent,
            .timed_packets = times.packets,
            .delay_variation_ns = static_cast<std::uint64_t>(times.delay_variation.count()),
            .delay_above_least_ns_max = static_cast<std::uint64_t>(times.delay_above_least_max.count()),
            .longest_pause_ns = static_cast<std::uint64_t>(state.pause.longest().count())};
  }

  std::unordered_map<Connection*, std::unique_ptr<ServerConnection>> connections_;
  std::uint64_t accepted_ = 0;
};

std::expected<quic::CertificateSource, ConfigError> certificate_of(const ServerOptions& options) {
  if (options.certificate.empty() != options.key.empty())
    return std::unexpected(ConfigError{"give --cert and --key together"});
  quic::CertificateSource source{.chain_file = options.certificate, .key_file = options.key};
  if (!options.certificate.empty()) return source;
  const std::int64_t an_hour_ago = ::time(nullptr) - 3'600;
  HAWSER_TRY(const quic::DevCertificate minted, quic::mint_dev_certificate({.not_before_s = an_hour_ago}));
  source.chain.assign(minted.certificate_pem.begin(), minted.certificate_pem.end());
  source.key.assign(minted.key_pem.begin(), minted.key_pem.end());
  return source;
}

// What each worker has for itself; outlives the runtime.
struct WorkerParts {
  std::unique_ptr<quic::TlsServerContext> tls;
  std::unique_ptr<Service> service;
  std::unique_ptr<runtime::QlogLog> qlog;  // may be null
};

std::expected<std::vector<WorkerParts>, ConfigError> make_parts(const ServerOptions& options, std::size_t workers,
                                                                Random& random) {
  HAWSER_TRY(const quic::CertificateSource certificate, certificate_of(options));
  // One for all, so that each resumes the others' sessions.
  std::vector<std::uint8_t> ticket_secret(32);
  random.fill(ticket_secret);
  std::vector<WorkerParts> parts(workers);
  for (WorkerParts& part : parts) {
    HAWSER_TRY(auto tls, quic::TlsServerContext::create({.common = {.alpn = {std::string(kAlpn)}},
                                                         .certificates = {certificate},
                                                         .ticket_secret = ticket_secret,
                                                         .early_data = options.early_data}));
    part.tls = std::make_unique<quic::TlsServerContext>(std::move(tls));
    part.service = std::make_unique<Service>();
    HAWSER_TRY(part.qlog, runtime::QlogLog::create(options.common.qlog));
  }
  return parts;
}

// What each worker did, after all have ended: how evenly the work was spread, and how much of
// it came to the wrong one first.
void print_accounts(const CommonOptions& options, runtime::Runtime& runtime, const std::vector<WorkerParts>& parts) {
  for (std::size_t i = 0; i < runtime.size(); ++i) {
    const runtime::WorkerStats stats = runtime.worker(i).stats();
    const std::string_view format =
        options.json ? "{{\"worker\": {}, \"connections\": {}, \"datagrams_received\": {}, \"datagrams_sent\": {}, "
                       "\"trains_forwarded\": {}, \"cpu_s\": {:.3f}}}\n"
                     : "worker {}: {} connections, {} datagrams in, {} out, {} trains passed on, {:.3f} s of CPU\n";
    fmt::print(fmt::runtime(format), i, parts[i].service->accepted(), stats.udp.datagrams_received,
               stats.udp.datagrams_sent, stats.trains_forwarded, static_cast<double>(stats.cpu_time.count()) / 1e9);
  }
}

std::expected<void, ConfigError> serve(const ServerOptions& options) {
  runtime::ShutdownSignals signals;
  HAWSER_TRY(const SocketAddress address, net::parse_address(options.common.address));
  quic::ConnectionConfig connection = connection_config(options.common);
  HAWSER_TRY_VOID(app::apply(options.paths, connection));
  connection.datagram_queue_max = kAnswersMax;
  connection.datagram_queue_octets_max = kAnswerOctetsMax;
  std::vector<WorkerParts> parts;
  // Shared by the workers, as are the keys of tokens.
  runtime::SystemRandom random;
  std::array<std::uint8_t, 32> secret{};
  random.fill(secret);
  std::unique_ptr<quic::ReplayGuard> guard;
  if (options.early_data)
    guard = std::make_unique<quic::ReplayGuard>(
        quic::ReplayGuard::Options{.key = {random.next_u64(), random.next_u64()}, .start = runtime::current_time()});
  std::unique_ptr<quic::ResumeClaims> claims;
  if (options.common.careful_resume.lifetime_s > 0)
    claims = std::make_unique<quic::ResumeClaims>(std::array{random.next_u64(), random.next_u64()});
  HAWSER_TRY(const std::unique_ptr<runtime::Runtime> runtime, start_runtime(options.common, 100ms));
  HAWSER_TRY(parts, make_parts(options, runtime->size(), random));
  const auto make = [&](runtime::Worker& worker) -> std::unique_ptr<runtime::DatagramProtocol> {
    const WorkerParts& part = parts[worker.index()];
    quic::EndpointConfig config{.connection = connection,
                                .tls = part.tls.get(),
                                .accept = part.service.get(),
                                .replay_guard = guard.get(),
                                .resume_claims = claims.get(),
                                .secret = secret,
                                .events = part.qlog ? &part.qlog->sink() : nullptr};
    return std::make_unique<runtime::EndpointProtocol>(worker, config,
                                                       runtime::Goodbye{.code = 0, .reason = "the server stops"});
  };
  HAWSER_TRY(const SocketAddress bound, runtime->listen({.local = address}, make));
  if (options.common.json) {
    fmt::print("{{\"listening\": \"{}\", \"engine\": \"{}\", \"workers\": {}, \"steering\": \"{}\"}}\n",
               to_string(bound), net::to_string(runtime->engine()), runtime->size(),
               net::to_string(runtime->steering()));
  } else {
    fmt::print("hawser perf server on {} ({}, {}); Ctrl-C ends it\n", to_string(bound), app::describe_workers(*runtime),
               runtime->describe_engine());
  }
  std::fflush(stdout);
  signals.wait();
  runtime->stop();
  runtime->join();
  print_accounts(options.common, *runtime, parts);
  return {};
}

}  // namespace

int run_server(const ServerOptions& options) {
  const auto served = serve(options);
  if (served) return 0;
  app::say("hawser perf server: {}\n", served.error().message);
  return 1;
}

}  // namespace hawser::perf
