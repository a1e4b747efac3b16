// connection.h: a QUIC connection as its application sees it: streams, datagrams, state.
// The public face of quic/: http3/ and above include this, handler.h and config.h, nothing
// else. Packets and timers enter through endpoint/, never here.
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/address.h"
#include "base/bytes.h"
#include "base/result.h"
#include "base/shared_bytes.h"
#include "base/time.h"
#include "quic/congestion/saved_path.h"
#include "quic/connection/config.h"
#include "quic/connection/datagrams.h"
#include "quic/connection/fec_stats.h"
#include "quic/connection/handler.h"
#include "quic/connection/network_paths.h"
#include "quic/connection/paths.h"
#include "quic/connection/receive_time_stats.h"
#include "quic/wire/early_data.h"
#include "quic/wire/types.h"

namespace hawser {
class EventEmitter;  // events/event_sink.h
}  // namespace hawser

namespace hawser::quic {

class ConnectionCore;  // connection/core.h: the machines behind this face

// Why a stream operation was refused; the caller's affair, never the peer's.
enum class StreamError : std::uint8_t {
  kNoSuchStream,    // never opened, or finished and forgotten
  kWrongDirection,  // reading a stream we only send on, or the reverse
  kFinished,        // finish() was called before
  kStopped,         // our side was reset: by reset_stream(), or since the peer sent STOP_SENDING
  kLimit,           // the peer allows no further stream now: wait for on_streams_available
  kClosed,          // the connection is closing
  kUnsupported,     // the peer has not offered the extension that it takes
};

// Counters since the connection began; bytes are UDP payload unless named otherwise.
struct ConnectionStats {
  std::uint64_t packets_sent = 0;
  std::uint64_t packets_received = 0;
  std::uint64_t packets_lost = 0;
  std::uint64_t packets_dropped = 0;  // undecryptable, duplicate or not for this state
  std::uint64_t bytes_sent = 0;
  std::uint64_t bytes_received = 0;
  std::uint64_t stream_bytes_sent = 0;  // without retransmission
  std::uint64_t stream_bytes_received = 0;
  std::uint64_t acks_sent = 0;
  std::uint64_t acks_received = 0;
  std::uint64_t pto_count = 0;
  std::uint64_t spurious_losses = 0;
  std::uint64_t key_updates = 0;
  std::uint64_t ecn_ce_received = 0;
  std::uint64_t idle_frames_received = 0;  // that moved no data: PING, MAX_DATA, PATH_CHALLENGE and so on
  Duration handshake_time{0};              // from the first packet to handshake completion; 0 before
  Duration smoothed_rtt{0};
  Duration min_rtt{0};
  Duration latest_rtt{0};
  std::uint64_t congestion_window = 0;
  std::uint64_t bytes_in_flight = 0;
  std::uint64_t pacing_rate_bps = 0;  // bits per second; 0: unpaced
  std::size_t max_datagram_size = 0;
  std::uint64_t careful_resume_jump = 0;  // octets of window that Careful Resume jumped to; 0: it did not
  bool careful_resume_retreated = false;  // it was too much, and taken back
  // Octets of memory that the connection holds now, its own and what the endpoint lends it: what is
  // unacknowledged or unread of streams, packets in flight, keys. Without the application's
  // memory that is only referred to, and the TLS library's, which a server has none of once the
  // handshake is confirmed.
  std::size_t memory_bytes = 0;
};

class Connection {
 public:
  explicit Connection(std::unique_ptr<ConnectionCore> core);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Streams. ------------------------------------------------------------------------------

  // Opens the next stream of its kind, or kLimit.
  std::expected<StreamId, StreamError> open_stream(bool bidirectional);

  // Copies as much of `data` into the send buffer as fits and returns how much that was; a
  // short count is followed by on_stream_writable. `fin` ends the stream if all was taken.
  std::expected<std::size_t, StreamError> write(StreamId id, Bytes data, bool fin = false);
  // Sends from `data` without copying; takes all of it whatever the buffer limit, so a
  // caller paces itself by write_room(). The memory must not change until it is released.
  std::expected<void, StreamError> write(StreamId id, SharedBytes data, bool fin = false);
  // Octets that write() would take now.
  [[nodiscard]] std::size_t write_room(StreamId id) const;
  // Where memory is short: at most `octets` (1 and more) are buffered for the stream, until the path
  // has half of them in flight.
  void limit_buffer(StreamId id, std::size_t octets);
  // Server: what the handler does in this call costs as much as writing `octets` more, at 0.4 ns each: opening a file,
  // asking a database. A connection whose streams use up a turn of 256 kB has the next one behind others. Up to 1 MB
  // a call counts; outside of the handler nothing does.
  void charge_turn(std::uint32_t octets);
  std::expected<void, StreamError> finish(StreamId id);
  // Abandons sending: RESET_STREAM. Unsent data is dropped.
  std::expected<void, StreamError> reset_stream(StreamId id, ApplicationErrorCode code);
  // Abandons sending of all but the first `reliable_size` octets of the stream, at most as many as were
  // written, which still arrive: RESET_STREAM_AT (draft-ietf-quic-reliable-stream-reset-10). The peer's
  // application reads them and then sees the reset. Called again, the size may sink; one that is larger,
  // and another code, change nothing. kFinished: more than was written, or all was acknowledged.
  // kUnsupported: the peer does not know the frame, or the handshake is not complete; reset_stream()
  // always works.
  std::expected<void, StreamError> reset_stream_at(StreamId id, ApplicationErrorCode code, std::uint64_t reliable_size);
  // Asks the peer to stop: STOP_SENDING. Data that arrives from now on is dropped.
  std::expected<void, StreamError> stop_sending(StreamId id, ApplicationErrorCode code);

  // What can be read now, in order, without consuming it: fills up to out.size() views and
  // returns how many. Valid until consume() or the end of the handler's call.
  std::size_t read_views(StreamId id, std::span<Bytes> out);
  // Marks the first `count` readable octets as read, which opens the flow-control window.
  void consume(StreamId id, std::size_t count);
  // Copies into `out` and consumes; returns the octets copied.
  std::size_t read(StreamId id, MutableBytes out);
  // All data has been consumed and the peer ended the stream, rather than resetting it. Of a
  // stream that is over, known only inside the on_stream_readable that told of its end.
  [[nodiscard]] bool at_end(StreamId id) const;
  // The same with what read_views() shows still unread: no more of the stream will come.
  [[nodiscard]] bool has_all(StreamId id) const;

  // RFC 9218: 0 (most urgent) to 7; incremental streams of one urgency share.
  void set_priority(StreamId id, std::uint8_t urgency, bool incremental);
  // After `deadline` it is of no use that what waits in the stream arrives: with several paths the scheduler "deadline"
  // sends it by the cheapest that are in time. Nothing is dropped when it has passed. kNever: there is none.
  // Errors: no such stream; StreamWishes::kMax others have a deadline or a protection of their own.
  std::expected<void, ConfigError> set_stream_deadline(StreamId id, Timestamp deadline);
  // Whether forward error correction protects what the stream sends, where the connection has it (docs/fec.md). Both
  // end with the stream. Errors as above.
  std::expected<void, ConfigError> set_stream_fec(StreamId id, FlowFec fec);

  // Datagrams (RFC 9221). -------------------------------------------------------------------

  // Octets of the largest payload send_datagram() takes now; 0: the peer accepts none, or has not yet said
  // that it does. It changes with the path's MTU (section 5 of the RFC).
  [[nodiscard]] std::size_t max_datagram_payload() const;
  // Queues a copy of `payload` in one of the flows, to go when congestion control allows. It is sent once or
  // not at all. From outside a handler's call, Endpoint::wake() has to follow.
  std::expected<void, DatagramError> send_datagram(Bytes payload, const SendDatagramOptions& options = {});
  // Makes the flow `id`, or changes how its datagrams wait from now on. kTooManyFlows: there are 4,096.
  std::expected<void, DatagramError> set_datagram_flow(DatagramFlowId id, const DatagramFlow& flow);
  // Drops what waits in it and forgets it; flow 0 becomes what it was at the beginning.
  void close_datagram_flow(DatagramFlowId id);
  // Of all flows, those that were closed too.
  [[nodiscard]] DatagramStats datagram_stats() const;
  // Of one; nothing if there is no such flow.
  [[nodiscard]] std::optional<DatagramStats> datagram_stats(DatagramFlowId id) const;

  // Connection. -------------------------------------------------------------------------------

  // Ends the connection with an application error code (0x1d CONNECTION_CLOSE). The reason
  // is shown to the peer and cut to fit a packet. on_closed follows at once.
  void close(ApplicationErrorCode code, std::string_view reason);
  // Another congestion controller, by name, takes over at once, from the window and rate that the one
  // before has come to. An unknown name changes nothing; the error lists the known ones.
  std::expected<void, ConfigError> set_congestion_control(std::string_view name);
  // Starts a key update as soon as the current keys allow (RFC 9001 section 6.1).
  void initiate_key_update();
  // Sends a PING, to keep the path alive or to measure it.
  void ping();
  // While on, the connection does not become idle as long as the peer answers: a PING goes when nothing was received
  // for a third of the idle timeout in force, or 30 s, whichever is shorter, beside those of
  // ConnectionConfig::keep_alive. For as long as an answer is awaited. From outside a handler's call, Endpoint::wake()
  // has to follow.
  void keep_alive(bool on);

  // Network paths (RFC 9000 section 9): a client's change of its local address. ----------------------

  // Asks the server for an answer at `local`, whose socket the driver has; on_network_path tells. The
  // connection stays where it is. Several may be asked at once.
  std::expected<void, MigrationRefusal> probe(const SocketAddress& local);
  // Goes over to `local` as soon as the server has answered there, with a connection ID of its own;
  // at once if it was probed before. If it does not answer, the connection stays where it is.
  std::expected<void, MigrationRefusal> migrate(const SocketAddress& local);
  // The active 4-tuple first, then those being tried or left.
  [[nodiscard]] std::vector<NetworkPathInfo> network_paths() const;
  [[nodiscard]] MigrationStats migration_stats() const;
  // All 0 where forward error correction is not in use (ConnectionConfig::fec).
  [[nodiscard]] FecStats fec_stats() const;
  // What the peer told of when our packets arrived; all 0 where the extension is not in use
  // (ConnectionConfig::receive_timestamps).
  [[nodiscard]] ReceiveTimeStats receive_time_stats() const;

  // Several paths at once (draft-ietf-quic-multipath-21), where both ends offered them ------------------

  // Both ends speak the extension: known from on_handshake_complete on.
  [[nodiscard]] bool has_multipath() const;
  // Client: opens another Path over `tuple`, both of whose addresses are set and whose socket the driver has. It
  // carries data once the server has answered there; on_path tells of that, and of its end if the server does
  // not. Its Path ID is never used again.
  std::expected<PathId, PathRefusal> open_path(const FourTuple& tuple);
  // Gives a path up (PATH_ABANDON); what is in flight there goes out again on the others.
  std::expected<void, PathRefusal> abandon_path(PathId id);
  // Says what a path is to be used for, and keeps to it: kBackup carries data only while no available path
  // is active.
  std::expected<void, PathRefusal> set_path_status(PathId id, PathStatus status);
  // Weighs a path for this end's scheduler, from the next packet on.
  std::expected<void, PathRefusal> set_path_preference(PathId id, PathPreference preference);
  // Another scheduler takes over with the next packet, or is there from the first one where the handshake is not
  // complete; a name known to make_path_scheduler(). Of no effect where the peer has no multipath.
  std::expected<void, ConfigError> set_path_scheduler(std::string_view name);
  // The same for what one stream, or one flow of datagrams, sends, once the handshake is complete; an empty name gives
  // it back to the connection's scheduler. What waits by its own scheduler also holds back what comes after it by
  // urgency. At most FlowSchedulers::kMax flows have one; a stream's ends with the stream.
  std::expected<void, ConfigError> set_stream_scheduler(StreamId id, std::string_view name);
  std::expected<void, ConfigError> set_datagram_scheduler(DatagramFlowId flow, std::string_view name);
  // The connection's scheduler at work, and why it gave its work to "min-rtt"; empty: it did not.
  [[nodiscard]] std::string_view path_scheduler() const;
  [[nodiscard]] std::string_view path_scheduler_failure() const;
  // The open paths by Path ID; without the extension the one there is.
  [[nodiscard]] std::vector<PathInfo> paths() const;
  [[nodiscard]] MultipathStats multipath_stats() const;

  [[nodiscard]] Role role() const;
  // The QUIC version in use; may still change before the handshake completes.
  [[nodiscard]] Version version() const;
  [[nodiscard]] bool handshake_complete() const;
  [[nodiscard]] bool handshake_confirmed() const;
  // Client: kOffered from Endpoint::connect() on means that streams may be opened at once, and what
  // is written leaves in 0-RTT packets under the limits of the last visit; if the server rejects
  // them all of it is sent again by itself. kAccepted or kRejected: from on_handshake_complete on.
  // Server: kAccepted from on_early_data on.
  [[nodiscard]] EarlyDataStatus early_data() const;
  [[nodiscard]] bool closed() const;
  [[nodiscard]] std::string_view alpn() const;         // empty before on_early_data or on_handshake_complete
  [[nodiscard]] std::string_view server_name() const;  // SNI, on both sides
  [[nodiscard]] std::string_view cipher_name() const;
  [[nodiscard]] std::string_view group_name() const;  // key exchange, e.g. "X25519MLKEM768"
  [[nodiscard]] bool resumed() const;                 // by a session ticket: no certificates were shown
  // The peer's leaf certificate in DER, empty if it sent none.
  [[nodiscard]] Bytes peer_certificate() const;
  [[nodiscard]] const FourTuple& tuple() const;  // of the active path
  [[nodiscard]] ConnectionId original_destination_cid() const;
  [[nodiscard]] ConnectionStats stats() const;
  // What the path was seen to carry, for the next connection over it; nothing unless
  // ConnectionConfig::careful_resume is on and there was enough to see. Also in on_closed.
  [[nodiscard]] std::optional<SavedPath> saved_path() const;
  [[nodiscard]] const ConnectionConfig& config() const;
  // The name of the controller at work, which config() names only until it is exchanged.
  [[nodiscard]] std::string_view congestion_control() const;
  // The time of the batch or timer being processed: inside handler calls it is "now".
  [[nodiscard]] Timestamp now() const;

  // Where the protocol above tells its events, beside the connection's own.
  [[nodiscard]] const EventEmitter& events() const;

  // The application's own pointer, untouched by the connection.
  void* user_data = nullptr;

  // For endpoint/ and the rooms beside this one.
  [[nodiscard]] ConnectionCore& core() { return *core_; }

 private:
  std::unique_ptr<ConnectionCore> core_;
};

}  // namespace hawser::quic
