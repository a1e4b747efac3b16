// perf_datagrams.cc: sending on time, and delays from what comes back.
#include "perf_datagrams.h"

#include <fmt/format.h>

#include <algorithm>

namespace hawser::perf {
namespace {

// Catching up after a thread slept too long: more at once would only fill the queue.
constexpr int kAtOnceMax = 256;

// What may be held to be put in order: 100,000 datagrams a second for 0.16 s.
constexpr std::size_t kHeldMax = 16'384;
constexpr std::size_t kHeldOctetsMax = std::size_t{32} << 20;

}  // namespace

void DatagramAccount::add(const DatagramAccount& o) {
  offered += o.offered;
  returned += o.returned;
  reordered += o.reordered;
  jitter = std::max(jitter, o.jitter);
  for (const auto counter :
       {&quic::DatagramOrderStats::in_order, &quic::DatagramOrderStats::held, &quic::DatagramOrderStats::late,
        &quic::DatagramOrderStats::copies, &quic::DatagramOrderStats::given_up})
    order.*counter += o.order.*counter;
  for (const auto counter :
       {&quic::DatagramStats::queued, &quic::DatagramStats::sent, &quic::DatagramStats::acknowledged,
        &quic::DatagramStats::lost, &quic::DatagramStats::expired, &quic::DatagramStats::dropped,
        &quic::DatagramStats::refused, &quic::DatagramStats::octets_sent, &quic::DatagramStats::received,
        &quic::DatagramStats::octets_received, &quic::DatagramStats::waiting, &quic::DatagramStats::octets_waiting})
    transport.*counter += o.transport.*counter;
}

DatagramLoad::DatagramLoad(const DatagramPlan& plan) : plan_(plan), payload_(plan.size) {
  if (plan.in_order > Duration{0})
    order_.emplace(quic::DatagramOrderLimits{.wait = plan.in_order, .count = kHeldMax, .octets = kHeldOctetsMax});
}

std::string DatagramLoad::start(quic::Connection& connection, Timestamp now) {
  const std::size_t most = connection.max_datagram_payload();
  if (most == 0) return "the server takes no datagrams";
  if (plan_.size > most) return fmt::format("datagrams of this connection have at most {} octets", most);
  quic::DatagramFlow flow{.drop = plan_.drop, .lifetime = plan_.lifetime};
  // Put in order they are known by their number.
  flow.copies = order_.has_value();
  if (plan_.queue_max != 0) flow.queue_max = plan_.queue_max;
  // At full speed it is the queue that sets the pace.
  if (plan_.period == Duration{0}) flow.drop = quic::DatagramDrop::kNewest;
  (void)connection.set_datagram_flow(0, flow);
  due_ = now;
  return "";
}

std::uint64_t DatagramLoad::send(quic::Connection& connection, Timestamp now) {
  const std::uint64_t before = account_.offered;
  if (plan_.period == Duration{0}) {
    while (!done() && send_one(connection, now)) {
    }
    return account_.offered - before;
  }
  for (int i = 0; i < kAtOnceMax && !done() && due_ <= now; ++i) {
    (void)send_one(connection, due_);
    due_ += plan_.period;
  }
  // What could not be caught up with is left out.
  if (due_ <= now) due_ = now + plan_.period;
  return account_.offered - before;
}

// `time`: from when the delay counts.
bool DatagramLoad::send_one(quic::Connection& connection, Timestamp time) {
  const DatagramHeader header{.op = plan_.returned ? DatagramOp::kReturn : DatagramOp::kCount,
                              .number = account_.offered,
                              .time_ns = static_cast<std::uint64_t>(time.time_since_epoch().count())};
  encode(header, payload_);
  const bool taken = connection.send_datagram(payload_).has_value();
  if (!taken && plan_.period == Duration{0}) return false;
  ++account_.offered;
  return taken;
}

template <class Take>
std::uint64_t DatagramLoad::taken(Timestamp now, Histogram& delays, Take&& take) {
  std::uint64_t count = 0;
  take([&](Bytes payload) {
    const auto header = decode_datagram_header(payload);
    delays.add(now - Timestamp(Duration{static_cast<std::int64_t>(header->time_ns)}));
    ++count;
  });
  return count;
}

std::uint64_t DatagramLoad::on_time(Timestamp now, Histogram& delays) {
  if (!order_) return 0;
  return taken(now, delays, [&](auto&& deliver) { order_->on_time(now, deliver); });
}

std::uint64_t DatagramLoad::on_datagram(Bytes payload, Timestamp now, Histogram& delays) {
  const auto header = decode_datagram_header(payload);
  if (!header || header->op != DatagramOp::kReturned) return 0;
  if (!order_) {
    note_returned(*header, now);
    return taken(now, delays, [&](auto&& deliver) { deliver(payload); });
  }
  // What came over one path counts, a copy of it does not.
  return taken(now, delays, [&](auto&& deliver) {
    if (order_->push(header->number, payload, now, deliver) != quic::DatagramArrival::kCopy)
      note_returned(*header, now);
  });
}

void DatagramLoad::note_returned(const DatagramHeader& header, Timestamp now) {
  const Duration delay = now - Timestamp(Duration{static_cast<std::int64_t>(header.time_ns)});
  if (account_.returned != 0) {
    const Duration difference = delay > last_delay_ ? delay - last_delay_ : last_delay_ - delay;
    account_.jitter += (difference - account_.jitter) / 16;
  }
  last_delay_ = delay;
  ++account_.returned;
  if (header.number < next_returned_) {
    ++account_.reordered;
  } else {
    next_returned_ = header.number + 1;
  }
}

DatagramAccount DatagramLoad::account(const quic::Connection* connection) const {
  DatagramAccount account = account_;
  if (connection != nullptr) account.transport = connection->datagram_stats();
  if (order_) account.order = order_->stats();
  return account;
}

void answer_datagram(quic::Connection& connection, Bytes payload) {
  auto header = decode_datagram_header(payload);
  if (!header || header->op != DatagramOp::kReturn) return;
  header->op = DatagramOp::kReturned;
  std::array<std::uint8_t, 65'536> answer;
  std::copy(payload.begin(), payload.end(), answer.begin());
  encode(*header, MutableBytes(answer).first(payload.size()));
  // No room, or a smaller MTU in this direction: lost on the way back, which is what the client sees.
  (void)connection.send_datagram(Bytes(answer).first(payload.size()));
}

}  // namespace hawser::perf
