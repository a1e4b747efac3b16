// stream_set.h: all streams of one connection (RFC 9000 sections 2 to 4 and 19): ids and
// limits, flow control, who sends next, the frames that say so, and what the application
// should look at. It speaks values, not wire octets, on the way in.
//
// One received batch goes: on_* for each frame; then next_event() until it is empty, the
// application reading as it goes; then end_batch(). Data in order is not copied on that way.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <utility>

#include "base/bytes.h"
#include "base/shared_bytes.h"
#include "base/time.h"
#include "events/event_types.h"
#include "quic/streams/buffer_pools.h"
#include "quic/streams/flow_control.h"
#include "quic/streams/scheduler.h"
#include "quic/streams/stream.h"
#include "quic/streams/stream_map.h"
#include "quic/wire/errors.h"
#include "quic/wire/frames/max_streams.h"
#include "quic/wire/packet_payload.h"
#include "quic/wire/sent_frame.h"
#include "quic/wire/types.h"

namespace hawser {
class EventEmitter;  // events/event_sink.h
}  // namespace hawser

namespace hawser::quic {

// The most streams of one kind we let a peer have open. One frame may open that many at
// once (section 2.1); at below 1 KiB each that is 64 MiB in the worst case a caller can ask for.
inline constexpr std::uint64_t kConcurrentStreamsMax = 65'536;
// What we allow the peer. The initial values go into our transport parameters under the same
// names; windows then grow by themselves up to their caps. Octets and counts.
struct StreamSetConfig {
  std::uint64_t initial_max_data = 3 * 512 * 1024;
  std::uint64_t initial_max_stream_data_bidi_local = 1024 * 1024;
  std::uint64_t initial_max_stream_data_bidi_remote = 1024 * 1024;
  std::uint64_t initial_max_stream_data_uni = 1024 * 1024;
  std::uint64_t initial_max_streams_bidi = 100;  // also how many may be open at a time
  std::uint64_t initial_max_streams_uni = 100;
  // The connection's window is kept at 1.5 times the largest stream window, up to 1.5 times
  // this cap, which is therefore what bounds the memory for received data of a connection:
  // 24 MiB * 9/8 (bits) + 2 blocks for each open stream; connections have it at 32 MiB (config.h), so 48 MiB * 9/8.
  std::uint64_t stream_window_cap = 16 * 1024 * 1024;
  std::uint64_t send_buffer_cap = kSendBufferCap;  // per stream
};

// What the peer's transport parameters allow us, named from the peer's side as in RFC 9000
// section 18.2: "local" streams are those the peer opens.
struct PeerStreamLimits {
  std::uint64_t initial_max_data = 0;
  std::uint64_t initial_max_stream_data_bidi_local = 0;
  std::uint64_t initial_max_stream_data_bidi_remote = 0;
  std::uint64_t initial_max_stream_data_uni = 0;
  std::uint64_t initial_max_streams_bidi = 0;
  std::uint64_t initial_max_streams_uni = 0;
};

// Why a command was refused; the caller's own doing or bad luck in time, never fatal.
enum class StreamRefusal : std::uint8_t {
  kBlocked,         // no stream id left: wait for take_streams_available()
  kUnknownStream,   // never opened, or closed by now
  kWrongDirection,  // a one-way stream of the other side's
  kNotWritable,     // finished or reset
};

struct StreamEvent {
  StreamId id;
  std::uint8_t what = 0;  // StreamEventBit
  bool has_all = false;   // with kStreamReadable: nothing beyond what is readable will come
  ApplicationErrorCode reset_code = 0;
  ApplicationErrorCode stop_code = 0;
};

class StreamSet {
 public:
  // `pools` outlives the set.
  StreamSet(Role role, const StreamSetConfig& config, BufferPools& pools);
  StreamSet(const StreamSet&) = delete;
  StreamSet& operator=(const StreamSet&) = delete;
  ~StreamSet();

  // Where streams tell what becomes of them; not owned, null: nowhere.
  void set_events(const EventEmitter* events) { events_out_ = events; }
  // From the peer's transport parameters, or remembered ones for 0-RTT. Limits only rise.
  void set_peer_limits(const PeerStreamLimits& limits);
  // The server refused 0-RTT: everything sent is to be sent again, under limits that the next
  // set_peer_limits() sets from scratch. No frame sent so far may be reported afterwards.
  void on_early_data_rejected();
  // The path's smoothed round trip, for tuning receive windows and for send buffers, which may hold what 20 Gbit/s
  // put on the way meanwhile.
  void set_rtt(Duration smoothed_rtt) {
    rtt_ = smoothed_rtt;
    constexpr std::uint64_t kOctetsPer2ns = 5;
    send_buffer_most_ = std::max(kSendBufferNear, static_cast<std::uint64_t>(rtt_.count()) / 2 * kOctetsPer2ns);
  }

  // ---- Commands of the application. ----
  std::expected<StreamId, StreamRefusal> open(bool bidirectional);
  // How many octets were taken; fewer than given means: wait for kStreamWritable.
  std::expected<std::size_t, StreamRefusal> write(StreamId id, Bytes bytes);
  // Keeps a share in the memory until it is acknowledged.
  std::expected<std::size_t, StreamRefusal> write(StreamId id, SharedBytes bytes);
  // No more will be written; the peer will see the end after the last octet.
  std::expected<void, StreamRefusal> finish(StreamId id);
  // Abandons sending; does nothing if all was acknowledged already.
  std::expected<void, StreamRefusal> reset(StreamId id, ApplicationErrorCode code);
  // Abandons sending of all but the first `reliable_size` octets, at most as many as were written
  // (kNotWritable); see SendStream::reset_at.
  std::expected<void, StreamRefusal> reset_at(StreamId id, ApplicationErrorCode code, std::uint64_t reliable_size);
  // Wants no more from the peer; nothing becomes readable any more.
  std::expected<void, StreamRefusal> stop_sending(StreamId id, ApplicationErrorCode code);
  // urgency 0..7 (RFC 9218). Takes effect with the next frame.
  std::expected<void, StreamRefusal> set_priority(StreamId id, Priority priority);
  // See SendStream; of a stream that is not there, nothing.
  void limit_send_buffer(StreamId id, std::uint64_t octets);

  // Fills `out` with views of what is next and returns the filled part. They are valid until
  // the next call on this object.
  [[nodiscard]] std::span<const Bytes> readable(StreamId id, std::span<Bytes> out);
  // Takes octets off the front, at most as many as are readable. True if that was the end.
  bool consume(StreamId id, std::uint64_t octets);

  // ---- Inputs: the values of received frames. ----
  // Errors carry the exact code: STREAM_STATE_ERROR for frames on a stream that cannot carry
  // them, STREAM_LIMIT_ERROR, FLOW_CONTROL_ERROR, FINAL_SIZE_ERROR, FRAME_ENCODING_ERROR for
  // numbers out of range. Frames for closed streams are ignored.
  // `data` must stay valid until end_batch().
  Parsed<void> on_stream(StreamId id, std::uint64_t offset, Bytes data, bool fin);
  Parsed<void> on_reset_stream(StreamId id, ApplicationErrorCode code, std::uint64_t final_size);
  Parsed<void> on_reset_stream_at(StreamId id, ApplicationErrorCode code, std::uint64_t final_size,
                                  std::uint64_t reliable_size);
  Parsed<void> on_stop_sending(StreamId id, ApplicationErrorCode code);
  void on_max_data(std::uint64_t maximum);
  Parsed<void> on_max_stream_data(StreamId id, std::uint64_t maximum);
  Parsed<void> on_max_streams(bool bidirectional, std::uint64_t maximum);
  void on_data_blocked(std::uint64_t limit);
  Parsed<void> on_stream_data_blocked(StreamId id, std::uint64_t limit);
  Parsed<void> on_streams_blocked(bool bidirectional, std::uint64_t limit);
  // The received datagrams are about to go: copies what is still unread of them.
  void end_batch();

  // Kinds kStream, kResetStream, kResetStreamAt, kStopSending, kMaxData, kMaxStreamData, kMaxStreams*,
  // kDataBlocked, kStreamDataBlocked and kStreamsBlocked*; others are ignored. Lost
  // information is resent with its current value, or not at all if it is out of date.
  void on_frame_acked(const SentFrame& frame);
  void on_frame_lost(const SentFrame& frame);

  // ---- Outputs. ----
  // What happened, each stream at most once until it happens again. After kStreamClosed the
  // id is unknown; an application must therefore drain for streams to be freed and their ids
  // to be granted anew.
  std::optional<StreamEvent> next_event();
  [[nodiscard]] bool has_events() const { return !events_.empty(); }
  // True once after open() was refused and the peer has allowed more streams.
  bool take_streams_available(bool bidirectional);

  // MAX_DATA, MAX_STREAMS, blocked notices, and per stream RESET_STREAM, STOP_SENDING,
  // MAX_STREAM_DATA, STREAM_DATA_BLOCKED.
  WriteResult write_control_frames(PacketPayload& payload, Timestamp now);
  // STREAM frames by priority. Data is referred to where it lies: it stays valid until the
  // next input or command, so the packet must be sealed before. A frame that fills the packet
  // has no length field: nothing may be put behind it.
  // Of streams of urgency `last` and more urgent.
  WriteResult write_stream_frames(PacketPayload& payload, Timestamp now, std::uint8_t last = kUrgencies - 1);
  // What of a STREAM frame that was sent is not acknowledged goes once more: see SendStream::write_copy.
  WriteResult write_copy(PacketPayload& payload, SentFrame& sent, bool stands_in);
  // Of the stream that is next; kUrgencies: none is.
  [[nodiscard]] std::uint8_t next_urgency() const { return scheduler_.next_urgency(); }
  [[nodiscard]] bool wants_to_send() const { return wants_to_send_control() || wants_to_send_data(); }
  [[nodiscard]] bool wants_to_send_control() const { return connection_control_ != 0 || !control_.empty(); }
  [[nodiscard]] bool wants_to_send_data() const { return !scheduler_.empty(); }
  // Whose turn it is, or nullptr.
  [[nodiscard]] const Stream* next_to_send() const { return scheduler_.next(); }

  // Nothing was sent or received for a while: gives memory back that holds nothing now.
  void rest();

  // ---- Nouns. ----
  // nullptr if never opened or closed. Valid until the next next_event() or rest().
  [[nodiscard]] const Stream* find(StreamId id) { return streams_.find(id); }
  // Closed, or below a stream that was opened, and no longer known.
  [[nodiscard]] bool is_closed(StreamId id);
  [[nodiscard]] std::size_t open_streams() const { return streams_.size(); }
  // Streams of a kind that open() would still grant.
  [[nodiscard]] std::uint64_t streams_available(bool bidirectional) const;
  // Octets written by the application and not yet acknowledged, over all streams.
  [[nodiscard]] std::uint64_t send_buffered() const { return send_buffered_; }
  // Memory in blocks for received data, in octets.
  [[nodiscard]] std::uint64_t receive_memory() const { return receive_blocks_.octets(); }
  [[nodiscard]] std::uint64_t send_memory() const { return send_blocks_.octets(); }
  // Octets on the heap: streams, their tables, and the blocks of both directions. Memory of the
  // application that is only referred to is its own.
  [[nodiscard]] std::size_t memory() const {
    return streams_.memory() + scheduler_.memory() +
           static_cast<std::size_t>(send_blocks_.octets() + receive_blocks_.octets());
  }
  // What holds back the data that wants_to_send_data() does not count; kApplication: nothing does,
  // there is none.
  [[nodiscard]] BlockedReason blocked_reason();
  [[nodiscard]] const SendCredit& send_credit() const { return credit_; }
  [[nodiscard]] const ReceiveWindow& receive_window() const { return window_; }

 private:
  // Streams of one kind: opened by one side, one-way or not. Ids below `opened` that
  // StreamMap does not know are closed, so closed ids cost no memory.
  struct Kind {
    std::uint64_t opened = 0;                        // how many were opened
    std::uint64_t closed = 0;                        // how many of them are gone
    std::uint64_t maximum = 0;                       // how many may be opened: MAX_STREAMS
    std::uint64_t concurrent = 0;                    // remote kinds: how many at a time
    std::uint64_t blocked_at = kMaxStreamCount + 1;  // local kinds: limit last reported in STREAMS_BLOCKED
    bool refused = false;                            // open() was refused
    bool available = false;                          // streams became available after that
  };
  // Bits of connection_control_.
  enum : std::uint8_t {
    kSendMaxData = 1,
    kSendDataBlocked = 2,
    kSendMaxStreamsBidi = 4,
    kSendMaxStreamsUni = 8,
    kSendStreamsBlockedBidi = 16,
    kSendStreamsBlockedUni = 32
  };

  // stream_set.cc: ids, limits, life of a stream.
  Kind& kind_of(StreamId id) { return kinds_[id.value & 3]; }
  Kind& local_kind(bool bidirectional) { return kind_of(StreamId::of(role_, bidirectional, 0)); }
  Kind& remote_kind(bool bidirectional) { return kind_of(StreamId::of(peer_of(role_), bidirectional, 0)); }
  [[nodiscard]] bool is_local(StreamId id) const { return id.initiator() == role_; }
  [[nodiscard]] bool can_receive(StreamId id) const { return id.is_bidirectional() || !is_local(id); }
  [[nodiscard]] bool can_send(StreamId id) const { return id.is_bidirectional() || is_local(id); }
  // False for a local stream beyond the peer's limit, which only rejected 0-RTT can leave.
  [[nodiscard]] bool may_use(const Stream& stream) {
    return !is_local(stream.id) || stream.id.index() < kind_of(stream.id).maximum;
  }
  Stream& create(StreamId id);
  [[nodiscard]] std::uint64_t initial_send_limit(StreamId id) const;
  [[nodiscard]] std::uint64_t initial_receive_window(StreamId id) const;
  void note(Stream& stream, std::uint8_t event_bits);
  void close_if_done(Stream& stream);
  void destroy(Stream& stream);
  void grant_streams(bool bidirectional);

  // stream_events.cc: what is told of a stream. The states are those before.
  void tell_sending(const Stream& stream, std::optional<SendState> before);
  void tell_receiving(const Stream& stream, std::optional<RecvState> before);
  void tell_created(const Stream& stream);
  void tell_moved(const Stream& stream, bool to_transport, std::uint64_t offset, std::uint64_t octets);
  void tell_blocked(const Stream& stream, bool blocked);
  // Tells if the state of one of a stream's parts changed while this object lived.
  class Watch;

  // stream_set_receive.cc: frames in, reader.
  Parsed<Stream*> stream_for_frame(StreamId id, std::uint64_t frame_type);
  Parsed<Stream*> open_up_to(StreamId id, std::uint64_t frame_type);
  void on_consumed(std::uint64_t octets);
  Parsed<void> take_reset(StreamId id, const RecvStream::Reset& reset);
  void tell_reset(Stream& stream);

  // stream_set_send.cc: commands of the sender, frames out, acknowledgement and loss.
  std::expected<Stream*, StreamRefusal> writable_stream(StreamId id);
  void abandon_sending(Stream& stream, ApplicationErrorCode code);
  void reschedule(Stream& stream);
  void resume_streams();
  void unschedule(Stream& stream);
  void release_credit_waiters();
  void want_control(Stream& stream, std::uint8_t control_bits);
  void on_stream_frame_acked(Stream& stream, const SentFrame& frame);
  void on_stream_frame_lost(Stream& stream, const SentFrame& frame);
  void on_connection_frame_lost(const SentFrame& frame);
  bool write_connection_frames(PacketPayload& payload, Timestamp now);
  bool write_stream_control(PacketPayload& payload, Stream& stream, Timestamp now);
  void write_max_streams(PacketPayload& payload, bool bidirectional);
  void write_streams_blocked(PacketPayload& payload, bool bidirectional);
  void note_streams_blocked(bool bidirectional);

  Role role_;
  const EventEmitter* events_out_ = nullptr;
  StreamSetConfig config_;
  PeerStreamLimits peer_;
  Duration rtt_ = std::chrono::milliseconds{100};  // until the path has a sample
  std::uint64_t send_buffer_most_ = kSendBufferNear;
  BlockAccount send_blocks_;
  BlockAccount receive_blocks_;
  StreamMap streams_;
  std::array<Kind, 4> kinds_;  // by the low two bits of the id
  StreamScheduler scheduler_;
  IntrusiveList<Stream, &Stream::event_link> events_;
  IntrusiveList<Stream, &Stream::control_link> control_;
  IntrusiveList<Stream, &Stream::borrowed_link> borrowed_;
  IntrusiveList<Stream, &Stream::send_link> credit_waiters_;  // have only new octets, and the connection no credit
  SendCredit credit_;
  ReceiveWindow window_;
  std::uint64_t received_ = 0;  // sum of the streams' highest offsets, which MAX_DATA bounds
  std::uint64_t send_buffered_ = 0;
  std::uint8_t connection_control_ = 0;
};

}  // namespace hawser::quic
