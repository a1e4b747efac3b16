// waiting_clients.h: new clients that were admitted and wait for their handshake to begin. A handshake
// takes as long as a hundred packets of open connections; a batch of the socket begins one, so that
// those wait for one at most, and the socket's queue is read on meanwhile.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
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
  // Of one source, so that it cannot keep others out; the rest of a flood meets silence or a Retry.
  static constexpr std::size_t kMaxOfSource = 512;
  static constexpr std::size_t kMaxOctets = 1'500;  // larger datagrams do not wait

  [[nodiscard]] bool empty() const { return clients_.empty(); }
  [[nodiscard]] std::size_t size() const { return clients_.size(); }
  [[nodiscard]] std::size_t most() const { return most_; }

  [[nodiscard]] bool has_room(Admission::Source source) const {
    if (clients_.size() < kMaxOfSource) return true;
    if (clients_.size() >= kMax) return false;
    const auto of_source = std::count_if(clients_.begin(), clients_.end(),
                                         [source](const WaitingClient& client) { return client.source == source; });
    return static_cast<std::size_t>(of_source) < kMaxOfSource;
  }
  void add(WaitingClient client) {
    clients_.push_back(std::move(client));
    most_ = std::max(most_, clients_.size());
  }
  // Another datagram of one that waits; false: none does by that connection ID.
  bool add_to(std::uint64_t cid, Bytes datagram) {
    if (clients_.empty()) return false;
    const auto client =
        std::find_if(clients_.begin(), clients_.end(), [cid](const WaitingClient& other) { return other.cid == cid; });
    if (client == clients_.end()) return false;
    if (client->datagrams.size() < WaitingClient::kMaxDatagrams && datagram.size() <= kMaxOctets)
      client->datagrams.emplace_back(datagram.begin(), datagram.end());
    return true;
  }
  // The one that came first; !empty().
  WaitingClient take() {
    WaitingClient client = std::move(clients_.front());
    clients_.pop_front();
    return client;
  }

 private:
  std::deque<WaitingClient> clients_;
  std::size_t most_ = 0;
};

}  // namespace hawser::quic
