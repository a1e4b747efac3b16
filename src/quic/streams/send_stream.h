// send_stream.h: the sending part of a stream (RFC 9000 section 3.1): what to put into the
// next STREAM or RESET_STREAM frame, and what acknowledgement and loss of one mean.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/bytes.h"
#include "base/shared_bytes.h"
#include "quic/streams/flow_control.h"
#include "quic/streams/send_buffer.h"
#include "quic/wire/packet_payload.h"
#include "quic/wire/sent_frame.h"
#include "quic/wire/types.h"

namespace hawser::quic {

// Octets one stream buffers at first; doubles while the path has half of it in flight.
inline constexpr std::uint64_t kSendBufferInitial = 512 * 1024;
// The most it grows to: 1 Gbit/s over 128 ms twice, since it grows when half of it is in flight.
inline constexpr std::uint64_t kSendBufferCap = 32 * 1024 * 1024;
// Beyond this only as far as the path's time asks for: what lies in the queue of a short path would only wait where
// it is, outside the processor's caches.
inline constexpr std::uint64_t kSendBufferNear = 4 * 1024 * 1024;

enum class SendState : std::uint8_t { kReady, kSend, kDataSent, kResetSent, kDataRecvd, kResetRecvd };

class SendStream {
 public:
  explicit SendStream(BlockAccount& blocks) : buffer_(blocks) {}

  // Makes it a fresh stream, `exists` false for a stream that only receives.
  void start(StreamId id, bool exists, std::uint64_t peer_limit, std::uint64_t buffer_cap);
  // Blocks come from this account from now on; there are none now.
  void charge(BlockAccount& blocks) { buffer_.charge(blocks); }

  // What has to be kept of a part on which nothing moves; resume() goes on from there. Only a
  // limit that was reported as reached is forgotten: it may be reported once more.
  struct Resting {
    std::uint64_t offset = 0;  // all below is acknowledged, and nothing stands above
    std::uint64_t limit = 0;   // the peer's
    std::uint64_t buffer_limit = 0;
  };
  [[nodiscard]] bool can_rest() const;
  [[nodiscard]] Resting resting() const {
    return {.offset = buffer_.end(), .limit = credit_.limit(), .buffer_limit = buffer_limit_};
  }
  void resume(StreamId id, bool exists, const Resting& resting, std::uint64_t buffer_cap);

  // Commands. write() of Bytes copies as many octets as the buffer limit allows, of
  // SharedBytes refers to all of them; it returns how many, 0 once finished or reset.
  std::size_t write(Bytes bytes);
  std::size_t write(SharedBytes bytes);
  void finish();
  // Abandons what is not delivered (RFC 9000 section 3.1). True if a RESET_STREAM is due.
  bool reset(ApplicationErrorCode code);
  // Abandons what lies beyond the first `reliable_size` octets, which are still delivered: those, then
  // RESET_STREAM_AT, once all of them were sent. Again: the size may only sink, and the code stays. True if
  // something changed.
  bool reset_at(ApplicationErrorCode code, std::uint64_t reliable_size);

  // Inputs. on_max_stream_data is true if the limit rose.
  bool on_max_stream_data(std::uint64_t limit) { return credit_.on_limit(limit); }
  void on_acked(const SentFrame& frame);
  void on_lost(const SentFrame& frame);
  void on_copy_lost(const SentFrame& frame) {
    if (is_open()) buffer_.on_copy_lost(frame.offset, frame.length);
  }
  void on_reset_acked() {
    if (state_ == SendState::kResetSent) state_ = SendState::kResetRecvd;
  }
  void on_reset_at_acked(const SentFrame& frame);
  void on_early_data_rejected();

  // Writes one STREAM frame: lost octets first, then new ones within the stream's limit and
  // `connection_credit`. `new_octets` says how much of that credit it used.
  struct Written {
    WriteResult result = WriteResult::kDone;
    bool frame = false;
    std::uint64_t new_octets = 0;
  };
  // The buffer grows to `buffer_most` at most.
  Written write_stream_frame(PacketPayload& payload, std::uint64_t connection_credit, std::uint64_t buffer_most);
  // Writes what of a frame that was sent is not acknowledged once more, and takes it off the front of `sent`.
  // kDone: all of it; kPacketFull: the rest has to wait. `stands_in`: what the first packet's loss leaves missing is
  // not sent again while this one is under way.
  WriteResult write_copy(PacketPayload& payload, SentFrame& sent, bool stands_in);
  // Writes RESET_STREAM or RESET_STREAM_AT, or nothing if neither is due; false if it does not fit.
  bool write_reset_frame(PacketPayload& payload) const;
  // Writes STREAM_DATA_BLOCKED at the stream's limit; the caller has seen to 17 octets of room.
  void write_blocked_frame(PacketPayload& payload) const;

  // Whether a STREAM frame can be written without new connection credit, or with it.
  [[nodiscard]] bool can_send_without_credit() const;
  [[nodiscard]] bool has_new_octets() const {
    return is_open() && buffer_.next() < buffer_.end() && credit_.available() > 0;
  }
  // Octets wait that only MAX_STREAM_DATA can release.
  [[nodiscard]] bool is_blocked() const {
    return is_open() && buffer_.next() < buffer_.end() && credit_.available() == 0;
  }
  bool take_blocked_notice() { return is_blocked() && credit_.take_blocked_notice(); }

  [[nodiscard]] SendState state() const { return state_; }
  [[nodiscard]] bool exists() const { return exists_; }
  // No frame of this part will be sent or waited for any more.
  [[nodiscard]] bool is_done() const {
    return !exists_ || state_ == SendState::kDataRecvd || state_ == SendState::kResetRecvd;
  }
  // Neither reset nor completely acknowledged.
  [[nodiscard]] bool is_open() const {
    return exists_ && (state_ == SendState::kReady || state_ == SendState::kSend || state_ == SendState::kDataSent);
  }
  [[nodiscard]] bool is_finished() const { return fin_ || reset_at_; }
  // RESET_STREAM_AT may go, as all that it promises was sent, and was not acknowledged.
  [[nodiscard]] bool owes_reset_at() const { return reset_at_ && state_ == SendState::kDataSent && !reset_at_acked_; }
  [[nodiscard]] std::uint64_t reliable_size() const { return reliable_size_; }
  [[nodiscard]] std::uint64_t buffered() const { return buffer_.buffered(); }
  [[nodiscard]] std::uint64_t chunks() const { return buffer_.chunks(); }
  // Octets write() would take now.
  [[nodiscard]] std::uint64_t room() const;
  [[nodiscard]] std::uint64_t buffer_limit() const { return buffer_limit_; }
  // No more than so much to begin with; it grows as ever while the path has half of it in flight.
  void limit_buffer(std::uint64_t octets) { buffer_limit_ = std::min(buffer_limit_, octets); }
  [[nodiscard]] std::uint64_t peer_limit() const { return credit_.limit(); }
  [[nodiscard]] std::uint64_t written_to() const { return buffer_.end(); }
  [[nodiscard]] std::uint64_t sent_to() const { return buffer_.next(); }
  // Octets that were lost and are to be sent again, about as many as there are.
  [[nodiscard]] std::uint64_t octets_lost() const { return buffer_.lost_octets(); }
  // And all that are to be sent, for the first time or again.
  [[nodiscard]] std::uint64_t octets_waiting() const { return buffer_.end() - buffer_.next() + octets_lost(); }
  [[nodiscard]] ApplicationErrorCode reset_code() const { return reset_code_; }

  // True once room has come back after a write was cut short.
  bool take_writable_notice();

  void release_buffers() { buffer_.clear(); }
  void rest() { buffer_.rest(); }
  [[nodiscard]] std::size_t memory() const { return buffer_.memory(); }

 private:
  struct Frame {
    std::uint64_t offset = 0;
    Bytes data;
    bool with_length = true;
    bool fin = false;
  };
  bool plan_frame(Frame& frame, std::size_t room, std::uint64_t connection_credit, bool& wanted);
  void put_frame(PacketPayload& payload, const Frame& frame, SentFrameKind kind);
  void note_sent(const Frame& frame, std::uint64_t buffer_most);
  [[nodiscard]] bool fin_pending() const { return fin_ && !fin_sent_; }

  SendBuffer buffer_;
  SendCredit credit_;
  StreamId id_;
  SendState state_ = SendState::kReady;
  bool exists_ = false;
  bool fin_ = false;       // finish() was called: buffer_.end() is the final size
  bool fin_sent_ = false;  // a FIN is in flight or acknowledged
  bool fin_acked_ = false;
  bool cut_short_ = false;  // a write found too little room
  bool reset_at_ = false;   // reset_at() was called: reliable_size_ holds, and a FIN means nothing more
  bool reset_at_acked_ = false;
  ApplicationErrorCode reset_code_ = 0;
  std::uint64_t reset_final_size_ = 0;
  std::uint64_t reliable_size_ = 0;
  std::uint64_t buffer_limit_ = kSendBufferInitial;
  std::uint64_t buffer_cap_ = kSendBufferCap;
};

}  // namespace hawser::quic
