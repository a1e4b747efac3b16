// openssl_session.h: TlsSession over OpenSSL's API for QUIC stacks (SSL_set_quic_tls_cbs).
// OpenSSL pulls CRYPTO octets through a callback, has no notion of their level, borrows the
// octets it was given until it releases them, and may release them as late as in SSL_free.
// This class turns that into TlsSession's push interface. Private to this folder.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "quic/tls/message_scanner.h"
#include "quic/tls/openssl_handles.h"
#include "quic/tls/tls_session.h"

namespace hawser::quic {

class OpenSslSession final : public TlsSession {
 public:
  // `ssl` is set up for `role` but for QUIC itself. `peer_name` is for failure texts.
  OpenSslSession(SslHandle ssl, Role role, TlsHandler& handler, std::string peer_name);
  OpenSslSession(const OpenSslSession&) = delete;
  OpenSslSession& operator=(const OpenSslSession&) = delete;
  ~OpenSslSession() override;

  Parsed<void> start() override;
  Parsed<void> on_crypto_data(EncryptionLevel level, Bytes bytes) override;
  void set_transport_parameters(Bytes parameters) override;
  void set_ticket_context(Bytes context) override { ticket_context_.assign(context.begin(), context.end()); }
  void set_resumption_scope(std::uint32_t scope) override;

  // Server: of all sessions of its context, and part of each scope. With the scope at most 32 octets, OpenSSL's limit.
  using TicketScope = std::array<std::uint8_t, 24>;
  void set_ticket_scope(const TicketScope& scope) { ticket_scope_ = scope; }

  bool handshake_complete() const override { return handshake_complete_; }
  std::string_view alpn() const override;
  std::string_view server_name() const override;
  bool resumed() const override { return SSL_session_reused(ssl_.get()) == 1; }
  std::optional<CipherSuite> cipher_suite() const override;
  std::string_view key_exchange_group() const override;
  EarlyDataStatus early_data() const override;
  std::vector<std::uint8_t> peer_certificate() const override;
  std::string_view peer_subject() const override;
  std::string_view failure() const override { return failure_; }

  // The client offers 0-RTT with the ticket it was given.
  void mark_early_data_offered() { early_data_offered_ = true; }

  // OpenSSL has a session worth keeping. Called by the client context's new-session callback.
  static int on_new_session(SSL* ssl, SSL_SESSION* session);
  // The callbacks of a server context that allows 0-RTT: a ticket is about to be made, and a
  // client offers early data that OpenSSL would take.
  static int on_make_ticket(SSL* ssl, void*);
  static int on_early_data_offered(SSL* ssl, void*);

 private:
  friend struct OpenSslCallbacks;

  // The bodies of OpenSSL's callbacks; false ends the handshake.
  bool give_crypto(const std::uint8_t** data, std::size_t* size);
  void release_crypto();
  bool take_secret(std::uint32_t protection_level, bool write, Bytes secret);
  bool take_transport_parameters(Bytes parameters);
  bool take_session(SSL_SESSION* session);

  bool has_session_id(Bytes bytes);
  Parsed<void> advance();
  Parsed<void> conclude_failure();
  bool refuse(TransportError error);
  [[nodiscard]] bool offered(std::string_view protocol) const;
  // RFC 9001 sections 8.1 and 8.2: ALPN and transport parameters are mandatory.
  bool check_mandatory_extensions();
  void remember_peer();

  TlsHandler& handler_;
  std::array<std::vector<std::uint8_t>, kEncryptionLevels> pending_;  // received, not yet lent
  std::vector<std::uint8_t> lent_;                                    // what OpenSSL holds a pointer into
  std::vector<std::uint8_t> parameters_;                              // ours: OpenSSL keeps a pointer into it
  std::vector<std::uint8_t> peer_parameters_;
  std::vector<std::uint8_t> ticket_context_;
  std::string peer_name_;
  std::string peer_subject_;
  std::string failure_;
  std::optional<TransportError> error_;
  std::optional<std::uint8_t> alert_;
  MessageScanner scanner_;  // client: of what a server says after the handshake; server: of ClientHellos
  TicketScope ticket_scope_{};
  Role role_;
  EncryptionLevel read_level_ = EncryptionLevel::kInitial;
  EncryptionLevel write_level_ = EncryptionLevel::kInitial;
  bool parameters_set_ = false;
  bool peer_parameters_seen_ = false;
  bool early_data_offered_ = false;
  bool handshake_complete_ = false;
  std::uint8_t hello_octets_ = 0;  // server: of the ClientHello, up to where the session ID stands
  bool running_ = false;
  SslHandle ssl_;  // last, so that it goes first: SSL_free may still release lent_
};

}  // namespace hawser::quic
