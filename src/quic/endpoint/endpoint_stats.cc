// endpoint_stats.cc: adds up what the endpoints of one server counted.
#include "quic/endpoint/endpoint.h"

namespace hawser::quic {

Admission::Stats& Admission::Stats::operator+=(const Stats& other) {
  initials_over_source_rate += other.initials_over_source_rate;
  initials_owed_for_floods += other.initials_owed_for_floods;
  handshakes_ignored += other.handshakes_ignored;
  handshakes_refused += other.handshakes_refused;
  replies_over_source_rate += other.replies_over_source_rate;
  retry_switched_on += other.retry_switched_on;
  handshakes_open += other.handshakes_open;
  handshakes_open_most += other.handshakes_open_most;
  handshake_memory += other.handshake_memory;
  handshake_memory_most += other.handshake_memory_most;
  return *this;
}

EndpointStats& EndpointStats::operator+=(const EndpointStats& other) {
  connections_accepted += other.connections_accepted;
  connections_refused += other.connections_refused;
  connections_open += other.connections_open;
  datagrams_received += other.datagrams_received;
  datagrams_dropped += other.datagrams_dropped;
  retries_sent += other.retries_sent;
  version_negotiations_sent += other.version_negotiations_sent;
  stateless_resets_sent += other.stateless_resets_sent;
  floods_ended += other.floods_ended;
  deaf_peers_ended += other.deaf_peers_ended;
  hoarders_ended += other.hoarders_ended;
  clients_waited += other.clients_waited;
  clients_turned_away += other.clients_turned_away;
  clients_waiting_most += other.clients_waiting_most;
  handshakes_displaced += other.handshakes_displaced;
  turns_exceeded += other.turns_exceeded;
  admission += other.admission;
  trains_sent += other.trains_sent;
  careful_resumes += other.careful_resumes;
  careful_resume_retreats += other.careful_resume_retreats;
  return *this;
}

}  // namespace hawser::quic
