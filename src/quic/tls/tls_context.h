// tls_context.h: certificates, trust and policy, prepared once and shared by many TLS
// sessions. A context must outlive the sessions it made; it may be used by one thread at a
// time, so each worker makes its own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "quic/tls/tls_session.h"

namespace hawser::quic {

// The post-quantum hybrid first; its ClientHello does not fit one datagram, which servers
// of QUIC must handle anyway (RFC 9001 section 4.3).
inline constexpr std::string_view kDefaultGroups = "X25519MLKEM768:X25519:P-256:P-384";

// Octets of CRYPTO data that wait for TLS to reach their level; past it the peer is told
// CRYPTO_BUFFER_EXCEEDED. A certificate chain of RSA-4096 certificates is about 10 kB, so
// this leaves room for six of them.
inline constexpr std::size_t kMaxPendingCrypto = 65'536;
// Octets of a ClientHello that a server takes from an address that has proven nothing; past it likewise
// CRYPTO_BUFFER_EXCEEDED. With post-quantum shares, a ticket with certificates and many extensions it is under 8,000.
inline constexpr std::size_t kMaxClientHello = 32'768;

// A certificate chain (leaf first) with the leaf's key. Give either files or memory; memory
// may be PEM text or DER (DER: a single certificate).
struct CertificateSource {
  std::string chain_file;
  std::string key_file;
  std::vector<std::uint8_t> chain;
  std::vector<std::uint8_t> key;
};

// What a peer's certificate is checked against.
struct TrustSource {
  bool system = true;            // the CAs that the operating system ships
  std::string ca_file;           // PEM, in addition
  std::string ca_folder;         // hashed folder as made by `openssl rehash`, in addition
  std::vector<std::uint8_t> ca;  // PEM or DER in memory, in addition
};

// One line of NSS key log format, without line end; called while a handshake runs.
using KeyLogSink = void (*)(void* context, std::string_view line);

struct TlsCommonOptions {
  std::vector<std::string> alpn;           // in order of preference; at least one, each 1..255 octets
  std::string groups{kDefaultGroups};      // names joined by ':', in order of preference
  std::vector<CipherSuite> cipher_suites;  // in order of preference; empty: all three
  KeyLogSink key_log = nullptr;
  void* key_log_context = nullptr;  // must outlive the context
  // Seconds since 1970 at which certificates are judged. Absent: TLS asks the system.
  std::optional<std::int64_t> verification_time_s;
};

enum class ClientCertificatePolicy : std::uint8_t { kNone, kOptional, kRequired };

struct TlsServerOptions {
  TlsCommonOptions common;
  // The first one serves clients whose SNI matches none; at least one.
  std::vector<CertificateSource> certificates;
  ClientCertificatePolicy client_certificates = ClientCertificatePolicy::kNone;
  TrustSource client_trust{.system = false, .ca_file = {}, .ca_folder = {}, .ca = {}};
  // Tickets sent after each handshake, 0..8; 0 turns resumption off. A ticket serves one later
  // connection and costs as much CPU time as half a signature, so one is enough unless clients
  // are known to open several connections at once.
  unsigned tickets = 1;
  // Secret of the ticket keys, at least 32 octets; servers that share it resume each other's
  // sessions. Empty: drawn afresh, so that only this context resumes.
  std::vector<std::uint8_t> ticket_secret;
  // Allows 0-RTT, if TlsHandler::on_early_data_offered() agrees: tickets are stateless, so that
  // it is the handler who knows which were used, and which requests may be repeated (RFC 9001
  // section 9.2).
  bool early_data = false;
};

struct TlsClientOptions {
  TlsCommonOptions common;
  TrustSource trust;
  bool verify_peer = true;                       // false: "-k", any certificate will do
  std::optional<CertificateSource> certificate;  // shown if the server asks for one
  bool early_data = false;                       // offer 0-RTT when a ticket allows it
};

// What is kept of a session between connections; see TlsHandler::on_session_ticket.
struct SessionTicketView {
  std::string_view alpn;
  std::string_view server_name;  // that the certificate was checked for
  std::string_view group;        // of the key exchange, as TlsSession names it
  std::uint32_t lifetime_s = 0;  // after it came; 604,800 at most (RFC 8446 section 4.6.1)
  Bytes transport_parameters;    // the server's, as received then (RFC 9000 section 7.4.1)
  Bytes tls_session;
  bool allows_early_data = false;
};

// Views into `ticket`. Nothing if it is not such a ticket: then connect without it.
std::optional<SessionTicketView> parse_session_ticket(Bytes ticket);

class TlsServerContext {
 public:
  static std::expected<TlsServerContext, ConfigError> create(const TlsServerOptions& options);
  TlsServerContext(TlsServerContext&&) noexcept;
  TlsServerContext& operator=(TlsServerContext&&) noexcept;
  ~TlsServerContext();

  // `handler` must outlive the session. Transport parameters may follow later, see
  // TlsSession::set_transport_parameters.
  [[nodiscard]] std::unique_ptr<TlsSession> new_session(TlsHandler& handler, Bytes transport_parameters = {}) const;

  struct Impl;

 private:
  explicit TlsServerContext(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

struct TlsClientSessionOptions {
  // Host name or IP address literal that the certificate must be for. A name also goes
  // into SNI; an address does not (RFC 6066 section 3).
  std::string_view server_name;
  Bytes transport_parameters;
  Bytes ticket;  // from on_session_ticket, or empty; unusable ones are passed over
};

class TlsClientContext {
 public:
  static std::expected<TlsClientContext, ConfigError> create(const TlsClientOptions& options);
  TlsClientContext(TlsClientContext&&) noexcept;
  TlsClientContext& operator=(TlsClientContext&&) noexcept;
  ~TlsClientContext();

  // `handler` must outlive the session; the views of `options` are copied.
  [[nodiscard]] std::unique_ptr<TlsSession> new_session(TlsHandler& handler,
                                                        const TlsClientSessionOptions& options) const;

  struct Impl;

 private:
  explicit TlsClientContext(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace hawser::quic
