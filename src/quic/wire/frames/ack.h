// ack.h: the ACK frames, types 0x02 and 0x03 (RFC 9000 section 19.3). A received frame keeps
// its ranges encoded; an iterator decodes them one by one, so nothing is allocated.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/range_set.h"
#include "base/units.h"
#include "quic/wire/frames/frame_reader.h"
#include "quic/wire/frames/receive_timestamps.h"
#include "quic/wire/packet_payload.h"

namespace hawser::quic {

// Packets received with each ECN marking, over the life of the packet number space.
struct EcnCounts {
  std::uint64_t ect0 = 0;
  std::uint64_t ect1 = 0;
  std::uint64_t ce = 0;
  bool operator==(const EcnCounts&) const = default;
};

// A received ACK frame. It was checked to its end when it was parsed: no range reaches below
// packet number 0 and no field is cut. The ranges lie in the packet and live as long as it.
class AckFrame {
 public:
  // Yields the acknowledged packet numbers as half-open ranges, the highest range first. Two
  // neighbours have at least one unacknowledged packet number between them.
  class Iterator {
   public:
    Iterator(Range first, std::uint64_t left, Bytes encoded)
        : range_(first), left_(left), in_(encoded.data()), end_(encoded.data() + encoded.size()) {}
    const Range& operator*() const { return range_; }
    const Range* operator->() const { return &range_; }
    Iterator& operator++() {
      if (left_-- > 1) decode_next();
      return *this;
    }
    bool operator==(const Iterator& o) const { return left_ == o.left_; }

   private:
    void decode_next() {
      std::uint64_t gap = 0;
      std::uint64_t length = 0;
      in_ = take_varint(in_, end_, gap);
      in_ = take_varint(in_, end_, length);
      range_.end = range_.begin - gap - 1;
      range_.begin = range_.end - length - 1;
    }

    Range range_;
    std::uint64_t left_;  // ranges from this one on, this one counted
    const std::uint8_t* in_;
    const std::uint8_t* end_;
  };

  [[nodiscard]] Iterator begin() const { return {first_range, range_count, encoded_ranges}; }
  [[nodiscard]] Iterator end() const { return {{}, 0, {}}; }
  [[nodiscard]] PacketNumber largest_acknowledged() const { return PacketNumber{first_range.end - 1}; }

  // Largest Acknowledged and the packets contiguously below it.
  Range first_range{};
  // Ranges in all, the first one counted. Each further one takes 2 octets or more, so a
  // packet of 65,535 octets holds fewer than 32,768.
  std::uint64_t range_count = 1;
  // Gap and length of each range after the first.
  Bytes encoded_ranges{};
  // As on the wire: microseconds divided by 2^ack_delay_exponent of the frame's sender.
  std::uint64_t ack_delay = 0;
  std::optional<EcnCounts> ecn;
  // Where FrameReader::expect_ack_timestamps() was said. PATH_ACK frames have none: no draft says how.
  std::optional<ReceiveTimestamps> timestamps;
};

// Of types with the lowest bit set, ECN counts follow. FRAME_ENCODING_ERROR for a range that
// reaches below packet number 0.
Parsed<AckFrame> parse_ack(FrameReader& in);
std::size_t ack_size(const AckFrame& frame);
// Writes a parsed frame as it was. out.room() >= ack_size(frame).
void write_ack(PacketPayload& out, const AckFrame& frame);
// The same without the type.
void write_ack_body(PacketPayload& out, const AckFrame& frame);

// An ACK frame to write about packets received.
struct AckToWrite {
  const RangeSet& received;        // packet numbers; not empty
  std::uint64_t ack_delay = 0;     // microseconds, already divided by 2^ack_delay_exponent
  const EcnCounts* ecn = nullptr;  // nullptr: type 0x02, without counts
};

// A frame longer than this says more about old packets than about the peer's need: 64 ranges
// of 2 to 4 octets leave most of a 1,200 octet packet to data.
inline constexpr std::size_t kMaxAckRangesWritten = 64;

// Writes the newest ranges that fit, at most kMaxAckRangesWritten. kPacketFull, with nothing
// written, if not even the newest fits.
WriteResult write_ack(PacketPayload& out, const AckToWrite& ack);
// Octets that write_ack would use given unlimited room.
std::size_t ack_size(const AckToWrite& ack);

}  // namespace hawser::quic
