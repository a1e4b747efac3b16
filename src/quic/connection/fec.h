// fec.h: forward error correction of a connection: repair symbols for what leaves on each Path, and packets computed
// from those of the peer. Made when the handshake shows that both ends speak it (docs/fec.md); all other connections
// pay nothing. The codes are in quic/fec, sending is in fec_send.cc.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/range_set.h"
#include "base/time.h"
#include "quic/connection/core.h"
#include "quic/connection/fec_stats.h"
#include "quic/fec/fec_decoder.h"
#include "quic/fec/fec_encoder.h"
#include "quic/fec/redundancy.h"

namespace hawser::quic {

// What a packet that is protected leaves free, so that its repair symbol fits into a packet.
inline constexpr std::size_t kFecRoom = kFecRepairOverhead + kFecLengthSize;

class Fec {
 public:
  // `peer_schemes`: the peer's transport parameter.
  Fec(ConnectionCore& core, std::uint64_t peer_schemes);

  // Sending, on the path at hand. fec_send.cc ------------------------------------------------------------

  // What leaves now is protected.
  [[nodiscard]] bool sends() const;
  // How much smaller than the MTU packets are.
  [[nodiscard]] std::size_t room() const { return sends() ? kFecRoom : 0; }
  // The same of packets that are yet to come.
  [[nodiscard]] std::size_t room_to_come() const { return may_send_ ? kFecRoom : 0; }
  // Blocks with repair symbols so far: when one ends the train does, and they go next.
  [[nodiscard]] std::uint64_t blocks_ended() const { return blocks_ended_; }
  // A 1-RTT packet is complete, and not sealed yet.
  void on_packet_sent(OpenPacket& packet);
  // A repair symbol is to be sent before anything else; ends the block where nothing more is to come.
  [[nodiscard]] bool repair_due();
  void write_repair(PacketPayload& out);
  // One left, in a packet of so many octets.
  void on_repair_sent(std::size_t size) { stats_.repair_bytes_sent += size; }
  // What an acknowledgement or a timer said of the path at hand.
  void on_recovery(const RecoveryOutcome& outcome);

  // Receiving, on the path at hand. fec.cc -----------------------------------------------------------------

  Parsed<void> on_frame(FrameReader& in, const ConnectionCore::ReceivedPacket& packet);
  // All frames of a 1-RTT packet were read.
  void on_packet(Bytes payload, const ConnectionCore::ReceivedPacket& packet);
  // What was in this packet was delivered before it came.
  [[nodiscard]] bool has_recovered(PacketNumber number);
  // FEC_RECOVERED frames for what was recovered since they were written last.
  void write_recovered(PacketPayload& out);

  // -------------------------------------------------------------------------------------------------------

  // When a block ends since nothing follows.
  [[nodiscard]] Timestamp next_timeout() const;
  void on_timeout();
  void rest();
  [[nodiscard]] FecStats stats() const;
  // Octets on the heap, and this object.
  [[nodiscard]] std::size_t memory() const;

 private:
  struct Sender {
    explicit Sender(const FecConfig& config) : encoder(config.scheme), redundancy(config) {}
    FecEncoder encoder;
    RedundancyController redundancy;
    Timestamp end_at = kNever;  // of the open block
    bool said_all = false;      // its last packet ended a stream
    bool began = false;         // a FEC_REPAIR frame was sent
    std::uint64_t first = 0;    // packet number in the open block
  };
  struct Receiver {
    FecDecoder decoder;
    RangeSet recovered;                 // packet numbers, the latest kMaxRecovered
    std::vector<std::uint64_t> unsaid;  // of them, not in a FEC_RECOVERED frame yet
    bool repair_came = false;           // in the packet at hand
  };
  // Of one Path, by its ID.
  struct Lane {
    PathId path;
    std::unique_ptr<Sender> sender;      // once something was protected
    std::unique_ptr<Receiver> receiver;  // once something came that may be
  };
  // Late originals of more than so many recovered packets ago are read again: that repeats nothing but datagrams.
  static constexpr std::size_t kMaxRecovered = 256;
  // What one ACK may say at most; the peer sends the rest of the data once more.
  static constexpr std::size_t kMaxUnsaid = 128;

  [[nodiscard]] bool protects_some() const;
  [[nodiscard]] bool protects(FlowFec wish, std::uint8_t urgency) const;
  [[nodiscard]] bool protects_datagrams_of(DatagramFlowId flow) const;
  [[nodiscard]] bool protects_stream(const Stream& stream) const;
  [[nodiscard]] bool wants_repair(const SentFrame& frame) const;
  [[nodiscard]] bool protected_data_waits() const;
  [[nodiscard]] Lane* find(PathId path);
  Lane& lane();
  Sender& sender();
  Receiver& receiver();
  void end_block(Sender& sender, std::size_t repairs);
  Parsed<void> on_recovered_frame(FrameReader& in);
  void recover(Receiver& receiver, const FourTuple& tuple);
  void take(FecRecovered recovered, const FourTuple& tuple);
  Parsed<void> read_frames(Bytes payload, PacketNumber number, const FourTuple& tuple);

  ConnectionCore& core_;
  const FecConfig& config_;
  bool may_send_;  // the peer decodes our scheme
  std::vector<Lane> lanes_;
  std::uint64_t blocks_ended_ = 0;
  FecStats stats_;
  FecDecoderStats gone_;  // of decoders that were given back
};

}  // namespace hawser::quic
