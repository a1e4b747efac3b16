// waiting_clients.h: new clients that were admitted and wait for their handshake to begin. A handshake
// takes some 0.2 ms, as long as a hundred packets of open connections; a batch of the socket begins one, so that
// those wait for one at most, and the socket's queue is read on meanwhile. Sources take turns: whoever sends
// many clients keeps others waiting for one of them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <map>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/datagram.h"
#include "quic/endpoint/address_token.h"
#include "quic/endpoint/admission.h"

namespace hawser::quic {

struct WaitingClient {
  std::uint64_t cid = 0;  // hash of its Destination Connection ID
  Admission::Source source;
  FourTuple tuple;
  Ecn ecn = Ecn::kNotEct;
  std::optional<AddressTokens::Verdict> verdict;  // of its token
  // Its first datagram and what came after it. A ClientHello with a post-quantum share takes two; the
  // rest is sent again.
  static constexpr std::size_t kMaxDatagrams = 3;
  std::vector<std::vector<std::uint8_t>> datagrams;
};

class WaitingClients {
 public:
  // At some 0.2 ms a handshake the last of them waits 0.4 s, less than it takes to send again. With two
  // datagrams of 1,500 octets each 6 MB.
  static constexpr std::size_t kMax = 2'048;
  // Of one source; the rest of a flood meets silence or a Retry.
  static constexpr std::size_t kMaxOfSource = 512;
  static constexpr std::size_t kMaxOctets = 1'500;  // larger datagrams do not wait

  [[nodiscard]] bool empty() const { return queue_.empty(); }
  [[nodiscard]] std::size_t size() const { return queue_.size(); }
  [[nodiscard]] std::size_t most() const { return most_; }

  // One more of that source finds a place, if need be that of one whose turn is later.
  [[nodiscard]] bool has_room(Admission::Source source) const {
    if (queue_.size() < kMaxOfSource) return true;
    const auto found = sources_.find(key(source));
    if (found != sources_.end() && found->second.waiting >= kMaxOfSource) return false;
    return queue_.size() < kMax || round_for(source) < std::prev(queue_.end())->first;
  }
  // True if another had to go for it. has_room() is true.
  bool add(WaitingClient client) {
    const bool displaces = queue_.size() >= kMax;
    if (displaces) erase(std::prev(queue_.end()));
    const std::uint64_t round = round_for(client.source);
    SourceState& state = sources_[key(client.source)];
    state.last_round = round;
    ++state.waiting;
    const std::uint64_t cid = client.cid;
    by_cid_[cid] = queue_.emplace(round, std::move(client));
    most_ = std::max(most_, queue_.size());
    return displaces;
  }
  // Another datagram of one that waits; false: none does by that connection ID.
  bool add_to(std::uint64_t cid, Bytes datagram) {
    const auto found = by_cid_.find(cid);
    if (found == by_cid_.end()) return false;
    WaitingClient& client = found->second->second;
    if (client.datagrams.size() < WaitingClient::kMaxDatagrams && datagram.size() <= kMaxOctets)
      client.datagrams.emplace_back(datagram.begin(), datagram.end());
    return true;
  }
  // The one whose turn it is; !empty().
  WaitingClient take() {
    const auto first = queue_.begin();
    WaitingClient client = std::move(first->second);
    if (first->first > round_) begin_round(first->first);
    erase(first);
    // New sources may come without end, and the others shall not wait for all of them.
    if (++taken_ == kMax) begin_round(round_ + 1);
    return client;
  }

 private:
  // In each round a source has one turn; those of a round stand in the order in which they came.
  using Queue = std::multimap<std::uint64_t, WaitingClient>;
  // Kept while it waits or has had its turn in this round: 2 x kMax of them at most.
  struct SourceState {
    std::uint64_t last_round = 0;
    std::size_t waiting = 0;
  };

  static std::uint32_t key(Admission::Source source) { return std::uint32_t{source.slots[0]} << 16 | source.slots[1]; }
  [[nodiscard]] std::uint64_t round_for(Admission::Source source) const {
    const auto found = sources_.find(key(source));
    return found == sources_.end() ? round_ : std::max(round_, found->second.last_round + 1);
  }
  void begin_round(std::uint64_t round) {
    round_ = round;
    taken_ = 0;
    std::erase_if(sources_,
                  [round](const auto& entry) { return entry.second.waiting == 0 && entry.second.last_round < round; });
  }
  void erase(Queue::iterator at) {
    --sources_[key(at->second.source)].waiting;
    by_cid_.erase(at->second.cid);
    queue_.erase(at);
  }

  Queue queue_;
  std::unordered_map<std::uint64_t, Queue::iterator> by_cid_;
  std::unordered_map<std::uint32_t, SourceState> sources_;
  std::uint64_t round_ = 0;
  std::size_t taken_ = 0;  // in this round
  std::size_t most_ = 0;
};

}  // namespace hawser::quic
