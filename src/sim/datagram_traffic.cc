// datagram_traffic.cc: sending in flows, and the accounts.
#include "sim/datagram_traffic.h"

#include <algorithm>

#include "sim/transfer_plan.h"

namespace hawser::sim {
namespace {

using quic::DatagramFate;

constexpr std::size_t kSizeMax = 1'000;  // octets
constexpr std::size_t kSizeMin = 16;     // for number and sender

bool has(std::uint8_t fates, DatagramFate fate) {
  return (fates & quic::report_of(fate)) != 0;
}

}  // namespace

void DatagramTraffic::begin(quic::Connection& connection) {
  flows_.resize(profile_.datagram_flows + 1);
  next_in_flow_.resize(flows_.size());
  for (std::size_t id = 0; id < flows_.size(); ++id) {
    quic::DatagramFlow& flow = flows_[id];
    flow.reports = quic::kReportAll;
    if (id != 0) {
      flow.urgency = static_cast<std::uint8_t>(random_.below(8));
      flow.drop = static_cast<quic::DatagramDrop>(random_.below(3));
      if (random_.below(2) == 0) flow.lifetime = 1us + Duration{static_cast<std::int64_t>(random_.below(200'000'000))};
      flow.queue_max = 1 + random_.below(40);
      flow.queue_octets_max = 1 + random_.below(20'000);
    }
    if (!connection.set_datagram_flow(id, flow).has_value() && !connection.closed()) fail("a flow was refused");
  }
}

void DatagramTraffic::send(quic::Connection& connection, std::uint32_t burst) {
  if (profile_.datagrams == 0) return;
  payload_.resize(kSizeMax);
  for (; sent_.size() < profile_.datagrams && burst > 0; --burst) {
    const std::size_t room = std::min(payload_.size(), connection.max_datagram_payload());
    if (room < kSizeMin) return;
    if (flows_.empty()) begin(connection);
    const std::uint64_t number = sent_.size();
    const std::size_t size = fill_datagram(number, role_, MutableBytes{payload_}.first(room));
    const quic::DatagramFlowId flow = random_.below(flows_.size());
    const auto taken = connection.send_datagram(Bytes{payload_}.first(size), {.flow = flow, .id = number});
    if (!taken.has_value()) {
      if (taken.error() != quic::DatagramError::kQueueFull && taken.error() != quic::DatagramError::kClosed)
        fail("send_datagram was refused for no reason of its contract");
      return;
    }
    sent_.push_back({.flow = flow,
                     .size = static_cast<std::uint32_t>(size),
                     .pushed = connection.now(),
                     .lifetime = flows_[flow].lifetime});
  }
}

void DatagramTraffic::on_received(Bytes payload) {
  if (!is_datagram_of(quic::peer_of(role_), payload)) return fail("a DATAGRAM payload was changed");
  const std::uint64_t number = number_of_datagram(payload);
  if (number >= received_.size()) received_.resize(number + 1);
  if (received_[number]) fail("datagram " + std::to_string(number) + " came twice");
  received_[number] = true;
}

void DatagramTraffic::on_reports(quic::Connection& connection, std::span<const quic::DatagramReport> reports) {
  for (const quic::DatagramReport& report : reports) on_report(report, connection.now());
}

void DatagramTraffic::on_report(const quic::DatagramReport& report, Timestamp now) {
  // A report may come before send_datagram() has returned.
  if (report.id > sent_.size()) return fail("a report about a datagram that was never pushed");
  if (report.id == sent_.size()) return;
  Sent& sent = sent_[report.id];
  const std::string name = "datagram " + std::to_string(report.id);
  if (report.flow != sent.flow || report.size != sent.size) fail(name + ": a report with another flow or size");
  if (has(sent.fates, report.fate)) fail(name + ": the same fate twice");
  switch (report.fate) {
    case DatagramFate::kSent:
      if (sent.fates != 0) fail(name + " was sent after it was given up");
      if (report.id < next_in_flow_[sent.flow]) fail(name + " passed a later one of its flow");
      next_in_flow_[sent.flow] = report.id + 1;
      break;
    case DatagramFate::kAcknowledged:
    case DatagramFate::kLost:
      if (!has(sent.fates, DatagramFate::kSent)) fail(name + " was resolved without having been sent");
      if (report.fate == DatagramFate::kLost && has(sent.fates, DatagramFate::kAcknowledged))
        fail(name + " was lost after it was acknowledged");
      break;
    case DatagramFate::kExpired:
      if (sent.fates != 0) fail(name + " expired after it was sent or given up");
      if (sent.lifetime == Duration{0} || now - sent.pushed < sent.lifetime) fail(name + " expired before its time");
      break;
    case DatagramFate::kDropped:
      if (sent.fates != 0) fail(name + " was dropped after it was sent or given up");
      break;
  }
  sent.fates |= quic::report_of(report.fate);
}

void DatagramTraffic::check_arrivals(const DatagramTraffic& peer) {
  for (std::size_t number = 0; number < sent_.size(); ++number) {
    const bool arrived = number < peer.received_.size() && peer.received_[number];
    if (has(sent_[number].fates, DatagramFate::kAcknowledged) && !arrived)
      fail("datagram " + std::to_string(number) + " was acknowledged and never arrived");
    if (arrived && has(sent_[number].fates, DatagramFate::kExpired))
      fail("datagram " + std::to_string(number) + " expired and arrived");
  }
  if (peer.received_.size() > sent_.size()) fail("more datagrams arrived than were sent");
}

void DatagramTraffic::fail(const std::string& what) {
  verdict_.fail(std::string{role_ == quic::Role::kClient ? "client: " : "server: "} + what);
}

}  // namespace hawser::sim
