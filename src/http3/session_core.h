// session_core.h: the machines behind a Session. session_control.cc has the connection's life and
// its unidirectional streams, session_receive.cc what comes on request streams, session_send.cc
// what goes.
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "events/event_types.h"
#include "http3/frames.h"
#include "http3/last_head.h"
#include "http3/qpack/decoder.h"
#include "http3/qpack/encoder.h"
#include "http3/quic_transport.h"
#include "http3/rate_limit.h"
#include "http3/session.h"
#include "http3/stream.h"
#include "http3/transport.h"

namespace hawser::http3 {

// What a session says of itself.
Settings own_settings(const SessionConfig& config, quic::Role role);

class SessionCore {
 public:
  SessionCore(Session& session, quic::Role role, std::shared_ptr<const SessionConfig> config, SessionHandler& handler,
              Transport* transport);

  // Inputs; each is the event of quic::ConnectionHandler of that name.
  void on_early_data();
  void on_handshake_complete();
  void on_session_ticket(Bytes ticket);
  void on_stream_opened(StreamId id);
  void on_stream_readable(StreamId id);
  void on_stream_writable(StreamId id);
  void on_stream_reset(StreamId id, std::uint64_t code);
  void on_stop_sending(StreamId id, std::uint64_t code);
  void on_stream_closed(StreamId id);
  void on_streams_available(bool bidirectional);
  void on_datagram(Bytes payload);
  void on_closed(const quic::CloseReason& reason);
  void on_rest();

  // Commands; each is the method of Session of that name.
  std::expected<StreamId, SessionError> send_request(FieldList fields, bool fin);
  std::expected<StreamId, SessionError> send_request(const EncodedHead& head, bool fin);
  void update_priority(StreamId id, Priority priority);
  std::expected<void, SessionError> send_response(StreamId id, std::uint16_t status, FieldList fields, bool fin);
  std::expected<void, SessionError> send_response(StreamId id, const EncodedMessage& message, bool with_body);
  std::expected<std::size_t, SessionError> write_body(StreamId id, Bytes data, bool fin);
  std::expected<void, SessionError> write_body(StreamId id, SharedBytes data, bool fin);
  [[nodiscard]] std::size_t body_room(StreamId id) const;
  std::expected<void, SessionError> send_trailers(StreamId id, FieldList fields);
  std::expected<void, SessionError> finish(StreamId id);
  std::size_t read_body_views(StreamId id, std::span<Bytes> out);
  void consume_body(StreamId id, std::size_t count);
  std::size_t read_body(StreamId id, MutableBytes out);
  void cancel(StreamId id, ErrorCode code);
  [[nodiscard]] std::uint64_t code_to_send(const Stream& stream, ErrorCode code) const;
  void stop_reading(StreamId id, ErrorCode code);
  void set_priority(StreamId id, Priority priority);
  void remember_settings(Bytes payload);
  void shutdown();
  void close(ErrorCode code, std::string_view reason);
  std::expected<StreamId, SessionError> open_foreign_stream(bool bidirectional, std::uint64_t type);
  std::expected<std::size_t, SessionError> raw_write(StreamId id, Bytes data, bool fin);

  [[nodiscard]] Stream* find(StreamId id) const { return streams_.find(id); }
  [[nodiscard]] SessionHandler& handler() { return handler_; }
  [[nodiscard]] quic::Role role() const { return role_; }
  [[nodiscard]] bool ready() const { return ready_; }
  [[nodiscard]] bool closed() const { return closed_; }
  [[nodiscard]] bool going_away() const { return goaway_sent_ || goaway_received_.has_value(); }
  [[nodiscard]] std::size_t open_streams() const { return open_requests_; }
  [[nodiscard]] const Settings* peer_settings() const { return peer_settings_ ? &*peer_settings_ : nullptr; }
  // The peer's settings, or before they came those of the last visit; null: neither.
  [[nodiscard]] const Settings* settings_to_keep() const {
    if (peer_settings_ || remembered_ == nullptr) return peer_settings();
    return remembered_->settings ? &*remembered_->settings : nullptr;
  }
  [[nodiscard]] std::string_view last_fault() const { return last_fault_; }
  [[nodiscard]] SessionStats stats() const;
  [[nodiscard]] Transport& transport() { return *transport_; }
  [[nodiscard]] QuicTransport& own_transport() { return own_transport_; }
  // Octets held of field sections that are not whole or wait for insertions.
  [[nodiscard]] std::size_t head_memory() const { return head_memory_; }
  // Octets on the heap for streams, with what they keep for the next.
  [[nodiscard]] std::size_t streams_memory() const { return streams_.memory(); }
  [[nodiscard]] const qpack::Decoder& qpack_decoder() const { return decoder_; }
  [[nodiscard]] const qpack::Encoder& qpack_encoder() const { return encoder_; }

 private:
  // What messages are worked on in; kept from one to the next, and not while nothing moves.
  struct Work {
    std::vector<std::unique_ptr<FieldSection>> sections;
    std::size_t section_depth = 0;
    LastHead last_head;
    std::vector<std::uint8_t> scratch;
    std::vector<Field> outgoing;          // a response with its status in front
    std::vector<std::uint8_t> cut_frame;  // memory for the next frame that datagrams cut
  };

  // One decoded field section in use. Sections nest when a handler's call makes another
  // stream go on, so each level has an arena of its own.
  class SectionLease {
   public:
    explicit SectionLease(Work& work) : work_(work) {
      if (work.section_depth == work.sections.size()) work.sections.push_back(std::make_unique<FieldSection>());
      section_ = work.sections[work.section_depth++].get();
    }
    ~SectionLease() { --work_.section_depth; }
    SectionLease(const SectionLease&) = delete;
    SectionLease& operator=(const SectionLease&) = delete;
    FieldSection& operator*() { return *section_; }

   private:
    Work& work_;
    FieldSection* section_;
  };

  // session_control.cc: the connection.
  void make_ready();
  void deliver_tickets();                    // session_early.cc
  [[nodiscard]] bool in_early_data() const;  // of a client
  [[nodiscard]] bool breaks_early_settings(const Settings& settings) const;
  void open_own_streams();
  bool open_own_stream(std::optional<StreamId>& id, StreamType type);
  void send_grease_stream();
  void write_control(Bytes frames);
  void write_critical(StreamId id, Bytes data);
  void write_all(StreamId id, Bytes data, bool fin);
  void flush_qpack();
  void fail_connection(const Error& error);
  bool count_idle_frame();
  void count_reset(Stream& stream);
  void erase(Stream& stream);
  void erase_if_over(StreamId id);
  Stream* find_for_event(StreamId id);
  Work& work() {
    if (work_ == nullptr) [[unlikely]]
      work_ = std::make_unique<Work>();
    return *work_;
  }

  // Streams of the peer whose type decides.
  void drive_undecided(Stream& stream);
  bool peek_type(StreamId id, std::uint64_t& type, std::size_t& size, bool& ended);
  void decide_unidirectional(Stream& stream, std::uint64_t type, std::size_t size);
  void decide_bidirectional(Stream& stream, std::uint64_t type, std::size_t size);
  bool offer_foreign(Stream& stream, std::uint64_t type, std::size_t size);
  void claim_critical(Stream& stream, StreamKind kind, std::optional<StreamId>& slot, std::string_view twice);
  void refuse(Stream& stream);
  void drive_critical(Stream& stream);
  Result<void> feed_control(Bytes data);
  Result<void> on_control_frame(const FrameReader::Event& event);
  Result<void> on_settings(Bytes payload);
  Result<void> on_goaway(std::uint64_t id);
  Result<void> on_max_push_id(std::uint64_t id);
  Result<void> on_priority_update(Bytes payload, bool push);
  void reject_above_goaway(std::uint64_t id);

  // session_receive.cc: request streams.
  void begin_request(Stream& stream);
  [[nodiscard]] bool ended(const Stream& stream) const;
  void drive_request(StreamId id);
  bool offer_body(Stream& stream);
  bool read_frame(Stream& stream);
  void on_stream_end(Stream& stream);
  Result<void> on_data_frame(Stream& stream, std::uint64_t length);
  bool on_headers_frame(Stream& stream, Bytes payload, std::size_t used);
  bool decode_section(Stream& stream, Bytes payload, bool first_time, std::size_t used);
  void resume_unblocked();
  bool count_head_memory(Stream& stream);
  void take_section(Stream& stream, std::size_t size, bool first_time, std::size_t used);
  bool deliver_last_head(Stream& stream);
  bool deliver_head(Stream& stream, const MessageHead& head);
  bool deliver_request(Stream& stream, const MessageHead& head);
  bool deliver_response(Stream& stream, const MessageHead& head);
  bool deliver_trailers(Stream& stream, FieldSection& section);
  void set_content_length(Stream& stream, const MessageHead& head, bool no_content);
  void apply_priority(Stream& stream, const MessageHead& head);
  bool fail_stream(Stream& stream, const Error& error);
  void abandon_receiving(Stream& stream);

  // session_send.cc: messages.
  void give_up(Stream& stream, ErrorCode code);
  std::expected<Stream*, SessionError> responding_stream(StreamId id);
  std::expected<Stream*, SessionError> sending_stream(StreamId id, SendState state);
  std::optional<SessionError> check_size(std::size_t size) const;
  std::expected<void, SessionError> check_may_request(std::size_t size) const;
  std::expected<Stream*, SessionError> open_request(bool fin);
  void send_section(StreamId id, FieldList fields, bool fin);
  std::expected<void, SessionError> refused(const Error& fault);

  // event_log.cc. All but the first: only while events_ is not null.
  void start_events();
  void log_stream_type(Owner side, StreamId id, Http3StreamType type);
  void log_frame(Owner side, StreamId id, const Http3FrameSummary& frame);
  void log_headers(Owner side, StreamId id, FieldList fields, std::uint64_t length);
  void log_integer_frame(Owner side, StreamId id, FrameType type, std::uint64_t value);
  void log_settings(Owner side, StreamId id, const Settings& settings, std::uint64_t length);
  void log_priority(StreamId id, Priority priority, PriorityTrigger trigger);

  Session& session_;
  SessionHandler& handler_;
  quic::Role role_;
  std::shared_ptr<const SessionConfig> config_;
  QuicTransport own_transport_;
  Transport* transport_;
  const EventEmitter* events_ = nullptr;  // once somebody listens to HTTP events

  StreamTable streams_;
  qpack::Encoder encoder_;
  qpack::Decoder decoder_;
  FrameReader control_reader_;
  std::unique_ptr<Work> work_;

  std::optional<StreamId> own_control_;
  std::optional<StreamId> own_encoder_;
  std::optional<StreamId> own_decoder_;
  std::optional<StreamId> peer_control_;
  std::optional<StreamId> peer_encoder_;
  std::optional<StreamId> peer_decoder_;

  struct EarlyPriority {
    StreamId id;
    Priority priority;
  };
  std::vector<EarlyPriority> early_priorities_;

  std::optional<Settings> peer_settings_;
  // Of clients, until the peer's SETTINGS come: those of the last visit, and tickets of this one.
  struct Remembered {
    std::optional<Settings> settings;
    std::vector<std::vector<std::uint8_t>> tickets;
  };
  std::unique_ptr<Remembered> remembered_;
  std::optional<std::uint64_t> goaway_received_;
  std::optional<std::uint64_t> max_push_id_;
  std::uint64_t next_request_ = 0;  // lowest client-initiated request ID not seen yet
  std::uint64_t goaway_sent_id_ = 0;
  bool goaway_sent_ = false;
  bool ready_ = false;
  bool encoder_told_ = false;  // of the peer's settings
  bool closed_ = false;        // or closing: events are passed over
  bool over_ = false;          // the transport takes nothing any more
  std::size_t open_requests_ = 0;
  std::size_t unknown_streams_ = 0;
  std::size_t head_memory_ = 0;
  RateLimit resets_;
  RateLimit idle_frames_;
  SessionStats stats_;
  std::string_view last_fault_;
};

}  // namespace hawser::http3
