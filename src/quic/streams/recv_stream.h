// recv_stream.h: the receiving part of a stream (RFC 9000 section 3.2): final size, stream
// flow control, and what the reader may still expect.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/bytes.h"
#include "base/result.h"
#include "quic/streams/flow_control.h"
#include "quic/streams/recv_buffer.h"
#include "quic/wire/errors.h"
#include "quic/wire/packet_payload.h"
#include "quic/wire/types.h"

namespace hawser::quic {

enum class RecvState : std::uint8_t { kRecv, kSizeKnown, kDataRecvd, kResetRecvd, kDataRead, kResetRead };

class RecvStream {
 public:
  explicit RecvStream(BlockAccount& blocks) : buffer_(blocks) {}

  // Makes it a fresh stream, `exists` false for a stream that only sends.
  void start(StreamId id, bool exists, std::uint64_t initial_window, std::uint64_t window_cap);
  // Blocks come from this account from now on; there are none now.
  void charge(BlockAccount& blocks) { buffer_.charge(blocks); }

  // What has to be kept of a part on which nothing moves; resume() goes on from there.
  struct Resting {
    std::uint64_t offset = 0;  // all below was read, and nothing stands above
    std::uint64_t limit = 0;   // advertised
    std::uint64_t window = 0;
  };
  [[nodiscard]] bool can_rest() const;
  [[nodiscard]] Resting resting() const {
    return {.offset = highest_, .limit = window_.limit(), .window = window_.window()};
  }
  void resume(StreamId id, bool exists, const Resting& resting, std::uint64_t window_cap);

  // Inputs. The value is what they mean for the connection's flow control, in octets:
  // `received`: how much the stream's highest offset rose; `discarded`: octets that no reader
  // will take and that count as consumed. Errors: FLOW_CONTROL_ERROR, FINAL_SIZE_ERROR.
  // They are checked before anything changes; `connection_room` is what the connection's
  // limit still allows.
  struct Taken {
    std::uint64_t received = 0;
    std::uint64_t discarded = 0;
    bool readable = false;  // there is something new for the reader: data or the end
  };
  Parsed<Taken> on_stream_data(std::uint64_t offset, Bytes data, bool fin, std::uint64_t connection_room);
  // RESET_STREAM, which is RESET_STREAM_AT with a reliable size of 0: with one, the part goes on until the
  // reader has taken that much. STREAM_STATE_ERROR if the code differs from an earlier RESET_STREAM_AT's.
  struct Reset {
    std::uint64_t frame_type = 0;
    ApplicationErrorCode code = 0;
    std::uint64_t final_size = 0;
    std::uint64_t reliable_size = 0;
  };
  Parsed<Taken> on_reset(const Reset& reset, std::uint64_t connection_room);
  // The reader has taken all that RESET_STREAM_AT promised: the reset takes effect. Octets discarded.
  [[nodiscard]] bool reset_is_due() const {
    return has_reset_ && state_ == RecvState::kSizeKnown && buffer_.read_to() >= reliable_size_;
  }
  std::uint64_t take_reset();

  // Reader. readable() fills `scratch`; consume() takes octets off the front and is true when
  // that was the end of the stream.
  std::span<const Bytes> readable(std::span<Bytes> scratch) const { return buffer_.readable(scratch); }
  bool consume(std::uint64_t octets);
  // The reader has been told of the end or of the reset.
  void on_end_delivered();
  // Wants no more: drops what is buffered. Returns the octets dropped.
  std::uint64_t stop_sending(ApplicationErrorCode code);
  void retain() { buffer_.retain(); }

  // Frames. They return false if there is no room.
  bool write_stop_sending_frame(PacketPayload& payload) const;
  bool write_max_stream_data_frame(PacketPayload& payload);
  // The final size is unknown and the reader wants it: limits still mean something.
  [[nodiscard]] bool takes_more() const { return exists_ && state_ == RecvState::kRecv && !stopped_; }
  // Whether such a frame still matters.
  [[nodiscard]] bool needs_stop_sending() const { return stopped_ && state_ == RecvState::kRecv; }
  // The window follows what comes, not what is read: behind a gap nothing can be read. A reader that leaves a
  // quarter of it unread has enough. tune_window() is true if it grew.
  [[nodiscard]] bool wants_tuning() const { return window_.wants_tuning(highest_); }
  bool tune_window(Timestamp now, Duration rtt) {
    return window_.tune(highest_, now, rtt, takes_more() && readable_octets() < window_.window() / 4);
  }
  [[nodiscard]] bool needs_window_update() const { return takes_more() && window_.wants_update(); }
  [[nodiscard]] bool can_update_window() const { return takes_more() && window_.can_update(); }
  [[nodiscard]] bool is_current_limit(std::uint64_t limit) const { return takes_more() && window_.limit() == limit; }

  [[nodiscard]] RecvState state() const { return state_; }
  [[nodiscard]] bool exists() const { return exists_; }
  [[nodiscard]] bool is_stopped() const { return stopped_; }
  [[nodiscard]] bool is_done() const {
    return !exists_ || state_ == RecvState::kDataRead || state_ == RecvState::kResetRead;
  }
  // Everything up to the end has arrived.
  [[nodiscard]] bool has_all() const { return state_ == RecvState::kDataRecvd || state_ == RecvState::kDataRead; }
  [[nodiscard]] ApplicationErrorCode reset_code() const { return reset_code_; }
  [[nodiscard]] std::uint64_t readable_octets() const { return buffer_.readable_octets(); }
  // The offset of what the reader takes next.
  [[nodiscard]] std::uint64_t read_to() const { return buffer_.read_to(); }
  [[nodiscard]] std::uint64_t highest() const { return highest_; }
  [[nodiscard]] std::uint64_t window() const { return window_.window(); }
  [[nodiscard]] bool has_borrowed() const { return buffer_.has_borrowed(); }
  void release_buffers() { buffer_.clear(); }
  void rest() { buffer_.rest(); }
  [[nodiscard]] std::size_t memory() const { return buffer_.memory(); }
  [[nodiscard]] std::size_t blocks() const { return buffer_.blocks(); }

 private:
  Parsed<std::uint64_t> check_end(std::uint64_t end, bool is_final, std::uint64_t connection_room,
                                  std::uint64_t frame_type) const;
  std::uint64_t drop_unread();

  RecvBuffer buffer_;
  ReceiveWindow window_;
  StreamId id_;
  RecvState state_ = RecvState::kRecv;
  bool exists_ = false;
  bool stopped_ = false;
  bool has_final_size_ = false;
  bool has_reset_ = false;  // RESET_STREAM or RESET_STREAM_AT came: reset_code_ and reliable_size_ hold
  ApplicationErrorCode stop_code_ = 0;
  ApplicationErrorCode reset_code_ = 0;
  std::uint64_t final_size_ = 0;
  std::uint64_t reliable_size_ = 0;
  std::uint64_t highest_ = 0;    // highest offset the peer used, which flow control counts
  std::uint64_t accounted_ = 0;  // octets consumed or discarded, as told to the connection
};

}  // namespace hawser::quic
