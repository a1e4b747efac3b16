// load_stats.cc: sums over connections and workers.
#include "load_stats.h"

namespace hawser::load {

void Stats::add_transport(const quic::ConnectionStats& connection) {
  udp_octets_received += connection.bytes_received;
  udp_octets_sent += connection.bytes_sent;
  packets_lost += connection.packets_lost;
}

void Stats::add_all(const Stats& o) {
  requests_started += o.requests_started;
  requests_succeeded += o.requests_succeeded;
  requests_errored += o.requests_errored;
  requests_timed_out += o.requests_timed_out;
  requests_unanswered += o.requests_unanswered;
  for (std::size_t i = 0; i < statuses.size(); ++i) statuses[i] += o.statuses[i];
  body_octets += o.body_octets;
  udp_octets_received += o.udp_octets_received;
  udp_octets_sent += o.udp_octets_sent;
  packets_lost += o.packets_lost;
  reconnects += o.reconnects;
  connections_renewed += o.connections_renewed;
  connections_resumed += o.connections_resumed;
  early_accepted += o.early_accepted;
  early_rejected += o.early_rejected;
  early_requests += o.early_requests;
  handshakes.add_all(o.handshakes);
  first_octets.add_all(o.first_octets);
  latencies.add_all(o.latencies);
  shares.insert(shares.end(), o.shares.begin(), o.shares.end());
  if (failure.empty()) failure = o.failure;
}

}  // namespace hawser::load
