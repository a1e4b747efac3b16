// openssl_session.cc: feeds OpenSSL and turns its callbacks into TlsHandler's.
#include "quic/tls/openssl_session.h"

#include <openssl/core_dispatch.h>
#include <openssl/err.h>

#include <algorithm>

#include "base/check.h"
#include "quic/crypto/secret.h"
#include "quic/tls/context_setup.h"
#include "quic/tls/session_ticket.h"
#include "quic/tls/tls_context.h"
#include "quic/tls/tls_failure.h"

namespace hawser::quic {

// The functions whose addresses OpenSSL gets; `arg` is the OpenSslSession.
struct OpenSslCallbacks {
  static OpenSslSession& self(void* arg) { return *static_cast<OpenSslSession*>(arg); }

  // rfc9001:4.9-highest
  static int crypto_send(SSL*, const unsigned char* data, std::size_t size, std::size_t* consumed, void* arg) {
    auto& session = self(arg);
    session.handler_.on_crypto_to_send(session.write_level_, {data, size});
    *consumed = size;
    return 1;
  }
  static int crypto_receive(SSL*, const unsigned char** data, std::size_t* size, void* arg) {
    return self(arg).give_crypto(data, size) ? 1 : 0;
  }
  static int crypto_release(SSL*, std::size_t, void* arg) {
    self(arg).release_crypto();
    return 1;
  }
  static int yield_secret(SSL*, std::uint32_t level, int direction, const unsigned char* secret, std::size_t size,
                          void* arg) {
    return self(arg).take_secret(level, direction == 1, {secret, size}) ? 1 : 0;
  }
  static int got_transport_parameters(SSL*, const unsigned char* data, std::size_t size, void* arg) {
    return self(arg).take_transport_parameters({data, size}) ? 1 : 0;
  }
  static int alert(SSL*, unsigned char code, void* arg) {
    // What follows a refusal of ours is OpenSSL's internal_error, which would hide the cause.
    if (auto& session = self(arg); !session.error_) session.alert_ = code;
    return 1;
  }

  template <class F>
  static OSSL_DISPATCH row(int id, F* function) {
    return {id, reinterpret_cast<void (*)(void)>(function)};
  }
  static const OSSL_DISPATCH* table() {
    static const OSSL_DISPATCH kTable[] = {
        row(OSSL_FUNC_SSL_QUIC_TLS_CRYPTO_SEND, &crypto_send),
        row(OSSL_FUNC_SSL_QUIC_TLS_CRYPTO_RECV_RCD, &crypto_receive),
        row(OSSL_FUNC_SSL_QUIC_TLS_CRYPTO_RELEASE_RCD, &crypto_release),
        row(OSSL_FUNC_SSL_QUIC_TLS_YIELD_SECRET, &yield_secret),
        row(OSSL_FUNC_SSL_QUIC_TLS_GOT_TRANSPORT_PARAMS, &got_transport_parameters),
        row(OSSL_FUNC_SSL_QUIC_TLS_ALERT, &alert),
        OSSL_DISPATCH_END,
    };
    return kTable;
  }
};

namespace {

constexpr std::uint8_t kClientHello = 1;  // types of messages (RFC 8446 section 4)
constexpr std::uint8_t kCertificateRequest = 13;
constexpr std::uint8_t kMissingExtension = 109;
constexpr std::uint8_t kNoApplicationProtocol = 120;
constexpr std::string_view kPastTheLevel = "CRYPTO data past the end of its encryption level";

// OSSL_RECORD_PROTECTION_LEVEL_NONE, EARLY, HANDSHAKE, APPLICATION.
EncryptionLevel level_of(std::uint32_t protection_level) {
  switch (protection_level) {
    case OSSL_RECORD_PROTECTION_LEVEL_NONE:
      return EncryptionLevel::kInitial;
    case OSSL_RECORD_PROTECTION_LEVEL_EARLY:
      return EncryptionLevel::kZeroRtt;
    case OSSL_RECORD_PROTECTION_LEVEL_HANDSHAKE:
      return EncryptionLevel::kHandshake;
    default:
      return EncryptionLevel::kOneRtt;
  }
}

std::string one_line(const X509_NAME* name) {
  const BioHandle out(BIO_new(BIO_s_mem()));
  X509_NAME_print_ex(out.get(), name, 0, XN_FLAG_ONELINE & ~ASN1_STRFLGS_ESC_MSB);
  char* text = nullptr;
  const long size = BIO_get_mem_data(out.get(), &text);
  return size > 0 ? std::string(text, static_cast<std::size_t>(size)) : std::string();
}

}  // namespace

OpenSslSession::OpenSslSession(SslHandle ssl, Role role, TlsHandler& handler, std::string peer_name)
    : handler_(handler), peer_name_(std::move(peer_name)), role_(role), ssl_(std::move(ssl)) {
  SSL_set_app_data(ssl_.get(), this);
  // By its manual this call also makes TLS 1.3 the oldest version and turns middlebox compatibility mode off (RFC 9001
  // sections 4.2 and 8.4).
  // rfc9001:8.3-no-end rfc9001:4.2-older rfc9001:8.4-no-compatibility
  HAWSER_CHECK(SSL_set_quic_tls_cbs(ssl_.get(), OpenSslCallbacks::table(), this) == 1);
}

OpenSslSession::~OpenSslSession() {
  ERR_clear_error();
}

Parsed<void> OpenSslSession::start() {
  if (role_ == Role::kServer) return {};
  HAWSER_CHECK(parameters_set_);
  return advance();
}

void OpenSslSession::set_transport_parameters(Bytes parameters) {
  parameters_.assign(parameters.begin(), parameters.end());
  parameters_set_ = true;
  HAWSER_CHECK(SSL_set_quic_tls_transport_params(ssl_.get(), parameters_.data(), parameters_.size()) == 1);
}

// A client's tickets know their scope by the transport parameters that are kept with them.
void OpenSslSession::set_resumption_scope(std::uint32_t scope) {
  if (role_ == Role::kClient) return;
  std::array<std::uint8_t, std::tuple_size_v<TicketScope> + 4> context;
  auto end = std::copy(ticket_scope_.begin(), ticket_scope_.end(), context.begin());
  for (int shift = 24; shift >= 0; shift -= 8) *end++ = static_cast<std::uint8_t>(scope >> shift);
  HAWSER_CHECK(SSL_set_session_id_context(ssl_.get(), context.data(), context.size()) == 1);
  // OpenSSL copied it into the session at hand before it read the client's extensions.
  if (SSL_SESSION* session = SSL_get_session(ssl_.get()))
    HAWSER_CHECK(SSL_SESSION_set1_id_context(session, context.data(), context.size()) == 1);
}

// Whether the length of legacy_session_id is among the next octets of the client and not 0: it follows type and
// length of the message, legacy_version and the random value (RFC 8446 section 4.1.2).
bool OpenSslSession::has_session_id(Bytes bytes) {
  constexpr std::size_t kPlace = 4 + 2 + 32;
  if (hello_octets_ == 0 && bytes[0] != kClientHello) hello_octets_ = kPlace + 1;  // TLS will say so
  if (hello_octets_ > kPlace) return false;
  const std::size_t at = kPlace - hello_octets_;
  hello_octets_ = static_cast<std::uint8_t>(std::min(kPlace + 1, hello_octets_ + bytes.size()));
  return at < bytes.size() && bytes[at] != 0;
}

Parsed<void> OpenSslSession::on_crypto_data(EncryptionLevel level, Bytes bytes) {
  if (error_) return std::unexpected(*error_);
  if (bytes.empty()) return {};
  // RFC 9001 section 4.1.3. 0-RTT packets carry no CRYPTO frames (RFC 9000 section 12.4).
  if (level == EncryptionLevel::kZeroRtt || level < read_level_) {
    error_ = TransportError{TransportErrorCode::kProtocolViolation, 0,
                            "CRYPTO data at an encryption level that is finished"};
    return std::unexpected(*error_);
  }
  // rfc9001:8.4-session-id
  if (role_ == Role::kServer && level == EncryptionLevel::kInitial) {
    if (has_session_id(bytes)) {
      error_ = TransportError{TransportErrorCode::kProtocolViolation, 0, "a session ID of TLS before 1.3"};
      return std::unexpected(*error_);
    }
    // OpenSSL would keep four times as much for anybody, or even at once what was announced.
    scanner_.finds(kClientHello, bytes);
    if (scanner_.longest() > kMaxClientHello) {
      error_ = TransportError{TransportErrorCode::kCryptoBufferExceeded, 0, "a ClientHello of more than 32,768 octets"};
      return std::unexpected(*error_);
    }
  }
  if (role_ == Role::kClient && level == EncryptionLevel::kOneRtt && scanner_.finds(kCertificateRequest, bytes)) {
    // Whoever multiplexes requests cannot tell which of them asked for it.
    // rfc9001:4.4-post-handshake-request
    error_ =
        TransportError{TransportErrorCode::kProtocolViolation, 0, "a certificate is asked for after the handshake"};
    return std::unexpected(*error_);
  }
  auto& pending = pending_[static_cast<std::size_t>(level)];
  if (pending.size() + bytes.size() > kMaxPendingCrypto) {
    error_ =
        TransportError{TransportErrorCode::kCryptoBufferExceeded, 0, "too much CRYPTO data ahead of the handshake"};
    return std::unexpected(*error_);
  }
  pending.insert(pending.end(), bytes.begin(), bytes.end());
  return level == read_level_ ? advance() : Parsed<void>{};
}

Parsed<void> OpenSslSession::advance() {
  if (error_) return std::unexpected(*error_);
  HAWSER_CHECK(!running_);
  running_ = true;
  ERR_clear_error();
  int result = 1;
  if (!handshake_complete_) {
    result = SSL_do_handshake(ssl_.get());
    // With 0-RTT a server reports success before it has seen the client's Finished.
    if (result == 1 && !error_ && SSL_is_init_finished(ssl_.get()) == 1) {
      handshake_complete_ = true;
      remember_peer();
      handler_.on_handshake_complete();
    }
  }
  // Messages after the handshake (tickets) are processed by a read of no octets.
  if (handshake_complete_ && !pending_[static_cast<std::size_t>(EncryptionLevel::kOneRtt)].empty()) {
    std::size_t count = 0;
    result = SSL_read_ex(ssl_.get(), nullptr, 0, &count);
  }
  running_ = false;
  if (error_) return conclude_failure();
  if (result == 1) return {};
  const int why = SSL_get_error(ssl_.get(), result);
  if (why == SSL_ERROR_WANT_READ && !alert_) {
    ERR_clear_error();
    return {};
  }
  return conclude_failure();
}

// rfc9001:4.8-fatal
Parsed<void> OpenSslSession::conclude_failure() {
  // OpenSSL finds these out itself, but has other codes for them.
  const char* found_by = "";
  ERR_peek_last_error_func(&found_by);
  // rfc9001:8.1-incompatible
  if (!error_ && std::string_view(found_by) == "tls_parse_stoc_alpn") alert_ = kNoApplicationProtocol;
  // rfc9001:4.6.1-max-early-data-wrong
  if (!error_ && ERR_GET_REASON(ERR_peek_last_error()) == SSL_R_INVALID_MAX_EARLY_DATA)
    error_ =
        TransportError{TransportErrorCode::kProtocolViolation, 0, "ticket with max_early_data_size other than 2^32-1"};
  // rfc9001:4.1.3-unconsumed
  if (!error_ && ERR_GET_REASON(ERR_peek_last_error()) == SSL_R_NOT_ON_RECORD_BOUNDARY)
    error_ = TransportError{TransportErrorCode::kProtocolViolation, 0, kPastTheLevel};
  const std::string detail = take_openssl_error();
  if (!error_) {
    // A TLS stack that fails says why by an alert; RFC 9001 section 4.8.
    error_ = alert_ ? TransportError{crypto_error(*alert_), 0, alert_reason(*alert_)}
                    : TransportError{TransportErrorCode::kInternalError, 0, "TLS failed without an alert"};
  }
  const long verify_result = SSL_get_verify_result(ssl_.get());
  if (verify_result != X509_V_OK && alert_ && SSL_get_verify_mode(ssl_.get()) != SSL_VERIFY_NONE) {
    failure_ = describe_verification(verify_result, peer_name_);
  } else {
    failure_ = "TLS handshake with " + peer_name_ + " failed: " + std::string(error_->reason) + " (" + detail + ")";
  }
  if (alert_) handler_.on_alert(*alert_);
  return std::unexpected(*error_);
}

bool OpenSslSession::refuse(TransportError error) {
  if (!error_) error_ = error;
  return false;
}

bool OpenSslSession::give_crypto(const std::uint8_t** data, std::size_t* size) {
  if (lent_.empty()) std::swap(lent_, pending_[static_cast<std::size_t>(read_level_)]);
  *data = lent_.data();
  *size = lent_.size();
  return true;
}

void OpenSslSession::release_crypto() {
  lent_.clear();
}

bool OpenSslSession::take_secret(std::uint32_t protection_level, bool write, Bytes secret) {
  const EncryptionLevel level = level_of(protection_level);
  const auto suite = cipher_suite();
  if (!suite || secret.size() != hash_length(*suite)) {
    return refuse({TransportErrorCode::kInternalError, 0, "TLS yielded a secret of an unknown cipher suite"});
  }
  // By then a server has read the ClientHello, and a client the EncryptedExtensions.
  const EncryptionLevel checked_at = role_ == Role::kServer ? EncryptionLevel::kHandshake : EncryptionLevel::kOneRtt;
  if (level == checked_at && !check_mandatory_extensions()) return false;
  if (level != EncryptionLevel::kZeroRtt) {
    if (write) {
      write_level_ = level;
    } else {
      // RFC 9001 section 4.1.3: what TLS has not read of the level before will never be.
      const bool left_over = !lent_.empty() || !pending_[static_cast<std::size_t>(read_level_)].empty();
      if (left_over)
        // rfc9001:4.1.3-old-level rfc9001:4.1.3-old-level-error rfc9001:4.1.3-unconsumed
        return refuse({TransportErrorCode::kProtocolViolation, 0, kPastTheLevel});
      read_level_ = level;
    }
  }
  handler_.on_secret(level, write ? SecretDirection::kWrite : SecretDirection::kRead, *suite, secret);
  return true;
}

// rfc9001:8.2-parameters rfc9001:8.1-alpn rfc9001:8.1-client-error rfc9000:7-alpn
bool OpenSslSession::check_mandatory_extensions() {
  if (!peer_parameters_seen_) {
    alert_ = kMissingExtension;
    return refuse({crypto_error(kMissingExtension), 0, "no quic_transport_parameters extension"});
  }
  if (alpn().empty() || (role_ == Role::kClient && !offered(alpn()))) {
    // rfc9001:8.1-incompatible
    alert_ = kNoApplicationProtocol;
    return refuse({crypto_error(kNoApplicationProtocol), 0, "no application protocol negotiated"});
  }
  return true;
}

// Ours are protocols that run over QUIC: what was not offered need not be one.
bool OpenSslSession::offered(std::string_view protocol) const {
  const auto& common = *static_cast<const CommonContext*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl_.get())));
  return std::find(common.alpn.begin(), common.alpn.end(), protocol) != common.alpn.end();
}

bool OpenSslSession::take_transport_parameters(Bytes parameters) {
  peer_parameters_seen_ = true;
  if (role_ == Role::kClient) peer_parameters_.assign(parameters.begin(), parameters.end());
  if (const auto verdict = handler_.on_peer_transport_parameters(parameters); !verdict.has_value())
    return refuse(verdict.error());
  HAWSER_CHECK(parameters_set_);
  return true;
}

int OpenSslSession::on_new_session(SSL* ssl, SSL_SESSION* session) {
  auto* self = static_cast<OpenSslSession*>(SSL_get_app_data(ssl));
  if (self != nullptr && self->running_) self->take_session(session);
  return 0;  // OpenSSL keeps its reference
}

int OpenSslSession::on_make_ticket(SSL* ssl, void*) {
  const auto* self = static_cast<const OpenSslSession*>(SSL_get_app_data(ssl));
  if (self == nullptr || self->ticket_context_.empty()) return 1;
  return SSL_SESSION_set1_ticket_appdata(SSL_get_session(ssl), self->ticket_context_.data(),
                                         self->ticket_context_.size());
}

int OpenSslSession::on_early_data_offered(SSL* ssl, void*) {
  auto* self = static_cast<OpenSslSession*>(SSL_get_app_data(ssl));
  SSL_SESSION* session = SSL_get_session(ssl);
  if (self == nullptr || !self->running_ || session == nullptr) return 0;
  void* context = nullptr;
  std::size_t context_size = 0;
  if (SSL_SESSION_get0_ticket_appdata(session, &context, &context_size) != 1) return 0;
  std::array<std::uint8_t, SSL_MAX_MASTER_KEY_LENGTH> secret{};
  const std::size_t secret_size = SSL_SESSION_get_master_key(session, secret.data(), secret.size());
  const bool accepted =
      secret_size >= 32 &&
      self->handler_.on_early_data_offered({.ticket_context = {static_cast<const std::uint8_t*>(context), context_size},
                                            .ticket_secret = Bytes(secret).first(secret_size)});
  wipe(secret);
  return accepted ? 1 : 0;
}

// rfc9001:9.2-opaque
bool OpenSslSession::take_session(SSL_SESSION* session) {
  // RFC 9001 section 4.6.1: the only legal values.
  const std::uint32_t early_data = SSL_SESSION_get_max_early_data(session);
  if (early_data != 0 && early_data != 0xffffffff) {
    // rfc9001:4.6.1-max-early-data-wrong
    return refuse({TransportErrorCode::kProtocolViolation, 0, "ticket with max_early_data_size other than 2^32-1"});
  }
  unsigned char* encoded = nullptr;
  const int size = i2d_SSL_SESSION(session, &encoded);
  if (size <= 0) return false;
  const Bytes tls_session{encoded, static_cast<std::size_t>(size)};
  const auto ticket =
      serialize_session_ticket({.alpn = alpn(),
                                .server_name = peer_name_,
                                .group = key_exchange_group(),
                                .lifetime_s = static_cast<std::uint32_t>(SSL_SESSION_get_ticket_lifetime_hint(session)),
                                .transport_parameters = peer_parameters_,
                                .tls_session = tls_session,
                                .allows_early_data = early_data != 0});
  OPENSSL_clear_free(encoded, static_cast<std::size_t>(size));
  if (!ticket.empty()) handler_.on_session_ticket(ticket);
  return true;
}

void OpenSslSession::remember_peer() {
  if (const X509* certificate = SSL_get0_peer_certificate(ssl_.get()); certificate != nullptr) {
    peer_subject_ = one_line(X509_get_subject_name(certificate));
  }
}

std::string_view OpenSslSession::alpn() const {
  const unsigned char* name = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(ssl_.get(), &name, &size);
  return {reinterpret_cast<const char*>(name), size};
}

std::string_view OpenSslSession::server_name() const {
  const char* name = SSL_get_servername(ssl_.get(), TLSEXT_NAMETYPE_host_name);
  return name == nullptr ? std::string_view() : std::string_view(name);
}

std::optional<CipherSuite> OpenSslSession::cipher_suite() const {
  const SSL_CIPHER* cipher = SSL_get_pending_cipher(ssl_.get());
  if (cipher == nullptr) cipher = SSL_get_current_cipher(ssl_.get());
  // Before the server's answer, the suite of 0-RTT is that of the session offered.
  if (const SSL_SESSION* session = SSL_get0_session(ssl_.get()); cipher == nullptr && session != nullptr) {
    cipher = SSL_SESSION_get0_cipher(session);
  }
  if (cipher == nullptr) return std::nullopt;
  const auto suite = static_cast<CipherSuite>(SSL_CIPHER_get_protocol_id(cipher));
  switch (suite) {
    case CipherSuite::kAes128GcmSha256:
    case CipherSuite::kAes256GcmSha384:
    case CipherSuite::kChaCha20Poly1305Sha256:
      return suite;
  }
  return std::nullopt;
}

std::string_view OpenSslSession::key_exchange_group() const {
  const char* name = SSL_get0_group_name(ssl_.get());
  return name == nullptr ? std::string_view() : std::string_view(name);
}

EarlyDataStatus OpenSslSession::early_data() const {
  switch (SSL_get_early_data_status(ssl_.get())) {
    case SSL_EARLY_DATA_ACCEPTED:
      return EarlyDataStatus::kAccepted;
    case SSL_EARLY_DATA_REJECTED:
      // OpenSSL says "rejected" also from the moment of the offer until the answer.
      if (role_ == Role::kClient && early_data_offered_ && !peer_parameters_seen_) return EarlyDataStatus::kOffered;
      return EarlyDataStatus::kRejected;
    default:
      return early_data_offered_ && !peer_parameters_seen_ ? EarlyDataStatus::kOffered : EarlyDataStatus::kNotOffered;
  }
}

std::vector<std::uint8_t> OpenSslSession::peer_certificate() const {
  const X509* certificate = SSL_get0_peer_certificate(ssl_.get());
  if (certificate == nullptr) return {};
  const int size = i2d_X509(certificate, nullptr);
  if (size <= 0) return {};
  std::vector<std::uint8_t> der(static_cast<std::size_t>(size));
  unsigned char* out = der.data();
  i2d_X509(certificate, &out);
  return der;
}

std::string_view OpenSslSession::peer_subject() const {
  return peer_subject_;
}

}  // namespace hawser::quic
