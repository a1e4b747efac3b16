// packet_payload.h: the frames of one packet while it is being written. Frame headers and
// small frames are written in place; large payloads are referred to where they lie and are
// sealed from there, so that stream data is read once on its way out.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/bytes.h"
#include "base/check.h"
#include "base/writer.h"
#include "quic/wire/path_code_points.h"
#include "quic/wire/sent_frame.h"

namespace hawser::quic {

// Told by a writer to the loop that assembles a packet.
enum class WriteResult : std::uint8_t {
  kDone,        // nothing (more) of this kind to say
  kPacketFull,  // more to say, no room left in this packet
};

class PacketPayload {
 public:
  // At most this many frames are recorded for one packet; writers see room() == 0 past it.
  static constexpr std::size_t kMaxFrames = 48;
  static constexpr std::size_t kMaxPieces = 16;
  // References shorter than this are copied: a piece costs more than the copy.
  static constexpr std::size_t kCopyBelow = 64;

  // An empty payload without room; reset() gives it some. Objects are reused, since filling
  // the arrays below anew for each packet would cost more than writing the packet.
  PacketPayload() : PacketPayload(MutableBytes{}) {}

  // `area` is where the plaintext of the payload will lie in the datagram (without tag).
  explicit PacketPayload(MutableBytes area)
      : begin_(area.data()), out_(area.data()), end_(area.data() + area.size()), piece_start_(area.data()) {}

  // Starts over in another area.
  void reset(MutableBytes area) {
    begin_ = out_ = piece_start_ = area.data();
    end_ = area.data() + area.size();
    frame_count_ = piece_count_ = 0;
    ack_eliciting_ = padded_ = false;
    probing_ = true;
    path_code_points_ = PathCodePoints::kDraft21;
  }

  // The types that path_type() writes, until reset().
  void use_path_code_points(PathCodePoints points) { path_code_points_ = points; }

  // Octets of frames that still fit.
  [[nodiscard]] std::size_t room() const {
    return frame_count_ >= kMaxFrames || piece_count_ + 2 >= kMaxPieces ? 0 : static_cast<std::size_t>(end_ - out_);
  }
  // The same without the limits on frames and pieces: for padding.
  [[nodiscard]] std::size_t free_octets() const { return static_cast<std::size_t>(end_ - out_); }
  [[nodiscard]] std::size_t size() const { return static_cast<std::size_t>(out_ - begin_); }
  [[nodiscard]] bool empty() const { return out_ == begin_; }

  // Writes `size` octets of frame in place: returns where. size <= room().
  std::uint8_t* take(std::size_t size) {
    HAWSER_DCHECK(size <= static_cast<std::size_t>(end_ - out_));
    std::uint8_t* at = out_;
    out_ += size;
    return at;
  }

  // Appends a varint or octets of a frame in place.
  void varint(std::uint64_t value) { out_ = put_varint(out_, value); }
  void u8(std::uint8_t value) { *out_++ = value; }
  // The type of a multipath frame, given as draft 21 has it, and the octets it takes.
  void path_type(std::uint64_t type) { varint(written_path_type(type)); }
  [[nodiscard]] std::size_t path_type_size(std::uint64_t type) const { return varint_size(written_path_type(type)); }
  void bytes(Bytes value) {
    if (!value.empty()) std::memcpy(out_, value.data(), value.size());
    out_ += value.size();
  }

  // Appends payload that lies elsewhere and stays valid until the packet is sealed.
  void reference(Bytes data) {
    if (data.size() < kCopyBelow) {
      bytes(data);
      return;
    }
    close_piece();
    pieces_[piece_count_++] = data;
    out_ += data.size();
    piece_start_ = out_;
  }

  // Remembers a frame for acknowledgement and loss. Every ack-eliciting frame is recorded.
  void record(const SentFrame& frame) {
    frames_[frame_count_++] = frame;
    ack_eliciting_ |= frame.kind != SentFrameKind::kAck;
  }

  void pad(std::size_t count) {
    std::memset(out_, 0, count);
    out_ += count;
    padded_ = true;
  }

  // RFC 9000 section 9.1: all frames so far are PATH_CHALLENGE, PATH_RESPONSE,
  // NEW_CONNECTION_ID or PADDING.
  void mark_non_probing() { probing_ = false; }

  [[nodiscard]] bool ack_eliciting() const { return ack_eliciting_; }
  [[nodiscard]] bool padded() const { return padded_; }
  [[nodiscard]] bool probing() const { return probing_; }
  [[nodiscard]] std::span<const SentFrame> frames() const { return {frames_.data(), frame_count_}; }

  // The payload in order, as views; call once, when the packet is complete.
  std::span<const Bytes> pieces() {
    close_piece();
    return {pieces_.data(), piece_count_};
  }

 private:
  [[nodiscard]] std::uint64_t written_path_type(std::uint64_t type) const {
    return path_code_points_ == PathCodePoints::kDraft21 ? type : draft17_from_current(type);
  }

  void close_piece() {
    if (piece_start_ != out_) pieces_[piece_count_++] = Bytes{piece_start_, out_};
    piece_start_ = out_;
  }

  std::uint8_t* begin_;
  std::uint8_t* out_;
  std::uint8_t* end_;
  std::uint8_t* piece_start_;
  std::size_t frame_count_ = 0;
  std::size_t piece_count_ = 0;
  bool ack_eliciting_ = false;
  bool padded_ = false;
  PathCodePoints path_code_points_ = PathCodePoints::kDraft21;
  bool probing_ = true;
  std::array<SentFrame, kMaxFrames> frames_;
  std::array<Bytes, kMaxPieces> pieces_;
};

}  // namespace hawser::quic
