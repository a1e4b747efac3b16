// stream_stages.cc: STREAM frames from the application's memory into packets, and received
// octets on their way to a reader, in order and out of order.
#include <array>
#include <vector>

#include "base/check.h"
#include "quic/streams/recv_buffer.h"
#include "quic/streams/stream_set.h"
#include "stage.h"

namespace hawser::stages {
namespace {

using namespace quic;

constexpr std::size_t kPackets = 45;
constexpr std::size_t kPayload = 1'420;
constexpr PeerStreamLimits kUnlimited{kVarintMax, kVarintMax, kVarintMax, kVarintMax, 1'000, 1'000};

// Frames of one stream that sends by reference, for a train of packets; then their acknowledgement.
class WriteStreamFrames final : public Work {
 public:
  explicit WriteStreamFrames(bool acknowledge) : acknowledge_(acknowledge), source_(64 * 1'024, 7) {
    set_.set_peer_limits(kUnlimited);
    stream_ = *set_.open(false);
  }
  std::uint64_t round(Meter& meter) override {
    while (set_.send_buffered() < 2 * source_.size())
      HAWSER_CHECK(set_.write(stream_, SharedBytes(source_, nullptr)).has_value());
    const auto write = [this] {
      for (PacketPayload& payload : payloads_) {
        payload.reset(area_);
        keep(set_.write_stream_frames(payload, Timestamp{}));
      }
    };
    const auto acknowledge = [this] {
      for (const PacketPayload& payload : payloads_)
        for (const SentFrame& frame : payload.frames()) set_.on_frame_acked(frame);
    };
    if (acknowledge_) {
      write();
      meter.measure(acknowledge);
    } else {
      meter.measure(write);
      acknowledge();
    }
    return kPackets;
  }

 private:
  bool acknowledge_;
  std::vector<std::uint8_t> source_;
  BufferPools pools_;
  StreamSet set_{Role::kClient, {}, pools_};
  StreamId stream_;
  std::array<std::uint8_t, kPayload> area_{};
  std::array<PacketPayload, kPackets> payloads_;
};

// A batch of packets in order: frames in, events out, views read, windows opened.
class ReceiveInOrder final : public Work {
 public:
  ReceiveInOrder() { set_.set_peer_limits(kUnlimited); }
  std::uint64_t round(Meter& meter) override {
    meter.measure([this] {
      for (std::size_t i = 0; i < kPackets; ++i, offset_ += kPayload)
        HAWSER_CHECK(set_.on_stream(stream_, offset_, data_, false).has_value());
      while (const auto event = set_.next_event()) take_all(event->id);
      set_.end_batch();
      if (!set_.wants_to_send_control()) return;
      PacketPayload out(area_);
      keep(set_.write_control_frames(out, Timestamp{}));
    });
    return kPackets;
  }

 private:
  void take_all(StreamId id) {
    for (;;) {
      std::size_t octets = 0;
      std::array<Bytes, 16> pieces;
      for (const Bytes piece : set_.readable(id, pieces)) octets += piece.size();
      if (octets == 0) return;
      set_.consume(id, octets);
    }
  }

  BufferPools pools_;
  StreamSet set_{Role::kServer, {}, pools_};
  StreamId stream_ = StreamId::of(Role::kClient, false, 0);
  std::uint64_t offset_ = 0;
  std::array<std::uint8_t, kPayload> data_{};
  std::array<std::uint8_t, 64> area_{};
};

// A batch whose first packet comes last: all others are put together.
class Reassemble final : public Work {
 public:
  std::uint64_t round(Meter& meter) override {
    meter.measure([this] {
      for (std::size_t i = kPackets; i-- > 0;) buffer_.add(base_ + i * kPayload, data_);
      base_ += kPackets * kPayload;
      while (buffer_.readable_octets() > 0) {
        std::size_t octets = 0;
        for (const Bytes piece : buffer_.readable(pieces_)) octets += piece.size();
        buffer_.consume(octets);
      }
    });
    return kPackets;
  }

 private:
  BlockPool pool_{sizeof(ReceiveBlock), kReceiveBlocksFreeMax};
  BlockAccount blocks_{pool_};
  RecvBuffer buffer_{blocks_};
  std::array<std::uint8_t, kPayload> data_{};
  std::array<Bytes, 16> pieces_;
  std::uint64_t base_ = 0;
};

constexpr Stage kStages[] = {
    {"write STREAM frames", "packet",
     []() -> std::unique_ptr<Work> { return std::make_unique<WriteStreamFrames>(false); }},
    {"release acknowledged STREAM frames", "packet",
     []() -> std::unique_ptr<Work> { return std::make_unique<WriteStreamFrames>(true); }},
    {"reassemble in order", "packet", []() -> std::unique_ptr<Work> { return std::make_unique<ReceiveInOrder>(); }},
    {"reassemble out of order", "packet", []() -> std::unique_ptr<Work> { return std::make_unique<Reassemble>(); }},
};

}  // namespace

std::span<const Stage> stream_stages() {
  return kStages;
}

}  // namespace hawser::stages
