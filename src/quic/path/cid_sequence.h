// cid_sequence.h: the connection IDs of one Path (RFC 9000 section 5.1): those we issue to
// the peer, and those it issues to us.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/range_set.h"
#include "base/result.h"
#include "quic/wire/errors.h"
#include "quic/wire/packet_payload.h"
#include "quic/wire/types.h"

namespace hawser::quic {

// Connection IDs per Path and direction. Two network paths in use need two, a migration two
// more, and as many again wait for retirement; 8 is also what we declare as
// active_connection_id_limit.
inline constexpr std::size_t kMaxActiveCids = 8;
// Of our own: those in force, and as many that the peer has been asked to retire.
inline constexpr std::size_t kMaxLocalCids = kMaxActiveCids * 2;
// RETIRE_CONNECTION_ID owed or in flight (RFC 9000 section 5.1.2: at least twice the limit).
inline constexpr std::size_t kMaxPendingRetirements = kMaxActiveCids * 3;
// Disjoint runs of sequence numbers seen. A peer issues them in order; reordering within one
// window of kMaxActiveCids numbers leaves at most that many gaps.
inline constexpr std::size_t kMaxSeenCidRanges = kMaxActiveCids * 2;

inline constexpr std::uint64_t kFrameTypeNewConnectionId = 0x18;
inline constexpr std::uint64_t kFrameTypeRetireConnectionId = 0x19;
inline constexpr std::uint64_t kFrameTypePathNewConnectionId = 0x3e78;
inline constexpr std::uint64_t kFrameTypePathRetireConnectionId = 0x3e79;

// Connection IDs that the peer puts into packets to us.
class LocalCids {
 public:
  struct Entry {
    enum class State : std::uint8_t { kToSend, kSent, kAcked };
    std::uint64_t sequence = 0;
    ConnectionId cid;
    StatelessResetToken token{};
    State state = State::kToSend;
  };

  // `path_id` set: frames of the multipath extension name it.
  explicit LocalCids(std::optional<PathId> path_id = std::nullopt) : path_id_(path_id) {}

  // The connection ID of the handshake (sequence number 0) or of preferred_address (1): known
  // to the peer without a frame. Returns its sequence number.
  std::uint64_t add_known(const ConnectionId& cid, const StatelessResetToken& token);
  // The peer's active_connection_id_limit; at least 2, see transport parameters.
  void set_peer_limit(std::uint64_t active_connection_id_limit);
  // How many more to issue: generate each, register it for routing, and call issue.
  [[nodiscard]] std::size_t wanted() const;
  // Returns the sequence number. wanted() > 0.
  std::uint64_t issue(const ConnectionId& cid, const StatelessResetToken& token);
  // Asks the peer to retire all issued so far (RFC 9000 section 5.1.2): the next
  // NEW_CONNECTION_ID frames carry this retire_prior_to. Then issue successors.
  void retire_all_issued();

  // RETIRE_CONNECTION_ID of `sequence` in a packet to `arrived_on`. Gives the connection ID to
  // stop routing, or nothing if it was retired before. PROTOCOL_VIOLATION: never issued, or
  // the one it arrived on (section 19.16).
  Parsed<std::optional<ConnectionId>> on_retire_connection_id(std::uint64_t sequence, const ConnectionId& arrived_on);

  [[nodiscard]] bool has_frames() const { return to_send_ != 0; }
  // Writes the NEW_CONNECTION_ID frames that are due.
  WriteResult write_new_connection_ids(PacketPayload& out);
  void on_new_connection_id_acked(std::uint64_t sequence);
  void on_new_connection_id_lost(std::uint64_t sequence);

  [[nodiscard]] const Entry* find(const ConnectionId& cid) const;
  // The sequence number of the one that will be issued next.
  [[nodiscard]] std::uint64_t next_sequence() const { return next_sequence_; }
  // Those that the peer has not retired: packets to them are for this connection.
  [[nodiscard]] const std::vector<Entry>& entries() const { return entries_; }
  [[nodiscard]] std::size_t active() const { return entries_.size(); }
  // Octets on the heap.
  [[nodiscard]] std::size_t memory() const { return entries_.capacity() * sizeof(Entry); }

 private:
  std::uint64_t add(const ConnectionId& cid, const StatelessResetToken& token, Entry::State state);
  Entry* by_sequence(std::uint64_t sequence);
  void set_state(Entry& entry, Entry::State state);

  std::optional<PathId> path_id_;
  std::vector<Entry> entries_;  // at most kMaxLocalCids
  std::size_t to_send_ = 0;     // entries in State::kToSend: each packet asks whether there are any
  std::uint64_t next_sequence_ = 0;
  std::uint64_t retire_prior_to_ = 0;
  std::size_t peer_limit_ = 2;
};

// What a NEW_CONNECTION_ID frame carries, its encoding already checked.
struct NewCid {
  std::uint64_t sequence = 0;
  std::uint64_t retire_prior_to = 0;
  ConnectionId cid;
  StatelessResetToken token{};
};

// Connection IDs that we put into packets to the peer.
class PeerCids {
 public:
  struct Entry {
    std::uint64_t sequence = 0;
    ConnectionId cid;
    std::optional<StatelessResetToken> token;
    bool in_use = false;  // a NetworkPath sends with it
  };

  explicit PeerCids(std::optional<PathId> path_id = std::nullopt) : path_id_(path_id) {}

  // The peer's handshake connection ID: sequence number 0, in use at once.
  void set_initial(const ConnectionId& cid);
  // The stateless_reset_token transport parameter: belongs to sequence number 0.
  void set_initial_token(const StatelessResetToken& token);
  // preferred_address: sequence number 1.
  void add_preferred(const ConnectionId& cid, const StatelessResetToken& token);

  // PROTOCOL_VIOLATION: a number or connection ID reused for something else, or the peer uses
  // zero-length connection IDs. FRAME_ENCODING_ERROR: retire_prior_to above sequence.
  // CONNECTION_ID_LIMIT_ERROR: more than kMaxActiveCids active, or too many retirements owed.
  // After it, a NetworkPath whose number is_active() denies must take_unused().
  Parsed<void> on_new_connection_id(const NewCid& frame);

  // Whether this connection ID is one of them.
  [[nodiscard]] bool holds(const ConnectionId& cid) const;

  // A number for a NetworkPath to use, lowest first; empty if none is spare.
  std::optional<std::uint64_t> take_unused();
  [[nodiscard]] bool has_unused() const;
  // What take_unused() gave and no packet was sent with.
  void give_back(std::uint64_t sequence);
  // The sequence number that the next new one should have.
  [[nodiscard]] std::uint64_t next_expected() const { return seen_.empty() ? 0 : seen_.highest().end; }
  // No longer used here: it is retired, and RETIRE_CONNECTION_ID is owed.
  void retire(std::uint64_t sequence);
  [[nodiscard]] bool is_active(std::uint64_t sequence) const { return find(sequence) != nullptr; }
  // nullptr if it is not active. Valid until the next call that is not const.
  [[nodiscard]] const Entry* find(std::uint64_t sequence) const;
  // Whether `token` belongs to a connection ID in use: the datagram is a stateless reset. Those of
  // connection IDs not used yet must not be looked at (RFC 9000 section 10.3.1). Compares in
  // constant time per token.
  [[nodiscard]] bool is_reset_token(Bytes token) const;
  // Calls visit(token) for each connection ID in use that has a token: one, and a few while
  // the peer moves.
  template <class Visit>
  void for_each_token(Visit&& visit) const {
    for (const Entry& entry : entries_)
      if (entry.in_use && entry.token) visit(*entry.token);
  }
  // True once after what for_each_token() visits may have changed.
  bool take_tokens_changed() { return std::exchange(tokens_changed_, false); }

  [[nodiscard]] bool has_frames() const;
  // Writes the RETIRE_CONNECTION_ID frames that are due.
  WriteResult write_retirements(PacketPayload& out);
  void on_retirement_acked(std::uint64_t sequence);
  void on_retirement_lost(std::uint64_t sequence);

  [[nodiscard]] std::size_t active() const { return entries_.size(); }
  [[nodiscard]] std::size_t pending_retirements() const { return retirements_.size(); }
  // Octets on the heap.
  [[nodiscard]] std::size_t memory() const {
    return entries_.capacity() * sizeof(Entry) + retirements_.capacity() * sizeof(Retirement) + seen_.memory();
  }

 private:
  struct Retirement {
    std::uint64_t sequence = 0;
    bool sent = false;
  };

  Parsed<void> check_reuse(const NewCid& frame) const;
  Parsed<void> retire_below(std::uint64_t retire_prior_to);
  bool owe_retirement(std::uint64_t sequence);
  bool insert(const NewCid& frame);
  [[nodiscard]] std::unexpected<TransportError> too_many_retirements() const;
  [[nodiscard]] std::uint64_t new_cid_type() const {
    return path_id_.has_value() ? kFrameTypePathNewConnectionId : kFrameTypeNewConnectionId;
  }

  std::optional<PathId> path_id_;
  std::vector<Entry> entries_;           // at most kMaxActiveCids
  std::vector<Retirement> retirements_;  // at most kMaxPendingRetirements
  std::uint64_t retire_prior_to_ = 0;
  RangeSet seen_;  // sequence numbers received
  bool zero_length_ = false;
  bool tokens_changed_ = false;
};

}  // namespace hawser::quic
