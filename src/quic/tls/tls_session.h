// tls_session.h: the seam between a QUIC connection and a TLS 1.3 implementation (RFC 9001
// section 4). The connection carries CRYPTO octets; TLS hands back secrets, octets to send
// and the peer's transport parameters through a TlsHandler.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "quic/crypto/secret.h"
#include "quic/wire/early_data.h"
#include "quic/wire/errors.h"
#include "quic/wire/types.h"

namespace hawser::quic {

enum class SecretDirection : std::uint8_t { kRead, kWrite };

// A client's offer of 0-RTT that TLS itself has nothing against: the ticket is ours, its age as
// the client states it fits our clock (RFC 8446 section 8.3), ALPN and SNI are those of then.
struct EarlyDataOffer {
  Bytes ticket_context;  // TlsSession::set_ticket_context() of the connection that issued it
  // Known to nobody but the two ends, and different for every ticket: what tells that a ticket
  // is used again. 32 octets or more.
  Bytes ticket_secret;
};

// What TLS tells the connection. All calls happen inside TlsSession::start() and
// TlsSession::on_crypto_data(), never at another time, so never from a destructor. A
// callback must not destroy the session or call start() or on_crypto_data() of it.
class TlsHandler {
 public:
  // A traffic secret of `level`; hash_length(suite) octets, valid during the call. The write
  // secret of a level comes before the first octets to send at it, the read secret before
  // octets of that level are looked at. On a client the write secret comes no later than
  // the read secret of the same level. A server has no write secret for kZeroRtt, a client
  // no read secret.
  virtual void on_secret(EncryptionLevel level, SecretDirection direction, CipherSuite suite, Bytes secret) = 0;

  // Handshake octets to send in CRYPTO frames at `level`, in order; valid during the call.
  virtual void on_crypto_to_send(EncryptionLevel level, Bytes bytes) = 0;

  // The peer's transport parameters as received, valid during the call. They are
  // authenticated only once the handshake is complete. A server may call
  // TlsSession::set_transport_parameters() here to answer what it saw. An error ends the
  // handshake and is what on_crypto_data() returns.
  virtual Parsed<void> on_peer_transport_parameters(Bytes parameters) = 0;

  // Server only, before its secrets are yielded and after on_peer_transport_parameters(): whether
  // 0-RTT is accepted. Valid during the call.
  virtual bool on_early_data_offered(const EarlyDataOffer& offer) = 0;

  // RFC 9001 section 4.1.1: the peer's Finished was verified and ours is sent.
  virtual void on_handshake_complete() = 0;

  // Client only: something to keep for a later connection to the same server, to be given
  // to TlsClientContext::new_session as `ticket`. Each ticket should be used once.
  virtual void on_session_ticket(Bytes ticket) = 0;

  // TLS wants to send an alert (RFC 9001 section 4.8); the call in progress returns
  // crypto_error(alert) right after. Not called when the error is not an alert.
  virtual void on_alert(std::uint8_t alert) = 0;

 protected:
  ~TlsHandler() = default;
};

// Octets of a ticket's context: the limits of RFC 9000 section 7.4.1 are some 70, HTTP/3's settings 30.
inline constexpr std::size_t kMaxTicketContext = 512;

class TlsSession {
 public:
  virtual ~TlsSession() = default;

  // Client: produces the ClientHello. Server: nothing to do yet; legal and harmless.
  [[nodiscard]] virtual Parsed<void> start() = 0;

  // The next octets of the CRYPTO stream of `level`, in order and without gaps. Errors:
  // crypto_error(alert) when TLS refuses them, PROTOCOL_VIOLATION for octets at a level
  // below the one TLS reads (RFC 9001 section 4.1.3), or what a handler callback returned.
  // Octets of a level above are kept until TLS gets there. After an error the session is
  // dead; further calls return the same error.
  [[nodiscard]] virtual Parsed<void> on_crypto_data(EncryptionLevel level, Bytes bytes) = 0;

  // What goes into the quic_transport_parameters extension; copied. A client must have set
  // it before start(), a server before the end of on_peer_transport_parameters().
  virtual void set_transport_parameters(Bytes parameters) = 0;

  // Server: what goes into its tickets for EarlyDataOffer::ticket_context; copied, at most
  // kMaxTicketContext octets. The client cannot read it. Before on_crypto_data().
  virtual void set_ticket_context(Bytes context) = 0;

  // Sessions are resumed only within one scope, of which the caller makes the QUIC version (RFC
  // 9369 section 5). On a server before the first on_crypto_data(): tickets of another scope are
  // not accepted; a call in on_peer_transport_parameters() changes the scope of tickets to come.
  virtual void set_resumption_scope(std::uint32_t scope) = 0;

  [[nodiscard]] virtual bool handshake_complete() const = 0;
  // The protocol agreed by ALPN: known from the first kHandshake secret on a server, from the
  // first kOneRtt secret on a client; empty before. TLS enforces that there is one.
  [[nodiscard]] virtual std::string_view alpn() const = 0;
  // What the client asked for by SNI; on a client what it asked for. May be empty.
  [[nodiscard]] virtual std::string_view server_name() const = 0;
  [[nodiscard]] virtual bool resumed() const = 0;
  [[nodiscard]] virtual std::optional<CipherSuite> cipher_suite() const = 0;
  // "X25519MLKEM768", "X25519", ...; empty until agreed.
  [[nodiscard]] virtual std::string_view key_exchange_group() const = 0;
  [[nodiscard]] virtual EarlyDataStatus early_data() const = 0;

  // The peer's certificate in DER, and its subject as one line ("CN = alice, O = Example").
  // Empty if the peer gave none, and on resumption without one.
  [[nodiscard]] virtual std::vector<std::uint8_t> peer_certificate() const = 0;
  [[nodiscard]] virtual std::string_view peer_subject() const = 0;

  // After an error: a sentence for people about what went wrong and what to change, such as
  // "certificate of localhost is self-signed: pass its CA with --cacert, or -k". Else empty.
  [[nodiscard]] virtual std::string_view failure() const = 0;
};

}  // namespace hawser::quic
