// stateless_replies.h: answers to packets that belong to no connection: Retry, Version
// Negotiation, refusals and stateless resets. Few, rate-limited, and never larger than what
// they answer, so that nobody can be flooded by way of us.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <vector>

#include "base/datagram.h"
#include "base/random.h"
#include "base/time.h"
#include "quic/connection/cid_generator.h"
#include "quic/wire/packet_header.h"

namespace hawser::quic {

class StatelessReplies {
 public:
  // Replies that wait for the driver; more are not made. Some 200 octets each: 400 KB.
  static constexpr std::size_t kMaxQueued = 2'048;

  // At most `per_second` replies a second, in bursts of a tenth of that.
  explicit StatelessReplies(std::size_t per_second) : per_second_(per_second) {}

  // Whether one more reply may be made now; counts it. Retries are counted by who asks for them.
  bool admit(Timestamp now);
  [[nodiscard]] bool has_room() const { return queue_.size() < kMaxQueued; }

  // Offers `supported`, and a version that nobody speaks if `reserved`.
  void add_version_negotiation(const PacketHeader& header, const FourTuple& tuple, std::span<const Version> supported,
                               bool reserved, Random& random);
  void add_retry(const PacketHeader& header, const FourTuple& tuple, const ConnectionId& retry_scid, Bytes token,
                 Random& random);
  // An Initial with CONNECTION_CLOSE under the Initial keys of `header`'s connection ID.
  void add_refusal(const PacketHeader& header, const FourTuple& tuple, std::uint64_t error_code, CidGenerator& cids);
  // False if the received datagram was too small to answer (RFC 9000 section 10.3.3).
  bool add_reset(Bytes received, const FourTuple& tuple, CidGenerator& cids);

  [[nodiscard]] bool empty() const { return queue_.empty(); }
  // Moves the oldest reply into `train`; !empty().
  void take(TransmitTrain& train);

 private:
  struct Reply {
    FourTuple tuple;
    std::vector<std::uint8_t> octets;
  };
  void push(const FourTuple& tuple, std::vector<std::uint8_t> octets);

  std::size_t per_second_;
  double tokens_ = 0;
  Timestamp refilled_{};
  std::deque<Reply> queue_;
};

}  // namespace hawser::quic
