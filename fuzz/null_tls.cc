// null_tls.cc: TLS without cryptography, for fuzz targets whose subject lies behind the handshake. It takes the place
// of the two contexts of quic/tls at link time: messages in the order and at the levels of TLS 1.3, with its alerts,
// and secrets that are constants. A handshake by OpenSSL takes more time than all that an input then does;
// tls_server fuzzes that one.
#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "base/check.h"
#include "quic/tls/tls_context.h"

namespace hawser::quic {
namespace {

// Types of messages and alerts (RFC 8446 sections 4 and 6).
constexpr std::uint8_t kClientHello = 1;
constexpr std::uint8_t kServerHello = 2;
constexpr std::uint8_t kNewSessionTicket = 4;
constexpr std::uint8_t kEncryptedExtensions = 8;
constexpr std::uint8_t kCertificate = 11;
constexpr std::uint8_t kFinished = 20;
constexpr std::uint8_t kUnexpectedMessage = 10;
constexpr std::uint8_t kMissingExtension = 109;
constexpr std::size_t kHeader = 4;
// Of hellos and certificate: with them a flight has as many datagrams as one with X25519MLKEM768 and a short chain.
constexpr std::size_t kHelloPadding = 1'200;
constexpr std::size_t kCertificateSize = 900;

struct NullTlsOptions {
  std::string alpn;
  KeyLogSink key_log = nullptr;
  void* key_log_context = nullptr;
};

NullTlsOptions options_of(const TlsCommonOptions& common) {
  return {.alpn = common.alpn.front(), .key_log = common.key_log, .key_log_context = common.key_log_context};
}

// Whose secret of a level: 32 octets that are all the same.
std::vector<std::uint8_t> secret_of(EncryptionLevel level, Role writer) {
  const int value = 16 * (static_cast<int>(level) + 1) + (writer == Role::kClient ? 1 : 2);
  return std::vector<std::uint8_t>(hash_length(CipherSuite::kAes128GcmSha256), static_cast<std::uint8_t>(value));
}

class NullTlsSession final : public TlsSession {
 public:
  NullTlsSession(const NullTlsOptions& options, Role role, TlsHandler& handler, std::string_view server_name,
                 Bytes parameters)
      : options_(options),
        role_(role),
        handler_(handler),
        server_name_(server_name),
        parameters_(parameters.begin(), parameters.end()) {}

  Parsed<void> start() override {
    if (role_ == Role::kClient) send(EncryptionLevel::kInitial, kClientHello, parameters_, kHelloPadding);
    return {};
  }

  Parsed<void> on_crypto_data(EncryptionLevel level, Bytes bytes) override {
    if (error_) return std::unexpected(*error_);
    if (bytes.empty()) return {};
    if (level == EncryptionLevel::kZeroRtt || level < read_level_)
      return refuse(TransportErrorCode::kProtocolViolation, "CRYPTO data at an encryption level that is finished");
    auto& pending = pending_[static_cast<std::size_t>(level)];
    if (pending.size() + bytes.size() > kMaxPendingCrypto)
      return refuse(TransportErrorCode::kCryptoBufferExceeded, "too much CRYPTO data ahead of the handshake");
    pending.insert(pending.end(), bytes.begin(), bytes.end());
    return level == read_level_ ? advance() : Parsed<void>{};
  }

  void set_transport_parameters(Bytes parameters) override { parameters_.assign(parameters.begin(), parameters.end()); }
  void set_ticket_context(Bytes) override {}
  void set_resumption_scope(std::uint32_t) override {}
  bool handshake_complete() const override { return complete_; }
  std::string_view alpn() const override { return options_.alpn; }
  std::string_view server_name() const override { return server_name_; }
  bool resumed() const override { return false; }
  std::optional<CipherSuite> cipher_suite() const override { return CipherSuite::kAes128GcmSha256; }
  std::string_view key_exchange_group() const override { return "none"; }
  EarlyDataStatus early_data() const override { return EarlyDataStatus::kNotOffered; }
  std::vector<std::uint8_t> peer_certificate() const override { return {}; }
  std::string_view peer_subject() const override { return {}; }
  std::string_view failure() const override { return {}; }

 private:
  Parsed<void> refuse(TransportErrorCode code, std::string_view reason) {
    error_ = TransportError{code, 0, reason};
    return std::unexpected(*error_);
  }
  Parsed<void> alert(std::uint8_t number) {
    handler_.on_alert(number);
    return refuse(crypto_error(number), "null TLS");
  }

  void send(EncryptionLevel level, std::uint8_t type, Bytes body, std::size_t padding = 0) {
    const std::size_t size = 2 + body.size() + padding;
    std::vector<std::uint8_t> message{type,
                                      0,
                                      static_cast<std::uint8_t>(size >> 8),
                                      static_cast<std::uint8_t>(size),
                                      static_cast<std::uint8_t>(body.size() >> 8),
                                      static_cast<std::uint8_t>(body.size())};
    message.insert(message.end(), body.begin(), body.end());
    message.resize(kHeader + size);
    handler_.on_crypto_to_send(level, message);
  }

  void tell_secret(EncryptionLevel level, SecretDirection direction) {
    const Role writer =
        (direction == SecretDirection::kWrite) == (role_ == Role::kClient) ? Role::kClient : Role::kServer;
    const std::vector<std::uint8_t> secret = secret_of(level, writer);
    if (options_.key_log != nullptr) {
      const std::string line =
          std::string(writer == Role::kClient ? "CLIENT" : "SERVER") +
          (level == EncryptionLevel::kHandshake ? "_HANDSHAKE_TRAFFIC_SECRET " : "_TRAFFIC_SECRET_0 ") +
          std::string(64, '0') + " " + to_hex(secret);
      options_.key_log(options_.key_log_context, line);
    }
    handler_.on_secret(level, direction, CipherSuite::kAes128GcmSha256, secret);
  }

  // All messages that are whole. One may end the level at which it came.
  Parsed<void> advance() {
    for (;;) {
      auto& pending = pending_[static_cast<std::size_t>(read_level_)];
      if (pending.size() < kHeader) return {};
      const std::size_t size = std::size_t{pending[1]} << 16 | std::size_t{pending[2]} << 8 | pending[3];
      if (pending.size() < kHeader + size) return {};
      const std::vector<std::uint8_t> body(pending.begin() + kHeader,
                                           pending.begin() + static_cast<std::ptrdiff_t>(kHeader + size));
      const std::uint8_t type = pending[0];
      pending.erase(pending.begin(), pending.begin() + static_cast<std::ptrdiff_t>(kHeader + size));
      HAWSER_TRY_VOID(role_ == Role::kServer ? on_client_message(type, body) : on_server_message(type, body));
    }
  }

  Parsed<void> on_client_message(std::uint8_t type, Bytes body) {
    if (read_level_ == EncryptionLevel::kInitial && type == kClientHello) {
      HAWSER_TRY_VOID(take_parameters(body));
      send(EncryptionLevel::kInitial, kServerHello, {}, kHelloPadding);
      tell_secret(EncryptionLevel::kHandshake, SecretDirection::kWrite);
      send(EncryptionLevel::kHandshake, kEncryptedExtensions, parameters_);
      send(EncryptionLevel::kHandshake, kCertificate, {}, kCertificateSize);
      send(EncryptionLevel::kHandshake, kFinished, {});
      tell_secret(EncryptionLevel::kOneRtt, SecretDirection::kWrite);
      return read_on(EncryptionLevel::kHandshake);
    }
    if (read_level_ != EncryptionLevel::kHandshake || type != kFinished) return alert(kUnexpectedMessage);
    HAWSER_TRY_VOID(read_on(EncryptionLevel::kOneRtt));
    complete();
    return {};
  }

  Parsed<void> on_server_message(std::uint8_t type, Bytes body) {
    if (read_level_ == EncryptionLevel::kInitial && type == kServerHello) {
      tell_secret(EncryptionLevel::kHandshake, SecretDirection::kWrite);
      return read_on(EncryptionLevel::kHandshake);
    }
    if (read_level_ == EncryptionLevel::kHandshake && type == kEncryptedExtensions && !has_parameters_)
      return take_parameters(body);
    if (read_level_ == EncryptionLevel::kHandshake && type == kCertificate) return {};
    if (read_level_ == EncryptionLevel::kOneRtt && type == kNewSessionTicket) return {};
    if (read_level_ != EncryptionLevel::kHandshake || type != kFinished) return alert(kUnexpectedMessage);
    if (!has_parameters_) return alert(kMissingExtension);
    send(EncryptionLevel::kHandshake, kFinished, {});
    tell_secret(EncryptionLevel::kOneRtt, SecretDirection::kWrite);
    HAWSER_TRY_VOID(read_on(EncryptionLevel::kOneRtt));
    complete();
    return {};
  }

  Parsed<void> take_parameters(Bytes body) {
    const std::size_t size = body.size() < 2 ? 0 : std::size_t{body[0]} << 8 | body[1];
    if (body.size() < 2 + size) return alert(kMissingExtension);
    has_parameters_ = true;
    const auto taken = handler_.on_peer_transport_parameters(body.subspan(2, size));
    if (!taken) error_ = taken.error();
    return taken;
  }

  Parsed<void> read_on(EncryptionLevel level) {
    if (!pending_[static_cast<std::size_t>(read_level_)].empty())
      return refuse(TransportErrorCode::kProtocolViolation, "CRYPTO data past the end of its encryption level");
    read_level_ = level;
    tell_secret(level, SecretDirection::kRead);
    return {};
  }

  void complete() {
    complete_ = true;
    handler_.on_handshake_complete();
  }

  const NullTlsOptions& options_;
  Role role_;
  TlsHandler& handler_;
  std::string server_name_;
  std::vector<std::uint8_t> parameters_;
  std::array<std::vector<std::uint8_t>, 4> pending_;  // by level
  EncryptionLevel read_level_ = EncryptionLevel::kInitial;
  bool has_parameters_ = false;  // the peer's
  bool complete_ = false;
  std::optional<TransportError> error_;
};

}  // namespace

struct TlsServerContext::Impl {
  NullTlsOptions options;
};

std::expected<TlsServerContext, ConfigError> TlsServerContext::create(const TlsServerOptions& options) {
  return TlsServerContext(std::make_unique<Impl>(options_of(options.common)));
}
TlsServerContext::TlsServerContext(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
TlsServerContext::TlsServerContext(TlsServerContext&&) noexcept = default;
TlsServerContext& TlsServerContext::operator=(TlsServerContext&&) noexcept = default;
TlsServerContext::~TlsServerContext() = default;

std::unique_ptr<TlsSession> TlsServerContext::new_session(TlsHandler& handler, Bytes transport_parameters) const {
  return std::make_unique<NullTlsSession>(impl_->options, Role::kServer, handler, "localhost", transport_parameters);
}

struct TlsClientContext::Impl {
  NullTlsOptions options;
};

std::expected<TlsClientContext, ConfigError> TlsClientContext::create(const TlsClientOptions& options) {
  return TlsClientContext(std::make_unique<Impl>(options_of(options.common)));
}
TlsClientContext::TlsClientContext(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
TlsClientContext::TlsClientContext(TlsClientContext&&) noexcept = default;
TlsClientContext& TlsClientContext::operator=(TlsClientContext&&) noexcept = default;
TlsClientContext::~TlsClientContext() = default;

std::unique_ptr<TlsSession> TlsClientContext::new_session(TlsHandler& handler,
                                                          const TlsClientSessionOptions& options) const {
  return std::make_unique<NullTlsSession>(impl_->options, Role::kClient, handler, options.server_name,
                                          options.transport_parameters);
}

}  // namespace hawser::quic
