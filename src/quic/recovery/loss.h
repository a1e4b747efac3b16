// loss.h: loss detection and probe timeouts of one Path (RFC 9002 section 6 and appendix A)
// over its packet number spaces: three for the initial path, one for every other. It keeps
// bytes_in_flight, drives the CongestionController and says which frames arrived or were lost.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/datagram.h"
#include "base/random.h"
#include "base/range_set.h"
#include "base/result.h"
#include "base/time.h"
#include "base/units.h"
#include "quic/congestion/congestion_controller.h"
#include "quic/recovery/rtt.h"
#include "quic/recovery/sent_packets.h"
#include "quic/wire/errors.h"
#include "quic/wire/types.h"

namespace hawser::quic {

inline constexpr std::uint64_t kPacketThreshold = 3;                // RFC 9002 section 6.1.1
inline constexpr std::uint64_t kMaxPacketThreshold = 64;            // what adaptation may reach
inline constexpr std::uint64_t kPersistentCongestionThreshold = 3;  // section 7.6.1
// A peer that only receives is sent nothing but ACKs, which it need not acknowledge: at most
// this many settled or non-ack-eliciting packets stand at the front of a ring.
inline constexpr std::uint64_t kMaxUnacknowledgeable = 1'024;
// What a peer makes us send whatever the window says (ACKs, PATH_RESPONSE) has to be remembered until it
// acknowledges something later. So many packets are the ACKs for 190 MB of data, and none of them
// heard of in 10 s: the peer sends, and acknowledges nothing. At some 100 octets each with their frames,
// 6 MB; the second limit, whatever the time, 50 MB.
inline constexpr std::uint64_t kUnheardMax = 65'536;
inline constexpr Duration kUnheardTime = 10s;
inline constexpr std::uint64_t kUnheardMost = std::uint64_t{1} << 19;
static_assert(kUnheardMost < kSentPacketsReserve);
// Second copies of what is sent again at the end take no more than this part of the window: what is lost of it
// beyond that was lost to congestion, which they would feed.
inline constexpr std::uint64_t kTailShare = 16;
// Copies of a last flight: the part of it that was sent in the last half of a round trip, if of so many packets one
// half is lost at least, and of both copies of a packet not one half; in all no more than this part of what was sent.
inline constexpr int kLastFlightShare = 2;
inline constexpr double kLastFlightLosses = 0.5;
inline constexpr std::uint64_t kLastFlightPackets = 64;  // of fewer a share that is lost says little
inline constexpr std::uint64_t kLastFlightOctetsShare = 32;
inline constexpr std::uint64_t kTailLeast = 3'000;  // octets: two datagrams, as a probe timeout would send
// A packet number is left out on average once in this many (RFC 9000 section 21.4).
inline constexpr std::uint64_t kSkipInterval = 1'000;
// Section 12.3: 2^62 - 1 is the last packet number.
inline constexpr std::uint64_t kPacketNumbersEnd = std::uint64_t{1} << 62;
// Between two questions whether numbers end: a train and a close, with numbers left out.
inline constexpr std::uint64_t kNumbersInHand = 1'024;

struct LossConfig {
  Role role = Role::kClient;
  Duration initial_rtt = kInitialRtt;
  // Raise the packet threshold when reordering made losses spurious (RFC 9002 section 6.1.1).
  bool adaptive_reordering = true;
  // Leave out packet numbers now and then, to catch a peer that acknowledges blindly.
  bool skip_packet_numbers = true;
};

// A packet as it leaves. `frames` are copied.
struct SentPacketInfo {
  PacketNumberSpace space = PacketNumberSpace::kApplication;
  PacketNumber packet_number;  // from next_packet_number of the same space
  std::size_t size = 0;        // octets of UDP payload, at most 65,527
  bool ack_eliciting = false;
  bool in_flight = false;  // ack-eliciting or padded (RFC 9002 section 2)
  bool mtu_probe = false;
  bool answer = false;              // the peer made us send it, whatever the window says
  bool other_network_path = false;  // left on a path being probed: no part of its congestion state
  Ecn ecn = Ecn::kNotEct;
  std::span<const SentFrame> frames;
};

// What an ACK frame says besides its ranges.
struct AckReceived {
  PacketNumberSpace space = PacketNumberSpace::kApplication;
  PacketNumber largest_acknowledged;
  Duration ack_delay{};   // decoded; zero for Initial and Handshake packets
  Duration waited{};      // of the packet with the ACK, for its keys
  bool detoured = false;  // it came on another Path than this one's do: its time is no round trip
  Timestamp now;
};

struct LostPacket {
  PacketNumberSpace space;
  std::uint64_t packet_number;
  std::uint16_t size;
  bool mtu_probe;
  bool by_time;  // by the time threshold; else by the packet threshold
};

// Reused from call to call: outputs are appended, the caller clears. Each frame of a packet is
// in exactly one of acked and lost, once. Adjacent STREAM frames of one stream are merged.
struct RecoveryFrames {
  std::vector<SentFrame> acked;
  // Where in `acked` the frames of each range of the ACK begin. An ACK has its highest range first.
  std::vector<std::uint32_t> acked_runs;
  std::vector<SentFrame> lost;
  // Frames that were in `lost` earlier and arrived after all: a stream need not resend them.
  std::vector<SentFrame> late_acked;
  std::vector<LostPacket> lost_packets;
  // Newly acknowledged packet numbers, descending as an ACK frame has them. Only while wanted.
  std::vector<Range> acked_numbers;
  bool wants_numbers = false;
  void clear() {
    acked.clear();
    acked_runs.clear();
    lost.clear();
    late_acked.clear();
    lost_packets.clear();
    acked_numbers.clear();
  }
  void begin_acked_run() {
    const auto at = static_cast<std::uint32_t>(acked.size());
    if (acked_runs.empty() || acked_runs.back() != at) acked_runs.push_back(at);
  }
  // Visits `acked` in the order of packet numbers, whatever the ranges: streams that were sent in
  // order are acknowledged in order, and keep no account of gaps.
  template <class Visit>
  void for_each_acked(Visit&& visit) const {
    std::size_t end = acked.size();
    for (std::size_t run = acked_runs.size(); run-- > 0; end = acked_runs[run])
      for (std::size_t i = acked_runs[run]; i < end; ++i) visit(acked[i]);
  }
};

// What became of packets in one call.
struct RecoveryOutcome {
  std::uint64_t acked_packets = 0;  // newly acknowledged
  std::uint64_t acked_bytes = 0;    // of them, octets that were in flight
  std::uint64_t lost_packets = 0;   // ack-eliciting packets declared lost
  std::uint64_t lost_bytes = 0;
  std::uint32_t spurious_losses = 0;
  bool largest_increased = false;  // largest acknowledged grew: ECN counts may be read
  bool ack_eliciting_acked = false;
  bool rtt_sampled = false;
  bool persistent_congestion = false;
  // For EcnValidator: packets of the current network path by their mark.
  std::uint64_t acked_ect0 = 0;
  std::uint64_t acked_ect1 = 0;
  std::uint64_t lost_marked = 0;
  Timestamp largest_acked_sent_time{};
  // For MtuProber: octets, 0 if there is none.
  std::uint16_t mtu_probe_acked = 0;
  std::uint16_t mtu_probe_lost = 0;
  std::uint16_t acked_size_max = 0;  // without probes
  std::uint16_t lost_size_min = 0;   // without probes
};

enum class TimeoutKind : std::uint8_t { kNone, kLoss, kPto };

struct TimeoutOutcome {
  TimeoutKind kind = TimeoutKind::kNone;
  PacketNumberSpace space = PacketNumberSpace::kApplication;
  RecoveryOutcome losses;  // kLoss only
};

// A pn or raw integer in the ranges handed to on_ack_received.
constexpr std::uint64_t raw_packet_number(std::uint64_t pn) {
  return pn;
}
constexpr std::uint64_t raw_packet_number(PacketNumber pn) {
  return pn.value;
}

// What a network path has taught, kept while another is tried: coming back costs nothing.
struct NetworkPathLearning {
  RttEstimator rtt;
  RateSampler sampler;
  Timestamp first_rtt_sample = kNever;
  std::uint64_t packet_threshold = kPacketThreshold;
  std::uint16_t generation = 0;  // of its packets
};

class LossDetector {
 public:
  // `controller` outlives this object. It may be exchanged with set_controller.
  LossDetector(const LossConfig& config, CongestionController& controller);

  // The same one, in another's hands.
  void set_controller(CongestionController& controller) { controller_ = &controller; }
  // Another one: what was lost before is not its to undo.
  void exchange_controller(CongestionController& controller) {
    controller_ = &controller;
    undoable_losses_ = 0;
    ++loss_epoch_;
  }

  // --- Sending ---

  // The number of the next packet of `space`. Asking twice without sending gives the same
  // number. Now and then one is left out first.
  PacketNumber next_packet_number(PacketNumberSpace space, Random& random);
  // Whether the application's packet numbers end, but for those that a few trains may take: nothing
  // can be sent then, not even a close (RFC 9000 section 12.3).
  [[nodiscard]] bool out_of_numbers() const {
    return space_of(PacketNumberSpace::kApplication).sent.end() + kNumbersInHand > packet_numbers_end_;
  }
  // That of the RFC is never reached; tests see to it that it could be.
  void end_packet_numbers_at(std::uint64_t end) { packet_numbers_end_ = end; }
  // The largest acknowledged packet number, for shortening the header's (RFC 9000 section 17.1).
  [[nodiscard]] std::optional<PacketNumber> largest_acknowledged(PacketNumberSpace space) const;
  // False: the ring stands at its limit; send nothing in flight until ACKs arrive.
  [[nodiscard]] bool can_track(PacketNumberSpace space, std::size_t frames) const {
    return !space_of(space).sent.full(frames);
  }
  void on_packet_sent(const SentPacketInfo& packet, Timestamp now);
  // The window had room and nothing was left to send: acknowledgements of what is in flight
  // do not grow the window. Without these calls it grows without bound.
  void on_app_limited() { sampler_.on_app_limited(bytes_in_flight_); }
  // The peer makes us send and acknowledges nothing of it (section 13.2.1: it must), past every limit
  // of what is remembered for it.
  [[nodiscard]] bool peer_is_deaf(Timestamp now) const {
    return application_.unheard > kUnheardMax &&
           (now - application_.unheard_since >= kUnheardTime || application_.unheard > kUnheardMost);
  }
  // Probe packets owed to `space` after a PTO: send that many ack-eliciting packets, past
  // the window, with a PING if there is nothing else (RFC 9002 section 6.2.4).
  [[nodiscard]] std::uint32_t probes_owed(PacketNumberSpace space) const {
    return exists(space) ? space_of(space).probes_owed : 0;
  }
  // Packets since the last ack-eliciting one: past a few dozen, add a PING, so that the peer
  // acknowledges and both sides can forget (RFC 9000 section 13.2.4).
  [[nodiscard]] std::uint64_t packets_since_ack_eliciting(PacketNumberSpace space) const {
    return space_of(space).since_ack_eliciting;
  }

  // --- Receiving ---

  // `ranges` yields {smallest, largest}, descending and disjoint, as parsed from a valid ACK
  // frame. PROTOCOL_VIOLATION if a number was never sent. Work is linear in what is newly
  // acknowledged or lost, plus one binary search per range.
  template <class Ranges>
  Parsed<RecoveryOutcome> on_ack_received(const AckReceived& ack, const Ranges& ranges, RecoveryFrames& frames) {
    AckRun run;
    HAWSER_TRY_VOID(begin_ack(ack, run));
    for (const auto& range : ranges) {
      const std::uint64_t largest = raw_packet_number(range.largest);
      if (largest < space_of(ack.space).sent.begin()) break;
      HAWSER_TRY_VOID(ack_range(ack, raw_packet_number(range.smallest), largest, run, frames));
    }
    return finish_ack(ack, run, frames);
  }

  // New CE marks, found by EcnValidator after the ACK of `largest_acked_sent_time`.
  void on_ecn_ce(std::uint64_t ce_count, Timestamp largest_acked_sent_time, Timestamp now) {
    controller_->on_ecn_ce(ce_count, largest_acked_sent_time, now);
  }

  // The peer has what the application's packet `pn` said in STREAM and DATAGRAM frames, though it did not come: they
  // are appended to `acked`, in the run that is begun, or to `late_acked` if they were lost before, and forgotten.
  // Nothing else of the packet changes: acknowledged or lost, it counts for congestion control as any. Whether there
  // was any such frame; PROTOCOL_VIOLATION if the number was never sent.
  Parsed<bool> on_contents_recovered(std::uint64_t pn, RecoveryFrames& frames);

  // --- Time ---

  // Earlier of the loss timer and the PTO; kNever if neither is armed.
  [[nodiscard]] Timestamp next_timeout() const;
  // The same, and which of the two it is.
  [[nodiscard]] Timestamp next_timeout(bool& is_pto) const;
  // Call when next_timeout() has passed. After a PTO `frames.lost` has the frames of the oldest
  // packets in flight, to be written into the probes; their packets stay in flight.
  TimeoutOutcome on_timeout(Timestamp now, RecoveryFrames& frames);

  // --- The connection's state ---

  void on_handshake_keys(Timestamp now);
  void on_handshake_confirmed(Timestamp now);
  // Client: the server has validated our address (also noticed from a Handshake ACK).
  void on_peer_completed_address_validation(Timestamp now);
  // Server: anti-amplification credit is spent, so no timer runs (appendix A.8).
  void set_amplification_limited(bool limited, Timestamp now);
  // The peer's max_ack_delay transport parameter.
  void set_peer_max_ack_delay(Duration max_ack_delay) { max_ack_delay_ = max_ack_delay; }

  // Keys of `space` are gone: its packets are neither acked nor lost (RFC 9002 section 6.4).
  void discard_space(PacketNumberSpace space, Timestamp now);
  // A Retry, or Version Negotiation: all Initial packets and 0-RTT packets count as never
  // acknowledged; their frames are appended to `lost`, to be sent again (RFC 9002 section 6.3).
  void on_retry(RecoveryFrames& frames, Timestamp now);
  // 0-RTT was rejected: its packets leave the flight and their frames are appended to `lost`.
  void on_zero_rtt_rejected(RecoveryFrames& frames, Timestamp now);
  // The Path moved to another network path: RTT, window and bytes_in_flight start afresh; packets
  // sent before are still acknowledged or lost, without effect on either (RFC 9000 section 9.4).
  // `fresh` takes the controller's place and outlives this object; `initial_rtt` is what the RTT is
  // taken for before the first sample (RFC 9002 section 6.2.2).
  NetworkPathLearning on_network_path_changed(CongestionController& fresh, Duration initial_rtt, Timestamp now);
  // The Path came back to where it learnt this, under the controller of that time: what is still
  // under way from then counts again.
  void on_network_path_returned(const NetworkPathLearning& learnt, CongestionController& controller, Timestamp now);
  // The oldest data in flight goes out again at once, as after a PTO: the answer tells what was
  // lost with the network path before.
  void probe_at_once(RecoveryFrames& frames, Timestamp now);

  // Nothing is left to send. Stream data that had to be sent again since `stream_octets`, all that streams ever sent
  // for the first time, last grew is now the end of it: lost once more, with nothing behind it, only a probe timeout
  // would find that out. So its frames go into `lost` for a second copy, once each and within kTailShare of the
  // window; the packets stay in flight. True if there are any.
  bool repeat_tail(std::uint64_t stream_octets, RecoveryFrames& frames);
  // Nothing is left to send for the first time, and the stream that came last has ended. What is lost of the last
  // round trip is known only a round trip after it; where losses are few and of so much some are to be expected, the
  // stream frames of the second half of it go into `lost`, for a copy each, and the packets stay in flight:
  // what the first half lost is known by the time the copies have left. True if there are any; before repeat_tail().
  bool repeat_last_flight(std::uint64_t stream_octets, RecoveryFrames& frames);
  // What was sent since may be copies from other paths: it gets none.
  void pass_tail() {
    tail_.from = application_.sent.end();
    tail_.copied = 0;
  }

  // Everything in flight in the application's space goes out again, elsewhere: its frames are appended to
  // `lost`. Its packets stay in flight, for they are lost only when something later is acknowledged.
  void report_flight(RecoveryFrames& frames);
  // All of that is forgotten: nobody will acknowledge it, and it is no sign of congestion. `frames`: as above. Nor is
  // it kept, so that what the peer does not hear is counted from zero.
  void forget_flight(RecoveryFrames& frames) {
    abandon(application_, &frames);
    application_.unheard = 0;
  }
  // A packet in flight in the application's space that elicits an acknowledgement and whose frames were not
  // handed out as lost.
  struct InFlight {
    std::uint64_t number = 0;
    Timestamp time_sent{};
    std::size_t frames = 0;
  };
  // Whether a packet of more octets than `size` is outstanding, but for probes of the MTU.
  [[nodiscard]] bool has_in_flight_above(std::uint16_t size) const;
  // The first one with this number or a later one.
  [[nodiscard]] std::optional<InFlight> first_in_flight(std::uint64_t from) const;
  // One of its frames.
  [[nodiscard]] const SentFrame& frame_in_flight(std::uint64_t number, std::size_t i) const {
    return application_.sent.frame(application_.sent[number], i);
  }
  // Behind the last packet of the application's space.
  [[nodiscard]] std::uint64_t numbers_end() const { return application_.sent.end(); }
  // Below it all is settled and forgotten.
  [[nodiscard]] std::uint64_t numbers_begin() const { return application_.sent.begin(); }
  // Acknowledgements come back another way from now on, which may be shorter or longer.
  void restart_min_rtt() { rtt_.restart_min_rtt(); }
  // The path is back: probe timeouts go on as after `most` in a row, unless an ACK has ended them (RFC 9002
  // section 6.2.1).
  void ease_pto(std::uint32_t most, Timestamp now) {
    if (pto_count_ <= most) return;
    pto_count_ = most;
    timer_set_at_ = now;
  }
  // Probe timeouts back off to no more than this.
  void limit_pto(Duration longest) { longest_pto_ = longest; }

  // Nothing was sent or received for a while. Where nothing is in flight, packets that nobody will
  // acknowledge any more are forgotten, and the rings with them.
  void rest();

  // --- Facts ---

  [[nodiscard]] std::uint64_t bytes_in_flight() const { return bytes_in_flight_; }
  [[nodiscard]] bool window_open() const { return bytes_in_flight_ < controller_->congestion_window(); }
  [[nodiscard]] const RttEstimator& rtt() const { return rtt_; }
  [[nodiscard]] std::uint32_t pto_count() const { return pto_count_; }
  // Current PTO period without backoff, with max_ack_delay for the application space.
  [[nodiscard]] Duration pto(PacketNumberSpace space) const;
  [[nodiscard]] std::uint64_t packet_threshold() const { return packet_threshold_; }
  [[nodiscard]] bool ack_eliciting_in_flight(PacketNumberSpace space) const {
    return exists(space) && space_of(space).ack_eliciting_in_flight != 0;
  }
  // When a packet left that is not known to have arrived; nothing if it is, or was never sent.
  [[nodiscard]] std::optional<Timestamp> unacknowledged_since(PacketNumberSpace space, std::uint64_t pn) const;
  [[nodiscard]] std::size_t tracked_packets(PacketNumberSpace space) const {
    return exists(space) ? space_of(space).sent.size() : 0;
  }
  // Octets on the heap.
  [[nodiscard]] std::size_t memory() const;
  [[nodiscard]] const CongestionController& controller() const { return *controller_; }

 private:
  struct Space {
    SentPackets sent;
    RangeSet acked;               // acknowledged numbers at or above sent.begin(), and perhaps just below
    std::uint64_t next_skip = 0;  // the number to leave out; 0: not drawn yet
    std::uint64_t largest_acked = 0;
    std::uint64_t counted_to = 0;  // likewise, but for what came by a detour: packets are counted up to here
    bool any_acked = false;
    // Below this number nothing is kOutstanding: where the search for losses starts.
    std::uint64_t first_outstanding = 0;
    std::uint64_t ack_eliciting_in_flight = 0;
    std::uint64_t since_ack_eliciting = 0;
    // Packets that went whatever the window says, above the largest acknowledged number, and when
    // the first of them went.
    std::uint64_t unheard = 0;
    Timestamp unheard_since{};
    Timestamp last_ack_eliciting_sent{};
    Timestamp loss_time = kNever;
    std::uint32_t probes_owed = 0;
    bool discarded = false;

    [[nodiscard]] std::size_t memory() const { return sent.memory() + acked.memory(); }
  };
  // Initial and Handshake: gone once both are discarded, and what loops over spaces has one left.
  using HandshakeSpaces = std::array<Space, 2>;

  // Of repeat_tail().
  struct Tail {
    std::uint64_t stream_octets = UINT64_MAX;
    std::uint64_t from = 0;                  // packets below were sent before, or have their copy
    std::uint64_t room : 63 = 0;             // octets that may still be copied
    std::uint64_t copied : 1 = 0;            // what was sent since is copies
    std::uint64_t copies_from = UINT64_MAX;  // of repeat_last_flight(): the least offset of a copy,
    std::uint64_t copies_of = 0;             // and the stream they are of
    std::uint64_t flights_copied = 0;        // octets of all of them
  };

  // One ACK frame on its way through.
  struct AckRun {
    RecoveryOutcome outcome;
    std::uint64_t bytes_in_flight_before = 0;
    std::uint64_t growth_bytes = 0;
    Timestamp recovery_start = Timestamp::min();
    std::uint64_t largest_newly_acked = 0;
    std::optional<Duration> path_rtt{};  // the RTT sample without the peer's delay
    bool congestion_acked = false;       // a packet that the controller counts was acknowledged
  };

  // Both: a space that exists.
  [[nodiscard]] Space& space_of(PacketNumberSpace space) {
    return space == PacketNumberSpace::kApplication ? application_ : (*handshake_)[static_cast<std::size_t>(space)];
  }
  [[nodiscard]] const Space& space_of(PacketNumberSpace space) const {
    return space == PacketNumberSpace::kApplication ? application_ : (*handshake_)[static_cast<std::size_t>(space)];
  }
  [[nodiscard]] bool exists(PacketNumberSpace space) const {
    return space == PacketNumberSpace::kApplication || handshake_ != nullptr;
  }
  [[nodiscard]] std::span<const PacketNumberSpace> spaces() const;

  Parsed<void> begin_ack(const AckReceived& ack, AckRun& run);
  Parsed<void> ack_range(const AckReceived& ack, std::uint64_t smallest, std::uint64_t largest, AckRun& run,
                         RecoveryFrames& frames);
  RecoveryOutcome finish_ack(const AckReceived& ack, AckRun& run, RecoveryFrames& frames);
  Parsed<void> ack_packet(const AckReceived& ack, std::uint64_t pn, AckRun& run, RecoveryFrames& frames);
  void on_late_ack(Space& space, std::uint64_t pn, SentPacket& packet, AckRun& run, RecoveryFrames& frames,
                   Timestamp now);
  bool take_rtt_sample(const AckReceived& ack, const SentPacket& largest, AckRun& run);
  void tell_controller_acked(const AckReceived& ack, const SentPacket& largest, const AckRun& run);

  void detect_losses(PacketNumberSpace id, Timestamp now, RecoveryOutcome& outcome, RecoveryFrames& frames);
  void lose_packet(PacketNumberSpace id, std::uint64_t pn, SentPacket& packet, LossEvent& event,
                   RecoveryOutcome& outcome, RecoveryFrames& frames);
  [[nodiscard]] double share_lost_of_last_round() const;
  void tell_controller_lost(LossEvent& event, RecoveryOutcome& outcome);
  [[nodiscard]] Duration loss_delay() const;
  void settle(Space& space, Timestamp now);
  void drop_unacknowledgeable(Space& space);
  void take_out_of_flight(Space& space, const SentPacket& packet);
  void abandon(Space& space, RecoveryFrames* frames);
  [[nodiscard]] bool counts(const SentPacket& packet) const {
    return packet.in_flight && packet.generation == generation_;
  }

  void enter_network_path(const NetworkPathLearning& state, CongestionController& controller, Timestamp now);
  [[nodiscard]] bool is_copy(const SentPacket& packet) const;
  [[nodiscard]] bool carries_streams_only(const SentPacket& packet) const;
  void owe_probes(PacketNumberSpace id, std::uint32_t count, RecoveryFrames& frames);
  [[nodiscard]] bool client_awaits_validation() const {
    return config_.role == Role::kClient && !peer_completed_address_validation_;
  }
  [[nodiscard]] Timestamp pto_deadline(PacketNumberSpace& id, Timestamp now) const;
  [[nodiscard]] Timestamp loss_deadline(PacketNumberSpace& id) const;
  [[nodiscard]] Duration backed_off(Duration period) const;

  LossConfig config_;
  CongestionController* controller_;
  Space application_;
  std::unique_ptr<HandshakeSpaces> handshake_ = std::make_unique<HandshakeSpaces>();
  Tail tail_;
  RttEstimator rtt_;
  RateSampler sampler_;
  std::uint64_t bytes_in_flight_ = 0;
  std::uint64_t packet_numbers_end_ = kPacketNumbersEnd;
  std::uint64_t packet_threshold_ = kPacketThreshold;
  std::uint64_t undoable_losses_ = 0;  // packets lost in the latest congestion event, not yet seen to be spurious
  std::uint32_t loss_epoch_ = 0;       // counts congestion events, modulo 2^32
  Timestamp first_rtt_sample_ = kNever;
  Duration max_ack_delay_ = 25ms;
  // 2^62 ns: where the clock's arithmetic ends.
  Duration longest_pto_{std::int64_t{1} << 62};
  // When something last happened that sets the timer anew. The timer itself is worked out when it is
  // asked for, once per train and not once per packet of it.
  Timestamp timer_set_at_ = kNever;
  std::uint32_t pto_count_ = 0;
  std::uint16_t generation_ = 1;
  std::uint16_t latest_generation_ = 1;  // the largest given; 0 is of packets that never count
  bool handshake_keys_ = false;
  bool handshake_confirmed_ = false;
  bool peer_completed_address_validation_ = false;
  bool amplification_limited_ = false;
};

}  // namespace hawser::quic
