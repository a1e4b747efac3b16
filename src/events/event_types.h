// event_types.h: the small types that events are made of. Every enum is declared once, with
// the word that qlog uses for each of its values (draft-ietf-quic-qlog-quic-events-13).
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "base/address.h"
#include "base/bytes.h"
#include "base/range_set.h"
#include "base/time.h"

namespace hawser {

#define HAWSER_EVENT_ENUMERATOR(name, text) name,
#define HAWSER_EVENT_ENUM_TEXT(name, text) \
  case Self::name:                         \
    return text;

// Declares enum class Name and qlog_name(Name), which is the word for a value.
#define HAWSER_EVENT_ENUM(Name, LIST)                               \
  enum class Name : std::uint8_t { LIST(HAWSER_EVENT_ENUMERATOR) }; \
  constexpr std::string_view qlog_name(Name value) {                \
    using Self = Name;                                              \
    switch (value) { LIST(HAWSER_EVENT_ENUM_TEXT) }                 \
    return "unknown";                                               \
  }

#define HAWSER_VANTAGES(X) X(kClient, "client") X(kServer, "server") X(kUnknown, "unknown")
HAWSER_EVENT_ENUM(Vantage, HAWSER_VANTAGES)

// Whose value an event reports, or who began what it reports.
#define HAWSER_OWNERS(X) X(kLocal, "local") X(kRemote, "remote")
HAWSER_EVENT_ENUM(Owner, HAWSER_OWNERS)

#define HAWSER_LOGGED_PACKET_TYPES(X) \
  X(kInitial, "initial")              \
  X(kZeroRtt, "0RTT")                 \
  X(kHandshake, "handshake")          \
  X(kOneRtt, "1RTT")                  \
  X(kRetry, "retry")                  \
  X(kVersionNegotiation, "version_negotiation") X(kStatelessReset, "stateless_reset") X(kUnknown, "unknown")
HAWSER_EVENT_ENUM(LoggedPacketType, HAWSER_LOGGED_PACKET_TYPES)

// In the order of quic::PacketNumberSpace.
#define HAWSER_LOGGED_SPACES(X) X(kInitial, "initial") X(kHandshake, "handshake") X(kApplication, "application_data")
HAWSER_EVENT_ENUM(LoggedSpace, HAWSER_LOGGED_SPACES)

#define HAWSER_LOGGED_ECN(X) X(kNotEct, "Not-ECT") X(kEct1, "ECT(1)") X(kEct0, "ECT(0)") X(kCe, "CE")
HAWSER_EVENT_ENUM(LoggedEcn, HAWSER_LOGGED_ECN)  // by wire value, as hawser::Ecn

#define HAWSER_CONNECTION_STATES(X)           \
  X(kAttempted, "attempted")                  \
  X(kPeerValidated, "peer_validated")         \
  X(kHandshakeStarted, "handshake_started")   \
  X(kEarlyWrite, "early_write")               \
  X(kHandshakeComplete, "handshake_complete") \
  X(kHandshakeConfirmed, "handshake_confirmed") X(kClosing, "closing") X(kDraining, "draining") X(kClosed, "closed")
HAWSER_EVENT_ENUM(LoggedConnectionState, HAWSER_CONNECTION_STATES)

#define HAWSER_CLOSE_TRIGGERS(X)  \
  X(kUnspecified, "unspecified")  \
  X(kApplication, "application")  \
  X(kError, "error")              \
  X(kIdleTimeout, "idle_timeout") \
  X(kHandshakeTimeout, "aborted") X(kStatelessReset, "stateless_reset") X(kVersionMismatch, "version_mismatch")
HAWSER_EVENT_ENUM(CloseTrigger, HAWSER_CLOSE_TRIGGERS)

#define HAWSER_PACKET_DROP_REASONS(X)         \
  X(kGeneral, "general")                      \
  X(kInternalError, "internal_error")         \
  X(kRejected, "rejected")                    \
  X(kUnsupported, "unsupported")              \
  X(kInvalid, "invalid")                      \
  X(kDuplicate, "duplicate")                  \
  X(kConnectionUnknown, "connection_unknown") \
  X(kDecryptionFailure, "decryption_failure") X(kKeyUnavailable, "key_unavailable")
HAWSER_EVENT_ENUM(PacketDropReason, HAWSER_PACKET_DROP_REASONS)

#define HAWSER_PACKET_LOSS_TRIGGERS(X) \
  X(kReorderingThreshold, "reordering_threshold") X(kTimeThreshold, "time_threshold") X(kPtoExpired, "pto_expired")
HAWSER_EVENT_ENUM(PacketLossTrigger, HAWSER_PACKET_LOSS_TRIGGERS)

#define HAWSER_CONGESTION_TRIGGERS(X) \
  X(kNone, "") X(kPersistentCongestion, "persistent_congestion") X(kEcn, "ecn") X(kLoss, "loss")
HAWSER_EVENT_ENUM(CongestionTrigger, HAWSER_CONGESTION_TRIGGERS)

// RFC 9959 section 3, in this order.
#define HAWSER_CAREFUL_RESUME_PHASES(X) \
  X(kReconnaissance, "reconnaissance")  \
  X(kUnvalidated, "unvalidated") X(kValidating, "validating") X(kSafeRetreat, "safe_retreat") X(kNormal, "normal")
HAWSER_EVENT_ENUM(CarefulResumePhase, HAWSER_CAREFUL_RESUME_PHASES)

// In the words of RFC 9959 where it has one.
#define HAWSER_CAREFUL_RESUME_TRIGGERS(X)                            \
  X(kNone, "")                                                       \
  X(kCwndLimited, "cwnd_limited")                                    \
  X(kNotNeeded, "not_needed")                                        \
  X(kRttNotValidated, "rtt_not_validated")                           \
  X(kLifetimeExceeded, "lifetime_exceeded")                          \
  X(kParametersUsed, "parameters_used")                              \
  X(kPathChanged, "path_changed")                                    \
  X(kPacketLoss, "packet_loss")                                      \
  X(kEcnCe, "ECN_CE")                                                \
  X(kPersistentCongestion, "persistent_congestion")                  \
  X(kLastUnvalidatedSent, "last_unvalidated_packet_sent")            \
  X(kFirstUnvalidatedAcked, "first_unvalidated_packet_acknowledged") \
  X(kRttExceeded, "rtt_exceeded")                                    \
  X(kRateLimited, "rate_limited")                                    \
  X(kLastUnvalidatedAcked, "last_unvalidated_packet_acknowledged")   \
  X(kExitRecovery, "exit_recovery")
HAWSER_EVENT_ENUM(CarefulResumeTrigger, HAWSER_CAREFUL_RESUME_TRIGGERS)

#define HAWSER_LOGGED_TIMERS(X)             \
  X(kAck, "ack")                            \
  X(kPto, "pto")                            \
  X(kLossTimeout, "loss_timeout")           \
  X(kPathValidation, "path_validation")     \
  X(kHandshakeTimeout, "handshake_timeout") \
  X(kIdleTimeout, "idle_timeout")           \
  X(kPacing, "pacing")                      \
  X(kClosing,                               \
    "closin"                                \
    "g")
HAWSER_EVENT_ENUM(LoggedTimer, HAWSER_LOGGED_TIMERS)

#define HAWSER_TIMER_ACTIONS(X) X(kSet, "set") X(kExpired, "expired") X(kCancelled, "cancelled")
HAWSER_EVENT_ENUM(TimerAction, HAWSER_TIMER_ACTIONS)

#define HAWSER_KEY_TYPES(X)                      \
  X(kServerInitial, "server_initial_secret")     \
  X(kClientInitial, "client_initial_secret")     \
  X(kServerHandshake, "server_handshake_secret") \
  X(kClientHandshake, "client_handshake_secret") \
  X(kServerZeroRtt, "server_0rtt_secret")        \
  X(kClientZeroRtt, "client_0rtt_secret")        \
  X(kServerOneRtt, "server_1rtt_secret")         \
  X(kClientOneRtt,                               \
    "client_1rtt_"                               \
    "secret")
HAWSER_EVENT_ENUM(KeyType, HAWSER_KEY_TYPES)

#define HAWSER_KEY_TRIGGERS(X) X(kTls, "tls") X(kRemoteUpdate, "remote_update") X(kLocalUpdate, "local_update")
HAWSER_EVENT_ENUM(KeyTrigger, HAWSER_KEY_TRIGGERS)

#define HAWSER_MIGRATION_STATES(X)            \
  X(kProbingStarted, "probing_started")       \
  X(kProbingAbandoned, "probing_abandoned")   \
  X(kProbingSuccessful, "probing_successful") \
  X(kMigrationStarted, "migration_started")   \
  X(kMigrationAbandoned, "migration_abandoned") X(kMigrationComplete, "migration_complete")
HAWSER_EVENT_ENUM(MigrationState, HAWSER_MIGRATION_STATES)

#define HAWSER_ECN_STATES(X) X(kTesting, "testing") X(kUnknown, "unknown") X(kFailed, "failed") X(kCapable, "capable")
HAWSER_EVENT_ENUM(EcnState, HAWSER_ECN_STATES)

#define HAWSER_STREAM_STATES(X)       \
  X(kIdle, "idle")                    \
  X(kOpen, "open")                    \
  X(kClosed, "closed")                \
  X(kReady, "ready")                  \
  X(kSend, "send")                    \
  X(kDataSent, "data_sent")           \
  X(kResetSent, "reset_sent")         \
  X(kResetReceived, "reset_received") \
  X(kReceive, "receive")              \
  X(kSizeKnown, "size_known")         \
  X(kDataRead, "data_read") X(kResetRead, "reset_read") X(kDataReceived, "data_received") X(kDestroyed, "destroyed")
HAWSER_EVENT_ENUM(LoggedStreamState, HAWSER_STREAM_STATES)

#define HAWSER_STREAM_TYPES(X) X(kUnidirectional, "unidirectional") X(kBidirectional, "bidirectional")
HAWSER_EVENT_ENUM(LoggedStreamType, HAWSER_STREAM_TYPES)

#define HAWSER_STREAM_SIDES(X) X(kSending, "sending") X(kReceiving, "receiving")
HAWSER_EVENT_ENUM(StreamSide, HAWSER_STREAM_SIDES)

#define HAWSER_DATA_PLACES(X) X(kApplication, "application") X(kTransport, "transport") X(kNetwork, "network")
HAWSER_EVENT_ENUM(DataPlace, HAWSER_DATA_PLACES)

// Why a DATAGRAM payload was given up unsent.
#define HAWSER_DATAGRAM_DISCARDS(X) \
  X(kExpired, "expired")            \
  X(kQueueFull, "queue_full")       \
  X(kTooLarge, "too_large") X(kFlowClosed, "flow_closed") X(kEarlyDataRejected, "early_data_rejected")
HAWSER_EVENT_ENUM(DatagramDiscard, HAWSER_DATAGRAM_DISCARDS)

#define HAWSER_BLOCKED_STATES(X) X(kBlocked, "blocked") X(kUnblocked, "unblocked")
HAWSER_EVENT_ENUM(BlockedState, HAWSER_BLOCKED_STATES)

// kNone stands for "not blocked" and is left out of logs.
#define HAWSER_BLOCKED_REASONS(X)                      \
  X(kNone, "")                                         \
  X(kCongestionControl, "congestion_control")          \
  X(kPacing, "pacing")                                 \
  X(kAmplification, "amplification_protection")        \
  X(kConnectionFlowControl, "connection_flow_control") \
  X(kStreamFlowControl, "stream_flow_control")         \
  X(kStreamId,                                         \
    "s"                                                \
    "tream_id")                                        \
  X(kApplication, "application")
HAWSER_EVENT_ENUM(BlockedReason, HAWSER_BLOCKED_REASONS)

#define HAWSER_BUFFER_REASONS(X) X(kBackpressure, "backpressure") X(kKeysUnavailable, "keys_unavailable")
HAWSER_EVENT_ENUM(PacketBufferReason, HAWSER_BUFFER_REASONS)

// Why a packet is received only now; kNone is left out of logs.
#define HAWSER_RECEIVED_TRIGGERS(X) X(kNone, "") X(kKeysAvailable, "keys_available")
HAWSER_EVENT_ENUM(PacketReceivedTrigger, HAWSER_RECEIVED_TRIGGERS)

// Why a packet was sent, where that is not the usual; kNone is left out of logs.
#define HAWSER_SENT_TRIGGERS(X) X(kNone, "") X(kPtoProbe, "pto_probe")
HAWSER_EVENT_ENUM(PacketSentTrigger, HAWSER_SENT_TRIGGERS)

#define HAWSER_PRIORITY_TRIGGERS(X) X(kClientSignal, "client_signal_received") X(kLocal, "local")
HAWSER_EVENT_ENUM(PriorityTrigger, HAWSER_PRIORITY_TRIGGERS)

#define HAWSER_HTTP3_STREAM_TYPES(X) \
  X(kRequest, "request")             \
  X(kControl, "control")             \
  X(kPush, "push")                   \
  X(kQpackEncode, "qpack_encode") X(kQpackDecode, "qpack_decode") X(kReserved, "reserved") X(kUnknown, "unknown")
HAWSER_EVENT_ENUM(Http3StreamType, HAWSER_HTTP3_STREAM_TYPES)

// One frame of a packet, as far as a log needs it. Its views live as long as the event's
// call. What each member means depends on the type; what a type has no use for stays 0.
struct FrameSummary {
  std::uint64_t type = 0;     // as on the wire, e.g. 0x0a for STREAM with LEN
  std::uint64_t path_id = 0;  // of the frames of the multipath extension
  std::uint64_t id = 0;       // stream ID; sequence number of a connection ID or of a path's status
  std::uint64_t offset = 0;   // of STREAM and CRYPTO data; ACK_FREQUENCY: reordering threshold;
                              // RESET_STREAM_AT: reliable size
  std::uint64_t length = 0;   // octets of data: STREAM, CRYPTO, DATAGRAM, PADDING, tokens
  std::uint64_t value = 0;    // limit or maximum; error code; final size; ACK: delay in us
  std::uint64_t extra = 0;    // retire_prior_to; CONNECTION_CLOSE: offending frame type;
                              // RESET_STREAM: final size (its error code is in `value`);
                              // ACK_FREQUENCY: delay in us (its threshold is in `value`)
  bool fin = false;           // STREAM
  bool has_ecn = false;       // ACK: the three counts below came with it
  std::uint64_t ect0 = 0;
  std::uint64_t ect1 = 0;
  std::uint64_t ce = 0;
  Bytes data{};                     // PATH_CHALLENGE and PATH_RESPONSE; a connection ID
  std::string_view reason{};        // CONNECTION_CLOSE; the peer's words as they came
  std::span<const Range> ranges{};  // ACK and PATH_ACK: acknowledged packet numbers, ascending, half open
  SocketAddress address{};          // OBSERVED_ADDRESS
};

// When a packet arrived, by the clock of whoever received it.
struct ReceivedAt {
  std::uint64_t packet_number = 0;
  Duration since_basis{0};  // a moment before the connection that only the receiver knows
};

// A name with a number: a transport parameter or an HTTP/3 setting. The view lives as long
// as the event's call.
struct NamedValue {
  std::string_view name{};
  std::uint64_t value = 0;
  bool is_flag = false;  // logged as true or false
};

// The datagrams of one train: `size` octets in all, each `segment_size` but for the last.
struct LoggedTrain {
  std::uint64_t size = 0;
  std::uint64_t segment_size = 0;  // 0: nothing
};

// A ratio in thousandths: 1,125 is logged as 1.125.
struct Ratio {
  std::uint64_t thousandths = 0;
};

// One HTTP field of a log. The value of a field that carries a secret is left out.
struct HttpField {
  std::string_view name{};
  std::string_view value{};
  bool has_value = true;
};

// One HTTP/3 frame. `type` 0 is DATA, 1 HEADERS and so on as on the wire.
struct Http3FrameSummary {
  std::uint64_t type = 0;
  std::uint64_t length = 0;                // octets of payload
  std::uint64_t id = 0;                    // GOAWAY, MAX_PUSH_ID, CANCEL_PUSH, PRIORITY_UPDATE
  std::string_view priority{};             // PRIORITY_UPDATE: the field value
  std::span<const HttpField> headers{};    // HEADERS; empty if they were not at hand
  std::span<const NamedValue> settings{};  // SETTINGS
};

}  // namespace hawser
