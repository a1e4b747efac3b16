// multipath.h: the Paths of a connection that speaks the multipath extension: which Path IDs exist, their
// connection IDs, limits and status, which of them are alive, and which carries the next datagram. Made when
// the handshake shows that both ends want it; all other connections pay one pointer.
// Frames are in multipath_frames.cc, the ways of acknowledgements in multipath_acks.cc, sending in multipath_send.cc,
// copies in multipath_copies.cc.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <vector>

#include "base/datagram.h"
#include "base/time.h"
#include "quic/congestion/coupling.h"
#include "quic/connection/copies.h"
#include "quic/connection/core.h"
#include "quic/connection/datagram_copies.h"
#include "quic/connection/path_totals.h"
#include "quic/connection/paths.h"
#include "quic/multipath/flow_schedulers.h"
#include "quic/multipath/path_scheduler.h"
#include "quic/path/path.h"
#include "quic/wire/frames/new_connection_id.h"
#include "quic/wire/frames/path_abandon.h"

namespace hawser::quic {

// What comes on a path, as far as its pauses are concerned: see multipath_acks.cc.
struct PathQuiet {
  // A pause that is longer says nothing about the pace of a path, but that it had nothing to do.
  static constexpr Duration kGapMax = 25ms;
  // Times that the same is told on another path, since one of them may be lost.
  static constexpr std::uint8_t kTold = 2;
  Timestamp heard_at = Timestamp::min();  // the latest train
  Duration gap = kGapMax;                 // between two of them, smoothed
  std::uint8_t to_tell = 0;               // so often what came last is still to be told on another path
};

// Acknowledgements of a path that come on another one than usually, in a row.
struct AckDetours {
  std::uint32_t count = 0;
  Timestamp first_at{};
  Timestamp last_at{};
};

// What acknowledgements told that came on another path than their path's usually do, until that path is silent or says
// it itself. All of them together: a receiver stops telling what it knows to have arrived here, so a later one may say
// less.
struct KeptAck {
  AckFrame frame;  // the latest, without its ranges
  RangeSet ranges;
};

// What is known of one Path ID, from when it may be used until nothing of it can come any more.
struct PathSlot {
  // Connection IDs that both ends issue before the path is used.
  struct Reserve {
    LocalCids local_cids;
    PeerCids peer_cids;
  };
  // What PATH_STATUS_AVAILABLE and PATH_STATUS_BACKUP say, of one end.
  struct Status {
    bool said = false;
    bool backup = false;
    bool owed = false;  // ours: to be sent
    std::uint64_t sequence = 0;
  };

  PathId id;
  std::unique_ptr<Reserve> reserve;  // while the path is not used
  std::unique_ptr<Path> path;        // from then on
  Status ours;
  Status peers;
  bool provisional = false;       // server: its first packet is being opened
  bool degraded = false;          // a probe timeout ran out, and nothing was acknowledged since
  bool failed = false;            // and another one
  std::uint32_t failed_ptos = 0;  // that ran out since then
  bool abandoned = false;         // PATH_ABANDON was sent or received: nothing is sent here any more
  bool abandon_owed = false;
  bool cids_blocked_owed = false;
  PathPreference preference;
  PathState told = PathState::kProbing;
  std::uint64_t error_code = 0;  // of our PATH_ABANDON
  Timestamp forget_at = kNever;
  std::uint64_t bytes_sent = 0;
  std::uint64_t bytes_received = 0;
  std::uint64_t heard = 0;  // bytes_received when the validation began
  std::uint64_t packets_lost = 0;
  Timestamp acknowledged_at = Timestamp::min();  // when it last was heard to acknowledge
  double loss = 0;                               // share of packets lost lately, 0 to 1
  Timestamp silent_since = Timestamp::min();     // it is degraded since then
  std::uint64_t told_to = 0;                     // what its acknowledgements on itself told so far ends here
  PathId acks_come_on;                           // the path on which its acknowledgements come
  bool acks_came = false;                        // there was one
  bool ack_detoured = false;                     // the one at hand came on another than that
  bool ack_merged = false;                       // it is taken with what another path told before
  bool ack_came_elsewhere = false;               // and than this one
  AckDetours detours;
  PathQuiet quiet;
  std::unique_ptr<KeptAck> kept_ack;  // made when there is one
  std::unique_ptr<CopyList> copies;   // what of other paths goes here too; made when it is first asked for
  std::unique_ptr<DatagramCopies> datagram_copies;  // likewise

  [[nodiscard]] bool open() const { return path != nullptr && !abandoned; }
  [[nodiscard]] LocalCids& local_cids() { return path != nullptr ? path->local_cids() : reserve->local_cids; }
  [[nodiscard]] PeerCids& peer_cids() { return path != nullptr ? path->peer_cids() : reserve->peer_cids; }
  [[nodiscard]] bool backup() const { return ours.backup || peers.backup; }
  [[nodiscard]] bool validated() const { return path->active().validated(); }
  // It may carry data: something gets through, as far as is known.
  [[nodiscard]] bool works() const { return open() && validated() && !degraded && !failed; }
  [[nodiscard]] bool has_datagram_copies() const { return datagram_copies != nullptr && !datagram_copies->empty(); }
  [[nodiscard]] bool has_copies() const { return (copies != nullptr && !copies->empty()) || has_datagram_copies(); }
  [[nodiscard]] bool has_urgent_copies() const {
    return (copies != nullptr && copies->has_urgent()) || has_datagram_copies();
  }
  [[nodiscard]] PathState state() const;
  [[nodiscard]] PathTraffic traffic() const {
    return {.octets_sent = bytes_sent, .octets_received = bytes_received, .packets_lost = packets_lost};
  }
};

class Multipath {
 public:
  // Both ends offered the extension: `local_max` and `peer_max` are their initial_max_path_id. `initial` is
  // the Path of the handshake.
  Multipath(ConnectionCore& core, std::unique_ptr<Path> initial, std::uint64_t local_max, std::uint64_t peer_max);

  // Paths. multipath.cc ------------------------------------------------------------------------------

  // Of a Path ID that may be used, is used, or was used a moment ago; nullptr for others.
  [[nodiscard]] PathSlot* find(PathId id);
  [[nodiscard]] PathSlot& at_hand();
  // The acknowledgement being read came on another path than its path's usually do.
  [[nodiscard]] bool ack_detoured() { return at_hand().ack_detoured; }
  [[nodiscard]] bool ack_merged() { return at_hand().ack_merged; }
  // The open Path with the lowest Path ID: what questions about "the" path are answered by.
  [[nodiscard]] Path& main_path();
  // Where a single packet goes that has to arrive.
  [[nodiscard]] Path& best_path();
  template <class Visit>
  void for_each_open(Visit&& visit) {
    for (const auto& slot : slots_)
      if (slot->open()) visit(*slot);
  }
  template <class Visit>
  void for_each_local_cid(Visit&& visit) const {
    for (const auto& slot : slots_)
      for (const LocalCids::Entry& entry : slot->local_cids().entries()) visit(entry.cid);
  }
  template <class Visit>
  void for_each_reset_token(Visit&& visit) const {
    for (const auto& slot : slots_)
      if (slot->open()) slot->path->peer_cids().for_each_token(visit);
  }
  bool take_reset_tokens_changed();
  [[nodiscard]] bool is_reset_token(Bytes token) const;
  [[nodiscard]] std::size_t memory() const;

  std::expected<PathId, PathRefusal> open_path(const FourTuple& tuple);
  std::expected<void, PathRefusal> abandon_path(PathId id, PathError error);
  std::expected<void, PathRefusal> set_status(PathId id, PathStatus status);
  std::expected<void, PathRefusal> set_preference(PathId id, PathPreference preference);

  // Schedulers. multipath_schedulers.cc

  std::expected<void, ConfigError> set_scheduler(std::string_view name);
  // See Connection::set_stream_scheduler; an empty name: the connection's scheduler again.
  std::expected<void, ConfigError> set_flow_scheduler(DemandKind kind, std::uint64_t flow, std::string_view name);
  void forget_flow(DemandKind kind, std::uint64_t flow);  // its scheduler, if it has one
  [[nodiscard]] const PathScheduler& scheduler() const { return *scheduler_; }
  // Controllers of the coupled kind form one group; after one was made.
  void couple_controllers();
  [[nodiscard]] std::vector<PathInfo> infos() const;
  [[nodiscard]] const MultipathStats& stats() const { return stats_; }
  [[nodiscard]] PathTotals totals() const;
  // On any of its paths.
  [[nodiscard]] bool peer_is_deaf(Timestamp now) const;
  // Of all paths: what key updates and the end of the connection wait for.
  [[nodiscard]] Duration largest_pto() const;
  [[nodiscard]] std::size_t least_mtu() const;
  // Octets of the longest connection ID that a packet on one of them has.
  [[nodiscard]] std::size_t longest_cid() const;
  void issue_connection_ids();

  // Receiving. ------------------------------------------------------------------------------------------

  // A run of datagrams to one of our connection IDs.
  void on_datagrams(MutableBytes bytes, std::size_t segment_size, const FourTuple& tuple, Ecn ecn);
  // A packet that came before it could be opened.
  void on_early_packet(MutableBytes packet, const ConnectionCore::Arrival& arrival);
  Parsed<void> on_frame(FrameReader& in, ConnectionCore::ReceivedPacket& packet);
  // Frames of RFC 9000 that speak of the path with Path ID 0, whichever they come on.
  Parsed<void> on_initial_path_ack(const AckFrame& frame, FrameReader& in);
  Parsed<void> on_new_cid(PathId id, const NewConnectionIdFrame& frame, FrameReader& in);
  Parsed<void> on_retire_cid(PathId id, std::uint64_t sequence, ConnectionCore::ReceivedPacket& packet);

  // The path at hand: something was acknowledged; its peer answered a challenge; its validation failed; a probe
  // timeout ran out.
  void on_acknowledged(const RecoveryOutcome& outcome);
  void on_validated();
  void on_validation_failed();
  void on_pto();
  void on_recovery(const RecoveryOutcome& outcome);

  // Sending. multipath_send.cc ---------------------------------------------------------------------------

  bool next_train(TransmitTrain& train, DatagramBuilder& builder);
  // The datagram after this one may carry data on the path at hand.
  [[nodiscard]] bool carries_data();
  // The path at hand carries what is said of its addresses, and has been chosen for nothing else.
  [[nodiscard]] bool only_reports();
  void on_datagram_sent(std::size_t size);
  // A probe of the path at hand carries nothing that another path could carry.
  [[nodiscard]] bool probes_empty();
  [[nodiscard]] bool has_frames() const;
  WriteResult write_frames(PacketPayload& out);
  // True: the packet carries copies, and nothing else of the application.
  bool write_copies(PacketPayload& out);
  // Where to put the datagrams of the next packet that may arrive twice; nullptr: they go on this path alone.
  [[nodiscard]] std::vector<DatagramToCopy>* datagrams_to_copy();
  // ACKs of other paths that go with the one of the path at hand. multipath_acks.cc
  void write_other_acks(PacketPayload& out);
  void on_frame_acked(const SentFrame& frame);
  void on_frame_lost(const SentFrame& frame);

  // Time. -------------------------------------------------------------------------------------------------

  [[nodiscard]] Timestamp next_timeout();
  void on_timeout();
  void rest();

 private:
  friend class ConnectionCore;

  [[nodiscard]] PathSlot* slot_of(Bytes dcid);
  void add_slot(PathId id);
  bool begin_path(PathSlot& slot, const FourTuple& tuple);
  // `open` with the path at hand that the connection ID is of, which a client's first packet begins.
  template <class Open>
  void receive(Bytes bytes, const FourTuple& tuple, Open&& open);
  void withdraw(PathSlot& slot);
  void validate(PathSlot& slot);
  void begin_to_validate(PathSlot& slot);
  void abandon(PathSlot& slot, std::uint64_t error_code);
  void forget(PathSlot& slot);
  void forget_what_is_over();
  void move_flight(PathSlot& slot);
  void note_state(PathSlot& slot);
  void tell(const PathSlot& slot, PathState before, bool gone);
  void tell_coupling();
  [[nodiscard]] bool another_lives(const PathSlot& slot) const;
  [[nodiscard]] Timestamp silent_at(const PathSlot& slot) const;
  void on_silence(PathSlot& slot);

  Parsed<void> on_path_ack(FrameReader& in);
  void note_ack_return(PathSlot& slot, Duration held);
  bool goes_elsewhere(PathSlot& slot);
  Parsed<void> take_ack_of(PathSlot& slot, const AckFrame& ack, FrameReader& in);
  static bool keep_ack(PathSlot& slot, const AckFrame& ack);
  void use_kept_ack(PathSlot& slot);
  Parsed<void> take_own_ack(PathSlot& slot, const AckFrame& ack, FrameReader& in);
  void note_heard(PathSlot& slot);
  [[nodiscard]] bool fell_quiet(const PathSlot& slot) const;
  void revive(PathSlot& slot);
  void note_silent(PathSlot& slot);
  void keep_asking(PathSlot& slot);
  bool shows_life(PathSlot& slot, const RecoveryOutcome& outcome);
  bool survives_crossing(const FourTuple& tuple);
  Parsed<void> on_abandon(FrameReader& in);
  Parsed<void> on_status(FrameReader& in);
  Parsed<void> on_max_path_id(FrameReader& in);
  Parsed<void> on_paths_blocked(FrameReader& in);
  Parsed<void> on_cids_blocked(FrameReader& in);
  // A Path ID of the peer's frame: nullptr if it is one that is over; PROTOCOL_VIOLATION if it is above what we
  // allow.
  Parsed<PathSlot*> slot_for(PathId id, FrameReader& in);

  WriteResult write_slot_frames(PathSlot& slot, PacketPayload& out);
  [[nodiscard]] bool may_send(PathSlot& slot) const;
  [[nodiscard]] bool owes_packet(PathSlot& slot) const;
  [[nodiscard]] std::uint64_t opening_octets(const PathSlot& slot) const;
  [[nodiscard]] bool owes_report(const Path& path) const;
  [[nodiscard]] PathFacts facts_of(PathSlot& slot) const;
  [[nodiscard]] Demand demand_now() const;
  void note_idle();
  [[nodiscard]] bool choice_holds();
  Path* choose();
  [[nodiscard]] PathScheduler& scheduler_of(const Demand& demand);
  void note_gave_up(const PathScheduler& scheduler, const Demand& demand);
  void forget_ended_flows();
  void forget_in_schedulers(PathId id);
  // multipath_copies.cc
  bool next_copies(TransmitTrain& train, DatagramBuilder& builder, bool urgent);
  bool next_data_train(TransmitTrain& train, DatagramBuilder& builder);
  void want_copies();
  bool want_sooner();
  bool repeat_tails();
  bool want_sooner(PathSlot& source, PathSlot& target, std::uint64_t packets);

  ConnectionCore& core_;
  std::vector<std::unique_ptr<PathSlot>> slots_;  // by Path ID, ascending; some are gone
  std::unique_ptr<PathScheduler> scheduler_;
  std::unique_ptr<FlowSchedulers> flow_schedulers_;  // of flows that have one of their own
  std::unique_ptr<CouplingGroup> coupling_;          // while there are coupled controllers
  std::uint64_t local_max_;      // the largest Path ID that we allow, and for which there was a slot
  std::uint64_t peer_max_;       // and the peer
  std::uint64_t next_path_ = 1;  // client: the Path ID that it opens next
  bool max_path_id_owed_ = false;
  bool paths_blocked_owed_ = false;
  bool tokens_changed_ = false;
  // The scheduler's answer, while its budget lasts.
  Path* chosen_ = nullptr;
  PathScheduler* chosen_by_ = nullptr;  // while there is a chosen_
  Demand chosen_for_;                   // likewise
  std::uint64_t budget_ = 0;
  std::array<PathSlot*, kMaxPaths> copy_to_{};  // where what goes on chosen_ goes too
  std::size_t copy_to_count_ = 0;
  std::vector<DatagramToCopy> to_copy_;  // datagrams in the packet that is written
  PathSlot* copying_ = nullptr;          // the train under way carries copies
  bool tail_repeated_ = false;           // what was sent since nothing was left to send may be second copies
  Timestamp ask_again_ = kNever;
  Timestamp alone_until_ = kNever;  // server: no path is open, and the client has until then to open one
  MultipathStats stats_;
  PathTraffic gone_first_;  // of paths that are forgotten
  PathTraffic gone_added_;
};

// What a Path says of itself.
PathInfo info_of(const Path& path);

}  // namespace hawser::quic
