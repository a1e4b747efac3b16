// perf_datagrams.h: DATAGRAM frames of `hawser perf`: what the client sends at a rate or as fast as the path
// takes them, what the server sends back, and the account of what was lost where.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "perf_histogram.h"
#include "perf_protocol.h"
#include "quic/connection/connection.h"
#include "quic/datagrams/datagram_order.h"

namespace hawser::perf {

// What each connection sends.
struct DatagramPlan {
  std::size_t size = 0;       // octets of payload; 0: no datagrams at all
  std::uint64_t count = 0;    // in all; kUnlimited: until stop()
  Duration period{0};         // from one to the next; 0: as fast as they go
  bool returned = true;       // the server sends each back
  Duration lifetime{0};       // in the sender's queue; 0: as long as it takes
  std::size_t queue_max = 0;  // in the sender's queue; 0: as the transport has it
  quic::DatagramDrop drop = quic::DatagramDrop::kOldest;
  Duration in_order{0};  // held so long for those before them when they come back; 0: taken as they come
};

// What became of them, seen from the client.
struct DatagramAccount {
  std::uint64_t offered = 0;  // to the transport
  quic::DatagramStats transport;
  std::uint64_t returned = 0;
  std::uint64_t reordered = 0;  // returned after a later one
  quic::DatagramOrderStats order;
  Duration jitter{0};  // mean difference of neighbours' delays, smoothed as RFC 3550 section 6.4.1 does
  void add(const DatagramAccount& o);
};

// The client's side of one connection.
class DatagramLoad {
 public:
  explicit DatagramLoad(const DatagramPlan& plan);

  // Empty: it can begin.
  std::string start(quic::Connection& connection, Timestamp now);
  // Sends what has fallen due, or what finds room; returns how many.
  std::uint64_t send(quic::Connection& connection, Timestamp now);
  void stop() { stopped_ = true; }
  // Something came back: how many of ours are taken now, whose delays are added to `delays`.
  std::uint64_t on_datagram(Bytes payload, Timestamp now, Histogram& delays);
  // Those that were held long enough.
  std::uint64_t on_time(Timestamp now, Histogram& delays);

  // When the next is to be sent or taken; kNever: it goes by the room in the queue, or there is none.
  [[nodiscard]] Timestamp due() const {
    const Timestamp next = done() || plan_.period == Duration{0} ? kNever : due_;
    return order_ ? std::min(next, order_->due()) : next;
  }
  // All that the plan asks for were offered.
  [[nodiscard]] bool done() const { return stopped_ || account_.offered >= plan_.count; }
  [[nodiscard]] DatagramAccount account(const quic::Connection* connection) const;

 private:
  bool send_one(quic::Connection& connection, Timestamp now);
  void note_returned(const DatagramHeader& header, Timestamp now);
  // Calls take(deliver) and says how often that delivered.
  template <class Take>
  std::uint64_t taken(Timestamp now, Histogram& delays, Take&& take);

  DatagramPlan plan_;
  std::vector<std::uint8_t> payload_;
  DatagramAccount account_;
  Timestamp due_ = kNever;
  Duration last_delay_{0};
  std::uint64_t next_returned_ = 0;  // behind the latest that came back
  bool stopped_ = false;
  std::optional<quic::DatagramOrder> order_;
};

// The server's side: sends back what asks for it.
void answer_datagram(quic::Connection& connection, Bytes payload);

}  // namespace hawser::perf
